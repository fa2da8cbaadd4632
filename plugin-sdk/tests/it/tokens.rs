//! Keys that change, providers that are away, tokens that run out.

use crate::{browser::Browser, provider::Op};
use axum::http::{StatusCode, header};
use std::time::Duration;

#[tokio::test]
async fn a_key_that_is_unknown_is_looked_for_once() {
    let browser = Browser::new().await;
    browser.log_in().await;
    assert_eq!(browser.op.count(|c| c.jwks), 1);
    browser.op.set(|op| op.kid = "k2".into());
    assert_eq!(browser.log_in().await.location(), "/who");
    assert_eq!(browser.op.count(|c| c.jwks), 2);

    browser.op.set(|op| op.kid = "k3".into());
    assert_eq!(browser.log_in().await.error(), "invalid-answer", "not again within half a minute");
    assert_eq!(browser.op.count(|c| c.jwks), 2);
    browser.op.clock.advance(Duration::from_secs(31));
    assert_eq!(browser.log_in().await.location(), "/who");
    assert_eq!(browser.op.count(|c| c.jwks), 3);
    assert_eq!(browser.op.count(|c| c.discovery), 1);
}

#[tokio::test]
async fn a_provider_that_starts_later_is_found_and_one_that_is_down_is_not_pestered() {
    let op = Op::start().await;
    op.set(|op| op.up = false);
    let browser = Browser::with(op.clone(), |b| b);
    let page = browser.get("/login").await;
    assert_eq!((page.error(), page.status), ("provider-unavailable", StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(page.headers[header::RETRY_AFTER], "1");
    for _ in 0..5 {
        assert_eq!(browser.get("/login").await.error(), "provider-unavailable");
    }
    assert_eq!(op.count(|c| c.discovery), 1);
    op.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get("/login").await.headers[header::RETRY_AFTER], "2");
    op.set(|op| op.up = true);
    op.clock.advance(Duration::from_secs(2));
    assert_eq!(browser.log_in().await.location(), "/who");

    // Once known, it is used on while it is down.
    op.set(|op| op.up = false);
    op.clock.advance(Duration::from_secs(4000));
    assert_eq!(browser.log_in().await.location(), "/who");
}

#[tokio::test]
async fn a_crowd_renews_an_access_token_once() {
    let browser = Browser::new().await;
    browser.log_in().await;
    assert_eq!(browser.get("/api").await.body, "access-0");
    browser.op.clock.advance(Duration::from_secs(280));
    let (a, b, c, d) = tokio::join!(browser.get("/api"), browser.get("/api"), browser.get("/api"), browser.get("/api"));
    for page in [a, b, c, d] {
        assert_eq!(page.body, "access-1");
    }
    assert_eq!(browser.op.count(|c| c.refresh), 1);
    browser.op.clock.advance(Duration::from_secs(280));
    assert_eq!(browser.get("/api").await.body, "access-2", "with the rotated refresh token");
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_ends_the_session() {
    let browser = Browser::new().await;
    browser.log_in().await;
    browser.op.set(|op| op.refuse_refresh = true);
    browser.op.clock.advance(Duration::from_secs(280));
    assert_eq!(browser.get("/api").await.body, "the person has to log in again");
    assert_eq!(browser.get("/").await.body, "nobody");
}

#[tokio::test]
async fn a_renewed_token_of_somebody_else_ends_the_session() {
    let browser = Browser::new().await;
    browser.log_in().await;
    browser.op.forge(|claims| claims["sub"] = "person-2".into());
    browser.op.clock.advance(Duration::from_secs(280));
    assert_eq!(browser.get("/api").await.body, "the person has to log in again");
    assert_eq!(browser.get("/").await.body, "nobody");
}
