//! Client authentication, one place for all endpoints (RFC 6749 §2.3, RFC 7523, OpenID Connect Core §9): exactly one
//! method, and it is the registered one.

use super::token::Refusal;
use crate::{
    ErrorCode, Oidc, Params, TenantView,
    error::ProtocolError,
    jws::{Jws, numeric_date},
    params::decode,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use madoguchi_domain::{
    Secret, TokenHash,
    client::{Client, ClientAuthentication, ClientMetadata},
    one_time::{OneTime, Purpose},
};
use madoguchi_store::StoreError;
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use subtle::ConstantTimeEq;

/// The longest life of an assertion that is accepted.
const LONGEST_ASSERTION: i64 = 5 * 60;
/// How much clocks may differ, in seconds.
const SKEW: i64 = 60;
/// The one type of assertion (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request offers to prove who it is.
enum Offered<'a> {
    Basic { client_id: String, secret: Secret },
    Post { client_id: &'a str, secret: &'a str },
    Assertion { client_id: Option<&'a str>, assertion: &'a str },
    Nothing { client_id: &'a str },
}

fn invalid_client() -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidClient, "client authentication failed")
}

fn invalid_request(what: &'static str) -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidRequest, what)
}

impl Oidc {
    /// The client that made this request, proven by its registered method.
    pub(super) async fn authenticate_client(
        &self,
        tenant: &TenantView,
        authorization: &[&[u8]],
        params: &Params,
    ) -> Result<Arc<Client>, Refusal> {
        let offered = offered(authorization, params)?;
        let client_id = match &offered {
            Offered::Basic { client_id, .. } => client_id.clone(),
            Offered::Post { client_id, .. } | Offered::Nothing { client_id } => (*client_id).to_owned(),
            Offered::Assertion { client_id, assertion } => {
                let jws = Jws::parse(assertion).map_err(|_| invalid_client())?;
                let subject = jws.unverified("sub").ok_or_else(invalid_client)?;
                if client_id.is_some_and(|id| id != subject) {
                    return Err(invalid_client().into());
                }
                subject.to_owned()
            }
        };
        let client = self.client(tenant, &client_id).await?.ok_or_else(invalid_client)?;
        use ClientAuthentication as Method;
        match (client.metadata.token_endpoint_auth_method, offered) {
            (Method::ClientSecretBasic, Offered::Basic { secret, .. }) => check_secret(&client, secret.expose())?,
            (Method::ClientSecretPost, Offered::Post { secret, .. }) => check_secret(&client, secret)?,
            (Method::PrivateKeyJwt, Offered::Assertion { assertion, .. }) => {
                self.check_assertion(tenant, &client, assertion).await?;
            }
            (Method::None, Offered::Nothing { .. }) => {}
            (
                Method::ClientSecretBasic | Method::ClientSecretPost | Method::PrivateKeyJwt | Method::None,
                Offered::Basic { .. } | Offered::Post { .. } | Offered::Assertion { .. } | Offered::Nothing { .. },
            ) => return Err(invalid_client().into()),
        }
        Ok(client)
    }

    /// RFC 7523 §3: issued by and about the client, for us, short-lived, used once.
    async fn check_assertion(&self, tenant: &TenantView, client: &Client, assertion: &str) -> Result<(), Refusal> {
        let types = ["JWT", "client-authentication+jwt"];
        let claims =
            self.signed_by(client, assertion, client.metadata.may_sign_with(), &types).await.map_err(|error| {
                tracing::debug!(client = %client.metadata.client_id, %error, "a client's assertion was refused");
                invalid_client()
            })?;
        let now = self.0.clock.now();
        let (jti, expires) =
            assertion_claims(&claims, &client.metadata, tenant, now.seconds()).ok_or_else(invalid_client)?;
        let key = format!("{}\n{jti}", client.metadata.client_id);
        let used = OneTime {
            purpose: Purpose::ClientAssertion,
            token_hash: TokenHash::of(key.as_bytes()),
            subject: client.metadata.client_id.clone(),
            payload: Value::Null,
            created_at: now,
            expires_at: madoguchi_domain::Timestamp(expires) + Duration::from_secs(SKEW.unsigned_abs()),
            consumed_at: None,
            revoked_at: None,
        };
        match self.0.database.tenant(tenant.slug()).one_time().insert(&used).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict) => Err(invalid_client().into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is offered: the header, the body's secret, an assertion, or the bare identifier. Two at once are refused; a
/// `client_id` beside them must say the same.
fn offered<'a>(authorization: &[&[u8]], params: &'a Params) -> Result<Offered<'a>, ProtocolError> {
    let in_body = params.get("client_id");
    let secret = params.get("client_secret");
    let assertion = params.get("client_assertion");
    let assertion_type = params.get("client_assertion_type");
    let header = match authorization {
        [] => None,
        [one] => Some(*one),
        _ => return Err(invalid_request("more than one Authorization header")),
    };
    let methods = [header.is_some(), secret.is_some(), assertion.is_some() || assertion_type.is_some()];
    if methods.into_iter().filter(|used| *used).count() > 1 {
        return Err(invalid_request("more than one way of client authentication"));
    }
    if let Some(header) = header {
        let (client_id, secret) = basic(header).ok_or_else(invalid_client)?;
        if in_body.is_some_and(|id| id != client_id) {
            return Err(invalid_request("client_id differs from the Authorization header"));
        }
        return Ok(Offered::Basic { client_id, secret });
    }
    match (secret, assertion, in_body) {
        (Some(secret), _, Some(client_id)) => Ok(Offered::Post { client_id, secret }),
        (None, Some(assertion), client_id) if assertion_type == Some(JWT_BEARER) => {
            Ok(Offered::Assertion { client_id, assertion })
        }
        (None, None, Some(client_id)) if assertion_type.is_none() => Ok(Offered::Nothing { client_id }),
        _ => Err(invalid_client()),
    }
}

/// RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined and put into base64.
fn basic(header: &[u8]) -> Option<(String, Secret)> {
    let header = std::str::from_utf8(header).ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(credentials.trim()).ok()?);
    let colon = decoded.iter().position(|b| *b == b':')?;
    let (client_id, secret) = (decoded.get(..colon)?, decoded.get(colon + 1..)?);
    Some((decode(client_id)?, Secret::new(decode(secret)?)))
}

fn check_secret(client: &Client, presented: &str) -> Result<(), ProtocolError> {
    let stored = client.secret_hash.as_ref().ok_or_else(invalid_client)?;
    let presented = TokenHash::of(presented.as_bytes());
    if bool::from(stored.as_str().as_bytes().ct_eq(presented.as_str().as_bytes())) {
        Ok(())
    } else {
        Err(invalid_client())
    }
}

/// `jti` and `exp` of an assertion whose claims are as they have to be.
fn assertion_claims<'a>(
    claims: &'a Map<String, Value>,
    client: &ClientMetadata,
    tenant: &TenantView,
    now: i64,
) -> Option<(&'a str, i64)> {
    let client_id = client.client_id.as_str();
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).map(numeric_date);
    let for_us =
        |aud: &str| aud == &*tenant.issuer || ["/token", "/par"].iter().any(|path| aud == tenant.endpoint(path));
    // Under a profile only the issuer itself (FAPI 2.0 Security Profile §5.3.2.1); RFC 9126 §2 has the URLs accepted.
    let strict = client.security_profile.is_some();
    let audience = match claims.get("aud")? {
        Value::String(aud) if strict => aud == &*tenant.issuer,
        Value::Array(_) if strict => false,
        Value::String(aud) => for_us(aud),
        Value::Array(all) => matches!(all.as_slice(), [Value::String(aud)] if for_us(aud)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    let expires = time("exp")??;
    let not_later = |name: &str| match time(name) {
        None => true,
        Some(at) => at.is_some_and(|at| at <= now + SKEW),
    };
    let in_time = expires > now - SKEW && expires <= now + LONGEST_ASSERTION + SKEW;
    let about_itself = text("iss") == Some(client_id) && text("sub") == Some(client_id);
    let jti = text("jti").filter(|jti| (1..=256).contains(&jti.len()))?;
    (audience && in_time && not_later("iat") && not_later("nbf") && about_itself).then_some((jti, expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let (id, secret) = basic(&encoded("my%3Aclient:a%25b%3Ac+d")).unwrap();
        assert_eq!((id.as_str(), secret.expose()), ("my:client", "a%b:c d"));
        let (_, secret) = basic(&encoded("id:with:colon")).unwrap();
        assert_eq!(secret.expose(), "with:colon");
        for bad in [&b"Basic"[..], b"Basic !!!", b"Bearer abc", b"Basic aWQ=", b"Basic \xff"] {
            assert!(basic(bad).is_none());
        }
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        let header = encoded("c:s");
        let post = Params::from_pairs([("client_id", "c"), ("client_secret", "s")]);
        let error = |authorization: &[&[u8]], params: &Params| offered(authorization, params).map(|_| ()).unwrap_err();
        assert_eq!(error(&[&header], &post).code, ErrorCode::InvalidRequest);
        assert_eq!(error(&[&header, &header], &Params::default()).code, ErrorCode::InvalidRequest);
        let other = Params::from_pairs([("client_id", "other")]);
        assert_eq!(error(&[&header], &other).code, ErrorCode::InvalidRequest);
        let both = Params::from_pairs([
            ("client_id", "c"),
            ("client_secret", "s"),
            ("client_assertion", "x"),
            ("client_assertion_type", JWT_BEARER),
        ]);
        assert_eq!(error(&[], &both).code, ErrorCode::InvalidRequest);
        assert_eq!(error(&[], &Params::default()).code, ErrorCode::InvalidClient);
    }
}
