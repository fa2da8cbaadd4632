//! The door itself: migrations, transactions, connections that die.

use crate::support::*;
use madoguchi_domain::one_time::Purpose;
use madoguchi_store::{Database, DatabaseOptions, Retryable, StoreError, retry};
use sqlx::Connection as _;
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

on_both! {
    every_statement_fits_the_schema
    migrating_again_and_by_many_at_once_changes_nothing
    a_newer_schema_is_refused
    a_dropped_transaction_is_undone_and_the_next_one_goes_on
    a_cancelled_transaction_does_not_block_the_next_one
    a_failed_statement_spoils_the_commit
    what_is_committed_is_read_at_once
    transactions_that_gave_way_are_tried_again_a_few_times
}

async fn every_statement_fits_the_schema(fresh: &Fresh) {
    fresh.db.ping().await.unwrap();
    assert!(fresh.db.prepare_all().await.unwrap() > 100);
}

async fn migrating_again_and_by_many_at_once_changes_nothing(fresh: &Fresh) {
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let url = fresh.url.clone();
            tokio::spawn(async move { Database::connect(&url).await.unwrap().migrate().await })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap();
    }
}

async fn a_newer_schema_is_refused(fresh: &Fresh) {
    let sql = "insert into schema_versions (version, checksum) values (999, 'x')";
    if fresh.db.is_postgres() {
        let mut c = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
        sqlx::query(sql).execute(&mut c).await.unwrap();
    } else {
        let mut c = sqlx::SqliteConnection::connect(&fresh.url).await.unwrap();
        sqlx::query(sql).execute(&mut c).await.unwrap();
    }
    let error = fresh.db.migrate().await.unwrap_err();
    assert!(matches!(&error, StoreError::Refused(text) if text.contains("version 999")), "{error}");
    // and says so again instead of hanging in its own transaction
    assert!(matches!(fresh.db.migrate().await, Err(StoreError::Refused(_))));
}

async fn a_dropped_transaction_is_undone_and_the_next_one_goes_on(fresh: &Fresh) {
    let store = tenant(fresh);
    for n in 0..5 {
        let mut tx = store.begin().await.unwrap();
        tx.one_time().insert(&one_time(Purpose::Registration, &n.to_string(), "a")).await.unwrap();
        assert!(tx.one_time().find(Purpose::Registration, &hash(&n.to_string())).await.unwrap().is_some());
        drop(tx);
    }
    let mut tx = store.begin().await.unwrap();
    assert!(tx.one_time().find(Purpose::Registration, &hash("0")).await.unwrap().is_none());
    tx.commit().await.unwrap();
}

async fn a_cancelled_transaction_does_not_block_the_next_one(fresh: &Fresh) {
    let store = tenant(fresh);
    for n in 0..40u64 {
        let work = async {
            let mut tx = store.begin().await.unwrap();
            for k in 0..20 {
                tx.one_time().insert(&one_time(Purpose::Registration, &format!("{n}.{k}"), "a")).await.unwrap();
            }
            tx.commit().await.unwrap();
        };
        // cut off at some point of it
        let _ = tokio::time::timeout(Duration::from_micros(n * 150), work).await;
        // in a transaction, as the commit may be under way
        let mut tx = store.begin().await.unwrap();
        let mut kept = 0;
        for k in 0..20 {
            let found = tx.one_time().find(Purpose::Registration, &hash(&format!("{n}.{k}"))).await.unwrap();
            kept += u32::from(found.is_some());
        }
        tx.commit().await.unwrap();
        assert!(kept == 0 || kept == 20, "{kept} of 20");
    }
    store.one_time().insert(&one_time(Purpose::Registration, "last", "a")).await.unwrap();
}

async fn a_failed_statement_spoils_the_commit(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut tx = store.begin().await.unwrap();
    tx.one_time().insert(&one_time(Purpose::Registration, "link", "a")).await.unwrap();
    // a session of nobody: the foreign key refuses it
    let nobody = session(&account("nobody@example.jp"));
    let error = tx.sessions().insert(&nobody, &hash("cookie"), 1, &Default::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)));
    assert!(!error.to_string().contains(nobody.account.as_str()), "{error}");
    assert!(tx.commit().await.is_err());
    assert!(store.one_time().find(Purpose::Registration, &hash("link")).await.unwrap().is_none());
}

async fn what_is_committed_is_read_at_once(fresh: &Fresh) {
    let store = tenant(fresh);
    for n in 0..50 {
        let secret = n.to_string();
        store.one_time().insert(&one_time(Purpose::Registration, &secret, "a")).await.unwrap();
        assert!(store.one_time().find(Purpose::Registration, &hash(&secret)).await.unwrap().is_some());
    }
}

async fn transactions_that_gave_way_are_tried_again_a_few_times(fresh: &Fresh) {
    #[derive(Debug)]
    struct GaveWay;
    impl Retryable for GaveWay {
        fn is_busy(&self) -> bool {
            true
        }
    }
    let tries = AtomicU32::new(0);
    let result: Result<(), GaveWay> = retry(|| async {
        tries.fetch_add(1, Ordering::Relaxed);
        fresh.db.ping().await.map_err(|_| GaveWay)?;
        Err(GaveWay)
    })
    .await;
    assert!(result.is_err());
    assert_eq!(tries.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn an_address_that_makes_no_sense_is_refused() {
    for url in ["", "mysql://localhost/x", "sqlite::memory:", "postgres://[", "/var/lib/x.db"] {
        assert!(matches!(Database::connect(url).await, Err(StoreError::Refused(_))), "{url}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let nothing_listens = DatabaseOptions {
        patience: Duration::from_secs(2),
        ..DatabaseOptions::new("postgres://nobody@127.0.0.1:1/nothing")
    };
    let error = Database::open(&nothing_listens).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let error = Database::connect("sqlite:/nonexistent/folder/x.db").await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn an_sqlite_file_has_one_writer_that_never_loses_and_readers_that_never_wait() {
    let fresh = sqlite().await;
    let store = tenant(&fresh);
    let mut tx = store.begin().await.unwrap();
    tx.one_time().insert(&one_time(Purpose::Registration, "link", "a")).await.unwrap();
    let reads = store.one_time().find(Purpose::Registration, &hash("link")).await.unwrap();
    assert!(reads.is_none(), "not committed");
    tx.commit().await.unwrap();
    let mut c = sqlx::SqliteConnection::connect(&fresh.url).await.unwrap();
    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&mut c).await.unwrap();
    assert_eq!(mode, "wal");
    fresh.drop_it().await;
}

#[tokio::test]
async fn connections_that_the_server_closed_are_replaced() {
    let Some(fresh) = postgres().await else { return };
    let store = tenant(&fresh);
    let mut admin = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
    for n in 0..5 {
        for _ in 0..3 {
            fresh.db.ping().await.unwrap();
        }
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
            .execute(&mut admin)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        // a read is done again by itself
        fresh.db.ping().await.unwrap();
        store.one_time().insert(&one_time(Purpose::Registration, &n.to_string(), "a")).await.unwrap();
    }
    fresh.drop_it().await;
}
