//! What runs behind: mails, the log's chain, the sweep, configurations that nodes follow.

use crate::support::*;
use madoguchi_domain::{
    audit::{Action, Actor, AuditEvent},
    id::{AccountId, MailId},
    mail::OutboxMail,
    one_time::Purpose,
};
use madoguchi_store::{StoreError, tenants::Files};
use std::{collections::HashSet, time::Duration};
use tokio::task::JoinSet;

on_both! {
    parallel_workers_take_each_mail_once
    a_mail_is_tried_again_until_it_is_sent_or_given_up
    a_mail_of_a_transaction_that_was_not_committed_is_never_sent
    the_log_is_chained_and_tampering_shows
    what_is_over_is_swept_and_the_rest_stays
    configurations_are_versions_and_nodes_see_them_move
    one_node_makes_the_data_key
}

fn mail(n: i64) -> OutboxMail {
    OutboxMail {
        id: MailId::new(&RANDOM),
        message_id: format!("<{n}@id.example.jp>"),
        to: "taro@example.jp".into(),
        subject: "件名".into(),
        text: "本文".into(),
        raw: b"raw".to_vec(),
        from: "noreply@example.jp".into(),
        created_at: at(n),
    }
}

async fn parallel_workers_take_each_mail_once(fresh: &Fresh) {
    for n in 0..30 {
        let store = fresh.db.tenant(&slug(if n % 2 == 0 { "certificate" } else { "residence" }));
        store.mails().enqueue(&mail(n)).await.unwrap();
    }
    let mut all = JoinSet::new();
    for _ in 0..6 {
        let db = fresh.db.clone();
        all.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let batch = db.outbox().claim(4, at(100), at(160)).await.unwrap();
                if batch.is_empty() {
                    return taken;
                }
                taken.extend(batch.into_iter().map(|c| c.mail.message_id));
            }
        });
    }
    let taken: Vec<String> = all.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 30);
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 30);
}

async fn a_mail_is_tried_again_until_it_is_sent_or_given_up(fresh: &Fresh) {
    let (store, outbox) = (tenant(fresh), fresh.db.outbox());
    for n in 0..3 {
        store.mails().enqueue(&mail(n)).await.unwrap();
    }
    assert_eq!(outbox.depth().await.unwrap(), (3, Some(NOW)));
    assert!(outbox.claim(10, at(-1), at(60)).await.unwrap().is_empty(), "none is due yet");
    let first = outbox.claim(10, at(10), at(60)).await.unwrap();
    assert_eq!(first.iter().map(|c| c.mail.created_at).collect::<Vec<_>>(), [NOW, at(1), at(2)]);
    assert!(outbox.claim(10, at(59), at(120)).await.unwrap().is_empty(), "on lease");
    outbox.sent(&first[0], at(20), false).await.unwrap();
    outbox.retry(&first[1], at(100), "421 later").await.unwrap();
    // the worker with the third one died
    let second = outbox.claim(10, at(60), at(120)).await.unwrap();
    assert_eq!((second.len(), second[0].attempt), (1, 2));
    assert_eq!(second[0].mail.message_id, first[2].mail.message_id);
    outbox.dead(&second[0], at(70), "550 unknown").await.unwrap();
    let third = outbox.claim(10, at(100), at(160)).await.unwrap();
    assert_eq!((third.len(), third[0].attempt), (1, 2));
    outbox.sent(&third[0], at(110), true).await.unwrap();
    assert_eq!(outbox.depth().await.unwrap(), (0, None));
    let recent = outbox.recent(10).await.unwrap();
    assert_eq!(recent.len(), 3);
    assert_eq!((recent[0].dead_at, recent[0].last_error.as_deref()), (Some(at(70)), Some("550 unknown")));
    assert_eq!((recent[1].mail.text.as_str(), recent[1].sent_at), ("本文", Some(at(110))));
    assert_eq!((recent[2].mail.text.as_str(), recent[2].mail.raw.len()), ("", 0), "a sent text is forgotten");
    assert!(store.mails().revive(&recent[0].mail.id, at(200)).await.unwrap());
    assert_eq!(outbox.claim(10, at(200), at(260)).await.unwrap().len(), 1);
    assert_eq!(store.mails().recent(2).await.unwrap().len(), 2);
}

async fn a_mail_of_a_transaction_that_was_not_committed_is_never_sent(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut tx = store.begin().await.unwrap();
    tx.mails().enqueue(&mail(0)).await.unwrap();
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.mails().enqueue(&mail(1)).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(fresh.db.outbox().claim(10, at(10), at(60)).await.unwrap().is_empty());
}

async fn the_log_is_chained_and_tampering_shows(fresh: &Fresh) {
    let store = tenant(fresh);
    let actors =
        [Actor::Visitor, Actor::Account(AccountId::known("acc_1")), Actor::Operator("root".into()), Actor::System];
    for (n, actor) in actors.iter().cycle().take(10).enumerate() {
        let event = AuditEvent {
            at: at(n as i64),
            actor: actor.clone(),
            action: Action::DocumentViewed,
            subject: format!("doc_{}", n % 2),
            detail: serde_json::json!({"slot": "document_front"}),
            source_ip: (n % 3 == 0).then(|| "192.0.2.1".into()),
        };
        store.audit().append(&event).await.unwrap();
    }
    let lines = store.audit().by_subject("doc_1", 3).await.unwrap();
    assert_eq!(lines.iter().map(|l| l.event.at).collect::<Vec<_>>(), [at(9), at(7), at(5)]);
    assert_eq!(lines[0].event.actor, actors[1]);
    assert_eq!(store.audit().page(lines[2].seq, 100).await.unwrap().len(), 5);

    for sealed in [4, 4, 2, 0] {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.audit().seal(4).await.unwrap(), sealed);
        tx.commit().await.unwrap();
    }
    assert_eq!(store.audit().verify().await.unwrap(), Ok(10));
    let seq = lines[0].seq;
    let sql = sqlx::AssertSqlSafe(format!("update audit set source_ip = '192.0.2.2' where seq = {seq}"));
    execute(fresh, sql).await;
    assert_eq!(store.audit().verify().await.unwrap(), Err(seq));
}

async fn execute(fresh: &Fresh, sql: impl sqlx::SqlSafeStr) {
    use sqlx::Connection as _;
    if fresh.db.is_postgres() {
        let mut c = sqlx::PgConnection::connect(&fresh.url).await.unwrap();
        sqlx::query(sql).execute(&mut c).await.unwrap();
    } else {
        let mut c = sqlx::SqliteConnection::connect(&fresh.url).await.unwrap();
        sqlx::query(sql).execute(&mut c).await.unwrap();
    }
}

async fn what_is_over_is_swept_and_the_rest_stays(fresh: &Fresh) {
    let store = tenant(fresh);
    let taro = stored_account(&store, "taro@example.jp").await;
    store.sessions().insert(&session(&taro), &hash("cookie"), 1, &Default::default()).await.unwrap();
    for n in 0..25 {
        store.one_time().insert(&one_time(Purpose::Registration, &n.to_string(), "a")).await.unwrap();
        store.rates().hit(&hash(&n.to_string()), NOW, Duration::from_secs(60)).await.unwrap();
    }
    assert_eq!(fresh.db.sweep(at(1), 10).await.unwrap(), 0);
    let month = at(40 * 86_400);
    let mut swept = Vec::new();
    while let n @ 1.. = fresh.db.sweep(month, 10).await.unwrap() {
        swept.push(n);
    }
    assert_eq!(swept, [10 + 10 + 1, 10 + 10, 5 + 5]);
    assert!(store.accounts().find(&taro.id).await.unwrap().is_some());
}

async fn configurations_are_versions_and_nodes_see_them_move(fresh: &Fresh) {
    let store = tenant(fresh);
    let files = |text: &str| -> Files {
        [("tenant.toml".to_owned(), text.as_bytes().to_vec()), ("logo.png".to_owned(), vec![0, 159, 146, 150])].into()
    };
    assert_eq!(store.configuration().current().await.unwrap(), None);
    assert_eq!(store.configuration().announce().await.unwrap(), None);
    for (n, text) in ["one", "two"].into_iter().enumerate() {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.configuration().apply(&files(text), "root", at(n as i64)).await.unwrap(), n as i64 + 1);
        tx.commit().await.unwrap();
    }
    let current = fresh.db.tenants().current(store.slug()).await.unwrap().unwrap();
    assert_eq!((current.version, current.generation, current.files), (2, 2, files("two")));
    assert_eq!(store.configuration().version(1).await.unwrap().unwrap().files, files("one"));
    assert_eq!(store.configuration().versions(10).await.unwrap().len(), 2);
    assert_eq!(store.configuration().announce().await.unwrap(), Some(3));
    assert_eq!(fresh.db.tenants().generations().await.unwrap(), vec![(slug("certificate"), 3)]);
    let list = fresh.db.tenants().list().await.unwrap();
    assert_eq!((list[0].version, list[0].applied_at, list[0].applied_by.as_str()), (2, at(1), "root"));
    assert_eq!(fresh.db.setting("check").await.unwrap(), None);
    assert_eq!(fresh.db.setting_or("check", "first").await.unwrap(), "first");
    assert_eq!(fresh.db.setting_or("check", "second").await.unwrap(), "first");
}

async fn one_node_makes_the_data_key(fresh: &Fresh) {
    let store = tenant(fresh);
    store.data_keys().insert("k1", b"wrapped", NOW).await.unwrap();
    assert!(matches!(store.data_keys().insert("k1", b"other", NOW).await, Err(StoreError::Conflict)));
    assert!(!store.data_keys().rewrap("k1", b"other", b"new").await.unwrap());
    assert!(store.data_keys().rewrap("k1", b"wrapped", b"new").await.unwrap());
    assert!(store.data_keys().retire("k1", at(1)).await.unwrap());
    let all = store.data_keys().all().await.unwrap();
    assert_eq!((all.len(), all[0].wrapped.as_slice(), all[0].retired_at), (1, &b"new"[..], Some(at(1))));
}
