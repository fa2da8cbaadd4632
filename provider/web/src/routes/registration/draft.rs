//! The draft behind this browser's cookie.

use crate::{
    cookies::Jar,
    pages::Task,
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Response},
};
use http::{HeaderName, header};
use madoguchi_domain::{application::ApplicationKind, tenant::ChangeManner};
use madoguchi_service::{DocumentImage, DraftState, OpenDraft, Rendition};
use serde::Deserialize;

/// The open draft, or the answer in its place: the reception page when it was handed in, the way to a new link when
/// its time is over. A form that is sent after that is a step that is over.
pub(super) async fn open(visit: &Visit) -> Result<OpenDraft, Response> {
    if is_personal(visit) {
        let account = &visit.signed_in()?.account;
        return visit.web.service().profile_form(&visit.tenant, account).await.map_err(|e| visit.fault(&e));
    }
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

/// What the form is a step of: the draft, or what stands of the own data, as a change of those has no draft before the
/// first is sent.
pub(super) fn step(draft: &OpenDraft) -> &str {
    match draft.personal() {
        Some(standing) => standing.seen(),
        None => draft.id().as_str(),
    }
}

/// The same draft, to be written to.
pub(super) async fn begun(visit: &Visit, draft: OpenDraft) -> Result<OpenDraft, Response> {
    match visit.web.service().begin_profile_change(&visit.tenant, draft).await {
        Ok(draft) => Ok(draft),
        Err(e) => Err(visit.fault(&e)),
    }
}

/// Where people change their own data.
pub(super) const PERSONAL: &str = "/account/profile";

/// Whether the request is about own data: the session is the key to the draft, not a cookie of its own.
pub(super) fn is_personal(visit: &Visit) -> bool {
    let local = visit.path.strip_prefix(&visit.base()).unwrap_or_default();
    local.strip_prefix(PERSONAL).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// The address of a draft's form.
pub(super) fn form_url(visit: &Visit) -> String {
    visit.to(if is_personal(visit) { PERSONAL } else { "/register/form" })
}

/// The address of a draft's check page.
pub(super) fn check_url(visit: &Visit) -> String {
    visit.to(if is_personal(visit) { "/account/profile/check" } else { "/register/check" })
}

/// What somebody is about.
pub(super) fn task(visit: &Visit, draft: &OpenDraft) -> Task {
    match (draft.correction(), draft.kind()) {
        (Some(_), _) => Task::Correction,
        (None, kind) => task_of(visit, kind),
    }
}

/// What somebody is about who applies for that.
pub(super) fn task_of(visit: &Visit, kind: ApplicationKind) -> Task {
    match kind {
        ApplicationKind::Registration | ApplicationKind::Reapplication => Task::Registration,
        ApplicationKind::Enrolment => Task::Enrolment,
        ApplicationKind::ProfileChange => match visit.tenant.config.settings.self_service.manner {
            ChangeManner::Edit => Task::Profile,
            ChangeManner::FillIn => Task::FillIn,
        },
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
