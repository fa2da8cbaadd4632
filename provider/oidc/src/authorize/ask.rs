//! Checks of an authorization request: what does the client ask for, and may it?

use super::{
    ResponseMode,
    checks::Incoming,
    request::{Named, Request},
};
use crate::{
    claims,
    claims_request::ClaimsRequest,
    error::{ErrorCode, ProtocolError},
    jws::Jws,
    logout,
    machine::{self, Bound},
};
use madoguchi_domain::client::{ResponseType, SigningAlgorithm};
use serde_json::Value;
use std::time::Duration;

type Checked = Result<(), ProtocolError>;

const fn invalid(what: &'static str) -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidRequest, what)
}

/// `response_mode`: query, fragment or form_post, each plain or signed (OAuth 2.0 Multiple Response Types §2.1, Form Post
/// Response Mode, JARM §2.3). Tokens never travel in a query.
pub(super) fn response_mode(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let response_type = incoming.params.get("response_type").and_then(ResponseType::parse);
    let tokens = response_type.is_some_and(ResponseType::is_front_channel);
    let default = if tokens { ResponseMode::Fragment } else { ResponseMode::Query };
    request.mode = default;
    let (mode, signed) = match incoming.params.get("response_mode") {
        None => (default, false),
        Some("query") => (ResponseMode::Query, false),
        Some("fragment") => (ResponseMode::Fragment, false),
        Some("form_post") => (ResponseMode::FormPost, false),
        Some("jwt") => (default, true),
        Some("query.jwt") => (ResponseMode::Query, true),
        Some("fragment.jwt") => (ResponseMode::Fragment, true),
        Some("form_post.jwt") => (ResponseMode::FormPost, true),
        Some(_) => return Err(invalid("response_mode is not one that is supported")),
    };
    // A client whose responses are signed gets every answer signed, this error too.
    request.signed_response = signed || request.client.metadata.signs_messages();
    if request.signed_response && !signed {
        return Err(invalid("response_mode must be one of the signed ones"));
    }
    if tokens && mode == ResponseMode::Query {
        return Err(invalid("tokens do not travel in a query"));
    }
    request.mode = mode;
    Ok(())
}

/// No parameter twice, none too long (RFC 6749 §3.1).
pub(super) fn parameters_once(incoming: &Incoming<'_>, _: &mut Request) -> Checked {
    incoming.params.check()
}

/// A pushed request is itself what a `request_uri` names (RFC 9126 §2.1).
pub(super) fn no_request_uri(incoming: &Incoming<'_>, _: &mut Request) -> Checked {
    match incoming.params.get("request_uri") {
        None => Ok(()),
        Some(_) => Err(invalid("request_uri does not belong into a pushed request")),
    }
}

/// The client signed it, where it is registered so (RFC 9101 §10.5).
pub(super) fn signed(_: &Incoming<'_>, request: &mut Request) -> Checked {
    if request.client.metadata.must_sign() && !request.signed {
        return Err(invalid("this client has to sign its requests"));
    }
    Ok(())
}

/// The request was pushed, where the client is registered so (RFC 9126 §4).
pub(super) fn pushed(_: &Incoming<'_>, request: &mut Request) -> Checked {
    if request.client.metadata.must_push() && request.pushed.is_none() {
        return Err(invalid("this client has to push its requests"));
    }
    Ok(())
}

/// `response_type` is one that the tenant allows and the client is registered for.
pub(super) fn response_type(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let text = incoming.params.get("response_type").ok_or(invalid("response_type is missing"))?;
    let allowed = |asked: &ResponseType| !asked.is_front_channel() || incoming.tenant.tokens().implicit_and_hybrid;
    let Some(asked) = ResponseType::parse(text).filter(allowed) else {
        return Err(ProtocolError::new(ErrorCode::UnsupportedResponseType, "response_type is not supported"));
    };
    if !request.client.metadata.response_types.iter().any(|r| ResponseType::parse(r) == Some(asked)) {
        return Err(ProtocolError::new(ErrorCode::UnauthorizedClient, "response_type is not registered"));
    }
    request.response_type = asked;
    Ok(())
}

/// The client may use codes, and tokens in the response, at all (Dynamic Client Registration §2).
pub(super) fn grant_type(_: &Incoming<'_>, request: &mut Request) -> Checked {
    let registered = |grant: &str| request.client.metadata.grant_types.iter().any(|g| g == grant);
    let asked = request.response_type;
    if (asked.code && !registered("authorization_code")) || (asked.is_front_channel() && !registered("implicit")) {
        return Err(ProtocolError::new(ErrorCode::UnauthorizedClient, "the grant type is not registered"));
    }
    Ok(())
}

/// PKCE with S256 for everybody but confidential clients registered otherwise; a challenge that comes is checked for
/// all (RFC 7636 §4.3, RFC 9700 §2.1.1). Without a code there is nothing to protect.
pub(super) fn pkce(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    if !request.response_type.code {
        return Ok(());
    }
    let required = request.client.metadata.must_use_pkce();
    match (incoming.params.get("code_challenge"), incoming.params.get("code_challenge_method")) {
        (None, None) if !required => Ok(()),
        (None, None) => Err(invalid("code_challenge is required")),
        (None, Some(_)) => Err(invalid("code_challenge_method without code_challenge")),
        (Some(_), None | Some("plain")) => Err(invalid("code_challenge_method must be S256")),
        (Some(challenge), Some("S256")) => {
            let shaped =
                challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            if shaped { Ok(()) } else { Err(invalid("code_challenge must be 43 base64url characters")) }
        }
        (Some(_), Some(_)) => Err(invalid("code_challenge_method must be S256")),
    }
}

/// The scope, negotiated by the grant machine: what the tenant knows and the client is registered for. Without
/// `openid` it is a plain OAuth 2.0 request: no ID token, no userinfo.
pub(super) fn scope(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let metadata = &request.client.metadata;
    let registered = |scope: &str| metadata.scope.as_deref().is_none_or(|all| all.split(' ').any(|s| s == scope));
    let allowed: Vec<&str> = claims::scopes(&incoming.tenant.config).filter(|name| registered(name)).collect();
    let bound = Bound {
        client_id: &metadata.client_id,
        redirect_uri: &request.redirect_uri,
        allowed: &allowed,
        require_pkce: request.response_type.code && metadata.must_use_pkce(),
    };
    let negotiated = machine::negotiate(incoming.params, &bound)?;
    request.scope = negotiated.scope;
    request.code_challenge = negotiated.code_challenge;
    Ok(())
}

/// `nonce` is kept byte for byte for the ID token. One that travels through the browser needs it, and the scope that
/// asks for ID tokens (OpenID Connect Core §3.2.2.1).
pub(super) fn nonce(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    request.nonce = incoming.params.get("nonce").map(str::to_owned);
    if request.response_type.id_token {
        if request.nonce.is_none() {
            return Err(invalid("nonce is missing"));
        }
        if !request.scope.split(' ').any(|s| s == "openid") {
            return Err(ProtocolError::new(ErrorCode::InvalidScope, "an ID token needs the scope openid"));
        }
    }
    Ok(())
}

/// `prompt`: known values, and `none` alone.
pub(super) fn prompt(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let words = incoming.params.get("prompt").unwrap_or_default();
    for word in words.split(' ').filter(|w| !w.is_empty()) {
        match word {
            "none" => request.prompt.none = true,
            "login" => request.prompt.login = true,
            "consent" => request.prompt.consent = true,
            "select_account" => request.prompt.select_account = true,
            _ => return Err(invalid("prompt has a value that is not known")),
        }
    }
    let p = request.prompt;
    if p.none && (p.login || p.consent || p.select_account) {
        return Err(invalid("prompt=none stands alone"));
    }
    Ok(())
}

/// `offline_access` counts only for a client that may refresh, and only when consent is asked for or the client is the
/// institution's own, and the response brings a code (OpenID Connect Core §11); otherwise it is ignored.
pub(super) fn offline_access(_: &Incoming<'_>, request: &mut Request) -> Checked {
    let metadata = &request.client.metadata;
    let may_refresh = request.response_type.code && metadata.grant_types.iter().any(|g| g == "refresh_token");
    if !(may_refresh && (request.prompt.consent || metadata.first_party)) {
        let kept: Vec<&str> = request.scope.split(' ').filter(|s| *s != "offline_access").collect();
        request.scope = kept.join(" ");
    }
    if request.scope.is_empty() {
        return Err(ProtocolError::new(ErrorCode::InvalidScope, "offline_access alone asks for nothing"));
    }
    Ok(())
}

/// `max_age` in seconds, the client's default when absent.
pub(super) fn max_age(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    request.max_age = match incoming.params.get("max_age") {
        None => request.client.metadata.default_max_age.map(Duration::from_secs),
        Some(text) => {
            let digits = text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
            let seconds = text.parse().ok().filter(|_| digits);
            Some(Duration::from_secs(seconds.ok_or(invalid("max_age must be a number of seconds"))?))
        }
    };
    Ok(())
}

/// The `claims` parameter (OpenID Connect Core §5.5).
pub(super) fn claims(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let Some(text) = incoming.params.get("claims") else { return Ok(()) };
    request.claims = ClaimsRequest::parse(text)?;
    if incoming.tenant.config.settings.assurance.trust_framework.is_none() {
        request.claims.forget_verified();
    }
    request.claims_text = Some(text.to_owned());
    if let Some(wanted) = request.claims.wanted("sub") {
        match wanted.values().as_slice() {
            [] => {}
            [Value::String(sub)] => {
                let client_id = request.client.metadata.client_id.clone();
                request.named.push(Named { client_id, sub: sub.clone() });
            }
            _ => return Err(invalid("claims: sub must be one text")),
        }
    }
    Ok(())
}

/// Which authentication is asked for: essential through `claims` (§5.5.1.1), voluntary through `acr_values` or the
/// client's default.
pub(super) fn acr_values(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let texts = |values: Vec<&Value>| values.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(wanted) = request.claims.wanted("acr") {
        request.acr_values = texts(wanted.values());
        request.acr_essential = wanted.essential && !request.acr_values.is_empty();
    }
    if request.acr_values.is_empty() {
        request.acr_values = match incoming.params.get("acr_values") {
            Some(values) => values.split(' ').filter(|v| !v.is_empty()).map(str::to_owned).collect(),
            None => request.client.metadata.default_acr_values.clone(),
        };
    }
    Ok(())
}

/// `id_token_hint`: one of our own ID tokens, expired or not, for this client or another. Its signature is verified with
/// all keys that are still published; nothing else is believed.
pub(super) fn id_token_hint(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    let Some(hint) = incoming.params.get("id_token_hint") else { return Ok(()) };
    let bad = || invalid("id_token_hint is not an ID token of this provider");
    let claims = Jws::parse(hint)
        .and_then(|jws| jws.verify(&incoming.ring.verification, &SigningAlgorithm::ALL, &["JWT"]))
        .map_err(|_| bad())?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&*incoming.tenant.issuer) {
        return Err(bad());
    }
    let issued = claims.get("iat").and_then(Value::as_i64).ok_or_else(bad)?;
    if issued > incoming.now.seconds() + 60 {
        return Err(bad());
    }
    let (client_id, sub) = (logout::only_audience(&claims).ok_or_else(bad)?, text("sub").ok_or_else(bad)?);
    if request.named.iter().any(|other| other.client_id == client_id && other.sub != sub) {
        return Err(invalid("id_token_hint and claims name different persons"));
    }
    request.named.push(Named { client_id: client_id.to_owned(), sub: sub.to_owned() });
    Ok(())
}

/// `login_hint` and `ui_locales`, for the pages.
pub(super) fn hints(incoming: &Incoming<'_>, request: &mut Request) -> Checked {
    request.login_hint = incoming.params.get("login_hint").map(str::to_owned);
    let locales = incoming.params.get("ui_locales").unwrap_or_default();
    request.ui_locales = locales.split(' ').filter(|l| !l.is_empty()).take(16).map(str::to_owned).collect();
    Ok(())
}
