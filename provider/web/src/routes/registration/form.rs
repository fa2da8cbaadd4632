//! The application form. Whatever was typed is saved first, whichever button was pressed and whether it is right or
//! wrong; only then is looked at what to do.

use super::{draft, field, personal, upload::Sent};
use crate::{
    pages::{Correction, Form, Problem, Say, Task},
    visit::{Answer, Visit},
};
use axum::{
    Json,
    extract::{RawForm, Request},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madoguchi_domain::{
    form::{FieldError, FieldKind},
    japan::postal,
};
use madoguchi_oidc::Params;
use madoguchi_service::{DraftError, OpenDraft, UploadError, personal::MAIL_CONFIRM};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) async fn show(visit: Visit) -> Answer {
    let draft = draft::open(&visit).await?;
    visit.at_step(draft::step(&draft));
    let page = page(&visit, &draft, &BTreeMap::new(), None).await?;
    Ok(visit.page(&page))
}

/// What is said beside fields, by the field's key: the input to go to, and the words.
pub(super) type Said = BTreeMap<String, (String, Say)>;

/// The form as it stands.
pub(super) async fn page(
    visit: &Visit,
    draft: &OpenDraft,
    said: &Said,
    looked_up: Option<&str>,
) -> Result<Form, Response> {
    let service = visit.web.service();
    let documents = service.draft_documents(&visit.tenant, draft).await.map_err(|e| visit.fault(&e))?;
    let form = draft.form();
    let view = field::FormView { visit, draft, documents: &documents, said, looked_up };
    let sections = form.sections.iter().map(|section| view.section(section)).collect();
    let again = said.get(MAIL_CONFIRM);
    let problems = form.fields().filter_map(|f| said.get(&f.key)).chain(again);
    let problems = problems.map(|(input, say)| Problem::at(input, say.clone())).collect();
    let standing = draft.personal();
    let back = back_url(visit, draft);
    Ok(Form {
        task: draft::task(visit, draft),
        action: draft::form_url(visit),
        pending: standing.and_then(|s| s.pending()).map(|reference| personal::pending(visit, reference)),
        revision: draft.revision(),
        sections,
        problems,
        saved_at: (draft.revision() > 0).then(|| draft.saved_at().seconds()),
        kept_until: draft.expires_at().seconds(),
        correction: draft.correction().map(|c| Correction { reference: c.reference.clone(), reason: c.reason.clone() }),
        postal_code_url: visit.to("/register/postal-code"),
        back_url: back,
    })
}

/// The page before the form.
fn back_url(visit: &Visit, draft: &OpenDraft) -> String {
    let back = match draft::task(visit, draft) {
        Task::Registration => "/register/terms",
        Task::Correction => "/resubmit",
        Task::Enrolment => "/student-id",
        Task::Profile | Task::FillIn => "/account",
    };
    visit.to(back)
}

/// The sentence for an error, the field's own if there is one.
pub(super) fn sentence(visit: &Visit, error: &FieldError) -> Say {
    let own = format!("field.{}.error.{}", error.field, error.code);
    let key = if visit.knows(&own) { own } else { format!("error.{}", error.code) };
    let label = visit.tenant.config.form.field(&error.field).map(|f| field::label(visit, f)).unwrap_or_default();
    error.params.iter().fold(Say::key(key).with("label", label), |say, (name, value)| {
        // another field is named by its key; people know it by its label
        let named = visit.tenant.config.form.field(&value.to_string()).filter(|_| *name == "other");
        match named {
            Some(other) => say.with(name, field::label(visit, other)),
            None => say.with(name, value),
        }
    })
}

pub(super) fn said(visit: &Visit, errors: &[FieldError]) -> Said {
    let mut said = Said::new();
    for error in errors {
        said.entry(error.field.clone()).or_insert_with(|| (error.input.clone(), sentence(visit, error)));
    }
    said
}

pub(super) async fn save(visit: Visit, request: Request) -> Answer {
    let mut visit = visit;
    let mut sent = Sent::read(&visit, request).await?;
    visit.check_form("form", sent.texts.get("csrf").map_or("", String::as_str))?;
    let draft = draft::open(&visit).await?;
    let step = sent.texts.get("step").map_or("", String::as_str);
    visit.check_step_value("form", step, draft::step(&draft), draft::form_url(&visit)).await?;
    visit.at_step(draft::step(&draft));
    let draft = draft::begun(&visit, draft).await?;
    if sent.pressed("switch_lang") {
        let chosen = visit.tenant.config.locale(sent.texts.get("lang").map(String::as_str)).clone();
        visit.speak(chosen);
    }
    take_chosen_places(&visit, &mut sent);
    let draft = keep(&visit, draft, &sent).await?;
    let mut wrong = uploads(&visit, &draft, std::mem::take(&mut sent.files)).await?;

    if let Some(slot) = sent.pressed_with("remove_") {
        match visit.web.service().remove_document(&visit.tenant, &draft, slot).await {
            Ok(()) => return Ok(visit.redirect(&format!("{}#{slot}", draft::form_url(&visit)))),
            Err(e) => upload_failed(&visit, slot, e, &mut wrong).await?,
        }
    }
    if let Some(key) = lookup_key(&visit, &sent) {
        return look_up(&visit, draft, &key, &wrong).await;
    }
    if sent.pressed("check") {
        let checked = visit.web.service().check_draft(&visit.tenant, &draft).await.map_err(|e| visit.fault(&e))?;
        if let Err(errors) = checked {
            for (key, said) in said(&visit, &errors) {
                // what was wrong with the upload says more than that there is none
                wrong.entry(key).or_insert(said);
            }
        }
        if wrong.is_empty() {
            return match draft::task(&visit, &draft) {
                Task::FillIn => personal::hand_in(&visit, draft).await,
                Task::Profile => personal::to_check(&visit, draft).await,
                Task::Registration | Task::Correction | Task::Enrolment => {
                    Ok(visit.redirect(&draft::check_url(&visit)))
                }
            };
        }
    }
    if !wrong.is_empty() {
        let page = page(&visit, &draft, &wrong, None).await?;
        return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    if sent.pressed("back") {
        return Ok(visit.redirect(&back_url(&visit, &draft)));
    }
    let anchor =
        sent.pressed_with("refresh").map(|rest| format!("#{}", rest.trim_start_matches('_'))).unwrap_or_default();
    Ok(visit.redirect(&format!("{}{anchor}", draft::form_url(&visit))))
}

/// Saves what was typed. Two windows on one draft: what was typed last stands; nothing is refused for it.
async fn keep(visit: &Visit, draft: OpenDraft, sent: &Sent) -> Result<OpenDraft, Response> {
    let service = visit.web.service();
    let mut draft = draft;
    for _ in 0..5 {
        match service.save_draft(&visit.tenant, draft, &sent.texts, &visit.locale, None).await {
            Ok(saved) => return Ok(saved),
            Err(DraftError::Stale) => draft = draft::open(visit).await?,
            Err(DraftError::Closed) => return Err(visit.invalid_operation(visit.to("/register/reception")).await),
            Err(DraftError::Service(e)) => return Err(visit.fault(&e)),
        }
    }
    Err(visit.busy(1))
}

async fn uploads(visit: &Visit, draft: &OpenDraft, files: BTreeMap<String, Vec<u8>>) -> Result<Said, Response> {
    let mut wrong = Said::new();
    for (slot, bytes) in files {
        if let Err(e) = visit.web.service().upload_document(&visit.tenant, draft, &slot, bytes).await {
            upload_failed(visit, &slot, e, &mut wrong).await?;
        }
    }
    Ok(wrong)
}

async fn upload_failed(visit: &Visit, slot: &str, error: UploadError, wrong: &mut Said) -> Result<(), Response> {
    match error {
        UploadError::Image(image) => {
            let policy = &visit.tenant.config.settings.documents;
            let say = Say::key(format!("error.{}", image.code()))
                .with("megabytes", policy.max_bytes / (1024 * 1024))
                .with("megapixels", policy.max_pixels / 1_000_000);
            wrong.insert(slot.to_owned(), (slot.to_owned(), say));
            Ok(())
        }
        UploadError::UnknownSlot => Ok(()),
        UploadError::Closed => Err(visit.invalid_operation(visit.to("/register/reception")).await),
        UploadError::Service(e) => Err(visit.fault(&e)),
    }
}

/// Prefecture, city and town fields that belong to a postal code: those of the same section that follow it.
pub(super) fn targets(visit: &Visit, key: &str) -> [String; 3] {
    let prefix = key.strip_suffix("postal_code").unwrap_or_default();
    let form = &visit.tenant.config.form;
    ["prefecture", "city", "street"].map(|name| {
        let target = format!("{prefix}{name}");
        if form.field(&target).is_some() { target } else { String::new() }
    })
}

/// The postal code field whose look-up was pressed.
fn lookup_key(visit: &Visit, sent: &Sent) -> Option<String> {
    visit
        .tenant
        .config
        .form
        .fields()
        .filter(|f| f.kind == FieldKind::PostalCode)
        .find(|f| sent.pressed(&field::lookup_button(&f.key)))
        .map(|f| f.key.clone())
}

/// A place chosen among several fills its fields.
fn take_chosen_places(visit: &Visit, sent: &mut Sent) {
    let keys: Vec<String> =
        visit.tenant.config.form.fields().filter(|f| f.kind == FieldKind::PostalCode).map(|f| f.key.clone()).collect();
    for key in keys {
        let Some(chosen) = sent.texts.get(&format!("{key}_choice")).cloned() else { continue };
        let code = sent.texts.get(&key).and_then(|typed| postal::parse(typed)).unwrap_or_default();
        let places = postal::lookup(&code);
        if let Some(place) = places.iter().find(|p| field::place_value(p) == chosen) {
            fill(visit, &mut sent.texts, &key, place);
        }
    }
}

fn fill(visit: &Visit, texts: &mut madoguchi_domain::form::Answers, key: &str, place: &postal::PostalPlace) {
    let [prefecture, city, street] = targets(visit, key);
    if !prefecture.is_empty() {
        texts.insert(prefecture, place.prefecture.to_owned());
    }
    if !city.is_empty() {
        texts.insert(city, place.city.to_owned());
    }
    // what was typed stays; an empty one begins with the town
    if !street.is_empty() && texts.get(&street).is_none_or(|typed| typed.trim().is_empty()) {
        texts.insert(street, place.town.clone());
    }
}

/// The look-up without script: one place fills the fields, several are offered, none is said.
async fn look_up(visit: &Visit, draft: OpenDraft, key: &str, wrong: &Said) -> Answer {
    let typed = draft.answers().get(key).cloned().unwrap_or_default();
    let places = postal::parse(&typed).map(|code| postal::lookup(&code)).unwrap_or_default();
    let draft = match places.as_slice() {
        [only] => {
            let mut sent = Sent { texts: draft.answers().clone(), ..Sent::default() };
            fill(visit, &mut sent.texts, key, only);
            keep(visit, draft, &sent).await?
        }
        _ => draft,
    };
    let page = page(visit, &draft, wrong, Some(key)).await?;
    Ok(visit.page(&page))
}

/// A place, for the script.
#[derive(Debug, Serialize)]
struct PostalCodeAnswer {
    places: Vec<PostalCodePlace>,
}

#[derive(Debug, Serialize)]
struct PostalCodePlace {
    prefecture: &'static str,
    city: &'static str,
    town: String,
    label: String,
}

/// Places of a postal code as JSON, for the script. Reads public data and changes nothing.
pub(super) async fn postal_code(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("form", form.get("csrf").unwrap_or_default())?;
    let code = form.get("postal_code").and_then(postal::parse);
    let places = code.map(|code| postal::lookup(&code)).unwrap_or_default();
    let places = places
        .iter()
        .map(|p| PostalCodePlace {
            prefecture: p.prefecture,
            city: p.city,
            town: p.town.clone(),
            label: field::place_label(&visit, p),
        })
        .collect();
    Ok(Json(PostalCodeAnswer { places }).into_response())
}
