//! The token that a client's request is about (RFC 7009 §2.1, RFC 7662 §2.1): found by its hash, and only if it is that
//! client's own.

use super::token::Refusal;
use crate::{ErrorCode, Oidc, Params, TenantView, error::ProtocolError};
use madoguchi_domain::{Token, TokenHash, client::Client, grant::TokenKind};
use madoguchi_store::oidc::tokens::TokenStanding;

/// A token of the client that asks.
pub(super) struct OwnToken {
    pub(super) kind: TokenKind,
    pub(super) hash: TokenHash,
    pub(super) standing: TokenStanding,
}

impl Oidc {
    /// The token of the parameter `token`; `None` for one that is unknown or another client's, which is not told apart.
    /// `token_type_hint` only says where to look first.
    ///
    /// # Errors
    /// `invalid_request` when there is no `token`.
    pub(super) async fn own_token(
        &self,
        tenant: &TenantView,
        client: &Client,
        params: &Params,
    ) -> Result<Option<OwnToken>, Refusal> {
        let missing = ProtocolError::new(ErrorCode::InvalidRequest, "token is missing");
        let Some(token) = Token::parse(params.get("token").ok_or(missing)?) else { return Ok(None) };
        let kinds = match params.get("token_type_hint") {
            Some("refresh_token") => [TokenKind::Refresh, TokenKind::Access],
            Some(_) | None => [TokenKind::Access, TokenKind::Refresh],
        };
        let (hash, store) = (token.hash(), self.0.database.tenant(tenant.slug()));
        for kind in kinds {
            if let Some(standing) = store.tokens().standing(&hash, kind).await? {
                let own = standing.grant.client_id == client.metadata.client_id;
                return Ok(own.then_some(OwnToken { kind, hash, standing }));
            }
        }
        Ok(None)
    }
}
