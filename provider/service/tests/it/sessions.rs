//! How long a session counts.

use crate::support::{on_each_database, source};
use madoguchi_domain::{
    account::AccountState,
    session::{SEEN_GRAIN, SessionEnd},
};
use madoguchi_service::SessionState;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

on_each_database! {
    async fn use_moves_the_idle_end_and_peeking_does_not(world: World) {
        world.graduate().await;
        let (token, _) = world.session().await;
        for _ in 0..4 {
            world.clock.advance(MINUTE * 29);
            assert!(world.service.session(&world.certificate, &token).await.unwrap().is_some());
        }
        world.clock.advance(MINUTE * 29);
        assert!(matches!(world.service.peek_session(&world.certificate, &token).await.unwrap(), SessionState::Active(_)));
        world.clock.advance(MINUTE);
        assert!(matches!(world.service.peek_session(&world.certificate, &token).await.unwrap(), SessionState::Active(_)), "never early");
        world.clock.advance(SEEN_GRAIN);
        let state = world.service.session_state(&world.certificate, &token).await.unwrap();
        assert_eq!(state, SessionState::Ended(SessionEnd::Idle));
        assert_eq!(world.service.session_state(&world.certificate, &token).await.unwrap(), SessionState::Ended(SessionEnd::Idle));
    }

    async fn a_session_ends_after_its_absolute_time_however_busy(world: World) {
        world.graduate().await;
        let (token, _) = world.session().await;
        for _ in 0..(12 * 3 - 1) {
            world.clock.advance(MINUTE * 20);
            assert!(world.service.session(&world.certificate, &token).await.unwrap().is_some());
        }
        world.clock.advance(MINUTE * 20);
        let state = world.service.session_state(&world.certificate, &token).await.unwrap();
        assert_eq!(state, SessionState::Ended(SessionEnd::Expired));
    }

    async fn signing_out_ends_this_session_once_and_no_other(world: World) {
        world.graduate().await;
        let (token, active) = world.session().await;
        let (other, _) = world.session().await;
        for _ in 0..2 {
            world.service.end_session(&world.certificate, &active, &source()).await.unwrap();
        }
        assert_eq!(world.service.session_state(&world.certificate, &token).await.unwrap(), SessionState::Unknown);
        assert!(world.service.session(&world.certificate, &other).await.unwrap().is_some());
        assert_eq!(world.log(&world.certificate).await.iter().filter(|a| **a == "signed_out").count(), 1);
    }

    async fn a_new_generation_or_a_disabled_account_ends_all(world: World) {
        let graduate = world.graduate().await;
        let (token, _) = world.session().await;
        let store = world.database.tenant(&world.certificate.slug);
        let mut tx = store.begin().await.unwrap();
        world.service.end_all(&mut tx, &graduate.id).await.unwrap();
        world.service.commit(tx).await.unwrap();
        assert!(world.service.session(&world.certificate, &token).await.unwrap().is_none());

        let (token, _) = world.session().await;
        let now = world.service.now();
        store.accounts().set_state(&graduate.id, AccountState::Active, AccountState::Disabled, now).await.unwrap();
        assert_eq!(world.service.session_state(&world.certificate, &token).await.unwrap(), SessionState::Unknown);
    }
}
