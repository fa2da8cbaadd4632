//! Who is asking.

use super::{RelyingParty, Session, SignInError, cookies, pages::see_other};
use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts, OriginalUri},
    http::{HeaderMap, Method, Uri, request::Parts},
    response::Response,
};
use madoguchi_domain::{Timestamp, TokenHash};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;

/// Somebody who is logged in: an extractor. Where nobody is, the browser is sent to log in and comes back to the page
/// it asked for; ask for an `Option<SignedIn>` to serve both.
#[derive(Clone)]
pub struct SignedIn {
    pub(super) session: Arc<Session>,
    pub(super) key: TokenHash,
}

impl SignedIn {
    /// Who: the provider's `sub`, the same for ever. The key for the app's own records.
    pub fn subject(&self) -> &str {
        &self.session.subject
    }

    /// A claim, from the ID token or else from the UserInfo endpoint.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.session.claims.get(name).or_else(|| self.session.userinfo.get(name))
    }

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claim(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A claim in one of these languages or scripts (OpenID Connect Core 1.0 §5.2), the first that there is, else
    /// untagged: `text_in("name", &["ja-Hani-JP", "ja"])`.
    pub fn text_in(&self, name: &str, languages: &[&str]) -> Option<&str> {
        languages.iter().find_map(|language| self.text(&format!("{name}#{language}"))).or_else(|| self.text(name))
    }

    /// A claim that is a list of texts; one text is a list of one, nothing is an empty list.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.claim(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        }
    }

    /// All claims of the ID token.
    pub fn id_token_claims(&self) -> &Map<String, Value> {
        &self.session.claims
    }

    /// All claims of the UserInfo endpoint; empty when it was not asked.
    pub fn userinfo_claims(&self) -> &Map<String, Value> {
        &self.session.userinfo
    }

    /// When the session ends if nothing more is asked.
    pub fn expires_at(&self) -> Timestamp {
        self.session.expires_at()
    }

    /// A value for a hidden field of a form of this name, to tell the app's own forms from another site's.
    pub fn form_token(&self, form: &str) -> String {
        self.session.form_token(form)
    }

    /// Whether `presented` is this session's [`SignedIn::form_token`] for the form.
    pub fn is_form_token(&self, form: &str, presented: &str) -> bool {
        self.session.form_token(form).as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SignedIn").field(&self.session.subject).finish()
    }
}

/// A session is written back when it was last seen longer ago than this; a write for each request would be waste.
const TOUCH: Duration = Duration::from_secs(30);

impl RelyingParty {
    /// Who is logged in with the browser that sent these headers; renews the idle time.
    ///
    /// # Errors
    /// [`SignInError::SessionsUnavailable`].
    pub async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<SignedIn>, SignInError> {
        let stored = |error: super::SessionStoreError| SignInError::SessionsUnavailable(error.0);
        let Some(cookie) = cookies::get(headers, &self.0.cookies.session()).filter(|cookie| !cookie.is_empty()) else {
            return Ok(None);
        };
        let key = TokenHash::of(cookie.as_bytes());
        let Some(session) = self.0.sessions.get(&key).await.map_err(stored)? else { return Ok(None) };
        let now = self.now();
        if session.expires_at() <= now {
            self.0.sessions.remove(&key).await.map_err(stored)?;
            return Ok(None);
        }
        if now.since(session.seen_at) >= TOUCH.min(self.0.idle / 2) {
            let touched = Session { seen_at: now, expires_at: now + self.0.idle, ..(*session).clone() };
            self.0.sessions.put(&key, touched.clone(), now).await.map_err(stored)?;
            return Ok(Some(SignedIn { session: Arc::new(touched), key }));
        }
        Ok(Some(SignedIn { session, key }))
    }

    /// Sends the browser to log in and back to where it was; a POST goes back to the page its form stood on.
    fn to_login(&self, parts: &Parts) -> Response {
        let uri: &Uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let next = if parts.method == Method::GET || parts.method == Method::HEAD {
            uri.path_and_query().map(|path| path.as_str().to_owned())
        } else {
            let page = parts.headers.get(axum::http::header::REFERER).and_then(|page| page.to_str().ok());
            page.and_then(|page| super::target::local(page, &self.0.origin))
        };
        see_other(&self.login_path(&next.unwrap_or_else(|| self.home())))
    }
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    RelyingParty: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let rp = RelyingParty::from_ref(state);
        match rp.signed_in(&parts.headers).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(rp.to_login(parts)),
            Err(error) => Err(rp.error_page(&error, &parts.headers)),
        }
    }
}

impl<S> OptionalFromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    RelyingParty: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Response> {
        let rp = RelyingParty::from_ref(state);
        rp.signed_in(&parts.headers).await.map_err(|error| rp.error_page(&error, &parts.headers))
    }
}
