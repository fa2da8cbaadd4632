//! Accounts made by an administrator.

use crate::support::on_each_database;
use madoguchi_domain::{account::AccountState, audit::Actor};
use madoguchi_service::accounts::CreateAccountError;

on_each_database! {
    async fn what_was_made_is_shown_without_secrets(world: World) {
        let made = world.graduate().await;
        assert_eq!(made.student_ids, ["A1", "B2"]);
        let shown = world.service.show_account(&world.certificate, "GRADUATE@example.jp").await.unwrap().unwrap();
        assert_eq!(shown.id, made.id);
        assert_ne!(shown.sub, shown.id.as_str());
        let text = serde_json::to_string(&shown).unwrap();
        assert!(!text.contains("argon2") && !text.contains("Graduate2024"), "{text}");
        assert_eq!(shown.credentials.len(), 2);
        assert!(world.service.show_account(&world.residence, "graduate@example.jp").await.unwrap().is_none());
        assert_eq!(world.log(&world.certificate).await, ["account_created"]);
    }

    async fn a_second_one_of_the_same_name_is_refused_and_ensuring_does_nothing(world: World) {
        world.graduate().await;
        let by = Actor::System;
        let json = r#"{"login_id":"Graduate@example.jp","email":"x@example.jp","password":"Aa345678","second_password":"Bb987654"}"#;
        let refused = world.service.create_account(&world.certificate, json, &by).await;
        assert!(matches!(refused, Err(CreateAccountError::Exists)), "{refused:?}");
        assert!(!world.service.ensure_account(&world.certificate, json, &by).await.unwrap());
        let other = r#"{"login_id":"staff@example.jp","password":"Counter2024","second_password":"Register2024","staff_roles":["reviewer"]}"#;
        assert!(world.service.ensure_account(&world.certificate, other, &by).await.unwrap());
        assert!(!world.service.ensure_account(&world.certificate, other, &by).await.unwrap());
    }

    async fn passwords_must_fit_the_tenant(world: World) {
        let by = Actor::System;
        let problems = async |tenant, json| match world.service.create_account(tenant, json, &by).await {
            Err(CreateAccountError::Invalid(problems)) => problems.iter().map(|p| p.pointer.clone()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let one = r#"{"login_id":"a@example.jp","password":"Aa345678"}"#;
        assert_eq!(problems(&world.certificate, one).await, ["/second_password"]);
        let both = r#"{"login_id":"a@example.jp","password":"Aa345678","second_password":"Bb987654"}"#;
        assert_eq!(problems(&world.residence, both).await, ["/second_password"]);
        let mixed = r#"{"login_id":"a@example.jp","password":"Aa345678","initial_password":"Initial2024"}"#;
        assert_eq!(problems(&world.certificate, mixed).await, ["/password"]);
        assert_eq!(world.newcomer().await.state, AccountState::Provisioned);
    }
}
