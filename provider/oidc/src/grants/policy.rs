//! May this grant give anything now? One function, asked at every use of a code and of every token.

use crate::error::{ErrorCode, ProtocolError};
use madoguchi_domain::{
    Timestamp,
    account::{Account, AccountState},
    client::Client,
    grant::Grant,
};

/// The account is in use and nothing ended its sessions since, the client is still there and the same, and nobody
/// revoked the grant. Whatever cannot be told is a no.
pub(super) fn may_give(grant: &Grant, account: &Account, client: Option<&Client>) -> Result<(), ProtocolError> {
    let usable = match account.state {
        AccountState::Active => account.id == grant.account && account.generation == grant.account_generation,
        AccountState::Provisioned | AccountState::Disabled => false,
    };
    let same_client = client.is_some_and(|c| c.metadata.client_id == grant.client_id);
    if usable && same_client && grant.revoked_at.is_none() {
        Ok(())
    } else {
        Err(ProtocolError::new(ErrorCode::InvalidGrant, "the grant is no longer good"))
    }
}

/// A grant without `offline_access` refreshes only while the session lasts in which it was given
/// (OpenID Connect Core §11).
pub(super) fn outlives_session(
    grant: &Grant,
    session_end: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ProtocolError> {
    let offline = grant.scope.split(' ').any(|s| s == "offline_access");
    if offline || session_end.is_some_and(|end| now < end) {
        Ok(())
    } else {
        Err(ProtocolError::new(ErrorCode::InvalidGrant, "the session has ended"))
    }
}
