//! Another password, typed beside the one in force.

use crate::support::{World, on_each_database, source};
use madoguchi_domain::{Locale, Secret, Token, password::Violation};
use madoguchi_service::{
    ActiveSession, OwnPassword, PasswordChange, PasswordChangeError, SignInError, SignedIn,
    credentials::CredentialField,
};
use std::time::Duration;

fn change(which: OwnPassword, current: &str, new: &str) -> PasswordChange {
    PasswordChange {
        which,
        current: Secret::new(current),
        new: Secret::new(new),
        confirm: Secret::new(new),
        locale: Locale::en(),
        source: source(),
    }
}

impl World {
    async fn change(&self, active: &ActiveSession, typed: PasswordChange) -> Result<Token, PasswordChangeError> {
        self.service.change_password(&self.certificate, active, typed).await
    }

    async fn opens(&self, password: &str, second: &str) -> bool {
        let result = self.sign_in(&self.certificate, "graduate@example.jp", password, second).await;
        matches!(result, Ok(SignedIn::Session { .. }))
    }
}

fn broken(result: Result<Token, PasswordChangeError>) -> Vec<(CredentialField, Violation)> {
    match result {
        Err(PasswordChangeError::Invalid(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

use CredentialField::{Current, Password, PasswordConfirm, SecondPassword};
use OwnPassword::{First, Second};

on_each_database! {
    async fn the_old_one_and_all_other_sessions_end_this_one_goes_on_under_a_new_secret(world: World) {
        world.graduate().await;
        let (elsewhere, _) = world.session().await;
        let (old, active) = world.session().await;
        let new = world.change(&active, change(First, "Graduate2024", "Sommer2026x")).await.unwrap();
        let still = world.service.session(&world.certificate, &new).await.unwrap().unwrap();
        assert_eq!(still.session.id, active.session.id);
        for dead in [&old, &elsewhere] {
            assert!(world.service.session(&world.certificate, dead).await.unwrap().is_none());
        }
        assert!(!world.opens("Graduate2024", "Certificate2024").await);
        assert!(world.opens("Sommer2026x", "Certificate2024").await);
        assert_eq!(world.mail("graduate@example.jp", "password_changed").await["second"], false);

        let new = world.change(&still, change(Second, "Certificate2024", "Winter1999y")).await.unwrap();
        assert!(world.service.session(&world.certificate, &new).await.unwrap().is_some());
        assert!(world.opens("Sommer2026x", "Winter1999y").await);
        assert_eq!(world.mail("graduate@example.jp", "password_changed").await["second"], true);
        assert_eq!(world.log(&world.certificate).await.iter().filter(|a| **a == "password_changed").count(), 2);
    }

    async fn every_broken_rule_is_named_and_nothing_changes(world: World) {
        world.graduate().await;
        let (_, active) = world.session().await;
        let short = broken(world.change(&active, change(First, "", "kurz")).await);
        for expected in [
            (Current, Violation::Required),
            (Password, Violation::TooShort { min: 8 }),
            (Password, Violation::NoUpper),
            (Password, Violation::NoDigit),
        ] {
            assert!(short.contains(&expected), "{expected:?} in {short:?}");
        }
        let mut differs = change(First, "Graduate2024", "Sommer2026x");
        differs.confirm = Secret::new("Sommer2026y");
        assert_eq!(broken(world.change(&active, differs).await), [(PasswordConfirm, Violation::ConfirmationDiffers)]);
        for (typed, expected) in [
            (change(Second, "Certificate2024", "Certificate2024"), (SecondPassword, Violation::SameAsPrevious)),
            (change(First, "Graduate2024", "Certificate2024"), (Password, Violation::SameAsOther)),
            // a wrong one in force says nothing of the new one
            (change(First, "Wrong2024xx", "Certificate2024"), (Current, Violation::WrongCurrent)),
        ] {
            assert_eq!(broken(world.change(&active, typed).await), [expected]);
        }
        assert!(world.opens("Graduate2024", "Certificate2024").await);

        let token = world.change(&active, change(First, "Graduate2024", "Sommer2026x")).await.unwrap();
        let active = world.service.session(&world.certificate, &token).await.unwrap().unwrap();
        let token = world.change(&active, change(First, "Sommer2026x", "Herbst2027z")).await.unwrap();
        let active = world.service.session(&world.certificate, &token).await.unwrap().unwrap();
        for (typed, expected) in [
            (change(First, "Herbst2027z", "Sommer2026x"), (Password, Violation::SameAsPrevious)),
            (change(Second, "Certificate2024", "Herbst2027z"), (SecondPassword, Violation::SameAsOther)),
        ] {
            assert_eq!(broken(world.change(&active, typed).await), [expected]);
        }
    }

    async fn wrong_ones_are_counted_like_failed_logins_and_lock(world: World) {
        world.graduate().await;
        let (token, active) = world.session().await;
        // what breaks a rule is no guess
        for _ in 0..10 {
            broken(world.change(&active, change(First, "Graduate2024", "kurz")).await);
            broken(world.change(&active, change(First, "Graduate2024", "Certificate2024")).await);
        }
        for _ in 0..5 {
            let wrong = broken(world.change(&active, change(First, "Wrong2024xx", "Sommer2026x")).await);
            assert_eq!(wrong, [(Current, Violation::WrongCurrent)]);
        }
        match world.change(&active, change(First, "Graduate2024", "Sommer2026x")).await {
            Err(PasswordChangeError::Locked { until: Some(until) }) => {
                assert_eq!(until, world.service.now() + Duration::from_secs(900));
            }
            other => panic!("{other:?}"),
        }
        let login = world.sign_in(&world.certificate, "graduate@example.jp", "Graduate2024", "Certificate2024").await;
        assert!(matches!(login, Err(SignInError::Rejected)));
        assert!(world.service.session(&world.certificate, &token).await.unwrap().is_some(), "who is in stays in");
        world.clock.advance(Duration::from_secs(901));
        world.change(&active, change(First, "Graduate2024", "Sommer2026x")).await.unwrap();
    }

    async fn of_two_at_once_one_is_carried_out(world: World) {
        world.graduate().await;
        let (_, one) = world.session().await;
        let (_, two) = world.session().await;
        let (a, b) = tokio::join!(
            world.change(&one, change(First, "Graduate2024", "Sommer2026x")),
            world.change(&two, change(First, "Graduate2024", "Herbst2027z")),
        );
        let won = [a, b].map(|result| match result {
            Ok(_) => true,
            Err(PasswordChangeError::Outdated) => false,
            Err(other) => panic!("{other}"),
        });
        assert_eq!(won.iter().filter(|w| **w).count(), 1);
        assert_eq!(world.opens("Sommer2026x", "Certificate2024").await, won[0]);
        assert_eq!(world.opens("Herbst2027z", "Certificate2024").await, won[1]);
    }
}
