//! Who gets in, who does not, and that the two look alike from outside.

use crate::support::on_each_database;
use madoguchi_domain::{account::AccountState, session::Acr};
use madoguchi_service::{SignInError, SignedIn};
use std::time::Duration;

const RIGHT: (&str, &str, &str) = ("graduate@example.jp", "Graduate2024", "Certificate2024");

on_each_database! {
    async fn all_three_values_open_a_session_that_tells_the_truth(world: World) {
        world.graduate().await;
        for login_id in ["graduate@example.jp", " GRADUATE@Example.JP ", "ｇｒａｄｕａｔｅ＠ｅｘａｍｐｌｅ．ｊｐ"] {
            let SignedIn::Session { token, session } =
                world.sign_in(&world.certificate, login_id, RIGHT.1, RIGHT.2).await.unwrap() else { panic!() };
            assert_eq!(session.authentication.acr, Acr::TwoPasswords);
            assert_eq!(session.authentication.acr.amr(), ["pwd"]);
            let active = world.service.session(&world.certificate, &token).await.unwrap().unwrap();
            assert_eq!(active.account.login_id, "graduate@example.jp");
            assert!(world.service.session(&world.residence, &token).await.unwrap().is_none(), "another tenant's");
        }
        assert_eq!(world.log(&world.certificate).await[..1], ["signed_in"]);
    }

    async fn a_user_id_is_forgiving_and_one_password_is_called_one(world: World) {
        let json = r#"{"login_id":"RZ00000001","email":"a@example.jp","password":"Residence2024"}"#;
        world.account(&world.residence, json).await;
        for typed in ["RZ00000001", "rz00000001", "ＲＺ０００００００１"] {
            let before = world.service.hashing().runs();
            let signed_in = world.sign_in(&world.residence, typed, "Ｒesidence2024", "ignored").await.unwrap();
            let SignedIn::Session { session, .. } = signed_in else { panic!() };
            assert_eq!(session.authentication.acr, Acr::Password);
            assert_eq!(world.service.hashing().runs() - before, 1);
        }
    }

    async fn every_failure_has_one_answer_and_costs_two_runs(world: World) {
        let graduate = world.graduate().await;
        world.newcomer().await;
        let disabled = r#"{"login_id":"gone@example.jp","password":"Graduate2024","second_password":"Certificate2024"}"#;
        let disabled = world.account(&world.certificate, disabled).await;
        let store = world.database.tenant(&world.certificate.slug);
        let now = world.service.now();
        assert!(store.accounts().set_state(&disabled.id, AccountState::Active, AccountState::Disabled, now).await.unwrap());
        assert_eq!(graduate.state, AccountState::Active);

        let long = "x".repeat(5000);
        let tries = [
            ("unknown", "nobody@example.jp", RIGHT.1, RIGHT.2),
            ("wrong password", RIGHT.0, "wrong", RIGHT.2),
            ("wrong second password", RIGHT.0, RIGHT.1, "wrong"),
            ("both exchanged", RIGHT.0, RIGHT.2, RIGHT.1),
            ("second missing", RIGHT.0, RIGHT.1, ""),
            ("password missing", "graduate2@example.jp", "", RIGHT.2),
            ("nothing", "", "", ""),
            ("provisioned, second not empty", "newcomer@example.jp", "Initial2024", "x"),
            ("provisioned, wrong initial password", "newcomer@example.jp", "Initial2025", ""),
            ("disabled", "gone@example.jp", RIGHT.1, RIGHT.2),
            ("too long", "x@example.jp", &long, &long),
        ];
        for (what, login_id, password, second) in tries {
            let before = world.service.hashing().runs();
            let result = world.sign_in(&world.certificate, login_id, password, second).await;
            assert!(matches!(result, Err(SignInError::Rejected)), "{what}: {result:?}");
            assert_eq!(world.service.hashing().runs() - before, 2, "{what}");
        }
    }

    async fn five_failures_lock_for_a_while_the_known_and_the_unknown_alike(world: World) {
        let graduate = world.graduate().await;
        for login_id in [RIGHT.0, "nobody@example.jp"] {
            for _ in 0..5 {
                world.sign_in(&world.certificate, login_id, "wrong", RIGHT.2).await.unwrap_err();
            }
            let before = world.service.hashing().runs();
            let locked = world.sign_in(&world.certificate, login_id, RIGHT.1, RIGHT.2).await;
            assert!(matches!(locked, Err(SignInError::Rejected)), "{locked:?}");
            assert_eq!(world.service.hashing().runs() - before, 2);
        }
        world.service.background_done().await;
        let shown = world.service.show_account(&world.certificate, RIGHT.0).await.unwrap().unwrap();
        assert_eq!(shown.locked.unwrap().until, Some(world.service.now().seconds() + 15 * 60));

        let log = world.log(&world.certificate).await;
        assert_eq!(log.iter().filter(|a| **a == "account_locked").count(), 2);
        let mails = world.service.recent_mails(10).await.unwrap();
        assert_eq!(mails.len(), 1, "one mail, to the owner: {mails:?}");
        assert_eq!(mails[0].to, graduate.email.as_str());
        assert!(mails[0].subject.starts_with("account_locked"));

        world.clock.advance(Duration::from_secs(15 * 60 + 1));
        assert!(world.sign_in(&world.certificate, RIGHT.0, RIGHT.1, RIGHT.2).await.is_ok());
    }

    async fn failures_outside_the_window_do_not_add_up_and_success_clears_them(world: World) {
        world.graduate().await;
        for round in 0..4 {
            for _ in 0..4 {
                world.sign_in(&world.certificate, RIGHT.0, "wrong", "").await.unwrap_err();
            }
            if round % 2 == 0 {
                world.clock.advance(Duration::from_secs(15 * 60 + 1));
            } else {
                assert!(world.sign_in(&world.certificate, RIGHT.0, RIGHT.1, RIGHT.2).await.is_ok());
            }
        }
    }

    async fn staff_lifts_a_lock(world: World) {
        world.graduate().await;
        for _ in 0..6 {
            world.sign_in(&world.certificate, RIGHT.0, "wrong", RIGHT.2).await.unwrap_err();
        }
        let by = madoguchi_domain::audit::Actor::Operator("clerk".into());
        assert!(world.service.unlock_account(&world.certificate, "Graduate@example.jp", &by, None).await.unwrap());
        assert!(world.sign_in(&world.certificate, RIGHT.0, RIGHT.1, RIGHT.2).await.is_ok());
        assert!(world.log(&world.certificate).await.contains(&"account_unlocked"));
    }

    async fn parallel_guesses_cannot_outrun_the_count(world: World) {
        world.graduate().await;
        // The right passwords are the twentieth guess: by then the identifier is locked.
        let guesses = (0..20).map(|n| {
            let (service, tenant) = (world.service.clone(), world.certificate.clone());
            let password = if n == 19 { RIGHT.1.to_owned() } else { format!("wrong{n}") };
            let typed = madoguchi_service::SignIn {
                login_id: RIGHT.0.into(),
                password: madoguchi_domain::Secret::new(password),
                second_password: madoguchi_domain::Secret::new(RIGHT.2),
                source: crate::support::source(),
            };
            tokio::spawn(async move { service.sign_in(&tenant, typed).await.is_ok() })
        });
        let mut right = 0;
        for guess in guesses.collect::<Vec<_>>() {
            right += usize::from(guess.await.unwrap());
        }
        assert_eq!(right, 0);
        let shown = world.service.show_account(&world.certificate, RIGHT.0).await.unwrap().unwrap();
        assert!(shown.locked.is_some());
    }

    async fn many_right_logins_at_once_lock_nobody_out(world: World) {
        world.graduate().await;
        let logins = (0..20).map(|_| {
            let (service, tenant) = (world.service.clone(), world.certificate.clone());
            let typed = madoguchi_service::SignIn {
                login_id: RIGHT.0.into(),
                password: madoguchi_domain::Secret::new(RIGHT.1),
                second_password: madoguchi_domain::Secret::new(RIGHT.2),
                source: crate::support::source(),
            };
            tokio::spawn(async move { service.sign_in(&tenant, typed).await.is_ok() })
        });
        for login in logins.collect::<Vec<_>>() {
            assert!(login.await.unwrap());
        }
    }

    async fn the_initial_password_opens_the_duty_again_and_again_until_it_is_done_or_expired(world: World) {
        world.newcomer().await;
        let first = world.ticket().await;
        let second = world.ticket().await;
        assert!(world.service.credential_duty(&world.certificate, &first).await.is_err(), "the older one is superseded");
        assert!(world.service.credential_duty(&world.certificate, &second).await.is_ok());
        world.clock.advance(Duration::from_secs(7 * 86_400));
        let late = world.sign_in(&world.certificate, "newcomer@example.jp", "Initial2024", "").await;
        assert!(matches!(late, Err(SignInError::Rejected)));
    }

    async fn a_hash_of_an_older_cost_is_renewed_at_login(world: World) {
        let graduate = world.graduate().await;
        let store = world.database.tenant(&world.certificate.slug);
        let options = madoguchi_service::HashingOptions {
            threads: 1,
            cost: madoguchi_service::hashing::HashCost { memory_kib: 32, passes: 1, lanes: 1 },
            ..Default::default()
        };
        let old = madoguchi_service::Hashing::start(options, world.entropy.clone()).unwrap();
        let old = old.hash(&madoguchi_domain::Secret::new(RIGHT.1)).await.unwrap();
        let mut password = store.credentials().of(&graduate.id).await.unwrap().into_iter()
            .find(|c| c.kind.as_str() == "password").unwrap();
        password.phc = old;
        store.credentials().put(&graduate.id, &password).await.unwrap();
        assert!(world.sign_in(&world.certificate, RIGHT.0, RIGHT.1, RIGHT.2).await.is_ok());
        let renewed = store.credentials().of(&graduate.id).await.unwrap();
        assert!(renewed.iter().all(|c| c.phc.contains("m=64,")), "{renewed:?}");
        assert!(world.sign_in(&world.certificate, RIGHT.0, RIGHT.1, RIGHT.2).await.is_ok());
    }
}
