//! From draft to decision.

use crate::support::*;
use madoguchi_domain::{
    Locale, TokenHash,
    application::{Application, ApplicationKind, ApplicationState},
    form::{Answers, SearchKeys},
    id::{AccountId, ApplicationId, DocumentId, DraftId},
};
use madoguchi_store::{
    StoreError,
    applications::{QueueFilter, QueueSearch},
    documents::Document,
    drafts::{Draft, DraftKind},
    roster::RosterLine,
};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

on_both! {
    a_draft_is_kept_and_handed_in_once
    a_draft_that_was_changed_meanwhile_is_not_overwritten
    documents_follow_their_draft_into_the_application
    the_queue_is_paged_ordered_and_searched
    a_corrected_application_becomes_the_next_version
    an_account_has_one_application_of_a_kind_at_a_time
    the_log_can_be_cut_off_and_still_be_verified
    other_applications_of_the_same_person_are_found
    the_roster_is_replaced_as_a_whole_and_found_by_any_key
}

fn draft(email: &str, link: TokenHash) -> Draft {
    Draft {
        id: DraftId::new(&RANDOM),
        email: madoguchi_domain::EmailAddress::known(email),
        link_hash: link,
        application: None,
        kind: DraftKind::Registration,
        account: None,
        locale: Locale::ja(),
        answers: Answers::new(),
        terms: None,
        interaction: Some(serde_json::json!({"client": "certificate-app"})),
        revision: 0,
        created_at: NOW,
        updated_at: NOW,
        expires_at: at(7 * 86_400),
        submitted_at: None,
    }
}

async fn a_draft_is_kept_and_handed_in_once(fresh: &Fresh) {
    let store = tenant(fresh);
    let begun = draft("Taro@example.jp", hash("link"));
    store.drafts().insert(&begun).await.unwrap();
    assert!(matches!(store.drafts().insert(&draft("b@example.jp", hash("link"))).await, Err(StoreError::Conflict)));
    assert_eq!(store.drafts().by_link(&hash("link")).await.unwrap().as_ref(), Some(&begun));
    assert_eq!(
        store.drafts().open_by_email("taro@example.jp", DraftKind::Registration, at(1)).await.unwrap().as_ref(),
        Some(&begun)
    );
    store.drafts().add_browser(&hash("browser"), &begun.id, at(86_400)).await.unwrap();
    assert!(store.drafts().accept_terms(&begun.id, "2026-04", at(5)).await.unwrap());
    assert!(store.drafts().set_locale(&begun.id, &Locale::en()).await.unwrap());
    let answers: Answers = [("name".to_owned(), "山田　太郎".to_owned())].into();
    assert_eq!(store.drafts().save(&begun.id, 0, &answers, at(6)).await.unwrap(), 1);
    let kept = store.drafts().by_browser(&hash("browser"), at(7)).await.unwrap().unwrap();
    assert_eq!((kept.answers, kept.terms, kept.revision), (answers, Some(("2026-04".into(), at(5))), 1));
    assert!(store.drafts().by_browser(&hash("browser"), at(86_400)).await.unwrap().is_none());
    assert!(store.drafts().relink(&begun.id, &hash("newer"), at(86_400)).await.unwrap());
    assert!(store.drafts().by_link(&hash("link")).await.unwrap().is_none());

    let mut all = JoinSet::new();
    for _ in 0..10 {
        let (store, id) = (store.clone(), begun.id.clone());
        all.spawn(async move {
            let application = ApplicationId::new(&RANDOM);
            store.drafts().submit(&id, 1, Some(&application), at(10)).await.unwrap().then_some(application)
        });
    }
    let won: Vec<_> = all.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let done = store.drafts().find(&begun.id).await.unwrap().unwrap();
    assert_eq!((done.application, done.submitted_at), (Some(won[0].clone()), Some(at(10))));
    assert!(matches!(store.drafts().save(&begun.id, 1, &Answers::new(), at(11)).await, Err(StoreError::Conflict)));
    assert!(store.drafts().open_by_email("taro@example.jp", DraftKind::Registration, at(11)).await.unwrap().is_none());
}

async fn a_draft_that_was_changed_meanwhile_is_not_overwritten(fresh: &Fresh) {
    let store = tenant(fresh);
    let mut begun = draft("taro@example.jp", hash("link"));
    begun.kind = DraftKind::Correction;
    begun.application = Some(ApplicationId::known("app_1"));
    store.drafts().insert(&begun).await.unwrap();
    let one: Answers = [("name".to_owned(), "one".to_owned())].into();
    let two: Answers = [("name".to_owned(), "two".to_owned())].into();
    store.drafts().save(&begun.id, 0, &one, at(1)).await.unwrap();
    assert!(matches!(store.drafts().save(&begun.id, 0, &two, at(2)).await, Err(StoreError::Conflict)));
    let open = store.drafts().open_by_application(&ApplicationId::known("app_1"), at(3)).await.unwrap().unwrap();
    assert_eq!((open.answers, open.updated_at), (one, at(1)));
    assert!(
        !store.drafts().submit(&begun.id, 1, Some(&ApplicationId::known("app_1")), begun.expires_at).await.unwrap()
    );
}

async fn documents_follow_their_draft_into_the_application(fresh: &Fresh) {
    let store = tenant(fresh);
    let draft = DraftId::new(&RANDOM);
    let document = |slot: &str| Document {
        id: DocumentId::new(&RANDOM),
        draft: Some(draft.clone()),
        application: None,
        slot: slot.into(),
        media_type: "image/jpeg".into(),
        width: 1200,
        height: 800,
        bytes: 5,
        sha256: "00".into(),
        created_at: NOW,
        deleted_at: None,
    };
    let (front, back) = (document("document_front"), document("document_back"));
    store.documents().insert(&front, b"front", Some(b"small")).await.unwrap();
    store.documents().insert(&back, b"back", None).await.unwrap();
    assert!(store.documents().remove(&draft, "document_back").await.unwrap());
    assert_eq!(store.documents().of_draft(&draft).await.unwrap(), vec![front.clone()]);
    let mut application = application("REFERENCE", "taro@example.jp", NOW);
    application.documents.insert("document_front".into(), front.id.clone());
    store.applications().insert(&application, &SearchKeys::default()).await.unwrap();
    assert_eq!(store.documents().adopt(&draft, &application.id, at(1)).await.unwrap(), 1);
    assert_eq!(store.documents().due_for_erasure(at(1000), at(1000), 10).await.unwrap(), vec![], "not decided");

    // the draft of a correction shows it, and puts another one in its place when it is handed in
    let correction = DraftId::new(&RANDOM);
    assert_eq!(store.documents().lend(&application.id, &correction).await.unwrap(), 1);
    assert!(store.documents().remove(&correction, "document_front").await.unwrap());
    assert!(store.documents().of_draft(&correction).await.unwrap().is_empty());
    assert!(store.documents().sealed(&front.id).await.unwrap().is_some(), "not handed in yet");
    let better = Document { draft: Some(correction.clone()), ..document("document_front") };
    store.documents().insert(&better, b"better", Some(b"small")).await.unwrap();
    assert_eq!(store.documents().adopt(&correction, &application.id, at(2)).await.unwrap(), 1);
    assert_eq!(store.documents().sealed(&front.id).await.unwrap(), None);
    let front = better;
    assert_eq!(store.documents().sealed(&front.id).await.unwrap().as_deref(), Some(&b"better"[..]));
    assert_eq!(store.documents().thumbnail(&front.id).await.unwrap().as_deref(), Some(&b"small"[..]));
    assert_eq!(store.applications().find(&application.id).await.unwrap().unwrap(), application);

    store.applications().decide(&application.id, 1, ApplicationState::Rejected, None, at(10)).await.unwrap();
    assert!(store.documents().due_for_erasure(at(9), at(9), 10).await.unwrap().is_empty());
    let due = store.documents().due_for_erasure(at(10), at(0), 10).await.unwrap();
    assert_eq!(due, vec![(front.id.clone(), application.id.clone())]);
    assert!(store.documents().erase(&front.id, at(20)).await.unwrap());
    assert!(!store.documents().erase(&front.id, at(20)).await.unwrap());
    assert_eq!(store.documents().sealed(&front.id).await.unwrap(), None);
    assert_eq!(store.documents().thumbnail(&front.id).await.unwrap(), None);
    let all = store.documents().of_application(&application.id).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|d| d.deleted_at.is_some()));
}

async fn the_queue_is_paged_ordered_and_searched(fresh: &Fresh) {
    let store = tenant(fresh);
    for n in 0..5i64 {
        let mut a = application(&format!("REF-{n}"), &format!("a{n}@example.jp"), at(n / 2));
        a.id = ApplicationId::known(format!("app_{n}"));
        store.applications().insert(&a, &keys(&format!("山田{n}%"), "", &format!("id_{n}"))).await.unwrap();
    }
    store
        .applications()
        .decide(&ApplicationId::known("app_4"), 1, ApplicationState::Approved, None, NOW)
        .await
        .unwrap();
    let ask = async |filter: QueueFilter| -> Vec<String> {
        let found = store.applications().queue(&filter).await.unwrap();
        found.into_iter().map(|a| a.id.as_str().to_owned()).collect()
    };
    let base = QueueFilter { limit: 10, ..QueueFilter::default() };
    assert_eq!(ask(base.clone()).await, ["app_0", "app_1", "app_2", "app_3", "app_4"]);
    let submitted = QueueFilter { states: vec![ApplicationState::Submitted], limit: 3, ..QueueFilter::default() };
    assert_eq!(ask(submitted.clone()).await, ["app_0", "app_1", "app_2"]);
    let next = QueueFilter { after: Some((at(1), ApplicationId::known("app_2"))), ..submitted.clone() };
    assert_eq!(ask(next).await, ["app_3"]);
    let newest = QueueFilter { newest_first: true, ..submitted.clone() };
    assert_eq!(ask(newest.clone()).await, ["app_3", "app_2", "app_1"]);
    let next = QueueFilter { after: Some((at(0), ApplicationId::known("app_1"))), ..newest };
    assert_eq!(ask(next).await, ["app_0"]);
    let search = |search: QueueSearch| QueueFilter { search: Some(search), ..base.clone() };
    assert_eq!(ask(search(QueueSearch { name_key: "田2".into(), ..QueueSearch::default() })).await, ["app_2"]);
    assert_eq!(ask(search(QueueSearch { name_key: "3%".into(), ..QueueSearch::default() })).await, ["app_3"]);
    assert!(ask(search(QueueSearch { name_key: "山%3".into(), ..QueueSearch::default() })).await.is_empty());
    assert!(ask(search(QueueSearch { student_id_key: "id\\".into(), ..QueueSearch::default() })).await.is_empty());
    assert!(ask(search(QueueSearch::default())).await.is_empty(), "nothing finds nothing");
    let either = QueueSearch { reference: "REF-1".into(), email_key: "a3@".into(), ..QueueSearch::default() };
    assert_eq!(ask(search(either)).await, ["app_1", "app_3"]);
    let mut counts = store.applications().counts().await.unwrap();
    counts.sort_by_key(|(_, n)| *n);
    assert_eq!(counts, vec![(ApplicationState::Approved, 1), (ApplicationState::Submitted, 4)]);
}

async fn a_corrected_application_becomes_the_next_version(fresh: &Fresh) {
    let store = tenant(fresh);
    let a = application("REFERENCE", "taro@example.jp", NOW);
    store.applications().insert(&a, &SearchKeys::default()).await.unwrap();
    let same = application("REFERENCE", "b@example.jp", NOW);
    assert!(matches!(store.applications().insert(&same, &SearchKeys::default()).await, Err(StoreError::Conflict)));
    let answers: Answers = [("name".to_owned(), "corrected".to_owned())].into();
    let documents: BTreeMap<String, DocumentId> = [("document_front".to_owned(), DocumentId::known("doc_2"))].into();
    let resubmit = async |version| {
        let everything = keys("corrected", "1990-04-01", "ab1");
        let next = Application {
            answers: answers.clone(),
            documents: documents.clone(),
            submitted_at: at(20),
            kind: ApplicationKind::Reapplication,
            ..a.clone()
        };
        store.applications().resubmit(version, &next, &everything).await
    };
    assert!(matches!(resubmit(1).await, Err(StoreError::Conflict)), "nobody asked for a correction");
    let ask = ApplicationState::CorrectionRequested;
    assert!(!store.applications().decide(&a.id, 2, ask, None, at(10)).await.unwrap(), "not that version");
    assert!(store.applications().decide(&a.id, 1, ask, None, at(10)).await.unwrap());
    assert_eq!(resubmit(1).await.unwrap(), 2);
    assert!(matches!(resubmit(1).await, Err(StoreError::Conflict)), "a double click");
    let now = store.applications().find(&a.id).await.unwrap().unwrap();
    assert_eq!((now.lifecycle.version, now.lifecycle.state), (2, ApplicationState::Submitted));
    assert_eq!(now.kind, ApplicationKind::Reapplication);
    let before = store.applications().submissions(&a.id).await.unwrap();
    assert_eq!(before.iter().map(|s| (s.version, &s.answers)).collect::<Vec<_>>(), [(1, &a.answers)]);
    assert_eq!((now.answers, now.documents, now.decided_at), (answers.clone(), documents.clone(), None));
    assert!(!store.applications().decide(&a.id, 1, ApplicationState::Approved, None, at(30)).await.unwrap(), "stale");
    let account = AccountId::known("acc_1");
    assert!(store.applications().decide(&a.id, 2, ApplicationState::Approved, Some(&account), at(30)).await.unwrap());
    assert_eq!(store.applications().of_account(&account).await.unwrap()[0].id, a.id);
    assert_eq!(store.applications().by_email("taro@example.jp").await.unwrap().len(), 1);
    for (clerk, first) in [("acc_1", true), ("acc_1", false), ("acc_2", true)] {
        assert_eq!(store.decisions().approve(&a.id, 2, &AccountId::known(clerk), at(31)).await.unwrap(), first);
    }
    assert_eq!(store.decisions().approvals(&a.id, 2).await.unwrap().len(), 2);
    assert!(store.decisions().approvals(&a.id, 1).await.unwrap().is_empty());
    // taken back: it waits again, as nobody's
    assert!(!store.applications().reopen(&a.id, 1).await.unwrap(), "not that version");
    assert!(store.applications().reopen(&a.id, 2).await.unwrap());
    assert!(!store.applications().reopen(&a.id, 2).await.unwrap(), "a double click");
    let again = store.applications().find(&a.id).await.unwrap().unwrap();
    assert_eq!((again.lifecycle.version, again.lifecycle.state), (3, ApplicationState::Submitted));
    assert_eq!(again.account, None);
}

async fn an_account_has_one_application_of_a_kind_at_a_time(fresh: &Fresh) {
    let store = tenant(fresh);
    let own = |reference: &str, kind| Application {
        kind,
        account: Some(AccountId::known("acc_1")),
        ..application(reference, "taro@example.jp", NOW)
    };
    let first = own("A", ApplicationKind::Enrolment);
    store.applications().insert(&first, &SearchKeys::default()).await.unwrap();
    let second = own("B", ApplicationKind::Enrolment);
    assert!(matches!(store.applications().insert(&second, &SearchKeys::default()).await, Err(StoreError::Conflict)));
    store.applications().insert(&own("C", ApplicationKind::ProfileChange), &SearchKeys::default()).await.unwrap();
    let account = AccountId::known("acc_1");
    let pending = store.applications().pending(&account, ApplicationKind::Enrolment).await.unwrap().unwrap();
    assert_eq!(pending.id, first.id);
    let stranger = AccountId::known("acc_2");
    assert!(!store.applications().withdraw(&first.id, 1, &stranger, at(1)).await.unwrap());
    assert!(store.applications().withdraw(&first.id, 1, &account, at(1)).await.unwrap());
    assert!(!store.applications().withdraw(&first.id, 1, &account, at(1)).await.unwrap());
    assert!(!store.applications().decide(&first.id, 1, ApplicationState::Approved, None, at(2)).await.unwrap());
    store.applications().insert(&second, &SearchKeys::default()).await.unwrap();
}

async fn the_log_can_be_cut_off_and_still_be_verified(fresh: &Fresh) {
    let store = tenant(fresh);
    let line = |n: i64| madoguchi_domain::audit::AuditEvent {
        at: at(n),
        actor: madoguchi_domain::audit::Actor::System,
        action: madoguchi_domain::audit::Action::SignedIn,
        subject: format!("line {n}"),
        detail: serde_json::json!({}),
        source_ip: None,
    };
    for n in 0..6 {
        store.audit().append(&line(n)).await.unwrap();
    }
    let seal = async || {
        let mut tx = store.begin().await.unwrap();
        let sealed = tx.audit().seal(100).await.unwrap();
        tx.commit().await.unwrap();
        sealed
    };
    let trim = async |before, limit| {
        let mut tx = store.begin().await.unwrap();
        let gone = tx.audit().trim(before, limit).await.unwrap();
        tx.commit().await.unwrap();
        gone
    };
    assert_eq!(trim(at(100), 100).await, 0, "what is not chained yet stays");
    assert_eq!(seal().await, 6);
    assert_eq!(trim(at(4), 3).await, 3);
    assert_eq!(trim(at(4), 3).await, 1);
    assert_eq!(trim(at(4), 3).await, 0);
    assert_eq!(store.audit().verify().await.unwrap(), Ok(2));
    assert_eq!(trim(at(100), 100).await, 2);
    store.audit().append(&line(7)).await.unwrap();
    assert_eq!(seal().await, 1, "the chain goes on where it was cut off");
    assert_eq!(store.audit().verify().await.unwrap(), Ok(1));
}

async fn other_applications_of_the_same_person_are_found(fresh: &Fresh) {
    let store = tenant(fresh);
    let all = [("A", keys("山田太郎", "1990-04-01", "")), ("B", keys("", "", "ab1")), ("C", SearchKeys::default())];
    for (reference, keys) in &all {
        let a = application(reference, &format!("{reference}@example.jp"), NOW);
        store.applications().insert(&a, keys).await.unwrap();
    }
    let find = async |keys: SearchKeys, email: &str| -> Vec<String> {
        let none = ApplicationId::known("");
        let found = store.applications().similar(&keys, email, &none).await.unwrap();
        let mut references: Vec<String> = found.into_iter().map(|a| a.reference).collect();
        references.sort();
        references
    };
    assert_eq!(find(keys("山田太郎", "1990-04-01", "ab1"), "c@example.jp").await, ["A", "B", "C"]);
    assert_eq!(find(keys("山田太郎", "", ""), "").await, Vec::<String>::new());
    assert_eq!(find(SearchKeys::default(), "").await, Vec::<String>::new());
}

async fn the_roster_is_replaced_as_a_whole_and_found_by_any_key(fresh: &Fresh) {
    let store = tenant(fresh);
    let line = |name: &str, keys: SearchKeys| RosterLine { keys, record: serde_json::json!({ "name": name }) };
    for round in 0..2 {
        let mut tx = store.begin().await.unwrap();
        let lines = [
            line("name only", keys("山田太郎", "1980-01-01", "")),
            line("name and birth date", keys("山田太郎", "1990-04-01", "")),
            line("number", keys("山田花子", "1970-01-01", "ab1")),
            line("nobody", keys("", "", "")),
        ];
        assert_eq!(tx.roster().replace(lines, at(round)).await.unwrap(), 4);
        tx.commit().await.unwrap();
    }
    assert_eq!(store.roster().count().await.unwrap(), (4, Some(at(1))));
    let found = store.roster().similar(&keys("山田太郎", "1990-04-01", "ab1"), 10).await.unwrap();
    let names: Vec<_> = found.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["number", "name and birth date", "name only"]);
    assert!(store.roster().similar(&SearchKeys::default(), 10).await.unwrap().is_empty());
    assert_eq!(store.roster().page(2, 10).await.unwrap().len(), 2);
}
