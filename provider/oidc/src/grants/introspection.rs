//! Introspection (RFC 7662): what a token is good for now, told to the client that it was given to; on wish as a signed
//! token (RFC 9701).

use super::{own_token::OwnToken, policy, token::EndpointRequest, token::Refusal};
use crate::{ErrorCode, Oidc, OidcError, Reply, TenantView, error::ProtocolError, jws};
use madoguchi_domain::{client::Client, grant::TokenKind};
use serde_json::{Value, json};

/// RFC 9701 §4: what an `Accept` header asks for a signed answer with, and its type.
const SIGNED: &str = "application/token-introspection+jwt";

impl Oidc {
    /// POST introspect. A token that is unknown, over, or another client's is `{"active": false}` and nothing else.
    pub async fn introspect(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        match self.told(tenant, &request).await {
            Ok(reply) => reply,
            Err(refusal) => refusal.reply(tenant),
        }
    }

    async fn told(&self, tenant: &TenantView, request: &EndpointRequest<'_>) -> Result<Reply, Refusal> {
        let (params, client) = self.client_request(tenant, request).await?;
        if client.metadata.is_public() {
            let what = "introspection is for clients that authenticate";
            return Err(ProtocolError::new(ErrorCode::UnauthorizedClient, what).into());
        }
        let found = self.own_token(tenant, &client, &params).await?;
        let answer = match &found {
            Some(token) if self.is_active(token, &client) => {
                about(token, tenant, &self.subject(tenant, &client, &token.standing.account).await?)
            }
            Some(_) | None => json!({"active": false}),
        };
        let wants_signed = request.accept.is_some_and(|accept| {
            accept.split(',').any(|one| one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SIGNED))
        });
        if wants_signed {
            Ok(Reply::text(200, SIGNED, self.signed(tenant, &client, answer).await?))
        } else {
            Ok(Reply::json(200, &answer))
        }
    }

    /// Whether it would be accepted if it came now.
    fn is_active(&self, token: &OwnToken, client: &Client) -> bool {
        let (standing, now) = (&token.standing, self.0.clock.now());
        let lives = match token.kind {
            TokenKind::Access => true,
            TokenKind::Refresh => {
                standing.used_at.is_none()
                    && policy::outlives_session(&standing.grant, standing.session_end, now).is_ok()
            }
        };
        lives && now < standing.expires_at && policy::may_give(&standing.grant, &standing.account, Some(client)).is_ok()
    }

    /// RFC 9701 §5: for this client alone, by the algorithm that it registered; where the tenant has no such key, by that
    /// of its ID tokens.
    async fn signed(&self, tenant: &TenantView, client: &Client, answer: Value) -> Result<String, OidcError> {
        let ring = self.ring(tenant).await?;
        let metadata = &client.metadata;
        let key = ring
            .signer(metadata.introspection_signed_response_alg)
            .or_else(|| ring.signer(metadata.id_token_signed_response_alg))
            .ok_or_else(|| OidcError::Keys(format!("{} has no key to sign with", tenant.slug())))?;
        let claims = json!({
            "iss": &*tenant.issuer,
            "aud": metadata.client_id,
            "iat": self.0.clock.now().seconds(),
            "token_introspection": answer,
        });
        jws::sign(key, "token-introspection+jwt", &claims)
    }
}

/// RFC 7662 §2.2, with how the person authenticated (RFC 9470 §6.2).
fn about(token: &OwnToken, tenant: &TenantView, sub: &str) -> Value {
    let OwnToken { kind, standing, .. } = token;
    let grant = &standing.grant;
    let mut answer = json!({
        "active": true,
        "iss": &*tenant.issuer,
        "sub": sub,
        "aud": grant.client_id,
        "client_id": grant.client_id,
        "scope": standing.scope,
        "iat": standing.created_at.seconds(),
        "exp": standing.expires_at.seconds(),
        "acr": grant.authentication.acr.as_str(),
        "auth_time": grant.authentication.at.seconds(),
    });
    if let (TokenKind::Access, Some(members)) = (kind, answer.as_object_mut()) {
        members.insert("token_type".into(), "Bearer".into());
    }
    answer
}
