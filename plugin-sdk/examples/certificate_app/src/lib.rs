//! An example of an app that logs in with Madoguchi: graduates order certificates.
//!
//! Choose convenience store or post, choose the student ID, say how many copies of which certificate, check, order. It
//! needs nothing of the provider but OpenID Connect; who somebody is and which student IDs they have come as claims.
//! [`router`] is the whole app; read [`handlers`](self) top to bottom to see how little of it is about logging in.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod catalogue;
mod handlers;
mod orders;
mod person;
mod views;

use axum::{Router, extract::FromRef, routing::get};
use example_shell::{LoginPages, Look, Site};
use madoguchi_domain::Secret;
use madoguchi_plugin_sdk::relying_party::{BuildError, RelyingParty};
use orders::Orders;
use std::sync::Arc;

/// The client identifier under which the demo registers this app.
pub const CLIENT_ID: &str = "certificate-app";

/// What the app has to be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The provider's issuer identifier: `https://id.example.ac.jp/t/certificate`.
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
    /// Whose certificates these are, in Japanese and in English; may be empty.
    pub institution: (String, String),
}

/// The app. Nothing is asked of the provider before the first login, so it may start later.
///
/// # Errors
/// [`BuildError`] when the configuration cannot be right.
pub fn router(config: Config) -> Result<Router, BuildError> {
    let look = Look {
        brand: ("証明書オーダー", "Certificate Desk"),
        mark: MARK,
        institution: config.institution,
        note: (
            "これは見本のアプリです。注文しても証明書は届かず、料金もかかりません。",
            "This is an example app. No certificate is sent and nothing is charged.",
        ),
        style: include_str!("../assets/style.css"),
    };
    let site = Site::new(look, &config.issuer);
    let mut builder = RelyingParty::builder(&config.issuer, &config.client_id)
        .secret(config.client_secret.expose())
        .redirect_uri(format!("{}/callback", config.public_url.trim_end_matches('/')))
        .scopes(["profile", "email", "address", "student_ids"])
        .pages(LoginPages(site.clone()));
    if let Some(pem) = config.extra_ca {
        builder = builder.extra_ca(pem);
    }
    let login = builder.build()?;
    let shared = example_shell::routes(site.clone(), login.clone());
    let app = App { login: login.clone(), site, orders: Arc::default() };
    Ok(Router::new()
        .route("/", get(handlers::start))
        .route("/order/{destination}", get(handlers::choose).post(handlers::fill_in))
        .route("/check/{order}", get(handlers::check).post(handlers::place))
        .route("/receipt/{order}", get(handlers::receipt))
        .merge(shared)
        .merge(login.routes())
        .fallback(handlers::not_found)
        .with_state(app))
}

#[derive(Clone)]
struct App {
    login: RelyingParty,
    site: Site,
    orders: Arc<Orders>,
}

impl FromRef<App> for RelyingParty {
    fn from_ref(app: &App) -> Self {
        app.login.clone()
    }
}

/// A sheet with a ribbon.
const MARK: &str = "<svg viewBox=\"0 0 32 32\" width=\"32\" height=\"32\" aria-hidden=\"true\"><path d=\"M7 3h13l6 6v20H7z\" fill=\"currentColor\" opacity=\".25\"/>\
    <path d=\"M20 3v6h6M11 14h11M11 18h11M11 22h6\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\"/></svg>";
