//! Failed logins, counted before the credentials are checked, so that parallel guesses cannot outrun the count.

use crate::{Scope, StoreError, statements, value::params};
use madoguchi_domain::{Timestamp, TokenHash, tenant::LockoutPolicy};

statements! {
    // $3 now, $4 beginning of the window that still counts, $5 threshold, $6 locked until (if this is the last one)
    COUNT = "insert into attempts (tenant, key_hash, failures, refused, window_started_at, locked_until) \
             values ($1, $2, 1, 0, $3, case when cast($5 as bigint) <= 1 then cast($6 as bigint) end) \
             on conflict (tenant, key_hash) do update set \
             failures = case when attempts.locked_until > $3 then attempts.failures \
                             when attempts.locked_until is not null or attempts.window_started_at <= $4 then 1 \
                             else attempts.failures + 1 end, \
             refused = case when attempts.locked_until > $3 then attempts.refused + 1 else 0 end, \
             window_started_at = case when attempts.locked_until > $3 then attempts.window_started_at \
                             when attempts.locked_until is not null or attempts.window_started_at <= $4 then $3 \
                             else attempts.window_started_at end, \
             locked_until = case when attempts.locked_until > $3 then attempts.locked_until \
                             when attempts.locked_until is not null or attempts.window_started_at <= $4 \
                               then case when cast($5 as bigint) <= 1 then cast($6 as bigint) end \
                             when attempts.failures + 1 >= $5 then cast($6 as bigint) end \
             returning failures, refused, locked_until";
    STATE = "select locked_until from attempts where tenant = $1 and key_hash = $2 and locked_until > $3";
    REFUND = "update attempts set failures = failures - 1, locked_until = null, refused = 0 \
              where tenant = $1 and key_hash = $2 and failures > 0";
    CLEAR = "delete from attempts where tenant = $1 and key_hash = $2";
}

/// How an attempt stands, once it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The credentials may be checked.
    Allowed {
        /// How many attempts count by now, this one included.
        failures: u32,
        /// If this one fails, the identifier is locked: tell its owner.
        last: bool,
    },
    /// They may not.
    Locked {
        /// Until when; `None` until staff unlocks it.
        until: Option<Timestamp>,
    },
}

/// The failed attempts of a tenant, by the hash of what was typed as login ID, whether or not there is such an account.
pub struct Attempts<'a>(pub(crate) Scope<'a>);

impl Attempts<'_> {
    /// Counts an attempt, in one statement. At most `policy.threshold` attempts of a window are allowed, however many
    /// come at once; the last of them locks until it turns out well ([`Attempts::clear`]).
    pub async fn count(
        &mut self,
        key: &TokenHash,
        now: Timestamp,
        policy: &LockoutPolicy,
    ) -> Result<Attempt, StoreError> {
        let since = now.0.saturating_sub_unsigned(policy.window.seconds());
        let until = policy.duration.map_or(i64::MAX, |d| now.0.saturating_add_unsigned(d.seconds()));
        let values = params![key, now, since, policy.threshold.max(1), until];
        let (failures, refused, until) = self
            .0
            .returning(COUNT, values, |row| Ok((row.count()?, row.int()?, row.opt_int()?)))
            .await?
            .ok_or(StoreError::unreadable("attempts"))?;
        Ok(match until {
            Some(until) if refused > 0 => Attempt::Locked { until: open_end(until) },
            Some(_) | None => Attempt::Allowed { failures, last: until.is_some() },
        })
    }

    /// Whether it is locked at `now`, and until when. Counts nothing.
    pub async fn locked(&mut self, key: &TokenHash, now: Timestamp) -> Result<Option<Attempt>, StoreError> {
        let until = self.0.one(STATE, params![key, now], |row| row.int()).await?;
        Ok(until.map(|until| Attempt::Locked { until: open_end(until) }))
    }

    /// Takes one attempt back: it was counted but the credentials were not checked (the server was busy).
    pub async fn refund(&mut self, key: &TokenHash) -> Result<(), StoreError> {
        self.0.write(REFUND, params![key]).await.map(drop)
    }

    /// Forgets all: the login succeeded, or staff unlocked it. Whether there was anything to forget.
    pub async fn clear(&mut self, key: &TokenHash) -> Result<bool, StoreError> {
        self.0.changed(CLEAR, params![key]).await
    }
}

fn open_end(until: i64) -> Option<Timestamp> {
    (until < i64::MAX).then_some(Timestamp(until))
}
