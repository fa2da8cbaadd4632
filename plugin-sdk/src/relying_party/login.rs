//! `/login` and `/callback`: to the provider and back.

use super::{RelyingParty, Session, SignInError, cookies, opaque, pages::see_other, session::Hidden, target};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::TokenHash;
use openidconnect::{
    AuthenticationContextClass, AuthenticationFlow, CsrfToken, LanguageTag, LoginHint, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, core::CoreResponseType,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;

/// More logins than this under way in one browser are forgotten: a cookie each adds up.
const MOST_ATTEMPTS: usize = 4;

/// What a login needs when it comes back; kept in the browser that started it.
#[derive(Serialize, Deserialize)]
struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

pub(super) async fn start_by_link(
    State(rp): State<RelyingParty>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    start(&rp, query.as_deref().unwrap_or_default(), &headers).await
}

/// OpenID Connect Core 1.0 §4 lets whoever starts the login use POST.
pub(super) async fn start_by_form(State(rp): State<RelyingParty>, headers: HeaderMap, body: String) -> Response {
    start(&rp, &body, &headers).await
}

async fn start(rp: &RelyingParty, parameters: &str, headers: &HeaderMap) -> Response {
    match begin(rp, parameters, headers).await {
        Ok(response) => response,
        Err(error) => rp.error_page(&error, headers),
    }
}

async fn begin(rp: &RelyingParty, parameters: &str, headers: &HeaderMap) -> Result<Response, SignInError> {
    let mut asked = once_each(parameters).ok_or(SignInError::InvalidRequest("a parameter stands there twice"))?;
    if asked.get("iss").is_some_and(|issuer| issuer != rp.issuer()) {
        return Err(SignInError::InvalidRequest("iss names another provider"));
    }
    let next = match asked.remove("target_link_uri").or_else(|| asked.remove("next")) {
        Some(wanted) => target::local(&wanted, &rp.0.origin)
            .ok_or(SignInError::InvalidRequest("the target lies outside this app"))?,
        None => rp.home(),
    };
    // A login that ends at the login page would never end.
    let own = ["/login", "/callback", "/logout", "/logged-out"].map(|page| format!("{}{page}", rp.0.base));
    let path = next.split('?').next().unwrap_or_default();
    let next = if own.iter().any(|page| page == path) { rp.home() } else { next };

    let known = rp.0.provider.known().await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let client = rp.client(&known);
    let mut request = client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            || CsrfToken::new(opaque()),
            || Nonce::new(opaque()),
        )
        .add_scopes(rp.0.scopes.iter().cloned())
        .set_pkce_challenge(challenge);
    if let Some(hint) = asked.remove("login_hint") {
        request = request.set_login_hint(LoginHint::new(hint));
    }
    let locales = asked.remove("ui_locales").or_else(|| rp.0.pages.ui_locales(headers)).unwrap_or_default();
    for locale in locales.split(' ').filter(|locale| !locale.is_empty()).take(5) {
        request = request.add_ui_locale(LanguageTag::new(locale.to_owned()));
    }
    for acr in &rp.0.required_acr {
        request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
    }
    if let Some(most) = rp.0.max_age {
        request = request.set_max_age(most);
    }
    for (name, value) in &rp.0.parameters {
        request = request.add_extra_param(name.as_str(), value.as_str());
    }
    let (url, state, nonce) = request.url();

    let attempt =
        Attempt { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret(), next };
    let jar = &rp.0.cookies;
    let mut response = see_other(url.as_str());
    let packed = serde_json::to_vec(&attempt).map(|json| URL_SAFE_NO_PAD.encode(json)).unwrap_or_default();
    add(&mut response, jar.set(&jar.attempt(&attempt.state), &packed, Some(cookies::ATTEMPT_SECONDS)));
    for old in jar.attempts(headers).iter().skip(MOST_ATTEMPTS - 1) {
        add(&mut response, jar.clear(old));
    }
    Ok(response)
}

pub(super) async fn callback(
    State(rp): State<RelyingParty>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = once_each(query.as_deref().unwrap_or_default());
    let state = answer.as_ref().and_then(|answer| answer.get("state")).cloned().unwrap_or_default();
    let mut response = match answer {
        Some(answer) => match finish(&rp, answer, &headers).await {
            Ok(response) => response,
            Err(error) => rp.error_page(&error, &headers),
        },
        None => rp.error_page(&SignInError::InvalidAnswer("a parameter stands there twice".into()), &headers),
    };
    // Whatever came of it, this login is over. Only the name that its own state gives is touched.
    if !state.is_empty() {
        add(&mut response, rp.0.cookies.clear(&rp.0.cookies.attempt(&state)));
    }
    response
}

async fn finish(
    rp: &RelyingParty,
    mut answer: BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<Response, SignInError> {
    let state = answer.remove("state").ok_or(SignInError::Expired)?;
    let attempt = cookies::get(headers, &rp.0.cookies.attempt(&state))
        .and_then(|packed| URL_SAFE_NO_PAD.decode(packed).ok())
        .and_then(|json| serde_json::from_slice::<Attempt>(&json).ok())
        .filter(|attempt| bool::from(attempt.state.as_bytes().ct_eq(state.as_bytes())))
        .ok_or(SignInError::Expired)?;

    let known = rp.0.provider.known().await?;
    // RFC 9207 §2.4: before anything else, and for error responses too.
    let announced = known.metadata.additional_metadata().authorization_response_iss_parameter_supported == Some(true);
    match answer.get("iss") {
        Some(issuer) if issuer != rp.issuer() => {
            return Err(SignInError::InvalidAnswer("the response came from another issuer".into()));
        }
        None if announced => return Err(SignInError::InvalidAnswer("the response does not name its issuer".into())),
        Some(_) | None => {}
    }
    if let Some(error) = answer.remove("error") {
        // The code is the only part of an error that has a fixed vocabulary (RFC 6749 §4.1.2.1).
        let shaped = error.len() <= 60 && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return Err(match error.as_str() {
            "access_denied" => SignInError::Denied,
            _ if shaped => SignInError::Refused(error),
            _ => SignInError::Refused("unknown".into()),
        });
    }
    let code = answer.remove("code").ok_or_else(|| SignInError::InvalidAnswer("neither code nor error".into()))?;

    let tokens = rp.redeem(&known, code, attempt.verifier).await?;
    let nonce = Nonce::new(attempt.nonce);
    let verified = rp.verified(known.clone(), &tokens, Some(&nonce)).await?;
    let userinfo = rp.userinfo(&known, tokens.access_token(), &verified.subject).await?;

    let now = rp.now();
    let session = Session {
        subject: verified.subject,
        claims: verified.claims,
        userinfo,
        id_token: Hidden(verified.id_token),
        access_token: Hidden(tokens.access_token().secret().clone()),
        refresh_token: tokens.refresh_token().map(|token| Hidden(token.secret().clone())),
        access_token_expires_at: tokens.expires_in().map(|span| now + span),
        form_key: Hidden(opaque()),
        seen_at: now,
        expires_at: now + rp.0.idle,
        ends_at: now + rp.0.lifetime,
    };
    // A new name for the session at each login: what the browser brought before is worth nothing afterwards.
    let cookie = opaque();
    let stored = |error: super::SessionStoreError| SignInError::SessionsUnavailable(error.0);
    if let Some(old) = cookies::get(headers, &rp.0.cookies.session()) {
        rp.0.sessions.remove(&TokenHash::of(old.as_bytes())).await.map_err(stored)?;
    }
    rp.0.sessions.put(&TokenHash::of(cookie.as_bytes()), session, now).await.map_err(stored)?;

    // The cookie is the browser's own, so its target is checked again.
    let next = target::local(&attempt.next, &rp.0.origin).unwrap_or_else(|| rp.home());
    let mut response = see_other(&next);
    add(&mut response, rp.0.cookies.set(&rp.0.cookies.session(), &cookie, None));
    Ok(response)
}

/// The parameters, `None` when one is repeated (RFC 6749 §3.1). Empty ones count as absent.
pub(super) fn once_each(query: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        if found.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(found)
}

pub(super) fn add(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
