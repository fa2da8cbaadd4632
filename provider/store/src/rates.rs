//! Counters for limits: mails to one address, requests from one source.

use crate::{Scope, StoreError, statements, value::params};
use madoguchi_domain::{Timestamp, TokenHash};
use std::time::Duration;

statements! {
    HIT = "insert into rate_counters (tenant, key_hash, count, window_started_at, expires_at) \
           values ($1, $2, 1, $3, $4) \
           on conflict (tenant, key_hash) do update set \
           count = case when rate_counters.expires_at <= $3 then 1 else rate_counters.count + 1 end, \
           window_started_at = case when rate_counters.expires_at <= $3 then $3 else rate_counters.window_started_at end, \
           expires_at = case when rate_counters.expires_at <= $3 then $4 else rate_counters.expires_at end \
           returning count";
    COUNT = "select count from rate_counters where tenant = $1 and key_hash = $2 and expires_at > $3";
}

/// The counters of a tenant.
pub struct Rates<'a>(pub(crate) Scope<'a>);

impl Rates<'_> {
    /// Counts one more within a window that begins with its first hit; how many there are, this one included.
    pub async fn hit(&mut self, key: &TokenHash, now: Timestamp, window: Duration) -> Result<u32, StoreError> {
        let count = self.0.returning(HIT, params![key, now, now + window], |row| row.count()).await?;
        count.ok_or(StoreError::unreadable("rate_counters"))
    }

    /// How many there are at `now`.
    pub async fn count(&mut self, key: &TokenHash, now: Timestamp) -> Result<u32, StoreError> {
        Ok(self.0.one(COUNT, params![key, now], |row| row.count()).await?.unwrap_or(0))
    }
}
