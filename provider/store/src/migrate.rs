//! Migrations: numbered scripts under `migrations/{sqlite,postgres}`, compiled in, applied in order in one transaction.
//!
//! Each node compares the scripts' checksums at start. A schema that is newer than the program, or was made by other
//! scripts, is refused: guessing would lose data.

use crate::{StoreError, pool::Lease, value::params};
use sha2::{Digest, Sha256};

struct Migration {
    version: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

/// All, oldest first.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sqlite: include_str!("../../../migrations/sqlite/0001_initial.sql"),
        postgres: include_str!("../../../migrations/postgres/0001_initial.sql"),
    },
    Migration {
        version: 2,
        sqlite: include_str!("../../../migrations/sqlite/0002_account.sql"),
        postgres: include_str!("../../../migrations/postgres/0002_account.sql"),
    },
    Migration {
        version: 3,
        sqlite: include_str!("../../../migrations/sqlite/0003_people.sql"),
        postgres: include_str!("../../../migrations/postgres/0003_people.sql"),
    },
    Migration {
        version: 4,
        sqlite: include_str!("../../../migrations/sqlite/0004_user_ids.sql"),
        postgres: include_str!("../../../migrations/postgres/0004_user_ids.sql"),
    },
    Migration {
        version: 5,
        sqlite: include_str!("../../../migrations/sqlite/0005_terms.sql"),
        postgres: include_str!("../../../migrations/postgres/0005_terms.sql"),
    },
    Migration {
        version: 6,
        sqlite: include_str!("../../../migrations/sqlite/0006_logout_notices.sql"),
        postgres: include_str!("../../../migrations/postgres/0006_logout_notices.sql"),
    },
];

const TABLE: &str = "create table if not exists schema_versions (version bigint primary key, checksum text not null)";
const APPLIED: &str = "select version, checksum from schema_versions order by version";
const RECORD: &str = "insert into schema_versions (version, checksum) values ($1, $2)";
/// Any number will do, as long as it is always this one. Held until the transaction ends.
const LOCK: &str = "select pg_advisory_xact_lock(7236842001)";

pub(crate) async fn run(lease: &mut Lease) -> Result<(), StoreError> {
    // `begin immediate` is SQLite's lock.
    lease.begin().await?;
    if lease.is_postgres() {
        lease.script(LOCK).await?;
    }
    lease.script(TABLE).await?;
    let mut applied = 0usize;
    for row in &mut lease.rows(APPLIED, None, &[]).await? {
        let (version, checksum) = (row.int()?, row.text()?);
        let Some(migration) = MIGRATIONS.get(applied).filter(|m| m.version == version) else {
            return Err(StoreError::Refused(format!(
                "the database's schema is at version {version}, which this program (at {}) does not know: it was \
                 migrated by a newer one. Start that, or restore a backup from before.",
                latest()
            )));
        };
        if checksum != checksum_of(script(migration, lease.is_postgres())) {
            return Err(StoreError::Refused(format!(
                "migration {version} of the database's schema is not the one that this program has"
            )));
        }
        applied += 1;
    }
    for migration in MIGRATIONS.iter().skip(applied) {
        let sql = script(migration, lease.is_postgres());
        lease.script(sql).await?;
        lease.run(RECORD, None, params![migration.version, checksum_of(sql)]).await?;
        tracing::info!(version = migration.version, "migrated the database");
    }
    lease.end("commit").await
}

fn script(migration: &Migration, postgres: bool) -> &'static str {
    if postgres { migration.postgres } else { migration.sqlite }
}

fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |m| m.version)
}

fn checksum_of(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_tables_and_columns() {
        fn shape(sql: &str) -> Vec<String> {
            sql.lines()
                .filter(|line| !line.starts_with("--"))
                .map(|line| {
                    line.replace(") strict, without rowid;", ");")
                        .replace(") strict;", ");")
                        .replace("integer primary key autoincrement", "bigint generated always as identity primary key")
                        .replace(" integer", " bigint")
                        .replace(" blob", " bytea")
                })
                .collect()
        }
        for migration in MIGRATIONS {
            assert_eq!(shape(migration.sqlite), shape(migration.postgres), "migration {}", migration.version);
        }
    }
}
