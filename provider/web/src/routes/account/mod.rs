//! For people who are signed in: the top page and the account.
//!
//! | module | below `/account` |
//! |---|---|
//! | [`passwords`] | another password, another second password |
//! | [`mail`] | another mail address, and the way back |
//! | [`sessions`] | where one is signed in |
//! | [`connections`] | applications that may see something |
//! | [`data`] | a copy of one's data |

use super::registration::{calendar_words, withdraw_url};
use crate::{
    pages::{AccountPage, ApplicationLine, EnrolmentView, Link, ProfileRow, Say, Tile, Top},
    state::Web,
    visit::{Answer, Visit, display_name},
};
use axum::{Router, routing::get};
use madoguchi_domain::{
    account::StaffRole,
    account::{Account, Enrolment},
    application::{Application, ApplicationKind, ApplicationState},
    japan::postal,
    tenant::{LoginIdentifier, MenuEntry},
};

mod connections;
mod data;
mod mail;
mod passwords;
mod sessions;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/account", get(account))
        .route("/account/password", get(passwords::first).post(passwords::first_posted))
        .route("/account/password/done", get(passwords::first_done))
        .route("/account/second-password", get(passwords::second).post(passwords::second_posted))
        .route("/account/second-password/done", get(passwords::second_done))
        .route("/account/mail", get(mail::show).post(mail::ask))
        .route("/account/mail/sent", get(mail::sent))
        .route("/account/mail/link/{token}", get(mail::link))
        .route("/account/mail/confirm", get(mail::confirm).post(mail::confirmed))
        .route("/account/mail/done", get(mail::done))
        .route("/account/mail/undo/link/{token}", get(mail::undo_link))
        .route("/account/mail/undo", get(mail::undo).post(mail::undone))
        .route("/account/mail/undo/done", get(mail::undo_done))
        .route("/account/sessions", get(sessions::show).post(sessions::end))
        .route("/account/applications", get(connections::show).post(connections::disconnect))
        .route("/account/data", get(data::show).post(data::download))
}

/// The home page of somebody who is signed in.
pub(super) async fn top(visit: &Visit) -> Answer {
    let session = visit.signed_in()?;
    let (current, past) = applications(visit, &session.account).await?;
    let tiles = tiles(visit, &session.account).await?;
    let name = display_name(&session.account).to_owned();
    let desk = session.account.staff_roles.contains(&StaffRole::Reviewer).then(|| Tile {
        title: visit.text("menu.desk", &[]),
        description: visit.text("top.desk_text", &[]),
        url: Some(visit.to("/desk")),
    });
    Ok(visit.page(&Top { name, desk, tiles, current, past, done: None }))
}

/// The account's applications: those that wait for something, and those that are decided.
async fn applications(
    visit: &Visit,
    account: &Account,
) -> Result<(Vec<ApplicationLine>, Vec<ApplicationLine>), axum::response::Response> {
    let found = visit.web.service().applications_of(&visit.tenant, account).await.map_err(|e| visit.fault(&e))?;
    let (current, past): (Vec<_>, Vec<_>) = found.iter().partition(|a| a.lifecycle.state.is_open());
    let lines = |those: Vec<&Application>| those.into_iter().map(|a| line(visit, a)).collect();
    Ok((lines(current), lines(past)))
}

/// What an application is for, as a key of the texts.
pub(super) fn kind_words(kind: ApplicationKind) -> &'static str {
    match kind {
        ApplicationKind::Registration => "application.kind.new",
        ApplicationKind::Reapplication => "application.kind.reapplication",
        ApplicationKind::Enrolment => "application.kind.enrolment",
        ApplicationKind::ProfileChange => "application.kind.profile_change",
    }
}

fn line(visit: &Visit, application: &Application) -> ApplicationLine {
    let settings = &visit.tenant.config.settings;
    let expected = settings.expected_on(application.submitted_at);
    let late = settings.today(visit.web.service().now()) > expected;
    let state = application.lifecycle.state;
    let next = match state {
        ApplicationState::Submitted if late => "application.next.late",
        ApplicationState::Submitted => "application.next.submitted",
        ApplicationState::CorrectionRequested => "application.next.correction_requested",
        ApplicationState::Approved => "application.next.approved",
        ApplicationState::Rejected => "application.next.rejected",
        ApplicationState::Withdrawn => "application.next.withdrawn",
    };
    ApplicationLine {
        reference: application.reference.clone(),
        kind: Say::key(kind_words(application.kind)),
        state: state.as_str().to_owned(),
        submitted_at: application.submitted_at.seconds(),
        next: Say::key(next),
        expected_on: (state == ApplicationState::Submitted && !late).then(|| expected.to_string()),
        action: state.is_open().then(|| {
            let url = withdraw_url(visit, &application.reference);
            Link::new(visit.text("withdraw.link", &[]), url)
        }),
    }
}

/// The tenant's tiles; those that this kind of user may not use are shown without an address.
async fn tiles(visit: &Visit, account: &Account) -> Result<Vec<Tile>, axum::response::Response> {
    let mut tiles = Vec::new();
    for tile in &visit.tenant.config.settings.home.tiles {
        let allowed = tile.kinds_of_user.as_ref().is_none_or(|kinds| kinds.contains(&account.profile.kind_of_user));
        let url = match (&tile.client, &tile.url) {
            (Some(client), _) => start_of(visit, client).await?,
            (None, url) => url.as_ref().map(|u| if u.starts_with('/') { visit.to(u) } else { u.clone() }),
        };
        tiles.push(Tile {
            title: tile.title.get(&visit.locale).to_owned(),
            description: tile.text.get(&visit.locale).to_owned(),
            url: url.filter(|_| allowed),
        });
    }
    Ok(tiles)
}

/// Where a client's login is started from outside (OpenID Connect Core §4), naming us as the issuer.
async fn start_of(visit: &Visit, client_id: &str) -> Result<Option<String>, axum::response::Response> {
    let client = visit.web.oidc().client(&visit.view(), client_id).await.map_err(|e| visit.protocol_fault(&e))?;
    Ok(client.and_then(|client| {
        let mut url = client.metadata.initiate_login_uri.clone()?;
        url.query_pairs_mut().append_pair("iss", &visit.tenant.issuer);
        Some(url.to_string())
    }))
}

/// A client's own start page, where it is registered.
pub(super) async fn home_of(visit: &Visit, client_id: &str) -> Result<Option<String>, axum::response::Response> {
    let client = visit.web.oidc().client(&visit.view(), client_id).await.map_err(|e| visit.protocol_fault(&e))?;
    Ok(client.and_then(|client| client.metadata.client_uri.as_ref().map(ToString::to_string)))
}

/// A stay at the institution in words.
pub(super) fn enrolment_view(visit: &Visit, enrolment: &Enrolment) -> EnrolmentView {
    let config = &visit.tenant.config;
    let facts = &enrolment.facts;
    let affiliation: Vec<&str> =
        facts.affiliation.iter().filter_map(|code| config.affiliation(code)).map(|a| a.label(&visit.locale)).collect();
    let years = match (facts.matriculation.as_str(), facts.graduation.as_str()) {
        ("", "") => String::new(),
        (from, to) => format!("{} – {}", calendar_words(visit, from), calendar_words(visit, to)),
    };
    let parts = [affiliation.join(" "), years];
    let description: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    EnrolmentView {
        id: enrolment.id.to_string(),
        student_id: enrolment.student_id.clone(),
        description: description.join(" · "),
    }
}

/// What somebody logs in with, under the name that the login page has for it, and the mail address.
fn login_rows(visit: &Visit, account: &Account) -> Vec<ProfileRow> {
    let identifier = visit.tenant.config.settings.identifier_of(&account.profile.kind_of_user);
    let login_id = match identifier {
        LoginIdentifier::UserId => Some(ProfileRow::new("login.user_id", &account.login_id, None)),
        LoginIdentifier::MailAddress => None,
    };
    let mail = ProfileRow::new("account.mail", account.email.to_string(), None);
    login_id.into_iter().chain([mail]).collect()
}

/// The tenant's own label of a fact, as its form asked for it, or the usual one.
fn fact_label(visit: &Visit, account: &Account, key: &str) -> Say {
    match visit.tenant.config.form_of(&account.profile.kind_of_user).field(key) {
        Some(field) => Say::text(super::registration::label(visit, field)),
        None => Say::key(format!("field.{key}.label")),
    }
}

async fn account(visit: Visit) -> Answer {
    let session = visit.signed_in()?;
    let account = &session.account;
    let profile = &account.profile;
    let enrolments = visit.web.service().enrolments_of(&visit.tenant, account).await.map_err(|e| visit.fault(&e))?;
    let address = &profile.address;
    let code = postal::display(&address.postal_code);
    let place = [&code, &address.prefecture, &address.city, &address.street, &address.building];
    let place: Vec<&str> = place.into_iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    let roman_asked = visit.tenant.config.form_of(&profile.kind_of_user).field("name_roman").is_some();
    let name_roman = if roman_asked { profile.name_roman.clone() } else { String::new() };
    // whoever has a name in Latin letters only has it once
    let name = if name_roman == display_name(account) { String::new() } else { display_name(account).to_owned() };
    let facts = [
        ("name", name),
        ("name_kana", profile.name_kana.clone()),
        ("name_roman", name_roman),
        ("birth_date", calendar_words(&visit, &profile.birth_date)),
        ("address", place.join(" ")),
        ("phone", profile.phone.clone()),
        ("cell_phone", profile.cell_phone.clone()),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| {
        let verified_at = profile.verified(key).map(|how| how.at.seconds());
        ProfileRow { label: fact_label(&visit, account, key), value, verified_at }
    });
    let (current, past) = applications(&visit, account).await?;
    let page = AccountPage {
        profile: login_rows(&visit, account).into_iter().chain(facts).collect(),
        enrolments: enrolments.iter().map(|e| enrolment_view(&visit, e)).collect(),
        applications: current.into_iter().chain(past).collect(),
        ways: visit.tenant.config.menu().filter(|e| is_of_the_account(*e)).map(|e| visit.menu_link(e)).collect(),
    };
    Ok(visit.page(&page))
}

/// Whether an entry of the menu is about the account.
fn is_of_the_account(entry: MenuEntry) -> bool {
    match entry {
        MenuEntry::Top | MenuEntry::Manual => false,
        MenuEntry::Personal
        | MenuEntry::Mail
        | MenuEntry::StudentId
        | MenuEntry::Password
        | MenuEntry::SecondPassword
        | MenuEntry::Sessions
        | MenuEntry::Applications
        | MenuEntry::Data => true,
    }
}
