//! RP-initiated logout: who is asked, and where it leads.

use crate::support::*;
use madoguchi_oidc::{AfterLogout, LogoutOutcome, Params};
use std::time::Duration;

on_both! {
    a_good_hint_ends_at_once_and_returns
    everything_else_is_asked_about_and_goes_nowhere_unregistered
}

const BYE: &str = "https://rp.example/bye";

async fn a_good_hint_ends_at_once_and_returns(world: World) {
    let tokens = world.tokens(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    world.clock.advance(Duration::from_secs(7200));
    let state = "s".repeat(128);
    for (pairs, expected) in [
        (
            vec![("post_logout_redirect_uri", BYE), ("state", &*state)],
            AfterLogout::Redirect(format!("{BYE}?state={state}")),
        ),
        (vec![("post_logout_redirect_uri", BYE)], AfterLogout::Redirect(BYE.into())),
        (vec![("post_logout_redirect_uri", BYE), ("client_id", "rp")], AfterLogout::Redirect(BYE.into())),
        (vec![], AfterLogout::LoggedOut),
        (vec![("post_logout_redirect_uri", "https://rp.example/bye?x=1")], AfterLogout::LoggedOut),
        (vec![("post_logout_redirect_uri", "https://evil.example/")], AfterLogout::LoggedOut),
        (vec![("post_logout_redirect_uri", BYE), ("client_id", "other")], AfterLogout::LoggedOut),
    ] {
        let mut all = vec![("id_token_hint", hint)];
        all.extend(pairs);
        let params = Params::from_pairs(all.clone());
        for session in [world.signed_in(), None] {
            match world.oidc.logout(&world.tenant, &params, session, false).await.unwrap() {
                LogoutOutcome::End(after) => assert_eq!(after, expected, "{all:?}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn everything_else_is_asked_about_and_goes_nowhere_unregistered(world: World) {
    let tokens = world.tokens(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let parts: Vec<&str> = hint.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let foreign = format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86));
    for (pairs, after_yes) in [
        (vec![], AfterLogout::LoggedOut),
        (vec![("state", "s")], AfterLogout::LoggedOut),
        (vec![("post_logout_redirect_uri", BYE)], AfterLogout::LoggedOut),
        (vec![("id_token_hint", unsigned.as_str()), ("post_logout_redirect_uri", BYE)], AfterLogout::LoggedOut),
        (vec![("id_token_hint", &foreign), ("post_logout_redirect_uri", BYE)], AfterLogout::LoggedOut),
        (
            vec![("id_token_hint", &foreign), ("client_id", "rp"), ("post_logout_redirect_uri", BYE)],
            AfterLogout::LoggedOut,
        ),
        (vec![("client_id", "rp"), ("post_logout_redirect_uri", BYE)], AfterLogout::Redirect(BYE.into())),
        (vec![("client_id", "rp"), ("post_logout_redirect_uri", "https://evil.example")], AfterLogout::LoggedOut),
    ] {
        let params = Params::from_pairs(pairs.clone());
        match world.oidc.logout(&world.tenant, &params, world.signed_in(), false).await.unwrap() {
            LogoutOutcome::Confirm { fields, .. } => {
                let again = Params::from_pairs(fields);
                match world.oidc.logout(&world.tenant, &again, world.signed_in(), true).await.unwrap() {
                    LogoutOutcome::End(after) => assert_eq!(after, after_yes, "{pairs:?}"),
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{pairs:?}: {other:?}"),
        }
    }
    // a hint about another person than the one signed in
    let other = person(&*world.entropy, "hanako@example.jp");
    let others = session(&*world.entropy, &other, NOW, madoguchi_domain::session::Acr::Password);
    let as_other = Some(madoguchi_oidc::AuthSession { session: &others, account: &other });
    let params = Params::from_pairs([("id_token_hint", hint)]);
    let outcome = world.oidc.logout(&world.tenant, &params, as_other, false).await.unwrap();
    assert!(matches!(outcome, LogoutOutcome::Confirm { .. }));
}
