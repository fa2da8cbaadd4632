//! From an authorization request to claims, and what must not get there.

use crate::support::*;
use madoguchi_domain::{Clock as _, account::AccountState};
use madoguchi_oidc::Params;
use std::{sync::Arc, time::Duration};

on_both! {
    every_statement_fits_the_schema
    a_code_becomes_tokens_and_claims
    a_second_use_of_a_code_ends_its_grant
    wrong_attempts_burn_nothing
    of_many_at_once_one_gets_tokens
    a_code_dies_after_its_time
    nothing_is_given_to_whom_nothing_may_be_given
    pkce_cannot_be_talked_away
    without_openid_there_is_no_id_token_and_no_userinfo
    affiliations_come_without_the_rest_of_the_student_ids
    the_claims_parameter_reaches_both_places
    another_tenants_codes_and_tokens_are_unknown
    altered_tokens_are_unknown
}

async fn every_statement_fits_the_schema(world: World) {
    assert!(world.db.prepare_all().await.unwrap() > 50);
}

async fn a_code_becomes_tokens_and_claims(world: World) {
    world.enrol("A123").await;
    let answer = redirected(world.authorize(&request(&[("scope", "openid profile email phone student_ids")])).await);
    assert_eq!(answer.field("state"), Some("st&te あ"));
    assert_eq!(answer.field("iss"), Some(&*world.tenant.issuer));
    assert!(answer.location().starts_with("https://rp.example/cb?from=op&code="));
    let (status, body) = world.redeem(answer.field("code").unwrap()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 600);
    assert_eq!(body["scope"], "email openid phone profile student_ids");
    let id_token = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!(id_token["iss"], *world.tenant.issuer);
    assert_eq!(id_token["aud"], serde_json::json!(["rp"]));
    assert_eq!(id_token["sub"], *world.account.sub);
    assert_eq!(id_token["nonce"], "n-1");
    assert_eq!(id_token["auth_time"], NOW.0);
    assert_eq!(id_token["acr"], "urn:madoguchi:acr:password");
    assert_eq!(id_token["amr"], serde_json::json!(["pwd"]));
    assert!(id_token["at_hash"].is_string());
    assert!(id_token.get("name").is_none(), "scope claims are for userinfo");
    let (status, claims) = world.userinfo(body["access_token"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    for (name, value) in [
        ("sub", world.account.sub.as_str()),
        ("name", "YAMADA Taro"),
        ("family_name#ja-Hani-JP", "山田"),
        ("given_name#ja-Kana-JP", "タロウ"),
        ("given_name", "Taro"),
        ("birthdate", "1990-04-01"),
        ("email", "taro@example.jp"),
        ("phone_number", "+819012345678"),
        ("nickname", "taro"),
        ("student_id", "A123"),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert_eq!(claims["student_ids"], serde_json::json!(["A123"]));
    assert_eq!(claims["affiliation"][0]["units"][0]["name#en"], "Engineering");
    assert!(claims.get("acr").is_none(), "a profile cannot make protocol claims");
}

async fn a_second_use_of_a_code_ends_its_grant(world: World) {
    let code = world.code(&[]).await;
    let (_, body) = world.redeem(&code).await;
    let access = body["access_token"].as_str().unwrap();
    assert_eq!(world.userinfo(access).await.0, 200);
    let (status, again) = world.redeem(&code).await;
    assert_eq!((status, again["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(world.userinfo(access).await.0, 401);
    assert_eq!(world.refresh(body["refresh_token"].as_str().unwrap()).await.1["error"], "invalid_grant");
}

async fn wrong_attempts_burn_nothing(mut world: World) {
    world
        .client(serde_json::json!({
            "client_id": "thief", "client_secret": "secret-of-thief", "redirect_uris": [REDIRECT],
            "id_token_signed_response_alg": "ES256",
        }))
        .await;
    let code = world.code(&[]).await;
    let rp = basic("rp", "secret-of-rp");
    let good = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let with = |name: &'static str, value: &'static str| {
        let mut form = good.to_vec();
        form.retain(|(n, _)| *n != name);
        if !value.is_empty() {
            form.push((name, value));
        }
        form
    };
    let other = "another-verifier-of-at-least-forty-three-characters";
    for (authorization, form, expected) in [
        (basic("thief", "secret-of-thief"), good.to_vec(), "invalid_grant"),
        (basic("rp", "wrong"), good.to_vec(), "invalid_client"),
        (rp.clone(), with("redirect_uri", "https://rp.example/cb?from=op&x=1"), "invalid_grant"),
        (rp.clone(), with("code_verifier", ""), "invalid_grant"),
        (rp.clone(), with("code_verifier", other), "invalid_grant"),
        (rp.clone(), with("code_verifier", "short"), "invalid_grant"),
        (rp.clone(), with("grant_type", "password"), "unsupported_grant_type"),
        (rp.clone(), with("grant_type", ""), "invalid_request"),
        (rp.clone(), with("code", ""), "invalid_request"),
    ] {
        let (_, body) = world.token(Some(&authorization), &form).await;
        assert_eq!(body["error"], expected, "{form:?}");
    }
    let doubled = [good.as_slice(), &[("code", code.as_str())]].concat();
    assert_eq!(world.token(Some(&rp), &doubled).await.1["error"], "invalid_request");
    assert_eq!(world.token(Some(&rp), &with("redirect_uri", "")).await.0, 200, "the verifier stands for the URI");
    // and a wrong replay afterwards revokes nothing
    let replay = world.token(Some(&rp), &with("code_verifier", other)).await;
    assert_eq!(replay.1["error"], "invalid_grant");
}

async fn of_many_at_once_one_gets_tokens(world: World) {
    let code = world.code(&[]).await;
    let world = Arc::new(world);
    let all: Vec<_> = (0..16)
        .map(|_| {
            let (world, code) = (Arc::clone(&world), code.clone());
            tokio::spawn(async move { world.redeem(&code).await })
        })
        .collect();
    let mut winners = 0;
    for one in all {
        let (status, body) = one.await.unwrap();
        match status {
            200 => winners += 1,
            _ => assert_eq!(body["error"], "invalid_grant"),
        }
    }
    assert_eq!(winners, 1);
}

async fn a_code_dies_after_its_time(world: World) {
    let code = world.code(&[]).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.redeem(&code).await.1["error"], "invalid_grant");
}

async fn nothing_is_given_to_whom_nothing_may_be_given(mut world: World) {
    let (code, tokens) = (world.code(&[]).await, world.tokens(&[]).await);
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let store = world.store();
    let (active, disabled) = (AccountState::Active, AccountState::Disabled);
    let id = world.account.id.clone();
    assert!(store.accounts().set_state(&id, active, disabled, world.clock.now()).await.unwrap());
    assert_eq!(world.redeem(&code).await.1["error"], "invalid_grant");
    assert_eq!(world.refresh(refresh).await.1["error"], "invalid_grant");
    assert_eq!(world.userinfo(access).await.1["error"], "invalid_token");
    assert!(store.accounts().set_state(&id, disabled, active, world.clock.now()).await.unwrap());
    assert_eq!(world.userinfo(access).await.0, 200);
    store.accounts().end_everything(&id).await.unwrap();
    assert_eq!(world.redeem(&code).await.1["error"], "invalid_grant");
    assert_eq!(world.refresh(refresh).await.1["error"], "invalid_grant");
    assert_eq!(world.userinfo(access).await.1["error"], "invalid_token");
    // the client is gone
    world.account = store.accounts().find(&id).await.unwrap().unwrap();
    let tokens = world.tokens(&[]).await;
    store.clients().delete("rp").await.unwrap();
    store.configuration().announce().await.unwrap();
    world.refresh_view().await;
    assert_eq!(world.userinfo(tokens["access_token"].as_str().unwrap()).await.1["error"], "invalid_token");
    assert_eq!(world.refresh(tokens["refresh_token"].as_str().unwrap()).await.0, 401);
}

async fn pkce_cannot_be_talked_away(mut world: World) {
    let long = "a".repeat(44);
    for changes in [
        vec![("code_challenge", ""), ("code_challenge_method", "")],
        vec![("code_challenge", "")],
        vec![("code_challenge_method", "plain")],
        vec![("code_challenge_method", "")],
        vec![("code_challenge_method", "s256")],
        vec![("code_challenge", "short")],
        vec![("code_challenge", long.as_str())],
        vec![("code_challenge", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa+")],
    ] {
        assert_eq!(error(world.authorize(&request(&changes)).await), "invalid_request", "{changes:?}");
    }
    world
        .client(serde_json::json!({
            "client_id": "old", "client_secret": "secret-of-old", "redirect_uris": [REDIRECT], "require_pkce": false,
            "first_party": true, "id_token_signed_response_alg": "ES256",
        }))
        .await;
    let none = [("client_id", "old"), ("code_challenge", ""), ("code_challenge_method", "")];
    let code = world.code(&none).await;
    let old = basic("old", "secret-of-old");
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    let with_verifier = [form.as_slice(), &[("code_verifier", VERIFIER)]].concat();
    assert_eq!(
        world.token(Some(&old), &with_verifier).await.1["error"],
        "invalid_grant",
        "a verifier without a challenge"
    );
    assert_eq!(world.token(Some(&old), &form[..2]).await.1["error"], "invalid_request", "no verifier, no redirect_uri");
    assert_eq!(world.token(Some(&old), &form).await.0, 200);
    let code = world.code(&[("client_id", "old")]).await;
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    assert_eq!(world.token(Some(&old), &form).await.1["error"], "invalid_grant", "a challenge without a verifier");
    // plain is refused for this client too
    let plain = request(&[("client_id", "old"), ("code_challenge_method", "plain")]);
    assert_eq!(error(world.authorize(&plain).await), "invalid_request");
}

async fn without_openid_there_is_no_id_token_and_no_userinfo(world: World) {
    let tokens = world.tokens(&[("scope", "email")]).await;
    assert!(tokens.get("id_token").is_none());
    let (status, body) = world.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((status, body["error"].as_str()), (403, Some("insufficient_scope")));
    for scope in ["", "unknown", "open\"id", "offline_access"] {
        let outcome = world.authorize(&request(&[("scope", scope)])).await;
        assert_eq!(outcome_error(outcome, scope), if scope == "offline_access" { "" } else { "invalid_scope" });
    }
}

fn outcome_error(outcome: madoguchi_oidc::AuthorizeOutcome, _: &str) -> String {
    redirected(outcome).field("error").unwrap_or_default().to_owned()
}

async fn affiliations_come_without_the_rest_of_the_student_ids(world: World) {
    world.enrol("A1").await;
    let tokens = world.tokens(&[("scope", "openid affiliation")]).await;
    assert_eq!(tokens["scope"], "affiliation openid");
    let (_, userinfo) = world.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo["affiliation"][0]["student_id"], "A1");
    assert_eq!(userinfo["affiliation"][0]["units"][0]["code"], "E");
    assert!(userinfo.get("student_ids").is_none() && userinfo.get("kind_of_user").is_none());
    let reply = world.oidc.discovery(&world.tenant).await.unwrap();
    let document: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let supported = |name: &str| document[name].as_array().unwrap().clone();
    assert!(supported("scopes_supported").contains(&"affiliation".into()));
    let claims = supported("claims_supported");
    assert_eq!(claims.iter().filter(|claim| **claim == "affiliation").count(), 1);
}

async fn the_claims_parameter_reaches_both_places(world: World) {
    world.enrol("A1").await;
    let claims = r#"{"userinfo":{"email":{"essential":true},"iss":null,"student_ids":null},
        "id_token":{"name":null,"nickname":{"value":"jiro"},"birthdate":{"values":["1990-04-01"]},"sub":null,"nonce":null,"student_id":null}}"#;
    let tokens = world.tokens(&[("scope", "openid"), ("claims", claims)]).await;
    let id_token = claims_of(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["name"], "YAMADA Taro");
    assert_eq!(id_token["birthdate"], "1990-04-01");
    assert_eq!(id_token["student_id"], "A1");
    assert!(id_token.get("nickname").is_none(), "another value was asked for");
    let (_, userinfo) = world.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo["email"], "taro@example.jp");
    assert_eq!(userinfo["student_ids"], serde_json::json!(["A1"]));
    assert!(userinfo.get("iss").is_none() && userinfo.get("name").is_none());
    assert_eq!(error(world.authorize(&request(&[("claims", "{")])).await), "invalid_request");
}

async fn another_tenants_codes_and_tokens_are_unknown(world: World) {
    let fresh = sqlite().await;
    let there = World::of(&fresh, "residence", serde_json::json!({})).await;
    let code = there.code(&[]).await;
    assert_eq!(world.redeem(&code).await.1["error"], "invalid_grant");
    let tokens = there.tokens(&[]).await;
    assert_eq!(world.userinfo(tokens["access_token"].as_str().unwrap()).await.1["error"], "invalid_token");
    // the same database, the other tenant's view
    let view =
        madoguchi_oidc::TenantView { config: Arc::new(config("other", serde_json::json!({}))), ..world.tenant.clone() };
    let here = world.tokens(&[]).await;
    let header = format!("Bearer {}", here["access_token"].as_str().unwrap());
    let request = madoguchi_oidc::EndpointRequest { authorization: vec![header.as_bytes()], ..Default::default() };
    assert_eq!(world.oidc.userinfo(&view, request).await.status, 401);
    fresh.drop_it().await;
}

async fn altered_tokens_are_unknown(world: World) {
    let tokens = world.tokens(&[]).await;
    let good = tokens["access_token"].as_str().unwrap();
    let id_token = tokens["id_token"].as_str().unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for bad in [&good[..42], &format!("{good}A"), &format!("{good}="), id_token, refresh, "", " "] {
        assert_eq!(world.userinfo(bad).await.0, 401, "{bad}");
    }
    assert_eq!(world.refresh(good).await.1["error"], "invalid_grant");
    assert_eq!(world.userinfo(good).await.0, 200);
    // in the query it is not looked at, and twice is too often
    let query = format!("access_token={good}");
    let request = madoguchi_oidc::EndpointRequest { query: Some(&query), ..Default::default() };
    assert_eq!(world.oidc.userinfo(&world.tenant, request).await.status, 400);
    let request = madoguchi_oidc::EndpointRequest { body: Some(query.as_bytes()), ..Default::default() };
    assert_eq!(world.oidc.userinfo(&world.tenant, request).await.status, 200);
    let header = format!("Bearer {good}");
    let request = madoguchi_oidc::EndpointRequest {
        authorization: vec![header.as_bytes()],
        body: Some(query.as_bytes()),
        ..Default::default()
    };
    assert_eq!(world.oidc.userinfo(&world.tenant, request).await.status, 400);
    assert!(Params::read(Some(&query), None).check().is_ok());
}
