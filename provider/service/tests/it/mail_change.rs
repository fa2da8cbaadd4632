//! From one mail address to another.

use crate::support::{World, on_each_database, source};
use madoguchi_domain::{Locale, Token};
use madoguchi_service::{
    ActiveSession, LinkError, LinkProblem, MailChangeError, MailChangeRequest, MailChangeRequested, MailIsChanged,
    SignedIn, Tenant,
};
use std::time::Duration;

const OLD: &str = "graduate@example.jp";
const NEW: &str = "new@example.jp";

fn to(mail: &str) -> MailChangeRequest {
    MailChangeRequest { mail: mail.into(), mail_confirm: mail.into(), locale: Locale::en(), source: source() }
}

impl World {
    async fn ask(&self, active: &ActiveSession, mail: &str) -> Result<MailChangeRequested, MailChangeError> {
        self.service.request_mail_change(&self.certificate, active, to(mail)).await
    }

    /// The link of the latest mail to a new address.
    async fn change_link(&self, mail: &str) -> Token {
        self.mailed_token(mail, "mail_change_link").await
    }

    async fn undo_link(&self, mail: &str) -> Token {
        let told = self.mail(mail, "mail_changed").await;
        Token::parse(told["undo_url"].as_str().unwrap().rsplit('/').next().unwrap()).unwrap()
    }

    async fn complete(&self, token: &Token, current: Option<&ActiveSession>) -> Result<MailIsChanged, MailChangeError> {
        self.service.change_mail(&self.certificate, token, current, &Locale::en(), &source()).await
    }

    async fn logs_in(&self, mail: &str) -> bool {
        let result = self.sign_in(&self.certificate, mail, "Graduate2024", "Certificate2024").await;
        matches!(result, Ok(SignedIn::Session { .. }))
    }

    async fn counts(&self, token: &Token) -> bool {
        self.service.session(&self.certificate, token).await.unwrap().is_some()
    }
}

fn refused(result: Result<MailChangeRequested, MailChangeError>) -> (&'static str, &'static str) {
    match result {
        Err(MailChangeError::Refused(inputs)) => (inputs[0].input, inputs[0].code),
        other => panic!("{other:?}"),
    }
}

fn trouble<T: std::fmt::Debug>(result: Result<T, MailChangeError>) -> LinkProblem {
    match result {
        Err(MailChangeError::Link(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

on_each_database! {
    async fn until_the_link_is_completed_the_old_address_is_in_force(world: World) {
        let before = world.graduate().await;
        let (_, active) = world.session().await;
        let (elsewhere, _) = world.session().await;
        assert!(matches!(world.ask(&active, "Ｎew@EXAMPLE.jp").await, Ok(MailChangeRequested::LinkSent { .. })));
        world.mail(OLD, "mail_change_asked").await;
        let token = world.change_link("New@example.jp").await;
        for _ in 0..5 {
            let open = world.service.open_mail_change(&world.certificate, &token).await.unwrap();
            assert_eq!(open.email.as_str(), "New@example.jp");
        }
        assert!(world.logs_in(OLD).await && !world.logs_in(NEW).await);

        let changed = world.complete(&token, Some(&active)).await.unwrap();
        let fresh = changed.token.expect("this session goes on");
        assert!(world.counts(&fresh).await && !world.counts(&elsewhere).await);
        assert!(world.logs_in(NEW).await && !world.logs_in(OLD).await);
        let after = world.account_of(&world.certificate, NEW).await.unwrap();
        assert_eq!((after.sub.as_str(), after.login_id.as_str()), (before.sub.as_str(), "New@example.jp"));
        let told = world.mail("New@example.jp", "mail_set").await;
        assert_eq!(told["login_id"], "New@example.jp");
        world.mail(OLD, "mail_changed").await;
        assert_eq!(trouble(world.complete(&token, Some(&active)).await), LinkProblem::Used);
        let log = world.log(&world.certificate).await;
        assert!(log.contains(&"mail_change_requested") && log.contains(&"mail_changed"));
    }

    async fn another_browser_completes_it_without_being_signed_in(world: World) {
        world.graduate().await;
        let (token, active) = world.session().await;
        world.ask(&active, NEW).await.unwrap();
        let changed = world.complete(&world.change_link(NEW).await, None).await.unwrap();
        assert!(changed.token.is_none());
        assert!(!world.counts(&token).await, "who asked logs in with the new address");
        assert!(world.logs_in(NEW).await);
    }

    async fn a_link_lives_for_its_time_at_its_tenant_for_its_purpose(world: World) {
        world.graduate().await;
        let (_, active) = world.session().await;
        world.ask(&active, NEW).await.unwrap();
        let token = world.change_link(NEW).await;
        let problem = async |tenant: &Tenant| match world.service.open_mail_change(tenant, &token).await {
            Err(LinkError::Problem(problem)) => problem,
            other => panic!("{other:?}"),
        };
        assert_eq!(problem(&world.residence).await, LinkProblem::Unknown);
        assert!(world.service.open_recovery(&world.certificate, &token).await.is_err());
        assert!(world.service.open_mail_undo(&world.certificate, &token).await.is_err());
        world.clock.advance(Duration::from_secs(30 * 60 - 1));
        world.service.open_mail_change(&world.certificate, &token).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(problem(&world.certificate).await, LinkProblem::Expired);
        assert_eq!(trouble(world.complete(&token, None).await), LinkProblem::Expired);
    }

    async fn a_newer_request_and_a_recovery_end_a_link(world: World) {
        world.graduate().await;
        let (_, active) = world.session().await;
        world.ask(&active, NEW).await.unwrap();
        let first = world.change_link(NEW).await;
        world.ask(&active, "newer@example.jp").await.unwrap();
        assert_eq!(trouble(world.complete(&first, None).await), LinkProblem::Superseded);

        let second = world.change_link("newer@example.jp").await;
        let store = world.database.tenant(&world.certificate.slug);
        store.accounts().end_everything(&active.account.id).await.unwrap();
        assert_eq!(trouble(world.complete(&second, None).await), LinkProblem::Superseded);
        assert!(world.logs_in(OLD).await);
    }

    async fn an_address_that_somebody_has_is_answered_alike_and_its_owner_is_told(world: World) {
        world.graduate().await;
        let other = r#"{"login_id":"other@example.jp","email":"other@example.jp","password":"Sonstige2024",
                        "second_password":"Anderswo2024"}"#;
        world.account(&world.certificate, other).await;
        let (_, active) = world.session().await;
        let taken = world.ask(&active, "other@example.jp").await.unwrap();
        let free = world.ask(&active, NEW).await.unwrap();
        let until = |requested| match requested {
            MailChangeRequested::LinkSent { expires_at, .. } => expires_at,
            MailChangeRequested::Changed(_) => panic!("changed at once"),
        };
        assert_eq!(until(taken), until(free));
        let told = world.mails("other@example.jp").await;
        assert_eq!(told.iter().map(|m| m["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["address_in_use"]);
        assert_eq!(world.mails(OLD).await.len(), 2, "the old address hears of both");
    }

    async fn of_two_accounts_that_move_to_one_address_one_does(world: World) {
        world.graduate().await;
        let other = r#"{"login_id":"other@example.jp","email":"other@example.jp","password":"Graduate2024",
                        "second_password":"Certificate2024"}"#;
        world.account(&world.certificate, other).await;
        let (_, one) = world.session().await;
        let signed_in =
            world.sign_in(&world.certificate, "other@example.jp", "Graduate2024", "Certificate2024").await.unwrap();
        let SignedIn::Session { token, .. } = signed_in else { panic!("no session") };
        let two = world.service.session(&world.certificate, &token).await.unwrap().unwrap();
        let mut links = Vec::new();
        for active in [&one, &two] {
            world.ask(active, NEW).await.unwrap();
            links.push(world.change_link(NEW).await);
        }
        let (first, second) = tokio::join!(world.complete(&links[0], None), world.complete(&links[1], None));
        let won = [first, second].map(|result| match result {
            Ok(_) => true,
            Err(MailChangeError::Taken) => false,
            Err(other) => panic!("{other}"),
        });
        assert_eq!(won.iter().filter(|w| **w).count(), 1);
        assert!(world.logs_in(NEW).await);
        assert_eq!(world.logs_in(OLD).await, won[1]);
        assert_eq!(world.logs_in("other@example.jp").await, won[0]);
    }

    async fn of_many_that_complete_one_link_one_does(world: World) {
        world.graduate().await;
        let (_, active) = world.session().await;
        world.ask(&active, NEW).await.unwrap();
        let token = world.change_link(NEW).await;
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                let (service, tenant, token) = (world.service.clone(), world.certificate.clone(), token.clone());
                tokio::spawn(async move { service.change_mail(&tenant, &token, None, &Locale::en(), &source()).await })
            })
            .collect();
        let mut won = 0;
        for attempt in attempts {
            match attempt.await.unwrap() {
                Ok(_) => won += 1,
                Err(MailChangeError::Link(LinkProblem::Used | LinkProblem::Superseded)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(world.mails(OLD).await.iter().filter(|m| m["kind"] == "mail_changed").count(), 1);
    }

    async fn the_old_address_takes_a_change_back_whatever_came_after_it(world: World) {
        world.graduate().await;
        let (_, active) = world.session().await;
        world.ask(&active, NEW).await.unwrap();
        world.complete(&world.change_link(NEW).await, None).await.unwrap();
        let undo = world.undo_link(OLD).await;
        // and on to a third address
        let signed_in = world.sign_in(&world.certificate, NEW, "Graduate2024", "Certificate2024").await.unwrap();
        let SignedIn::Session { token, .. } = signed_in else { panic!("no session") };
        let active = world.service.session(&world.certificate, &token).await.unwrap().unwrap();
        world.ask(&active, "third@example.jp").await.unwrap();
        world.complete(&world.change_link("third@example.jp").await, None).await.unwrap();

        world.clock.advance(Duration::from_secs(3 * 86_400 - 60));
        let opened = world.service.open_mail_undo(&world.certificate, &undo).await.unwrap();
        assert_eq!(opened.email.as_str(), OLD);
        world.service.undo_mail_change(&world.certificate, &undo, &Locale::en(), &source()).await.unwrap();
        assert!(world.logs_in(OLD).await && !world.logs_in("third@example.jp").await);
        world.mail(OLD, "mail_restored").await;
        world.mail("third@example.jp", "mail_restored").await;
        let again = world.service.undo_mail_change(&world.certificate, &undo, &Locale::en(), &source()).await;
        assert_eq!(trouble(again), LinkProblem::Used);
        let other = world.undo_link(NEW).await;
        assert!(world.service.open_mail_undo(&world.certificate, &other).await.is_err(), "one way back only");
    }

    async fn what_is_typed_is_judged_and_a_login_long_ago_is_not_enough(world: World) {
        world.graduate().await;
        let (token, active) = world.session().await;
        assert_eq!(refused(world.ask(&active, OLD).await), ("mail", "email.same"));
        assert_eq!(refused(world.ask(&active, "").await), ("mail", "required"));
        assert_eq!(refused(world.ask(&active, "no-address").await), ("mail", "email.malformed"));
        let differs = MailChangeRequest { mail_confirm: "othernew@example.jp".into(), ..to(NEW) };
        let result = world.service.request_mail_change(&world.certificate, &active, differs).await;
        assert_eq!(refused(result), ("mail_confirm", "email.mismatch"));
        world.clock.advance(Duration::from_secs(15 * 60 + 1));
        let later = world.service.session(&world.certificate, &token).await.unwrap().unwrap();
        assert!(matches!(world.ask(&later, NEW).await, Err(MailChangeError::LoginTooLongAgo)));
    }

    async fn one_account_asks_three_times_an_hour(world: World) {
        world.graduate().await;
        let (_, active) = world.session().await;
        for n in 0..3 {
            world.ask(&active, &format!("new{n}@example.jp")).await.unwrap();
        }
        assert!(matches!(world.ask(&active, NEW).await, Err(MailChangeError::TooMany { .. })));
        assert!(world.mails(NEW).await.is_empty());
    }

    async fn where_no_proof_is_asked_for_the_address_changes_at_once_and_is_not_called_verified(world: World) {
        let json = r#"{"login_id":"RZ00000042","email":"person@example.jp","password":"A long enough one 42",
                       "claims":{"email":"person@example.jp"}}"#;
        world.account(&world.residence, json).await;
        let signed_in = world.sign_in(&world.residence, "RZ00000042", "A long enough one 42", "").await.unwrap();
        let SignedIn::Session { token, .. } = signed_in else { panic!("no session") };
        let active = world.service.session(&world.residence, &token).await.unwrap().unwrap();
        let mut config = (*world.residence.config).clone();
        config.settings.self_service.confirm_mail = false;
        let tenant = Tenant { config: config.into(), ..world.residence.clone() };
        let changed = match world.service.request_mail_change(&tenant, &active, to(NEW)).await.unwrap() {
            MailChangeRequested::Changed(changed) => changed,
            MailChangeRequested::LinkSent { .. } => panic!("a link was sent"),
        };
        assert!(world.service.session(&tenant, &changed.token.unwrap()).await.unwrap().is_some());
        let account = world.account_of(&tenant, NEW).await.unwrap();
        assert_eq!(account.login_id, "RZ00000042", "user IDs stay");
        assert_eq!(account.profile.claims.get("email_verified"), Some(&false.into()));
        assert_eq!(account.profile.claims.get("email"), None);
        let told = world.mail(NEW, "mail_set").await;
        assert!(told["login_id"].is_null());
    }
}
