//! How somebody who is signed in stands: what they owe, how long their session lasts, whether their browser went back.
//!
//! ```text
//! GET  /terms     new terms        POST → agreed to; the request or the page that was asked for goes on
//! GET  /session   the session goes on, until when
//! POST /back      the page's script: the browser's Back or Forward was used
//! ```

use super::entrance::local_path;
use crate::{
    duties::BeforeDuties,
    pages::{NewTerms, Problem, Say, SessionEnded, SessionKept},
    state::Web,
    visit::{Answer, Visit},
};
use axum::{
    Router,
    extract::{Query, RawForm},
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use madoguchi_domain::{Token, duty::Duty};
use madoguchi_oidc::Params;
use madoguchi_service::NewTermsError;
use serde::Deserialize;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/terms", get(terms).post(agree))
        .route("/session", get(session))
        .route("/back", post(went_back))
}

/// The page that was asked for.
#[derive(Debug, Default, Deserialize)]
struct BackTo {
    #[serde(default)]
    to: String,
}

impl Visit {
    /// Where a duty that is done leads: the parked authorization request, else the page that was asked for.
    fn after_duty(&self, to: &str) -> String {
        match &self.flow {
            Some(flow) => self.to(&format!("/authorize/resume?flow={flow}")),
            None => self.to(local_path(to)),
        }
    }
}

fn terms_page(visit: &Visit, to: &str, problems: Vec<Problem>) -> NewTerms {
    let config = &visit.tenant.config;
    let text = config.terms.get(&visit.locale).or_else(|| config.terms.values().next());
    NewTerms {
        version: config.terms_in_force().unwrap_or_default().to_owned(),
        html: crate::markdown::to_html(text.map_or("", String::as_str)),
        to: local_path(to).to_owned(),
        logout_url: visit.to("/logout"),
        problems,
    }
}

async fn terms(BeforeDuties(visit): BeforeDuties, Query(BackTo { to }): Query<BackTo>) -> Answer {
    visit.signed_in()?;
    if visit.duty() != Some(Duty::AcceptTerms) {
        return Ok(visit.redirect(&visit.after_duty(&to)));
    }
    visit.interaction().await?;
    Ok(visit.page(&terms_page(&visit, &to, Vec::new())))
}

async fn agree(BeforeDuties(mut visit): BeforeDuties, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    if visit.flow.is_none() {
        visit.flow = form.get("flow").filter(|f| Token::parse(f).is_some()).map(str::to_owned);
    }
    visit.check_form("new-terms", form.get("csrf").unwrap_or_default())?;
    let to = form.get("to").unwrap_or_default();
    let active = visit.signed_in()?;
    if visit.duty() != Some(Duty::AcceptTerms) {
        return Ok(visit.invalid_operation(visit.after_duty(to)).await);
    }
    let mut wrong = "terms.missing";
    if form.get("agree") == Some("yes") {
        let shown = form.get("version").unwrap_or_default();
        match visit.web.service().agree_to_terms(&visit.tenant, active, shown, &visit.source).await {
            Ok(()) => return Ok(visit.redirect(&visit.after_duty(to))),
            Err(NewTermsError::Changed) => wrong = "terms.changed",
            Err(NewTermsError::Service(e)) => return Err(visit.fault(&e)),
        }
    }
    visit.interaction().await?;
    let problems = vec![Problem::at("agree_yes", Say::key(wrong))];
    Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &terms_page(&visit, to, problems)))
}

/// Being asked for is use: the session goes on. For the button of the warning, and, in a window of its own, for people
/// without script, whose form stays as it is meanwhile.
async fn session(BeforeDuties(visit): BeforeDuties) -> Response {
    match &visit.session {
        Some(active) => {
            let timing = visit.timing(&active.session);
            visit.page(&SessionKept { until: timing.until, is_final: timing.is_final, back_url: visit.to("/") })
        }
        None => {
            let minutes = visit.tenant.config.settings.session.idle.seconds() / 60;
            let page = SessionEnded { minutes, login_url: visit.to("/login"), kept: false };
            visit.page_with(StatusCode::UNAUTHORIZED, &page)
        }
    }
}

/// The script of a page tells that the page was reached by the browser's Back or Forward.
async fn went_back(BeforeDuties(visit): BeforeDuties, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form(form.get("page").unwrap_or_default(), form.get("csrf").unwrap_or_default())?;
    let next = visit.right_step().await?;
    Ok(visit.invalid_operation(next).await)
}
