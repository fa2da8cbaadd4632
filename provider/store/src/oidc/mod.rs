//! What OpenID Connect keeps: clients, signing keys, parked requests, grants, tokens, consents.

pub mod clients;
pub mod consents;
pub mod grants;
pub mod interactions;
pub mod logouts;
pub mod signing_keys;
pub mod tokens;

use crate::{TenantStore, Tx};

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
        logouts::STATEMENTS,
        grants::STATEMENTS,
        tokens::STATEMENTS,
        consents::STATEMENTS,
    ]
    .concat()
}
