//! A tenant's data keys, wrapped by the deployment's key: what documents and signing keys are sealed with.

use crate::{Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::Timestamp;

statements! {
    INSERT = "insert into data_keys (tenant, id, wrapped, created_at) values ($1, $2, $3, $4) on conflict do nothing";
    ALL = "select id, wrapped, created_at, retired_at from data_keys where tenant = $1 order by created_at, id";
    REWRAP = "update data_keys set wrapped = $4 where tenant = $1 and id = $2 and wrapped = $3";
    RETIRE = "update data_keys set retired_at = $3 where tenant = $1 and id = $2 and retired_at is null";
}

/// A wrapped key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKey {
    /// Its name.
    pub id: String,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it opens but no longer seals.
    pub retired_at: Option<Timestamp>,
}

/// The data keys of a tenant.
pub struct DataKeys<'a>(pub(crate) Scope<'a>);

impl DataKeys<'_> {
    /// A new one. Nodes that start together name the first key alike, so that one of them wins.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is one of that name: read it.
    pub async fn insert(&mut self, id: &str, wrapped: &[u8], now: Timestamp) -> Result<(), StoreError> {
        self.0.insert(INSERT, params![id, wrapped, now]).await
    }

    /// All, oldest first.
    pub async fn all(&mut self) -> Result<Vec<DataKey>, StoreError> {
        let read = |row: &mut Row| {
            Ok(DataKey { id: row.text()?, wrapped: row.bytes()?, created_at: row.time()?, retired_at: row.opt_time()? })
        };
        self.0.all(ALL, params![], read).await
    }

    /// The same key wrapped by another one, unless that was done meanwhile.
    pub async fn rewrap(&mut self, id: &str, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.0.changed(REWRAP, params![id, old, new]).await
    }

    /// Seals nothing more with it.
    pub async fn retire(&mut self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(RETIRE, params![id, now]).await
    }
}
