//! The back channel: a code or refresh token becomes tokens, tokens become verified claims.

use super::{
    RelyingParty, SignInError,
    http::Carrier,
    provider::{Known, causes},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, NonceVerifier, OAuth2TokenResponse, PkceCodeVerifier,
    RefreshToken, RequestTokenError, SignatureVerificationError, SubjectIdentifier, TokenResponse, UserInfoClaims,
    core::{CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreIdToken, CoreTokenResponse},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How far the provider's clock may be from ours.
const SKEW: Duration = Duration::from_secs(30);

pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Every claim that the crate has no field for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Others(BTreeMap<String, Value>);

impl AdditionalClaims for Others {}

/// Who it is, verified.
pub(super) struct Verified {
    pub(super) subject: String,
    pub(super) claims: Map<String, Value>,
    pub(super) id_token: String,
}

impl RelyingParty {
    pub(super) fn client(&self, known: &Known) -> Client {
        let inner = &self.0;
        let methods = known.metadata.token_endpoint_auth_methods_supported();
        let basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        CoreClient::from_provider_metadata(known.metadata.clone(), inner.client_id.clone(), inner.secret.clone())
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_redirect_uri(inner.redirect_uri.clone())
    }

    pub(super) async fn redeem(
        &self,
        known: &Known,
        code: String,
        verifier: String,
    ) -> Result<CoreTokenResponse, SignInError> {
        let client = self.client(known);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| SignInError::InvalidAnswer(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let http = Carrier(self.0.http.clone());
        request.request_async(&http).await.map_err(|error| match token_error(&error) {
            TokenError::Refused(code) => SignInError::Refused(code),
            TokenError::Unreachable(reason) => {
                SignInError::ProviderUnavailable { reason, retry_after: Duration::from_secs(5) }
            }
            TokenError::Invalid(reason) => SignInError::InvalidAnswer(reason),
        })
    }

    pub(super) async fn renew(&self, known: &Known, token: String) -> Result<CoreTokenResponse, TokenError> {
        let client = self.client(known);
        let token = RefreshToken::new(token);
        let request = client.exchange_refresh_token(&token).map_err(|error| TokenError::Invalid(error.to_string()))?;
        let http = Carrier(self.0.http.clone());
        request.request_async(&http).await.map_err(|error| token_error(&error))
    }

    /// The claims of the ID token in `tokens`, after every check. An unknown key leads to one look at newer keys.
    pub(super) async fn verified(
        &self,
        known: Arc<Known>,
        tokens: &CoreTokenResponse,
        nonce: Option<&Nonce>,
    ) -> Result<Verified, SignInError> {
        let invalid = |reason: String| SignInError::InvalidAnswer(reason);
        let id_token = tokens.id_token().ok_or_else(|| invalid("no ID token".into()))?;
        let outcome = match self.check(&known, id_token, tokens.access_token(), nonce) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                match self.0.provider.newer_keys(&known).await {
                    Some(newer) => self.check(&newer, id_token, tokens.access_token(), nonce),
                    None => {
                        Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey))
                    }
                }
            }
            outcome => outcome,
        };
        let subject = outcome.map_err(|error| invalid(format!("ID token: {}", causes(&error))))?;
        let id_token = id_token.to_string();
        let claims = payload(&id_token).ok_or_else(|| invalid("ID token: not a JSON object".into()))?;
        if claims.get("azp").is_some_and(|azp| azp.as_str() != Some(self.0.client_id.as_str())) {
            return Err(invalid("ID token: made for another party".into()));
        }
        Ok(Verified { subject, claims, id_token })
    }

    /// OpenID Connect Core 1.0 §3.1.3.7, and §3.1.3.8 for `at_hash`.
    fn check(
        &self,
        known: &Known,
        id_token: &CoreIdToken,
        access_token: &AccessToken,
        nonce: Option<&Nonce>,
    ) -> Result<String, ClaimsVerificationError> {
        let now = self.now();
        let skew = chrono::Duration::seconds(SKEW.as_secs().cast_signed());
        let client = self.client(known);
        let required_acr = &self.0.required_acr;
        let max_age = self.0.max_age;
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(known.algorithms.clone())
            .set_time_fn(move || now.to_utc() - skew)
            .set_issue_time_verifier_fn(move |issued| {
                (issued <= now.to_utc() + skew).then_some(()).ok_or_else(|| "issued in the future".into())
            })
            .set_auth_context_verifier_fn(move |acr| {
                let fits = required_acr.is_empty() || acr.is_some_and(|acr| required_acr.iter().any(|r| *r == **acr));
                fits.then_some(()).ok_or_else(|| "not the authentication that was required".into())
            })
            .set_auth_time_verifier_fn(move |at| match (max_age, at) {
                (None, _) => Ok(()),
                (Some(_), None) => Err("auth_time is missing".into()),
                (Some(most), Some(at)) => {
                    let recent = now.to_utc() - skew - at <= chrono::Duration::seconds(most.as_secs().cast_signed());
                    recent.then_some(()).ok_or_else(|| "authenticated too long ago".into())
                }
            });
        let expected = |presented: Option<&Nonce>| match nonce {
            Some(nonce) => nonce.verify(presented),
            // A refreshed ID token need not carry the nonce (OpenID Connect Core 1.0 §12.2).
            None => Ok(()),
        };
        let claims = id_token.claims(&verifier, expected)?;
        if let Some(hash) = claims.access_token_hash() {
            let signature = ClaimsVerificationError::SignatureVerification;
            let algorithm = id_token.signing_alg().map_err(signature)?;
            let key = id_token.signing_key(&verifier).map_err(signature)?;
            let actual = AccessTokenHash::from_token(access_token, algorithm, key)
                .map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
            if actual != *hash {
                return Err(ClaimsVerificationError::Other("at_hash does not fit the access token".into()));
            }
        }
        Ok(claims.subject().to_string())
    }

    /// The claims at the UserInfo endpoint, held against the ID token's `sub`; none when there is no such endpoint.
    pub(super) async fn userinfo(
        &self,
        known: &Known,
        access_token: &AccessToken,
        subject: &str,
    ) -> Result<Map<String, Value>, SignInError> {
        // It goes into a header, and the crate takes for granted that it may.
        if !access_token.secret().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SignInError::InvalidAnswer("access token: not printable ASCII".into()));
        }
        if !self.0.userinfo || known.metadata.userinfo_endpoint().is_none() {
            return Ok(Map::new());
        }
        let subject = SubjectIdentifier::new(subject.to_owned());
        let client = self.client(known);
        let request = client
            .user_info(access_token.clone(), Some(subject))
            .map_err(|error| SignInError::InvalidAnswer(error.to_string()))?;
        let http = Carrier(self.0.http.clone());
        let claims: UserInfoClaims<Others, CoreGenderClaim> = request
            .request_async(&http)
            .await
            .map_err(|error| SignInError::InvalidAnswer(format!("userinfo: {}", causes(&error))))?;
        match serde_json::to_value(&claims) {
            Ok(Value::Object(claims)) => Ok(claims),
            Ok(_) | Err(_) => Err(SignInError::InvalidAnswer("userinfo: not a JSON object".into())),
        }
    }
}

/// What the token endpoint made of a request.
pub(super) enum TokenError {
    Refused(String),
    Unreachable(String),
    Invalid(String),
}

fn token_error<E: std::error::Error + 'static>(
    error: &RequestTokenError<E, openidconnect::StandardErrorResponse<CoreErrorResponseType>>,
) -> TokenError {
    match error {
        RequestTokenError::ServerResponse(answer) => TokenError::Refused(answer.error().as_ref().to_owned()),
        RequestTokenError::Request(error) => TokenError::Unreachable(causes(error)),
        RequestTokenError::Parse(..) => TokenError::Invalid("token endpoint: not a token response".into()),
        RequestTokenError::Other(reason) => TokenError::Invalid(format!("token endpoint: {reason}")),
    }
}

/// The claims of a token that was verified before.
fn payload(jwt: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}
