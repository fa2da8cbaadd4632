//! The host answers beside its provider, and two of them live in one process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs, dead_code)]

#[path = "../src/main.rs"]
mod program;

use axum::{Router, body::Body, http::Request};
use program::host;
use std::path::Path;
use tower::ServiceExt;

async fn get(app: &Router, path: &str) -> (u16, String) {
    let response = app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn the_example_is_as_short_as_it_claims() {
    assert!(include_str!("../src/main.rs").lines().count() < 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_with_providers_under_a_prefix_live_in_one_process() {
    let tenants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tenants");
    for (tenant, origin) in [("certificate", "http://localhost:3000"), ("residence", "http://localhost:3001")] {
        let data = tempfile::tempdir().unwrap();
        let (app, provider) = host(origin, &tenants.join(tenant), data.path()).await.unwrap();
        let workers = provider.start_workers();

        assert_eq!(get(&app, "/").await, (200, "the host's own page; log in at /id".to_owned()));
        let (status, body) = get(&app, &format!("/id/t/{tenant}/.well-known/openid-configuration")).await;
        assert_eq!(status, 200, "{body}");
        let document: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["issuer"], format!("{origin}/id/t/{tenant}"));
        for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let url = document[endpoint].as_str().unwrap();
            assert!(url.starts_with(&format!("{origin}/id/t/{tenant}/")), "{url}");
        }
        let jwks = document["jwks_uri"].as_str().unwrap().strip_prefix(origin).unwrap();
        assert_eq!(get(&app, jwks).await.0, 200);
        let (status, body) = get(&app, &format!("/id/t/{tenant}/login")).await;
        assert_eq!(status, 200);
        assert!(body.contains("action=\"/id/t/") && !body.contains("action=\"/t/"), "links carry the prefix");
        workers.stop().await;
    }
}
