//! A code for tokens: one read, then one write.

use super::{
    issue::{Issue, TokenResponse},
    policy,
    token::Refusal,
};
use crate::{ErrorCode, Oidc, Params, TenantView, error::ProtocolError, machine};
use madoguchi_domain::{Token, client::Client};

impl Oidc {
    /// RFC 6749 §4.1.3. Who comes with the wrong client, redirect URI or verifier changes nothing; who comes with all of
    /// it right a second time ends the grant (§4.1.2), as one of the two is a thief.
    pub(super) async fn redeem_code(
        &self,
        tenant: &TenantView,
        client: &Client,
        params: &Params,
    ) -> Result<TokenResponse, Refusal> {
        let refused = || ProtocolError::new(ErrorCode::InvalidGrant, "the code is not good");
        let presented = params.get("code");
        let presented = presented.ok_or(ProtocolError::new(ErrorCode::InvalidRequest, "code is missing"))?;
        let code = Token::parse(presented).ok_or_else(refused)?;
        let store = self.0.database.tenant(tenant.slug());
        let now = self.0.clock.now();
        let found = store.grants().by_code(&code.hash()).await?.ok_or_else(refused)?;
        machine::redeem(params, &client.metadata.client_id, &found.grant)?;
        if found.grant.code_used_at.is_some() {
            if store.grants().revoke(&found.grant.id, now).await? {
                tracing::warn!(tenant = %tenant.slug(), client = %client.metadata.client_id, "a code came twice");
            }
            return Err(refused().into());
        }
        if now >= found.grant.code_expires_at {
            return Err(refused().into());
        }
        policy::may_give(&found.grant, &found.account, Some(client))?;
        let issue = Issue {
            tenant,
            client,
            grant: &found.grant,
            account: &found.account,
            updated_at: found.updated_at,
            enrolments: None,
            scope: &found.grant.scope,
            first: true,
        };
        let issued = self.issue(&issue, now).await?;
        let (id, hash) = (&found.grant.id, &found.grant.code_hash);
        if !store.tokens().redeem(id, hash, issued.access(), issued.refresh(), now).await? {
            // Somebody was faster with the same valid request: that is the second use.
            store.grants().revoke(id, now).await?;
            return Err(refused().into());
        }
        Ok(issued.response)
    }
}
