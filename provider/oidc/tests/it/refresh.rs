//! Refresh tokens: each once, one living leaf, and who may use them.

use crate::support::*;
use madoguchi_domain::Clock as _;
use serde_json::json;
use std::{sync::Arc, time::Duration};

on_both! {
    each_refresh_gives_the_next
    a_second_use_ends_the_family_and_is_logged
    of_many_at_once_at_most_one_lives
    the_scope_may_only_shrink
    a_refresh_token_is_bound_to_its_client
    without_offline_access_it_ends_with_the_session
}

async fn each_refresh_gives_the_next(world: World) {
    let first = world.tokens(&[]).await;
    world.clock.advance(Duration::from_secs(100));
    let (status, second) = world.refresh(first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (before, after) =
        (claims_of(first["id_token"].as_str().unwrap()), claims_of(second["id_token"].as_str().unwrap()));
    for same in ["iss", "sub", "aud", "auth_time", "acr", "sid"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert!(after.get("nonce").is_none());
    assert_eq!(after["iat"], NOW.0 + 100);
    assert_eq!(world.refresh(second["refresh_token"].as_str().unwrap()).await.0, 200);
}

async fn a_second_use_ends_the_family_and_is_logged(world: World) {
    let first = world.tokens(&[]).await;
    let old = first["refresh_token"].as_str().unwrap();
    let (_, second) = world.refresh(old).await;
    assert_eq!(world.refresh(old).await.1["error"], "invalid_grant");
    assert_eq!(world.refresh(second["refresh_token"].as_str().unwrap()).await.1["error"], "invalid_grant");
    assert_eq!(world.userinfo(second["access_token"].as_str().unwrap()).await.0, 401);
    let log = world.store().audit().by_subject(world.account.id.as_str(), 10).await.unwrap();
    assert_eq!(log.len(), 1, "once in the log, however often it is tried");
}

async fn of_many_at_once_at_most_one_lives(world: World) {
    let first = world.tokens(&[]).await;
    let token = first["refresh_token"].as_str().unwrap().to_owned();
    let world = Arc::new(world);
    let all: Vec<_> = (0..12)
        .map(|_| {
            let (world, token) = (Arc::clone(&world), token.clone());
            tokio::spawn(async move { world.refresh(&token).await })
        })
        .collect();
    let mut given = Vec::new();
    for one in all {
        let (status, body) = one.await.unwrap();
        if status == 200 {
            given.push(body);
        }
    }
    assert_eq!(given.len(), 1);
    assert_eq!(world.refresh(given[0]["refresh_token"].as_str().unwrap()).await.1["error"], "invalid_grant");
}

async fn the_scope_may_only_shrink(world: World) {
    let tokens = world.tokens(&[("scope", "openid profile email")]).await;
    let rp = basic("rp", "secret-of-rp");
    let form = |token: &str, scope: &str| {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
            ("scope", scope.to_owned()),
        ]
    };
    let call = async |form: Vec<(&str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        world.token(Some(&rp), &form).await
    };
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(call(form(token, "openid phone")).await.1["error"], "invalid_scope");
    let (status, narrow) = call(form(token, "openid email")).await;
    assert_eq!((status, narrow["scope"].as_str()), (200, Some("email openid")));
    let (_, claims) = world.userinfo(narrow["access_token"].as_str().unwrap()).await;
    assert!(claims.get("name").is_none() && claims["email"].is_string());
    let (_, wide) = world.refresh(narrow["refresh_token"].as_str().unwrap()).await;
    assert_eq!(wide["scope"], "email openid profile", "the refresh token keeps the whole grant");
}

async fn a_refresh_token_is_bound_to_its_client(mut world: World) {
    for (id, method) in [("spa", "none"), ("spa2", "none")] {
        world
            .client(json!({
                "client_id": id, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": method, "first_party": true,
                "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256",
            }))
            .await;
    }
    let code = world.code(&[("client_id", "spa")]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", "spa"),
    ];
    let (status, tokens) = world.token(None, &form).await;
    assert_eq!(status, 200, "{tokens}");
    let token = tokens["refresh_token"].as_str().unwrap();
    let as_client = |id| [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", id)];
    assert_eq!(world.token(None, &as_client("spa2")).await.1["error"], "invalid_grant");
    assert_eq!(world.refresh(token).await.1["error"], "invalid_grant");
    assert_eq!(world.token(None, &as_client("spa")).await.0, 200, "others' attempts changed nothing");
}

async fn without_offline_access_it_ends_with_the_session(world: World) {
    let bound = world.tokens(&[]).await;
    let offline = world.tokens(&[("scope", "openid offline_access")]).await;
    world.store().sessions().end_by_id(&world.session.id, world.clock.now()).await.unwrap();
    assert_eq!(world.refresh(bound["refresh_token"].as_str().unwrap()).await.1["error"], "invalid_grant");
    let (status, next) = world.refresh(offline["refresh_token"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    world.clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(world.refresh(next["refresh_token"].as_str().unwrap()).await.1["error"], "invalid_grant");
}
