//! Which versions of the terms each account agreed to, and when. Rows are added and never changed.

use crate::{Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{Timestamp, id::AccountId};

statements! {
    ACCEPT = "insert into accepted_terms (tenant, account, version, accepted_at) values ($1, $2, $3, $4) \
              on conflict do nothing";
    HAS = "select count(*) from accepted_terms where tenant = $1 and account = $2 and version = $3";
    OF = "select version, accepted_at from accepted_terms where tenant = $1 and account = $2 \
              order by accepted_at desc, version desc";
}

/// A version of the terms that was agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedTerms {
    /// Which.
    pub version: String,
    /// When.
    pub at: Timestamp,
}

/// The agreements of a tenant's accounts.
pub struct Terms<'a>(pub(crate) Scope<'a>);

impl Terms<'_> {
    /// Notes that an account agreed to a version. False when it had before: the first time stands.
    pub async fn accept(&mut self, account: &AccountId, version: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(ACCEPT, params![account, version, at]).await
    }

    /// Whether an account agreed to a version.
    pub async fn has(&mut self, account: &AccountId, version: &str) -> Result<bool, StoreError> {
        Ok(self.0.one(HAS, params![account, version], |row| row.int()).await?.is_some_and(|n| n > 0))
    }

    /// All that an account agreed to, latest first.
    pub async fn of(&mut self, account: &AccountId) -> Result<Vec<AcceptedTerms>, StoreError> {
        let read = |row: &mut Row| Ok(AcceptedTerms { version: row.text()?, at: row.time()? });
        self.0.all(OF, params![account], read).await
    }
}
