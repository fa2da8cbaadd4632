//! The states of an account's credentials as a whole: whatever is tried in whatever order, the real thing does what a
//! model of a few lines says.
//!
//! ```text
//! provisioned (initial password alive) ──ticket, own passwords──▶ active
//!        │ seven days
//!        ▼
//! provisioned (nothing opens it)
//! ```

use crate::support::{World, on_each_database, source};
use madoguchi_domain::{Secret, Timestamp, Token};
use madoguchi_service::{SignInError, SignedIn, credentials::NewCredentials};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::time::Duration;

/// Something that somebody tries; each comes twenty minutes after the one before, so that no lock is in the way.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Login with the initial password, the second left empty.
    Initial,
    /// Login with the own passwords (or with what they would be).
    Own,
    /// Login with the right password and a wrong second one.
    Half,
    /// Own passwords are set with the last ticket.
    Set,
    /// Two days go by.
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => Just(Step::Initial), 2 => Just(Step::Own), 1 => Just(Step::Half), 3 => Just(Step::Set), 1 => Just(Step::Wait)];
    prop::collection::vec(step, 4..16)
}

/// What must be so.
struct Model {
    initial_until: Timestamp,
    active: bool,
    ticket: Option<(Token, Timestamp)>,
}

const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
const TICKET: Duration = Duration::from_secs(30 * 60);
const APART: Duration = Duration::from_secs(20 * 60);

async fn walk(world: &World, number: usize, steps: &[Step]) {
    let login = format!("walker{number}@example.jp");
    let (password, second) = (format!("Sommer{number}Wind"), format!("Winter{number}Schnee"));
    world.account(&world.certificate, &format!(r#"{{"login_id":"{login}","initial_password":"Initial2024"}}"#)).await;
    let start = world.service.now();
    let mut model = Model { initial_until: start + LIFETIME, active: false, ticket: None };
    for (at, step) in steps.iter().enumerate() {
        world.clock.advance(APART);
        let now = world.service.now();
        let seen = format!("walk {number}, step {at} of {steps:?}");
        match step {
            Step::Initial => {
                let got = world.sign_in(&world.certificate, &login, "Initial2024", "").await;
                if !model.active && now < model.initial_until {
                    let Ok(SignedIn::MustSetCredentials { ticket }) = got else { panic!("{seen}: {got:?}") };
                    model.ticket = Some((ticket, now));
                } else {
                    assert!(matches!(got, Err(SignInError::Rejected)), "{seen}: {got:?}");
                }
            }
            Step::Own => {
                let got = world.sign_in(&world.certificate, &login, &password, &second).await;
                assert_eq!(matches!(got, Ok(SignedIn::Session { .. })), model.active, "{seen}: {got:?}");
                assert!(!matches!(got, Ok(SignedIn::MustSetCredentials { .. })), "{seen}: {got:?}");
            }
            Step::Half => {
                let got = world.sign_in(&world.certificate, &login, &password, "Falsch2024x").await;
                assert!(matches!(got, Err(SignInError::Rejected)), "{seen}: {got:?}");
            }
            Step::Set => {
                let Some((ticket, drawn)) = &model.ticket else { continue };
                let new = NewCredentials {
                    password: Secret::new(&password),
                    password_confirm: Secret::new(&password),
                    second_password: Secret::new(&second),
                    second_password_confirm: Secret::new(&second),
                };
                let got = world.service.set_credentials(&world.certificate, ticket, new, &source()).await;
                let may = !model.active && now.since(*drawn) < TICKET;
                assert_eq!(got.is_ok(), may, "{seen}: {got:?}");
                model.active |= may;
            }
            Step::Wait => world.clock.advance(Duration::from_secs(2 * 86_400)),
        }
    }
}

on_each_database! {
    async fn credentials_live_by_their_rules_whatever_is_tried(world: World) {
        let mut runner = TestRunner::deterministic();
        for number in 0..24 {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            walk(&world, number, &steps).await;
        }
    }
}
