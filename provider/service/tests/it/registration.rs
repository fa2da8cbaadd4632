//! From the mail address to the reception page.

use crate::{
    applying::{answers, photo, request, with_form},
    support::{on_each_database, source},
};
use image::ImageFormat;
use madoguchi_domain::{Locale, Token};
use madoguchi_service::{
    DraftError, DraftState, LinkError, LinkProblem, RegistrationError, Rendition, SubmitError, TermsError, UploadError,
};
use std::time::Duration;

fn problem<T>(result: Result<T, LinkError>) -> LinkProblem {
    match result {
        Err(LinkError::Problem(problem)) => problem,
        Err(LinkError::Service(error)) => panic!("{error}"),
        Ok(_) => panic!("the link opened"),
    }
}

on_each_database! {
    async fn a_link_opens_for_thirty_minutes_and_not_a_second_longer(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        world.service.request_registration(&tenant, request("taro@example.jp")).await.unwrap();
        let token = world.link_token("taro@example.jp").await;
        world.clock.advance(Duration::from_secs(29 * 60 + 59));
        let link = world.service.open_link(&tenant, &token).await.unwrap();
        assert_eq!(link.email().as_str(), "taro@example.jp");
        // looking at it, as mail scanners do, changes nothing
        for _ in 0..5 {
            world.service.open_link(&tenant, &token).await.unwrap();
        }
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(problem(world.service.open_link(&tenant, &token).await), LinkProblem::Expired);
        let late = world.service.accept_terms(&tenant, &link, "2026-04", &source()).await;
        assert!(matches!(late, Err(TermsError::Problem(LinkProblem::Expired))));
    }

    async fn a_newer_link_ends_the_older_and_links_stay_with_their_tenant(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        world.service.request_registration(&tenant, request("taro@example.jp")).await.unwrap();
        let first = world.link_token("taro@example.jp").await;
        world.clock.advance(Duration::from_secs(1));
        world.service.request_registration(&tenant, request("Taro@example.jp")).await.unwrap();
        let second = world.link_token("Taro@example.jp").await;
        assert_eq!(problem(world.service.open_link(&tenant, &first).await), LinkProblem::Superseded);
        world.service.open_link(&tenant, &second).await.unwrap();
        assert_eq!(problem(world.service.open_link(&world.residence, &second).await), LinkProblem::Unknown);
        let unknown = Token::new(world.entropy.as_ref());
        assert_eq!(problem(world.service.open_link(&tenant, &unknown).await), LinkProblem::Unknown);
    }

    async fn an_address_with_an_account_looks_the_same_and_is_told_by_mail(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        world.graduate().await;
        let known = world.service.request_registration(&tenant, request("Graduate@example.jp")).await.unwrap();
        let unknown = world.service.request_registration(&tenant, request("taro@example.jp")).await.unwrap();
        assert_eq!(known.expires_at, unknown.expires_at);
        let mail = world.mail("graduate@example.jp", "already_registered").await;
        assert!(mail.get("url").is_none());
        world.mail("taro@example.jp", "verify_address").await;
    }

    async fn one_address_gets_three_mails_an_hour(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        for _ in 0..20 {
            world.clock.advance(Duration::from_secs(1));
            world.service.request_registration(&tenant, request("taro@example.jp")).await.unwrap();
        }
        assert_eq!(world.mails("taro@example.jp").await.len(), 3);
        // the last link that was sent stays good
        let token = world.link_token("taro@example.jp").await;
        world.service.open_link(&tenant, &token).await.unwrap();
        world.clock.advance(Duration::from_secs(3600));
        world.service.request_registration(&tenant, request("taro@example.jp")).await.unwrap();
        assert_eq!(world.mails("taro@example.jp").await.len(), 4);
    }

    async fn wrong_addresses_and_closed_registration_are_refused(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let mut typed = request("taro@example.jp");
        typed.mail_confirm = "jiro@example.jp".into();
        let refused = world.service.request_registration(&tenant, typed).await;
        assert!(matches!(refused, Err(RegistrationError::Refused(inputs)) if inputs[0].code == "email.mismatch"));
        let closed = with_form(&world.certificate, |c| c.settings.registration.open = false);
        let refused = world.service.request_registration(&closed, request("taro@example.jp")).await;
        assert!(matches!(refused, Err(RegistrationError::Closed)));
        assert!(world.service.recent_mails(10).await.unwrap().is_empty());
    }

    async fn what_was_typed_and_uploaded_survives_everything(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let (draft, browser) = world.begin(&tenant, "taro@example.jp").await;
        // wrong answers are kept too; inputs that the form does not have are not
        let typed = [("name", "山田"), ("birth_date_month", "13"), ("is_admin", "1"), ("email", "other@example.jp")];
        let typed = typed.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let draft = world.service.save_draft(&tenant, draft, &typed, &Locale::en(), Some(0)).await.unwrap();
        let picture = photo(30, 20, ImageFormat::Jpeg);
        world.service.upload_document(&tenant, &draft, "document_front", picture).await.unwrap();
        let errors = world.service.check_draft(&tenant, &draft).await.unwrap().unwrap_err();
        assert!(errors.iter().any(|e| e.input == "name_kana"));
        assert!(!errors.iter().any(|e| e.field == "document_front"));

        let again = world.draft(&tenant, &browser).await;
        assert_eq!(again.answers()["birth_date_month"], "13");
        assert!(!again.answers().contains_key("is_admin") && !again.answers().contains_key("email"));
        assert_eq!(again.locale(), &Locale::en());
        assert_eq!(again.revision(), 1);
        // a window with an older state does not overwrite
        let stale = world.service.save_draft(&tenant, draft.clone(), &typed, &Locale::en(), Some(0)).await;
        assert!(matches!(stale, Err(DraftError::Stale)));

        // the link opened again, in another browser, gives the same draft
        let token = world.link_token("taro@example.jp").await;
        let link = world.service.open_link(&tenant, &token).await.unwrap();
        let joined = world.service.accept_terms(&tenant, &link, "2026-04", &source()).await.unwrap();
        assert_eq!(joined.draft.id(), again.id());
        assert_eq!(joined.draft.answers(), again.answers());
        let shown = world.service.draft_document(&tenant, &joined.draft, "document_front", Rendition::Full).await.unwrap();
        assert_eq!(shown.unwrap().media_type, "image/jpeg");
        // of another tenant the token is nobody's
        assert!(world.service.draft_for_browser(&world.residence, &browser).await.unwrap().is_none());

        world.clock.advance(tenant.config.settings.registration.draft_lifetime.duration());
        assert!(world.service.draft_for_browser(&tenant, &browser).await.unwrap().is_none());
    }

    async fn terms_of_another_version_are_shown_again(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        world.service.request_registration(&tenant, request("taro@example.jp")).await.unwrap();
        let token = world.link_token("taro@example.jp").await;
        let link = world.service.open_link(&tenant, &token).await.unwrap();
        let old = world.service.accept_terms(&tenant, &link, "2025-04", &source()).await;
        assert!(matches!(old, Err(TermsError::Changed)));
    }

    async fn handing_in_is_once_however_often_the_button_is_pressed(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let (draft, browser) = world.filled(&tenant, "taro@example.jp", &answers("髙橋 太郎", "たかはし タロウ")).await;
        let presses: Vec<_> = (0..6)
            .map(|_| {
                let (service, tenant, draft) = (world.service.clone(), tenant.clone(), draft.clone());
                tokio::spawn(async move { service.submit(&tenant, draft, &source()).await.unwrap() })
            })
            .collect();
        let mut submitted = Vec::new();
        for press in presses {
            submitted.push(press.await.unwrap());
        }
        assert_eq!(submitted.iter().filter(|s| !s.repeated).count(), 1);
        assert!(submitted.iter().all(|s| s.reference == submitted[0].reference));
        let counts = world.database.tenant(&tenant.slug).applications().counts().await.unwrap();
        assert_eq!(counts.iter().map(|(_, n)| n).sum::<i64>(), 1);
        let mails = world.mails("taro@example.jp").await;
        assert_eq!(mails.iter().filter(|m| m["kind"] == "application_received").count(), 1);

        let application = world.application(&tenant, &submitted[0].application).await;
        assert_eq!(application.answers["name_kana"], "タカハシ タロウ");
        assert_eq!(application.documents.len(), 1);
        assert_eq!(application.terms.0, "2026-04");
        assert_eq!(world.log(&tenant).await.iter().filter(|a| **a == "application_submitted").count(), 1);

        // the link is used, the draft closed
        let token = world.link_token("taro@example.jp").await;
        assert_eq!(problem(world.service.open_link(&tenant, &token).await), LinkProblem::Used);
        let state = world.service.draft_for_browser(&tenant, &browser).await.unwrap();
        assert!(matches!(state, Some(DraftState::Submitted { reference, .. }) if reference == application.reference));
        let saved = world.service.save_draft(&tenant, draft.clone(), &answers("x", "y"), &Locale::ja(), None).await;
        assert!(matches!(saved, Err(DraftError::Closed)));
        let late = world.service.upload_document(&tenant, &draft, "document_back", photo(9, 9, ImageFormat::Png)).await;
        assert!(matches!(late, Err(UploadError::Closed)));
    }

    async fn an_incomplete_draft_is_not_handed_in(world: World) {
        let tenant = with_form(&world.certificate, |_| ());
        let (draft, _) = world.begin(&tenant, "taro@example.jp").await;
        let draft = world.service.save_draft(&tenant, draft, &answers("山田 太郎", "ヤマダ タロウ"), &Locale::ja(), None).await.unwrap();
        match world.service.submit(&tenant, draft.clone(), &source()).await {
            Err(SubmitError::Invalid(errors)) => assert_eq!(errors[0].field, "document_front"),
            other => panic!("{other:?}"),
        }
        let unknown = world.service.upload_document(&tenant, &draft, "passport", photo(9, 9, ImageFormat::Png)).await;
        assert!(matches!(unknown, Err(UploadError::UnknownSlot)));
        // removed is removed
        world.service.upload_document(&tenant, &draft, "document_front", photo(9, 9, ImageFormat::Png)).await.unwrap();
        world.service.remove_document(&tenant, &draft, "document_front").await.unwrap();
        assert!(world.service.draft_documents(&tenant, &draft).await.unwrap().is_empty());
    }
}
