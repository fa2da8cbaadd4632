//! For reviewers: the queue, an application with the evidence beside it, one decision.

mod application;
mod decision;
mod undo;

use super::account::kind_words;
use crate::{
    pages::{DeskQueue, KindFilter, Queue, QueueFilter as Chip, QueueRow, Say},
    state::Web,
    visit::{Answer, Visit},
};
use axum::{
    Router,
    extract::Query,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use madoguchi_domain::{
    application::{ApplicationKind, ApplicationState},
    id::ApplicationId,
};
use madoguchi_service::review::{Desk, QueueFilter};
use serde::Deserialize;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/desk", get(queue))
        .route("/desk/applications/{id}", get(application::show))
        .route("/desk/applications/{id}/decision", post(decision::decide))
        .route("/desk/applications/{id}/undo", post(undo::undo))
        .route("/desk/documents/{id}", get(application::document))
}

/// Where in the queue the reviewer is; carried in the address.
#[derive(Debug, Clone, Default, Deserialize)]
struct Place {
    #[serde(default)]
    state: String,
    /// Which kind of application; all when empty.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    q: String,
    /// Where the page begins: when and which was the last before it.
    #[serde(default)]
    after: String,
    /// What was just done, and to which application.
    #[serde(default)]
    done: String,
    #[serde(default)]
    reference: String,
}

impl Place {
    /// `submitted` when nothing was chosen.
    fn state(&self) -> &str {
        if self.state.is_empty() { "submitted" } else { &self.state }
    }

    fn filter(&self) -> QueueFilter {
        let states = ApplicationState::from_stored(self.state()).into_iter().collect();
        let kinds = ApplicationKind::from_stored(&self.kind).into_iter().collect();
        let after = self
            .after
            .split_once('.')
            .and_then(|(at, id)| Some((madoguchi_domain::Timestamp(at.parse().ok()?), ApplicationId::known(id))));
        QueueFilter { states, kinds, search: self.q.clone(), after, ..QueueFilter::default() }
    }

    /// The address of this place, or of the same with another state or page.
    fn query(&self, state: &str, after: &str) -> String {
        self.query_of(state, &self.kind, after)
    }

    fn query_of(&self, state: &str, kind: &str, after: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", state);
        if ApplicationKind::from_stored(kind).is_some() {
            query.append_pair("kind", kind);
        }
        if !self.q.is_empty() {
            query.append_pair("q", &self.q);
        }
        if !after.is_empty() {
            query.append_pair("after", after);
        }
        query.finish()
    }

    /// What was just done, for the bar above the page.
    fn done(&self) -> Option<Say> {
        let known = [
            "approved",
            "moved",
            "enrolment_added",
            "profile_changed",
            "first_approval",
            "rejected",
            "correction_requested",
            "undone",
        ];
        known
            .contains(&self.done.as_str())
            .then(|| Say::key(format!("desk.done.{}", self.done)).with("reference", &self.reference))
    }
}

/// The desk with whoever is signed in at it; login for nobody, 403 for somebody without the role.
async fn desk(visit: &Visit) -> Result<Desk<'_>, Response> {
    let session = visit.signed_in()?;
    let service = visit.web.service();
    let reviewer = service.reviewer(&visit.tenant, session).await.map_err(|e| visit.fault(&e))?;
    reviewer
        .and_then(|reviewer| service.review(&visit.tenant, reviewer))
        .ok_or_else(|| visit.error_page(StatusCode::FORBIDDEN, "not_a_reviewer", None))
}

async fn queue(visit: Visit, Query(place): Query<Place>) -> Answer {
    let desk = desk(&visit).await?;
    let queue = queue_view(&visit, &desk, &place, None).await?;
    Ok(visit.page(&DeskQueue { queue, done: place.done() }))
}

/// The queue as it stands beside an application, or alone.
async fn queue_view(
    visit: &Visit,
    desk: &Desk<'_>,
    place: &Place,
    current: Option<&ApplicationId>,
) -> Result<Queue, Response> {
    let found = desk.queue(&place.filter()).await.map_err(|e| visit.fault(&e))?;
    let settings = &visit.tenant.config.settings;
    let today = settings.today(visit.web.service().now());
    let all: i64 = found.counts.values().sum();
    let chip = |state: &str, count: i64| Chip {
        state: state.to_owned(),
        count: count.unsigned_abs(),
        url: visit.to(&format!("/desk?{}", place.query(state, ""))),
        selected: place.state() == state,
    };
    let mut filters: Vec<Chip> = ApplicationState::ALL
        .iter()
        .map(|s| chip(s.as_str(), found.counts.get(s.as_str()).copied().unwrap_or(0)))
        .collect();
    filters.push(chip("all", all));
    let rows = found
        .items
        .iter()
        .map(|item| {
            let application = &item.application;
            let age_days = item.age.as_secs() / 86_400;
            let query = place.query(place.state(), &place.after);
            QueueRow {
                reference: application.reference.clone(),
                url: visit.to(&format!("/desk/applications/{}?{query}", application.id)),
                name: item.name.clone(),
                kana: item.name_kana.clone(),
                kind: Say::key(kind_words(application.kind)),
                state: application.lifecycle.state.as_str().to_owned(),
                age_days,
                late: application.lifecycle.state == ApplicationState::Submitted
                    && today > settings.expected_on(application.submitted_at),
                again: application.lifecycle.version > 1,
                current: current == Some(&application.id),
            }
        })
        .collect();
    let more = found
        .next
        .map(|(at, id)| visit.to(&format!("/desk?{}", place.query(place.state(), &format!("{}.{id}", at.seconds())))));
    let of_kind = |kind: &str, name: &str| KindFilter {
        label: Say::key(format!("desk.kind.{name}")),
        url: visit.to(&format!("/desk?{}", place.query_of(place.state(), kind, ""))),
        selected: place.kind == kind || kind.is_empty() && ApplicationKind::from_stored(&place.kind).is_none(),
    };
    let offered = ApplicationKind::ALL.iter().filter(|kind| match kind {
        ApplicationKind::Registration | ApplicationKind::Reapplication => true,
        ApplicationKind::Enrolment => visit.tenant.config.form.asks_for(ApplicationKind::Enrolment),
        ApplicationKind::ProfileChange => !visit.tenant.config.settings.self_service.with_approval.is_empty(),
    });
    let kinds = [of_kind("", "all")].into_iter().chain(offered.map(|k| of_kind(k.as_str(), k.as_str()))).collect();
    Ok(Queue {
        filters,
        kinds,
        kind: place.kind.clone(),
        search: place.q.clone(),
        state: place.state().to_owned(),
        rows,
        more_url: more,
    })
}
