//! User IDs: drawn by the pattern of a kind of user, given out once in the tenant's life.
//!
//! A number is drawn at random, so that it tells nothing about how many there are. Only the transaction that makes the
//! account gives it out: whoever loses a number to another draws again. When most numbers are gone, the next free one
//! after the drawn one is taken; when all are, [`NoUserId`].

use crate::{Service, ServiceError, Tenant};
use madoguchi_domain::{Entropy, Timestamp, tenant::UserIdPattern};
use madoguchi_store::{StoreError, TenantStore, Tx};

/// A user ID that may be given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserId {
    pub(crate) text: String,
    pattern: String,
    number: u64,
}

/// Why there is no user ID.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoUserId {
    /// Every number of the pattern was given out.
    #[error("every user ID of the pattern {0} was given out")]
    Exhausted(String),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for NoUserId {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl UserId {
    fn numbered(pattern: &UserIdPattern, number: u64) -> Option<Self> {
        Some(Self { text: pattern.numbered(number)?, pattern: pattern.to_string(), number })
    }

    /// The user ID that somebody chose, if it is of one of the tenant's patterns.
    pub(super) fn of(tenant: &Tenant, chosen: &str) -> Option<Self> {
        tenant.config.settings.user_id_patterns().find_map(|pattern| Self::numbered(&pattern, pattern.number(chosen)?))
    }

    /// Gives it out; false when somebody was first.
    pub(crate) async fn give(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, StoreError> {
        tx.user_ids().give(&self.pattern, self.number, now).await
    }
}

impl Service {
    /// A user ID for a new account of that kind; `None` where it logs in with its mail address.
    pub(crate) async fn draw_user_id(&self, tenant: &Tenant, kind: &str) -> Result<Option<UserId>, NoUserId> {
        let Some(pattern) = tenant.config.settings.user_id_pattern_of(kind) else { return Ok(None) };
        let store = self.store(tenant);
        match draw(&store, self.entropy(), &pattern).await? {
            Some(user_id) => Ok(Some(user_id)),
            None => {
                tracing::error!(tenant = %tenant.slug, %pattern, "every user ID of this pattern was given out");
                Err(NoUserId::Exhausted(pattern.to_string()))
            }
        }
    }
}

async fn draw(
    store: &TenantStore,
    entropy: &dyn Entropy,
    pattern: &UserIdPattern,
) -> Result<Option<UserId>, StoreError> {
    let name = pattern.to_string();
    let drawn = pattern.random(entropy);
    for from in [drawn, 1] {
        let free = store.user_ids().free_from(&name, from).await?;
        if free <= pattern.largest() {
            return Ok(UserId::numbered(pattern, free));
        }
    }
    Ok(None)
}
