//! The provider's metadata (OpenID Connect Discovery §3, RFC 8414 §2, RFC 9126 §5, RFC 9207 §3, JARM §4): rendered once for each generation.

use crate::{Oidc, OidcError, Reply, TenantView, claims, keys, verified_claims};
use bytes::Bytes;
use madoguchi_domain::{client::ResponseType, session::Acr};
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, AuthenticationContextClass, IssuerUrl, JsonWebKeySetUrl, LanguageTag,
    ProviderMetadata, RegistrationUrl, ResponseTypes, Scope, TokenUrl, UserInfoUrl,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
        CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long the document may be kept by others, in seconds.
const MAX_AGE: u32 = 300;

/// Members that the `openidconnect` crate does not have.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Further {
    pushed_authorization_request_endpoint: String,
    authorization_signing_alg_values_supported: Vec<CoreJwsSigningAlgorithm>,
    end_session_endpoint: String,
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: Vec<CoreClientAuthMethod>,
    introspection_signing_alg_values_supported: Vec<CoreJwsSigningAlgorithm>,
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: Vec<CoreClientAuthMethod>,
    code_challenge_methods_supported: Vec<String>,
    authorization_response_iss_parameter_supported: bool,
    prompt_values_supported: Vec<String>,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
    #[serde(flatten)]
    identity_assurance: Option<verified_claims::Metadata>,
}
impl AdditionalProviderMetadata for Further {}

type Metadata = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A rendered document.
pub(crate) struct Document {
    generation: i64,
    issuer: Arc<str>,
    body: Bytes,
}

impl Oidc {
    /// GET `.well-known/openid-configuration` and `.well-known/oauth-authorization-server`; one document serves both.
    pub async fn discovery(&self, tenant: &TenantView) -> Result<Reply, OidcError> {
        let held = self.0.documents.get(tenant.slug());
        let fresh = held.filter(|d| d.generation == tenant.generation && d.issuer == tenant.issuer);
        let document = match fresh {
            Some(document) => document,
            None => {
                let algorithms = self.ring(tenant).await?.algorithms();
                let (generation, issuer) = (tenant.generation, Arc::clone(&tenant.issuer));
                let metadata = metadata(tenant, &algorithms)?;
                let body = serde_json::to_vec(&metadata).map_err(|e| OidcError::Corrupt(e.to_string()))?.into();
                let document = Arc::new(Document { generation, issuer, body });
                self.0.documents.put(tenant.slug(), Arc::clone(&document));
                document
            }
        };
        Ok(Reply::document(document.body.clone(), "application/json", MAX_AGE))
    }
}

/// Plain and signed (JARM §2.3).
fn response_modes() -> Vec<CoreResponseMode> {
    let signed = ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];
    [CoreResponseMode::Query, CoreResponseMode::Fragment, CoreResponseMode::FormPost]
        .into_iter()
        .chain(signed.map(|mode| CoreResponseMode::Extension(mode.to_owned())))
        .collect()
}

fn in_core_words(response_type: ResponseType) -> ResponseTypes<CoreResponseType> {
    let parts = [
        (response_type.code, CoreResponseType::Code),
        (response_type.id_token, CoreResponseType::IdToken),
        (response_type.token, CoreResponseType::Token),
    ];
    ResponseTypes::new(parts.into_iter().filter(|(there, _)| *there).map(|(_, word)| word).collect())
}

fn metadata(
    tenant: &TenantView,
    algorithms: &[madoguchi_domain::client::SigningAlgorithm],
) -> Result<Metadata, OidcError> {
    let bad = |e: url::ParseError| OidcError::Corrupt(format!("the issuer {}: {e}", tenant.issuer));
    let strings = |items: &[&str]| items.iter().map(|s| (*s).to_owned()).collect();
    let known: Vec<_> = madoguchi_domain::client::SigningAlgorithm::ALL.into_iter().map(keys::core).collect();
    let signing: Vec<_> = algorithms.iter().map(|a| keys::core(*a)).collect();
    let confidential = vec![
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
        CoreClientAuthMethod::PrivateKeyJwt,
    ];
    let everybody = [&confidential[..], &[CoreClientAuthMethod::None]].concat();
    let further = Further {
        pushed_authorization_request_endpoint: tenant.endpoint("/par"),
        authorization_signing_alg_values_supported: signing.clone(),
        end_session_endpoint: tenant.endpoint("/end-session"),
        introspection_endpoint: tenant.endpoint("/introspect"),
        introspection_endpoint_auth_methods_supported: confidential,
        introspection_signing_alg_values_supported: signing.clone(),
        revocation_endpoint: tenant.endpoint("/revoke"),
        revocation_endpoint_auth_methods_supported: everybody.clone(),
        code_challenge_methods_supported: strings(&["S256"]),
        authorization_response_iss_parameter_supported: true,
        prompt_values_supported: strings(&["none", "login", "consent", "select_account"]),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
        identity_assurance: verified_claims::metadata(&tenant.config),
    };
    let response_types =
        if tenant.tokens().implicit_and_hybrid { &ResponseType::ALL[..] } else { &[ResponseType::CODE] };
    let mut grant_types = vec![CoreGrantType::AuthorizationCode, CoreGrantType::RefreshToken];
    if tenant.tokens().implicit_and_hybrid {
        grant_types.push(CoreGrantType::Implicit);
    }
    let registration = tenant.config.settings.client_registration.enabled;
    let registration = registration.then(|| RegistrationUrl::new(tenant.endpoint("/connect/register"))).transpose();
    let acr = Acr::ALL.iter().filter(|a| **a <= tenant.attainable());
    let locales = tenant.config.settings.locales.iter();
    Ok(Metadata::new(
        IssuerUrl::new(tenant.issuer.to_string()).map_err(bad)?,
        AuthUrl::new(tenant.endpoint("/authorize")).map_err(bad)?,
        JsonWebKeySetUrl::new(tenant.endpoint("/jwks")).map_err(bad)?,
        response_types.iter().map(|t| in_core_words(*t)).collect(),
        vec![CoreSubjectIdentifierType::Public, CoreSubjectIdentifierType::Pairwise],
        signing.clone(),
        further,
    )
    .set_token_endpoint(Some(TokenUrl::new(tenant.endpoint("/token")).map_err(bad)?))
    .set_registration_endpoint(registration.map_err(bad)?)
    .set_userinfo_endpoint(Some(UserInfoUrl::new(tenant.endpoint("/userinfo")).map_err(bad)?))
    .set_scopes_supported(Some(claims::scopes(&tenant.config).map(|s| Scope::new(s.to_owned())).collect()))
    .set_response_modes_supported(Some(response_modes()))
    .set_grant_types_supported(Some(grant_types))
    .set_acr_values_supported(Some(acr.map(|a| AuthenticationContextClass::new(a.as_str().to_owned())).collect()))
    .set_token_endpoint_auth_methods_supported(Some(everybody))
    .set_token_endpoint_auth_signing_alg_values_supported(Some(known.clone()))
    .set_display_values_supported(Some(vec![CoreAuthDisplay::Page]))
    .set_claim_types_supported(Some(vec![CoreClaimType::Normal]))
    .set_claims_supported(Some(
        claims::supported(&tenant.config).into_iter().map(|c| CoreClaimName::new(c.to_owned())).collect(),
    ))
    .set_ui_locales_supported(Some(locales.map(|l| LanguageTag::new(l.to_string())).collect()))
    .set_claims_parameter_supported(Some(true))
    .set_request_parameter_supported(Some(true))
    .set_request_uri_parameter_supported(Some(true))
    .set_require_request_uri_registration(Some(true))
    .set_request_object_signing_alg_values_supported(Some(known)))
}
