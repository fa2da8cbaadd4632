//! Throws away what has had its time, in small batches, so that no lock is held for long. Any node may do it, several
//! at once do no harm.

use crate::{Database, StoreError, value::params};
use madoguchi_domain::Timestamp;

/// What a batch deletes: the primary key's columns twice (SQLite and PostgreSQL agree on row values), the table, and
/// which rows are due. $1 is the moment before which something is due, $2 how many at most.
macro_rules! batch {
    ($table:literal, $key:literal, $due:literal) => {
        concat!(
            "delete from ",
            $table,
            " where (",
            $key,
            ") in (select ",
            $key,
            " from ",
            $table,
            " where ",
            $due,
            " limit $2)"
        )
    };
}

const DAY: i64 = 86_400;

/// Each statement, and how long after its time a thing stays: links and sessions a while longer, so that their page can
/// still say "used" or "expired" and not "unknown".
const BATCHES: &[(&str, i64)] = &[
    (batch!("one_time", "tenant, purpose, token_hash", "expires_at <= $1"), 7 * DAY),
    (
        batch!(
            "session_clients",
            "tenant, session, client_id",
            "(tenant, session) in (select tenant, id from sessions where expires_at <= $1)"
        ),
        DAY,
    ),
    (batch!("sessions", "tenant, token_hash", "expires_at <= $1"), DAY),
    (batch!("interactions", "tenant, id_hash", "expires_at <= $1"), 0),
    (batch!("tokens", "tenant, token_hash", "expires_at <= $1"), DAY),
    // a grant outlives its tokens
    (
        batch!(
            "grants",
            "tenant, id",
            "expires_at <= $1 and not exists (select 1 from tokens t where t.tenant = grants.tenant and t.grant_id = grants.id)"
        ),
        DAY,
    ),
    (batch!("signing_keys", "tenant, kid", "remove_after <= $1"), 0),
    (batch!("draft_browsers", "tenant, token_hash", "expires_at <= $1"), 0),
    // images that were handed in belong to their application
    (
        batch!(
            "documents",
            "tenant, id",
            "application is null and (tenant, draft) in (select tenant, id from drafts where expires_at <= $1)"
        ),
        0,
    ),
    (batch!("drafts", "tenant, id", "expires_at <= $1"), DAY),
    (batch!("rate_counters", "tenant, key_hash", "expires_at <= $1"), 0),
    (
        batch!(
            "attempts",
            "tenant, key_hash",
            "window_started_at <= $1 and (locked_until is null or locked_until <= $1)"
        ),
        2 * DAY,
    ),
    (batch!("outbox", "tenant, id", "created_at <= $1 and (sent_at is not null or dead_at is not null)"), 30 * DAY),
];

pub(crate) fn statements() -> impl Iterator<Item = &'static str> {
    BATCHES.iter().map(|(sql, _)| *sql)
}

impl Database {
    /// Deletes what is over by `now`, at most `batch` rows of each table. How many rows went; call again while it is
    /// as many as a batch.
    pub async fn sweep(&self, now: Timestamp, batch: u32) -> Result<u64, StoreError> {
        let mut swept = 0;
        for (sql, grace) in BATCHES {
            swept += self.conn().write(sql, None, params![now.0.saturating_sub(*grace), batch]).await?;
        }
        Ok(swept)
    }
}
