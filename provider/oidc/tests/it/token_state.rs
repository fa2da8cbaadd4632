//! Introspection and revocation: what a token is good for, told to whom it was given, and taken back by them.

use crate::support::*;
use madoguchi_domain::{account::AccountState, audit::Action};
use madoguchi_oidc::{EndpointRequest, Reply};
use serde_json::{Value, json};
use std::time::Duration;

on_both! {
    a_token_is_told_as_it_is_now
    a_stranger_learns_and_ends_nothing
    a_refresh_token_takes_its_family_along
    an_access_token_goes_alone
    a_signed_answer_is_for_the_client_that_asked
    what_is_malformed_is_refused
}

const ACCEPT_SIGNED: &str = "application/token-introspection+jwt";

fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

async fn ask(world: &World, who: Option<&str>, form: &[(&str, &str)], accept: Option<&str>) -> Reply {
    let body = encoded(form);
    let authorization = who.map(str::as_bytes).into_iter().collect();
    let request = EndpointRequest { authorization, body: Some(body.as_bytes()), accept, ..Default::default() };
    world.oidc.introspect(&world.tenant, request).await
}

async fn introspect(world: &World, token: &str) -> Value {
    let reply = ask(world, Some(&basic("rp", "secret-of-rp")), &[("token", token)], None).await;
    assert_eq!(reply.status, 200);
    serde_json::from_slice(&reply.body).unwrap()
}

async fn revoke_as(world: &World, who: Option<&str>, form: &[(&str, &str)]) -> (u16, Value) {
    let body = encoded(form);
    let authorization = who.map(str::as_bytes).into_iter().collect();
    let request = EndpointRequest { authorization, body: Some(body.as_bytes()), ..Default::default() };
    let reply = world.oidc.revoke(&world.tenant, request).await;
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn both(tokens: &Value) -> (String, String) {
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn a_token_is_told_as_it_is_now(world: World) {
    let (access, refresh) = both(&world.tokens(&[("scope", "openid profile")]).await);
    let told = introspect(&world, &access).await;
    let expected = json!({
        "active": true, "iss": &*world.tenant.issuer, "sub": world.account.sub, "aud": "rp", "client_id": "rp",
        "scope": "openid profile", "iat": NOW.0, "exp": told["exp"], "acr": told["acr"], "auth_time": told["auth_time"],
        "token_type": "Bearer",
    });
    assert_eq!(told, expected);
    assert!(told["exp"].as_i64().unwrap() > NOW.0);
    assert_eq!(told["acr"], world.session.authentication.acr.as_str());
    let told = introspect(&world, &refresh).await;
    assert_eq!((&told["active"], told.get("token_type")), (&json!(true), None));

    // over, one way or the other: nothing but that
    let over = json!({"active": false});
    for none in ["x", "", &"A".repeat(43)].into_iter().filter(|t| !t.is_empty()) {
        assert_eq!(introspect(&world, none).await, over);
    }
    let (_, rotated) = world.refresh(&refresh).await;
    assert_eq!(introspect(&world, &refresh).await, over, "it was used");
    let (access, refresh) = both(&rotated);
    let (active, disabled) = (AccountState::Active, AccountState::Disabled);
    let (store, id) = (world.store(), world.account.id.clone());
    assert!(store.accounts().set_state(&id, active, disabled, NOW).await.unwrap());
    assert_eq!(introspect(&world, &access).await, over, "the account is switched off");
    assert!(store.accounts().set_state(&id, disabled, active, NOW).await.unwrap());
    assert_eq!(introspect(&world, &access).await["active"], true);
    world.clock.advance(Duration::from_secs(60 * 60 * 24 * 400));
    for token in [access, refresh] {
        assert_eq!(introspect(&world, &token).await, over, "its time is over");
    }
}

async fn a_stranger_learns_and_ends_nothing(mut world: World) {
    world.client(json!({"client_id": "other", "client_secret": "secret-of-other", "redirect_uris": [REDIRECT]})).await;
    world.client(json!({"client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": [REDIRECT]})).await;
    let (access, refresh) = both(&world.tokens(&[]).await);
    let other = basic("other", "secret-of-other");
    for token in [&access, &refresh] {
        let reply = ask(&world, Some(&other), &[("token", token)], None).await;
        assert_eq!(&reply.body[..], br#"{"active":false}"#);
        let unknown = revoke_as(&world, Some(&other), &[("token", "unknown")]).await;
        assert_eq!(revoke_as(&world, Some(&other), &[("token", token)]).await, unknown);
        assert_eq!(unknown, (200, json!({})));
        assert_eq!(introspect(&world, token).await["active"], true, "nothing was ended");
        // nobody, and somebody with a wrong secret
        for who in [None, Some(basic("rp", "wrong"))] {
            let reply = ask(&world, who.as_deref(), &[("token", token)], None).await;
            assert_eq!(reply.status, 401);
            assert_eq!(revoke_as(&world, who.as_deref(), &[("token", token)]).await.0, 401);
        }
    }
    // one that cannot prove itself may give back what it holds, and ask about nothing
    let reply = ask(&world, None, &[("token", &access), ("client_id", "app")], None).await;
    assert_eq!((reply.status, &reply.body[..29]), (400, &br#"{"error":"unauthorized_client"#[..]));
    assert_eq!(revoke_as(&world, None, &[("token", &access), ("client_id", "app")]).await, (200, json!({})));
    assert_eq!(world.userinfo(&access).await.0, 200);
}

async fn a_refresh_token_takes_its_family_along(world: World) {
    let (access, refresh) = both(&world.tokens(&[]).await);
    let rp = basic("rp", "secret-of-rp");
    for hint in ["access_token", "nonsense"] {
        let form = [("token", refresh.as_str()), ("token_type_hint", hint)];
        assert_eq!(revoke_as(&world, Some(&rp), &form).await, (200, json!({})), "a hint, and it may be wrong");
    }
    assert_eq!(world.userinfo(&access).await.0, 401);
    assert_eq!(world.refresh(&refresh).await.1["error"], "invalid_grant");
    let log = world.store().audit().by_subject(world.account.id.as_str(), 10).await.unwrap();
    let ended = log.iter().filter(|line| line.event.action == Action::TokenRevoked).count();
    assert_eq!((ended, log.len()), (1, 1), "once, and no reuse: {log:?}");
}

async fn an_access_token_goes_alone(world: World) {
    let (access, refresh) = both(&world.tokens(&[]).await);
    let rp = basic("rp", "secret-of-rp");
    assert_eq!(revoke_as(&world, Some(&rp), &[("token", &access)]).await.0, 200);
    assert_eq!(world.userinfo(&access).await.0, 401);
    assert_eq!(introspect(&world, &access).await, json!({"active": false}));
    assert_eq!(world.refresh(&refresh).await.0, 200);
}

async fn a_signed_answer_is_for_the_client_that_asked(mut world: World) {
    world
        .client(json!({
            "client_id": "rp", "client_secret": "secret-of-rp", "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"], "first_party": true,
            "id_token_signed_response_alg": "ES256", "introspection_signed_response_alg": "ES256",
        }))
        .await;
    let (access, _) = both(&world.tokens(&[]).await);
    let rp = basic("rp", "secret-of-rp");
    for (token, active) in [(access.as_str(), true), ("unknown", false)] {
        let reply =
            ask(&world, Some(&rp), &[("token", token)], Some(&format!("text/html, {ACCEPT_SIGNED};q=0.9"))).await;
        assert_eq!(reply.status, 200);
        assert!(reply.headers.iter().any(|(name, value)| *name == "content-type" && value == ACCEPT_SIGNED));
        let jwt = String::from_utf8(reply.body.to_vec()).unwrap();
        let header = claims_of(&format!("x.{}.x", jwt.split('.').next().unwrap()));
        assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("token-introspection+jwt")));
        let claims = claims_of(&jwt);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(&*world.tenant.issuer), &json!("rp")));
        assert_eq!(claims["iat"], NOW.0);
        assert_eq!(claims["token_introspection"], introspect(&world, token).await);
        assert_eq!(claims["token_introspection"]["active"], active);
        assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "nothing that makes it pass for a token");
    }
    // not good for anything else that we verify
    let reply = ask(&world, Some(&rp), &[("token", &access)], Some(ACCEPT_SIGNED)).await;
    let jwt = String::from_utf8(reply.body.to_vec()).unwrap();
    assert_eq!(world.userinfo(&jwt).await.0, 401);
}

async fn what_is_malformed_is_refused(world: World) {
    let rp = basic("rp", "secret-of-rp");
    for form in [&[][..], &[("token", "")], &[("token", "a"), ("token", "b")]] {
        let reply = ask(&world, Some(&rp), form, None).await;
        assert_eq!(reply.status, 400, "{form:?}");
        let (status, body) = revoke_as(&world, Some(&rp), form).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_request")), "{form:?}");
    }
    let request = EndpointRequest {
        authorization: vec![rp.as_bytes()],
        query: Some("token=abc"),
        body: Some(b"token=abc"),
        ..Default::default()
    };
    assert_eq!(world.oidc.introspect(&world.tenant, request).await.status, 400, "nothing of it belongs into a URL");
}
