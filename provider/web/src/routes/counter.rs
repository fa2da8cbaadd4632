//! For staff at the counter: look somebody up, check a document, unlock the account or tell the user ID.

use super::registration::calendar_words;
use crate::{
    pages::{Choice, CounterPerson, CounterRow, CounterSearch, Problem, Say, Standing},
    state::Web,
    visit::{Answer, Visit, display_name},
};
use axum::{
    Router,
    extract::{Path, Query, RawForm},
    response::Response,
    routing::get,
};
use http::StatusCode;
use madoguchi_domain::{
    account::{Account, AccountState},
    id::AccountId,
    japan::{date, fold},
};
use madoguchi_oidc::Params;
use madoguchi_service::counter::{
    Checked, CheckedDocument, Counter, CounterError, MOST_FOUND, NotServed, PersonFound, PersonSearch,
};
use serde::Deserialize;

pub(super) fn router() -> Router<Web> {
    Router::new().route("/counter", get(search)).route("/counter/people/{id}", get(person).post(serve))
}

/// What was asked; carried in the addresses of the people who were found.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    birth_date: String,
    /// What was just done.
    #[serde(default)]
    done: String,
}

impl Asked {
    fn query(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("q", &self.q)
            .append_pair("birth_date", &self.birth_date)
            .finish()
    }
}

/// The counter with whoever is signed in at it; login for nobody, 403 for somebody without the role.
async fn counter(visit: &Visit) -> Result<Counter<'_>, Response> {
    let session = visit.signed_in()?;
    let service = visit.web.service();
    let clerk = service.counter_clerk(&visit.tenant, session).await.map_err(|e| visit.fault(&e))?;
    clerk
        .and_then(|clerk| service.counter(&visit.tenant, clerk))
        .ok_or_else(|| visit.error_page(StatusCode::FORBIDDEN, "not_at_the_counter", None))
}

async fn search(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let counter = counter(&visit).await?;
    let mut page = CounterSearch {
        q: asked.q.clone(),
        birth_date: asked.birth_date.clone(),
        people: None,
        more: false,
        problems: Vec::new(),
    };
    let Some(birth_date) = read_day(&asked.birth_date) else {
        page.problems = vec![Problem::at("birth_date", Say::key("error.counter_birth_date"))];
        return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    if asked.q.trim().is_empty() && birth_date.is_empty() {
        return Ok(visit.page(&page));
    }
    let wanted = PersonSearch { text: asked.q.clone(), birth_date };
    let found = counter.find(&wanted).await.map_err(|e| visit.fault(&e))?;
    page.more = u32::try_from(found.len()).is_ok_and(|n| n >= MOST_FOUND);
    page.people = Some(found.iter().map(|person| row(&visit, person, &asked)).collect());
    Ok(visit.page(&page))
}

fn row(visit: &Visit, person: &PersonFound, asked: &Asked) -> CounterRow {
    let profile = &person.account.profile;
    CounterRow {
        url: visit.to(&format!("/counter/people/{}?{}", person.account.id, asked.query())),
        name: name(&person.account),
        kana: profile.name_kana.clone(),
        born: calendar_words(visit, &profile.birth_date),
        standing: standing(person),
    }
}

/// The name, but never the login ID in its place: that is told only after a check.
fn name(account: &Account) -> String {
    let shown = display_name(account);
    if shown == account.login_id { "–".to_owned() } else { shown.to_owned() }
}

fn standing(person: &PersonFound) -> Standing {
    match (person.account.state, &person.locked) {
        (AccountState::Disabled, _) => Standing::Disabled,
        (AccountState::Active | AccountState::Provisioned, Some(_)) => Standing::Locked,
        (AccountState::Provisioned, None) => Standing::Provisioned,
        (AccountState::Active, None) => Standing::Usable,
    }
}

/// `1990-04-02` of `1990-4-2`, `1990/4/2`, `19900402`, `平成2年4月2日`; empty for nothing, `None` for no day.
fn read_day(typed: &str) -> Option<String> {
    let text = fold::half_width(typed);
    let text = text.trim();
    if text.is_empty() {
        return Some(String::new());
    }
    let parts: Vec<String> = if text.len() == 8 && text.chars().all(|c| c.is_ascii_digit()) {
        vec![text.get(..4)?.to_owned(), text.get(4..6)?.to_owned(), text.get(6..)?.to_owned()]
    } else {
        let separate = |c: char| fold::is_hyphen(c) || matches!(c, '/' | '.' | '年' | '月' | '日' | ' ');
        text.split(separate).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let [year, month, day] = parts.as_slice() else { return None };
    let year = year.parse().ok().or_else(|| date::era_year(year).map(|era| era.western))?;
    chrono::NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?).map(|day| day.to_string())
}

/// What the clerk entered and is shown again.
#[derive(Default)]
struct Entered {
    document: String,
    note: String,
    problems: Vec<Problem>,
}

async fn person(visit: Visit, Path((_, id)): Path<(String, String)>, Query(asked): Query<Asked>) -> Answer {
    let counter = counter(&visit).await?;
    let page = person_page(&visit, &counter, &AccountId::known(id), &asked, Entered::default()).await?;
    Ok(visit.page(&page))
}

async fn person_page(
    visit: &Visit,
    counter: &Counter<'_>,
    id: &AccountId,
    asked: &Asked,
    entered: Entered,
) -> Result<CounterPerson, Response> {
    let found = counter.open(id, &visit.source).await.map_err(|e| visit.fault(&e))?;
    let Some(person) = found else { return Err(visit.not_found()) };
    let account = &person.account;
    let known = ["unlock", "not_locked", "tell"].contains(&asked.done.as_str());
    let user_id = counter.told(account).await.map_err(|e| visit.fault(&e))?;
    let settings = &visit.tenant.config.settings;
    let documents = CheckedDocument::ALL
        .into_iter()
        .map(|document| {
            let value = document.as_str();
            Choice::new(value, visit.text(&format!("counter.document.{value}"), &[]), value == entered.document)
        })
        .collect();
    Ok(CounterPerson {
        name: name(account),
        kana: account.profile.name_kana.clone(),
        born: calendar_words(visit, &account.profile.birth_date),
        mail: hidden(account.email.as_str()),
        kind: settings
            .kind(&account.profile.kind_of_user)
            .map(|kind| kind.name.get(&visit.locale).to_owned())
            .unwrap_or_default(),
        standing: standing(&person),
        locked_until: person.locked.and_then(|lock| lock.until),
        action: visit.to(&format!("/counter/people/{id}?{}", asked.query())),
        documents,
        note: entered.note,
        tells: counter.has_user_id(account),
        refused: person.refused.map(|refused| {
            Say::key(match refused {
                NotServed::Own => "error.counter_own_account",
                NotServed::Staff => "error.counter_staff_account",
            })
        }),
        done: known.then(|| Say::key(format!("counter.done.{}", asked.done))),
        user_id,
        back_url: visit.to(&format!("/counter?{}", asked.query())),
        problems: entered.problems,
    })
}

/// A mail address of which the first two characters and the domain are left: enough to know it, too little to tell it.
fn hidden(mail: &str) -> String {
    let (local, domain) = mail.rsplit_once('@').unwrap_or((mail, ""));
    let shown: String = local.chars().take(2).collect();
    format!("{shown}•••@{domain}")
}

async fn serve(
    visit: Visit,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    RawForm(body): RawForm,
) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("counter-person", form.get("csrf").unwrap_or_default())?;
    let counter = counter(&visit).await?;
    let id = AccountId::known(id);
    let value = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let mut entered = Entered { document: value("document"), note: value("note"), problems: Vec::new() };
    let Some(document) = CheckedDocument::from_sent(&entered.document) else {
        let first = CheckedDocument::ALL[0].as_str();
        entered.problems = vec![Problem::at(format!("document-{first}"), Say::key("error.counter_document_missing"))];
        return again(&visit, &counter, &id, &asked, entered).await;
    };
    let checked = Checked { document, note: entered.note.clone() };
    let done = if form.get("unlock").is_some() {
        let lifted = counter.unlock(&id, &checked, &visit.source).await;
        lifted.map(|lifted| if lifted { "unlock" } else { "not_locked" })
    } else if form.get("tell").is_some() {
        counter.tell_user_id(&id, &checked, &visit.source).await.map(|()| "tell")
    } else {
        return Ok(visit.error_page(StatusCode::BAD_REQUEST, "malformed_form", Some(visit.path.clone())));
    };
    match done {
        Ok(done) => Ok(visit.redirect(&visit.to(&format!("/counter/people/{id}?{}&done={done}", asked.query())))),
        Err(CounterError::NotFound) => Ok(visit.not_found()),
        Err(CounterError::Service(e)) => Err(visit.fault(&e)),
        Err(e @ CounterError::NotServed(_)) => Ok(visit.error_page(StatusCode::FORBIDDEN, e.code(), None)),
        Err(e @ CounterError::NoUserId) => Ok(visit.error_page(StatusCode::CONFLICT, e.code(), None)),
        Err(e @ (CounterError::NoteMissing | CounterError::NoteTooLong)) => {
            entered.problems = vec![Problem::at("note", Say::key(format!("error.{}", e.code())))];
            again(&visit, &counter, &id, &asked, entered).await
        }
    }
}

async fn again(visit: &Visit, counter: &Counter<'_>, id: &AccountId, asked: &Asked, entered: Entered) -> Answer {
    let page = person_page(visit, counter, id, asked, entered).await?;
    Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_date_is_read_as_people_type_it() {
        for typed in ["1990-04-02", "1990/4/2", "１９９０．４．２", "19900402", "平成2年4月2日", " 1990 4 2 "]
        {
            assert_eq!(read_day(typed).as_deref(), Some("1990-04-02"), "{typed}");
        }
        assert_eq!(read_day("  ").as_deref(), Some(""));
        for bad in ["1990-13-01", "1990-02-30", "1990", "4/2", "abc", "1990-4-2-1"] {
            assert_eq!(read_day(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_mail_address_is_not_told() {
        assert_eq!(hidden("applicant@example.jp"), "ap•••@example.jp");
        assert_eq!(hidden("a@example.jp"), "a•••@example.jp");
    }
}
