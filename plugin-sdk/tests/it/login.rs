//! Logging in, and everything that must not log anybody in.

use crate::{
    browser::{APP, Browser},
    provider::{Alg, Op},
};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn somebody_who_is_not_logged_in_is_sent_to_the_provider_and_comes_back_to_their_page() {
    let browser = Browser::new().await;
    let page = browser.get("/who?x=1").await;
    assert_eq!(page.location(), "/login?next=%2Fwho%3Fx%3D1");
    let request = browser.start("/login?next=%2Fwho%3Fx%3D1").await;
    assert_eq!(request["scope"], "openid profile email");
    assert_eq!(request["client_id"], "test-app");
    assert_eq!(request["redirect_uri"], format!("{APP}/callback"));
    assert!(request["state"].len() >= 43 && request["nonce"].len() >= 43);

    let page = browser.come_back(&browser.answer(&request)).await;
    assert_eq!(page.location(), "/who?x=1");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(browser.get("/who").await.body, "person-1|窓口 花子|06A1234,10G0001|persimmon");
    assert_eq!(browser.get("/").await.body, "person-1");
    assert!(browser.cookie("-login-").is_none(), "the login's own cookie is gone");
}

#[tokio::test]
async fn es256_is_accepted_as_announced_and_only_what_is_announced() {
    let browser = Browser::new().await;
    browser.op.set(|op| op.alg = Alg::Es256);
    assert_eq!(browser.log_in().await.location(), "/who");

    let op = Op::start().await;
    op.set(|op| (op.alg, op.algorithms) = (Alg::Es256, vec!["EdDSA", "RS256"]));
    assert_eq!(Browser::with(op, |b| b).log_in().await.error(), "invalid-answer");

    let op = Op::start().await;
    op.set(|op| op.algorithms = vec!["none", "HS256"]);
    assert_eq!(Browser::with(op, |b| b).get("/login").await.error(), "provider-unavailable");
}

#[tokio::test]
async fn a_wrong_state_or_another_browser_logs_nobody_in() {
    let browser = Browser::new().await;
    let request = browser.start("/login").await;
    let mut answer = browser.answer(&request);
    answer[1].1 = request["state"].chars().rev().collect();
    let page = browser.come_back(&answer).await;
    assert_eq!((page.error(), page.status), ("login-expired", StatusCode::BAD_REQUEST));

    let victim = Browser::with(browser.op.clone(), |b| b);
    let page = victim.come_back(&browser.answer(&request)).await;
    assert_eq!(page.error(), "login-expired");
    assert_eq!(victim.get("/").await.body, "nobody");
}

#[tokio::test]
async fn an_answer_is_good_once() {
    let browser = Browser::new().await;
    let request = browser.start("/login").await;
    let answer = browser.answer(&request);
    assert_eq!(browser.come_back(&answer).await.location(), "/");
    assert_eq!(browser.come_back(&answer).await.error(), "login-expired");
}

#[tokio::test]
async fn an_answer_from_another_issuer_or_without_one_is_refused() {
    let browser = Browser::new().await;
    let request = browser.start("/login").await;
    let mut answer = browser.answer(&request);
    answer[2].1 = "https://evil.example".into();
    assert_eq!(browser.come_back(&answer).await.error(), "invalid-answer");

    let request = browser.start("/login").await;
    let mut answer = browser.answer(&request);
    answer.remove(2);
    assert_eq!(browser.come_back(&answer).await.error(), "invalid-answer");

    // Even an error must come from the right issuer.
    let request = browser.start("/login").await;
    let answer = [
        ("error", "access_denied".into()),
        ("state", request["state"].clone()),
        ("iss", "https://evil.example".into()),
    ];
    assert_eq!(browser.come_back(&answer).await.error(), "invalid-answer");

    let op = Op::start().await;
    op.set(|op| op.announces_iss = false);
    let browser = Browser::with(op, |b| b);
    let request = browser.start("/login").await;
    let mut answer = browser.answer(&request);
    answer.remove(2);
    assert_eq!(browser.come_back(&answer).await.location(), "/", "an older provider does not send it");
}

#[tokio::test]
async fn a_forged_id_token_logs_nobody_in() {
    type Forgery = fn(&mut Value);
    let forgeries: [(&str, Forgery); 12] = [
        ("another nonce", |claims| claims["nonce"] = json!("other")),
        ("no nonce", |claims| drop(claims.as_object_mut().unwrap().remove("nonce"))),
        ("another issuer", |claims| claims["iss"] = json!("https://evil.example")),
        ("another audience", |claims| claims["aud"] = json!("other-app")),
        ("one audience too many", |claims| claims["aud"] = json!(["test-app", "other-app"])),
        ("another authorized party", |claims| claims["azp"] = json!("other-app")),
        ("expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 31)),
        ("from the future", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 600)),
        ("another access token's hash", |claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("no subject", |claims| drop(claims.as_object_mut().unwrap().remove("sub"))),
        ("authenticated too weakly", |claims| claims["acr"] = json!("urn:test:one")),
        ("authenticated too long ago", |claims| claims["auth_time"] = json!(claims["iat"].as_i64().unwrap() - 700)),
    ];
    let browser = Browser::with(Op::start().await, |builder| {
        builder.require_acr(["urn:test:two"]).max_age(Duration::from_secs(600))
    });
    assert_eq!(browser.log_in().await.location(), "/who");
    browser.jar.lock().unwrap().clear();
    for (what, forge) in forgeries {
        browser.op.forge(forge);
        assert_eq!(browser.log_in().await.error(), "invalid-answer", "{what}");
        assert_eq!(browser.get("/").await.body, "nobody", "{what}");
    }
    browser.op.forge(|_| ());
    browser.op.set(|op| op.break_signature = true);
    assert_eq!(browser.log_in().await.error(), "invalid-answer");
}

#[tokio::test]
async fn userinfo_of_somebody_else_logs_nobody_in() {
    let browser = Browser::new().await;
    browser.op.set(|op| op.userinfo_sub = Some("person-2".into()));
    assert_eq!(browser.log_in().await.error(), "invalid-answer");
}

#[tokio::test]
async fn giving_up_and_refusals_have_pages_of_their_own() {
    let browser = Browser::new().await;
    for (error, code, status) in [
        ("access_denied", "access-denied", StatusCode::FORBIDDEN),
        ("invalid_scope", "login-refused", StatusCode::BAD_GATEWAY),
        ("<script>", "login-refused", StatusCode::BAD_GATEWAY),
    ] {
        let request = browser.start("/login").await;
        let answer =
            [("error", error.to_owned()), ("state", request["state"].clone()), ("iss", browser.op.issuer.clone())];
        let page = browser.come_back(&answer).await;
        assert_eq!((page.error(), page.status), (code, status));
        assert!(!page.body.contains("<script"));
    }
    let request = browser.start("/login").await;
    let mut answer = browser.answer(&request);
    answer[0].1 = "code-of-somebody-else".into();
    assert_eq!(browser.come_back(&answer).await.error(), "login-refused");
    assert_eq!(
        browser.get(&format!("/callback?state={0}&state={0}", request["state"])).await.error(),
        "invalid-answer"
    );
}

#[tokio::test]
async fn a_login_can_be_started_from_elsewhere_but_only_for_this_provider_and_into_this_app() {
    let browser = Browser::new().await;
    let issuer: String = url::form_urlencoded::byte_serialize(browser.op.issuer.as_bytes()).collect();
    let request = browser.start(&format!("/login?iss={issuer}&login_hint=hanako%40example.jp&target_link_uri=http%3A%2F%2F127.0.0.1%3A9999%2Fwho&ui_locales=ja%20en")).await;
    assert_eq!(request["login_hint"], "hanako@example.jp");
    assert_eq!(request["ui_locales"], "ja en");
    assert_eq!(browser.come_back(&browser.answer(&request)).await.location(), "/who");

    let form = format!("iss={issuer}&target_link_uri=%2Fwho");
    let page = browser
        .send_with(Request::post("/login").header("content-type", "application/x-www-form-urlencoded"), form)
        .await;
    assert!(page.location().starts_with(&browser.op.issuer));

    for refused in [
        "iss=https%3A%2F%2Fevil.example".to_owned(),
        format!("iss={issuer}&target_link_uri=https%3A%2F%2Fevil.example%2F"),
        "next=%2F%2Fevil.example".into(),
        "next=%2F%5Cevil.example".into(),
        "next=%2Fwho&next=%2F".into(),
    ] {
        let page = browser.get(&format!("/login?{refused}")).await;
        assert_eq!((page.error(), page.status), ("invalid-request", StatusCode::BAD_REQUEST), "{refused}");
    }
}

#[tokio::test]
async fn a_target_that_was_changed_in_the_cookie_is_not_followed() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let browser = Browser::new().await;
    let request = browser.start("/login?next=/who").await;
    for (name, value) in browser.jar.lock().unwrap().iter_mut().filter(|(name, _)| name.contains("-login-")) {
        let mut attempt: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&value).unwrap()).unwrap();
        assert_eq!(attempt["next"], "/who", "{name}");
        attempt["next"] = json!("https://evil.example/");
        *value = URL_SAFE_NO_PAD.encode(attempt.to_string());
    }
    assert_eq!(browser.come_back(&browser.answer(&request)).await.location(), "/");
}

#[tokio::test]
async fn logging_in_never_leads_back_to_logging_in() {
    let browser = Browser::new().await;
    for page in ["/login", "/logout?x=1", "/callback?code=1"] {
        let next: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
        let request = browser.start(&format!("/login?next={next}")).await;
        assert_eq!(browser.come_back(&browser.answer(&request)).await.location(), "/");
    }
}

#[tokio::test]
async fn two_tabs_do_not_disturb_each_other_and_forgotten_logins_do_not_pile_up() {
    let browser = Browser::new().await;
    let one = browser.start("/login?next=/who").await;
    let two = browser.start("/login").await;
    assert_eq!(browser.come_back(&browser.answer(&one)).await.location(), "/who");
    assert_eq!(browser.come_back(&browser.answer(&two)).await.location(), "/");
    for _ in 0..20 {
        browser.start("/login").await;
    }
    assert!(browser.jar.lock().unwrap().len() <= 6);
}

#[tokio::test]
async fn a_login_gives_the_session_a_new_name_and_ends_the_old_one() {
    let browser = Browser::new().await;
    browser.log_in().await;
    let before = browser.cookie("-session").unwrap();
    browser.log_in().await;
    let after = browser.cookie("-session").unwrap();
    assert_ne!(before, after);
    browser.jar.lock().unwrap().insert("test-app-session".into(), before);
    assert_eq!(browser.get("/").await.body, "nobody");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_longest() {
    let browser = Browser::with(Op::start().await, |builder| {
        builder.session_limits(Duration::from_secs(1800), Duration::from_secs(7200))
    });
    browser.log_in().await;
    for _ in 0..4 {
        browser.op.clock.advance(Duration::from_secs(1700));
        assert_eq!(browser.get("/").await.body, "person-1");
    }
    browser.op.clock.advance(Duration::from_secs(500));
    assert_eq!(browser.get("/").await.body, "nobody", "its longest time is over");

    browser.log_in().await;
    browser.op.clock.advance(Duration::from_secs(1801));
    assert_eq!(browser.get("/who").await.location(), "/login?next=%2Fwho", "idle");
}

#[tokio::test]
async fn a_post_without_a_session_comes_back_to_the_page_of_its_form() {
    let browser = Browser::new().await;
    let form = Request::post("/change").header(header::REFERER, format!("{APP}/who?step=2"));
    assert_eq!(browser.send(form).await.location(), "/login?next=%2Fwho%3Fstep%3D2");
    let form = Request::post("/change").header(header::REFERER, "https://evil.example/x");
    assert_eq!(browser.send(form).await.location(), "/login?next=%2F");
}

#[tokio::test]
async fn on_https_cookies_are_secure_and_bound_to_the_host() {
    let browser = Browser::with(Op::start().await, |builder| builder.redirect_uri("https://app.example.jp/callback"));
    let page = browser.get("/login").await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-test-app-login-") && cookie.contains("; Path=/;") && cookie.contains("; Secure"),
        "{cookie}"
    );
}
