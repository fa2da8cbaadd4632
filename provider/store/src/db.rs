//! The door to the database: [`Database`] for the deployment, [`TenantStore`] for a tenant, [`Tx`] for a transaction.
//!
//! Everything of a tenant is reached through its [`TenantStore`], or a [`Tx`] begun there: the tenant is `$1` of every
//! such statement and is put there here, so a statement without one cannot be written by mistake.
//!
//! ```no_run
//! # use madoguchi_domain::{TenantSlug, id::AccountId};
//! # async fn example(
//! #     db: madoguchi_store::Database, slug: TenantSlug, id: AccountId,
//! # ) -> Result<(), madoguchi_store::StoreError> {
//! let store = db.tenant(&slug);
//! let account = store.accounts().find(&id).await?;      // one statement, no transaction
//! let mut tx = store.begin().await?;                    // several, all or nothing
//! tx.accounts().end_everything(&id).await?;
//! tx.commit().await?;
//! # Ok(()) }
//! ```

use crate::{
    StoreError,
    disk::Disk,
    error::Cause,
    migrate,
    pool::{Lease, Opener, Pool},
    value::{Row, Value},
};
use madoguchi_domain::TenantSlug;
use sqlx::{
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{str::FromStr, sync::Arc, time::Duration};

/// Where the database is and how many connections to it may be open.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// `sqlite:PATH` or `postgres://user:password@host:port/name`.
    pub url: String,
    /// Connections to PostgreSQL at most.
    pub connections: usize,
    /// Readers of an SQLite file at most; there is always one writer.
    pub readers: usize,
    /// How long a request waits for a free connection, or for a new one, before it is told to come back later.
    pub patience: Duration,
}

impl DatabaseOptions {
    /// The defaults for an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections: 10, readers: 4, patience: Duration::from_secs(5) }
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    writers: Arc<Pool>,
    readers: Arc<Pool>,
    /// Where commits of SQLite are waited for; PostgreSQL's own commit waits.
    disk: Option<Disk>,
}

impl Inner {
    fn postgres(&self) -> bool {
        self.disk.is_none()
    }

    /// Waits until what was written is on the disk.
    async fn settle(&self) -> Result<(), StoreError> {
        match &self.disk {
            Some(disk) => disk.settle().await,
            None => Ok(()),
        }
    }

    /// A connection for a short read. On SQLite the writer's where nobody has it: what was just written is in its cache,
    /// while every write empties those of the others.
    async fn lookup(&self) -> Result<Lease, StoreError> {
        match self.disk.as_ref().and_then(|_| self.writers.try_lease()) {
            Some(lease) => Ok(lease),
            None => self.readers.lease().await,
        }
    }
}

impl Database {
    /// Opens the database at `url` with the default options, see [`Database::open`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::open(&DatabaseOptions::new(url)).await
    }

    /// Opens the database: one connection is made to see that it is there. An SQLite file is created when absent (its
    /// folder is not). Nothing is migrated.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the address is none that we know, [`StoreError::Unavailable`] when nothing answers.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, StoreError> {
        let url = options.url.as_str();
        let postgres = url.starts_with("postgres:") || url.starts_with("postgresql:");
        let unreadable = |_| StoreError::Refused("the database's address cannot be read".into());
        let db = if postgres {
            let open = PgConnectOptions::from_str(url)
                .map_err(unreadable)?
                .application_name("madoguchi")
                .statement_cache_capacity(CACHED_STATEMENTS);
            let pool = Pool::new(Opener::Postgres(Box::new(quiet(open))), options.connections.max(1), options.patience);
            Self(Arc::new(Inner { readers: Arc::clone(&pool), writers: pool, disk: None }))
        } else if url.starts_with("sqlite:") && !url.contains(":memory:") {
            let open = SqliteConnectOptions::from_str(url)
                .map_err(unreadable)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .statement_cache_capacity(CACHED_STATEMENTS);
            let read = open.clone().create_if_missing(false).pragma("query_only", "on");
            let disk = Some(Disk::new(open.get_filename()));
            Self(Arc::new(Inner {
                writers: Pool::new(Opener::Sqlite(Box::new(quiet(open))), 1, options.patience),
                readers: Pool::new(Opener::Sqlite(Box::new(quiet(read))), options.readers.max(1), options.patience),
                disk,
            }))
        } else {
            return Err(StoreError::Refused(
                "the database's address begins with sqlite: (and a path) or postgres://".into(),
            ));
        };
        db.0.writers.lease().await?;
        Ok(db)
    }

    /// Brings the schema up to date, under a lock so that only one of several starting nodes does it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the schema is newer than this program or is not what its migrations made.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::run(&mut self.0.writers.lease().await?).await?;
        self.0.settle().await
    }

    /// Whether the database answers. For readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.conn().read("select 1", None, &[]).await.map(drop)
    }

    /// Closes the connections that are idle; those lent out end with their statement.
    pub async fn close(&self) {
        self.0.readers.close().await;
        if !self.0.postgres() {
            self.0.writers.close().await;
        }
    }

    /// A tenant's things. Whether there is such a tenant is not asked.
    pub fn tenant(&self, slug: &TenantSlug) -> TenantStore {
        TenantStore { db: self.clone(), tenant: Arc::new(slug.clone()) }
    }

    /// Whether this is PostgreSQL, so that there may be other nodes.
    pub fn is_postgres(&self) -> bool {
        self.0.postgres()
    }

    /// Prepares every statement of every repository, to see that each fits the schema. For tests and `check`.
    ///
    /// # Errors
    /// The first that does not fit; its text is in the cause.
    pub async fn prepare_all(&self) -> Result<usize, StoreError> {
        let statements = crate::all_statements(self.0.postgres());
        let mut lease = self.0.writers.lease().await?;
        for sql in &statements {
            if let Err(error) = lease.prepare(sql).await {
                return Err(StoreError::Corrupt(Cause::new(format!("{error} in: {sql}"))));
            }
        }
        Ok(statements.len())
    }

    pub(crate) fn conn(&self) -> Conn<'_> {
        Conn(Kind::Pools(&self.0))
    }
}

/// More than there are statements, so that none is prepared twice on one connection.
const CACHED_STATEMENTS: usize = 400;

/// Statements are not logged: what they bind may be personal, and what is slow shows in the metrics.
fn quiet<O: sqlx::ConnectOptions>(options: O) -> O {
    options.disable_statement_logging()
}

/// A tenant's things, on the pool. Cheap to clone.
#[derive(Clone)]
pub struct TenantStore {
    db: Database,
    tenant: Arc<TenantSlug>,
}

impl TenantStore {
    /// Whose things.
    pub fn slug(&self) -> &TenantSlug {
        &self.tenant
    }

    /// The database behind.
    pub fn database(&self) -> &Database {
        &self.db
    }

    /// Begins a transaction; on SQLite it waits for the one writer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let mut lease = self.db.0.writers.lease().await?;
        lease.begin().await?;
        Ok(Tx { db: self.db.clone(), tenant: Arc::clone(&self.tenant), lease: Some(lease), failed: false })
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { tenant: self.tenant.as_str(), conn: self.db.conn() }
    }
}

/// A transaction of one tenant. Rolled back when dropped without [`Tx::commit`].
pub struct Tx {
    db: Database,
    tenant: Arc<TenantSlug>,
    lease: Option<Lease>,
    failed: bool,
}

impl Tx {
    /// Whose things.
    pub fn slug(&self) -> &TenantSlug {
        &self.tenant
    }

    /// Makes it last: when this returns without error, it is on the disk.
    ///
    /// # Errors
    /// Besides those of the database: a transaction in which a statement failed is not committed, whatever the caller
    /// did with that error (PostgreSQL would roll it back and say nothing).
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Corrupt(Cause::new("commit after a failed statement")));
        }
        held(&mut self.lease)?.end("commit").await?;
        // the next writer may begin while this one waits
        drop(self.lease.take());
        self.db.0.settle().await
    }

    /// Undoes it now. Dropping does the same a little later.
    pub async fn rollback(mut self) -> Result<(), StoreError> {
        match self.lease.as_mut() {
            Some(lease) if lease.can_roll_back() => lease.end("rollback").await,
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn scope(&mut self) -> Scope<'_> {
        Scope { tenant: self.tenant.as_str(), conn: Conn(Kind::Tx(&mut self.lease, &mut self.failed)) }
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // A lease that still has an open transaction is not given back, so without a runtime the connection closes.
        if let Some(mut lease) = self.lease.take()
            && lease.can_roll_back()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let Err(error) = lease.end("rollback").await {
                    tracing::debug!(%error, "a transaction was not rolled back; its connection is closed");
                }
            });
        }
    }
}

/// Where statements run: on any connection, or in a transaction.
pub(crate) struct Conn<'a>(Kind<'a>);

enum Kind<'a> {
    Pools(&'a Inner),
    Tx(&'a mut Option<Lease>, &'a mut bool),
}

impl Conn<'_> {
    /// Reads.
    pub(crate) async fn read(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.0 {
            Kind::Pools(pools) => {
                let mut lease = pools.readers.lease().await?;
                match lease.rows(sql, tenant, values).await {
                    Err(error) if may_be_stale(&error, &lease) => {
                        drop(lease);
                        pools.readers.lease().await?.rows(sql, tenant, values).await
                    }
                    result => result,
                }
            }
            Kind::Tx(lease, failed) => note(failed, held(lease)?.rows(sql, tenant, values).await),
        }
    }

    /// Reads the first row.
    pub(crate) async fn read_one(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        match &mut self.0 {
            Kind::Pools(pools) => {
                let mut lease = pools.lookup().await?;
                match lease.row(sql, tenant, values).await {
                    Err(error) if may_be_stale(&error, &lease) => {
                        drop(lease);
                        pools.lookup().await?.row(sql, tenant, values).await
                    }
                    result => result,
                }
            }
            Kind::Tx(lease, failed) => note(failed, held(lease)?.row(sql, tenant, values).await),
        }
    }

    /// Writes what may be lost should the machine lose its power within the next moments, and never otherwise: the
    /// statement does not wait for the disk. `postgres` is the same statement saying so itself. How many rows were
    /// changed.
    pub(crate) async fn write_soon(
        &mut self,
        sql: &'static str,
        postgres: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        match &mut self.0 {
            Kind::Pools(pools) => {
                let sql = if pools.postgres() { postgres } else { sql };
                pools.writers.lease().await?.run(sql, tenant, values).await
            }
            Kind::Tx(lease, failed) => note(failed, held(lease)?.run(sql, tenant, values).await),
        }
    }

    /// Writes, and reads what the statement returns.
    pub(crate) async fn returning(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.0 {
            Kind::Pools(pools) => {
                let rows = pools.writers.lease().await?.rows(sql, tenant, values).await?;
                if !rows.is_empty() {
                    pools.settle().await?;
                }
                Ok(rows)
            }
            Kind::Tx(lease, failed) => note(failed, held(lease)?.rows(sql, tenant, values).await),
        }
    }

    /// Writes; how many rows were changed.
    pub(crate) async fn write(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        match &mut self.0 {
            Kind::Pools(pools) => {
                let changed = pools.writers.lease().await?.run(sql, tenant, values).await?;
                if changed > 0 {
                    pools.settle().await?;
                }
                Ok(changed)
            }
            Kind::Tx(lease, failed) => note(failed, held(lease)?.run(sql, tenant, values).await),
        }
    }

    /// Runs what is a transaction by itself: a text of several statements on SQLite, one statement on PostgreSQL. How
    /// many rows it returned.
    pub(crate) async fn alone(
        &mut self,
        sqlite: &'static str,
        postgres: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<usize, StoreError> {
        match &mut self.0 {
            Kind::Pools(pools) => {
                let sql = if pools.postgres() { postgres } else { sqlite };
                let rows = pools.writers.lease().await?.transaction(sql, tenant, values).await?;
                pools.settle().await?;
                Ok(rows)
            }
            Kind::Tx(_, failed) => {
                **failed = true;
                Err(StoreError::Corrupt(Cause::new("a transaction inside a transaction")))
            }
        }
    }

    /// The one place where the databases differ in a statement.
    pub(crate) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        let is_postgres = match &self.0 {
            Kind::Pools(pools) => pools.postgres(),
            Kind::Tx(lease, _) => lease.as_ref().is_some_and(Lease::is_postgres),
        };
        if is_postgres { postgres } else { sqlite }
    }
}

/// The server may have been restarted since the connection was last used; a read can be done again.
fn may_be_stale(error: &StoreError, lease: &Lease) -> bool {
    matches!(error, StoreError::Unavailable(_)) && lease.reused()
}

fn held(lease: &mut Option<Lease>) -> Result<&mut Lease, StoreError> {
    lease.as_mut().ok_or_else(|| StoreError::Unavailable(Cause::new("the connection is gone")))
}

fn note<T>(failed: &mut bool, result: Result<T, StoreError>) -> Result<T, StoreError> {
    *failed |= result.is_err();
    result
}

/// A tenant on a connection: what every repository of a tenant's things holds. `$1` of a statement is the tenant; the
/// values given follow from `$2`.
pub struct Scope<'a> {
    tenant: &'a str,
    conn: Conn<'a>,
}

impl Scope<'_> {
    /// The slug, where it must be part of a value.
    pub(crate) fn tenant(&self) -> &str {
        self.tenant
    }

    /// The first row, read by `read`.
    pub(crate) async fn one<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let row = self.conn.read_one(sql, Some(self.tenant), values).await?;
        row.map(|mut row| read(&mut row)).transpose()
    }

    /// All rows, each read by `read`.
    pub(crate) async fn all<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.conn.read(sql, Some(self.tenant), values).await?;
        rows.into_iter().map(|mut row| read(&mut row)).collect()
    }

    /// Writes; how many rows were changed.
    pub(crate) async fn write(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.conn.write(sql, Some(self.tenant), values).await
    }

    /// Writes at most one row; whether there was one.
    pub(crate) async fn changed(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        self.write(sql, values).await.map(|rows| rows > 0)
    }

    /// Runs what is a transaction by itself, see [`Conn::alone`]; how many rows it returned.
    pub(crate) async fn alone(
        &mut self,
        sqlite: &'static str,
        postgres: &'static str,
        values: &[Value<'_>],
    ) -> Result<usize, StoreError> {
        self.conn.alone(sqlite, postgres, Some(self.tenant), values).await
    }

    /// Writes a row that must be new: the statement ends in `on conflict do nothing`, so that a conflict leaves a
    /// transaction usable.
    pub(crate) async fn insert(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<(), StoreError> {
        if self.changed(sql, values).await? { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// As [`Scope::insert`], for what a power cut may take away again, see [`Conn::write_soon`].
    pub(crate) async fn insert_soon(
        &mut self,
        sql: &'static str,
        postgres: &'static str,
        values: &[Value<'_>],
    ) -> Result<(), StoreError> {
        let rows = self.conn.write_soon(sql, postgres, Some(self.tenant), values).await?;
        if rows > 0 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// Writes, and reads the first row that the statement returns.
    pub(crate) async fn returning<T>(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        mut read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.conn.returning(sql, Some(self.tenant), values).await?;
        rows.into_iter().next().map(|mut row| read(&mut row)).transpose()
    }
}
