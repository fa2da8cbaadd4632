//! Logging out.

use crate::browser::{APP, Browser, parameters};
use axum::http::{Request, StatusCode, header};

#[tokio::test]
async fn a_link_asks_and_the_button_logs_out_here_and_at_the_provider() {
    let browser = Browser::new().await;
    browser.log_in().await;
    let page = browser.get("/logout").await;
    assert!(page.status == StatusCode::OK && page.body.contains("id=\"logout\""));
    assert_eq!(browser.get("/").await.body, "person-1", "a link does not log out");

    let page = browser.send(Request::post("/logout").header(header::ORIGIN, APP)).await;
    assert!(page.location().starts_with(&format!("{}/end-session?", browser.op.issuer)));
    let request = parameters(page.location());
    assert_eq!(request["post_logout_redirect_uri"], format!("{APP}/logged-out"));
    assert_eq!(request["client_id"], "test-app");
    assert_eq!(request["id_token_hint"].split('.').count(), 3);
    assert_eq!(browser.get("/").await.body, "nobody");

    let page = browser.get(&format!("/logged-out?state={}", request["state"])).await;
    assert!(page.body.contains("id=\"logged_out\""));
    assert!(browser.jar.lock().unwrap().is_empty(), "nothing is left in the browser");
}

#[tokio::test]
async fn another_site_cannot_log_anybody_out() {
    let browser = Browser::new().await;
    browser.log_in().await;
    for request in [
        Request::post("/logout").header(header::ORIGIN, "http://127.0.0.1:9998"),
        Request::post("/logout").header(header::ORIGIN, "null"),
        Request::post("/logout").header("sec-fetch-site", "same-site"),
        Request::post("/logout").header("sec-fetch-site", "cross-site").header(header::ORIGIN, APP),
    ] {
        assert_eq!(browser.send(request).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(browser.get("/").await.body, "person-1");
}

#[tokio::test]
async fn logging_out_twice_does_no_harm() {
    let browser = Browser::new().await;
    let page = browser.send(Request::post("/logout").header("sec-fetch-site", "same-origin")).await;
    assert_eq!(page.location(), "/logged-out");
    assert_eq!(browser.get("/logged-out").await.status, StatusCode::OK);
}
