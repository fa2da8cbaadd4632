//! The routers, one for each audience, and what they have around them.
//!
//! | module | for |
//! |---|---|
//! | [`protocol`] | relying parties: authorization, token, userinfo, keys, metadata, logout |
//! | [`entrance`] | people: home, login, first passwords, logout |
//! | [`recovery`] | people who forgot their passwords |
//! | [`registration`] | applicants |
//! | [`desk`] | reviewers |
//! | [`counter`] | staff at the counter |
//! | [`account`] | people who are signed in |
//! | [`assets`] | browsers: style sheets, scripts, images |
//! | [`health`] | operators: liveness, readiness |
//! | [`demo`] | whoever tries it out: mailbox, list of accounts |

use crate::{client_address::Peer, headers, state::Web};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, Uri};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

mod account;
mod assets;
mod counter;
mod demo;
mod desk;
mod entrance;
pub(crate) mod health;
mod protocol;
mod recovery;
mod registration;
mod standing;

/// The most bytes of an ordinary form.
const FORM_LIMIT: usize = 256 * 1024;

/// Everything that the outside reaches, to be served as it is or nested below a host's prefix.
pub fn router(web: Web) -> Router {
    let pages = Router::new()
        .merge(entrance::router())
        .merge(standing::router())
        .merge(recovery::router())
        .merge(registration::router())
        .merge(desk::router())
        .merge(counter::router())
        .merge(account::router())
        .layer(compression());
    let tenant = Router::new().merge(protocol::router()).merge(pages).fallback(not_found_here);
    let mut all = Router::new()
        .nest("/t/{tenant}", tenant)
        // nesting matches the tenant's address without its slash only
        .route("/t/{tenant}/", axum::routing::get(entrance::home))
        .merge(protocol::well_known())
        .merge(assets::router().layer(compression()))
        .merge(health::public());
    if web.demo().is_some() {
        all = all.merge(demo::router());
    }
    let own_hosts = web.clone();
    let routed = all
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .with_state(web.clone())
        .layer(middleware::from_fn_with_state(web.secure(), around))
        .layer(CatchPanicLayer::custom(panicked));
    // a tenant with a host of its own: its paths become those below /t/{slug} before anything is routed
    Router::new().fallback_service(
        tower::ServiceBuilder::new().map_request(move |r| to_tenant_of_host(&own_hosts, r)).service(routed),
    )
}

/// For pages and assets. What relying parties read is small or full of random characters.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().compress_when(SizeAbove::new(1024).and(NotForContentType::IMAGES))
}

/// No such page of a tenant.
async fn not_found_here(crate::duties::BeforeDuties(visit): crate::duties::BeforeDuties) -> Response {
    visit.not_found()
}

/// The last resort: no page of a tenant.
async fn not_found(State(web): State<Web>, request: Request) -> Response {
    let home = format!("{}/", web.prefix());
    crate::visit::bare(&web, request.headers(), StatusCode::NOT_FOUND, &crate::pages::NotFound { home_url: home })
}

#[allow(clippy::needless_pass_by_value, reason = "the signature is the layer's")]
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked; the request was answered with 500");
    metrics::counter!("http_panics_total").increment(1);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Where a tenant's issuer is a host of its own, `https://id.example.ac.jp/login` means `/t/{slug}/login`.
fn to_tenant_of_host(web: &Web, mut request: Request) -> Request {
    let host = request.headers().get(http::header::HOST).and_then(|h| h.to_str().ok());
    let Some(slug) = host.and_then(|host| web.tenant_of_host(host)) else { return request };
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    if path.starts_with("/assets/") || path == "/healthz" || path == "/readyz" {
        return request;
    }
    let inner = match path.strip_prefix("/.well-known/oauth-authorization-server") {
        Some(_) => format!("/t/{slug}/.well-known/openid-configuration"),
        None => format!("/t/{slug}{path}"),
    };
    if let Ok(uri) = inner.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// Around every request: the headers that every answer has, one line in the log and one count; paths as routed, so that
/// no secret of a link is in either.
async fn around(State(https): State<bool>, request: Request, next: Next) -> Response {
    let method = known(request.method());
    let peer = request.extensions().get::<Peer>().map(|p| p.0.ip());
    let path = tracing::enabled!(tracing::Level::DEBUG).then(|| masked(request.uri().path()));
    #[allow(clippy::disallowed_methods, reason = "the duration of a request, for metrics only")]
    let started = std::time::Instant::now();
    let mut response = next.run(request).await;
    headers::add(https, response.headers_mut());
    let status = response.status().as_u16();
    metrics::counter!("http_requests_total", "method" => method, "status" => status.to_string()).increment(1);
    metrics::histogram!("http_request_duration_seconds").record(started.elapsed().as_secs_f64());
    tracing::debug!(method, path, status, ?peer, "answered");
    response
}

/// The method's name; one for all that mean nothing here, so that nobody can make metrics grow.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A path without the secrets that stand in it.
fn masked(path: &str) -> String {
    let mut after_link = false;
    path.split('/')
        .map(|part| {
            // a link that was cut off in a mail program still shows most of its secret
            let secret = after_link || madoguchi_domain::Token::parse(part).is_some();
            after_link = part == "link";
            if secret { "…" } else { part }
        })
        .collect::<Vec<_>>()
        .join("/")
}
