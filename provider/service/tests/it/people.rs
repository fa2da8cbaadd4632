//! Who a person is known to be, and how that changes: own data, further enrolments, wrong matches; and what is erased.

use crate::{
    applying::{answers, photo, with_form},
    support::{World, on_each_database, source},
};
use image::ImageFormat;
use madoguchi_domain::{
    Locale,
    account::{Account, AccountState},
    application::{ApplicationKind, ApplicationState},
    form::Answers,
    id::ApplicationId,
    verification::Evidence,
};
use madoguchi_service::{
    AccountChoice, DecideError, Decided, DecisionForm, OpenDraft, QueueFilter, ReviewerOf, Ruling, SubmitError, Tenant,
    UndoError, UndoForm, WithdrawError,
};
use std::time::Duration;

const DAY: u64 = 86_400;

/// Names after approval with a document, remarks at once.
fn tenant_of(world: &World) -> Tenant {
    with_form(&world.certificate, |config| {
        let policy = &mut config.settings.self_service;
        policy.free = vec!["remarks".into()];
        policy.with_approval = vec!["name".into(), "name_kana".into(), "birth_date".into()];
        config.settings.retention = madoguchi_domain::tenant::RetentionPolicy {
            documents: "30d".parse().unwrap(),
            applications: "100d".parse().unwrap(),
            audit: "200d".parse().unwrap(),
        };
    })
}

fn ruled(application: &ApplicationId, version: i64, ruling: Ruling) -> DecisionForm {
    DecisionForm { application: application.clone(), version, ruling }
}

fn yes() -> Ruling {
    Ruling::Approve { account: AccountChoice::Unsaid }
}

/// An account by an approved application, in use.
async fn known(world: &World, tenant: &Tenant, clerk: &ReviewerOf, mail: &str, typed: &Answers) -> Account {
    let applied = world.apply(tenant, mail, typed).await;
    world
        .desk(tenant, clerk)
        .decide(&ruled(&applied.application, 1, Ruling::Approve { account: AccountChoice::New }), &source())
        .await
        .unwrap();
    let account = world.account_of(tenant, mail).await.unwrap();
    let store = world.database.tenant(&tenant.slug);
    let (from, to) = (AccountState::Provisioned, AccountState::Active);
    assert!(store.accounts().set_state(&account.id, from, to, world.service.now()).await.unwrap());
    world.account_of(tenant, mail).await.unwrap()
}

/// A change of the name as far as the button.
async fn another_name(world: &World, tenant: &Tenant, account: &Account, name: &str) -> OpenDraft {
    let form = world.service.profile_form(tenant, account).await.unwrap();
    let form = world.service.begin_profile_change(tenant, form).await.unwrap();
    let typed = [("name".to_owned(), name.to_owned())].into();
    world.service.save_draft(tenant, form, &typed, &Locale::ja(), None).await.unwrap()
}

async fn asked(world: &World, tenant: &Tenant, account: &Account, name: &str) -> ApplicationId {
    let draft = another_name(world, tenant, account, name).await;
    let changed = world.service.change_profile(tenant, draft, &source()).await.unwrap();
    let store = world.database.tenant(&tenant.slug);
    store.applications().by_reference(&changed.reference.unwrap()).await.unwrap().unwrap().id
}

on_each_database! {
    async fn a_changed_name_is_in_force_when_it_is_approved(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let mail = "taro@example.jp";
        let account = known(&world, &tenant, &clerk, mail, &answers("高橋 太郎", "タカハシ タロウ")).await;
        let how = account.profile.verified("name").unwrap();
        assert_eq!((how.evidence.as_slice(), how.by.as_ref()), ([Evidence::Document].as_slice(), Some(&clerk.account().id)));

        let id = asked(&world, &tenant, &account, "山田 太郎").await;
        let waiting = world.account_of(&tenant, mail).await.unwrap().profile;
        assert_eq!(waiting.name, "高橋 太郎");
        assert!(waiting.verified("name").is_none() && waiting.verified("birth_date").is_some());
        // one of a kind at a time: what is typed meanwhile is not taken
        let second = another_name(&world, &tenant, &account, "佐藤 太郎").await;
        let ignored = world.service.change_profile(&tenant, second, &source()).await.unwrap();
        assert!(!ignored.at_once && ignored.reference.is_none());

        let desk = world.desk(&tenant, &clerk);
        let queue = desk.queue(&QueueFilter { kinds: vec![ApplicationKind::ProfileChange], ..QueueFilter::default() }).await.unwrap();
        assert_eq!(queue.items.len(), 1);
        let seen = desk.open(&id, &source()).await.unwrap().unwrap();
        assert_eq!(seen.submissions[0].version, 0);
        assert_eq!(seen.submissions[0].answers["name"], "高橋 太郎");
        let decided = desk.decide(&ruled(&id, 1, yes()), &source()).await.unwrap();
        assert_eq!(decided, Decided::ProfileChanged { account: account.id.clone() });
        let now = world.account_of(&tenant, mail).await.unwrap();
        assert_eq!((now.profile.name.as_str(), &now.sub), ("山田 太郎", &account.sub));
        assert_eq!(now.profile.verified("name").unwrap().application, Some(id));
        world.mail(mail, "profile_changed").await;
    }

    async fn a_rejected_or_withdrawn_change_leaves_everything_as_it_was(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let mail = "taro@example.jp";
        let account = known(&world, &tenant, &clerk, mail, &answers("高橋 太郎", "タカハシ タロウ")).await;
        let id = asked(&world, &tenant, &account, "山田 太郎").await;
        let no = Ruling::Reject { reason: "書類と異なります".into() };
        world.desk(&tenant, &clerk).decide(&ruled(&id, 1, no), &source()).await.unwrap();
        assert_eq!(world.account_of(&tenant, mail).await.unwrap().profile, account.profile);

        let id = asked(&world, &tenant, &account, "佐藤 太郎").await;
        let reference = world.application(&tenant, &id).await.reference;
        let stranger = Account { id: madoguchi_domain::id::AccountId::known("acc_x"), ..account.clone() };
        let refused = world.service.withdraw(&tenant, &stranger, &reference, &source()).await;
        assert!(matches!(refused, Err(WithdrawError::NotFound)));
        world.service.withdraw(&tenant, &account, &reference, &source()).await.unwrap();
        assert_eq!(world.account_of(&tenant, mail).await.unwrap().profile, account.profile);
        let late = world.desk(&tenant, &clerk).decide(&ruled(&id, 1, yes()), &source()).await;
        assert!(matches!(late, Err(DecideError::AlreadyDecided(None))), "{late:?}");
        let again = world.service.withdraw(&tenant, &account, &reference, &source()).await;
        assert!(matches!(again, Err(WithdrawError::TooLate(_))));
    }

    async fn of_a_withdrawal_and_two_approvals_at_once_one_counts(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        for round in 0..4 {
            let mail = format!("taro{round}@example.jp");
            let typed = answers(&format!("高橋 {}", ["一郎", "二郎", "三郎", "四郎"][round]), "タカハシ タロウ");
            let account = known(&world, &tenant, &clerk, &mail, &typed).await;
            let id = asked(&world, &tenant, &account, "山田 太郎").await;
            let reference = world.application(&tenant, &id).await.reference;
            let approve = |form: DecisionForm| {
                let (service, tenant, clerk) = (world.service.clone(), tenant.clone(), clerk.clone());
                tokio::spawn(async move { service.review(&tenant, clerk).unwrap().decide(&form, &source()).await.is_ok() })
            };
            let withdraw = {
                let (service, tenant, account) = (world.service.clone(), tenant.clone(), account.clone());
                tokio::spawn(async move { service.withdraw(&tenant, &account, &reference, &source()).await.is_ok() })
            };
            let one = approve(ruled(&id, 1, yes()));
            let two = approve(ruled(&id, 1, yes()));
            let outcomes = [withdraw.await.unwrap(), one.await.unwrap(), two.await.unwrap()];
            assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 1, "{outcomes:?}");
            let name = world.account_of(&tenant, &mail).await.unwrap().profile.name;
            assert_eq!(name == "山田 太郎", !outcomes[0]);
        }
    }

    async fn two_windows_change_what_stands_and_one_wins(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let account = known(&world, &tenant, &clerk, "taro@example.jp", &answers("高橋 太郎", "タカハシ タロウ")).await;
        let free = async |text: &str| {
            let form = world.service.profile_form(&tenant, &account).await.unwrap();
            let form = world.service.begin_profile_change(&tenant, form).await.unwrap();
            let typed = [("remarks".to_owned(), text.to_owned())].into();
            world.service.save_draft(&tenant, form, &typed, &Locale::ja(), None).await.unwrap()
        };
        let one = free("午後").await;
        let two = free("午前").await;
        let stale = world.service.change_profile(&tenant, one, &source()).await;
        assert!(matches!(stale, Err(SubmitError::Stale)), "{stale:?}");
        let done = world.service.change_profile(&tenant, two.clone(), &source()).await.unwrap();
        assert!(done.at_once && done.reference.is_none());
        let again = world.service.change_profile(&tenant, two, &source()).await.unwrap();
        assert_eq!(again, done, "pressed twice");
        let profile = world.account_of(&tenant, "taro@example.jp").await.unwrap().profile;
        assert_eq!(profile.more.get("remarks").map(String::as_str), Some("午前"));
    }

    async fn a_wrong_match_is_taken_back(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let typed = answers("高橋 太郎", "タカハシ タロウ");
        let account = known(&world, &tenant, &clerk, "taro@example.jp", &typed).await;
        let mut again = typed.clone();
        again.insert("application_type".into(), "reapplication".into());
        again.insert("student_id".into(), "07b-9999".into());
        let applied = world.apply(&tenant, "other@example.jp", &again).await;
        let chosen = Ruling::Approve { account: AccountChoice::Existing(account.id.clone()) };
        desk.decide(&ruled(&applied.application, 1, chosen), &source()).await.unwrap();
        let moved = world.account_of(&tenant, "other@example.jp").await.unwrap();
        assert_eq!(moved.sub, account.sub);
        let enrolments = async || {
            let found = world.service.enrolments_of(&tenant, &account).await.unwrap();
            // made in one second, they stand in the order of their ids
            let mut numbers: Vec<String> = found.into_iter().map(|e| e.student_id).collect();
            numbers.sort();
            numbers
        };
        assert_eq!(enrolments().await, ["06a-1234", "07b-9999"]);

        let undo = |version, reason: &str| UndoForm { application: applied.application.clone(), version, reason: reason.into() };
        let silent = desk.undo(&undo(1, " "), &source()).await;
        assert!(matches!(silent, Err(UndoError::ReasonMissing)));
        let stale = desk.undo(&undo(2, "別人"), &source()).await;
        assert!(matches!(stale, Err(UndoError::NothingToUndo)));
        desk.undo(&undo(1, "別人でした"), &source()).await.unwrap();
        let back = world.account_of(&tenant, "taro@example.jp").await.unwrap();
        assert_eq!((&back.id, &back.sub, &back.login_id), (&account.id, &account.sub, &account.login_id));
        assert_eq!(back.profile, account.profile);
        assert!(back.generation > moved.generation, "sessions and tokens end");
        assert_eq!(enrolments().await, ["06a-1234"], "what came with the match goes");
        assert!(world.account_of(&tenant, "other@example.jp").await.is_none());
        let application = world.application(&tenant, &applied.application).await;
        assert_eq!((application.lifecycle.state, application.lifecycle.version), (ApplicationState::Submitted, 2));
        assert_eq!(application.account, None);
        world.mail("other@example.jp", "match_undone").await;
        let entry = world.mail("taro@example.jp", "account_returned").await;
        let initial = entry["initial_password"].as_str().unwrap();
        assert!(matches!(
            world.sign_in(&tenant, "taro@example.jp", initial, "").await,
            Ok(madoguchi_service::SignedIn::MustSetCredentials { .. })
        ));
        assert!(world.log(&tenant).await.contains(&"match_undone"));
        let twice = desk.undo(&undo(1, "別人"), &source()).await;
        assert!(matches!(twice, Err(UndoError::NothingToUndo)));
        // and decided rightly
        let own = Ruling::Approve { account: AccountChoice::New };
        desk.decide(&ruled(&applied.application, 2, own), &source()).await.unwrap();
        assert_ne!(world.account_of(&tenant, "other@example.jp").await.unwrap().sub, account.sub);
    }

    async fn a_match_whose_old_address_is_taken_stays(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let typed = answers("高橋 太郎", "タカハシ タロウ");
        let account = known(&world, &tenant, &clerk, "taro@example.jp", &typed).await;
        let mut again = typed.clone();
        again.insert("application_type".into(), "reapplication".into());
        let applied = world.apply(&tenant, "other@example.jp", &again).await;
        let chosen = Ruling::Approve { account: AccountChoice::Existing(account.id.clone()) };
        desk.decide(&ruled(&applied.application, 1, chosen), &source()).await.unwrap();
        known(&world, &tenant, &clerk, "taro@example.jp", &answers("高橋 花子", "タカハシ ハナコ")).await;
        let form = UndoForm { application: applied.application.clone(), version: 1, reason: "別人".into() };
        let refused = desk.undo(&form, &source()).await;
        assert!(matches!(refused, Err(UndoError::AddressTaken)), "{refused:?}");
        assert_eq!(world.account_of(&tenant, "other@example.jp").await.unwrap().id, account.id, "nothing changed");
        let application = world.application(&tenant, &applied.application).await;
        assert_eq!(application.lifecycle.state, ApplicationState::Approved);
    }

    async fn an_application_that_was_never_corrected_is_erased_once_it_cannot_be(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let store = world.database.tenant(&tenant.slug);
        let sent_back = world.apply(&tenant, "taro@example.jp", &answers("高橋 太郎", "タカハシ タロウ")).await.application;
        let notes = [("remarks".to_owned(), "書き直してください。".to_owned())].into();
        let correct = Ruling::RequestCorrection { reason: "次を直してください。".into(), notes };
        desk.decide(&ruled(&sent_back, 1, correct), &source()).await.unwrap();
        let round = async |days: u64| {
            world.clock.advance(Duration::from_secs(days * DAY));
            world.service.keep_no_longer_of(&tenant).await.unwrap();
            let documents = store.documents().of_application(&sent_back).await.unwrap();
            let erased = documents.first().map(|d| d.deleted_at.is_some());
            (store.applications().find(&sent_back).await.unwrap().is_some(), erased)
        };
        let settings = &tenant.config.settings;
        let correcting = settings.one_time_links.resubmission_lifetime.duration() + settings.registration.draft_lifetime.duration();
        let correcting = correcting.as_secs() / DAY;
        assert_eq!(round(30 + correcting - 1).await, (true, Some(false)), "it may still be corrected, or just could be");
        assert_eq!(round(1).await, (true, Some(true)));
        assert_eq!(round(69).await, (true, Some(true)));
        assert_eq!(round(1).await, (false, None));
    }

    async fn what_was_kept_long_enough_is_erased_and_the_log_says_so(world: World) {
        let tenant = tenant_of(&world);
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let store = world.database.tenant(&tenant.slug);
        let done = world.apply(&tenant, "taro@example.jp", &answers("高橋 太郎", "タカハシ タロウ")).await;
        desk.decide(&ruled(&done.application, 1, yes()), &source()).await.unwrap();
        let waits = world.apply(&tenant, "hana@example.jp", &answers("山田 花子", "ヤマダ ハナコ")).await;
        let picture = async |id: &ApplicationId| {
            let documents = store.documents().of_application(id).await.unwrap();
            store.documents().sealed(&documents[0].id).await.unwrap().is_some()
        };
        let round = async || world.service.keep_no_longer_of(&tenant).await.unwrap();

        world.clock.advance(Duration::from_secs(29 * DAY));
        round().await;
        assert!(picture(&done.application).await, "not before its time");
        world.clock.advance(Duration::from_secs(DAY));
        round().await;
        round().await;
        assert!(!picture(&done.application).await && picture(&waits.application).await, "what waits is kept");
        let log = world.log(&tenant).await;
        assert_eq!(log.iter().filter(|a| **a == "document_deleted").count(), 1, "once");
        let shown = desk.open(&done.application, &source()).await.unwrap().unwrap();
        assert_eq!(shown.documents[0].deleted_at, Some(world.service.now()));

        world.clock.advance(Duration::from_secs(70 * DAY));
        round().await;
        assert!(store.applications().find(&done.application).await.unwrap().is_none());
        assert!(store.decisions().of(&done.application).await.unwrap().is_empty());
        assert!(store.documents().of_application(&done.application).await.unwrap().is_empty());
        assert!(store.applications().find(&waits.application).await.unwrap().is_some());
        assert!(world.account_of(&tenant, "taro@example.jp").await.is_some(), "the account stays");

        let mut tx = store.begin().await.unwrap();
        tx.audit().seal(10_000).await.unwrap();
        tx.commit().await.unwrap();
        let before = store.audit().verify().await.unwrap().unwrap();
        world.clock.advance(Duration::from_secs(130 * DAY));
        round().await;
        let after = store.audit().verify().await.unwrap().unwrap();
        assert!(after > 0 && after < before, "{after} of {before} lines are left, and fit");
        assert!(world.log(&tenant).await.contains(&"audit_trimmed"));
    }

    async fn an_image_of_a_change_is_looked_at_like_any_other(world: World) {
        let tenant = with_form(&world.certificate, |config| {
            config.settings.self_service.with_approval = vec!["name".into()];
            // the images in a section of their own, asked for changes too
            let section = &mut config.form.sections[0];
            let (images, rest) = section.fields.drain(..).partition(|f| f.key.starts_with("document_"));
            section.fields = rest;
            let mut proof = section.clone();
            proof.key = "proof".into();
            proof.fields = images;
            proof.asked_for = vec![ApplicationKind::Registration, ApplicationKind::ProfileChange];
            config.form.sections.push(proof);
        });
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let account = known(&world, &tenant, &clerk, "taro@example.jp", &answers("高橋 太郎", "タカハシ タロウ")).await;
        let draft = another_name(&world, &tenant, &account, "山田 太郎").await;
        let missing = world.service.change_profile(&tenant, draft.clone(), &source()).await;
        assert!(matches!(missing, Err(SubmitError::Invalid(_))), "{missing:?}");
        world.service.upload_document(&tenant, &draft, "document_front", photo(30, 20, ImageFormat::Png)).await.unwrap();
        let changed = world.service.change_profile(&tenant, draft, &source()).await.unwrap();
        let store = world.database.tenant(&tenant.slug);
        let application = store.applications().by_reference(&changed.reference.unwrap()).await.unwrap().unwrap();
        let desk = world.desk(&tenant, &clerk);
        let document = &application.documents["document_front"];
        let image = desk.document(document, madoguchi_service::Rendition::Full, &source()).await.unwrap();
        assert_eq!(image.unwrap().media_type, "image/jpeg");
    }
}
