//! A browser with one cookie jar, and an app with two pages behind a relying party.

use crate::provider::{Op, SECRET};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request, StatusCode, header},
    routing::{get, post},
};
use madoguchi_plugin_sdk::relying_party::{Builder, RelyingParty, SignedIn};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};
use tower::ServiceExt;
use url::Url;

pub const APP: &str = "http://127.0.0.1:9999";

pub struct Browser {
    pub op: Arc<Op>,
    app: Router,
    pub jar: Mutex<BTreeMap<String, String>>,
}

pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Page {
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap()
    }
    /// The error code on the page.
    pub fn error(&self) -> &str {
        assert!(!self.status.is_success(), "no error page: {} {}", self.status, self.body);
        let (_, rest) = self.body.split_once("data-error-code=\"").expect("an error page");
        rest.split('"').next().unwrap()
    }
}

pub fn parameters(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

async fn who(user: SignedIn) -> String {
    let name = user.text_in("name", &["ja-Hani-JP"]).unwrap_or_default();
    format!(
        "{}|{name}|{}|{}",
        user.subject(),
        user.texts("student_ids").join(","),
        user.text("favourite").unwrap_or_default()
    )
}

async fn maybe(user: Option<SignedIn>) -> String {
    user.map_or("nobody".into(), |user| user.subject().to_owned())
}

async fn api(State(rp): State<RelyingParty>, user: SignedIn) -> Result<String, String> {
    rp.access_token(&user).await.map(|token| token.expose().to_owned()).map_err(|error| error.to_string())
}

impl Browser {
    pub async fn new() -> Browser {
        Self::with(Op::start().await, |builder| builder)
    }

    pub fn with(op: Arc<Op>, configure: impl FnOnce(Builder) -> Builder) -> Browser {
        let builder = RelyingParty::builder(&op.issuer, "test-app")
            .secret(SECRET)
            .redirect_uri(format!("{APP}/callback"))
            .scopes(["openid", "profile", "email"])
            .clock(op.clock.clone());
        let rp = configure(builder).build().unwrap();
        let app = Router::new()
            .route("/", get(maybe))
            .route("/who", get(who))
            .route("/api", get(api))
            .route("/change", post(who))
            .merge(rp.routes())
            .with_state(rp);
        Self::of(op, app)
    }

    /// A browser in front of any app.
    pub fn of(op: Arc<Op>, app: Router) -> Browser {
        Browser { op, app, jar: Mutex::default() }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path)).await
    }

    pub async fn send(&self, request: axum::http::request::Builder) -> Page {
        self.send_with(request, Body::empty()).await
    }

    pub async fn send_with(&self, request: axum::http::request::Builder, body: impl Into<Body>) -> Page {
        let cookies: Vec<String> = self.jar.lock().unwrap().iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = request.header(header::COOKIE, cookies.join("; ")).body(body.into()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly") && line.contains("; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.jar.lock().unwrap();
            if line.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.into(), value.into());
            }
        }
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Page { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// Starts a login: the authorization request that the provider gets.
    pub async fn start(&self, path: &str) -> HashMap<String, String> {
        let page = self.get(path).await;
        assert!(page.location().starts_with(&format!("{}/authorize?", self.op.issuer)), "{}", page.location());
        parameters(page.location())
    }

    /// The provider's answer to a request, as it comes to the callback.
    pub fn answer(&self, request: &HashMap<String, String>) -> Vec<(&'static str, String)> {
        vec![("code", self.op.approve(request)), ("state", request["state"].clone()), ("iss", self.op.issuer.clone())]
    }

    pub async fn come_back(&self, answer: &[(&str, String)]) -> Page {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
        self.get(&format!("/callback?{query}")).await
    }

    /// The whole way, to the page after login.
    pub async fn log_in(&self) -> Page {
        let request = self.start("/login?next=/who").await;
        self.come_back(&self.answer(&request)).await
    }

    pub fn cookie(&self, containing: &str) -> Option<String> {
        self.jar.lock().unwrap().iter().find(|(name, _)| name.contains(containing)).map(|(_, value)| value.clone())
    }
}
