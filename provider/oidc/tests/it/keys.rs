//! Signing keys and the documents: every algorithm, rotation, and what others can verify.

use crate::support::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::{audit::Actor, client::SigningAlgorithm};
use madoguchi_oidc::{Oidc, OidcError, Parts};
use openidconnect::{
    AccessToken, AccessTokenHash, ClientId, ClientSecret, IssuerUrl, Nonce,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreProviderMetadata},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

on_both! {
    every_algorithm_is_verified_by_another_implementation
    a_rotated_key_stays_published_until_its_tokens_are_gone
    two_nodes_that_start_together_make_one_set
    keys_under_another_seal_stop_the_start
    the_document_says_what_is_there
}

async fn key_set(world: &World) -> CoreJsonWebKeySet {
    let reply = world.oidc.jwks(&world.tenant).await.unwrap();
    serde_json::from_slice(&reply.body).unwrap()
}

/// Verifies as a relying party does; returns the key's name.
async fn verify(world: &World, client: &str, tokens: &Value) -> String {
    let text = tokens["id_token"].as_str().unwrap();
    let token: CoreIdToken = text.parse().unwrap();
    let verifier = CoreIdTokenVerifier::new_confidential_client(
        ClientId::new(client.into()),
        ClientSecret::new("unused".into()),
        IssuerUrl::new(world.tenant.issuer.to_string()).unwrap(),
        key_set(world).await,
    )
    .set_allowed_algs([
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ])
    .set_time_fn(|| NOW.to_utc());
    let claims = token.claims(&verifier, &Nonce::new("n-1".into())).unwrap();
    let access = AccessToken::new(tokens["access_token"].as_str().unwrap().into());
    let (algorithm, key) = (token.signing_alg().unwrap(), token.signing_key(&verifier).unwrap());
    let expected = AccessTokenHash::from_token(&access, algorithm, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&expected));
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn with_all_algorithms(world: &mut World) {
    let mut config = (*world.tenant.config).clone();
    config.settings.tokens.algorithms = SigningAlgorithm::ALL.to_vec();
    world.tenant.config = Arc::new(config);
    assert!(world.oidc.ensure_keys(&world.tenant).await.unwrap());
    assert!(!world.oidc.ensure_keys(&world.tenant).await.unwrap(), "nothing lacks any more");
    world.refresh_view().await;
}

async fn every_algorithm_is_verified_by_another_implementation(mut world: World) {
    with_all_algorithms(&mut world).await;
    let keys = world.oidc.keys(&world.tenant).await.unwrap();
    assert_eq!(keys.len(), 4);
    for algorithm in SigningAlgorithm::ALL {
        let id = algorithm.as_str();
        world
            .client(json!({
                "client_id": id, "client_secret": "a-long-secret", "redirect_uris": [REDIRECT], "first_party": true,
                "id_token_signed_response_alg": id,
            }))
            .await;
        let code = world.code(&[("client_id", id)]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let (status, tokens) = world.token(Some(&basic(id, "a-long-secret")), &form).await;
        assert_eq!(status, 200, "{tokens}");
        let kid = verify(&world, id, &tokens).await;
        assert_eq!(keys.iter().find(|k| k.kid == kid).map(|k| k.algorithm), Some(algorithm));
        // and our own verification takes it as a hint
        let hint = tokens["id_token"].as_str().unwrap();
        let answer = redirected(world.authorize(&request(&[("prompt", "none"), ("id_token_hint", hint)])).await);
        assert!(answer.field("code").is_some(), "{answer:?}");
    }
}

async fn a_rotated_key_stays_published_until_its_tokens_are_gone(mut world: World) {
    let before = world.tokens(&[]).await;
    let old = verify(&world, "rp", &before).await;
    world.clock.advance(Duration::from_secs(1));
    let keys = world.oidc.rotate_keys(&world.tenant, Actor::Operator("root".into())).await.unwrap();
    assert_eq!(keys.iter().map(|k| k.active).collect::<Vec<_>>(), [false, true]);
    let after = world.tokens(&[]).await;
    let new = verify(&world, "rp", &after).await;
    assert_ne!(old, new);
    assert_eq!(verify(&world, "rp", &before).await, old, "still to be verified");
    assert_eq!(key_set(&world).await.keys().len(), 2);
    world.clock.advance(Duration::from_secs(14 * 3600));
    assert_eq!(key_set(&world).await.keys().len(), 1, "its time is over");
    world.refresh_view().await;
    let hint = before["id_token"].as_str().unwrap();
    assert_eq!(
        error(world.authorize(&request(&[("prompt", "none"), ("id_token_hint", hint)])).await),
        "invalid_request"
    );
}

fn another_node(world: &World, seal: &'static str) -> Oidc {
    Oidc::new(Parts {
        database: world.db.clone(),
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        sealer: Arc::new(Labels(seal)),
        outbound: world.elsewhere.clone(),
    })
}

async fn two_nodes_that_start_together_make_one_set(mut world: World) {
    let mut config = (*world.tenant.config).clone();
    config.settings.tokens.algorithms = vec![SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];
    world.tenant.config = Arc::new(config);
    let (a, b) = (another_node(&world, "master"), another_node(&world, "master"));
    let (first, second) = tokio::join!(a.ensure_keys(&world.tenant), b.ensure_keys(&world.tenant));
    assert!(first.unwrap() | second.unwrap());
    let keys = world.oidc.keys(&world.tenant).await.unwrap();
    assert_eq!(keys.iter().filter(|k| k.active).count(), 2);
    world.refresh_view().await;
    let sets = [a.jwks(&world.tenant).await.unwrap().body, b.jwks(&world.tenant).await.unwrap().body];
    assert_eq!(sets[0], sets[1]);
}

async fn keys_under_another_seal_stop_the_start(world: World) {
    let node = another_node(&world, "lost");
    assert!(matches!(node.jwks(&world.tenant).await, Err(OidcError::Keys(_))));
    assert!(!node.ensure_keys(&world.tenant).await.unwrap(), "and are never replaced in silence");
}

async fn the_document_says_what_is_there(mut world: World) {
    with_all_algorithms(&mut world).await;
    let reply = world.oidc.discovery(&world.tenant).await.unwrap();
    let document: Value = serde_json::from_slice(&reply.body).unwrap();
    let _: CoreProviderMetadata = serde_json::from_slice(&reply.body).unwrap();
    let issuer = &*world.tenant.issuer;
    for (name, path) in [
        ("issuer", ""),
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/jwks"),
        ("end_session_endpoint", "/end-session"),
        ("pushed_authorization_request_endpoint", "/par"),
    ] {
        assert_eq!(document[name], format!("{issuer}{path}"));
    }
    for (name, value) in [
        ("response_types_supported", json!(["code"])),
        (
            "response_modes_supported",
            json!(["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"]),
        ),
        ("grant_types_supported", json!(["authorization_code", "refresh_token"])),
        ("subject_types_supported", json!(["public", "pairwise"])),
        ("id_token_signing_alg_values_supported", json!(["RS256", "PS256", "ES256", "EdDSA"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]),
        ),
        ("acr_values_supported", json!(["urn:madoguchi:acr:password"])),
        ("ui_locales_supported", json!(["ja", "en"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
        ("claims_parameter_supported", json!(true)),
        ("request_parameter_supported", json!(true)),
        ("request_uri_parameter_supported", json!(true)),
        ("require_request_uri_registration", json!(true)),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    let text = String::from_utf8_lossy(&world.oidc.jwks(&world.tenant).await.unwrap().body).into_owned();
    let set: Value = serde_json::from_str(&text).unwrap();
    for key in set["keys"].as_array().unwrap() {
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].is_string() && key["alg"].is_string() && key.get("d").is_none() && key.get("p").is_none());
    }
}
