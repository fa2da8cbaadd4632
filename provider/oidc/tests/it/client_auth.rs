//! Client authentication: one method, the registered one, and nothing twice.

use crate::support::*;
use madoguchi_domain::{Clock as _, audit::Actor};
use madoguchi_oidc::{EndpointRequest, OidcError};
use serde_json::{Value, json};
use std::{sync::atomic::Ordering, time::Duration};

on_both! {
    only_the_registered_method_counts
    odd_secrets_survive_their_encoding
    an_assertion_is_checked_and_used_once
    a_key_set_is_fetched_again_for_an_unknown_key
    metadata_is_validated_and_completed
    a_client_registered_elsewhere_is_found
}

const METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// Anything that gets past authentication fails with `invalid_grant`.
const CODE: [(&str, &str); 2] =
    [("grant_type", "authorization_code"), ("code", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn assert_with(world: &World, assertion: &str) -> String {
    let more = [("client_assertion", assertion), ("client_assertion_type", TYPE)];
    world.token(None, &[&CODE[..], &more].concat()).await.1["error"].as_str().unwrap().to_owned()
}

async fn only_the_registered_method_counts(mut world: World) {
    let key = Key::new("k1");
    for method in METHODS {
        let mut metadata = json!({
            "client_id": method, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": method,
            "id_token_signed_response_alg": "ES256",
        });
        match method {
            "private_key_jwt" => metadata["jwks"] = json!({"keys": [key.jwk()]}),
            "none" => {}
            _ => metadata["client_secret"] = json!("a-long-secret"),
        }
        world.client(metadata).await;
    }
    for registered in METHODS {
        for offered in METHODS {
            let header = basic(registered, "a-long-secret");
            let claims = json!({
                "iss": registered, "sub": registered, "aud": *world.tenant.issuer, "jti": format!("{registered}{offered}"),
                "exp": NOW.0 + 60,
            });
            let assertion = key.assertion(&claims);
            let (header, more): (Option<&str>, Vec<(&str, &str)>) = match offered {
                "client_secret_basic" => (Some(&header), vec![]),
                "client_secret_post" => (None, vec![("client_id", registered), ("client_secret", "a-long-secret")]),
                "private_key_jwt" => (None, vec![("client_assertion", &assertion), ("client_assertion_type", TYPE)]),
                _ => (None, vec![("client_id", registered)]),
            };
            let (status, body) = world.token(header, &[&CODE[..], &more].concat()).await;
            let expected = if registered == offered { (400, "invalid_grant") } else { (401, "invalid_client") };
            assert_eq!((status, body["error"].as_str().unwrap()), expected, "{registered} with {offered}");
        }
    }
    let basic_header = basic("client_secret_basic", "a-long-secret");
    for (header, more) in [
        (Some(basic_header.as_str()), vec![("client_id", "none")]),
        (Some(&basic_header), vec![("client_id", "client_secret_basic"), ("client_secret", "a-long-secret")]),
        (Some(&basic_header), vec![("client_assertion", "x"), ("client_assertion_type", TYPE)]),
    ] {
        let (status, body) = world.token(header, &[&CODE[..], &more].concat()).await;
        assert_eq!((status, body["error"].as_str().unwrap()), (400, "invalid_request"), "{more:?}");
    }
    let same = [&CODE[..], &[("client_id", "client_secret_basic")]].concat();
    assert_eq!(
        world.token(Some(&basic_header), &same).await.1["error"],
        "invalid_grant",
        "the same name twice is fine"
    );
    for wrong in [
        basic("client_secret_basic", ""),
        basic("client_secret_basic", "a-long-secret "),
        basic("unknown", "x"),
        "Basic x".into(),
    ] {
        assert_eq!(world.token(Some(&wrong), &CODE).await.0, 401);
    }
    let header = basic("client_secret_basic", "wrong");
    let request =
        EndpointRequest { authorization: vec![header.as_bytes()], body: Some(b"grant_type=x"), ..Default::default() };
    let reply = world.oidc.token(&world.tenant, request).await;
    assert!(reply.headers.iter().any(|(name, value)| *name == "www-authenticate" && value.starts_with("Basic realm=")));
    let query = "client_id=client_secret_post&client_secret=a-long-secret";
    let request =
        EndpointRequest { query: Some(query), body: Some(b"grant_type=authorization_code"), ..Default::default() };
    assert_eq!(world.oidc.token(&world.tenant, request).await.status, 400);
}

async fn odd_secrets_survive_their_encoding(mut world: World) {
    let (id, secret) = ("odd+client%2B", "p:%25 +/=あ&x=1");
    world
        .client(json!({
            "client_id": id, "client_secret": secret, "redirect_uris": [REDIRECT], "id_token_signed_response_alg": "ES256",
        }))
        .await;
    assert_eq!(world.token(Some(&basic(id, secret)), &CODE).await.1["error"], "invalid_grant");
}

async fn an_assertion_is_checked_and_used_once(mut world: World) {
    let (key, other) = (Key::new("k1"), Key::new("k1"));
    world
        .client(json!({
            "client_id": "jwt", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [key.jwk()]}, "id_token_signed_response_alg": "ES256",
        }))
        .await;
    let good = json!({
        "iss": "jwt", "sub": "jwt", "aud": *world.tenant.issuer, "jti": "1", "exp": NOW.0 + 60, "iat": NOW.0,
    });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims["jti"] = json!(format!("{name}{value}"));
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        claims
    };
    let token_endpoint = world.tenant.endpoint("/token");
    for accepted in [
        good.clone(),
        with("aud", json!(token_endpoint)),
        with("aud", json!([token_endpoint])),
        with("exp", json!(NOW.0 + 300)),
        with("nbf", json!(NOW.0 + 8)),
        with("iat", Value::Null),
        with("exp", json!(NOW.0 as f64 + 30.5)),
    ] {
        assert_eq!(assert_with(&world, &key.assertion(&accepted)).await, "invalid_grant", "{accepted}");
        assert_eq!(assert_with(&world, &key.assertion(&accepted)).await, "invalid_client", "used twice: {accepted}");
    }
    for refused in [
        with("aud", json!("https://op.example/t/other")),
        with("aud", json!(format!("{}/", world.tenant.issuer))),
        with("aud", json!([*world.tenant.issuer, "https://other.example"])),
        with("aud", Value::Null),
        with("iss", json!("rp")),
        with("sub", json!("rp")),
        with("sub", Value::Null),
        with("jti", Value::Null),
        with("exp", Value::Null),
        with("exp", json!(NOW.0 - 300)),
        with("exp", json!(NOW.0 + 3600)),
        with("nbf", json!(NOW.0 + 120)),
        with("iat", json!("now")),
    ] {
        assert_eq!(assert_with(&world, &key.assertion(&refused)).await, "invalid_client", "{refused}");
    }
    let fresh = |n: i64| with("iat", json!(NOW.0 - n));
    for forged in [
        other.assertion(&fresh(1)),
        key.sign(json!({"alg": "none"}), &fresh(2)),
        key.sign(json!({"alg": "HS256", "kid": "k1"}), &fresh(3)),
        key.sign(json!({"alg": "ES256", "kid": "k1", "crit": ["b64"]}), &fresh(4)),
        key.sign(json!({"alg": "ES256", "kid": "k1", "typ": "logout+jwt"}), &fresh(5)),
        key.sign(json!({"alg": "RS256", "kid": "k1"}), &fresh(6)),
        key.sign(json!({"alg": "ES256", "kid": "../k1"}), &fresh(7)),
        other.sign(json!({"alg": "ES256", "kid": "k1", "jwk": other.jwk(), "jku": "https://evil.example"}), &fresh(8)),
    ] {
        assert_eq!(assert_with(&world, &forged).await, "invalid_client", "{forged}");
    }
    assert_eq!(world.elsewhere.fetched.load(Ordering::SeqCst), 0, "no URL of a header is followed");
}

async fn a_key_set_is_fetched_again_for_an_unknown_key(mut world: World) {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let uri = "https://rp.example/jwks";
    world
        .client(json!({
            "client_id": "jwt", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": uri, "id_token_signed_response_alg": "ES256",
        }))
        .await;
    let publish = |keys: Value| world.elsewhere.documents.lock().unwrap().insert(uri.into(), json!({"keys": keys}));
    publish(json!([old.jwk()]));
    let claims = |jti: &str, now: i64| json!({"iss": "jwt", "sub": "jwt", "aud": *world.tenant.issuer, "jti": jti, "exp": now + 60});
    assert_eq!(assert_with(&world, &old.assertion(&claims("1", NOW.0))).await, "invalid_grant");
    assert_eq!(assert_with(&world, &old.assertion(&claims("2", NOW.0))).await, "invalid_grant");
    assert_eq!(world.elsewhere.fetched.load(Ordering::SeqCst), 1);
    publish(json!([new.jwk()]));
    assert_eq!(assert_with(&world, &new.assertion(&claims("3", NOW.0))).await, "invalid_client", "asked a moment ago");
    world.clock.advance(Duration::from_secs(30));
    let now = world.clock.now().0;
    assert_eq!(assert_with(&world, &new.assertion(&claims("4", now))).await, "invalid_grant");
    assert_eq!(assert_with(&world, &old.assertion(&claims("5", now))).await, "invalid_client");
    assert_eq!(world.elsewhere.fetched.load(Ordering::SeqCst), 2);
}

async fn metadata_is_validated_and_completed(world: World) {
    let register =
        async |metadata: Value| world.oidc.register_client(world.tenant.slug(), metadata, Actor::System).await;
    let made = register(json!({"redirect_uris": [REDIRECT], "client_name": "New"})).await.unwrap();
    assert!(made.client.metadata.client_id.len() >= 20);
    let document = made.document();
    assert_eq!(document["client_secret"], made.secret.as_ref().unwrap().expose());
    assert!(made.secret.unwrap().expose().len() == 43);
    let public = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"});
    assert!(register(public).await.unwrap().secret.is_none());
    for bad in [
        json!([]),
        json!({"redirect_uris": ["https://rp.example/#f"]}),
        json!({"redirect_uris": ["http://rp.example/"]}),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": [REDIRECT], "client_secret": "short"}),
        json!({"redirect_uris": [REDIRECT], "client_secret": 5}),
        json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_secret": "a-long-secret"}),
        json!({"redirect_uris": [REDIRECT], "id_token_signed_response_alg": "none"}),
    ] {
        assert!(matches!(register(bad.clone()).await, Err(OidcError::ClientMetadata(_))), "{bad}");
    }
}

async fn a_client_registered_elsewhere_is_found(world: World) {
    assert!(world.oidc.client(&world.tenant, "late").await.unwrap().is_none());
    let metadata = json!({"client_id": "late", "redirect_uris": [REDIRECT]});
    let prepared = world.oidc.prepare_client(metadata).unwrap();
    let store = world.store();
    let source = madoguchi_store::oidc::clients::ClientSource::File;
    store.clients().upsert(&prepared.client, source, NOW).await.unwrap();
    store.configuration().announce().await.unwrap();
    let found = world.oidc.client(&world.tenant, "late").await.unwrap();
    assert!(found.is_some(), "with the old view of the tenant, in the same second");
}
