//! Setting own passwords after the first login.

use crate::support::{on_each_database, source};
use madoguchi_domain::{Secret, account::AccountState, password::Violation, session::Acr};
use madoguchi_service::{
    SignInError, SignedIn,
    credentials::{CredentialField, CredentialsError, NewCredentials, TicketState},
};
use std::time::Duration;

fn typed(password: &str, second: &str) -> NewCredentials {
    NewCredentials {
        password: Secret::new(password),
        password_confirm: Secret::new(password),
        second_password: Secret::new(second),
        second_password_confirm: Secret::new(second),
    }
}

on_each_database! {
    async fn setting_them_signs_in_ends_the_initial_password_and_tells_by_mail(world: World) {
        let newcomer = world.newcomer().await;
        assert_eq!(newcomer.state, AccountState::Provisioned);
        let ticket = world.ticket().await;
        let duty = world.service.credential_duty(&world.certificate, &ticket).await.unwrap();
        assert!(duty.second_password);
        let set = world.service.set_credentials(&world.certificate, &ticket, typed("Sommer2026x", "Winter1999y"), &source())
            .await.unwrap();
        assert_eq!(set.session.authentication.acr, Acr::TwoPasswords);
        let active = world.service.session(&world.certificate, &set.token).await.unwrap().unwrap();
        assert_eq!(active.account.state, AccountState::Active);

        let initial = world.sign_in(&world.certificate, "newcomer@example.jp", "Initial2024", "").await;
        assert!(matches!(initial, Err(SignInError::Rejected)));
        let own = world.sign_in(&world.certificate, "newcomer@example.jp", "Sommer2026x", "Winter1999y").await;
        assert!(matches!(own, Ok(SignedIn::Session { .. })));
        assert!(world.log(&world.certificate).await.contains(&"credentials_set"));
        let mails = world.service.recent_mails(5).await.unwrap();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].subject.starts_with("credentials_set ja"));
    }

    async fn a_ticket_is_good_for_one_setting(world: World) {
        world.newcomer().await;
        let ticket = world.ticket().await;
        let attempts = (0..8).map(|n| {
            let (service, tenant, ticket) = (world.service.clone(), world.certificate.clone(), ticket.clone());
            let typed = typed(&format!("Sommer2026x{n}"), &format!("Winter1999y{n}"));
            tokio::spawn(async move { service.set_credentials(&tenant, &ticket, typed, &source()).await.is_ok() })
        });
        let mut done = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            done += usize::from(attempt.await.unwrap());
        }
        assert_eq!(done, 1);
        let again = world.service.set_credentials(&world.certificate, &ticket, typed("Sommer2026z", "Winter1999z"), &source()).await;
        assert!(matches!(again, Err(CredentialsError::Ticket(TicketState::Consumed))), "{again:?}");
        assert_eq!(world.service.recent_mails(5).await.unwrap().len(), 1);
    }

    async fn a_ticket_dies_after_half_an_hour_and_belongs_to_its_tenant(world: World) {
        world.newcomer().await;
        let ticket = world.ticket().await;
        let elsewhere = world.service.credential_duty(&world.residence, &ticket).await;
        assert!(matches!(elsewhere, Err(CredentialsError::Ticket(TicketState::Unknown))));
        world.clock.advance(Duration::from_secs(30 * 60));
        let late = world.service.set_credentials(&world.certificate, &ticket, typed("Sommer2026x", "Winter1999y"), &source()).await;
        assert!(matches!(late, Err(CredentialsError::Ticket(TicketState::Expired))));
        world.ticket().await;
    }

    async fn every_broken_rule_is_named_and_the_ticket_stays(world: World) {
        use CredentialField::{Password, PasswordConfirm, SecondPassword};
        world.newcomer().await;
        let ticket = world.ticket().await;
        let broken = async |new: NewCredentials| {
            match world.service.set_credentials(&world.certificate, &ticket, new, &source()).await {
                Err(CredentialsError::Invalid(broken)) => broken,
                other => panic!("{other:?}"),
            }
        };
        assert!(broken(typed("", "")).await.contains(&(Password, Violation::Required)));
        let short = broken(typed("abc", "Winter1999y")).await;
        for violation in [Violation::TooShort { min: 8 }, Violation::NoUpper, Violation::NoDigit] {
            assert!(short.contains(&(Password, violation)), "{violation:?} in {short:?}");
        }
        assert!(broken(typed("Sommer2026x", "Sommer2026x")).await.contains(&(SecondPassword, Violation::SameAsOther)));
        assert!(broken(typed("Sommer2026x", "sommer2026X")).await.contains(&(SecondPassword, Violation::NearOther)));
        assert_eq!(broken(typed("Initial2024", "Winter1999y")).await, [(Password, Violation::SameAsInitial)]);
        assert_eq!(broken(typed("Sommer2026x", "Initial2024")).await, [(SecondPassword, Violation::SameAsInitial)]);
        let mut differs = typed("Sommer2026x", "Winter1999y");
        differs.password_confirm = Secret::new("Sommer2026y");
        assert_eq!(broken(differs).await, [(PasswordConfirm, Violation::ConfirmationDiffers)]);

        let right = typed("Sommer2026x", "Winter1999y");
        assert!(world.service.set_credentials(&world.certificate, &ticket, right, &source()).await.is_ok());
    }
}
