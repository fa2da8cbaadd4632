//! A refresh token for new tokens: one read, then one write. Each refresh token is good once; a second use ends
//! the whole family (RFC 9700 §4.14.2).

use super::{
    issue::{Issue, TokenResponse},
    policy,
    token::Refusal,
};
use crate::{ErrorCode, Oidc, Params, TenantView, error::ProtocolError, machine};
use madoguchi_domain::{
    Timestamp, Token,
    audit::{Action, Actor, AuditEvent},
    client::Client,
    grant::{Grant, TokenKind},
};
use madoguchi_store::{StoreError, Tx};

impl Oidc {
    /// RFC 6749 §6, OpenID Connect Core §12.
    pub(super) async fn refresh(
        &self,
        tenant: &TenantView,
        client: &Client,
        params: &Params,
        source_ip: Option<String>,
    ) -> Result<TokenResponse, Refusal> {
        let refused = || ProtocolError::new(ErrorCode::InvalidGrant, "the refresh token is not good");
        let presented = params.get("refresh_token");
        let presented = presented.ok_or(ProtocolError::new(ErrorCode::InvalidRequest, "refresh_token is missing"))?;
        let token = Token::parse(presented).ok_or_else(refused)?;
        let hash = token.hash();
        let store = self.0.database.tenant(tenant.slug());
        let now = self.0.clock.now();
        let found = store.tokens().standing(&hash, TokenKind::Refresh).await?.ok_or_else(refused)?;
        // First of all whose it is: another client's attempt must not end this one's grant.
        let scope = machine::refresh_scope(params, &client.metadata.client_id, &found.grant)?;
        if found.used_at.is_some() {
            if found.grant.revoked_at.is_none() {
                let mut tx = store.begin().await?;
                end_family(&mut tx, &found.grant, now, source_ip).await?;
                tx.commit().await?;
            }
            return Err(refused().into());
        }
        if now >= found.expires_at {
            return Err(refused().into());
        }
        policy::may_give(&found.grant, &found.account, Some(client))?;
        policy::outlives_session(&found.grant, found.session_end, now)?;
        let issue = Issue {
            tenant,
            client,
            grant: &found.grant,
            account: &found.account,
            updated_at: found.updated_at,
            enrolments: Some(&found.enrolments),
            scope: &scope,
            first: false,
        };
        let issued = self.issue(&issue, now).await?;
        let kept = store.tokens().rotate(&found.grant.id, &hash, issued.access(), issued.refresh(), now).await?;
        if !kept {
            // Somebody was faster with the same token: that is the second use.
            let mut tx = store.begin().await?;
            end_family(&mut tx, &found.grant, now, source_ip).await?;
            tx.commit().await?;
            return Err(refused().into());
        }
        Ok(issued.response)
    }
}

/// Ends a grant whose refresh token came twice, and says so in the log.
async fn end_family(tx: &mut Tx, grant: &Grant, now: Timestamp, source_ip: Option<String>) -> Result<(), StoreError> {
    if !tx.grants().revoke(&grant.id, now).await? {
        return Ok(());
    }
    let event = AuditEvent {
        at: now,
        actor: Actor::Visitor,
        action: Action::TokenReuseDetected,
        subject: grant.account.as_str().to_owned(),
        detail: serde_json::json!({"client": grant.client_id, "grant": grant.id.as_str()}),
        source_ip,
    };
    tx.audit().append(&event).await
}
