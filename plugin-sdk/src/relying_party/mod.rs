//! Logging people in with Madoguchi, or any OpenID Provider, from an axum app.
//!
//! A [`RelyingParty`] brings four routes, `/login`, `/callback`, `/logout` and `/logged-out`, and an extractor,
//! [`SignedIn`]: a handler that asks for one is only reached by somebody who has logged in; everybody else is sent to
//! the provider and comes back to the page they wanted.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use madoguchi_plugin_sdk::relying_party::{RelyingParty, SignedIn};
//!
//! async fn home(user: Option<SignedIn>) -> String {
//!     match user {
//!         Some(user) => format!("Hello, {}", user.text("name").unwrap_or("you")),
//!         None => "Hello. Log in at /login".to_owned(),
//!     }
//! }
//!
//! async fn orders(user: SignedIn) -> String {
//!     format!("The orders of {}", user.subject())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let login = RelyingParty::builder("https://id.example.ac.jp/t/certificate", "certificate-app")
//!     .secret("a secret that comes from your configuration")
//!     .redirect_uri("https://orders.example.ac.jp/callback")
//!     .scopes(["profile", "email"])
//!     .build()?;
//!
//! let app = Router::new()
//!     .route("/", get(home))
//!     .route("/orders", get(orders))
//!     .merge(login.routes())
//!     .with_state(login);
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8090").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What happens underneath, so that the app need not know:
//!
//! * authorization code flow with PKCE S256, `state` bound to the browser, `nonce`, and the `iss` of the response
//!   (RFC 9207) held against the issuer that was asked (OpenID Connect Core 1.0 §3.1);
//! * the ID token verified with ES256, ES384, PS256, RS256 or EdDSA, as far as the provider announces them; `at_hash`,
//!   `azp`, `aud`, `exp`, `iat` checked; keys fetched again, not too often, when a token names one that is unknown;
//! * discovery on first use, tried again with growing pauses: the provider may start after the app;
//! * sessions on the server behind an opaque cookie, with idle and absolute time limits ([`SessionStore`]);
//! * login started by somebody else (OpenID Connect Core 1.0 §4): register `{public_url}/login` as `initiate_login_uri`;
//! * logout at the provider too (OpenID Connect RP-Initiated Logout 1.0);
//! * access tokens renewed before they run out, once however many requests ask ([`RelyingParty::access_token`]).

mod builder;
mod clock;
mod cookies;
mod error;
mod extract;
mod http;
mod login;
mod logout;
mod pages;
mod provider;
mod refresh;
mod session;
mod target;
mod tokens;

pub use builder::{BuildError, Builder};
pub use error::SignInError;
pub use extract::SignedIn;
pub use http::{HttpClient, HttpError, HttpRequest, HttpResponse};
pub use pages::{Page, Pages, escape};
pub use refresh::RefreshError;
pub use session::{MemorySessions, Session, SessionStore, SessionStoreError};

use axum::{Router, response::Response, routing::get};
use madoguchi_domain::{Clock, Timestamp, TokenHash};
use openidconnect::{ClientId, ClientSecret, CsrfToken, RedirectUrl, Scope};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};
use url::Url;

/// An app's side of OpenID Connect. Cheap to clone; one for each provider the app logs in with.
#[derive(Clone)]
pub struct RelyingParty(Arc<Inner>);

struct Inner {
    client_id: ClientId,
    secret: Option<ClientSecret>,
    redirect_uri: RedirectUrl,
    post_logout_redirect_uri: Url,
    /// The app's own origin, `https://orders.example.ac.jp`.
    origin: Url,
    /// Where the four routes stand: empty, or `/app`.
    base: String,
    scopes: Vec<Scope>,
    required_acr: Vec<String>,
    max_age: Option<Duration>,
    parameters: Vec<(String, String)>,
    userinfo: bool,
    idle: Duration,
    lifetime: Duration,
    cookies: cookies::Cookies,
    clock: Arc<dyn Clock>,
    http: Arc<dyn HttpClient>,
    sessions: Arc<dyn SessionStore>,
    pages: Arc<dyn Pages>,
    provider: provider::Provider,
    /// One lock for each session whose access token is being renewed.
    renewing: Mutex<HashMap<TokenHash, Weak<tokio::sync::Mutex<()>>>>,
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelyingParty")
            .field("issuer", &self.issuer())
            .field("client_id", &self.0.client_id.as_str())
            .finish_non_exhaustive()
    }
}

impl RelyingParty {
    /// Begins with the two names that the provider knows: its own issuer identifier, exactly as it announces it, and
    /// the app's client identifier.
    pub fn builder(issuer: impl Into<String>, client_id: impl Into<String>) -> Builder {
        Builder::new(issuer.into(), client_id.into())
    }

    /// The provider's issuer identifier.
    pub fn issuer(&self) -> &str {
        self.0.provider.issuer()
    }

    /// The four routes, for any app's state. Nest them where the redirect URI says they are: an app whose redirect URI
    /// is `https://example.ac.jp/orders/callback` nests them, or itself, under `/orders`.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route("/login", get(login::start_by_link).post(login::start_by_form))
            .route("/callback", get(login::callback))
            .route("/logout", get(logout::ask).post(logout::leave))
            .route("/logged-out", get(logout::done))
            .with_state(self.clone())
    }

    /// Where a link that logs in leads: `next` is a path of this app to come back to.
    pub fn login_path(&self, next: &str) -> String {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        format!("{}/login?{query}", self.0.base)
    }

    /// `wanted` as a path of this app, if it is one: for redirects whose target comes from a form.
    pub fn local_target(&self, wanted: &str) -> Option<String> {
        target::local(wanted, &self.0.origin)
    }

    /// The time, by the clock it was built with.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The app's first page.
    fn home(&self) -> String {
        format!("{}/", self.0.base)
    }

    fn page(&self, page: &Page<'_>, headers: &axum::http::HeaderMap) -> Response {
        pages::finish(self.0.pages.render(page, headers, &self.home()))
    }
}

/// A fresh 256-bit value in 43 base64url characters.
fn opaque() -> String {
    CsrfToken::new_random_len(32).into_secret()
}
