//! The one mechanism for everything that may be used once. Tenant and purpose are part of the key, so a secret of
//! another tenant or for another purpose is simply unknown.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{
    Timestamp, TokenHash,
    one_time::{OneTime, Purpose},
};

statements! {
    INSERT = "insert into one_time (tenant, purpose, token_hash, subject, payload, created_at, expires_at) \
              values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
    FIND = "select token_hash, subject, payload, created_at, expires_at, consumed_at, revoked_at from one_time \
            where tenant = $1 and purpose = $2 and token_hash = $3";
    CONSUME = "update one_time set consumed_at = $4 \
               where tenant = $1 and purpose = $2 and token_hash = $3 \
               and consumed_at is null and revoked_at is null and expires_at > $4 \
               returning token_hash, subject, payload, created_at, expires_at, consumed_at, revoked_at";
    REVOKE = "update one_time set revoked_at = $4 \
              where tenant = $1 and purpose = $2 and subject = $3 and consumed_at is null and revoked_at is null";
}

/// The one-time secrets of a tenant.
pub struct OneTimeSecrets<'a>(pub(crate) Scope<'a>);

impl OneTimeSecrets<'_> {
    /// Keeps a fresh one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its hash is known already: for [`Purpose::ClientAssertion`] that is a replay.
    pub async fn insert(&mut self, secret: &OneTime) -> Result<(), StoreError> {
        let payload = json(&secret.payload)?;
        let values = params![
            secret.purpose.as_str(),
            &secret.token_hash,
            &secret.subject,
            payload,
            secret.created_at,
            secret.expires_at
        ];
        self.0.insert(INSERT, values).await
    }

    /// Looks at one without using it, whatever its state.
    pub async fn find(&mut self, purpose: Purpose, hash: &TokenHash) -> Result<Option<OneTime>, StoreError> {
        self.0.one(FIND, params![purpose.as_str(), hash], |row| read(purpose, row)).await
    }

    /// Uses it: the caller who gets it is the only one who ever does. `None` when it is unknown, used, superseded or
    /// expired at `now`.
    pub async fn consume(
        &mut self,
        purpose: Purpose,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<OneTime>, StoreError> {
        self.0.returning(CONSUME, params![purpose.as_str(), hash, now], |row| read(purpose, row)).await
    }

    /// Ends all unused ones of a subject: a newer link was sent, the credentials changed. How many there were.
    pub async fn revoke(&mut self, purpose: Purpose, subject: &str, now: Timestamp) -> Result<u64, StoreError> {
        self.0.write(REVOKE, params![purpose.as_str(), subject, now]).await
    }
}

fn read(purpose: Purpose, row: &mut Row) -> Result<OneTime, StoreError> {
    Ok(OneTime {
        purpose,
        token_hash: row.hash()?,
        subject: row.text()?,
        payload: row.json("one_time.payload")?,
        created_at: row.time()?,
        expires_at: row.time()?,
        consumed_at: row.opt_time()?,
        revoked_at: row.opt_time()?,
    })
}
