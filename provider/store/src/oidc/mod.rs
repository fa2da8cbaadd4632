//! What OpenID Connect keeps: clients, signing keys, parked requests, grants, tokens, consents.

pub mod clients;
pub mod consents;
pub mod grants;
pub mod interactions;
pub mod signing_keys;
pub mod tokens;

use crate::{Row, StoreError, TenantStore, Tx};
use madoguchi_domain::{
    EmailAddress,
    account::{Account, AccountState},
    id::AccountId,
};

macro_rules! repositories {
    ($($(#[$doc:meta])* $method:ident => $module:ident . $name:ident;)+) => {
        /// The repositories of OpenID Connect, each statement on its own.
        impl TenantStore {
            $($(#[$doc])* pub fn $method(&self) -> $module::$name<'_> { $module::$name(self.scope()) })+
        }
        /// The repositories of OpenID Connect, inside the transaction.
        impl Tx {
            $($(#[$doc])* pub fn $method(&mut self) -> $module::$name<'_> { $module::$name(self.scope()) })+
        }
    };
}

repositories! {
    /// Relying parties.
    clients => clients.Clients;
    /// The keys that tokens are signed with.
    signing_keys => signing_keys.SigningKeys;
    /// Parked authorization requests.
    interactions => interactions.Interactions;
    /// Grants and their codes.
    grants => grants.Grants;
    /// Access and refresh tokens.
    tokens => tokens.Tokens;
    /// What people agreed to.
    consents => consents.Consents;
}

/// Every statement of these repositories.
pub(crate) fn statements() -> Vec<&'static str> {
    [
        clients::STATEMENTS,
        signing_keys::STATEMENTS,
        interactions::STATEMENTS,
        grants::STATEMENTS,
        tokens::STATEMENTS,
        consents::STATEMENTS,
    ]
    .concat()
}

/// The account columns of a joined statement, in the order that [`joined_account`] reads.
macro_rules! account_columns {
    () => {
        "a.id, a.sub, a.login_id, a.email, a.state, a.locale, a.profile, a.staff_roles, a.generation, a.created_at"
    };
}
use account_columns;

/// The account of a joined row.
fn joined_account(row: &mut Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId::known(row.text()?),
        sub: row.text()?,
        login_id: row.text()?,
        email: EmailAddress::known(row.text()?),
        state: row.known("accounts.state", AccountState::from_stored)?,
        locale: row.locale()?,
        profile: row.json("accounts.profile")?,
        staff_roles: row.json("accounts.staff_roles")?,
        generation: row.int()?,
        created_at: row.time()?,
    })
}
