//! What may go wrong when something is kept or looked up, told so that no stored value appears in it.

use std::time::Duration;

/// Why the database did not do what was asked. The text of a cause is for the log: it has codes, names of tables and
/// columns, never a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something of that key exists already, or another one was first, or what was seen is no longer the latest.
    /// The transaction, if there is one, is still good.
    #[error("it exists already, or somebody else was first")]
    Conflict,
    /// The database gave way to another transaction (serialization failure, deadlock, lock time-out). The whole
    /// transaction may be tried again; [`retry`] does.
    #[error("the database is busy: {0}")]
    Busy(Cause),
    /// No connection, no disk space, no permission: nothing that the request can help. Answer 503 and try later.
    #[error("the database is not available: {0}")]
    Unavailable(Cause),
    /// What is stored cannot be read, or a statement does not fit the schema: a bug or a damaged database.
    #[error("the database holds something that cannot be: {0}")]
    Corrupt(Cause),
    /// The database must not be used by this program: its schema is newer, or its address makes no sense.
    #[error("{0}")]
    Refused(String),
}

/// A cause for the log, without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StoreError {
    /// A stored value that is none of those that were ever written.
    pub(crate) fn unreadable(column: &'static str) -> Self {
        Self::Corrupt(Cause(format!("unreadable {column}")))
    }

    /// Whether the database itself is away or full, as against a conflict or a bug: for 503 and `Retry-After`.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Unavailable(_))
    }
}

/// What the databases' own codes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Conflict,
    Busy,
    Unavailable,
    Corrupt,
}

/// SQLSTATE (PostgreSQL) is five characters; SQLite's extended result codes are decimal numbers of up to four digits.
fn classify(code: &str) -> Class {
    if code.len() == 5 {
        return match code {
            "23505" => Class::Conflict,
            "40001" | "40P01" | "55P03" => Class::Busy,
            // read-only: the server became a standby
            "25006" | "57014" => Class::Unavailable,
            _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Class::Unavailable,
            _ => Class::Corrupt,
        };
    }
    match code.parse::<u32>() {
        Ok(1555 | 2067 | 2579) => Class::Conflict,
        Ok(extended) => match extended & 0xff {
            5 | 6 => Class::Busy,
            // permission, no memory, read-only, I/O, full, cannot open, lock protocol
            3 | 7 | 8 | 10 | 13 | 14 | 15 => Class::Unavailable,
            _ => Class::Corrupt,
        },
        Err(_) => Class::Corrupt,
    }
}

impl From<sqlx::Error> for StoreError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "not ours, and open-ended; what is not known is a bug")]
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) => {
                let code = db.code().unwrap_or_default();
                // PostgreSQL quotes values in messages of class 22 (data exception) and 23 (constraint); SQLite never.
                let quotes_values = code.len() == 5 && (code.starts_with("22") || code.starts_with("23"));
                let message = if quotes_values { "" } else { db.message() };
                let cause = Cause(format!("code {code} {} {message}", db.constraint().unwrap_or_default()));
                match classify(&code) {
                    Class::Conflict => Self::Conflict,
                    Class::Busy => Self::Busy(cause),
                    Class::Unavailable => Self::Unavailable(cause),
                    Class::Corrupt => Self::Corrupt(cause),
                }
            }
            sqlx::Error::Io(io) => Self::Unavailable(Cause(format!("connection: {}", io.kind()))),
            sqlx::Error::Tls(_) => Self::Unavailable(Cause::new("TLS failed")),
            sqlx::Error::Protocol(_) => Self::Unavailable(Cause::new("the connection broke the protocol")),
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(Cause(error.to_string())),
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt(Cause(format!("column {index} cannot be read"))),
            _ => Self::Corrupt(Cause::new("a statement does not fit its result")),
        }
    }
}

/// An error that can say whether trying the whole transaction again may help.
pub trait Retryable {
    /// True for [`StoreError::Busy`] only.
    fn is_busy(&self) -> bool;
}

impl Retryable for StoreError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

/// Runs a whole transaction (begin to commit), again when the database gave way to another one: four times at most,
/// with growing pauses that differ between competitors. Effects outside the database do not belong into `attempt`.
///
/// ```no_run
/// # async fn example(store: madoguchi_store::TenantStore, id: madoguchi_domain::id::AccountId)
/// # -> Result<(), madoguchi_store::StoreError> {
/// madoguchi_store::retry(|| async {
///     let mut tx = store.begin().await?;
///     tx.accounts().end_everything(&id).await?;
///     tx.commit().await
/// })
/// .await
/// # }
/// ```
pub async fn retry<T, E, F>(mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    E: Retryable,
    F: Future<Output = Result<T, E>>,
{
    let mut tries = 0u32;
    loop {
        let result = attempt().await;
        match result {
            Err(error) if error.is_busy() && tries < 3 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(pause(tries))).await;
            }
            Ok(_) | Err(_) => return result,
        }
    }
}

/// 10, 20, 40 ms, each with up to as much again; what is added need not be unguessable, only different.
fn pause(tries: u32) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let base = 5u64 << tries.min(6);
    base + std::hash::RandomState::new().build_hasher().finish() % base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_stopped_server_are_unavailability_and_not_bugs() {
        for code in ["13", "10", "778", "14", "8", "53100", "53300", "57P01", "08006", "58030", "25006"] {
            assert_eq!(classify(code), Class::Unavailable, "{code}");
        }
        for code in ["5", "261", "517", "6", "40001", "40P01"] {
            assert_eq!(classify(code), Class::Busy, "{code}");
        }
        for code in ["1555", "2067", "23505"] {
            assert_eq!(classify(code), Class::Conflict, "{code}");
        }
        for code in ["1", "11", "26", "787", "42P01", "23503", "22P02", ""] {
            assert_eq!(classify(code), Class::Corrupt, "{code}");
        }
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for tries in 1..4 {
            let base = 5u64 << tries;
            assert!((base..base * 2).contains(&pause(tries)));
        }
    }
}
