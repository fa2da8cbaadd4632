//! What somebody who has proved who they are still owes, before anything else goes on.
//!
//! A duty outlives the page, the browser and the process: it stands in the database, and whoever signs in again stands
//! before it again. Asked wherever something is given: each page, each authorization request, each code.
//!
//! A third thing may be asked for on the way, and belongs to one authorization request and not to the account: which of
//! several student IDs to use. The protocol's table of demands has it.

use crate::{
    account::{Account, AccountState},
    session::Session,
    tenant::TenantConfig,
};

/// What is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Duty {
    /// To set own passwords, after the first login.
    SetCredentials,
    /// To agree to the terms in force, which are newer than those that were agreed to.
    AcceptTerms,
}

impl Duty {
    /// All, in the order in which they are asked for.
    pub const ALL: [Self; 2] = [Self::SetCredentials, Self::AcceptTerms];

    /// The first that is open; `None` when nothing is in the way.
    pub fn of(account: &Account, session: &Session, config: &TenantConfig) -> Option<Self> {
        match account.state {
            AccountState::Provisioned => Some(Self::SetCredentials),
            AccountState::Active | AccountState::Disabled => {
                (session.terms_due && config.terms_in_force().is_some()).then_some(Self::AcceptTerms)
            }
        }
    }
}
