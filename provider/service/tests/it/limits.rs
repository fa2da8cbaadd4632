//! Budgets of source addresses.

use crate::{
    applying::{request, with_form},
    support::{World, on_each_database},
};
use madoguchi_domain::Secret;
use madoguchi_service::{SignIn, SignInError, Source, SourceLimits, limits::Budget};
use std::time::Duration;

fn from(ip: &str) -> Source {
    Source { ip: Some(ip.parse().unwrap()), user_agent: String::new() }
}

async fn limited(world: World) -> World {
    let budget = |most| Budget { most, window: Duration::from_secs(300) };
    world.with(|parts| parts.source_limits = Some(SourceLimits { mails: budget(2), sign_ins: budget(3) })).await
}

async fn guess(world: &World, login_id: &str, source: Source) -> SignInError {
    let typed = SignIn {
        login_id: login_id.into(),
        password: Secret::new("wrong"),
        second_password: Secret::new("wrong"),
        source,
    };
    world.service.sign_in(&world.certificate, typed).await.unwrap_err()
}

on_each_database! {
    async fn guesses_at_many_people_from_one_source_are_stopped_and_nobody_else(world: World) {
        let world = limited(world).await;
        for n in 0..3 {
            let error = guess(&world, &format!("p{n}@example.jp"), from(&format!("2001:db8::{n}"))).await;
            assert!(matches!(error, SignInError::Rejected), "{error:?}");
        }
        match guess(&world, "p3@example.jp", from("2001:db8::ffff")).await {
            SignInError::TooMany { retry_after } => assert_eq!(retry_after.as_secs(), 300),
            other => panic!("{other:?}"),
        }
        assert!(matches!(guess(&world, "p3@example.jp", from("2001:db8:0:1::1")).await, SignInError::Rejected));
        assert!(matches!(guess(&world, "p3@example.jp", Source::default()).await, SignInError::Rejected));
        world.clock.advance(Duration::from_secs(300));
        assert!(matches!(guess(&world, "p3@example.jp", from("2001:db8::1")).await, SignInError::Rejected));
    }

    async fn a_source_gets_so_many_registration_mails_and_sees_no_difference(world: World) {
        let world = limited(world).await;
        let tenant = with_form(&world.certificate, |_| ());
        for n in 0..4 {
            world.service.request_registration(&tenant, request(&format!("p{n}@example.jp"))).await.unwrap();
        }
        assert_eq!(world.service.recent_mails(10).await.unwrap().len(), 2);
        let mut other = request("p9@example.jp");
        other.source = from("198.51.100.7");
        world.service.request_registration(&tenant, other).await.unwrap();
        assert_eq!(world.service.recent_mails(10).await.unwrap().len(), 3);
    }
}
