//! What accounts are opened with: hashes, at most one of a kind for each account.

use crate::{Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{
    Timestamp,
    account::{Credential, CredentialKind},
    id::AccountId,
};

/// The columns that [`read_optional`] reads; `c` is the table.
macro_rules! columns {
    () => {
        "c.kind, c.phc, c.previous_phc, c.set_at, c.expires_at, c.consumed_at"
    };
}
pub(crate) use columns;

statements! {
    OF = concat!("select ", columns!(), " from credentials c where c.tenant = $1 and c.account = $2");
    PUT = "insert into credentials (tenant, account, kind, phc, previous_phc, set_at, expires_at, consumed_at) \
           values ($1, $2, $3, $4, $5, $6, $7, $8) \
           on conflict (tenant, account, kind) do update set phc = excluded.phc, previous_phc = excluded.previous_phc, \
           set_at = excluded.set_at, expires_at = excluded.expires_at, consumed_at = excluded.consumed_at";
    CONSUME = "update credentials set consumed_at = $4 where tenant = $1 and account = $2 and kind = $3 \
           and consumed_at is null and (expires_at is null or expires_at > $4)";
    REHASH = "update credentials set phc = $5 where tenant = $1 and account = $2 and kind = $3 and phc = $4";
    REPLACE = "update credentials set phc = $5, previous_phc = $4, set_at = $6 \
           where tenant = $1 and account = $2 and kind = $3 and phc = $4";
    REMOVE = "delete from credentials where tenant = $1 and account = $2 and kind = $3";
}

/// The credentials of a tenant's accounts.
pub struct Credentials<'a>(pub(crate) Scope<'a>);

impl Credentials<'_> {
    /// All of an account.
    pub async fn of(&mut self, account: &AccountId) -> Result<Vec<Credential>, StoreError> {
        let rows = self.0.all(OF, params![account], read_optional).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Sets one, in place of the one of its kind.
    pub async fn put(&mut self, account: &AccountId, credential: &Credential) -> Result<(), StoreError> {
        let values = params![
            account,
            credential.kind.as_str(),
            &credential.phc,
            credential.previous_phc.as_deref(),
            credential.set_at,
            credential.expires_at,
            credential.consumed_at,
        ];
        self.0.write(PUT, values).await.map(drop)
    }

    /// Uses one up (the initial password) or takes it away (the own ones); false when somebody did, or it expired, or there is none.
    pub async fn consume(
        &mut self,
        account: &AccountId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(CONSUME, params![account, kind.as_str(), now]).await
    }

    /// The same value hashed with newer parameters, unless it was changed meanwhile.
    pub async fn rehash(
        &mut self,
        account: &AccountId,
        kind: CredentialKind,
        old_phc: &str,
        new_phc: &str,
    ) -> Result<bool, StoreError> {
        self.0.changed(REHASH, params![account, kind.as_str(), old_phc, new_phc]).await
    }

    /// Another value in place of the one of that hash; false when that is no longer the one in force.
    pub async fn replace(
        &mut self,
        account: &AccountId,
        kind: CredentialKind,
        old_phc: &str,
        new_phc: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(REPLACE, params![account, kind.as_str(), old_phc, new_phc, now]).await
    }

    /// Takes one away.
    pub async fn remove(&mut self, account: &AccountId, kind: CredentialKind) -> Result<bool, StoreError> {
        self.0.changed(REMOVE, params![account, kind.as_str()]).await
    }
}

/// Reads [`columns`], all absent where an outer join found none.
pub(crate) fn read_optional(row: &mut Row) -> Result<Option<Credential>, StoreError> {
    let Some(kind) = row.opt_text()? else {
        row.skip(5);
        return Ok(None);
    };
    Ok(Some(Credential {
        kind: CredentialKind::from_stored(&kind).ok_or(StoreError::unreadable("credentials.kind"))?,
        phc: row.text()?,
        previous_phc: row.opt_text()?,
        set_at: row.time()?,
        expires_at: row.opt_time()?,
        consumed_at: row.opt_time()?,
    }))
}
