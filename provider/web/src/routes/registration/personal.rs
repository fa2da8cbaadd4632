//! Own data: what the form and the check page say of them beyond an application's, handing a change in, and withdrawing
//! an application.

use super::{draft, form};
use crate::{
    cookies::Jar,
    pages::{Check, ConfirmLink, FieldView, Input, Message, Pending, Problem, Say, Task, Width},
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, Query, RawForm},
    response::Response,
};
use http::StatusCode;
use madoguchi_domain::{
    application::{Application, ApplicationState},
    form::{
        Field, FieldKind,
        personal::{Change, PersonalChanges},
    },
    tenant::ChangeManner,
    verification::is_reviewed,
};
use madoguchi_oidc::Params;
use madoguchi_service::{
    MailChangeError, MailChangeRequest, MailChangeRequested, OpenDraft, ProfileChanged, Standing, SubmitError,
    WithdrawError, personal::MAIL_CONFIRM,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Says beside a field how it may be changed, and what a change would end.
pub(super) fn describe(visit: &Visit, draft: &OpenDraft, standing: &Standing, field: &Field, view: &mut FieldView) {
    let change = standing.form().change(&field.key);
    let mut remarks = Vec::new();
    if field.kind == FieldKind::ConfirmedEmail && takes_mail(visit, standing) {
        return new_mail(visit, draft, view);
    }
    if !draft.is_editable(&field.key) {
        view.locked = true;
        view.fixed = super::value(visit, field, standing.before());
        if field.kind == FieldKind::ConfirmedEmail {
            view.fixed = vec![draft.email().to_string()];
        }
        return;
    }
    match change {
        Change::WithApproval => remarks.push(visit.text("profile.needs_approval", &[])),
        Change::Free | Change::Fixed | Change::Evidence => {}
    }
    if is_reviewed(&field.key) && standing.is_verified(&field.key) {
        let key = if change == Change::WithApproval { "profile.verified_until" } else { "profile.verified_lost" };
        remarks.push(visit.text(key, &[]));
    }
    if visit.tenant.config.settings.self_service.manner == ChangeManner::FillIn && change != Change::Evidence {
        view.required = false;
        view.label = visit.text("profile.new_label", &[("label", &view.label)]);
        let now = super::value(visit, field, standing.before()).join(" ");
        if !now.is_empty() {
            remarks.push(visit.text("profile.now", &[("value", &now)]));
        }
    }
    let hint = view.hint.take();
    let lines: Vec<String> = hint.into_iter().chain(remarks).collect();
    view.hint = (!lines.is_empty()).then(|| lines.join(" "));
}

/// Whether a new mail address is asked for among the rest.
pub(super) fn takes_mail(visit: &Visit, standing: &Standing) -> bool {
    visit.tenant.config.settings.self_service.manner == ChangeManner::FillIn && standing.form().takes_mail()
}

fn mail_input(draft: &OpenDraft, name: &str) -> Input {
    Input::Text {
        value: draft.answers().get(name).cloned().unwrap_or_default(),
        input_type: "email",
        width: Width::Long,
        autocomplete: Some("email"),
        input_mode: Some("email"),
        read_as: None,
    }
}

/// The field of the confirmed address takes another one, which is proved by a link before it is in force.
fn new_mail(visit: &Visit, draft: &OpenDraft, view: &mut FieldView) {
    view.required = false;
    view.label = visit.text("profile.new_label", &[("label", &view.label)]);
    view.hint = Some(visit.text("profile.mail_hint", &[("value", draft.email().as_str())]));
    view.input = mail_input(draft, &view.key);
}

/// The same address again, below it.
pub(super) fn mail_again(visit: &Visit, draft: &OpenDraft, error: Option<Say>) -> FieldView {
    let label = visit.text("profile.mail_confirm", &[]);
    let mut view = FieldView::new(MAIL_CONFIRM, label, false, mail_input(draft, MAIL_CONFIRM));
    view.error = error;
    view
}

/// Asks for the change of the address, if one was typed. What is wrong with it, by field.
async fn ask_for_mail(visit: &Visit, draft: &OpenDraft) -> Result<(bool, form::Said), Response> {
    let field = draft.form().fields().find(|f| f.kind == FieldKind::ConfirmedEmail).map(|f| f.key.clone());
    let Some(key) = field.filter(|_| draft.personal().is_some_and(|s| takes_mail(visit, s))) else {
        return Ok((false, form::Said::new()));
    };
    let typed = |name: &str| draft.answers().get(name).map(|t| t.trim().to_owned()).unwrap_or_default();
    let request = MailChangeRequest {
        mail: typed(&key),
        mail_confirm: typed(MAIL_CONFIRM),
        locale: visit.locale.clone(),
        source: visit.source.clone(),
    };
    if request.mail.is_empty() && request.mail_confirm.is_empty() {
        return Ok((false, form::Said::new()));
    }
    let session = visit.signed_in()?;
    match visit.web.service().request_mail_change(&visit.tenant, session, request).await {
        Ok(MailChangeRequested::LinkSent { .. }) => Ok((true, form::Said::new())),
        Ok(MailChangeRequested::Changed(changed)) => {
            if let Some(token) = changed.token {
                visit.set_cookie(Jar::Session, &token);
            }
            Ok((true, form::Said::new()))
        }
        Err(MailChangeError::Refused(refused)) => {
            let said = refused.into_iter().map(|r| {
                let (field, label) = match r.input {
                    "mail_confirm" => (MAIL_CONFIRM, visit.text("profile.mail_confirm", &[])),
                    _ => (key.as_str(), visit.text("field.mail.label", &[])),
                };
                let say = Say::key(format!("error.{}", r.code)).with("label", label);
                (field.to_owned(), (field.to_owned(), say))
            });
            Ok((false, said.collect()))
        }
        // the page of the address asks for another login first
        Err(MailChangeError::LoginTooLongAgo) => Err(visit.redirect(&visit.to("/account/mail"))),
        Err(MailChangeError::TooMany { retry_after }) => Err(visit.too_many(retry_after)),
        Err(MailChangeError::Taken | MailChangeError::Link(_)) => {
            Err(visit.invalid_operation(visit.to(draft::PERSONAL)).await)
        }
        Err(MailChangeError::Service(e)) => Err(visit.fault(&e)),
    }
}

/// An application that waits, as pages name it.
pub(super) fn pending(visit: &Visit, reference: &str) -> Pending {
    Pending { reference: reference.to_owned(), withdraw_url: withdraw_url(visit, reference) }
}

/// The page that withdraws an application.
pub(in super::super) fn withdraw_url(visit: &Visit, reference: &str) -> String {
    visit.to(&format!("/account/applications/{reference}/withdraw"))
}

/// The check page of a change shows what changes, beside what it was, and says what is lost by it.
pub(super) async fn only_changes(visit: &Visit, draft: &OpenDraft, mut page: Check) -> Result<Check, Response> {
    let Some(standing) = draft.personal() else { return Ok(page) };
    let changes = match visit.web.service().profile_changes(&visit.tenant, draft).await {
        Ok(changes) => changes,
        Err(SubmitError::Service(e)) => return Err(visit.fault(&e)),
        Err(_) => PersonalChanges::default(),
    };
    for (section, fields) in page.sections.iter_mut().zip(&draft.form().sections) {
        let rows = std::mem::take(&mut section.rows);
        let wanted = |field: &Field| match standing.form().change(&field.key) {
            Change::Free => changes.free.contains(&field.key),
            Change::WithApproval => changes.with_approval.contains(&field.key),
            Change::Evidence => !changes.with_approval.is_empty(),
            Change::Fixed => false,
        };
        for (mut row, field) in rows.into_iter().zip(&fields.fields).filter(|(_, field)| wanted(field)) {
            let mark = match standing.form().change(&field.key) {
                Change::Free => Some("check.profile_at_once"),
                Change::WithApproval => Some("check.profile_after_approval"),
                Change::Evidence | Change::Fixed => None,
            };
            if mark.is_some() {
                row.before = super::value(visit, field, standing.before());
            }
            row.mark = mark.map(Say::key);
            if let Some(key) = unverified(standing, field) {
                let label = super::label(visit, field);
                page.notices.push(Say::key(key).with("label", label));
            }
            section.rows.push(row);
        }
    }
    page.sections.retain(|section| !section.rows.is_empty());
    Ok(page)
}

/// What is said of a verified fact that changes.
fn unverified(standing: &Standing, field: &Field) -> Option<&'static str> {
    if !is_reviewed(&field.key) || !standing.is_verified(&field.key) {
        return None;
    }
    match standing.form().change(&field.key) {
        Change::WithApproval => Some("check.profile_unverified"),
        Change::Free => Some("check.profile_unverified_for_good"),
        Change::Fixed | Change::Evidence => None,
    }
}

/// From the form to the check page, when there is anything to check.
pub(super) async fn to_check(visit: &Visit, draft: OpenDraft) -> Answer {
    match visit.web.service().profile_changes(&visit.tenant, &draft).await {
        Ok(changes) if changes.is_empty() => nothing_changed(visit, &draft).await,
        Ok(_) => Ok(visit.redirect(&draft::check_url(visit))),
        Err(SubmitError::Service(e)) => Err(visit.fault(&e)),
        Err(_) => Ok(visit.redirect(&draft::form_url(visit))),
    }
}

async fn nothing_changed(visit: &Visit, draft: &OpenDraft) -> Answer {
    let mut page = form::page(visit, draft, &BTreeMap::new(), None).await?;
    let fields = draft.form().fields().filter(|f| draft.is_editable(&f.key));
    let first = fields.flat_map(Field::inputs).next().unwrap_or_default();
    page.problems = vec![Problem::at(first, Say::key("error.nothing_changed"))];
    Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Hands a change in. The address is asked for first: what is wrong with it is said while nothing has changed.
pub(super) async fn hand_in(visit: &Visit, draft: OpenDraft) -> Answer {
    let shown = draft.clone();
    let (mail, wrong) = ask_for_mail(visit, &shown).await?;
    if !wrong.is_empty() {
        let page = form::page(visit, &shown, &wrong, None).await?;
        return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    match visit.web.service().change_profile(&visit.tenant, draft, &visit.source).await {
        Ok(ProfileChanged { at_once: false, reference: None }) if mail => {
            Ok(visit.redirect(&visit.to(&format!("{}/done?what=mail", draft::PERSONAL))))
        }
        Ok(ProfileChanged { at_once: false, reference: None }) => nothing_changed(visit, &shown).await,
        Ok(ProfileChanged { at_once, reference }) => {
            let what = match (at_once, reference.is_some()) {
                (true, true) => "both",
                (false, true) => "asked",
                (true | false, false) => "changed",
            };
            let number = reference.map(|r| format!("&reference={r}")).unwrap_or_default();
            let number = if mail { format!("{number}&mail=1") } else { number };
            Ok(visit.redirect(&visit.to(&format!("{}/done?what={what}{number}", draft::PERSONAL))))
        }
        Err(SubmitError::Invalid(errors)) => {
            let page = form::page(visit, &shown, &form::said(visit, shown.form(), &errors), None).await?;
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(SubmitError::AlreadyPending { reference }) => Ok(already_pending(visit, &reference)),
        Err(SubmitError::Service(e)) => Err(visit.fault(&e)),
        Err(
            SubmitError::Stale
            | SubmitError::Closed
            | SubmitError::NotMatched { .. }
            | SubmitError::NotVerifiable { .. },
        ) => Ok(visit.invalid_operation(visit.to(draft::PERSONAL)).await),
    }
}

/// 409: one of the kind waits already. Nothing was changed.
pub(super) fn already_pending(visit: &Visit, reference: &str) -> Response {
    visit.page_with(
        StatusCode::CONFLICT,
        &Message {
            steps: None,
            heading: Say::key("pending.title"),
            message: Say::key("pending.message").with("reference", reference),
            details: vec![Say::key("pending.next")],
            ok_url: visit.to("/"),
        },
    )
}

/// What came of a change.
#[derive(Debug, Default, Deserialize)]
pub(super) struct DoneQuery {
    #[serde(default)]
    what: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    mail: String,
}

pub(super) async fn done(visit: Visit, Query(query): Query<DoneQuery>) -> Answer {
    visit.signed_in()?;
    let asked = madoguchi_domain::application::parse_reference(&query.reference);
    let days = visit.tenant.config.settings.registration.expected_days;
    let waits = asked.map(|r| Say::key("profile.waits").with("reference", r).with("count", days));
    let asked_only = query.what == "asked" && waits.is_some();
    let settings = &visit.tenant.config.settings;
    let by_link = settings.self_service.confirm_mail && (query.what == "mail" || query.mail == "1");
    let link = by_link.then(|| Say::key("profile.mail_sent"));
    let (title, message) = if asked_only {
        ("profile.asked_title", Say::key("profile.asked"))
    } else if by_link && query.what == "mail" {
        ("profile.mail_title", Say::key("profile.mail_asked"))
    } else {
        ("profile.done_title", Say::key("profile.done"))
    };
    let task = match settings.self_service.manner {
        ChangeManner::Edit => Task::Profile,
        ChangeManner::FillIn => Task::FillIn,
    };
    Ok(visit.page(&Message {
        steps: Some(task.steps("done")),
        heading: Say::key(title),
        message,
        details: waits.into_iter().chain(link).collect(),
        ok_url: visit.to("/account"),
    }))
}

/// Asks before an application is withdrawn.
pub(super) async fn withdraw(visit: Visit, Path((_, reference)): Path<(String, String)>) -> Answer {
    let account = &visit.signed_in()?.account;
    match visit.web.service().withdrawable(&visit.tenant, account, &reference).await {
        Ok(application) => {
            let kind = super::super::account::kind_words(application.kind);
            visit.at_step(&format!("withdraw {}", application.reference));
            Ok(visit.page(&ConfirmLink {
                heading: Say::key("withdraw.title"),
                message: Say::key("withdraw.message")
                    .with("reference", &application.reference)
                    .with("kind", visit.text(kind, &[])),
                action: withdraw_url(&visit, &application.reference),
                button: "withdraw".into(),
                label: Say::key("withdraw.button"),
                steps: None,
            }))
        }
        // this is where pressing the button leads
        Err(WithdrawError::TooLate(application)) if application.lifecycle.state == ApplicationState::Withdrawn => {
            Ok(is_withdrawn(&visit, &application))
        }
        Err(e) => refused(&visit, e),
    }
}

pub(super) async fn withdrawn(
    visit: Visit,
    Path((_, reference)): Path<(String, String)>,
    RawForm(body): RawForm,
) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("confirm-link", form.get("csrf").unwrap_or_default())?;
    let account = &visit.signed_in()?.account;
    visit.check_step("confirm-link", &form, &format!("withdraw {reference}"), withdraw_url(&visit, &reference)).await?;
    match visit.web.service().withdraw(&visit.tenant, account, &reference, &visit.source).await {
        Ok(_) => Ok(visit.redirect(&withdraw_url(&visit, &reference))),
        // pressed twice
        Err(WithdrawError::TooLate(application)) if application.lifecycle.state == ApplicationState::Withdrawn => {
            Ok(visit.redirect(&withdraw_url(&visit, &reference)))
        }
        Err(e) => refused(&visit, e),
    }
}

fn is_withdrawn(visit: &Visit, application: &Application) -> Response {
    visit.page(&Message {
        steps: None,
        heading: Say::key("withdraw.done_title"),
        message: Say::key("withdraw.done").with("reference", &application.reference),
        details: Vec::new(),
        ok_url: visit.to("/"),
    })
}

fn refused(visit: &Visit, error: WithdrawError) -> Answer {
    match error {
        WithdrawError::NotFound => Ok(visit.not_found()),
        WithdrawError::Service(e) => Err(visit.fault(&e)),
        WithdrawError::TooLate(application) => Ok(visit.page_with(
            StatusCode::CONFLICT,
            &Message {
                steps: None,
                heading: Say::key("withdraw.too_late_title"),
                message: Say::key("withdraw.too_late").with("reference", &application.reference),
                details: Vec::new(),
                ok_url: visit.to("/"),
            },
        )),
    }
}
