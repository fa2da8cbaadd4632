//! The draft behind this browser's cookie.

use crate::{
    cookies::Jar,
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Response},
};
use http::{HeaderName, header};
use madoguchi_service::{DocumentImage, DraftState, OpenDraft, Rendition};
use serde::Deserialize;

/// The open draft, or the answer in its place: the reception page when it was handed in, the way to a new link when
/// its time is over. A form that is sent after that is a step that is over.
pub(super) async fn open(visit: &Visit) -> Result<OpenDraft, Response> {
    let Some(token) = visit.cookie(Jar::Draft) else {
        return Err(visit.invalid_operation(visit.to("/register")).await);
    };
    let state = visit.web.service().draft_for_browser(&visit.tenant, &token).await.map_err(|e| visit.fault(&e))?;
    match state {
        Some(DraftState::Open(draft)) => Ok(*draft),
        Some(DraftState::Submitted { .. }) if visit.shows_right_step() => {
            Err(visit.redirect(&visit.to("/register/reception")))
        }
        Some(DraftState::Submitted { .. }) => Err(visit.invalid_operation(visit.to("/register/reception")).await),
        Some(DraftState::Ended) | None => Err(visit.invalid_operation(visit.to("/register")).await),
    }
}

/// Small or as kept.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SizeQuery {
    #[serde(default)]
    size: String,
}

/// The applicant's own picture, before it is handed in.
pub(super) async fn document(
    visit: Visit,
    Path((_, slot)): Path<(String, String)>,
    Query(query): Query<SizeQuery>,
) -> Answer {
    let draft = open(&visit).await?;
    let rendition = if query.size == "small" { Rendition::Thumbnail } else { Rendition::Full };
    let found = visit.web.service().draft_document(&visit.tenant, &draft, &slot, rendition).await;
    match found.map_err(|e| visit.fault(&e))? {
        Some(image) => Ok(image_response(image)),
        None => Ok(visit.not_found()),
    }
}

/// A picture that can do nothing but be looked at.
pub(in super::super) fn image_response(image: DocumentImage) -> Response {
    let headers = [
        (header::CONTENT_TYPE, image.media_type.as_str()),
        (header::CACHE_CONTROL, "no-store, private"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"document\""),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (headers, image.bytes.to_vec()).into_response()
}
