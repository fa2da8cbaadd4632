//! The rules of a client's metadata: the same for a tenant's file, the command line and a registration endpoint.

use super::{ApplicationType, ClientAuthentication, ClientMetadata, ClientProblem, ResponseType, SubjectType};
use url::{Host, Url};

/// Members that may have a language tag (`client_name#ja`; Dynamic Client Registration §2.1), and whether they are URLs.
const TAGGED: &[(&str, bool)] =
    &[("client_name", false), ("client_uri", true), ("logo_uri", true), ("policy_uri", true), ("tos_uri", true)];

/// Schemes that a native application may not claim for itself: they belong to everybody.
const SHARED_SCHEMES: &[&str] = &[
    "javascript",
    "data",
    "file",
    "blob",
    "about",
    "vbscript",
    "mailto",
    "tel",
    "sms",
    "ftp",
    "ws",
    "wss",
    "intent",
    "view-source",
];

/// Everything that is wrong with a client's metadata; nothing when it may be registered. An absent `client_id` is no fault:
/// registration makes one.
pub fn validate(client: &ClientMetadata) -> Vec<ClientProblem> {
    let mut problems = Vec::new();
    let mut wrong = |member: String, message: String| problems.push(ClientProblem { member, message });

    if !client.client_id.is_empty()
        && (client.client_id.len() > 255 || !client.client_id.chars().all(|c| c.is_ascii_graphic() && c != ':'))
    {
        wrong("client_id".into(), "expected at most 255 visible ASCII characters without a colon".into());
    }
    if has_control(&client.client_name) || client.client_name.chars().count() > 200 {
        wrong("client_name".into(), "expected at most 200 characters without control characters".into());
    }
    tagged(client, &mut wrong);

    if client.redirect_uris.is_empty()
        && client.grant_types.iter().any(|g| g == "authorization_code" || g == "implicit")
    {
        wrong(
            "redirect_uris".into(),
            "expected at least one redirect URI for the grant types authorization_code and implicit".into(),
        );
    }
    for (member, uris) in
        [("redirect_uris", &client.redirect_uris), ("post_logout_redirect_uris", &client.post_logout_redirect_uris)]
    {
        for (index, uri) in uris.iter().enumerate() {
            if let Err(message) = redirect_uri(uri, client.application_type) {
                wrong(format!("{member}[{index}]"), message);
            } else if uris.iter().take(index).any(|earlier| earlier == uri) {
                wrong(format!("{member}[{index}]"), format!("{uri} stands here twice"));
            }
        }
    }

    for (index, grant) in client.grant_types.iter().enumerate() {
        if !matches!(grant.as_str(), "authorization_code" | "refresh_token" | "implicit") {
            wrong(
                format!("grant_types[{index}]"),
                format!("expected authorization_code, refresh_token or implicit, found {grant:?}"),
            );
        }
    }
    for (index, response) in client.response_types.iter().enumerate() {
        let member = format!("response_types[{index}]");
        match ResponseType::parse(response) {
            None => {
                let known = ResponseType::ALL.map(ResponseType::as_str).join(", ");
                wrong(member, format!("expected one of {known}; found {response:?}"));
            }
            Some(known) if known.is_front_channel() && !client.grant_types.iter().any(|g| g == "implicit") => {
                let message = format!("{response:?} needs the grant type implicit (Dynamic Client Registration §2)");
                wrong(member, message);
            }
            Some(_) => {}
        }
    }
    if let Some(scope) = &client.scope {
        let token = |s: &str| s.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
        if !scope.split(' ').all(|s| !s.is_empty() && token(s)) {
            wrong("scope".into(), "expected scopes separated by single spaces (RFC 6749 §3.3)".into());
        } else if !scope.split(' ').any(|s| s == "openid") {
            wrong("scope".into(), "expected openid among the scopes".into());
        }
    }

    authentication(client, &mut wrong);
    sector(client, &mut wrong);
    request_objects(client, &mut wrong);
    profile(client, &mut wrong);
    logouts(client, &mut wrong);
    for (member, uri) in [
        ("initiate_login_uri", &client.initiate_login_uri),
        ("client_uri", &client.client_uri),
        ("logo_uri", &client.logo_uri),
        ("policy_uri", &client.policy_uri),
        ("tos_uri", &client.tos_uri),
        ("jwks_uri", &client.jwks_uri),
    ] {
        if let Some(message) = uri.as_ref().and_then(|u| web_url(u).err()) {
            wrong(member.into(), message);
        }
    }
    for (index, contact) in client.contacts.iter().enumerate() {
        if crate::EmailAddress::parse(contact).is_err() && Url::parse(contact).is_err() {
            wrong(format!("contacts[{index}]"), format!("expected a mail address or URL, found {contact:?}"));
        }
    }
    for (index, acr) in client.default_acr_values.iter().enumerate() {
        if crate::session::Acr::from_value(acr).is_none() {
            let known: Vec<_> = crate::session::Acr::ALL.iter().map(|a| a.as_str()).collect();
            wrong(
                format!("default_acr_values[{index}]"),
                format!("expected one of {}, found {acr:?}", known.join(", ")),
            );
        }
    }
    problems
}

fn tagged(client: &ClientMetadata, wrong: &mut impl FnMut(String, String)) {
    for (member, value) in &client.tagged {
        let known = member.split_once('#').and_then(|(name, tag)| {
            tag.parse::<crate::Locale>().ok()?;
            TAGGED.iter().find(|(known, _)| *known == name)
        });
        match known {
            None => wrong(member.clone(), format!("unknown member {member:?}")),
            Some((_, false)) if has_control(value) => {
                wrong(member.clone(), "control characters are not allowed".into())
            }
            Some((_, true)) => match Url::parse(value) {
                Err(error) => wrong(member.clone(), format!("expected a URL, found {value:?}: {error}")),
                Ok(url) => {
                    if let Err(message) = web_url(&url) {
                        wrong(member.clone(), message);
                    }
                }
            },
            Some((_, false)) => {}
        }
    }
}

fn authentication(client: &ClientMetadata, wrong: &mut impl FnMut(String, String)) {
    if client.jwks.is_some() && client.jwks_uri.is_some() {
        wrong("jwks_uri".into(), "expected jwks or jwks_uri, not both (Dynamic Client Registration §2)".into());
    }
    if let Some(jwks) = &client.jwks {
        let keys = jwks.get("keys").and_then(|k| k.as_array());
        if keys.is_none_or(|k| k.is_empty() || !k.iter().all(serde_json::Value::is_object)) {
            wrong("jwks".into(), "expected a key set: { \"keys\": [ … ] } with at least one key (RFC 7517 §5)".into());
        }
        let private =
            |key: &serde_json::Value| ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|m| key.get(m).is_some());
        if keys.is_some_and(|k| k.iter().any(private)) {
            wrong("jwks".into(), "expected public keys only; a private or symmetric key stands here".into());
        }
    }
    match client.token_endpoint_auth_method {
        ClientAuthentication::PrivateKeyJwt => {
            if client.jwks.is_none() && client.jwks_uri.is_none() {
                wrong("token_endpoint_auth_method".into(), "private_key_jwt needs jwks or jwks_uri".into());
            }
        }
        ClientAuthentication::None => {
            if !client.require_pkce {
                wrong("require_pkce".into(), "a public client always uses PKCE (RFC 9700 §2.1.1)".into());
            }
        }
        ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => {}
    }
}

/// Pairwise subjects need one sector (OpenID Connect Core §8.1).
fn sector(client: &ClientMetadata, wrong: &mut impl FnMut(String, String)) {
    if client.sector_identifier_uri.as_ref().is_some_and(|uri| uri.scheme() != "https" || web_url(uri).is_err()) {
        wrong("sector_identifier_uri".into(), "expected an https URL without user name and fragment".into());
    }
    if client.subject_type == SubjectType::Pairwise && client.sector_identifier_uri.is_none() {
        let hosts: std::collections::BTreeSet<Option<String>> = client
            .redirect_uris
            .iter()
            .map(|uri| Url::parse(uri).ok().and_then(|uri| uri.host_str().map(str::to_owned)))
            .collect();
        if hosts.len() != 1 || hosts.contains(&None) {
            let message = "redirect URIs of several hosts, or of none, need one (OpenID Connect Core §8.1)";
            wrong("sector_identifier_uri".into(), message.into());
        }
    }
}

/// Request objects are verified with the client's keys, and fetched from https URLs that it named before.
fn request_objects(client: &ClientMetadata, wrong: &mut impl FnMut(String, String)) {
    let has_keys = client.jwks.is_some() || client.jwks_uri.is_some();
    for (member, set) in [
        ("request_object_signing_alg", client.request_object_signing_alg.is_some()),
        ("require_signed_request_object", client.require_signed_request_object),
        ("request_uris", !client.request_uris.is_empty()),
    ] {
        if set && !has_keys {
            wrong(member.into(), format!("{member} needs jwks or jwks_uri"));
        }
    }
    for (index, uri) in client.request_uris.iter().enumerate() {
        let https = Url::parse(uri).is_ok_and(|url| {
            url.scheme() == "https" && url.host_str().is_some() && url.username().is_empty() && url.password().is_none()
        });
        if !https || uri.len() > 512 || !uri.chars().all(|c| c.is_ascii_graphic()) {
            wrong(
                format!("request_uris[{index}]"),
                "expected an https URL of at most 512 characters without user name (RFC 9101 §5.2)".into(),
            );
        }
    }
}

/// What a security profile demands and metadata can break (FAPI 2.0 Security Profile §5.3.2, §5.4.1).
fn profile(client: &ClientMetadata, wrong: &mut impl FnMut(String, String)) {
    let Some(profile) = client.security_profile else { return };
    match client.token_endpoint_auth_method {
        ClientAuthentication::PrivateKeyJwt => {}
        ClientAuthentication::ClientSecretBasic
        | ClientAuthentication::ClientSecretPost
        | ClientAuthentication::None => {
            wrong("token_endpoint_auth_method".into(), "the security profile needs private_key_jwt".into());
        }
    }
    if !client.require_pkce {
        wrong("require_pkce".into(), "the security profile needs PKCE".into());
    }
    if client.response_types.iter().any(|r| r != "code") {
        wrong("response_types".into(), "the security profile knows code alone".into());
    }
    for (index, uri) in client.redirect_uris.iter().enumerate() {
        if uri.starts_with("http:") && client.application_type == ApplicationType::Web {
            wrong(format!("redirect_uris[{index}]"), "the security profile needs https".into());
        }
    }
    let mut algorithms = vec![
        ("id_token_signed_response_alg", Some(client.id_token_signed_response_alg)),
        ("request_object_signing_alg", client.request_object_signing_alg),
    ];
    if profile.signs_messages() {
        algorithms.push(("authorization_signed_response_alg", Some(client.authorization_signed_response_alg)));
        algorithms.push(("introspection_signed_response_alg", Some(client.introspection_signed_response_alg)));
    }
    for (member, algorithm) in algorithms {
        if algorithm.is_some_and(|a| !client.may_sign_with().contains(&a)) {
            wrong(member.into(), "the security profile needs PS256, ES256 or EdDSA".into());
        }
    }
}

/// Back-Channel Logout §2.2, Front-Channel Logout §2.
fn logouts(client: &ClientMetadata, wrong: &mut impl FnMut(String, String)) {
    if client.backchannel_logout_uri.as_ref().is_some_and(|uri| uri.scheme() != "https" || web_url(uri).is_err()) {
        wrong("backchannel_logout_uri".into(), "expected an https URL without user name and fragment".into());
    }
    let Some(page) = &client.frontchannel_logout_uri else { return };
    if let Err(message) = web_url(page) {
        wrong("frontchannel_logout_uri".into(), message);
    } else if !client
        .redirect_uris
        .iter()
        .filter_map(|uri| Url::parse(uri).ok())
        .any(|uri| uri.origin() == page.origin())
    {
        wrong("frontchannel_logout_uri".into(), "expected scheme, host and port of a redirect URI".into());
    }
}

/// An exact redirect URI: absolute, without fragment, userinfo, wildcard, control characters, dot segments; https, or http
/// on loopback, or a private-use scheme of a native application (RFC 8252 §7, RFC 9700 §4.1).
fn redirect_uri(uri: &str, application: ApplicationType) -> Result<(), String> {
    if uri.is_empty() || uri.len() > 2_000 {
        return Err("expected an absolute URI of at most 2000 characters".into());
    }
    if let Some(c) = uri.chars().find(|c| !c.is_ascii_graphic() || "\\\"<>^`{|}".contains(*c)) {
        return Err(format!("{c:?} is not allowed in a redirect URI"));
    }
    if uri.contains('*') {
        return Err("wildcards are not allowed; register each URI".into());
    }
    if uri.contains('#') {
        return Err("a fragment is not allowed".into());
    }
    let url = Url::parse(uri).map_err(|e| format!("expected an absolute URI, found {uri:?}: {e}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password is not allowed".into());
    }
    let path = uri.split('?').next().unwrap_or_default().to_ascii_lowercase();
    if path.split('/').any(|s| matches!(s, ".." | "." | "%2e%2e" | ".%2e" | "%2e." | "%2e")) {
        return Err("the path segments . and .. are not allowed".into());
    }
    match url.scheme() {
        "https" if url.host_str().is_some_and(|h| !h.is_empty()) => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("expected https; http is for localhost and loopback addresses only".into()),
        "https" => Err("expected a host".into()),
        scheme if SHARED_SCHEMES.contains(&scheme) => Err(format!("the scheme {scheme} is not allowed")),
        scheme => match application {
            ApplicationType::Native if scheme.contains('.') => Ok(()),
            ApplicationType::Native => Err(format!(
                "expected a private-use scheme made from a domain name, such as jp.ac.example.app; found {scheme} (RFC 8252 §7.1)"
            )),
            ApplicationType::Web => {
                Err(format!("expected https, found {scheme}; private-use schemes are for native applications"))
            }
        },
    }
}

/// A URL that people's browsers or we ourselves open: https, or http on loopback; no user name, no fragment.
fn web_url(url: &Url) -> Result<(), String> {
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err("expected https; http is for localhost and loopback addresses only".into()),
        other => return Err(format!("expected https, found {other}")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password is not allowed".into());
    }
    if url.fragment().is_some() {
        return Err("a fragment is not allowed".into());
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(crate::japan::fold::is_hidden)
}

#[cfg(test)]
mod tests;
