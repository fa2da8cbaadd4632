//! An example of an app that logs in with Madoguchi: the menu of an application system.
//!
//! A tile for each function. Which ones a person may use comes as the claim `entitlements`, the keys of the tenant's
//! tiles for their kind of user; the others are shown, disabled, with the reason. "User information update" leads into
//! the account pages of the provider, which lead back here. [`router`] is the whole app.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod menu;

use axum::{
    Router,
    extract::{FromRef, Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};
use example_shell::{Language, LoginPages, Look, Site};
use madoguchi_domain::Secret;
use madoguchi_plugin_sdk::relying_party::{BuildError, RelyingParty, SignedIn};

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
    /// `{public_url}/logged-out` its post-logout redirect URI, `{public_url}/login` its `initiate_login_uri`, and
    /// `{public_url}/` its `client_uri`, where the account pages lead back to.
    pub public_url: String,
    /// Certificates to trust besides the usual ones, PEM.
    pub extra_ca: Option<Vec<u8>>,
}

/// The app. Nothing is asked of the provider before the first login, so it may start later.
///
/// # Errors
/// [`BuildError`] when the configuration cannot be right.
pub fn router(config: Config) -> Result<Router, BuildError> {
    let look = Look {
        brand: ("在留手続オンライン（見本）", "Residence Procedures Online (example)"),
        note: (
            "これは見本のアプリです。申請はどこにも届きません。",
            "This is an example app. No application goes anywhere.",
        ),
        style: include_str!("../assets/style.css"),
        ..Look::default()
    };
    let site = Site::new(look, &config.issuer);
    let mut builder = RelyingParty::builder(&config.issuer, &config.client_id)
        .secret(config.client_secret.expose())
        .redirect_uri(format!("{}/callback", config.public_url.trim_end_matches('/')))
        .scopes(["profile", "email", "entitlements"])
        .pages(LoginPages(site.clone()));
    if let Some(pem) = config.extra_ca {
        builder = builder.extra_ca(pem);
    }
    let login = builder.build()?;
    let shared = example_shell::routes(site.clone(), login.clone());
    let app = App { login: login.clone(), site, client_id: config.client_id.into() };
    Ok(Router::new()
        .route("/", get(home))
        .route("/function/{key}", get(function))
        .merge(shared)
        .merge(login.routes())
        .fallback(not_found)
        .with_state(app))
}

#[derive(Clone)]
struct App {
    login: RelyingParty,
    site: Site,
    client_id: std::sync::Arc<str>,
}

impl FromRef<App> for RelyingParty {
    fn from_ref(app: &App) -> Self {
        app.login.clone()
    }
}

/// Whether the person may use that function.
fn may_use(user: &SignedIn, key: &str) -> bool {
    user.texts("entitlements").contains(&key)
}

/// The menu, or for those who have not logged in, the way to it.
async fn home(State(app): State<App>, headers: HeaderMap, user: Option<SignedIn>) -> Response {
    let language = Language::of(&headers);
    let page = app.site.page(&headers, user.as_ref(), "/", language.say("メニュー", "Menu"));
    match &user {
        Some(user) => page.with(&menu::menu(&page, user, &app.client_id)),
        None => page.with(&menu::welcome(&page)),
    }
}

/// A function of the menu. This example has none of its own; it only keeps out who may not use it.
async fn function(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap, user: SignedIn) -> Response {
    let language = Language::of(&headers);
    let Some(function) = menu::find(&key) else { return not_found(State(app), headers).await };
    let mut page = app.site.page(&headers, Some(&user), "/", function.name(language));
    let text = if may_use(&user, &key) {
        language.say("この見本のアプリでは、ここから先の機能を省いています。", "This example app ends here.")
    } else {
        page.status = StatusCode::FORBIDDEN;
        menu::why_not(language)
    };
    example_shell::message(&page, text)
}

async fn not_found(State(app): State<App>, headers: HeaderMap) -> Response {
    example_shell::not_found(&app.site, &headers)
}
