//! The application form. Whatever was typed is saved first, whichever button was pressed and whether it is right or
//! wrong; only then is looked at what to do.

use super::{draft, field, personal, places, upload::Sent};
use crate::{
    pages::{Correction, Form, Problem, Say, Task},
    visit::{Answer, Visit},
};
use axum::{extract::Request, response::Response};
use http::{HeaderValue, StatusCode, header};
use madoguchi_domain::form::FieldError;
use madoguchi_service::{DraftError, OpenDraft, Unconfirmed, UploadError, personal::MAIL_CONFIRM};
use std::{collections::BTreeMap, time::Duration};

pub(super) async fn show(visit: Visit) -> Answer {
    let draft = draft::open(&visit).await?;
    visit.at_step(draft::step(&draft));
    let page = page(&visit, &draft, &BTreeMap::new(), None).await?;
    Ok(visit.page(&page))
}

/// What is said beside fields, by the field's key: the input to go to, and the words.
pub(super) type Said = BTreeMap<String, (String, Say)>;

/// The form as it stands; `looked_up` is the field whose search was pressed.
pub(super) async fn page(
    visit: &Visit,
    draft: &OpenDraft,
    said: &Said,
    looked_up: Option<&str>,
) -> Result<Form, Response> {
    let service = visit.web.service();
    let documents = service.draft_documents(&visit.tenant, draft).await.map_err(|e| visit.fault(&e))?;
    let form = draft.form();
    let view = field::FormView { visit, draft, form, documents: &documents, said, looked_up };
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
        municipalities_url: visit.to("/register/municipalities"),
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

/// The sentence for an error: the field's own if there is one, unless the tenant calls the field otherwise.
pub(super) fn sentence(visit: &Visit, form: &madoguchi_domain::form::Form, error: &FieldError) -> Say {
    let field = form.field(&error.field);
    let relabelled = field.is_some_and(|f| !f.label.get(&visit.locale).is_empty());
    let own = format!("field.{}.error.{}", error.field, error.code);
    let key = if !relabelled && visit.knows(&own) { own } else { format!("error.{}", error.code) };
    let label = field.map(|f| field::label(visit, f)).unwrap_or_default();
    error.params.iter().fold(Say::key(key).with("label", label), |say, (name, value)| {
        // another field is named by its key; people know it by its label
        match form.field(&value.to_string()).filter(|_| *name == "other") {
            Some(other) => say.with(name, field::label(visit, other)),
            None => say.with(name, value),
        }
    })
}

pub(super) fn said(visit: &Visit, form: &madoguchi_domain::form::Form, errors: &[FieldError]) -> Said {
    let mut said = Said::new();
    for error in errors {
        said.entry(error.field.clone()).or_insert_with(|| (error.input.clone(), sentence(visit, form, error)));
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
    places::take_chosen(draft.form(), &mut sent.texts);
    let draft = keep(&visit, draft, &sent).await?;
    let mut wrong = uploads(&visit, &draft, std::mem::take(&mut sent.files)).await?;

    if let Some(slot) = sent.pressed_with("remove_") {
        match visit.web.service().remove_document(&visit.tenant, &draft, slot).await {
            Ok(()) => return Ok(visit.redirect(&format!("{}#{slot}", draft::form_url(&visit)))),
            Err(e) => upload_failed(&visit, slot, e, &mut wrong).await?,
        }
    }
    if let Some(searched) = places::searched(draft.form(), &sent) {
        return places::search(&visit, draft, &searched, &wrong).await;
    }
    if sent.pressed("check") {
        let checked = visit.web.service().check_draft(&visit.tenant, &draft).await.map_err(|e| visit.fault(&e))?;
        if let Err(errors) = checked {
            for (key, said) in said(&visit, draft.form(), &errors) {
                // what was wrong with the upload says more than that there is none
                wrong.entry(key).or_insert(said);
            }
        }
        if wrong.is_empty() {
            return match draft::task(&visit, &draft) {
                Task::FillIn => personal::hand_in(&visit, draft).await,
                Task::Profile => personal::to_check(&visit, draft).await,
                Task::Registration | Task::Correction => confirmed(&visit, &draft).await,
                Task::Enrolment => Ok(visit.redirect(&draft::check_url(&visit))),
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

/// On to the check page, once the outside authority that the tenant asks has confirmed the answers.
async fn confirmed(visit: &Visit, draft: &OpenDraft) -> Answer {
    let verified = visit.web.service().verify_draft(&visit.tenant, draft).await.map_err(|e| visit.fault(&e))?;
    match verified {
        Ok(()) => Ok(visit.redirect(&draft::check_url(visit))),
        Err(Unconfirmed::NotMatched { code }) => {
            not_confirmed(visit, draft, mismatch(visit, &code), true, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Unconfirmed::NotVerifiable { retry_after }) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let say = Say::key("error.verification.unavailable");
            not_confirmed(visit, draft, say, false, status).await.map(|answer| later(answer, retry_after))
        }
    }
}

/// The sentence for a verifier's code; the general one where the theme and the tenant have none of their own.
pub(super) fn mismatch(visit: &Visit, code: &str) -> Say {
    let own = format!("error.verification.{code}");
    Say::key(if visit.knows(&own) { own } else { "error.verification.generic".to_owned() })
}

/// With `Retry-After`.
pub(super) fn later(mut answer: Response, retry_after: Duration) -> Response {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
    answer
}

/// The form after an outside authority did not confirm the answers. Which of them differed is not said: every item is
/// marked, with one sentence for all; or none is, when the authority could not tell.
async fn not_confirmed(visit: &Visit, draft: &OpenDraft, message: Say, all: bool, status: StatusCode) -> Answer {
    let mut page = page(visit, draft, &BTreeMap::new(), None).await?;
    for field in page.sections.iter_mut().flat_map(|section| &mut section.fields) {
        field.marked = all && !field.locked;
    }
    let first = page.sections.iter().flat_map(|section| &section.fields).map(|field| field.id.clone()).next();
    page.problems = vec![Problem::at(first.unwrap_or_default(), message)];
    Ok(visit.page_with(status, &page))
}

/// Saves what was typed. Two windows on one draft: what was typed last stands; nothing is refused for it.
pub(super) async fn keep(visit: &Visit, draft: OpenDraft, sent: &Sent) -> Result<OpenDraft, Response> {
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
