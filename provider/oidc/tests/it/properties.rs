//! What holds whatever happens: a family has at most one living refresh token; no answer leaves for an unregistered URI.

use crate::support::*;
use madoguchi_oidc::{AuthorizeOutcome, Params};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use std::sync::Arc;

on_both! {
    a_family_has_at_most_one_living_leaf
    no_answer_goes_to_an_unregistered_uri
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&strategy, test).unwrap();
}

async fn a_family_has_at_most_one_living_leaf(world: World) {
    let world = Arc::new(world);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        // each step presents one of the tokens seen so far, alone or twice at once
        run(16, prop::collection::vec((0usize..6, any::<bool>()), 1..10), |steps| {
            runtime.block_on(async {
                let first = world.tokens(&[]).await;
                let mut seen = vec![first["refresh_token"].as_str().unwrap().to_owned()];
                let mut newest_only = true;
                for (back, twice) in steps {
                    let index = seen.len().saturating_sub(1 + back);
                    let token = seen[index].clone();
                    let is_newest = index + 1 == seen.len();
                    let answers = if twice {
                        let (a, b) = tokio::join!(world.refresh(&token), world.refresh(&token));
                        vec![a, b]
                    } else {
                        vec![world.refresh(&token).await]
                    };
                    let given: Vec<_> = answers.iter().filter(|(status, _)| *status == 200).collect();
                    prop_assert!(given.len() <= 1, "two live branches");
                    prop_assert!(given.is_empty() || (newest_only && is_newest), "a dead family gave tokens");
                    newest_only &= is_newest && !twice;
                    seen.extend(given.iter().map(|(_, body)| body["refresh_token"].as_str().unwrap().to_owned()));
                }
                Ok(())
            })
        });
    })
    .await
    .unwrap();
}

/// Whatever is asked for, in whatever form: plain, as an object that the client signed, or pushed.
async fn no_answer_goes_to_an_unregistered_uri(mut world: World) {
    let key = Key::new("k");
    Arc::make_mut(&mut world.tenant.config).settings.tokens.implicit_and_hybrid = true;
    world
        .client(json!({
            "client_id": "rp", "client_secret": "secret-of-rp", "redirect_uris": [REDIRECT], "first_party": true,
            "grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token", "code id_token"],
            "id_token_signed_response_alg": "ES256", "authorization_signed_response_alg": "ES256",
            "jwks": {"keys": [key.jwk()]},
        }))
        .await;
    let world = Arc::new(world);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let uri = prop_oneof![
            Just(REDIRECT.to_owned()),
            Just("https://evil.example/".to_owned()),
            "https://rp\\.example/cb\\?from=op[&#/.@a-z]{0,4}",
            "[a-z]{0,6}:?/{0,3}[ -~]{0,20}",
        ];
        let names = prop::sample::select(vec![
            "prompt",
            "response_mode",
            "response_type",
            "scope",
            "state",
            "nonce",
            "claims",
            "max_age",
            "id_token_hint",
            "request",
            "request_uri",
            "client_id",
            "redirect_uri",
            "iss",
            "aud",
            "exp",
            "error",
            "code",
        ]);
        let value = prop_oneof![
            prop::sample::select(vec!["none", "form_post", "fragment", "jwt", "id_token", "code id_token"])
                .prop_map(str::to_owned),
            Just("https://evil.example".to_owned()),
            "\\PC{0,12}"
        ];
        let form = 0usize..3;
        run(
            300,
            (uri, prop::collection::vec((names, value), 0..5), any::<bool>(), form),
            |(uri, more, known, form)| {
                let base = request(&[("redirect_uri", &uri)]);
                let mut pairs: Vec<(String, String)> =
                    base.pairs().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                pairs.extend(more.iter().map(|(n, v)| ((*n).to_owned(), v.clone())));
                let session = world.signed_in().filter(|_| known);
                let outside = |name: &str, value: &str| {
                    Params::from_pairs([("client_id", "rp"), ("redirect_uri", uri.as_str()), (name, value)])
                };
                let outcome = runtime.block_on(async {
                    let params = match form {
                        0 => Params::from_pairs(pairs),
                        1 => {
                            let claims: serde_json::Map<_, _> = pairs.into_iter().map(|(n, v)| (n, v.into())).collect();
                            outside("request", &key.sign(json!({"alg": "ES256", "kid": "k"}), &claims.into()))
                        }
                        _ => match world.push(&pairs).await {
                            Some(name) => outside("request_uri", &name),
                            None => return None,
                        },
                    };
                    Some(world.oidc.authorize(&world.tenant, &params, &world.browser, session).await.unwrap())
                });
                if let Some(AuthorizeOutcome::Redirect(answer)) = outcome {
                    prop_assert_eq!(answer.redirect_uri.as_str(), REDIRECT);
                    let location = answer.location();
                    let behind = location.strip_prefix(REDIRECT).unwrap_or_default();
                    prop_assert!(behind.starts_with(['&', '#']), "{}", location);
                    let signed = answer.field("response").map(|jwt| claims_of(jwt)["iss"].clone());
                    let from = answer.field("iss").map(|iss| json!(iss)).or(signed);
                    prop_assert_eq!(from, Some(json!(&*world.tenant.issuer)));
                }
                Ok(())
            },
        );
    })
    .await
    .unwrap();
}
