//! Style sheets, scripts and images. Each address holds a hash of the contents, so browsers may keep them for ever.

use crate::{state::Web, theme::Asset};
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/assets/{theme}/{hash}/{*file}", get(asset))
}

async fn asset(State(web): State<Web>, Path((theme, hash, file)): Path<(String, String, String)>) -> Response {
    let found: Option<Asset> = match theme.strip_prefix("tenant-") {
        Some(slug) => slug
            .parse()
            .ok()
            .and_then(|slug| web.service().tenant(&slug))
            .and_then(|tenant| web.looks(&tenant).brand.asset(&theme, &hash, &file)),
        None => web.themes().asset(&theme, &hash, &file),
    };
    match found {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                // an SVG that is opened as a page of its own can do nothing
                (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
            ];
            (headers, asset.body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
