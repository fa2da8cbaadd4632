//! What can go wrong in any use case, besides what the use case itself refuses.

use madoguchi_store::{Retryable, StoreError};
use std::time::Duration;

/// A use case could not be carried out; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The database does not answer, or refuses to write. The answer to the browser is 503 with `Retry-After`.
    #[error("the database is not available")]
    Unavailable {
        /// When to come again.
        retry_after: Duration,
        /// The cause, for the log.
        #[source]
        source: StoreError,
    },
    /// Too much is waiting already. 503 with `Retry-After`.
    #[error("too many requests are waiting")]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// What should not happen: stored data that cannot be read, a mail template that does not render. 500; the text
    /// is for the log, and has no secret in it.
    #[error("{0}")]
    Bug(String),
}

impl ServiceError {
    /// A [`ServiceError::Bug`] from whatever says so.
    pub fn bug(cause: impl std::fmt::Display) -> Self {
        Self::Bug(cause.to_string())
    }

    /// When to come again, where that helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Bug(_) => None,
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            Self::Unavailable { retry_after: Duration::from_secs(2), source: error }
        } else {
            Self::Bug(error.to_string())
        }
    }
}

impl Retryable for ServiceError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Unavailable { source, .. } => source.is_busy(),
            Self::Busy { .. } | Self::Bug(_) => false,
        }
    }
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database does not answer, or holds what this version cannot read.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The master key is wrong, or its wrapped keys are damaged.
    #[error(transparent)]
    Vault(#[from] crate::vault::VaultError),
    /// The hashing threads could not be started.
    #[error("the password hashing threads could not be started: {0}")]
    Hashing(String),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}
