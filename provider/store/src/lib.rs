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
mod error;
mod migrate;
mod pool;
mod value;

pub mod oidc;
pub mod one_time;

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
    /// Links, tickets: what may be used once.
    one_time => one_time.OneTimeSecrets;
}

/// Every statement that is prepared on the given database.
fn all_statements(postgres: bool) -> Vec<&'static str> {
    let _ = postgres;
    [one_time::STATEMENTS, oidc::statements().as_slice()].concat()
}
