//! For operators: whether the process runs, and whether it can work.

use crate::state::Web;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;

/// On the public listener.
pub(super) fn public() -> Router<Web> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

/// For the management listener; `/metrics` is added by the program.
pub fn management(web: Web) -> Router {
    public().with_state(web)
}

/// The process answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers (it was migrated before anything was served), and every tenant has keys.
async fn readyz(State(web): State<Web>) -> Response {
    match web.service().database().ping().await {
        Ok(()) => keys(&web).await,
        Err(e) => {
            tracing::warn!(error = %crate::visit::report(&e), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

async fn keys(web: &Web) -> Response {
    for tenant in web.service().tenants() {
        if let Err(e) = web.oidc().jwks(&super::protocol::view_of(&tenant)).await {
            tracing::warn!(tenant = %tenant.slug, error = %crate::visit::report(&e), "not ready");
            return (StatusCode::SERVICE_UNAVAILABLE, "a tenant has no signing keys\n").into_response();
        }
    }
    "ready\n".into_response()
}
