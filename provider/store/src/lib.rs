//! What the domain names, kept: one SQL text for SQLite and PostgreSQL, behind one door.
//!
//! * [`Database`] is the deployment's: connections, migrations, the tenants, the worker's side of the outbox, the sweep.
//! * [`TenantStore`] is a tenant's; [`Tx`] a transaction of it. Both hand out the repositories, the same types.
//! * A repository is a short-lived value around a connection: `store.accounts().find(&id).await?`.
//!
//! What may happen once is one conditional statement here: links, decisions, submissions. What must happen together is
//! a transaction of the service.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod db;
mod disk;
mod error;
mod migrate;
mod pool;
mod search;
mod sweep;
mod value;

pub mod accounts;
pub mod applications;
pub mod attempts;
pub mod audit;
pub mod credentials;
pub mod data_keys;
pub mod decisions;
pub mod documents;
pub mod drafts;
pub mod enrolments;
pub mod moves;
pub mod oidc;
pub mod one_time;
pub mod outbox;
pub mod rates;
pub mod roster;
pub mod sessions;
pub mod tenants;
pub mod terms;
pub mod user_ids;

pub use db::{Database, DatabaseOptions, Scope, TenantStore, Tx};
pub use error::{Cause, Retryable, StoreError, retry};
pub use value::{Row, Value};

/// Names a module's statements and lists them, so that a test prepares each on both databases.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        pub(crate) const STATEMENTS: &[&str] = &[$($name),*];
    };
}
pub(crate) use statements;

/// A repository of a tenant's things: a struct around a [`Scope`], and how to get it from a store or a transaction.
macro_rules! repositories {
    ($($(#[$doc:meta])* $method:ident => $($module:ident)::+ . $name:ident;)+) => {
        /// The repositories, each statement on its own.
        impl TenantStore {
            $($(#[$doc])* pub fn $method(&self) -> $($module)::+::$name<'_> { $($module)::+::$name(self.scope()) })+
        }
        /// The repositories, inside the transaction.
        impl Tx {
            $($(#[$doc])* pub fn $method(&mut self) -> $($module)::+::$name<'_> { $($module)::+::$name(self.scope()) })+
        }
    };
}

repositories! {
    /// Accounts.
    accounts => accounts.Accounts;
    /// What accounts are opened with.
    credentials => credentials.Credentials;
    /// Stays at the institution that were checked.
    enrolments => enrolments.Enrolments;
    /// Sessions.
    sessions => sessions.Sessions;
    /// Which terms were agreed to.
    terms => terms.Terms;
    /// Links, tickets: what may be used once.
    one_time => one_time.OneTimeSecrets;
    /// Failed logins and locks.
    attempts => attempts.Attempts;
    /// Counters for limits.
    rates => rates.Rates;
    /// What applicants are writing.
    drafts => drafts.Drafts;
    /// Images of documents.
    documents => documents.Documents;
    /// Applications as handed in.
    applications => applications.Applications;
    /// Decisions on them.
    decisions => decisions.Decisions;
    /// Accounts that reapplications moved.
    moves => moves.Moves;
    /// Whom the institution knows.
    roster => roster.Roster;
    /// Mails to send.
    mails => outbox.Mails;
    /// The audit log.
    audit => audit.Audit;
    /// User IDs that were given out.
    user_ids => user_ids.UserIds;
    /// The tenant's configuration.
    configuration => tenants.Configuration;
    /// The keys that documents and signing keys are sealed with.
    data_keys => data_keys.DataKeys;
}

/// Every statement of a tenant's things; `$1` is the tenant in each.
fn tenant_statements() -> Vec<&'static str> {
    [
        accounts::STATEMENTS,
        credentials::STATEMENTS,
        enrolments::STATEMENTS,
        sessions::STATEMENTS,
        terms::STATEMENTS,
        one_time::STATEMENTS,
        attempts::STATEMENTS,
        rates::STATEMENTS,
        drafts::STATEMENTS,
        documents::STATEMENTS,
        applications::STATEMENTS,
        decisions::STATEMENTS,
        moves::STATEMENTS,
        roster::STATEMENTS,
        outbox::STATEMENTS,
        audit::STATEMENTS,
        tenants::STATEMENTS,
        user_ids::STATEMENTS,
        data_keys::STATEMENTS,
        oidc::statements().as_slice(),
    ]
    .concat()
}

/// Every statement that is prepared on the given database.
fn all_statements(postgres: bool) -> Vec<&'static str> {
    let mut all = tenant_statements();
    all.extend(tenants::DEPLOYMENT_STATEMENTS);
    all.extend(outbox::worker_statements(postgres));
    all.extend(oidc::logouts::worker_statements(postgres));
    all.extend(oidc::tokens::exchanges(postgres));
    all.extend(postgres.then_some(oidc::grants::INSERT_SOON));
    all.extend(sweep::statements());
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_statement_of_a_tenants_things_is_bound_to_the_tenant() {
        let exchanges = [true, false].map(super::oidc::tokens::exchanges).concat();
        for sql in super::tenant_statements().into_iter().chain(exchanges) {
            let bound = ["tenant = $1", "slug = $1", "values ($1,"].iter().any(|text| sql.contains(text));
            assert!(bound, "{sql}");
            // each table that is read by itself, and not joined on the tenant of another, names it too
            let reads =
                sql.matches("select ").count() + sql.matches("update ").count() + sql.matches("delete ").count();
            assert!(sql.matches("$1").count() >= reads.saturating_sub(usize::from(sql.contains("do update"))), "{sql}");
        }
    }
}
