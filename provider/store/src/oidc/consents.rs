//! What people agreed to hand to a client.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{Timestamp, id::AccountId};

statements! {
    FIND = "select scope, claims, granted_at from consents \
            where tenant = $1 and account = $2 and client_id = $3";
    OF = "select client_id, scope, claims, granted_at from consents \
          where tenant = $1 and account = $2 order by client_id";
    UPSERT = "insert into consents (tenant, account, client_id, scope, claims, granted_at) \
              values ($1, $2, $3, $4, $5, $6) \
              on conflict (tenant, account, client_id) do update \
              set scope = excluded.scope, claims = excluded.claims, granted_at = excluded.granted_at";
    DELETE = "delete from consents where tenant = $1 and account = $2 and client_id = $3";
}

/// A remembered consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Scope tokens, sorted, space-separated.
    pub scope: String,
    /// Single claims beyond them.
    pub claims: Vec<String>,
    /// When it was last given.
    pub granted_at: Timestamp,
}

/// The consents of a tenant.
pub struct Consents<'a>(pub(crate) Scope<'a>);

impl Consents<'_> {
    /// What an account agreed to for a client.
    pub async fn find(&mut self, account: &AccountId, client_id: &str) -> Result<Option<Consent>, StoreError> {
        let read = |row: &mut Row| {
            Ok(Consent { scope: row.text()?, claims: row.json("consents.claims")?, granted_at: row.time()? })
        };
        self.0.one(FIND, params![account, client_id], read).await
    }

    /// All that an account agreed to, by client.
    pub async fn of(&mut self, account: &AccountId) -> Result<Vec<(String, Consent)>, StoreError> {
        let read = |row: &mut Row| {
            let client = row.text()?;
            let consent = Consent { scope: row.text()?, claims: row.json("consents.claims")?, granted_at: row.time()? };
            Ok((client, consent))
        };
        self.0.all(OF, params![account], read).await
    }

    /// Remembers a consent in place of an earlier one.
    pub async fn remember(
        &mut self,
        account: &AccountId,
        client_id: &str,
        consent: &Consent,
    ) -> Result<(), StoreError> {
        let values = params![account, client_id, &consent.scope, json(&consent.claims)?, consent.granted_at];
        self.0.write(UPSERT, values).await.map(drop)
    }

    /// Forgets it; whether there was one. The caller ends the grants.
    pub async fn forget(&mut self, account: &AccountId, client_id: &str) -> Result<bool, StoreError> {
        self.0.changed(DELETE, params![account, client_id]).await
    }
}
