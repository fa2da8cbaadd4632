//! Accounts that an approved reapplication moved, as they were before: what is needed to take a wrong match back.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp,
    account::{AccountState, Profile},
    id::{AccountId, ApplicationId},
};
use serde::{Deserialize, Serialize};

statements! {
    RECORD = "insert into account_moves (tenant, application, version, account, was, moved_at) \
              values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    OF = "select application, version, account, was, moved_at, undone_at, undone_by, reason from account_moves \
              where tenant = $1 and application = $2 order by version";
    LATEST = "select application, version, account, was, moved_at, undone_at, undone_by, reason from account_moves \
              where tenant = $1 and account = $2 order by moved_at desc, version desc, application limit 1";
    UNDO = "update account_moves set undone_at = $4, undone_by = $5, reason = $6 \
              where tenant = $1 and application = $2 and version = $3 and undone_at is null";
}

/// What of an account an approved reapplication replaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The mail address.
    pub email: EmailAddress,
    /// The login ID.
    pub login_id: String,
    /// The language of its mails.
    pub locale: Locale,
    /// Whether it was in use.
    pub state: AccountState,
    /// The person.
    pub profile: Profile,
}

/// A move.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// By which application.
    pub application: ApplicationId,
    /// By which version of it.
    pub version: i64,
    /// Of which account.
    pub account: AccountId,
    /// As it was.
    pub before: Before,
    /// When.
    pub moved_at: Timestamp,
    /// When it was taken back, by whom, and why.
    pub undone: Option<(Timestamp, AccountId, String)>,
}

/// The moves of a tenant's accounts.
pub struct Moves<'a>(pub(crate) Scope<'a>);

impl Moves<'_> {
    /// Writes one down.
    pub async fn record(&mut self, made: &Move) -> Result<(), StoreError> {
        let values = params![&made.application, made.version, &made.account, json(&made.before)?, made.moved_at];
        self.0.insert(RECORD, values).await
    }

    /// Those of an application, by version.
    pub async fn of(&mut self, application: &ApplicationId) -> Result<Vec<Move>, StoreError> {
        self.0.all(OF, params![application], read).await
    }

    /// The last of an account.
    pub async fn latest(&mut self, account: &AccountId) -> Result<Option<Move>, StoreError> {
        self.0.one(LATEST, params![account], read).await
    }

    /// Notes that it was taken back; false when it was already.
    pub async fn undo(&mut self, made: &Move, at: Timestamp, by: &AccountId, reason: &str) -> Result<bool, StoreError> {
        self.0.changed(UNDO, params![&made.application, made.version, at, by, reason]).await
    }
}

fn read(row: &mut Row) -> Result<Move, StoreError> {
    Ok(Move {
        application: ApplicationId::known(row.text()?),
        version: row.int()?,
        account: AccountId::known(row.text()?),
        before: row.json("account_moves.before")?,
        moved_at: row.time()?,
        undone: match (row.opt_time()?, row.opt_text()?, row.opt_text()?) {
            (Some(at), by, reason) => Some((at, AccountId::known(by.unwrap_or_default()), reason.unwrap_or_default())),
            (None, ..) => None,
        },
    })
}
