//! An example of an app that logs in with Madoguchi: the menu of an application system.
//!
//! A tile for each function. Which ones a person may use depends on what kind of user they are, which comes as the
//! claim `kind_of_user`; the others are shown, disabled, with the reason. [`router`] is the whole app.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod language;
mod layout;
mod menu;

use axum::{
    Form, Router,
    extract::{FromRef, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use language::{COOKIE, Language};
use layout::{Page, STYLE, Site};
use madoguchi_domain::Secret;
use madoguchi_plugin_sdk::relying_party::{BuildError, RelyingParty, SignedIn};
use std::collections::BTreeMap;

/// The client identifier under which the demo registers this app.
pub const CLIENT_ID: &str = "residence-app";

/// What the app has to be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The provider's issuer identifier: `https://id.example.go.jp/t/residence`.
    pub issuer: String,
    /// As registered with the provider.
    pub client_id: String,
    /// As registered with the provider.
    pub client_secret: Secret,
    /// Where browsers reach this app, without a slash at the end. `{public_url}/callback` is its redirect URI,
    /// `{public_url}/logged-out` its post-logout redirect URI, `{public_url}/login` its `initiate_login_uri`.
    pub public_url: String,
    /// Certificates to trust besides the usual ones, PEM.
    pub extra_ca: Option<Vec<u8>>,
    /// Kinds of user that may make applications themselves, as the claim `kind_of_user` names them.
    pub kinds_that_apply: Vec<String>,
}

/// The app. Nothing is asked of the provider before the first login, so it may start later.
///
/// # Errors
/// [`BuildError`] when the configuration cannot be right.
pub fn router(config: Config) -> Result<Router, BuildError> {
    let site = Site::new(&config);
    let mut builder = RelyingParty::builder(&config.issuer, &config.client_id)
        .secret(config.client_secret.expose())
        .redirect_uri(format!("{}/callback", config.public_url.trim_end_matches('/')))
        .scopes(["profile", "email", "student_ids"])
        .pages(menu::LoginPages(site.clone()));
    if let Some(pem) = config.extra_ca {
        builder = builder.extra_ca(pem);
    }
    let login = builder.build()?;
    let app = App { login: login.clone(), site, kinds_that_apply: config.kinds_that_apply.into() };
    Ok(Router::new()
        .route("/", get(home))
        .route("/function/{key}", get(function))
        .route("/developer", get(developer))
        .route("/language", post(change_language))
        .route("/assets/style.css", get(style))
        .merge(login.routes())
        .fallback(not_found)
        .with_state(app))
}

#[derive(Clone)]
struct App {
    login: RelyingParty,
    site: Site,
    kinds_that_apply: std::sync::Arc<[String]>,
}

impl FromRef<App> for RelyingParty {
    fn from_ref(app: &App) -> Self {
        app.login.clone()
    }
}

impl App {
    fn page<'a>(
        &'a self,
        headers: &'a HeaderMap,
        user: Option<&'a SignedIn>,
        path: &'a str,
        title: &'a str,
    ) -> Page<'a> {
        Page { site: &self.site, headers, user, path, title, status: StatusCode::OK }
    }

    fn may_apply(&self, user: &SignedIn) -> bool {
        user.texts("kind_of_user").iter().any(|kind| self.kinds_that_apply.iter().any(|known| known == kind))
    }
}

/// The menu, or for those who have not logged in, the way to it.
async fn home(State(app): State<App>, headers: HeaderMap, user: Option<SignedIn>) -> Response {
    let language = Language::of(&headers);
    let page = app.page(&headers, user.as_ref(), "/", language.say("メニュー", "Menu"));
    match &user {
        Some(user) => page.with(&menu::menu(&page, user, app.may_apply(user))),
        None => page.with(&menu::welcome(&page)),
    }
}

/// A function of the menu. This example has none of its own; it only keeps out who may not use it.
async fn function(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap, user: SignedIn) -> Response {
    let language = Language::of(&headers);
    let Some(function) = menu::find(&key) else { return not_found(State(app), headers).await };
    let mut page = app.page(&headers, Some(&user), "/", function.name(language));
    let text = if app.may_apply(&user) {
        language.say("この見本のアプリでは、ここから先の機能を省いています。", "This example app ends here.")
    } else {
        page.status = StatusCode::FORBIDDEN;
        menu::why_not(language)
    };
    page.with(&menu::message(&page, text))
}

/// The claims as they came, for those who connect an app.
async fn developer(State(app): State<App>, headers: HeaderMap, user: SignedIn) -> Response {
    let title = Language::of(&headers).say("受け取った情報", "The claims received");
    let page = app.page(&headers, Some(&user), "/developer", title);
    page.with(&menu::developer(&page, &user, app.login.issuer()))
}

/// Remembers the language and goes back to where it was changed.
async fn change_language(State(app): State<App>, Form(fields): Form<BTreeMap<String, String>>) -> Response {
    let wanted = fields.get("lang").and_then(|tag| Language::from_tag(tag)).unwrap_or(Language::Japanese);
    let next = fields.get("next").and_then(|next| app.login.local_target(next)).unwrap_or_else(|| "/".into());
    let cookie = format!("{COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", wanted.tag());
    ([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response()
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE).into_response()
}

async fn not_found(State(app): State<App>, headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    let mut page = app.page(&headers, None, "/", language.say("ページが見つかりません", "Page not found"));
    page.status = StatusCode::NOT_FOUND;
    page.with(&menu::message(&page, language.say("このページはありません。", "There is no such page.")))
}
