//! Ordering certificates, from the first page to the receipt.
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

use axum::http::{Request, StatusCode, header};
use browser::{APP, Browser, Page};
use certificate_app::{Config, router};
use madoguchi_domain::{Secret, Timestamp};
use provider::{Op, SECRET};

#[allow(clippy::disallowed_methods)]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(since.as_secs().cast_signed())
}

async fn visitor() -> Browser {
    let op = Op::start_at(now()).await;
    let config = Config {
        issuer: op.issuer.clone(),
        client_id: "test-app".into(),
        client_secret: Secret::new(SECRET),
        public_url: APP.into(),
        extra_ca: None,
        institution: ("見本大学".into(), "Sample University".into()),
    };
    assert!(!format!("{config:?}").contains("s3cret"));
    Browser::of(op, router(config).unwrap())
}

async fn logged_in() -> Browser {
    let browser = visitor().await;
    let request = browser.start("/login?next=/").await;
    assert_eq!(request["scope"], "openid profile email address student_ids");
    browser.come_back(&browser.answer(&request)).await;
    browser
}

fn csrf(page: &Page) -> String {
    page.body.split_once("name=\"csrf\" value=\"").expect("a form").1.split('"').next().unwrap().to_owned()
}

async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    browser.send_with(request, body).await
}

#[tokio::test]
async fn a_graduate_orders_for_one_of_two_student_ids_and_gets_a_receipt_once() {
    let browser = logged_in().await;
    let page = browser.get("/").await;
    assert!(page.body.contains("窓口 花子 さん") && page.body.contains("マドグチ ハナコ"), "{}", page.body);

    let page = browser.get("/order/store").await;
    assert!(page.body.contains("06A1234") && page.body.contains("10G0001") && page.body.contains("id=\"choose\""));
    let page = browser.get("/order/store?enrolment=10G0001").await;
    assert!(page.body.contains("修了証明書（和文）") && !page.body.contains("卒業証明書"), "a master's completes");

    let token = csrf(&page);
    let fields = [("csrf", token.as_str()), ("enrolment", "10G0001"), ("completion_ja", "２"), ("record_en", "1")];
    let page = post(&browser, "/order/store", &fields).await;
    let check = page.location().to_owned();
    let page = browser.get(&check).await;
    assert!(page.body.contains("2,000円"), "{}", page.body);

    let token = csrf(&page);
    let receipt = post(&browser, &check, &[("csrf", &token)]).await.location().to_owned();
    assert_eq!(post(&browser, &check, &[("csrf", &token)]).await.location(), receipt, "a second click orders nothing");
    let page = browser.get(&receipt).await;
    assert!(page.body.contains("data-reference=\"CO-412-001\"") && page.body.contains("2,000円"));
    assert_eq!(browser.get(&check).await.location(), receipt);
    assert!(browser.get("/").await.body.contains("CO-412-001"));
}

#[tokio::test]
async fn mistakes_come_back_with_everything_that_was_typed() {
    let browser = logged_in().await;
    let token = csrf(&browser.get("/order/post?enrolment=06A1234").await);
    let fields = [
        ("csrf", token.as_str()),
        ("enrolment", "06A1234"),
        ("record_ja", "11"),
        ("recipient", "<b>花子</b>"),
        ("postal_code", "123"),
    ];
    let page = post(&browser, "/order/post", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("id=\"error-summary\""));
    assert_eq!(page.body.matches("aria-invalid=\"true\"").count(), 3, "copies, postal code, address");
    assert!(page.body.contains("value=\"&lt;b&gt;花子&lt;/b&gt;\"") && page.body.contains("value=\"11\""));

    let page = post(&browser, "/order/store", &[("csrf", &token), ("enrolment", "06A1234")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "not one copy");
}

#[tokio::test]
async fn the_address_that_is_known_is_filled_in() {
    let page = logged_in().await.get("/order/post?enrolment=06A1234").await;
    assert!(
        page.body.contains("value=\"102-0071\"") && page.body.contains("東京都千代田区富士見1-2-3"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_form_of_another_site_and_a_student_id_of_another_person_order_nothing() {
    let browser = logged_in().await;
    let fields = [("csrf", "guessed"), ("enrolment", "06A1234"), ("record_ja", "1")];
    assert_eq!(post(&browser, "/order/store", &fields).await.status, StatusCode::FORBIDDEN);
    let token = csrf(&browser.get("/order/store?enrolment=06A1234").await);
    let fields = [("csrf", token.as_str()), ("enrolment", "99Z9999"), ("record_ja", "1")];
    assert_eq!(post(&browser, "/order/store", &fields).await.location(), "/order/store");
}

#[tokio::test]
async fn nobody_sees_an_order_of_somebody_else() {
    let browser = logged_in().await;
    let token = csrf(&browser.get("/order/store?enrolment=06A1234").await);
    let fields = [("csrf", token.as_str()), ("enrolment", "06A1234"), ("record_ja", "1")];
    let check = post(&browser, "/order/store", &fields).await.location().to_owned();
    assert_eq!(browser.get(&check).await.status, StatusCode::OK);
    browser.op.forge(|claims| claims["sub"] = "person-2".into());
    browser.op.set(|op| op.userinfo_sub = Some("person-2".into()));
    browser.log_in().await;
    assert_eq!(browser.get(&check).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_language_is_kept_and_passed_on_to_the_login() {
    let browser = visitor().await;
    let page = post(&browser, "/language", &[("lang", "en"), ("next", "//evil.example")]).await;
    assert_eq!(page.location(), "/");
    assert!(browser.get("/").await.body.contains("Certificates for graduates"));
    assert_eq!(browser.start("/login").await["ui_locales"], "en");
}

#[tokio::test]
async fn every_page_forbids_scripts_and_framing() {
    let browser = logged_in().await;
    for path in
        ["/", "/order/post?enrolment=06A1234", "/developer", "/logout", "/nowhere", "/login?iss=x", "/logged-out"]
    {
        let page = browser.get(path).await;
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!page.body.contains("<script") && !page.body.contains(" style="), "{path}");
    }
}
