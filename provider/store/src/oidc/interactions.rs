//! Authorization requests that wait for somebody to sign in, agree or choose. The browser holds an opaque name only.

use crate::{Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{Timestamp, TokenHash};

statements! {
    INSERT = "insert into interactions (tenant, id_hash, browser_hash, request, created_at, expires_at) \
              values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    FIND = "select browser_hash, request, created_at, expires_at, finished_at from interactions \
            where tenant = $1 and id_hash = $2";
    UPDATE = "update interactions set request = $3 where tenant = $1 and id_hash = $2 and finished_at is null";
    FINISH = "update interactions set finished_at = $3 \
              where tenant = $1 and id_hash = $2 and finished_at is null and expires_at > $3";
}

/// A parked request as stored.
#[derive(Debug, Clone)]
pub struct StoredInteraction {
    /// Hash of the browser cookie's value that it belongs to.
    pub browser_hash: TokenHash,
    /// The request and how far it got (JSON).
    pub request: String,
    /// When it was parked.
    pub created_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// When it was answered.
    pub finished_at: Option<Timestamp>,
}

/// The parked requests of a tenant.
pub struct Interactions<'a>(pub(crate) Scope<'a>);

impl Interactions<'_> {
    /// Parks a request under the hash of its name.
    pub async fn insert(&mut self, id_hash: &TokenHash, parked: &StoredInteraction) -> Result<(), StoreError> {
        let values = params![id_hash, &parked.browser_hash, &parked.request, parked.created_at, parked.expires_at];
        self.0.insert(INSERT, values).await
    }

    /// The request of that name, whatever its state.
    pub async fn find(&mut self, id_hash: &TokenHash) -> Result<Option<StoredInteraction>, StoreError> {
        let read = |row: &mut Row| {
            Ok(StoredInteraction {
                browser_hash: row.hash()?,
                request: row.text()?,
                created_at: row.time()?,
                expires_at: row.time()?,
                finished_at: row.opt_time()?,
            })
        };
        self.0.one(FIND, params![id_hash], read).await
    }

    /// Keeps how far it got; whether it is still unanswered.
    pub async fn update(&mut self, id_hash: &TokenHash, request: &str) -> Result<bool, StoreError> {
        self.0.changed(UPDATE, params![id_hash, request]).await
    }

    /// Answers it: true for one caller only.
    pub async fn finish(&mut self, id_hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(FINISH, params![id_hash, now]).await
    }
}
