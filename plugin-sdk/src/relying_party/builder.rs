//! How a [`RelyingParty`] is configured.

use super::{
    Inner, MemorySessions, Pages, RelyingParty, SessionStore,
    clock::MachineClock,
    cookies::Cookies,
    http::{HttpClient, HttpError, Network},
    pages::PlainPages,
    provider::Provider,
};
use madoguchi_domain::{Clock, Secret};
use openidconnect::{ClientId, ClientSecret, IssuerUrl, RedirectUrl, Scope};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use url::{Host, Url};

/// Collects what a [`RelyingParty`] needs. Only [`Builder::redirect_uri`] must be called; a confidential client also
/// gives its [`Builder::secret`].
pub struct Builder {
    issuer: String,
    client_id: String,
    secret: Option<Secret>,
    redirect_uri: Option<String>,
    scopes: Vec<String>,
    required_acr: Vec<String>,
    max_age: Option<Duration>,
    parameters: Vec<(String, String)>,
    userinfo: bool,
    idle: Duration,
    lifetime: Duration,
    plain_http: bool,
    extra_ca: Option<Vec<u8>>,
    clock: Arc<dyn Clock>,
    http: Option<Arc<dyn HttpClient>>,
    sessions: Arc<dyn SessionStore>,
    pages: Arc<dyn Pages>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer is not an http(s) URL without query and fragment.
    #[error("the issuer {0:?} is not an https URL")]
    Issuer(String),
    /// No redirect URI, or one that is no http(s) URL whose path ends in `/callback`.
    #[error("the redirect URI {0:?} is not a URL ending in /callback")]
    RedirectUri(String),
    /// Plain http to another machine: see [`Builder::allow_plain_http`].
    #[error("{0} is neither on https nor on this machine")]
    PlainHttp(String),
    /// The HTTP client: for instance, certificates that cannot be read.
    #[error("the HTTP client: {0}")]
    Http(#[from] HttpError),
}

impl Builder {
    pub(super) fn new(issuer: String, client_id: String) -> Self {
        Self {
            issuer,
            client_id,
            secret: None,
            redirect_uri: None,
            scopes: Vec::new(),
            required_acr: Vec::new(),
            max_age: None,
            parameters: Vec::new(),
            userinfo: true,
            idle: Duration::from_secs(30 * 60),
            lifetime: Duration::from_secs(12 * 3600),
            plain_http: false,
            extra_ca: None,
            clock: Arc::new(MachineClock),
            http: None,
            sessions: Arc::new(MemorySessions::default()),
            pages: Arc::new(PlainPages),
        }
    }

    /// The client secret. Without one the app is a public client.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(Secret::new(secret)).filter(|secret| !secret.is_empty());
        self
    }

    /// Where the provider sends the browser back to: the app's public URL and `/callback`, as it is registered.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Scopes besides `openid`, in place of earlier ones.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).filter(|scope: &String| scope != "openid").collect();
        self
    }

    /// Asks for one of these kinds of authentication (`acr_values`), and takes no other.
    pub fn require_acr<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.required_acr = values.into_iter().map(Into::into).collect();
        self
    }

    /// Asks that the person authenticated no longer ago than this, and holds the provider to it.
    pub fn max_age(mut self, most: Duration) -> Self {
        self.max_age = Some(most);
        self
    }

    /// A further parameter of the authorization request, such as `claims`.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Does not ask the UserInfo endpoint: everything the app needs is in the ID token.
    pub fn without_userinfo(mut self) -> Self {
        self.userinfo = false;
        self
    }

    /// How long a session lives without a request (30 minutes), and how long at most (12 hours).
    pub fn session_limits(mut self, idle: Duration, lifetime: Duration) -> Self {
        (self.idle, self.lifetime) = (idle, lifetime);
        self
    }

    /// Keeps sessions elsewhere than in memory.
    pub fn sessions(mut self, store: impl SessionStore) -> Self {
        self.sessions = Arc::new(store);
        self
    }

    /// Gives the pages of login and logout the app's own look.
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages = Arc::new(pages);
        self
    }

    /// Trusts these certificates besides the usual ones, PEM: for a provider with a certificate of one's own authority.
    pub fn extra_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_ca = Some(pem.into());
        self
    }

    /// Sends requests through another client than reqwest; [`Builder::extra_ca`] is then that client's business.
    pub fn http_client(mut self, client: impl HttpClient) -> Self {
        self.http = Some(Arc::new(client));
        self
    }

    /// Takes the time from this clock: for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Allows http to other machines. Only for a network that nobody else reaches: over it, everybody can read the
    /// client secret and every token.
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Checks all that can be checked without the provider, which is not asked before the first login.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<RelyingParty, BuildError> {
        let issuer = web_url(&self.issuer)
            .filter(|url| url.query().is_none() && url.fragment().is_none())
            .and_then(|_| IssuerUrl::new(self.issuer.clone()).ok())
            .ok_or_else(|| BuildError::Issuer(self.issuer.clone()))?;
        let redirect = self.redirect_uri.unwrap_or_default();
        let callback = web_url(&redirect)
            .filter(|url| url.path().ends_with("/callback") && url.query().is_none() && url.fragment().is_none())
            .ok_or_else(|| BuildError::RedirectUri(redirect.clone()))?;
        for url in [issuer.url(), &callback] {
            if !self.plain_http && url.scheme() != "https" && !is_this_machine(url) {
                return Err(BuildError::PlainHttp(url.to_string()));
            }
        }
        let base = callback.path().strip_suffix("/callback").unwrap_or_default().to_owned();
        let mut post_logout = callback.clone();
        post_logout.set_path(&format!("{base}/logged-out"));
        let mut origin = callback.clone();
        origin.set_path("/");
        let http = match self.http {
            Some(http) => http,
            None => Arc::new(Network::new(self.extra_ca.as_deref())?),
        };
        Ok(RelyingParty(Arc::new(Inner {
            cookies: Cookies::new(&self.client_id, callback.scheme() == "https"),
            client_id: ClientId::new(self.client_id),
            secret: self.secret.map(|secret| ClientSecret::new(secret.expose().to_owned())),
            redirect_uri: RedirectUrl::new(redirect.clone()).map_err(|_| BuildError::RedirectUri(redirect))?,
            post_logout_redirect_uri: post_logout,
            origin,
            base,
            scopes: self.scopes.into_iter().map(Scope::new).collect(),
            required_acr: self.required_acr,
            max_age: self.max_age,
            parameters: self.parameters,
            userinfo: self.userinfo,
            idle: self.idle,
            lifetime: self.lifetime,
            provider: Provider::new(issuer, http.clone(), self.clock.clone()),
            clock: self.clock,
            http,
            sessions: self.sessions,
            pages: self.pages,
            renewing: Mutex::default(),
        })))
    }
}

fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(issuer: &str, redirect: &str) -> Result<RelyingParty, BuildError> {
        RelyingParty::builder(issuer, "app").secret("s3cret-value").redirect_uri(redirect).build()
    }

    #[test]
    fn a_wrong_configuration_is_refused_before_anybody_logs_in() {
        assert!(build("https://id.example.jp/t/a", "https://app.example.jp/x/callback").is_ok());
        assert!(build("http://localhost:8080/t/a", "http://127.0.0.1:8090/callback").is_ok());
        assert!(matches!(build("id.example.jp", "https://a.jp/callback"), Err(BuildError::Issuer(_))));
        assert!(matches!(build("https://id.example.jp/?x", "https://a.jp/callback"), Err(BuildError::Issuer(_))));
        assert!(matches!(build("https://id.jp", "https://a.jp/back"), Err(BuildError::RedirectUri(_))));
        assert!(matches!(build("http://id.jp", "https://a.jp/callback"), Err(BuildError::PlainHttp(_))));
        assert!(matches!(build("https://id.jp", "http://a.jp/callback"), Err(BuildError::PlainHttp(_))));
    }

    #[test]
    fn the_secret_stays_out_of_debug() {
        let builder =
            RelyingParty::builder("https://id.jp", "app").secret("s3cret-value").redirect_uri("https://a.jp/callback");
        let shown = format!("{builder:?}");
        let shown = format!("{shown} {:?}", builder.build());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
