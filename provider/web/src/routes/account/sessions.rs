//! Where somebody is signed in, and how to end it elsewhere.

use crate::{
    device,
    pages::{Say, SessionRow, Sessions},
    visit::{Answer, Visit},
};
use axum::extract::{Query, RawForm};
use madoguchi_domain::id::SessionId;
use madoguchi_oidc::Params;
use serde::Deserialize;

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    pub(super) done: String,
}

pub(super) async fn show(visit: Visit, Query(done): Query<Done>) -> Answer {
    let active = visit.signed_in()?;
    let found = visit.web.service().sessions_of(&visit.tenant, active).await.map_err(|e| visit.fault(&e))?;
    let mut sessions: Vec<SessionRow> = found
        .into_iter()
        .map(|place| SessionRow {
            id: place.session.id.to_string(),
            device: match device::of(&place.begun.user_agent) {
                Some((browser, system)) => Say::key("sessions.device").with("browser", browser).with("system", system),
                None => Say::key("sessions.unknown_device"),
            },
            this: place.this,
            begun_at: place.session.created_at.seconds(),
            seen_at: place.session.last_seen_at.seconds(),
            address: place.begun.source_ip,
        })
        .collect();
    sessions.sort_by_key(|row| !row.this);
    let done = (done.done == "ended").then(|| Say::key("sessions.ended"));
    Ok(visit.page(&Sessions { sessions, done }))
}

pub(super) async fn end(visit: Visit, RawForm(body): RawForm) -> Answer {
    let active = visit.signed_in()?;
    let form = Params::read(None, Some(&body));
    visit.check_form("sessions", form.get("csrf").unwrap_or_default())?;
    let one = form.get("end").map(SessionId::known);
    let others = form.get("end_others").is_some();
    if one.is_none() && !others {
        return Ok(visit.redirect(&visit.to("/account/sessions")));
    }
    let service = visit.web.service();
    let ended = service.end_other_sessions(&visit.tenant, active, one.as_ref(), &visit.source).await;
    ended.map_err(|e| visit.fault(&e))?;
    Ok(visit.redirect(&visit.to("/account/sessions?done=ended")))
}
