//! The token endpoint (RFC 6749 §3.2, OpenID Connect Core §3.1.3), and what it has in common with the other endpoints that
//! clients authenticate at.

use super::issue::TokenResponse;
use crate::{ErrorCode, Oidc, OidcError, Params, Reply, TenantView, error::ProtocolError};
use madoguchi_domain::client::Client;
use serde_json::json;
use std::sync::Arc;

/// A request to the token, userinfo, introspection, revocation or pushed authorization request endpoint.
#[derive(Debug, Default)]
pub struct EndpointRequest<'a> {
    /// Values of all `Authorization` headers, as they came.
    pub authorization: Vec<&'a [u8]>,
    /// The URL's query, raw. Credentials and tokens in it are refused.
    pub query: Option<&'a str>,
    /// The body, where it is a form (`application/x-www-form-urlencoded`).
    pub body: Option<&'a [u8]>,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// The address that the request came from, for the audit log.
    pub source_ip: Option<String>,
}

/// Why a client is not given what it came for.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The client is told.
    Protocol(ProtocolError),
    /// We are out of order.
    Failure(OidcError),
}

impl From<ProtocolError> for Refusal {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl<E: Into<OidcError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

impl Refusal {
    /// RFC 6749 §5.2: client authentication that failed is 401, what else is wrong 400; 503 when we are out of order.
    pub(crate) fn reply(&self, tenant: &TenantView) -> Reply {
        match self {
            Self::Protocol(error) => refusal(tenant, error),
            Self::Failure(error) => {
                tracing::error!(tenant = %tenant.slug(), %error, "a client's request could not be answered");
                let body = json!({"error": ErrorCode::ServerError.as_str()});
                Reply::json(503, &body).with("retry-after", "5".into())
            }
        }
    }
}

impl Oidc {
    /// POST token. Every failure is an answer of RFC 6749 §5.2; client authentication that failed is 401.
    pub async fn token(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        match self.grant_tokens(tenant, &request).await {
            Ok(response) => Reply::json(200, &response),
            Err(refusal) => refusal.reply(tenant),
        }
    }

    /// The parameters of a client's request, all in its body and each once, and the client that it proved to come from.
    pub(crate) async fn client_request(
        &self,
        tenant: &TenantView,
        request: &EndpointRequest<'_>,
    ) -> Result<(Params, Arc<Client>), Refusal> {
        if request.query.is_some_and(|q| !q.is_empty()) {
            return Err(ProtocolError::new(ErrorCode::InvalidRequest, "parameters belong into the body").into());
        }
        let params = Params::read(None, request.body);
        params.check()?;
        let client = self.authenticate_client(tenant, &request.authorization, &params).await?;
        Ok((params, client))
    }

    async fn grant_tokens(&self, tenant: &TenantView, request: &EndpointRequest<'_>) -> Result<TokenResponse, Refusal> {
        let (params, client) = self.client_request(tenant, request).await?;
        let missing = ProtocolError::new(ErrorCode::InvalidRequest, "grant_type is missing");
        let grant_type = params.get("grant_type").ok_or(missing)?;
        if !matches!(grant_type, "authorization_code" | "refresh_token") {
            let what = "grant_type must be authorization_code or refresh_token";
            return Err(ProtocolError::new(ErrorCode::UnsupportedGrantType, what).into());
        }
        if !client.metadata.grant_types.iter().any(|g| g == grant_type) {
            let what = "the grant type is not registered for this client";
            return Err(ProtocolError::new(ErrorCode::UnauthorizedClient, what).into());
        }
        if grant_type == "authorization_code" {
            self.redeem_code(tenant, &client, &params).await
        } else {
            self.refresh(tenant, &client, &params, request.source_ip.clone()).await
        }
    }
}

/// RFC 6749 §5.2.
fn refusal(tenant: &TenantView, error: &ProtocolError) -> Reply {
    let body = json!({"error": error.code.as_str(), "error_description": error.description});
    if error.code == ErrorCode::InvalidClient {
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", tenant.issuer);
        Reply::json(401, &body).with("www-authenticate", challenge)
    } else {
        Reply::json(400, &body)
    }
}
