//! One more student ID number: asked for by somebody signed in, gone on with by the link in the mail.

use super::{link, personal};
use crate::{
    cookies::Jar,
    pages::{ConfirmLink, Message, Say, Steps, StudentId},
    visit::{Answer, Visit},
};
use axum::extract::RawForm;
use madoguchi_domain::application::ApplicationKind;
use madoguchi_oidc::Params;
use madoguchi_service::{EnrolmentError, LinkProblem};

fn is_offered(visit: &Visit) -> bool {
    visit.tenant.config.form.asks_for(ApplicationKind::Enrolment)
}

pub(super) async fn show(visit: Visit) -> Answer {
    let account = &visit.signed_in()?.account;
    if !is_offered(&visit) {
        return Ok(visit.not_found());
    }
    let service = visit.web.service();
    let enrolments = service.enrolments_of(&visit.tenant, account).await.map_err(|e| visit.fault(&e))?;
    let waits = service.pending_application(&visit.tenant, account, ApplicationKind::Enrolment).await;
    let waits = waits.map_err(|e| visit.fault(&e))?;
    let settings = &visit.tenant.config.settings;
    let from = settings.mail.from.0.as_str();
    Ok(visit.page(&StudentId {
        mail: account.email.to_string(),
        sender_domain: from.rsplit_once('@').map_or(from, |(_, domain)| domain).to_owned(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        known: enrolments.into_iter().map(|e| e.student_id).filter(|id| !id.is_empty()).collect(),
        pending: waits.map(|a| personal::pending(&visit, &a.reference)),
        back_url: visit.to("/"),
    }))
}

pub(super) async fn send(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("student-id", form.get("csrf").unwrap_or_default())?;
    let session = visit.signed_in()?;
    match visit.web.service().request_enrolment(&visit.tenant, session, &visit.locale, &visit.source).await {
        Ok(_) => Ok(visit.redirect(&visit.to("/account/student-id/sent"))),
        Err(EnrolmentError::NotOffered) => Ok(visit.not_found()),
        Err(EnrolmentError::AlreadyPending { reference }) => Ok(personal::already_pending(&visit, &reference)),
        Err(EnrolmentError::TooMany) => Ok(visit.too_many(std::time::Duration::from_secs(3600))),
        Err(EnrolmentError::Service(e)) => Err(visit.fault(&e)),
    }
}

pub(super) async fn sent(visit: Visit) -> Answer {
    let account = &visit.signed_in()?.account;
    let minutes = visit.tenant.config.settings.one_time_links.lifetime.seconds() / 60;
    Ok(visit.page(&Message {
        steps: Some(Steps::enrolment(2)),
        heading: Say::key("student_id.sent_title"),
        message: Say::key("student_id.sent").with("mail", &account.email),
        details: vec![Say::key("student_id.sent_next").with("count", minutes)],
        ok_url: visit.to("/"),
    }))
}

/// The link was opened: what will happen, and the button that does it.
pub(super) async fn confirm(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(link::problem(&visit, LinkProblem::Unknown)) };
    let opened = visit.web.service().open_enrolment(&visit.tenant, &token).await;
    opened.map_err(|e| link::link_failed(&visit, e))?;
    visit.at_step(token.expose());
    Ok(visit.page(&ConfirmLink {
        heading: Say::key("student_id.link_title"),
        message: Say::key("student_id.link_message"),
        action: visit.to("/student-id"),
        button: "open".into(),
        label: Say::key("student_id.link_button"),
        steps: Some(Steps::enrolment(2)),
    }))
}

pub(super) async fn open(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("confirm-link", form.get("csrf").unwrap_or_default())?;
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(link::problem(&visit, LinkProblem::Unknown)) };
    let service = visit.web.service();
    let link = service.open_enrolment(&visit.tenant, &token).await.map_err(|e| link::link_failed(&visit, e))?;
    visit.check_step("confirm-link", &form, token.expose(), visit.to("/student-id")).await?;
    let opened = service.begin_enrolment(&visit.tenant, &link).await.map_err(|e| link::link_failed(&visit, e))?;
    visit.set_cookie(Jar::Draft, &opened.browser);
    Ok(visit.redirect(&visit.to("/register/form")))
}
