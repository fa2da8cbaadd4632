//! An application: what was typed beside what the roster says, pictures, duplicates, history.

use super::{
    super::account::kind_words,
    super::registration::{calendar_words, describe_field, image_response, label, option_label},
    Place, desk, queue_view,
};
use crate::{
    pages::{
        Choice, Comparison, DeskApplication, DeskDocument, DeskRow, DeskSection, DeskViewer, DuplicateView,
        HistoryLine, Problem, Say, UndoView,
    },
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, Query},
    response::Response,
};
use madoguchi_domain::{
    application::{ApplicationKind, ApplicationState, Verdict},
    form::{Field, FieldKind},
    id::{ApplicationId, DocumentId},
};
use madoguchi_plugin_sdk::Agreement;
use madoguchi_service::{
    Rendition,
    review::{AccountLike, ApplicationView, BY_DIRECTORY, BY_VERIFIER, Desk, RosterAnswer, RosterRecord},
};
use madoguchi_store::{accounts::AccountWithEnrolments, documents::Document};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which picture is in view, how large, how turned.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Look {
    #[serde(default)]
    doc: String,
    #[serde(default)]
    zoom: u32,
    #[serde(default)]
    rotate: u32,
}

const ZOOMS: [u32; 4] = [100, 150, 200, 300];

/// What stands for an account that is to be made, where one may be chosen instead.
pub(super) const NEW_ACCOUNT: &str = "new";

/// What the reviewer entered and is shown again.
#[derive(Debug, Clone, Default)]
pub(super) struct Entered {
    pub reason: String,
    /// A note for each questioned field.
    pub notes: BTreeMap<String, String>,
    pub account: Option<String>,
    /// Why a match is taken back.
    pub undo_reason: String,
    pub template: String,
    pub problems: Vec<Problem>,
}

pub(super) async fn show(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(place): Query<Place>,
    Query(look): Query<Look>,
) -> Answer {
    let desk = desk(&visit).await?;
    let id = ApplicationId::known(id);
    visit.announce(place.done());
    match page(&visit, &desk, &id, &place, &look, Entered::default()).await? {
        Some(page) => Ok(visit.page(&page)),
        None => Ok(visit.not_found()),
    }
}

/// The page of an application; `None` when there is none of that id here.
pub(super) async fn page(
    visit: &Visit,
    desk: &Desk<'_>,
    id: &ApplicationId,
    place: &Place,
    look: &Look,
    entered: Entered,
) -> Result<Option<DeskApplication>, Response> {
    let Some(view) = desk.open(id, &visit.source).await.map_err(|e| visit.fault(&e))? else { return Ok(None) };
    let queue = queue_view(visit, desk, place, Some(id)).await?;
    let application = &view.application;
    let query = place.query(place.state(), &place.after);
    let best = match &view.roster {
        RosterAnswer::Records(records) => records.first(),
        RosterAnswer::NoRoster | RosterAnswer::Unavailable => None,
    };
    let roster = match (&view.roster, best) {
        (RosterAnswer::NoRoster | RosterAnswer::Unavailable, _) => "off",
        (RosterAnswer::Records(_), None) => "none",
        (RosterAnswer::Records(_), Some(record)) if record.exact && !differs(record) => "match",
        (RosterAnswer::Records(_), Some(_)) => "different",
    };
    let (documents, viewer) = pictures(visit, &view, look, &query);
    let beside = match application.kind {
        ApplicationKind::ProfileChange => "now",
        ApplicationKind::Registration | ApplicationKind::Reapplication | ApplicationKind::Enrolment => "known",
    };
    let undo = undo(visit, &view, &entered);
    let name = ["name", "name_roman", "school_name"].iter().filter_map(|key| application.answers.get(*key));
    let name = name.into_iter().find(|n| !n.is_empty()).cloned();
    let language = visit.renderer().text(application.locale.as_str(), "language.name", &[]);
    Ok(Some(DeskApplication {
        queue,
        reference: application.reference.clone(),
        version: application.lifecycle.version,
        kind: Say::key(kind_words(application.kind)),
        state: application.lifecycle.state.as_str().to_owned(),
        name: name.unwrap_or_else(|| application.email.to_string()),
        submitted_at: application.submitted_at.seconds(),
        age_days: view.age.as_secs() / 86_400,
        language,
        roster: roster.to_owned(),
        sections: sections(visit, &view, best, &entered),
        choosable: by_nobody(application.kind) && blocked(&view).is_none(),
        new_account: entered.account.as_deref() == Some(NEW_ACCOUNT),
        applicant: applicant(visit, &view),
        beside,
        undo,
        duplicates: view.accounts.iter().map(|a| duplicate(visit, a, entered.account.as_deref())).collect(),
        documents,
        viewer,
        history: history(visit, &view),
        templates: view.reasons.iter().map(|r| Choice::new(&r.key, &r.title, r.key == entered.template)).collect(),
        reason: entered.reason,
        decision_url: visit.to(&format!("/desk/applications/{id}/decision?{query}")),
        blocked: blocked(&view),
        problems: entered.problems,
    }))
}

/// Whether no account applies, so that the decision says whose it is.
fn by_nobody(kind: ApplicationKind) -> bool {
    match kind {
        ApplicationKind::Registration | ApplicationKind::Reapplication => true,
        ApplicationKind::Enrolment | ApplicationKind::ProfileChange => false,
    }
}

/// Why there is nothing to decide.
fn blocked(view: &ApplicationView) -> Option<Say> {
    if view.own {
        return Some(Say::key("desk.blocked.own"));
    }
    match view.application.lifecycle.state {
        ApplicationState::Submitted => None,
        ApplicationState::CorrectionRequested => Some(Say::key("desk.blocked.waits_for_applicant")),
        ApplicationState::Approved | ApplicationState::Rejected => Some(Say::key("desk.blocked.decided")),
        ApplicationState::Withdrawn => Some(Say::key("desk.blocked.withdrawn")),
    }
}

fn sections(
    visit: &Visit,
    view: &ApplicationView,
    record: Option<&RosterRecord>,
    entered: &Entered,
) -> Vec<DeskSection> {
    visit
        .tenant
        .config
        .form_for(view.application.kind, view.application.kind_of_user())
        .sections
        .iter()
        .map(|section| DeskSection {
            title: section.title.get(&visit.locale).to_owned(),
            rows: section.fields.iter().map(|field| row(visit, view, field, record, entered)).collect(),
        })
        .collect()
}

/// The match that can be taken back: the last one, while the application is still approved by it.
fn undo(visit: &Visit, view: &ApplicationView, entered: &Entered) -> Option<UndoView> {
    let application = &view.application;
    let last = view.moves.last().filter(|m| m.undone.is_none() && m.version == application.lifecycle.version)?;
    (application.lifecycle.state == ApplicationState::Approved && !view.own).then(|| UndoView {
        url: visit.to(&format!("/desk/applications/{}/undo", application.id)),
        address: last.before.email.to_string(),
        moved_at: last.moved_at.seconds(),
        reason: entered.undo_reason.clone(),
    })
}

/// Who applies, of those that have an account.
fn applicant(visit: &Visit, view: &ApplicationView) -> Option<String> {
    let AccountWithEnrolments { account, enrolments } = view.applicant.as_ref()?;
    let numbers = enrolments.iter().map(|e| e.student_id.as_str());
    let born = calendar_words(visit, &account.profile.birth_date);
    let parts = [account.profile.name.as_str(), account.login_id.as_str(), born.as_str()];
    let parts: Vec<&str> = parts.into_iter().chain(numbers).filter(|p| !p.is_empty()).collect();
    Some(parts.join(" · "))
}

/// What was answered to a field in another version, in words.
fn answered(visit: &Visit, view: &ApplicationView, field: &Field, version: i64) -> Option<String> {
    let kept = view.submissions.iter().find(|s| s.version == version)?;
    Some(super::super::registration::value(visit, field, &kept.answers).join(" / "))
}

/// A roster's affiliation in the reviewer's language, as far as the tenant's tree knows its parts.
fn place_words(visit: &Visit, record: &RosterRecord) -> String {
    let config = &visit.tenant.config;
    let parts = record
        .record
        .affiliation
        .iter()
        .map(|part| config.affiliation_called(part).map_or(part.as_str(), |a| a.label(&visit.locale)));
    parts.collect::<Vec<_>>().join(" › ")
}

fn row(
    visit: &Visit,
    view: &ApplicationView,
    field: &Field,
    record: Option<&RosterRecord>,
    entered: &Entered,
) -> DeskRow {
    let typed = if field.kind == FieldKind::ConfirmedEmail {
        view.application.email.to_string()
    } else if field.kind == FieldKind::Image {
        view.documents.iter().find(|d| d.slot == field.key).map(|d| picture(visit, d)).unwrap_or_default()
    } else {
        super::super::registration::value(visit, field, &view.answers.answers).join(" / ")
    };
    let version = view.application.lifecycle.version;
    let before = answered(visit, view, field, version - 1).filter(|then| version > 1 && *then != typed);
    let stands = match view.application.kind {
        ApplicationKind::ProfileChange => answered(visit, view, field, 0).filter(|now| !now.is_empty()),
        ApplicationKind::Registration | ApplicationKind::Reapplication | ApplicationKind::Enrolment => None,
    };
    let by_roster = view.application.kind != ApplicationKind::ProfileChange;
    let compared = record.filter(|_| by_roster);
    let compared = compared.and_then(|r| r.items.iter().find(|item| counterpart(&field.key) == item.key));
    let (known, comparison) = match (compared, stands) {
        (None, Some(now)) => {
            let comparison = if now == typed { Comparison::Same } else { Comparison::Different };
            (Some(now), comparison)
        }
        (None, None) => (None, Comparison::None),
        (Some(item), _) => {
            // the roster holds a choice by its value, as the form does
            let choice = field.options.iter().find(|o| field.kind == FieldKind::Choice && o.value == item.kept);
            let kept = match (choice, record) {
                (Some(option), _) => option_label(visit, field, option),
                (None, Some(record)) if item.key == "affiliation" => place_words(visit, record),
                (None, Some(_) | None) => calendar_words(visit, &item.kept),
            };
            let kept = Some(kept).filter(|k| !k.is_empty());
            let comparison = match item.agreement {
                Agreement::Same => Comparison::Same,
                Agreement::Similar => Comparison::Folded,
                Agreement::Different => Comparison::Different,
                Agreement::Unknown => Comparison::None,
            };
            (kept, comparison)
        }
    };
    DeskRow {
        key: field.key.clone(),
        label: label(visit, field),
        typed,
        before,
        known,
        comparison,
        questioned: entered.notes.contains_key(&field.key),
        note: entered.notes.get(&field.key).cloned().unwrap_or_default(),
    }
}

/// A picture in words; when it was erased, that and when.
fn picture(visit: &Visit, document: &Document) -> String {
    match document.deleted_at {
        Some(at) => {
            let day = visit.tenant.config.settings.today(at).to_string();
            visit.text("desk.erased", &[("date", &calendar_words(visit, &day))])
        }
        None => describe_field(document),
    }
}

/// Whether anything that the roster knows is another than what was typed: the same person may err about a department.
fn differs(record: &RosterRecord) -> bool {
    record.items.iter().any(|item| matches!(item.agreement, Agreement::Different))
}

/// What an item of the roster is called there: it knows people by their name when they were enrolled.
fn counterpart(key: &str) -> &str {
    match key {
        "school_name" => "name",
        "school_name_kana" => "name_kana",
        "school_name_roman" => "name_roman",
        // the present name may differ by marriage; the roster has the name of then
        "name" | "name_kana" => "",
        other => other,
    }
}

fn duplicate(visit: &Visit, like: &AccountLike, chosen: Option<&str>) -> DuplicateView {
    let profile = &like.account.profile;
    let born = calendar_words(visit, &profile.birth_date);
    let parts = [profile.name.as_str(), profile.name_kana.as_str(), born.as_str()];
    let description: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    DuplicateView {
        id: like.account.id.to_string(),
        login_id: like.account.login_id.clone(),
        description: description.join(" · "),
        matches: like.why.iter().map(|why| Say::key(format!("desk.match.{}", why.as_str()))).collect(),
        selected: chosen == Some(like.account.id.as_str()),
    }
}

fn history(visit: &Visit, view: &ApplicationView) -> Vec<HistoryLine> {
    let applicant = visit.text("desk.applicant", &[]);
    let form = visit.tenant.config.form_of(view.application.kind_of_user());
    let mut lines = vec![HistoryLine {
        at: view.application.created_at.seconds(),
        actor: applicant.clone(),
        what: Say::key("desk.history.submitted"),
        detail: None,
    }];
    for past in &view.history {
        let what = match past.decision.verdict {
            Verdict::Approve => "desk.history.approved",
            Verdict::Reject => "desk.history.rejected",
            Verdict::RequestCorrection => "desk.history.correction_requested",
        };
        let mut detail: Vec<String> = vec![past.decision.reason.clone()];
        detail.extend(past.decision.notes.iter().map(|(key, note)| {
            let field = form.field(key).map(|f| label(visit, f)).unwrap_or_else(|| key.clone());
            if note.is_empty() { field } else { format!("{field}: {note}") }
        }));
        detail.retain(|d| !d.is_empty());
        let actor = match past.decision.reviewer.as_str() {
            BY_DIRECTORY => visit.text("desk.by_roster", &[]),
            BY_VERIFIER => visit.text("desk.by_verifier", &[]),
            _ => past.reviewer.clone(),
        };
        lines.push(HistoryLine {
            at: past.decision.at.seconds(),
            actor,
            what: Say::key(what),
            detail: (!detail.is_empty()).then(|| detail.join(" / ")),
        });
    }
    for (made, by) in view.moves.iter().zip(&view.undone_by) {
        if let Some((at, _, reason)) = &made.undone {
            lines.push(HistoryLine {
                at: at.seconds(),
                actor: by.clone(),
                what: Say::key("desk.history.undone"),
                detail: Some(reason.clone()),
            });
        }
    }
    for (reviewer, at) in &view.approvals {
        lines.push(HistoryLine {
            at: at.seconds(),
            actor: reviewer.clone(),
            what: Say::key("desk.history.first_approval"),
            detail: None,
        });
    }
    if view.application.submitted_at > view.application.created_at {
        lines.push(HistoryLine {
            at: view.application.submitted_at.seconds(),
            actor: applicant.clone(),
            what: Say::key("desk.history.submitted"),
            detail: None,
        });
    }
    if view.application.lifecycle.state == ApplicationState::Withdrawn {
        lines.push(HistoryLine {
            at: view.application.decided_at.unwrap_or(view.application.submitted_at).seconds(),
            actor: applicant,
            what: Say::key("desk.history.withdrawn"),
            detail: None,
        });
    }
    lines.sort_by_key(|line| line.at);
    lines
}

fn pictures(
    visit: &Visit,
    view: &ApplicationView,
    look: &Look,
    query: &str,
) -> (Vec<DeskDocument>, Option<DeskViewer>) {
    let shown: Vec<_> = view.documents.iter().filter(|d| d.deleted_at.is_none()).collect();
    let current = shown.iter().position(|d| d.id.as_str() == look.doc).unwrap_or(0);
    let form = visit.tenant.config.form_of(view.application.kind_of_user());
    let name = |slot: &str| form.field(slot).map(|f| label(visit, f)).unwrap_or_default();
    let here = visit.to(&format!("/desk/applications/{}", view.application.id));
    let documents = shown
        .iter()
        .enumerate()
        .map(|(index, d)| DeskDocument {
            label: name(&d.slot),
            url: format!("{here}?{query}&doc={}", d.id),
            thumbnail_url: visit.to(&format!("/desk/documents/{}?size=small", d.id)),
            current: index == current,
        })
        .collect();
    let viewer = shown.get(current).map(|d| {
        let zoom = ZOOMS.iter().position(|z| *z == look.zoom).unwrap_or(0);
        let rotate = look.rotate / 90 * 90 % 360;
        let at = |zoom: usize, rotate: u32| {
            let percent = ZOOMS.get(zoom).or(ZOOMS.last()).copied().unwrap_or(100);
            format!("{here}?{query}&doc={}&zoom={percent}&rotate={rotate}", d.id)
        };
        DeskViewer {
            url: visit.to(&format!("/desk/documents/{}", d.id)),
            label: name(&d.slot),
            zoom: ZOOMS.get(zoom).copied().unwrap_or(100),
            rotate,
            zoom_in_url: at(zoom + 1, rotate),
            zoom_out_url: at(zoom.saturating_sub(1), rotate),
            rotate_url: at(zoom, (rotate + 90) % 360),
        }
    });
    (documents, viewer)
}

/// Small or as kept.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SizeQuery {
    #[serde(default)]
    size: String,
}

/// A picture of an application; each look is in the audit log. Whoever may not look gets what an unknown id gets.
pub(super) async fn document(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<SizeQuery>,
) -> Answer {
    let Ok(desk) = desk(&visit).await else { return Ok(visit.not_found()) };
    let rendition = if query.size == "small" { Rendition::Thumbnail } else { Rendition::Full };
    let found = desk.document(&DocumentId::known(id), rendition, &visit.source).await;
    match found.map_err(|e| visit.fault(&e))? {
        Some(image) => Ok(image_response(image)),
        None => Ok(visit.not_found()),
    }
}
