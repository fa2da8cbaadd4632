//! At the desk.

use crate::{
    applying::{answers, photo, with_form},
    support::{on_each_database, source},
};
use image::ImageFormat;
use madoguchi_domain::{
    Locale, Token,
    account::{AccountState, CredentialKind},
    application::{ApplicationState, Verdict},
    audit::Actor,
    client::{Client, ClientMetadata},
    tenant::{Approval, InitialCredential, LoginIdentifier},
};
use madoguchi_plugin_sdk::Agreement;
use madoguchi_service::{
    AccountChoice, DecideError, Decided, DecisionForm, DraftState, LinkError, LinkProblem, QueueFilter, Rendition,
    RosterImport, Ruling, SignInError, SignedIn, Tenant, UploadError,
    credentials::{CredentialsError, NewCredentials, TicketState},
    review::{Resemblance, RosterAnswer},
};
use madoguchi_store::oidc::clients::ClientSource;
use std::time::Duration;

const ROSTER: &str = "学籍番号,氏名,フリガナ,生年月日,卒業年月\n\
    06A1234,高橋 太郎,タカハシ タロウ,1990-04-02,2013-03\n\
    06A9999,高橋 二郎,タカハシ ジロウ,1990-04-02,2013-03\n";

fn taro() -> madoguchi_domain::form::Answers {
    answers("高橋 太郎", "タカハシ タロウ")
}

/// First passwords by a URL, logins by user ID.
fn by_url_and_user_id(tenant: &Tenant) -> Tenant {
    with_form(tenant, |config| {
        config.settings.initial_credential.kind = InitialCredential::SettingUrl;
        config.settings.login.identifier = LoginIdentifier::UserId;
        config.settings.login.user_id_pattern = Some("RZ00000000".into());
    })
}

fn approve(application: &madoguchi_domain::id::ApplicationId, version: i64) -> DecisionForm {
    let ruling = Ruling::Approve { account: AccountChoice::New };
    DecisionForm { application: application.clone(), version, ruling }
}

on_each_database! {
    async fn eight_clerks_at_once_make_one_decision(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerks = [world.clerk(&tenant, "clerk@example.jp").await, world.clerk(&tenant, "clerk2@example.jp").await];
        for round in 0..4 {
            let mail = format!("taro{round}@example.jp");
            let applied = world.apply(&tenant, &mail, &taro()).await;
            let clicks: Vec<_> = (0..8usize)
                .map(|n| {
                    let (service, tenant, reviewer) = (world.service.clone(), tenant.clone(), clerks[n % 2].clone());
                    let application = applied.application.clone();
                    tokio::spawn(async move {
                        let ruling = match n % 3 {
                            0 => Ruling::Approve { account: AccountChoice::New },
                            1 => Ruling::Reject { reason: "名簿にありません".into() },
                            _ => Ruling::RequestCorrection {
                                reason: "直してください".into(),
                                notes: [("document_front".to_owned(), String::new())].into(),
                            },
                        };
                        let form = DecisionForm { application, version: 1, ruling };
                        service.review(&tenant, reviewer).unwrap().decide(&form, &source()).await
                    })
                })
                .collect();
            let mut made = 0;
            for click in clicks {
                match click.await.unwrap() {
                    Ok(_) => made += 1,
                    Err(DecideError::AlreadyDecided(decision)) => {
                        assert!(decision.is_some_and(|d| d.application == applied.application));
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            assert_eq!(made, 1);
            let store = world.database.tenant(&tenant.slug);
            let decisions = store.decisions().of(&applied.application).await.unwrap();
            assert_eq!(decisions.len(), 1);
            let mails = world.mails(&mail).await;
            let results = ["accepted", "rejected", "resubmission"];
            assert_eq!(mails.iter().filter(|m| results.iter().any(|r| m["kind"] == *r)).count(), 1);
            let approved = decisions[0].verdict == Verdict::Approve;
            assert_eq!(world.account_of(&tenant, &mail).await.is_some(), approved);
        }
    }

    async fn an_approval_makes_an_account_that_can_log_in(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let client: ClientMetadata = serde_json::from_value(serde_json::json!({
            "client_id": "certificate-app", "client_name": "App", "initiate_login_uri": "https://app.example.jp/login?x=1",
        })).unwrap();
        let client = Client { metadata: client, secret_hash: None };
        world.database.tenant(&tenant.slug).clients().upsert(&client, ClientSource::File, world.service.now()).await.unwrap();
        let mut asked = crate::applying::request("taro@example.jp");
        asked.return_client = Some("certificate-app".into());
        world.service.request_registration(&tenant, asked).await.unwrap();
        let link = world.link_token("taro@example.jp").await;
        let link = world.service.open_link(&tenant, &link).await.unwrap();
        let draft = world.service.accept_terms(&tenant, &link, "2026-04", &source()).await.unwrap().draft;
        let draft = world.service.save_draft(&tenant, draft, &taro(), &Locale::ja(), None).await.unwrap();
        world.service.upload_document(&tenant, &draft, "document_front", photo(30, 20, ImageFormat::Jpeg)).await.unwrap();
        let applied = world.service.submit(&tenant, draft, &source()).await.unwrap();

        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let form = approve(&applied.application, 1);
        let preview = desk.preview_mail(&form).await.unwrap();
        assert!(preview.body.contains("••••"));
        let Decided::Approved { account } = desk.decide(&form, &source()).await.unwrap() else { panic!() };

        let mail = world.mail("taro@example.jp", "accepted").await;
        let login_url = mail["login_url"].as_str().unwrap();
        assert_eq!(login_url, "https://app.example.jp/login?x=1&iss=https%3A%2F%2Fid.example.jp%2Ft%2Fcertificate");
        let stored = world.account_of(&tenant, "taro@example.jp").await.unwrap();
        assert_eq!((stored.id.clone(), stored.state), (account.clone(), AccountState::Provisioned));
        assert_eq!(stored.profile.name, "高橋 太郎");
        assert_eq!(stored.profile.birth_date, "1990-04-02");
        let store = world.database.tenant(&tenant.slug);
        let enrolments = store.enrolments().of(&account).await.unwrap();
        assert_eq!(enrolments[0].application.as_ref(), Some(&applied.application));
        assert_eq!(world.application(&tenant, &applied.application).await.account, Some(account));
        let initial = mail["initial_password"].as_str().unwrap();
        let signed_in = world.sign_in(&tenant, "taro@example.jp", initial, "").await.unwrap();
        assert!(matches!(signed_in, SignedIn::MustSetCredentials { .. }));
    }

    async fn a_setting_url_stands_in_place_of_an_initial_password(world: World) {
        let clerk = world.clerk(&world.certificate, "clerk@example.jp").await;
        let tenant = by_url_and_user_id(&world.certificate);
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        let desk = world.desk(&tenant, &clerk);
        let form = approve(&applied.application, 1);
        assert!(desk.preview_mail(&form).await.unwrap().body.contains("/password-setting/link/…"));
        desk.decide(&form, &source()).await.unwrap();

        let mail = world.mail("taro@example.jp", "accepted").await;
        assert!(mail.get("initial_password").is_none());
        let account = world.account_of(&tenant, "taro@example.jp").await.unwrap();
        assert!(account.login_id.starts_with("RZ") && mail["login_id"] == account.login_id.as_str());
        let url = mail["setting_url"].as_str().unwrap();
        let token = url.strip_prefix("https://id.example.jp/t/certificate/password-setting/link/").unwrap();
        let ticket = Token::parse(token).unwrap();
        // looking at it, as mail scanners do, changes nothing
        for _ in 0..3 {
            assert_eq!(world.service.credential_duty(&tenant, &ticket).await.unwrap().login_id, account.login_id);
        }
        assert!(world.service.credential_duty(&world.residence, &ticket).await.is_err(), "it is this tenant's");
        // there is nothing to log in with yet
        let early = world.sign_in(&tenant, &account.login_id, "", "").await;
        assert!(matches!(early, Err(SignInError::Rejected)));

        world.clock.advance(Duration::from_secs(7 * 86_400 - 1));
        let [first, second] = ["Certificate2024", "Another5678"].map(madoguchi_domain::Secret::new);
        let typed = NewCredentials {
            password: first.clone(),
            password_confirm: first,
            second_password: second.clone(),
            second_password_confirm: second,
        };
        world.service.set_credentials(&tenant, &ticket, typed.clone(), &source()).await.unwrap();
        let signed_in = world.sign_in(&tenant, &account.login_id, "Certificate2024", "Another5678").await.unwrap();
        assert!(matches!(signed_in, SignedIn::Session { .. }));
        let again = world.service.set_credentials(&tenant, &ticket, typed, &source()).await;
        assert!(matches!(again, Err(CredentialsError::Ticket(TicketState::Consumed))), "{again:?}");
    }

    async fn a_setting_url_dies_in_time(world: World) {
        let clerk = world.clerk(&world.certificate, "clerk@example.jp").await;
        let tenant = by_url_and_user_id(&world.certificate);
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        world.desk(&tenant, &clerk).decide(&approve(&applied.application, 1), &source()).await.unwrap();
        let mail = world.mail("taro@example.jp", "accepted").await;
        let ticket = Token::parse(mail["setting_url"].as_str().unwrap().rsplit('/').next().unwrap()).unwrap();
        world.clock.advance(Duration::from_secs(7 * 86_400));
        let late = world.service.credential_duty(&tenant, &ticket).await;
        assert!(matches!(late, Err(CredentialsError::Ticket(TicketState::Expired))));
    }

    async fn a_correction_goes_round_and_only_questioned_items_change(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        let before = world.application(&tenant, &applied.application).await;
        let ask = |notes: &[(&str, &str)], version| DecisionForm {
            application: applied.application.clone(),
            version,
            ruling: Ruling::RequestCorrection {
                reason: "お願いします".into(),
                notes: notes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            },
        };
        assert!(matches!(desk.decide(&ask(&[("nonsense", "x")], 1), &source()).await, Err(DecideError::NothingChosen)));
        let form = ask(&[("document_front", "ぼやけています"), ("student_id", "")], 1);
        assert_eq!(desk.decide(&form, &source()).await.unwrap(), Decided::CorrectionRequested);
        let mail = world.mail("taro@example.jp", "resubmission").await;
        assert_eq!(mail["items"][1], serde_json::json!(["本人確認書類（表）", "ぼやけています"]));
        assert_eq!(mail["items"][0][0], "field.student_id.label");

        let token = world.mailed_token("taro@example.jp", "resubmission").await;
        assert!(mail["url"].as_str().unwrap().starts_with("https://id.example.jp/t/certificate/resubmit/link/"));
        let link = world.service.open_resubmission(&tenant, &token).await.unwrap();
        let opened = world.service.begin_resubmission(&tenant, &link).await.unwrap();
        let again = world.service.begin_resubmission(&tenant, &link).await.unwrap();
        assert_eq!(opened.draft.id(), again.draft.id());
        let draft = world.draft(&tenant, &opened.browser).await;
        assert_eq!(draft.answers()["name"], "高橋 太郎");
        assert_eq!(draft.correction().unwrap().notes["document_front"], "ぼやけています");
        assert_eq!(world.service.draft_documents(&tenant, &draft).await.unwrap().len(), 1);

        // what was not questioned stays, whatever is sent
        let mut typed = answers("泥棒 三郎", "ドロボウ サブロウ");
        typed.insert("student_id".into(), "07B0001".into());
        let draft = world.service.save_draft(&tenant, draft, &typed, &Locale::ja(), None).await.unwrap();
        let locked = world.service.upload_document(&tenant, &draft, "document_back", photo(9, 9, ImageFormat::Png)).await;
        assert!(matches!(locked, Err(UploadError::UnknownSlot)));
        world.service.upload_document(&tenant, &draft, "document_front", photo(50, 50, ImageFormat::Jpeg)).await.unwrap();
        // until it is handed in, the desk has the old picture
        assert_eq!(world.application(&tenant, &applied.application).await.documents, before.documents);
        let old_picture = &before.documents["document_front"];
        assert!(desk.document(old_picture, Rendition::Full, &source()).await.unwrap().is_some());
        let again = world.service.submit(&tenant, draft, &source()).await.unwrap();
        assert_eq!(again.reference, applied.reference);

        let after = world.application(&tenant, &applied.application).await;
        assert_eq!((after.lifecycle.state, after.lifecycle.version), (ApplicationState::Submitted, 2));
        assert_eq!(after.answers["name"], "高橋 太郎");
        assert!(after.answers["student_id"].to_uppercase().contains("07B"));
        assert_ne!(after.documents["document_front"], *old_picture);
        assert!(desk.document(old_picture, Rendition::Full, &source()).await.unwrap().is_none(), "replaced means deleted");

        // the decision on what was seen before is stale, the link used
        let stale = desk.decide(&approve(&applied.application, 1), &source()).await;
        assert!(matches!(stale, Err(DecideError::Stale { current: 2 })));
        let used = world.service.open_resubmission(&tenant, &token).await;
        assert!(matches!(used, Err(LinkError::Problem(LinkProblem::Used))));
        let state = world.service.draft_for_browser(&tenant, &opened.browser).await.unwrap();
        assert!(matches!(state, Some(DraftState::Submitted { .. })));
        desk.decide(&approve(&applied.application, 2), &source()).await.unwrap();
        let view = desk.open(&applied.application, &source()).await.unwrap().unwrap();
        assert_eq!(view.history.iter().map(|h| h.decision.verdict).collect::<Vec<_>>(), [Verdict::RequestCorrection, Verdict::Approve]);
    }

    async fn a_resubmission_link_lives_as_long_as_the_tenant_says(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        let form = DecisionForm {
            application: applied.application,
            version: 1,
            ruling: Ruling::RequestCorrection { reason: "x".into(), notes: [("remarks".to_owned(), "y".to_owned())].into() },
        };
        world.desk(&tenant, &clerk).decide(&form, &source()).await.unwrap();
        let token = world.mailed_token("taro@example.jp", "resubmission").await;
        let lifetime = tenant.config.settings.one_time_links.resubmission_lifetime.duration();
        world.clock.advance(lifetime - Duration::from_secs(1));
        world.service.open_resubmission(&tenant, &token).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        let late = world.service.open_resubmission(&tenant, &token).await;
        assert!(matches!(late, Err(LinkError::Problem(LinkProblem::Expired))));
    }

    async fn nobody_decides_on_their_own_application(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let json = r#"{"login_id":"hanako@example.jp","email":"hanako@example.jp","password":"Counter2024",
            "second_password":"Register2024","staff_roles":["reviewer"],
            "claims":{"name":"髙橋 太郎","birthdate":"1990-04-02"}}"#;
        world.account(&tenant, json).await;
        let SignedIn::Session { token, .. } =
            world.sign_in(&tenant, "hanako@example.jp", "Counter2024", "Register2024").await.unwrap() else { panic!() };
        let active = world.service.session(&tenant, &token).await.unwrap().unwrap();
        let reviewer = world.service.reviewer(&tenant, &active).await.unwrap().unwrap();
        let desk = world.desk(&tenant, &reviewer);
        // the same name (in another spelling) and birth date, by another address
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        for ruling in [Ruling::Approve { account: AccountChoice::Unsaid }, Ruling::Reject { reason: "x".into() }] {
            let form = DecisionForm { application: applied.application.clone(), version: 1, ruling };
            assert!(matches!(desk.decide(&form, &source()).await, Err(DecideError::OwnApplication)));
        }
        assert!(desk.open(&applied.application, &source()).await.unwrap().unwrap().own);
        assert!(desk.queue(&QueueFilter::default()).await.unwrap().items[0].own);
    }

    async fn the_desk_is_for_reviewers_of_its_tenant(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        world.graduate().await;
        let (_, active) = world.session().await;
        assert!(world.service.reviewer(&tenant, &active).await.unwrap().is_none());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        assert!(world.service.review(&world.residence, clerk.clone()).is_none());
        // an application or a picture of this tenant is unknown at another desk
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        let json = r#"{"login_id":"RZ00000009","email":"clerk@residence.example.jp","password":"Counter2024","staff_roles":["reviewer"]}"#;
        world.account(&world.residence, json).await;
        let SignedIn::Session { token, .. } = world.sign_in(&world.residence, "RZ00000009", "Counter2024", "").await.unwrap() else { panic!() };
        let active = world.service.session(&world.residence, &token).await.unwrap().unwrap();
        assert!(world.service.reviewer(&tenant, &active).await.unwrap().is_none(), "a session of another tenant");
        let other = world.service.reviewer(&world.residence, &active).await.unwrap().unwrap();
        let other = world.desk(&world.residence, &other);
        assert!(other.open(&applied.application, &source()).await.unwrap().is_none());
        let decided = other.decide(&approve(&applied.application, 1), &source()).await;
        assert!(matches!(decided, Err(DecideError::NotFound)));
        let document = world.application(&tenant, &applied.application).await.documents["document_front"].clone();
        assert!(other.document(&document, Rendition::Full, &source()).await.unwrap().is_none());
        assert!(world.desk(&tenant, &clerk).document(&document, Rendition::Thumbnail, &source()).await.unwrap().is_some());
        assert_eq!(world.log(&tenant).await.iter().filter(|a| **a == "document_viewed").count(), 1);
    }

    async fn the_roster_stands_beside_what_was_typed(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let applied = world.apply(&tenant, "taro@example.jp", &answers("髙橋 太郎", "タカハシ タロウ")).await;
        let view = desk.open(&applied.application, &source()).await.unwrap().unwrap();
        assert_eq!(view.roster, RosterAnswer::NoRoster);

        let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(ROSTER);
        let operator = Actor::Operator("test".into());
        let dry = world.service.import_roster(&tenant, &cp932, RosterImport::DryRun, operator.clone()).await.unwrap();
        assert_eq!((dry.records, dry.new, dry.imported), (2, 2, false));
        world.service.import_roster(&tenant, &cp932, RosterImport::Replace, operator.clone()).await.unwrap();
        let next = ROSTER.replace("2013-03\n06A9999,高橋 二郎", "2014-03\n06A0000,高橋 二郎");
        let dry = world.service.import_roster(&tenant, next.as_bytes(), RosterImport::DryRun, operator).await.unwrap();
        assert_eq!((dry.new, dry.changed, dry.unchanged, dry.removed), (1, 1, 0, 1));

        let view = desk.open(&applied.application, &source()).await.unwrap().unwrap();
        let RosterAnswer::Records(records) = view.roster else { panic!() };
        assert_eq!(records[0].record.student_id, "06A1234");
        let agreement = |key| records[0].items.iter().find(|i| i.key == key).unwrap().agreement;
        assert_eq!(agreement("student_id"), Agreement::Same);
        assert_eq!(agreement("name"), Agreement::Similar, "髙 and 高 are shown, not swallowed");
        assert_eq!(agreement("name_kana"), Agreement::Same);
        assert_eq!(agreement("affiliation"), Agreement::Unknown);
        assert!(!records[0].exact);
    }

    async fn duplicates_are_found_and_said_why(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let first = world.apply(&tenant, "taro@example.jp", &taro()).await;
        desk.decide(&approve(&first.application, 1), &source()).await.unwrap();
        let second = world.apply(&tenant, "new@example.jp", &taro()).await;
        let view = desk.open(&second.application, &source()).await.unwrap().unwrap();
        assert_eq!(view.accounts.len(), 1);
        let why = &view.accounts[0].why;
        for reason in [Resemblance::StudentId, Resemblance::Name, Resemblance::Kana, Resemblance::BirthDate] {
            assert!(why.contains(&reason), "{reason:?}");
        }
        assert_eq!(view.applications[0].reference, first.reference);
        // the first one's address again cannot become a second account
        let mut other = answers("鈴木 一郎", "スズキ イチロウ");
        other.insert("student_id".into(), String::new());
        other.insert("birth_date_year".into(), "1980".into());
        let third = world.apply(&tenant, "third@example.jp", &other).await;
        let view = desk.open(&third.application, &source()).await.unwrap().unwrap();
        assert!(view.accounts.is_empty() && view.applications.is_empty());
        let json = r#"{"login_id":"third@example.jp","email":"third@example.jp","password":"Counter2024","second_password":"Register2024"}"#;
        world.account(&tenant, json).await;
        let taken = desk.decide(&approve(&third.application, 1), &source()).await;
        assert!(matches!(taken, Err(DecideError::EmailTaken)));
    }

    async fn the_queue_is_searched_and_counted(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let first = world.apply(&tenant, "taro@example.jp", &taro()).await;
        world.clock.advance(Duration::from_secs(60));
        let second = world.apply(&tenant, "suzuki@example.jp", &answers("鈴木 花子", "スズキ ハナコ")).await;
        let reject = DecisionForm {
            application: first.application.clone(), version: 1, ruling: Ruling::Reject { reason: "重複".into() },
        };
        let empty = DecisionForm { ruling: Ruling::Reject { reason: "  ".into() }, ..reject.clone() };
        assert!(matches!(desk.decide(&empty, &source()).await, Err(DecideError::ReasonMissing)));
        assert_eq!(desk.decide(&reject, &source()).await.unwrap(), Decided::Rejected);
        assert_eq!(world.mail("taro@example.jp", "rejected").await["reason"], "重複");

        let all = desk.queue(&QueueFilter::default()).await.unwrap();
        assert_eq!(all.items.iter().map(|i| &i.application.reference).collect::<Vec<_>>(), [&first.reference, &second.reference]);
        assert_eq!((all.counts["submitted"], all.counts["rejected"], all.counts["approved"]), (1, 1, 0));
        assert_eq!(all.items[0].age, Duration::from_secs(60));
        let search = async |text: &str| {
            let filter = QueueFilter { search: text.into(), ..QueueFilter::default() };
            desk.queue(&filter).await.unwrap().items.len()
        };
        assert_eq!(search("すずき").await, 1);
        assert_eq!(search("髙橋").await, 1);
        assert_eq!(search(&second.reference.to_lowercase().replace('-', "")).await, 1);
        assert_eq!(search("suzuki@").await, 1);
        assert_eq!(search("%").await, 0);
        assert_eq!(search("いない").await, 0);
        let waiting = QueueFilter { states: vec![ApplicationState::Submitted], ..QueueFilter::default() };
        assert_eq!(desk.queue(&waiting).await.unwrap().items.len(), 1);
    }

    async fn two_reviewers_where_the_tenant_wants_two(world: World) {
        let tenant = with_form(&world.certificate, |c| c.settings.registration.approval = Approval::TwoReviewers);
        let (one, two) = (world.clerk(&tenant, "clerk@example.jp").await, world.clerk(&tenant, "clerk2@example.jp").await);
        let applied = world.apply(&tenant, "taro@example.jp", &taro()).await;
        let form = approve(&applied.application, 1);
        assert_eq!(world.desk(&tenant, &one).decide(&form, &source()).await.unwrap(), Decided::FirstApproval);
        assert!(matches!(world.desk(&tenant, &one).decide(&form, &source()).await, Err(DecideError::AlreadyApprovedByYou)));
        assert!(world.account_of(&tenant, "taro@example.jp").await.is_none());
        assert_eq!(world.desk(&tenant, &two).open(&applied.application, &source()).await.unwrap().unwrap().approvals.len(), 1);
        assert!(matches!(world.desk(&tenant, &two).decide(&form, &source()).await.unwrap(), Decided::Approved { .. }));
    }

    async fn the_directory_approves_only_whom_it_knows_for_certain(world: World) {
        let tenant = with_form(&world.certificate, |c| {
            c.settings.registration.approval = Approval::AutomaticWhenDirectoryMatches;
        });
        let operator = Actor::Operator("test".into());
        world.service.import_roster(&tenant, ROSTER.as_bytes(), RosterImport::Replace, operator).await.unwrap();
        let mut unsure = taro();
        unsure.insert("student_id".into(), "06A9998".into());
        let applied = world.apply(&tenant, "unsure@example.jp", &unsure).await;
        assert_eq!(world.application(&tenant, &applied.application).await.lifecycle.state, ApplicationState::Submitted);
        let jiro = || {
            let mut answers = answers("高橋 二郎", "タカハシ ジロウ");
            answers.insert("student_id".into(), "06A9999".into());
            answers
        };
        let applied = world.apply(&tenant, "jiro@example.jp", &jiro()).await;
        assert_eq!(world.application(&tenant, &applied.application).await.lifecycle.state, ApplicationState::Approved);
        world.mail("jiro@example.jp", "accepted").await;
        // the same person again: there is an account, a reviewer looks
        let again = world.apply(&tenant, "jiro2@example.jp", &jiro()).await;
        assert_eq!(world.application(&tenant, &again.application).await.lifecycle.state, ApplicationState::Submitted);
    }

    async fn a_reapplication_moves_the_chosen_account_to_the_new_address(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let clerk = world.clerk(&tenant, "clerk@example.jp").await;
        let desk = world.desk(&tenant, &clerk);
        let json = r#"{"login_id":"old@example.jp","email":"old@example.jp","password":"Graduate2024",
            "second_password":"Certificate2024","student_ids":["06A1234"],
            "claims":{"name":"高橋 太郎","birthdate":"1990-04-02"}}"#;
        world.account(&tenant, json).await;
        let old = world.account_of(&tenant, "old@example.jp").await.unwrap();
        let SignedIn::Session { token, .. } = world.sign_in(&tenant, "old@example.jp", "Graduate2024", "Certificate2024").await.unwrap() else { panic!() };

        let rule = |application: &madoguchi_domain::id::ApplicationId, account: AccountChoice| DecisionForm {
            application: application.clone(), version: 1, ruling: Ruling::Approve { account },
        };
        let existing = || AccountChoice::Existing(old.id.clone());
        let mut typed = taro();
        typed.insert("application_type".into(), "reapplication".into());
        let applied = world.apply(&tenant, "new@example.jp", &typed).await;
        let fresh = world.apply(&tenant, "fresh@example.jp", &taro()).await;
        // nobody gets a second account because the first was overlooked, whatever they applied for
        for application in [&applied.application, &fresh.application] {
            let unsaid = desk.decide(&rule(application, AccountChoice::Unsaid), &source()).await;
            assert!(matches!(unsaid, Err(DecideError::AccountUnsaid)), "{unsaid:?}");
            let other = AccountChoice::Existing(clerk.account().id.clone());
            assert!(matches!(desk.decide(&rule(application, other), &source()).await, Err(DecideError::WrongAccount)));
        }
        let decided = desk.decide(&rule(&applied.application, existing()), &source()).await.unwrap();
        assert_eq!(decided, Decided::Moved { account: old.id.clone() });
        let moved = world.account_of(&tenant, "new@example.jp").await.unwrap();
        assert_eq!((&moved.id, &moved.sub), (&old.id, &old.sub));
        assert_eq!(moved.state, AccountState::Provisioned);
        let store = world.database.tenant(&tenant.slug);
        assert_eq!(store.enrolments().of(&old.id).await.unwrap().len(), 1);
        let credentials = store.credentials().of(&old.id).await.unwrap();
        let in_force: Vec<_> = credentials.iter().filter(|c| c.consumed_at.is_none()).map(|c| c.kind).collect();
        assert_eq!(in_force, [CredentialKind::Initial]);
        assert!(world.service.session(&tenant, &token).await.unwrap().is_none(), "old sessions end");
        let refused = world.sign_in(&tenant, "new@example.jp", "Graduate2024", "Certificate2024").await;
        assert!(matches!(refused, Err(SignInError::Rejected)));
        let accepted = world.mail("new@example.jp", "accepted").await;
        world.mail("old@example.jp", "address_moved").await;

        // whoever has the old mailbox may know the old passwords: they are not taken again
        let initial = accepted["initial_password"].as_str().unwrap();
        let SignedIn::MustSetCredentials { ticket, .. } = world.sign_in(&tenant, "new@example.jp", initial, "").await.unwrap() else { panic!() };
        let own = |first: &str, second: &str| {
            let [first, second] = [first, second].map(madoguchi_domain::Secret::new);
            NewCredentials {
                password: first.clone(), password_confirm: first, second_password: second.clone(), second_password_confirm: second,
            }
        };
        let same = world.service.set_credentials(&tenant, &ticket, own("Graduate2024", "Certificate2024"), &source()).await;
        let Err(CredentialsError::Invalid(broken)) = same else { panic!("{same:?}") };
        assert_eq!(broken.len(), 2, "{broken:?}");
        world.service.set_credentials(&tenant, &ticket, own("Hajimete2026", "Betsuno2026"), &source()).await.unwrap();
        assert!(matches!(world.sign_in(&tenant, "new@example.jp", "Hajimete2026", "Betsuno2026").await, Ok(SignedIn::Session { .. })));

        // the other one applied as new, and it is theirs all the same
        let decided = desk.decide(&rule(&fresh.application, existing()), &source()).await.unwrap();
        assert_eq!(decided, Decided::Moved { account: old.id.clone() });
    }
}
