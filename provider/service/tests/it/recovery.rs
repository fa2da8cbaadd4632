//! From a forgotten password to new ones.

use crate::support::{World, on_each_database, source};
use madoguchi_domain::{Locale, Secret, Token, account::AccountState, password::Violation};
use madoguchi_service::{
    LinkError, LinkProblem, NewPasswordsError, RecoveryError, RecoveryRequest, RecoveryRequested, SignInError,
    SignedIn, Tenant,
    credentials::{CredentialField, CredentialsError, NewCredentials, TicketState},
};
use std::time::Duration;

fn asked(login_id: &str, mail: &str) -> RecoveryRequest {
    RecoveryRequest {
        login_id: login_id.into(),
        mail: mail.into(),
        locale: Locale::en(),
        interaction: None,
        source: source(),
    }
}

fn typed(password: &str, second: &str) -> NewCredentials {
    NewCredentials {
        password: Secret::new(password),
        password_confirm: Secret::new(password),
        second_password: Secret::new(second),
        second_password_confirm: Secret::new(second),
    }
}

fn problem<T>(result: Result<T, LinkError>) -> LinkProblem {
    match result {
        Err(LinkError::Problem(problem)) => problem,
        Err(LinkError::Service(error)) => panic!("{error}"),
        Ok(_) => panic!("the link opened"),
    }
}

impl World {
    async fn forget(&self, tenant: &Tenant, mail: &str) -> RecoveryRequested {
        self.service.request_recovery(tenant, asked("", mail)).await.unwrap()
    }

    /// Asks for a link and reads it in the mail.
    async fn recovery_link(&self, mail: &str) -> Token {
        self.forget(&self.certificate, mail).await;
        self.mailed_token(mail, "recovery_link").await
    }

    async fn recover(&self, token: &Token, password: &str, second: &str) -> Result<(), NewPasswordsError> {
        self.service.recover(&self.certificate, token, typed(password, second), &source()).await
    }
}

on_each_database! {
    async fn new_passwords_end_the_old_ones_and_every_session(world: World) {
        world.graduate().await;
        let (session, _) = world.session().await;
        let token = world.recovery_link("graduate@example.jp").await;
        // until the link is completed nothing changes, however often it is looked at
        for _ in 0..5 {
            let open = world.service.open_recovery(&world.certificate, &token).await.unwrap();
            assert_eq!((open.login_id.as_str(), open.second_password), ("graduate@example.jp", true));
        }
        assert!(world.service.session(&world.certificate, &session).await.unwrap().is_some());

        world.recover(&token, "Sommer2026x", "Winter1999y").await.unwrap();
        assert!(world.service.session(&world.certificate, &session).await.unwrap().is_none());
        let old = world.sign_in(&world.certificate, "graduate@example.jp", "Graduate2024", "Certificate2024").await;
        assert!(matches!(old, Err(SignInError::Rejected)));
        let new = world.sign_in(&world.certificate, "graduate@example.jp", "Sommer2026x", "Winter1999y").await;
        assert!(matches!(new, Ok(SignedIn::Session { .. })));
        let log = world.log(&world.certificate).await;
        assert!(log.contains(&"recovery_requested") && log.contains(&"passwords_reset"));
        world.mail("graduate@example.jp", "passwords_reset").await;
        assert_eq!(problem(world.service.open_recovery(&world.certificate, &token).await), LinkProblem::Used);
    }

    async fn a_recovery_link_works_for_thirty_minutes_and_not_a_second_longer(world: World) {
        world.graduate().await;
        let token = world.recovery_link("graduate@example.jp").await;
        assert_eq!(problem(world.service.open_recovery(&world.residence, &token).await), LinkProblem::Unknown);
        let stranger = Token::new(world.entropy.as_ref());
        assert_eq!(problem(world.service.open_recovery(&world.certificate, &stranger).await), LinkProblem::Unknown);
        assert_eq!(problem(world.service.open_link(&world.certificate, &token).await), LinkProblem::Unknown);
        world.clock.advance(Duration::from_secs(29 * 60 + 59));
        world.service.open_recovery(&world.certificate, &token).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(problem(world.service.open_recovery(&world.certificate, &token).await), LinkProblem::Expired);
        let late = world.recover(&token, "Sommer2026x", "Winter1999y").await;
        assert!(matches!(late, Err(NewPasswordsError::Link(LinkProblem::Expired))), "{late:?}");
    }

    async fn of_many_that_complete_one_link_one_does(world: World) {
        world.graduate().await;
        let token = world.recovery_link("graduate@example.jp").await;
        let attempts: Vec<_> = (0..8)
            .map(|n| {
                let (service, tenant, token) = (world.service.clone(), world.certificate.clone(), token.clone());
                let new = typed(&format!("Sommer2026x{n}"), &format!("Winter1999y{n}"));
                tokio::spawn(async move { service.recover(&tenant, &token, new, &source()).await })
            })
            .collect();
        let mut winners = Vec::new();
        for (n, attempt) in attempts.into_iter().enumerate() {
            match attempt.await.unwrap() {
                Ok(()) => winners.push(n),
                Err(NewPasswordsError::Link(LinkProblem::Used)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(winners.len(), 1);
        let n = winners[0];
        let (password, second) = (format!("Sommer2026x{n}"), format!("Winter1999y{n}"));
        let signed_in = world.sign_in(&world.certificate, "graduate@example.jp", &password, &second).await;
        assert!(matches!(signed_in, Ok(SignedIn::Session { .. })));
        let mails = world.mails("graduate@example.jp").await;
        assert_eq!(mails.iter().filter(|m| m["kind"] == "passwords_reset").count(), 1);
    }

    async fn a_newer_link_ends_the_older(world: World) {
        world.graduate().await;
        let first = world.recovery_link("graduate@example.jp").await;
        world.clock.advance(Duration::from_secs(1));
        let second = world.recovery_link("graduate@example.jp").await;
        assert_eq!(problem(world.service.open_recovery(&world.certificate, &first).await), LinkProblem::Superseded);
        world.recover(&second, "Sommer2026x", "Winter1999y").await.unwrap();
    }

    async fn unknown_addresses_hear_the_same_and_get_nothing(world: World) {
        world.graduate().await;
        // written otherwise, and sent to the address as it is stored
        let known = world.forget(&world.certificate, "Ｇraduate@EXAMPLE.jp").await;
        let unknown = world.forget(&world.certificate, "nobody@example.jp").await;
        assert_eq!(known.expires_at, unknown.expires_at);
        assert_eq!(unknown.email.as_str(), "nobody@example.jp");
        let mails = world.service.recent_mails(10).await.unwrap();
        assert_eq!(mails.iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), ["graduate@example.jp"]);
        assert!(mails[0].subject.starts_with("recovery_link en"));

        for (mail, code) in [("", "required"), ("graduate", "email.malformed")] {
            match world.service.request_recovery(&world.certificate, asked("", mail)).await {
                Err(RecoveryError::Refused(inputs)) => assert_eq!((inputs[0].input, inputs[0].code), ("mail", code)),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn one_address_gets_three_links_an_hour_and_the_last_stays_good(world: World) {
        world.graduate().await;
        for _ in 0..20 {
            world.clock.advance(Duration::from_secs(1));
            world.forget(&world.certificate, "graduate@example.jp").await;
        }
        assert_eq!(world.mails("graduate@example.jp").await.len(), 3);
        let token = world.mailed_token("graduate@example.jp", "recovery_link").await;
        world.service.open_recovery(&world.certificate, &token).await.unwrap();
        world.clock.advance(Duration::from_secs(3600));
        world.forget(&world.certificate, "graduate@example.jp").await;
        assert_eq!(world.mails("graduate@example.jp").await.len(), 4);
    }

    async fn with_user_ids_both_must_belong_together(world: World) {
        let json = r#"{"login_id":"RZ00000042","email":"person@example.jp","password":"A long enough one 42"}"#;
        world.account(&world.residence, json).await;
        for (login_id, mail) in [("RZ00000043", "person@example.jp"), ("RZ00000042", "other@example.jp")] {
            world.service.request_recovery(&world.residence, asked(login_id, mail)).await.unwrap();
        }
        assert!(world.service.recent_mails(10).await.unwrap().is_empty());
        let missing = world.service.request_recovery(&world.residence, asked(" ", "person@example.jp")).await;
        assert!(matches!(missing, Err(RecoveryError::Refused(inputs)) if inputs[0].input == "login_id"));

        // guesses at the ID do not use up the mails of the one who knows it
        for n in 0..10 {
            let guess = asked(&format!("RZ0000010{n}"), "person@example.jp");
            world.service.request_recovery(&world.residence, guess).await.unwrap();
        }
        let mut right = asked("rz00000042", "Person@example.jp");
        right.interaction = Some("flow".into());
        world.service.request_recovery(&world.residence, right).await.unwrap();
        let token = world.mailed_token("person@example.jp", "recovery_link").await;
        let open = world.service.open_recovery(&world.residence, &token).await.unwrap();
        assert_eq!((open.login_id.as_str(), open.second_password), ("RZ00000042", false));
        assert_eq!(open.interaction.as_deref(), Some("flow"));
        let new = typed("Another long one 43", "");
        world.service.recover(&world.residence, &token, new, &source()).await.unwrap();
        let signed_in = world.sign_in(&world.residence, "RZ00000042", "Another long one 43", "").await;
        assert!(matches!(signed_in, Ok(SignedIn::Session { .. })));
    }

    async fn every_broken_rule_is_named_and_the_link_stays(world: World) {
        use CredentialField::{Password, PasswordConfirm, SecondPassword};
        world.graduate().await;
        let token = world.recovery_link("graduate@example.jp").await;
        let broken = async |new: NewCredentials| {
            match world.service.recover(&world.certificate, &token, new, &source()).await {
                Err(NewPasswordsError::Invalid(broken)) => broken,
                other => panic!("{other:?}"),
            }
        };
        assert!(broken(typed("short", "Winter1999y")).await.contains(&(Password, Violation::TooShort { min: 8 })));
        assert_eq!(broken(typed("Sommer2026x", "Certificate2024")).await, [(SecondPassword, Violation::SameAsPrevious)]);
        assert!(broken(typed("Sommer2026x", "Sommer2026x")).await.contains(&(SecondPassword, Violation::SameAsOther)));
        let mut differs = typed("Sommer2026x", "Winter1999y");
        differs.password_confirm = Secret::new("Sommer2026y");
        assert_eq!(broken(differs).await, [(PasswordConfirm, Violation::ConfirmationDiffers)]);
        world.recover(&token, "Sommer2026x", "Winter1999y").await.unwrap();

        // neither the present one nor the one before
        world.clock.advance(Duration::from_secs(1));
        let token = world.recovery_link("graduate@example.jp").await;
        world.recover(&token, "Harvest2031z", "Bicycle2032q").await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        let token = world.recovery_link("graduate@example.jp").await;
        for old in ["Harvest2031z", "Sommer2026x"] {
            match world.recover(&token, old, "Lantern2033w").await {
                Err(NewPasswordsError::Invalid(broken)) => assert_eq!(broken, [(Password, Violation::SameAsPrevious)]),
                other => panic!("{old}: {other:?}"),
            }
        }
    }

    async fn an_expired_initial_password_is_mended(world: World) {
        world.newcomer().await;
        let ticket = world.ticket().await;
        world.clock.advance(Duration::from_secs(8 * 86_400));
        let late = world.sign_in(&world.certificate, "newcomer@example.jp", "Initial2024", "").await;
        assert!(matches!(late, Err(SignInError::Rejected)));
        let token = world.recovery_link("newcomer@example.jp").await;
        match world.recover(&token, "Initial2024", "Winter1999y").await {
            Err(NewPasswordsError::Invalid(broken)) => {
                assert_eq!(broken, [(CredentialField::Password, Violation::SameAsInitial)]);
            }
            other => panic!("{other:?}"),
        }
        world.recover(&token, "Sommer2026x", "Winter1999y").await.unwrap();
        let signed_in = world.sign_in(&world.certificate, "newcomer@example.jp", "Sommer2026x", "Winter1999y").await;
        assert!(matches!(signed_in, Ok(SignedIn::Session { .. })));
        assert_eq!(world.account_of(&world.certificate, "newcomer@example.jp").await.unwrap().state, AccountState::Active);
        assert!(world.service.credential_duty(&world.certificate, &ticket).await.is_err());
    }

    async fn asking_leaves_an_initial_password_alone_and_setting_passwords_ends_the_link(world: World) {
        world.newcomer().await;
        let ticket = world.ticket().await;
        let token = world.recovery_link("newcomer@example.jp").await;
        let new = typed("Sommer2026x", "Winter1999y");
        world.service.set_credentials(&world.certificate, &ticket, new, &source()).await.unwrap();
        assert_eq!(problem(world.service.open_recovery(&world.certificate, &token).await), LinkProblem::Used);
        let late = world.recover(&token, "Harvest2031z", "Bicycle2032q").await;
        assert!(matches!(late, Err(NewPasswordsError::Link(LinkProblem::Used))));
    }

    async fn a_first_setting_and_a_recovery_at_once_leave_one_of_them(world: World) {
        world.newcomer().await;
        let ticket = world.ticket().await;
        let token = world.recovery_link("newcomer@example.jp").await;
        let (service, tenant) = (&world.service, &world.certificate);
        let from = source();
        let (set, reset) = tokio::join!(
            service.set_credentials(tenant, &ticket, typed("Sommer2026x", "Winter1999y"), &from),
            service.recover(tenant, &token, typed("Harvest2031z", "Bicycle2032q"), &from),
        );
        let (password, second) = match (set, reset) {
            (Ok(_), Err(NewPasswordsError::Link(LinkProblem::Used))) => ("Sommer2026x", "Winter1999y"),
            (Err(CredentialsError::Ticket(TicketState::Superseded | TicketState::Consumed)), Ok(())) => {
                ("Harvest2031z", "Bicycle2032q")
            }
            other => panic!("{other:?}"),
        };
        let signed_in = world.sign_in(&world.certificate, "newcomer@example.jp", password, second).await;
        assert!(matches!(signed_in, Ok(SignedIn::Session { .. })));
    }

    async fn disabled_accounts_get_no_link_and_open_none(world: World) {
        world.graduate().await;
        let token = world.recovery_link("graduate@example.jp").await;
        let id = world.account_of(&world.certificate, "graduate@example.jp").await.unwrap().id;
        let store = world.database.tenant(&world.certificate.slug);
        let now = world.service.now();
        assert!(store.accounts().set_state(&id, AccountState::Active, AccountState::Disabled, now).await.unwrap());
        assert_eq!(problem(world.service.open_recovery(&world.certificate, &token).await), LinkProblem::Unknown);
        let late = world.recover(&token, "Sommer2026x", "Winter1999y").await;
        assert!(matches!(late, Err(NewPasswordsError::Link(LinkProblem::Unknown))));
        world.clock.advance(Duration::from_secs(1));
        world.forget(&world.certificate, "graduate@example.jp").await;
        assert_eq!(world.mails("graduate@example.jp").await.len(), 1);
    }

    async fn recovery_lifts_a_lock_that_ends_by_itself_and_no_other(world: World) {
        world.graduate().await;
        for _ in 0..6 {
            let wrong = world.sign_in(&world.certificate, "graduate@example.jp", "Wrong2024x", "Wrong2024y").await;
            assert!(matches!(wrong, Err(SignInError::Rejected)));
        }
        let token = world.recovery_link("graduate@example.jp").await;
        world.recover(&token, "Sommer2026x", "Winter1999y").await.unwrap();
        let signed_in = world.sign_in(&world.certificate, "graduate@example.jp", "Sommer2026x", "Winter1999y").await;
        assert!(matches!(signed_in, Ok(SignedIn::Session { .. })));

        // this tenant's locks are lifted by staff
        let json = r#"{"login_id":"RZ00000042","email":"person@example.jp","password":"A long enough one 42"}"#;
        world.account(&world.residence, json).await;
        for _ in 0..4 {
            let wrong = world.sign_in(&world.residence, "RZ00000042", "wrong", "").await;
            assert!(matches!(wrong, Err(SignInError::Rejected)));
        }
        world.service.request_recovery(&world.residence, asked("RZ00000042", "person@example.jp")).await.unwrap();
        let token = world.mailed_token("person@example.jp", "recovery_link").await;
        let new = typed("Another long one 43", "");
        world.service.recover(&world.residence, &token, new, &source()).await.unwrap();
        let locked = world.sign_in(&world.residence, "RZ00000042", "Another long one 43", "").await;
        assert!(matches!(locked, Err(SignInError::Rejected)));
    }
}
