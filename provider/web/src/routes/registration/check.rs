//! Everything that was entered once more, the button that hands it in, and the reference number.

use super::{
    draft,
    field::{image_view, label, option_label},
    personal,
};
use crate::{
    cookies::Jar,
    pages::{Check, CheckRow, CheckSection, Link, Problem, Reception, Say, Task},
    visit::{Answer, Visit},
};
use axum::extract::RawForm;
use http::StatusCode;
use madoguchi_domain::{
    form::{Answers, Field, FieldKind, Section},
    japan::{date, postal},
    tenant::InitialCredential,
};
use madoguchi_oidc::Params;
use madoguchi_service::{DraftState, OpenDraft, SubmitError};
use madoguchi_store::documents::Document;

pub(super) async fn show(visit: Visit) -> Answer {
    let draft = draft::open(&visit).await?;
    let checked = visit.web.service().check_draft(&visit.tenant, &draft).await.map_err(|e| visit.fault(&e))?;
    // not ready to be checked: the form says what is missing
    let Ok(validated) = checked else { return Ok(visit.redirect(&draft::form_url(&visit))) };
    let page = page(&visit, &draft, &validated.answers).await?;
    // own data of which nothing would change
    if page.sections.is_empty() {
        return Ok(visit.redirect(&draft::form_url(&visit)));
    }
    Ok(visit.page(&page))
}

async fn page(visit: &Visit, draft: &OpenDraft, answers: &Answers) -> Result<Check, axum::response::Response> {
    visit.at_step(&shown(draft));
    let documents = visit.web.service().draft_documents(&visit.tenant, draft).await.map_err(|e| visit.fault(&e))?;
    let sections = draft.form().sections.iter().map(|section| section_view(visit, section, draft, answers, &documents));
    let page = Check {
        task: draft::task(visit, draft),
        action: draft::check_url(visit),
        notices: Vec::new(),
        sections: sections.collect(),
        all_marked: false,
        problems: Vec::new(),
        form_url: draft::form_url(visit),
    };
    personal::only_changes(visit, draft, page).await
}

/// What is handed in: the draft as this page shows it, and not as another window changed it.
fn shown(draft: &OpenDraft) -> String {
    format!("{} {}", draft.id(), draft.revision())
}

/// The page after an outside authority did not confirm the answers. Which of them differed is not said, so every item
/// is marked, with one sentence for all; or none, when it could not tell.
async fn not_confirmed(visit: &Visit, message: Say, all_marked: bool, status: StatusCode) -> Answer {
    let draft = draft::open(visit).await?;
    let checked = visit.web.service().check_draft(&visit.tenant, &draft).await.map_err(|e| visit.fault(&e))?;
    let Ok(validated) = checked else { return Ok(visit.redirect(&draft::form_url(visit))) };
    let page = page(visit, &draft, &validated.answers).await?;
    let first = draft.form().fields().find_map(|f| f.inputs().into_iter().next()).unwrap_or_default();
    let page = Check { all_marked, problems: vec![Problem::at(first, message)], ..page };
    Ok(visit.page_with(status, &page))
}

fn section_view(
    visit: &Visit,
    section: &Section,
    draft: &OpenDraft,
    answers: &Answers,
    documents: &[Document],
) -> CheckSection {
    let rows = section
        .fields
        .iter()
        .map(|field| {
            let editable = draft.is_editable(&field.key) && field.kind != FieldKind::ConfirmedEmail;
            let input = field.inputs().into_iter().next().unwrap_or_else(|| field.key.clone());
            let document = documents.iter().find(|d| d.slot == field.key);
            let lines = if field.kind == FieldKind::ConfirmedEmail {
                vec![draft.email().to_string()]
            } else {
                value(visit, field, answers)
            };
            let typed = draft.answers().get(&field.key).map(|t| t.trim()).filter(|t| !t.is_empty());
            let differs = matches!(field.kind, FieldKind::Kana | FieldKind::Name | FieldKind::Roman)
                .then(|| lines.first().cloned())
                .flatten()
                .filter(|kept| typed.is_some_and(|typed| typed != kept));
            CheckRow {
                label: label(visit, field),
                lines: match (&differs, typed) {
                    (Some(_), Some(typed)) => vec![typed.to_owned()],
                    _ => lines,
                },
                before: Vec::new(),
                mark: None,
                read_as: differs,
                image: document.map(|d| image_view(visit, d)),
                change_url: editable.then(|| format!("{}#{input}", draft::form_url(visit))),
            }
        })
        .collect();
    CheckSection { key: section.key.clone(), title: section.title.get(&visit.locale).to_owned(), rows }
}

/// What was answered to a field, in words, a line each; none when it was left empty.
pub(in super::super) fn value(visit: &Visit, field: &Field, answers: &Answers) -> Vec<String> {
    let get = |input: &str| answers.get(input).map(|v| v.trim().to_owned()).unwrap_or_default();
    let text = match field.kind {
        FieldKind::Date => {
            let part = |name: &str| get(&format!("{}_{name}", field.key));
            date_words(visit, &part("year"), &part("month"), Some(&part("day")))
        }
        FieldKind::YearMonth => {
            let part = |name: &str| get(&format!("{}_{name}", field.key));
            date_words(visit, &part("year"), &part("month"), None)
        }
        FieldKind::Choice => {
            let chosen = get(&field.key);
            field.options.iter().find(|o| o.value == chosen).map_or(chosen, |option| option_label(visit, field, option))
        }
        FieldKind::Affiliation => field
            .inputs()
            .iter()
            .filter_map(|input| visit.tenant.config.affiliation(&get(input)))
            .map(|a| a.label(&visit.locale))
            .collect::<Vec<_>>()
            .join(" › "),
        FieldKind::PostalCode => {
            let code = get(&field.key);
            if code.is_empty() { code } else { postal::display(&code) }
        }
        FieldKind::Textarea => return get(&field.key).lines().map(str::to_owned).collect(),
        FieldKind::Text
        | FieldKind::Name
        | FieldKind::Kana
        | FieldKind::Roman
        | FieldKind::StudentId
        | FieldKind::Prefecture
        | FieldKind::Phone
        | FieldKind::ConfirmedEmail
        | FieldKind::ResidenceCard => get(&field.key),
        FieldKind::Image => return Vec::new(),
    };
    if text.is_empty() { Vec::new() } else { vec![text] }
}

/// `1990年（平成2年）4月1日`, `1 April 1990`.
fn date_words(visit: &Visit, year: &str, month: &str, day: Option<&str>) -> String {
    let (Ok(y), Ok(m)) = (year.parse::<i32>(), month.parse::<u32>()) else {
        return [year, month, day.unwrap_or_default()]
            .iter()
            .filter(|p| !p.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("-");
    };
    if visit.locale.as_str().starts_with("ja") {
        let day = day.map(|d| format!("{d}日")).unwrap_or_default();
        return format!("{}{m}月{day}", date::both_calendars(y));
    }
    let month = visit.text(&format!("date.month.{m}"), &[]);
    match day {
        Some(day) => format!("{day} {month} {y}"),
        None => format!("{month} {y}"),
    }
}

/// A day `1990-04-01` or a month `2012-03` in words; anything else as it stands.
pub(in super::super) fn calendar_words(visit: &Visit, text: &str) -> String {
    let mut parts = text.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(y), Some(m), day, None) if y.len() == 4 && m.len() == 2 => {
            let plain = |part: &str| part.trim_start_matches('0').to_owned();
            date_words(visit, y, &plain(m), day.map(plain).as_deref())
        }
        _ => text.to_owned(),
    }
}

pub(super) async fn submit(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("check", form.get("csrf").unwrap_or_default())?;
    if form.get("back").is_some() {
        return Ok(visit.redirect(&draft::form_url(&visit)));
    }
    let draft = draft::open(&visit).await?;
    visit.check_step("check", &form, &shown(&draft), draft::check_url(&visit)).await?;
    if draft::is_personal(&visit) {
        return personal::hand_in(&visit, draft).await;
    }
    match visit.web.service().submit(&visit.tenant, draft, &visit.source).await {
        Ok(_) => {
            visit.clear_cookie(Jar::Link);
            Ok(visit.redirect(&visit.to("/register/reception")))
        }
        // the form says what is wrong, as soon as it is checked again
        Err(SubmitError::Invalid(_) | SubmitError::Stale) => Ok(visit.redirect(&visit.to("/register/form"))),
        Err(SubmitError::AlreadyPending { reference }) => Ok(personal::already_pending(&visit, &reference)),
        Err(SubmitError::NotMatched { code }) => {
            not_confirmed(&visit, super::form::mismatch(&visit, &code), true, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(SubmitError::NotVerifiable { retry_after }) => {
            let message = Say::key("error.verification.unavailable");
            let answer = not_confirmed(&visit, message, false, StatusCode::SERVICE_UNAVAILABLE).await?;
            Ok(super::form::later(answer, retry_after))
        }
        Err(SubmitError::Closed) => Ok(visit.invalid_operation(visit.to("/register/reception")).await),
        Err(SubmitError::Service(e)) => Err(visit.fault(&e)),
    }
}

pub(super) async fn reception(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Draft) else { return Ok(visit.redirect(&visit.to("/register"))) };
    let state = visit.web.service().draft_for_browser(&visit.tenant, &token).await.map_err(|e| visit.fault(&e))?;
    match state {
        Some(DraftState::Submitted { reference, email, submitted_at, correction, kind, return_client }) => {
            let settings = &visit.tenant.config.settings;
            let came_from = match return_client {
                Some(client) => super::super::account::home_of(&visit, &client).await?,
                None => None,
            };
            let next = match came_from {
                Some(url) => Link::new(visit.text("reception.to_application", &[]), url),
                None => Link::new(visit.text("error.to_home", &[]), visit.to("/")),
            };
            Ok(visit.page(&Reception {
                reference,
                submitted_at: submitted_at.seconds(),
                expected_days: settings.registration.expected_days,
                expected_on: settings.expected_on(submitted_at).to_string(),
                mail: email.to_string(),
                sender: settings.mail.from.0.to_string(),
                task: if correction { Task::Correction } else { draft::task_of(&visit, kind) },
                by_setting_url: settings.initial_credential.kind == InitialCredential::SettingUrl,
                next: Some(next),
            }))
        }
        Some(DraftState::Open(_)) => Ok(visit.redirect(&visit.to("/register/form"))),
        Some(DraftState::Ended) | None => Ok(visit.redirect(&visit.to("/register"))),
    }
}
