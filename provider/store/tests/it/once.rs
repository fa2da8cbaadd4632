//! What may happen once happens once, however many try.

use crate::support::*;
use madoguchi_domain::{
    application::{ApplicationState, Decision, Verdict},
    form::SearchKeys,
    id::AccountId,
    one_time::{OneTimeState, Purpose},
    tenant::LockoutPolicy,
    time::Span,
};
use madoguchi_store::{StoreError, attempts::Attempt, retry};
use std::time::Duration;
use tokio::task::JoinSet;

on_both! {
    twenty_consumers_of_one_secret_have_one_winner
    a_secret_of_another_tenant_or_purpose_is_unknown
    expired_and_superseded_secrets_cannot_be_used
    a_replayed_assertion_is_told_and_leaves_the_transaction_usable
    clerks_that_decide_at_once_make_one_decision
    parallel_guesses_cannot_outrun_the_lock
    the_lock_ends_by_itself_and_a_refund_opens_it
    a_lock_without_a_duration_stays_until_it_is_cleared
    counters_begin_again_with_each_window
}

async fn twenty_consumers_of_one_secret_have_one_winner(fresh: &Fresh) {
    let store = tenant(fresh);
    store.one_time().insert(&one_time(Purpose::Registration, "link", "a@example.jp")).await.unwrap();
    let mut all = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        all.spawn(async move { store.one_time().consume(Purpose::Registration, &hash("link"), at(1)).await.unwrap() });
    }
    let won: Vec<_> = all.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!((won[0].subject.as_str(), won[0].consumed_at), ("a@example.jp", Some(at(1))));
    let after = store.one_time().find(Purpose::Registration, &hash("link")).await.unwrap().unwrap();
    assert_eq!(after.state(at(2)), OneTimeState::Consumed);
}

async fn a_secret_of_another_tenant_or_purpose_is_unknown(fresh: &Fresh) {
    let (store, other) = (tenant(fresh), fresh.db.tenant(&slug("residence")));
    store.one_time().insert(&one_time(Purpose::Registration, "link", "a@example.jp")).await.unwrap();
    assert!(other.one_time().find(Purpose::Registration, &hash("link")).await.unwrap().is_none());
    assert!(other.one_time().consume(Purpose::Registration, &hash("link"), at(1)).await.unwrap().is_none());
    assert!(store.one_time().consume(Purpose::SetCredentials, &hash("link"), at(1)).await.unwrap().is_none());
    // the same secret may exist there too, and using one leaves the other
    other.one_time().insert(&one_time(Purpose::Registration, "link", "b@example.jp")).await.unwrap();
    let used = other.one_time().consume(Purpose::Registration, &hash("link"), at(1)).await.unwrap().unwrap();
    assert_eq!(used.subject, "b@example.jp");
    assert!(store.one_time().consume(Purpose::Registration, &hash("link"), at(1)).await.unwrap().is_some());
}

async fn expired_and_superseded_secrets_cannot_be_used(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut links = store.one_time();
    links.insert(&one_time(Purpose::Registration, "first", "a@example.jp")).await.unwrap();
    assert_eq!(links.revoke(Purpose::Registration, "a@example.jp", at(5)).await.unwrap(), 1);
    links.insert(&one_time(Purpose::Registration, "second", "a@example.jp")).await.unwrap();
    assert!(links.consume(Purpose::Registration, &hash("first"), at(6)).await.unwrap().is_none());
    let first = links.find(Purpose::Registration, &hash("first")).await.unwrap().unwrap();
    assert_eq!(first.state(at(6)), OneTimeState::Superseded);
    assert!(links.consume(Purpose::Registration, &hash("second"), at(1800)).await.unwrap().is_none());
    assert!(links.consume(Purpose::Registration, &hash("second"), at(1799)).await.unwrap().is_some());
}

async fn a_replayed_assertion_is_told_and_leaves_the_transaction_usable(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut tx = store.begin().await.unwrap();
    tx.one_time().insert(&one_time(Purpose::ClientAssertion, "jti", "app")).await.unwrap();
    let again = tx.one_time().insert(&one_time(Purpose::ClientAssertion, "jti", "app")).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    tx.one_time().insert(&one_time(Purpose::ClientAssertion, "another", "app")).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.one_time().find(Purpose::ClientAssertion, &hash("another")).await.unwrap().is_some());
}

async fn clerks_that_decide_at_once_make_one_decision(fresh: &Fresh) {
    let store = tenant(fresh);
    for round in 0..5 {
        let application = application(&format!("ROUND-{round}"), "a@example.jp", NOW);
        store.applications().insert(&application, &SearchKeys::default()).await.unwrap();
        let mut all = JoinSet::new();
        for clerk in 0..8 {
            let (store, id) = (store.clone(), application.id.clone());
            all.spawn(async move {
                let verdict = if clerk % 2 == 0 { Verdict::Approve } else { Verdict::Reject };
                let to = if clerk % 2 == 0 { ApplicationState::Approved } else { ApplicationState::Rejected };
                retry(|| async {
                    let mut tx = store.begin().await?;
                    if !tx.applications().decide(&id, 1, to, None, at(clerk)).await? {
                        return Err(StoreError::Conflict);
                    }
                    let decision = Decision {
                        application: id.clone(),
                        version: 1,
                        verdict,
                        reviewer: AccountId::known(format!("acc_{clerk}")),
                        reason: String::new(),
                        notes: [].into(),
                        at: at(clerk),
                    };
                    tx.decisions().record(&decision).await?;
                    tx.commit().await
                })
                .await
            });
        }
        let results = all.join_all().await;
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1, "{results:?}");
        assert!(results.iter().all(|r| matches!(r, Ok(()) | Err(StoreError::Conflict))), "{results:?}");
        let decisions = store.decisions().of(&application.id).await.unwrap();
        let stored = store.applications().find(&application.id).await.unwrap().unwrap();
        assert_eq!(decisions.len(), 1);
        assert_eq!(stored.decided_at, Some(decisions[0].at));
        assert_eq!(stored.lifecycle.state == ApplicationState::Approved, decisions[0].verdict == Verdict::Approve);
        // and once more for the record itself
        assert!(matches!(store.decisions().record(&decisions[0]).await, Err(StoreError::Conflict)));
    }
}

async fn parallel_guesses_cannot_outrun_the_lock(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        all.spawn(async move { store.attempts().count(&hash("taro"), NOW, &LockoutPolicy::default()).await.unwrap() });
    }
    let results = all.join_all().await;
    let allowed: Vec<_> = results.iter().filter(|a| matches!(a, Attempt::Allowed { .. })).collect();
    assert_eq!(allowed.len(), 5);
    assert_eq!(allowed.iter().filter(|a| matches!(a, Attempt::Allowed { failures: 5, last: true })).count(), 1);
    assert!(results.iter().any(|a| *a == Attempt::Locked { until: Some(at(900)) }));
    assert!(store.attempts().locked(&hash("taro"), at(899)).await.unwrap().is_some());
    // another person, and the same one of another tenant, are not touched
    let other = fresh.db.tenant(&slug("residence"));
    for attempt in [
        store.attempts().count(&hash("hanako"), NOW, &LockoutPolicy::default()).await.unwrap(),
        other.attempts().count(&hash("taro"), NOW, &LockoutPolicy::default()).await.unwrap(),
    ] {
        assert_eq!(attempt, Attempt::Allowed { failures: 1, last: false });
    }
}

async fn the_lock_ends_by_itself_and_a_refund_opens_it(fresh: &Fresh) {
    let store = tenant(fresh);
    let policy = LockoutPolicy { threshold: 2, window: Span::minutes(15), duration: Some(Span::minutes(10)) };
    let count = async |at| store.attempts().count(&hash("taro"), at, &policy).await.unwrap();
    assert_eq!(count(NOW).await, Attempt::Allowed { failures: 1, last: false });
    assert_eq!(count(at(1)).await, Attempt::Allowed { failures: 2, last: true });
    assert_eq!(count(at(2)).await, Attempt::Locked { until: Some(at(601)) });
    // knocking on a locked door does not lock it for longer
    assert_eq!(count(at(600)).await, Attempt::Locked { until: Some(at(601)) });
    assert_eq!(count(at(601)).await, Attempt::Allowed { failures: 1, last: false });
    assert_eq!(count(at(602)).await, Attempt::Allowed { failures: 2, last: true });
    // the last one was never checked
    store.attempts().refund(&hash("taro")).await.unwrap();
    assert!(store.attempts().locked(&hash("taro"), at(603)).await.unwrap().is_none());
    assert_eq!(count(at(603)).await, Attempt::Allowed { failures: 2, last: true });
    assert!(store.attempts().clear(&hash("taro")).await.unwrap());
    assert!(!store.attempts().clear(&hash("taro")).await.unwrap());
    assert_eq!(count(at(604)).await, Attempt::Allowed { failures: 1, last: false });
    // a failure of long ago does not count
    assert_eq!(count(at(604 + 900)).await, Attempt::Allowed { failures: 1, last: false });
}

async fn a_lock_without_a_duration_stays_until_it_is_cleared(fresh: &Fresh) {
    let store = tenant(fresh);
    let policy = LockoutPolicy { threshold: 1, window: Span::minutes(15), duration: None };
    let count = async |at| store.attempts().count(&hash("taro"), at, &policy).await.unwrap();
    assert_eq!(count(NOW).await, Attempt::Allowed { failures: 1, last: true });
    assert_eq!(count(at(10 * 365 * 86_400)).await, Attempt::Locked { until: None });
    assert!(store.attempts().clear(&hash("taro")).await.unwrap());
    assert_eq!(count(at(1)).await, Attempt::Allowed { failures: 1, last: true });
}

async fn counters_begin_again_with_each_window(fresh: &Fresh) {
    let store = tenant(fresh);
    let hour = Duration::from_secs(3600);
    let mut all = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        all.spawn(async move { store.rates().hit(&hash("mail:a"), NOW, hour).await.unwrap() });
    }
    let mut counts = all.join_all().await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    assert_eq!(store.rates().count(&hash("mail:a"), at(3599)).await.unwrap(), 20);
    assert_eq!(store.rates().count(&hash("mail:a"), at(3600)).await.unwrap(), 0);
    assert_eq!(store.rates().hit(&hash("mail:a"), at(3600), hour).await.unwrap(), 1);
}
