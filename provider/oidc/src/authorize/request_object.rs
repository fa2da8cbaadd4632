//! Request objects: an authorization request as a JWT that the client signed (RFC 9101, OpenID Connect Core §6), by value
//! in `request` or by reference in `request_uri`.
//!
//! What is inside counts, nothing outside does; `client_id` and `response_type` must say the same where they stand in
//! both. Objects without a signature are not supported.

use super::checks::Endpoint;
use crate::{
    ErrorCode, Oidc, Params, TenantView,
    error::ProtocolError,
    jws::{self, Jws, JwsError},
};
use madoguchi_domain::client::{Client, SigningAlgorithm};
use serde_json::{Map, Value};
use url::Url;

/// How far clocks may differ, in seconds.
const SKEW: i64 = 60;
/// How old an object of a security profile may be, and how long good, in seconds.
const HOUR: i64 = 3600;
/// Types that say what the JWT is for (RFC 9101 §10.8), and the one of those who do not say.
const TYPES: &[&str] = &["oauth-authz-req+jwt", "JWT"];
/// Claims of the JWT itself; they are no parameters.
const OF_THE_JWT: &[&str] = &["iss", "aud", "exp", "nbf", "iat", "jti"];

const fn invalid(what: &'static str) -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidRequestObject, what)
}

/// Whether a request comes as an object, by value or by reference.
pub(super) fn is_there(params: &Params) -> bool {
    params.get("request").is_some() || params.get("request_uri").is_some()
}

impl Oidc {
    /// The parameters of the object that came with `outside`.
    pub(super) async fn open(
        &self,
        tenant: &TenantView,
        client: &Client,
        outside: &Params,
        endpoint: Endpoint,
    ) -> Result<Params, ProtocolError> {
        outside.check()?;
        let fetched;
        let object = match (outside.get("request"), outside.get("request_uri")) {
            (Some(object), None) => object,
            (None, Some(uri)) => {
                fetched = self.fetch_object(client, uri).await?;
                &fetched
            }
            (Some(_), Some(_)) | (None, None) => {
                let what = "either request or request_uri, not both";
                return Err(ProtocolError::new(ErrorCode::InvalidRequest, what));
            }
        };
        if Jws::parse(object).is_ok_and(|jws| jws.is_unsigned()) {
            return Err(unsigned(outside, endpoint));
        }
        let allowed = allowed(client);
        let claims = self.signed_by(client, object, &allowed, TYPES).await.map_err(|error| {
            tracing::debug!(client = %client.metadata.client_id, %error, "a request object was refused");
            match error {
                JwsError::Malformed => invalid("the request object is not a JWT"),
                JwsError::Header => invalid("the request object's alg or typ is not allowed"),
                JwsError::UnknownKey | JwsError::Signature => invalid("the request object's signature is not good"),
            }
        })?;
        addressed(&claims, tenant, client)?;
        in_time(&claims, self.0.clock.now().seconds())?;
        if client.metadata.security_profile.is_some() {
            short_lived(&claims, self.0.clock.now().seconds())?;
        }
        inside(&claims, outside, client)
    }

    /// What a registered `request_uri` refers to (OpenID Connect Core §6.2). Only what is registered is fetched.
    async fn fetch_object(&self, client: &Client, uri: &str) -> Result<String, ProtocolError> {
        let wrong = |what| ProtocolError::new(ErrorCode::InvalidRequestUri, what);
        let bare = uri.split_once('#').map_or(uri, |(bare, _)| bare);
        let is_registered = client.metadata.request_uris.iter().any(|r| r == uri || r == bare);
        let url = Url::parse(bare).ok().filter(|_| is_registered).ok_or(wrong("request_uri is not registered"))?;
        let body = self.0.outbound.get(&url).await.map_err(|error| {
            tracing::warn!(client = %client.metadata.client_id, %error, "a request object could not be fetched");
            wrong("request_uri could not be fetched")
        })?;
        String::from_utf8(body)
            .map(|text| text.trim().to_owned())
            .map_err(|_| wrong("request_uri has no request object"))
    }
}

/// Objects without a signature are not supported, and said so in the words of the endpoint: those of OpenID Connect Core
/// §3.1.2.6 where a browser brings them, that of RFC 9126 §3 where the client pushes them.
fn unsigned(outside: &Params, endpoint: Endpoint) -> ProtocolError {
    let what = "request objects without a signature are not supported";
    match endpoint {
        Endpoint::Pushed => invalid(what),
        Endpoint::Authorization if outside.get("request").is_some() => {
            ProtocolError::new(ErrorCode::RequestNotSupported, what)
        }
        Endpoint::Authorization => ProtocolError::new(ErrorCode::RequestUriNotSupported, what),
    }
}

/// What this client may sign requests with.
fn allowed(client: &Client) -> Vec<SigningAlgorithm> {
    let may = client.metadata.may_sign_with().iter().copied();
    may.filter(|a| client.metadata.request_object_signing_alg.is_none_or(|registered| registered == *a)).collect()
}

/// From this client, for us, and no assertion of the client put to another use (RFC 9101 §4, §10.8).
fn addressed(claims: &Map<String, Value>, tenant: &TenantView, client: &Client) -> Result<(), ProtocolError> {
    let client_id = client.metadata.client_id.as_str();
    if claims.get("iss").is_some_and(|iss| iss != client_id) {
        return Err(invalid("iss is not the client"));
    }
    if claims.get("sub").is_some_and(|sub| sub == client_id) {
        return Err(invalid("a request object has no client as its sub"));
    }
    let issuer = &*tenant.issuer;
    match claims.get("aud") {
        None => Ok(()),
        Some(Value::String(aud)) if aud == issuer => Ok(()),
        Some(Value::Array(all)) if all.iter().any(|aud| aud == issuer) => Ok(()),
        Some(_) => Err(invalid("aud is not this issuer")),
    }
}

/// Good now (RFC 7519 §4.1.4 to §4.1.6).
fn in_time(claims: &Map<String, Value>, now: i64) -> Result<(), ProtocolError> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => jws::numeric_date(value).map(Some).ok_or(invalid("a time is not a number")),
    };
    if time("exp")?.is_some_and(|exp| exp <= now) {
        return Err(invalid("the request object has expired"));
    }
    if time("nbf")?.is_some_and(|nbf| nbf > now + SKEW) || time("iat")?.is_some_and(|iat| iat > now + SKEW) {
        return Err(invalid("the request object is of the future"));
    }
    Ok(())
}

/// What a security profile demands on top: for us, of this hour, and for an hour at most (FAPI 2.0 Message Signing §5.3.1).
fn short_lived(claims: &Map<String, Value>, now: i64) -> Result<(), ProtocolError> {
    let time = |name: &str| claims.get(name).and_then(jws::numeric_date);
    match (claims.get("aud"), time("nbf"), time("exp")) {
        (Some(_), Some(nbf), Some(exp)) if nbf >= now - HOUR && exp <= nbf.saturating_add(HOUR) => Ok(()),
        _ => Err(invalid("aud, nbf of the last hour and exp within an hour of it are needed")),
    }
}

/// The claims as parameters. Text stands as it is, all else as JSON.
fn inside(claims: &Map<String, Value>, outside: &Params, client: &Client) -> Result<Params, ProtocolError> {
    if ["request", "request_uri"].iter().any(|name| claims.contains_key(*name)) {
        return Err(invalid("a request object has no other inside"));
    }
    let client_id = client.metadata.client_id.as_str();
    if claims.get("client_id").is_some_and(|id| id != client_id) {
        return Err(invalid("client_id is another one inside"));
    }
    if let (Some(inside), Some(outside)) = (claims.get("response_type"), outside.get("response_type"))
        && inside != outside
    {
        return Err(invalid("response_type is another one inside"));
    }
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    };
    let parameters = claims.iter().filter(|(name, _)| !OF_THE_JWT.contains(&name.as_str()));
    let params = Params::from_pairs(parameters.filter_map(|(name, value)| Some((name.as_str(), text(value)?))));
    Ok(params.with("client_id", client_id))
}
