//! The menu, for those who may use its functions and those who may not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code
)]

#[path = "../../../tests/it/browser.rs"]
mod browser;
#[path = "../../../tests/it/provider.rs"]
mod provider;

use axum::http::StatusCode;
use browser::{APP, Browser};
use madoguchi_domain::{Secret, Timestamp};
use provider::{Op, SECRET};
use residence_app::{Config, router};

#[allow(clippy::disallowed_methods)]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(since.as_secs().cast_signed())
}

async fn logged_in(entitlements: &'static [&'static str]) -> Browser {
    let op = Op::start_at(now()).await;
    op.forge(move |claims| claims["entitlements"] = entitlements.iter().copied().collect());
    let config = Config {
        issuer: op.issuer.clone(),
        client_id: "test-app".into(),
        client_secret: Secret::new(SECRET),
        public_url: APP.into(),
        extra_ca: None,
    };
    let browser = Browser::of(op, router(config).unwrap());
    let request = browser.start("/login?next=/").await;
    browser.come_back(&browser.answer(&request)).await;
    browser
}

#[tokio::test]
async fn functions_are_shown_but_disabled_with_the_reason_for_who_may_not_use_them() {
    let browser = logged_in(&["certificate", "user_information"]).await;
    let page = browser.get("/").await;
    assert_eq!(page.body.matches("aria-disabled=\"true\"").count(), 3);
    assert_eq!(page.body.matches("使用できません").count(), 3, "not by colour alone");
    assert!(page.body.contains("href=\"/function/certificate\"") && !page.body.contains("href=\"/function/search\""));
    assert!(page.body.contains(&format!("href=\"{}/account?client_id=test-app\"", browser.op.issuer)));
    assert_eq!(browser.get("/function/certificate").await.status, StatusCode::OK);
    assert_eq!(
        browser.get("/function/search").await.status,
        StatusCode::FORBIDDEN,
        "knowing the address does not help"
    );
}

#[tokio::test]
async fn who_may_use_them_gets_in() {
    let browser = logged_in(&["enter_individually", "enter_multiple", "search"]).await;
    assert_eq!(browser.get("/").await.body.matches("href=\"/function/").count(), 3);
    assert_eq!(browser.get("/function/search").await.status, StatusCode::OK);
    assert_eq!(browser.get("/function/other").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_the_claim_nothing_is_open_but_the_account() {
    let browser = logged_in(&[]).await;
    let page = browser.get("/").await;
    assert_eq!(page.body.matches("aria-disabled=\"true\"").count(), 4);
    assert!(page.body.contains("/account?client_id="));
}
