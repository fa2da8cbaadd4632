//! Accounts with what belongs to them.

use crate::support::*;
use madoguchi_domain::{
    EmailAddress,
    account::{AccountState, Credential, CredentialKind, Enrolment, EnrolmentFacts, Profile, StaffRole},
    form::SearchKeys,
    id::EnrolmentId,
};
use madoguchi_store::StoreError;
use std::time::Duration;

on_both! {
    an_account_comes_back_as_it_was_kept
    login_reads_the_account_with_its_credentials
    a_taken_address_or_login_id_is_a_conflict
    an_account_moves_to_another_address_and_its_sessions_end
    the_same_person_is_found_by_any_telling_key
    an_initial_password_is_used_up_once
    sessions_end_with_the_generation_and_are_not_revived
    tenants_do_not_see_each_other
}

fn credential(kind: CredentialKind, phc: &str) -> Credential {
    Credential { kind, phc: phc.into(), previous_phc: None, set_at: NOW, expires_at: None, consumed_at: None }
}

async fn an_account_comes_back_as_it_was_kept(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut kept = account("taro@example.jp");
    kept.staff_roles = vec![StaffRole::Reviewer];
    kept.state = AccountState::Provisioned;
    kept.profile.claims.insert("nickname".into(), "太郎".into());
    store.accounts().insert(&kept, "taro@example.jp", &SearchKeys::default()).await.unwrap();
    assert_eq!(store.accounts().find(&kept.id).await.unwrap().as_ref(), Some(&kept));
    assert_eq!(store.accounts().by_email("taro@example.jp").await.unwrap().as_ref(), Some(&kept));
    assert_eq!(store.accounts().by_login("taro@example.jp").await.unwrap().as_ref(), Some(&kept));
    let (from, to) = (AccountState::Provisioned, AccountState::Active);
    assert!(store.accounts().set_state(&kept.id, from, to, at(1)).await.unwrap());
    assert!(!store.accounts().set_state(&kept.id, from, to, at(1)).await.unwrap());
    assert!(store.accounts().set_staff_roles(&kept.id, &[], at(1)).await.unwrap());
    let profile = Profile { name: "山田 花子".into(), ..Profile::default() };
    assert!(store.accounts().set_profile(&kept.id, &profile, &SearchKeys::default(), at(1)).await.unwrap());
    let now = store.accounts().find(&kept.id).await.unwrap().unwrap();
    assert_eq!((now.state, now.staff_roles, now.profile), (to, vec![], profile));
    assert_eq!(store.accounts().page("", 10).await.unwrap().len(), 1);
    assert!(store.accounts().page(kept.id.as_str(), 10).await.unwrap().is_empty());
}

async fn login_reads_the_account_with_its_credentials(fresh: &Fresh) {
    let store = tenant(fresh);
    let taro = stored_account(&store, "taro@example.jp").await;
    stored_account(&store, "hanako@example.jp").await;
    let found = store.accounts().for_login("taro@example.jp").await.unwrap().unwrap();
    assert_eq!((found.account, found.credentials.len()), (taro.clone(), 0));
    store.credentials().put(&taro.id, &credential(CredentialKind::Password, "$a")).await.unwrap();
    store.credentials().put(&taro.id, &credential(CredentialKind::SecondPassword, "$b")).await.unwrap();
    let changed = Credential { previous_phc: Some("$a".into()), ..credential(CredentialKind::Password, "$c") };
    store.credentials().put(&taro.id, &changed).await.unwrap();
    assert!(store.credentials().rehash(&taro.id, CredentialKind::Password, "$c", "$d").await.unwrap());
    assert!(!store.credentials().rehash(&taro.id, CredentialKind::Password, "$c", "$e").await.unwrap());
    let found = store.accounts().for_login("taro@example.jp").await.unwrap().unwrap();
    let password = found.credential(CredentialKind::Password).unwrap();
    assert_eq!((password.phc.as_str(), password.previous_phc.as_deref()), ("$d", Some("$a")));
    assert_eq!(found.credentials.len(), 2);
    assert!(store.accounts().for_login("nobody@example.jp").await.unwrap().is_none());
    assert_eq!(store.accounts().with_credentials(&taro.id).await.unwrap().unwrap().credentials.len(), 2);
}

async fn a_taken_address_or_login_id_is_a_conflict(fresh: &Fresh) {
    let store = tenant(fresh);
    stored_account(&store, "taro@example.jp").await;
    let same = account("Taro@example.jp");
    let mut tx = store.begin().await.unwrap();
    let result = tx.accounts().insert(&same, "other-login", &SearchKeys::default()).await;
    assert!(matches!(result, Err(StoreError::Conflict)));
    let result = tx.accounts().insert(&account("b@example.jp"), "taro@example.jp", &SearchKeys::default()).await;
    assert!(matches!(result, Err(StoreError::Conflict)));
    tx.commit().await.unwrap();
}

async fn an_account_moves_to_another_address_and_its_sessions_end(fresh: &Fresh) {
    let store = tenant(fresh);
    let taro = stored_account(&store, "taro@example.jp").await;
    stored_account(&store, "hanako@example.jp").await;
    store.sessions().insert(&session(&taro), &hash("cookie"), taro.generation, &Default::default()).await.unwrap();
    let taken = EmailAddress::known("Hanako@example.jp");
    let result = store.accounts().move_to(&taro.id, &taken, "x", "x", at(1)).await;
    assert!(matches!(result, Err(StoreError::Conflict)));
    let free = EmailAddress::known("taro@example.net");
    let generation = store.accounts().move_to(&taro.id, &free, free.as_str(), &free.canonical(), at(1)).await.unwrap();
    assert_eq!(generation, 2);
    assert!(store.sessions().active(&hash("cookie")).await.unwrap().is_none());
    let moved = store.accounts().by_login("taro@example.net").await.unwrap().unwrap();
    assert_eq!((moved.sub, moved.email), (taro.sub, free));
    assert!(store.accounts().by_email("taro@example.jp").await.unwrap().is_none());
}

async fn the_same_person_is_found_by_any_telling_key(fresh: &Fresh) {
    let store = tenant(fresh);
    let taro = account("taro@example.jp");
    store.accounts().insert(&taro, "taro", &keys("山田太郎", "1990-04-01", "")).await.unwrap();
    for (n, student_id) in ["ab1", "ab2"].into_iter().enumerate() {
        let enrolment = Enrolment {
            id: EnrolmentId::new(&RANDOM),
            account: taro.id.clone(),
            student_id: student_id.to_uppercase(),
            facts: EnrolmentFacts { outcome: "graduated".into(), ..EnrolmentFacts::default() },
            application: None,
            verified: None,
            created_at: at(n as i64),
            ended_at: None,
        };
        store.enrolments().insert(&enrolment, student_id).await.unwrap();
    }
    let ids = async |keys: &SearchKeys, email: &str| -> Vec<Vec<String>> {
        let found = store.accounts().similar(keys, email).await.unwrap();
        found.into_iter().map(|a| a.enrolments.into_iter().map(|e| e.student_id).collect()).collect()
    };
    let both = vec![vec!["AB1".to_owned(), "AB2".to_owned()]];
    assert_eq!(ids(&keys("山田太郎", "1990-04-01", ""), "").await, both);
    assert_eq!(ids(&keys("", "", "ab2"), "").await, both);
    assert_eq!(ids(&keys("", "", ""), "taro@example.jp").await, both);
    // a name alone, or a birth date alone, is not enough; nothing finds nothing
    assert!(ids(&keys("山田太郎", "1991-04-01", ""), "").await.is_empty());
    assert!(ids(&keys("山田花子", "1990-04-01", ""), "").await.is_empty());
    assert!(ids(&SearchKeys::default(), "").await.is_empty());
    let with = store.accounts().with_enrolments(&taro.id).await.unwrap().unwrap();
    assert_eq!(with.enrolments.len(), 2);
    assert!(store.enrolments().end(&with.enrolments[0].id, at(9)).await.unwrap());
    assert_eq!(store.enrolments().of(&taro.id).await.unwrap().len(), 1);
    assert!(store.enrolments().by_student_id("ab1").await.unwrap().is_empty());
}

async fn an_initial_password_is_used_up_once(fresh: &Fresh) {
    let store = tenant(fresh);
    let taro = stored_account(&store, "taro@example.jp").await;
    let initial = Credential { expires_at: Some(at(100)), ..credential(CredentialKind::Initial, "$i") };
    store.credentials().put(&taro.id, &initial).await.unwrap();
    assert!(!store.credentials().consume(&taro.id, CredentialKind::Initial, at(100)).await.unwrap());
    assert!(store.credentials().consume(&taro.id, CredentialKind::Initial, at(99)).await.unwrap());
    assert!(!store.credentials().consume(&taro.id, CredentialKind::Initial, at(99)).await.unwrap());
    assert!(store.credentials().remove(&taro.id, CredentialKind::Initial).await.unwrap());
    assert!(store.credentials().of(&taro.id).await.unwrap().is_empty());
}

async fn sessions_end_with_the_generation_and_are_not_revived(fresh: &Fresh) {
    let store = tenant(fresh);
    let taro = stored_account(&store, "taro@example.jp").await;
    let (one, two) = (session(&taro), session(&taro));
    store.sessions().insert(&one, &hash("one"), taro.generation, &Default::default()).await.unwrap();
    store.sessions().insert(&two, &hash("two"), taro.generation, &Default::default()).await.unwrap();
    assert_eq!(store.sessions().active(&hash("one")).await.unwrap().unwrap(), (one.clone(), taro.clone()));
    assert_eq!(store.sessions().active_by_id(&two.id).await.unwrap().unwrap().0, two);
    assert_eq!(store.sessions().of(&taro.id, at(1), Duration::from_secs(1800)).await.unwrap().len(), 2);

    let (minute, idle) = (Duration::from_secs(60), Duration::from_secs(1800));
    let touch = async |now| store.sessions().touch(&hash("one"), now, minute, idle).await.unwrap();
    assert!(!touch(at(59)).await, "less than a minute ago");
    assert!(touch(at(60)).await);
    assert!(!touch(at(60 + 1800)).await, "idle by then");
    assert!(touch(at(60 + 1799)).await);
    assert!(!touch(at(12 * 3600)).await, "expired by then");

    // a new password: this session goes on under a new secret, the others end
    let generation = store.accounts().end_everything(&taro.id).await.unwrap().unwrap();
    assert!(store.sessions().rotate(&one.id, generation, &hash("first")).await.unwrap());
    assert!(store.sessions().active(&hash("one")).await.unwrap().is_none());
    assert!(store.sessions().active(&hash("first")).await.unwrap().is_some());
    assert!(store.sessions().active(&hash("two")).await.unwrap().is_none());
    let left = store.sessions().of(&taro.id, at(2000), idle).await.unwrap();
    assert_eq!(left.iter().map(|(session, _)| &session.id).collect::<Vec<_>>(), [&one.id]);
    assert!(store.sessions().of(&taro.id, at(60 + 1799 + 1800), idle).await.unwrap().is_empty(), "idle by then");
    let jiro = stored_account(&store, "jiro@example.jp").await;
    assert!(!store.sessions().end_one_of(&jiro.id, &one.id, at(2000)).await.unwrap(), "not theirs");

    store.sessions().used_by(&one.id, "certificate-app").await.unwrap();
    store.sessions().used_by(&one.id, "certificate-app").await.unwrap();
    assert_eq!(store.sessions().clients(&one.id).await.unwrap(), ["certificate-app"]);
    assert_eq!(store.sessions().end(&hash("first"), at(2000)).await.unwrap(), Some(one.id.clone()));
    assert_eq!(store.sessions().end(&hash("first"), at(2000)).await.unwrap(), None);
    assert!(store.sessions().active(&hash("first")).await.unwrap().is_none());
    assert!(!store.sessions().rotate(&one.id, generation, &hash("one")).await.unwrap());
}

async fn tenants_do_not_see_each_other(fresh: &Fresh) {
    let (here, there) = (tenant(fresh), fresh.db.tenant(&slug("residence")));
    let taro = account("taro@example.jp");
    // the same ids, addresses and cookies in two tenants
    for store in [&here, &there] {
        let everything = keys("山田太郎", "1990-04-01", "ab1");
        store.accounts().insert(&taro, "taro", &everything).await.unwrap();
        store.sessions().insert(&session(&taro), &hash("cookie"), 1, &Default::default()).await.unwrap();
        store.credentials().put(&taro.id, &credential(CredentialKind::Password, store.slug().as_str())).await.unwrap();
        let application = application("REFERENCE", "taro@example.jp", NOW);
        store.applications().insert(&application, &everything).await.unwrap();
    }
    there.accounts().end_everything(&taro.id).await.unwrap();
    assert!(there.sessions().active(&hash("cookie")).await.unwrap().is_none());
    assert!(here.sessions().active(&hash("cookie")).await.unwrap().is_some());
    let found = here.accounts().for_login("taro").await.unwrap().unwrap();
    assert_eq!(found.credentials.len(), 1);
    assert_eq!(found.credentials[0].phc, "certificate");
    let everything = keys("山田太郎", "1990-04-01", "ab1");
    assert_eq!(here.accounts().similar(&everything, "taro@example.jp").await.unwrap().len(), 1);
    let own = here.applications().by_reference("REFERENCE").await.unwrap().unwrap();
    assert!(there.applications().find(&own.id).await.unwrap().is_none());
    assert!(here.applications().similar(&everything, "taro@example.jp", &own.id).await.unwrap().is_empty());
    assert_eq!(here.applications().counts().await.unwrap().iter().map(|(_, n)| n).sum::<i64>(), 1);
    let nowhere = fresh.db.tenant(&slug("nowhere"));
    assert!(nowhere.accounts().find(&taro.id).await.unwrap().is_none());
}
