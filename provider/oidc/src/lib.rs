//! OAuth 2.0 and OpenID Connect: what a request means, and what is answered.
//!
//! The web crate reads requests and writes answers; this crate decides. It knows nothing of axum and of pages: the
//! authorization endpoint returns an [`AuthorizeOutcome`], the others a [`Reply`]. Time, randomness, the vault and
//! the way out to other hosts are given to [`Oidc::new`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod authorize;
mod claims;
mod claims_request;
mod error;
mod jws;
mod machine;
mod params;
mod reply;
mod tenant;

pub use authorize::{
    Answer, AuthorizeOutcome, AuthorizeResponse, Display, Interact, LoginReason, Need, ResponseMode,
};
pub use error::{ErrorCode, OidcError, PageError, PageReason, ProtocolError};
pub use params::Params;
pub use reply::Reply;
pub use tenant::{AuthSession, TenantView};

use madoguchi_domain::{Clock, Entropy, TenantSlug, Timestamp, Token, TokenHash, client::Client, client::SigningAlgorithm};
use std::sync::Arc;

/// The protocol's side of the provider. Cheap to clone; one for each provider.
#[derive(Clone)]
pub struct Oidc {
    inner: Arc<Parts>,
}

/// What [`Oidc`] is built from.
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A request to the token or userinfo endpoint.
#[derive(Debug, Default)]
pub struct EndpointRequest<'a> {
    /// Values of all `Authorization` headers, as they came.
    pub authorization: Vec<&'a [u8]>,
    /// The URL's query, raw; must be empty.
    pub query: Option<&'a str>,
    /// The form in the body, where it is one (`application/x-www-form-urlencoded`).
    pub body: Option<&'a [u8]>,
    /// The address that the request came from, for the audit log.
    pub source_ip: Option<String>,
}

/// A parked authorization request.
#[derive(Debug, Clone)]
pub struct PendingInteraction {
    /// For the page.
    pub display: Display,
    /// Whether somebody must sign in who is not the one signed in now.
    pub created_at: Timestamp,
}

/// What a logout request comes to.
#[derive(Debug)]
pub enum LogoutOutcome {
    /// Ask the person; the form posts `fields` and its `button#logout` back to this endpoint, then call with `confirmed`.
    Confirm {
        /// Who asks, when known.
        client: Option<Arc<Client>>,
        /// Hidden inputs of the form.
        fields: Vec<(String, String)>,
    },
    /// End the session (if there is one), then do this.
    End(AfterLogout),
}

/// Where a finished logout leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterLogout {
    /// 303 to a registered URI.
    Redirect(String),
    /// The page that says so.
    LoggedOut,
}

/// A signing key as told to operators.
#[derive(Debug, Clone)]
pub struct KeyReport {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Algorithm.
    pub algorithm: SigningAlgorithm,
    /// Whether it signs.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on a retired one is no longer published.
    pub remove_after: Option<Timestamp>,
}

/// A client just registered.
#[derive(Debug)]
pub struct Registered {
    /// What is stored.
    pub client: Arc<Client>,
    /// The secret, where it was made here or given; shown once.
    pub secret: Option<madoguchi_domain::Secret>,
}

#[allow(unused_variables, clippy::unused_async, missing_docs)]
impl Oidc {
    /// One from its parts.
    pub fn new(parts: Parts) -> Self {
        Self { inner: Arc::new(parts) }
    }
    /// The authorization endpoint, GET and POST. `browser` is the hash of the browser cookie's value.
    pub async fn authorize(
        &self,
        tenant: &TenantView,
        request: &Params,
        browser: &TokenHash,
        session: Option<AuthSession<'_>>,
    ) -> Result<AuthorizeOutcome, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// A parked request of this browser, for the login and registration pages; `None` when unknown, finished, too old or another browser's.
    pub async fn interaction(
        &self,
        tenant: &TenantView,
        flow: &Token,
        browser: &TokenHash,
    ) -> Result<Option<PendingInteraction>, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// Goes on with a parked request, after login or with an answer.
    pub async fn resume(
        &self,
        tenant: &TenantView,
        flow: &Token,
        browser: &TokenHash,
        session: Option<AuthSession<'_>>,
        answer: Option<Answer>,
    ) -> Result<AuthorizeOutcome, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// POST token.
    pub async fn token(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        Reply::json(500, &())
    }
    /// GET and POST userinfo.
    pub async fn userinfo(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        Reply::json(500, &())
    }
    /// GET jwks.
    pub async fn jwks(&self, tenant: &TenantView) -> Result<Reply, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// GET .well-known/openid-configuration and oauth-authorization-server (the same document serves both).
    pub async fn discovery(&self, tenant: &TenantView) -> Result<Reply, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// GET and POST end-session. `confirmed`: the person pressed the button on the page that `Confirm` asked for.
    pub async fn logout(
        &self,
        tenant: &TenantView,
        request: &Params,
        session: Option<AuthSession<'_>>,
        confirmed: bool,
    ) -> Result<LogoutOutcome, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// Makes the keys that a tenant lacks; returns whether any was made. Slow (RSA): call at start and after `tenant apply`.
    pub async fn ensure_keys(&self, tenant: &TenantView) -> Result<bool, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// New active keys; the old ones stay published until their tokens have expired.
    pub async fn rotate_keys(&self, tenant: &TenantView) -> Result<Vec<KeyReport>, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// The keys of a tenant.
    pub async fn keys(&self, tenant: &TenantView) -> Result<Vec<KeyReport>, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// Registers or replaces a client from RFC 7591 metadata; `client_id` and `client_secret` in it are kept.
    pub async fn register_client(&self, tenant: &TenantSlug, metadata: serde_json::Value) -> Result<Registered, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
    /// A registered client.
    pub async fn client(&self, tenant: &TenantView, client_id: &str) -> Result<Option<Arc<Client>>, OidcError> {
        Err(OidcError::Corrupt(String::new()))
    }
}
