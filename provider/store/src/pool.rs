//! Connections, kept open and lent out one statement or one transaction at a time.
//!
//! sqlx's own pool pings a connection each time it comes back, from a task spawned for it; on SQLite that is a second
//! hop to another thread for every statement. This pool does not: a connection that was left in the middle of
//! something (an error of the connection, a cancelled request) is thrown away instead, and after one that broke, all
//! idle ones are, as a restarted server broke them too.

use crate::{
    StoreError,
    error::Cause,
    value::{Row, Value},
};
use sqlx::{
    ConnectOptions, Connection as _, Executor,
    postgres::{PgConnectOptions, PgConnection},
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How to open a connection.
#[derive(Clone)]
pub(crate) enum Opener {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

/// An open connection.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Opener {
    async fn open(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(options) => Connection::Sqlite(options.connect().await?),
            Self::Postgres(options) => {
                let mut connection = options.connect().await?;
                // What hangs here must not hold locks for ever; each of our statements takes milliseconds.
                connection
                    .execute(sqlx::raw_sql(
                        "set statement_timeout = '30s'; set idle_in_transaction_session_timeout = '60s'",
                    ))
                    .await?;
                Connection::Postgres(connection)
            }
        })
    }
}

/// Binds each value by its kind; the text is always `'static`, so the connection's statement cache knows it.
macro_rules! bound {
    ($sql:expr, $tenant:expr, $values:expr) => {{
        let mut query = sqlx::query($sql);
        if let Some(tenant) = $tenant {
            query = query.bind(tenant);
        }
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Int(number) => query.bind(*number),
                Value::Bytes(bytes) => query.bind(*bytes),
            };
        }
        query
    }};
}

impl Connection {
    async fn run(&mut self, sql: &'static str, tenant: Option<&str>, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(c) => bound!(sql, tenant, values).execute(c).await?.rows_affected(),
            Self::Postgres(c) => bound!(sql, tenant, values).execute(c).await?.rows_affected(),
        })
    }

    async fn rows(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(c) => bound!(sql, tenant, values).fetch_all(c).await?.into_iter().map(Row::sqlite).collect(),
            Self::Postgres(c) => {
                bound!(sql, tenant, values).fetch_all(c).await?.into_iter().map(Row::postgres).collect()
            }
        })
    }

    /// At most one row. The connection's thread stops at the first and need not say that it was the last.
    async fn row(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(c) => bound!(sql, tenant, values).fetch_optional(c).await?.map(Row::sqlite),
            Self::Postgres(c) => bound!(sql, tenant, values).fetch_optional(c).await?.map(Row::postgres),
        })
    }

    async fn script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(c) => c.execute(sqlx::raw_sql(sql)).await.map(drop),
            Self::Postgres(c) => c.execute(sqlx::raw_sql(sql)).await.map(drop),
        }
    }

    async fn prepare(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        use sqlx::SqlSafeStr;
        match self {
            Self::Sqlite(c) => c.prepare(sql.into_sql_str()).await.map(drop),
            Self::Postgres(c) => c.prepare(sql.into_sql_str()).await.map(drop),
        }
    }
}

/// A bounded number of connections.
pub(crate) struct Pool {
    opener: Opener,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<(u64, Connection)>>,
    /// Grows when a connection broke; idle ones of an earlier epoch are not used again.
    epoch: AtomicU64,
    patience: Duration,
}

impl Pool {
    pub(crate) fn new(opener: Opener, size: usize, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            opener,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::new()),
            epoch: AtomicU64::new(0),
            patience,
        })
    }

    /// An idle connection, if there is one that nobody waits for.
    pub(crate) fn try_lease(self: &Arc<Self>) -> Option<Lease> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let epoch = self.epoch.load(Ordering::Acquire);
        let connection = self.idle_of(epoch)?;
        Some(Lease::new(self, connection, epoch, true, permit))
    }

    /// A connection, an idle one if there is one; waits for at most the pool's patience.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned())
                .await
                .map_err(|_| StoreError::Unavailable(Cause::new("no connection became free in time")))?
                .map_err(|_| StoreError::Unavailable(Cause::new("the database is closed")))?,
        };
        let epoch = self.epoch.load(Ordering::Acquire);
        let (connection, reused) = match self.idle_of(epoch) {
            Some(connection) => (connection, true),
            None => {
                let opened = tokio::time::timeout(self.patience, self.opener.open()).await;
                (opened.map_err(|_| StoreError::Unavailable(Cause::new("connecting took too long")))??, false)
            }
        };
        Ok(Lease::new(self, connection, epoch, reused, permit))
    }

    /// The connection given back last; those of another epoch are closed.
    fn idle_of(&self, epoch: u64) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(of, _)| *of == epoch);
        idle.pop().map(|(_, connection)| connection)
    }

    /// Closes what is idle and lends nothing more.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, connection) in idle {
            let closed = match connection {
                Connection::Sqlite(c) => c.close().await,
                Connection::Postgres(c) => c.close().await,
            };
            if let Err(error) = closed {
                tracing::debug!(error = %StoreError::from(error), "a connection did not close well");
            }
        }
    }
}

/// A connection on loan. Goes back when dropped, unless it was left midway.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    epoch: u64,
    reused: bool,
    /// A statement is under way; if it stays so, its future was dropped.
    midway: bool,
    /// A transaction is open.
    in_transaction: bool,
    #[expect(dead_code, reason = "held, not read: gives the place back when dropped")]
    permit: OwnedSemaphorePermit,
}

impl Lease {
    fn new(pool: &Arc<Pool>, connection: Connection, epoch: u64, reused: bool, permit: OwnedSemaphorePermit) -> Self {
        let pool = Arc::clone(pool);
        Self { pool, connection: Some(connection), epoch, reused, midway: false, in_transaction: false, permit }
    }

    /// Whether the connection was used before, so that it may have died unnoticed.
    pub(crate) fn reused(&self) -> bool {
        self.reused
    }

    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or_else(|| StoreError::Unavailable(Cause::new("the connection is gone")))
    }

    /// Notes how a statement ended: a connection that broke is not used again, nor those opened before it did.
    fn ended<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        self.midway = false;
        result.map_err(|error| {
            let of_the_statement = matches!(error, sqlx::Error::Database(_));
            let error = StoreError::from(error);
            if !of_the_statement || matches!(error, StoreError::Unavailable(_)) {
                self.connection = None;
                self.pool.epoch.fetch_max(self.epoch + 1, Ordering::AcqRel);
            }
            error
        })
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn run(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        self.midway = true;
        let result = self.connection()?.run(sql, tenant, values).await;
        self.ended(result)
    }

    /// Runs a statement to its end; its rows.
    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.midway = true;
        let result = self.connection()?.rows(sql, tenant, values).await;
        self.ended(result)
    }

    /// Reads the first row.
    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        self.midway = true;
        let result = self.connection()?.row(sql, tenant, values).await;
        self.ended(result)
    }

    /// Runs a text that begins and ends a transaction by itself; how many rows it returned. When it fails or is left
    /// midway, nobody knows whether the transaction is still open: the connection is not used again.
    pub(crate) async fn transaction(
        &mut self,
        sql: &'static str,
        tenant: Option<&str>,
        values: &[Value<'_>],
    ) -> Result<usize, StoreError> {
        self.in_transaction = true;
        let rows = self.rows(sql, tenant, values).await?;
        self.in_transaction = false;
        Ok(rows.len())
    }

    /// Runs statements without values.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.midway = true;
        let result = self.connection()?.script(sql).await;
        self.ended(result)
    }

    /// Checks a statement against the schema.
    pub(crate) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.midway = true;
        let result = self.connection()?.prepare(sql).await;
        self.ended(result)
    }

    /// Opens a transaction; on SQLite as a writer at once, as one that begins to write later may find that it cannot.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        let sql = match self.connection()? {
            Connection::Sqlite(_) => "begin immediate",
            Connection::Postgres(_) => "begin",
        };
        self.in_transaction = true;
        self.script(sql).await
    }

    /// Ends the transaction by `commit` or `rollback`.
    pub(crate) async fn end(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.script(sql).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Whether a transaction is open that can still be rolled back on this connection.
    pub(crate) fn can_roll_back(&self) -> bool {
        self.in_transaction && !self.midway && self.connection.is_some()
    }

    /// Which database it is.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.connection, Some(Connection::Postgres(_)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.midway
            && !self.in_transaction
            && self.epoch == self.pool.epoch.load(Ordering::Acquire)
            && !self.pool.permits.is_closed()
        {
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((self.epoch, connection));
        }
    }
}
