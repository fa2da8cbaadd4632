//! The decision: once for each version, whoever else clicks.

use super::{
    Place,
    application::{Entered, Look, NEW_ACCOUNT, page},
    desk,
};
use crate::{
    pages::{DeskDecided, DeskPreview, Problem, Say},
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, Query, RawForm},
    response::Response,
};
use http::StatusCode;
use madoguchi_domain::{
    application::Decision,
    id::{AccountId, ApplicationId},
};
use madoguchi_oidc::Params;
use madoguchi_service::review::{AccountChoice, DecideError, Decided, DecisionForm, Desk, Ruling};

pub(super) async fn decide(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(place): Query<Place>,
    RawForm(body): RawForm,
) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_either(&["desk-application", "desk-preview"], form.get("csrf").unwrap_or_default())?;
    let desk = desk(&visit).await?;
    let id = ApplicationId::known(id);
    let mut entered = entered(&form);
    if form.get("insert").is_some() {
        insert_template(&visit, &desk, &id, &mut entered).await?;
        return again(&visit, &desk, &id, &place, entered, StatusCode::OK).await;
    }
    let Some(wanted) = Wanted::of(&form) else {
        return Ok(visit.error_page(StatusCode::BAD_REQUEST, "malformed_form", None));
    };
    let Some(version) = form.get("version").and_then(|v| v.parse().ok()) else {
        return Ok(visit.error_page(StatusCode::BAD_REQUEST, "malformed_form", None));
    };
    let decision = DecisionForm { application: id.clone(), version, ruling: wanted.ruling(&entered) };
    if form.get("preview").is_some() {
        return match desk.preview_mail(&decision).await {
            Ok(mail) => preview(&visit, &desk, &decision, wanted, &form, mail, &place).await,
            Err(e) => refused(&visit, &desk, &id, &place, entered, e).await,
        };
    }
    match desk.decide(&decision, &visit.source).await {
        Ok(decided) => after(&visit, &desk, &id, &place, &decided).await,
        Err(e) => refused(&visit, &desk, &id, &place, entered, e).await,
    }
}

/// Which button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Approve,
    Reject,
    Resubmit,
}

impl Wanted {
    /// The button that was pressed; a preview is of a correction where items are questioned, of a rejection where only
    /// a reason stands, else of an approval.
    fn of(form: &Params) -> Option<Self> {
        let pressed = [("approve", Self::Approve), ("reject", Self::Reject), ("resubmit", Self::Resubmit)];
        if let Some((_, wanted)) = pressed.iter().find(|(name, _)| form.get(name).is_some()) {
            return Some(*wanted);
        }
        form.get("preview")?;
        if form.names().any(|n| n.starts_with("question_")) {
            return Some(Self::Resubmit);
        }
        let reason = form.get("reason").is_some_and(|r| !r.trim().is_empty());
        Some(if reason { Self::Reject } else { Self::Approve })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Resubmit => "resubmit",
        }
    }

    fn ruling(self, entered: &Entered) -> Ruling {
        let reason = entered.reason.trim().to_owned();
        match self {
            Self::Approve => Ruling::Approve {
                account: match entered.account.as_deref() {
                    None => AccountChoice::Unsaid,
                    Some(NEW_ACCOUNT) => AccountChoice::New,
                    Some(id) => AccountChoice::Existing(AccountId::known(id)),
                },
            },
            Self::Reject => Ruling::Reject { reason },
            Self::Resubmit => Ruling::RequestCorrection { reason, notes: entered.notes.clone() },
        }
    }
}

fn entered(form: &Params) -> Entered {
    // those that are no fields of the application's form are left out when it is decided
    let notes = form
        .names()
        .filter_map(|name| name.strip_prefix("question_"))
        .map(|key| (key.to_owned(), form.get(&format!("note_{key}")).unwrap_or_default().trim().to_owned()))
        .collect();
    Entered {
        reason: form.get("reason").unwrap_or_default().to_owned(),
        notes,
        account: form.get("account").filter(|id| !id.is_empty()).map(str::to_owned),
        undo_reason: String::new(),
        template: form.get("template").unwrap_or_default().to_owned(),
        problems: Vec::new(),
    }
}

/// Puts the chosen text, in the applicant's language, below what stands there.
async fn insert_template(
    visit: &Visit,
    desk: &Desk<'_>,
    id: &ApplicationId,
    entered: &mut Entered,
) -> Result<(), Response> {
    let view = desk.open(id, &visit.source).await.map_err(|e| visit.fault(&e))?;
    let text = view.and_then(|v| v.reasons.into_iter().find(|r| r.key == entered.template)).map(|r| r.text);
    if let Some(text) = text {
        if !entered.reason.trim().is_empty() {
            entered.reason.push('\n');
        }
        entered.reason.push_str(&text);
    }
    Ok(())
}

pub(super) async fn again(
    visit: &Visit,
    desk: &Desk<'_>,
    id: &ApplicationId,
    place: &Place,
    entered: Entered,
    status: StatusCode,
) -> Answer {
    match page(visit, desk, id, place, &Look::default(), entered).await? {
        Some(page) => Ok(visit.page_with(status, &page)),
        None => Ok(visit.not_found()),
    }
}

async fn preview(
    visit: &Visit,
    desk: &Desk<'_>,
    decision: &DecisionForm,
    wanted: Wanted,
    form: &Params,
    mail: madoguchi_service::Rendered,
    place: &Place,
) -> Answer {
    let id = &decision.application;
    let view = desk.open(id, &visit.source).await.map_err(|e| visit.fault(&e))?;
    let Some(view) = view else { return Ok(visit.not_found()) };
    let query = place.query(place.state(), &place.after);
    let left_out = ["csrf", "preview", "approve", "reject", "resubmit", "insert", "template"];
    let fields = form
        .names()
        .filter(|name| !left_out.contains(name))
        .filter_map(|name| Some((name.to_owned(), form.get(name)?.to_owned())))
        .collect();
    let locale = view.application.locale.as_str();
    Ok(visit.page(&DeskPreview {
        reference: view.application.reference.clone(),
        verdict: wanted.name().to_owned(),
        language: visit.renderer().text(locale, "language.name", &[]),
        language_tag: locale.to_owned(),
        subject: mail.subject,
        body: mail.body,
        fields,
        decision_url: visit.to(&format!("/desk/applications/{id}/decision?{query}")),
        back_url: visit.to(&format!("/desk/applications/{id}?{query}")),
    }))
}

/// On to the next one that waits; to the queue when none does.
async fn after(visit: &Visit, desk: &Desk<'_>, id: &ApplicationId, place: &Place, decided: &Decided) -> Answer {
    let done = match decided {
        Decided::Approved { .. } => "approved",
        Decided::Moved { .. } => "moved",
        Decided::EnrolmentAdded { .. } => "enrolment_added",
        Decided::ProfileChanged { .. } => "profile_changed",
        Decided::FirstApproval => "first_approval",
        Decided::Rejected => "rejected",
        Decided::CorrectionRequested => "correction_requested",
    };
    let view = desk.open(id, &visit.source).await.map_err(|e| visit.fault(&e))?;
    let reference = view.map(|v| v.application.reference).unwrap_or_default();
    let waiting = desk.queue(&place.filter()).await.map_err(|e| visit.fault(&e))?;
    let next = waiting.items.iter().find(|item| item.application.id != *id && !item.own);
    let query = place.query(place.state(), "");
    let to = match next {
        Some(item) if place.state() == "submitted" => format!("/desk/applications/{}", item.application.id),
        Some(_) | None => "/desk".to_owned(),
    };
    Ok(visit.redirect(&visit.to(&format!("{to}?{query}&done={done}&reference={reference}"))))
}

async fn refused(
    visit: &Visit,
    desk: &Desk<'_>,
    id: &ApplicationId,
    place: &Place,
    mut entered: Entered,
    error: DecideError,
) -> Answer {
    let code = error.code();
    let beside = match error {
        DecideError::NotFound => return Ok(visit.not_found()),
        DecideError::Service(e) => return Err(visit.fault(&e)),
        DecideError::OwnApplication => return Ok(visit.error_page(StatusCode::FORBIDDEN, code, None)),
        DecideError::AlreadyDecided(decision) => return already(visit, desk, id, place, decision.as_deref()).await,
        DecideError::Stale { .. }
        | DecideError::AlreadyApprovedByYou
        | DecideError::NoUserIds
        | DecideError::EmailTaken => {
            entered.problems = vec![Problem::at("decision", Say::key(format!("error.{code}")))];
            return again(visit, desk, id, place, entered, StatusCode::CONFLICT).await;
        }
        DecideError::AccountUnsaid => "account",
        DecideError::WrongAccount | DecideError::NothingChosen => "decision",
        DecideError::ReasonMissing | DecideError::TextTooLong => "reason",
    };
    entered.problems = vec![Problem::at(beside, Say::key(format!("error.{code}")))];
    again(visit, desk, id, place, entered, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// Somebody was first: who, what, when. Nothing was changed.
async fn already(
    visit: &Visit,
    desk: &Desk<'_>,
    id: &ApplicationId,
    place: &Place,
    decision: Option<&Decision>,
) -> Answer {
    let Some(view) = desk.open(id, &visit.source).await.map_err(|e| visit.fault(&e))? else {
        return Ok(visit.not_found());
    };
    let last = view.history.last();
    let at = decision.map(|d| d.at).or(last.map(|l| l.decision.at)).unwrap_or(view.application.submitted_at);
    let waiting = desk.queue(&place.filter()).await.map_err(|e| visit.fault(&e))?;
    let query = place.query(place.state(), "");
    let next = waiting.items.iter().find(|item| item.application.id != *id);
    let me = visit.account().map(|a| a.id.as_str());
    let page = DeskDecided {
        reference: view.application.reference.clone(),
        state: view.application.lifecycle.state.as_str().to_owned(),
        actor: last.map(|l| l.reviewer.clone()).unwrap_or_default(),
        at: at.seconds(),
        by_other: last.is_none_or(|l| Some(l.decision.reviewer.as_str()) != me),
        next_url: next.map(|item| visit.to(&format!("/desk/applications/{}?{query}", item.application.id))),
        queue_url: visit.to(&format!("/desk?{query}")),
    };
    Ok(visit.page_with(StatusCode::CONFLICT, &page))
}
