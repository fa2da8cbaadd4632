//! Takes the match of a reapplication with an account back.

use super::{Place, application::Entered, decision::again, desk};
use crate::{
    pages::{Problem, Say},
    visit::{Answer, Visit},
};
use axum::extract::{Path, Query, RawForm};
use http::StatusCode;
use madoguchi_domain::id::ApplicationId;
use madoguchi_oidc::Params;
use madoguchi_service::{UndoError, UndoForm};

pub(super) async fn undo(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(place): Query<Place>,
    RawForm(body): RawForm,
) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("desk-application", form.get("csrf").unwrap_or_default())?;
    let desk = desk(&visit).await?;
    let id = ApplicationId::known(id);
    let Some(version) = form.get("version").and_then(|v| v.parse().ok()) else {
        return Ok(visit.error_page(StatusCode::BAD_REQUEST, "malformed_form", None));
    };
    let reason = form.get("undo_reason").unwrap_or_default().to_owned();
    let asked = UndoForm { application: id.clone(), version, reason: reason.clone() };
    let error = match desk.undo(&asked, &visit.source).await {
        Ok(()) => {
            let view = desk.open(&id, &visit.source).await.map_err(|e| visit.fault(&e))?;
            let reference = view.map(|v| v.application.reference).unwrap_or_default();
            let query = place.query("submitted", "");
            return Ok(visit.redirect(&visit.to(&format!("/desk?{query}&done=undone&reference={reference}"))));
        }
        Err(error) => error,
    };
    let code = error.code();
    let status = match error {
        UndoError::NotFound => return Ok(visit.not_found()),
        UndoError::Service(e) => return Err(visit.fault(&e)),
        UndoError::OwnApplication => return Ok(visit.error_page(StatusCode::FORBIDDEN, code, None)),
        UndoError::ReasonMissing | UndoError::TextTooLong => StatusCode::UNPROCESSABLE_ENTITY,
        UndoError::NothingToUndo | UndoError::MovedAgain | UndoError::AddressTaken | UndoError::AccountDisabled => {
            StatusCode::CONFLICT
        }
    };
    let problems = vec![Problem::at("undo_reason", Say::key(format!("error.{code}")))];
    let entered = Entered { undo_reason: reason, problems, ..Entered::default() };
    again(&visit, &desk, &id, &place, entered, status).await
}
