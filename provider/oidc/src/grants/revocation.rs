//! Revocation (RFC 7009): a client gives back a token that it no longer needs.

use super::{own_token::OwnToken, token::EndpointRequest, token::Refusal};
use crate::{Oidc, Reply, TenantView};
use madoguchi_domain::{
    audit::{Action, Actor, AuditEvent},
    grant::TokenKind,
};
use serde_json::json;

impl Oidc {
    /// POST revoke. The answer is the same whether the token was this client's, another's or none at all (§2.2). A refresh
    /// token takes its whole family along, an access token goes alone.
    pub async fn revoke(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        match self.take_back(tenant, &request).await {
            Ok(()) => Reply::json(200, &json!({})),
            Err(refusal) => refusal.reply(tenant),
        }
    }

    async fn take_back(&self, tenant: &TenantView, request: &EndpointRequest<'_>) -> Result<(), Refusal> {
        let (params, client) = self.client_request(tenant, request).await?;
        let Some(OwnToken { kind, hash, standing }) = self.own_token(tenant, &client, &params).await? else {
            return Ok(());
        };
        let now = self.0.clock.now();
        let mut tx = self.0.database.tenant(tenant.slug()).begin().await?;
        let ended = match kind {
            TokenKind::Access => tx.tokens().end_access(&hash, now).await?,
            TokenKind::Refresh => tx.grants().revoke(&standing.grant.id, now).await?,
        };
        if ended {
            let event = AuditEvent {
                at: now,
                actor: Actor::Visitor,
                action: Action::TokenRevoked,
                subject: standing.grant.account.as_str().to_owned(),
                detail: json!({
                    "client": standing.grant.client_id, "grant": standing.grant.id.as_str(), "token": kind.as_str(),
                }),
                source_ip: request.source_ip.clone(),
            };
            tx.audit().append(&event).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
