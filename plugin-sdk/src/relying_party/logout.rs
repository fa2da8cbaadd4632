//! `/logout` and `/logged-out`: here first, then at the provider (OpenID Connect RP-Initiated Logout 1.0).

use super::{
    Page, RelyingParty, cookies,
    login::{add, once_each},
    opaque,
    pages::see_other,
};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use madoguchi_domain::TokenHash;
use openidconnect::{CsrfToken, EndSessionUrl, LanguageTag, LogoutRequest, PostLogoutRedirectUrl, core::CoreIdToken};
use std::str::FromStr;

/// A link must not log anybody out: it asks.
pub(super) async fn ask(State(rp): State<RelyingParty>, headers: HeaderMap) -> Response {
    rp.page(&Page::ConfirmLogout, &headers)
}

pub(super) async fn leave(State(rp): State<RelyingParty>, headers: HeaderMap) -> Response {
    if !rp.is_own_form(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookies = &rp.0.cookies;
    let mut session = None;
    if let Some(cookie) = cookies::get(&headers, &cookies.session()) {
        let key = TokenHash::of(cookie.as_bytes());
        session = rp.0.sessions.get(&key).await.ok().flatten();
        if let Err(error) = rp.0.sessions.remove(&key).await {
            tracing::error!(reason = %error, "a session could not be ended");
            return rp.error_page(&super::SignInError::SessionsUnavailable(error.0), &headers);
        }
    }
    let state = opaque();
    let to_provider = match &session {
        Some(session) => rp.end_session_url(&session.id_token.0, &state, &headers).await,
        None => None,
    };
    let mut response = see_other(&to_provider.clone().unwrap_or_else(|| format!("{}/logged-out", rp.0.base)));
    add(&mut response, cookies.clear(&cookies.session()));
    if to_provider.is_some() {
        add(&mut response, cookies.set(&cookies.logout(), &state, Some(600)));
    }
    response
}

pub(super) async fn done(State(rp): State<RelyingParty>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let cookie = rp.0.cookies.logout();
    let expected = cookies::get(&headers, &cookie);
    let state = once_each(query.as_deref().unwrap_or_default()).and_then(|mut query| query.remove("state"));
    let at_provider = expected.is_some() && state.as_deref() == expected;
    let mut response = rp.page(&Page::LoggedOut { at_provider }, &headers);
    if expected.is_some() {
        add(&mut response, rp.0.cookies.clear(&cookie));
    }
    response
}

impl RelyingParty {
    /// Where the browser goes to log out at the provider; `None` when it has no such endpoint or cannot be reached.
    async fn end_session_url(&self, id_token: &str, state: &str, headers: &HeaderMap) -> Option<String> {
        let known = self.0.provider.known().await.ok()?;
        let endpoint = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        let mut request = LogoutRequest::from(EndSessionUrl::from_url(endpoint))
            .set_client_id(self.0.client_id.clone())
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::from_url(self.0.post_logout_redirect_uri.clone()))
            .set_state(CsrfToken::new(state.to_owned()));
        if let Ok(id_token) = CoreIdToken::from_str(id_token) {
            request = request.set_id_token_hint(&id_token);
        }
        for locale in self.0.pages.ui_locales(headers).unwrap_or_default().split(' ').filter(|l| !l.is_empty()) {
            request = request.add_ui_locale(LanguageTag::new(locale.to_owned()));
        }
        Some(request.http_get_url().into())
    }

    /// Whether a POST comes from a page of this app. Apps on one host share cookies, and SameSite does not part ports.
    pub(super) fn is_own_form(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
        match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
            (Some(site), _) => site == "same-origin" || site == "none",
            (None, Some(origin)) => origin == self.0.origin.origin().ascii_serialization(),
            // Neither: not a browser of this decade, or no browser at all; SameSite=Lax remains.
            (None, None) => true,
        }
    }
}
