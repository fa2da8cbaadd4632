//! The way in and out for people: home, login, first passwords, logout, language.

use super::protocol::logged_out;
use crate::{
    cookies::Jar,
    duties::BeforeDuties,
    pages::{
        ForgotProblem, Home, KindOfUser, Link, LinkTrouble, Login, LoginBy, Logout, Manual, Message, MessageGroup,
        Messages, NoticeItem, Notices, PasswordSetting, Problem, Say, Steps,
    },
    state::Web,
    visit::{Answer, Visit},
};
use axum::{
    Router,
    extract::{Path, Query, RawForm},
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use madoguchi_domain::{
    Secret, Token,
    tenant::{InitialCredential, LoginIdentifier, LoginIds},
};
use madoguchi_oidc::Params;
use madoguchi_service::{
    SignIn, SignInError, SignedIn,
    credentials::{CredentialsError, NewCredentials, TicketState},
};
use serde::Deserialize;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login).post(login_posted))
        .route("/password-setting", get(password_setting).post(password_setting_posted))
        .route("/password-setting/link/{token}", get(password_setting_link))
        .route("/password-setting/done", get(password_setting_done))
        .route("/logout", get(logout).post(logout_posted))
        .route("/language", post(language))
        .route("/notices", get(notices))
        .route("/manual", get(manual))
        .route("/messages", get(messages))
}

/// The key of a home page's one door, where the tenant names no kinds of user.
const EVERYONE: &str = "all";

pub(super) async fn home(visit: Visit) -> Answer {
    if visit.session.is_some() {
        return super::account::top(&visit).await;
    }
    let settings = &visit.tenant.config.settings;
    let kinds = if settings.home.kinds_of_user.is_empty() {
        vec![KindOfUser {
            key: EVERYONE.to_owned(),
            name: visit.text("home.everyone", &[]),
            description: None,
            login_url: visit.to("/login"),
            register_url: settings.registration.open.then(|| visit.to("/register")),
        }]
    } else {
        settings.home.kinds_of_user.iter().map(|kind| door(&visit, kind)).collect()
    };
    let mut notices = current_notices(&visit);
    let more = notices.len() > NOTICES_AT_HOME;
    notices.truncate(NOTICES_AT_HOME);
    Ok(visit.page(&Home { introduction: None, kinds, notices, more_notices: more }))
}

/// Notices that the home page shows; the rest is a page of its own.
const NOTICES_AT_HOME: usize = 3;

fn door(visit: &Visit, kind: &madoguchi_domain::tenant::KindOfUser) -> KindOfUser {
    let description = kind.description.get(&visit.locale);
    let open = visit.tenant.config.settings.registration.open && kind.register;
    KindOfUser {
        key: kind.key.clone(),
        name: kind.name.get(&visit.locale).to_owned(),
        description: (!description.is_empty()).then(|| description.to_owned()),
        login_url: visit.to(&format!("/login?kind={}", kind.key)),
        register_url: open.then(|| visit.to(&format!("/register?kind={}", kind.key))),
    }
}

/// Notices of today, newest first.
fn current_notices(visit: &Visit) -> Vec<NoticeItem> {
    let offset = i64::from(crate::state::offset_minutes(&visit.tenant.config.settings.utc_offset)) * 60;
    let local = madoguchi_domain::Timestamp(visit.web.service().now().0 + offset);
    let today = local.to_utc().format("%Y-%m-%d").to_string();
    let mut notices: Vec<_> = visit
        .tenant
        .config
        .settings
        .home
        .notices
        .iter()
        .filter(|n| n.date <= today && n.until.as_ref().is_none_or(|until| *until > today))
        .collect();
    notices.sort_by(|a, b| b.date.cmp(&a.date));
    notices
        .into_iter()
        .map(|n| NoticeItem {
            date: Some(n.date.clone()),
            title: n.title.get(&visit.locale).to_owned(),
            html: crate::markdown::to_html(n.text.get(&visit.locale)),
        })
        .collect()
}

async fn notices(BeforeDuties(visit): BeforeDuties) -> Response {
    visit.page(&Notices { notices: current_notices(&visit) })
}

/// Every message, by its code.
async fn messages(BeforeDuties(visit): BeforeDuties) -> Response {
    let item = visit.text("messages.item", &[]);
    let layers = visit.renderer().layers();
    let own = layers.iter().flat_map(|layer| layer.keys(visit.locale.as_str()));
    let groups = crate::messages::list(own)
        .into_iter()
        .map(|(key, codes)| MessageGroup {
            key,
            messages: codes
                .into_iter()
                .map(|code| {
                    let text = visit.text(&crate::messages::key(&code), &[]);
                    let shown = crate::messages::open(&text, &item);
                    (code, shown)
                })
                .collect(),
        })
        .collect();
    visit.page(&Messages { groups })
}

async fn manual(BeforeDuties(visit): BeforeDuties) -> Response {
    let manual = &visit.tenant.config.manual;
    let Some(text) = manual.get(&visit.locale).or_else(|| manual.values().next()) else { return visit.not_found() };
    let (html, contents) = crate::markdown::with_contents(text);
    visit.page(&Manual { html, contents, pdf_url: None })
}

/// What the login page's address may say.
#[derive(Debug, Default, Deserialize)]
struct LoginQuery {
    #[serde(default)]
    ended: String,
    #[serde(default)]
    reason: String,
    /// Something was posted in a session that had ended, and was not carried out.
    #[serde(default)]
    sent: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    login_hint: String,
    #[serde(default)]
    kind: String,
}

async fn login(BeforeDuties(visit): BeforeDuties, Query(query): Query<LoginQuery>) -> Answer {
    let display = visit.interaction().await?;
    if visit.session.is_some() && query.reason.is_empty() {
        // signed in, in another window perhaps: the request that waits goes on; one that is answered is over
        return Ok(visit.redirect(&match (&visit.flow, &display) {
            (Some(flow), Some(_)) => visit.to(&format!("/authorize/resume?flow={flow}")),
            (Some(_), None) | (None, _) => visit.to(local_path(&query.to)),
        }));
    }
    let policy = &visit.tenant.config.settings.session;
    let ended = |key: &str| {
        let key =
            if query.sent.is_empty() { format!("session_ended.{key}") } else { format!("session_ended.{key}_sent") };
        Some(Say::key(key).with("minutes", policy.idle.seconds() / 60).with("hours", policy.absolute.seconds() / 3600))
    };
    let reason = match (query.ended.as_str(), query.reason.as_str()) {
        ("idle", _) => ended("reason"),
        ("expired", _) => ended("expired"),
        ("closed", _) => ended("closed"),
        (_, reason @ ("again" | "too_long_ago" | "other_account" | "stronger")) => {
            Some(Say::key(format!("login.reason.{reason}")))
        }
        _ => None,
    };
    let hint = display.as_ref().and_then(|d| d.login_hint.clone()).unwrap_or(query.login_hint);
    // a session that ended: its cookie has no use any more
    if visit.session.is_none() && visit.session_token.is_some() {
        visit.clear_cookie(Jar::Session);
    }
    let typed = Typed { login_id: hint, kind: query.kind, to: query.to };
    let page = login_page(&visit, display.as_ref(), typed, reason, Vec::new());
    Ok(visit.page(&page))
}

/// What the login page carries along.
struct Typed {
    login_id: String,
    /// The kind of user whose door was taken.
    kind: String,
    /// Where the login leads.
    to: String,
}

fn login_page(
    visit: &Visit,
    display: Option<&madoguchi_oidc::Display>,
    typed: Typed,
    reason: Option<Say>,
    problems: Vec<Problem>,
) -> Login {
    let settings = &visit.tenant.config.settings;
    let kind = settings.kind(&typed.kind);
    let by = match kind.map(|kind| settings.identifier_of(&kind.key)) {
        Some(LoginIdentifier::MailAddress) => LoginBy::Mail,
        Some(LoginIdentifier::UserId) => LoginBy::UserId,
        None => match settings.login_ids() {
            LoginIds::MailAddresses => LoginBy::Mail,
            LoginIds::UserIds => LoginBy::UserId,
            LoginIds::Both => LoginBy::Either,
        },
    };
    let register_url = match kind {
        Some(kind) if kind.register => Some(visit.to_in_flow(&format!("/register?kind={}", kind.key))),
        Some(_) => None,
        None => Some(visit.to_in_flow("/register")),
    };
    Login {
        client: display.map(|d| visit.client_view(d)),
        login_id: typed.login_id,
        by,
        kind: kind.map(|kind| (kind.key.clone(), kind.name.get(&visit.locale).to_owned())),
        to: Some(local_path(&typed.to).to_owned()).filter(|to| to != "/"),
        second_password: settings.login.second_password,
        reason,
        problems,
        register_url: register_url.filter(|_| settings.registration.open),
        forgot_url: Some(visit.to_in_flow("/forgot")),
        can_deny: display.is_some(),
        site: settings.links.institution.as_ref().map(|url| Link::new(settings.name.get(&visit.locale), url.as_str())),
        idle_minutes: settings.session.idle.seconds() / 60,
        staff_help: visit.staff_help(match by {
            LoginBy::UserId | LoginBy::Either => true,
            LoginBy::Mail => false,
        }),
    }
}

/// A path of this tenant that a login may lead to: nothing that a browser could take for another host.
pub(super) fn local_path(to: &str) -> &str {
    let safe =
        to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') && to.chars().all(|c| c.is_ascii_graphic());
    if safe { to } else { "/" }
}

async fn login_posted(BeforeDuties(mut visit): BeforeDuties, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    if visit.flow.is_none() {
        visit.flow = form.get("flow").filter(|f| Token::parse(f).is_some()).map(str::to_owned);
    }
    visit.check_form("login", form.get("csrf").unwrap_or_default())?;
    if form.get("deny").is_some() {
        return deny(&visit).await;
    }
    let value = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let typed = Typed { login_id: value("login_id"), kind: value("kind"), to: value("to") };
    let attempt = SignIn {
        login_id: typed.login_id.clone(),
        password: Secret::new(form.get("password").unwrap_or_default()),
        second_password: Secret::new(form.get("second_password").unwrap_or_default()),
        source: visit.source.clone(),
    };
    match visit.web.service().sign_in(&visit.tenant, attempt).await {
        Ok(SignedIn::Session { token, .. }) => {
            // whoever was signed in here before is not any more
            visit.end_session().await?;
            visit.set_cookie(Jar::Session, &token);
            Ok(visit.redirect(&after_login(&visit, &typed.to)))
        }
        Ok(SignedIn::MustSetCredentials { ticket }) => {
            visit.set_cookie(Jar::Duty, &ticket);
            Ok(visit.redirect(&visit.to_in_flow("/password-setting")))
        }
        Err(SignInError::Rejected) => {
            let display = visit.interaction().await?;
            let second = visit.tenant.config.settings.login.second_password;
            let mut page = login_page(&visit, display.as_ref(), typed, None, Vec::new());
            let message = match page.by {
                _ if second => "login.failed_second",
                LoginBy::UserId => "login.failed_user_id",
                LoginBy::Mail | LoginBy::Either => "login.failed",
            };
            page.problems = vec![Problem::at("login_id", Say::key(message))];
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(SignInError::TooMany { retry_after }) => Err(visit.too_many(retry_after)),
        Err(SignInError::Service(e)) => Err(visit.fault(&e)),
    }
}

/// Back to the authorization request, else to the page that asked for the login, else to the top page.
fn after_login(visit: &Visit, to: &str) -> String {
    match &visit.flow {
        Some(flow) => visit.to(&format!("/authorize/resume?flow={flow}")),
        None => visit.to(local_path(to)),
    }
}

/// Gives up: the relying party hears `access_denied`.
async fn deny(visit: &Visit) -> Answer {
    let Some(flow) = visit.flow_token() else { return Ok(visit.redirect(&visit.to("/"))) };
    let outcome = visit
        .web
        .oidc()
        .resume(&visit.view(), &flow, &visit.browser.hash(), None, Some(madoguchi_oidc::Answer::Deny))
        .await;
    visit.conclude(outcome).await
}

/// The link of a mail that stands in place of an initial password. Opening it uses nothing up: its secret moves into a
/// cookie, as that of every link ([`super::registration`]).
async fn password_setting_link(visit: Visit, Path((_, token)): Path<(String, String)>) -> Answer {
    let Some(ticket) = Token::parse(&token) else { return Ok(setting_link_problem(&visit, TicketState::Unknown)) };
    match visit.web.service().credential_duty(&visit.tenant, &ticket).await {
        Ok(_) => {
            visit.set_cookie(Jar::Duty, &ticket);
            Ok(visit.redirect(&visit.to("/password-setting")))
        }
        Err(CredentialsError::Ticket(state)) => Ok(setting_link_problem(&visit, state)),
        Err(e @ (CredentialsError::Invalid(_) | CredentialsError::Service(_))) => Err(ticket_failed(&visit, e).await),
    }
}

fn setting_link_problem(visit: &Visit, state: TicketState) -> Response {
    let (status, trouble) = match state {
        TicketState::Expired => (StatusCode::GONE, LinkTrouble::Expired),
        TicketState::Consumed => (StatusCode::GONE, LinkTrouble::Used),
        TicketState::Superseded => (StatusCode::GONE, LinkTrouble::Superseded),
        TicketState::Unknown => (StatusCode::NOT_FOUND, LinkTrouble::Unknown),
    };
    // a forgotten password is mended in the same way as one that was never set
    let page = ForgotProblem { trouble, restart_url: visit.to("/forgot"), login_url: visit.to("/login") };
    visit.page_with(status, &page)
}

async fn password_setting(visit: Visit) -> Answer {
    let Some(ticket) = visit.cookie(Jar::Duty) else { return Ok(visit.redirect(&visit.to_in_flow("/login"))) };
    match visit.web.service().credential_duty(&visit.tenant, &ticket).await {
        Ok(duty) => {
            visit.at_step(ticket.expose());
            Ok(visit.page(&setting_page(&visit, &duty.login_id, Vec::new())))
        }
        Err(e) => Err(ticket_failed(&visit, e).await),
    }
}

/// A ticket that does not open the page: the step is over, and the way leads to login.
async fn ticket_failed(visit: &Visit, error: CredentialsError) -> Response {
    match error {
        CredentialsError::Ticket(_) | CredentialsError::Invalid(_) => {
            visit.clear_cookie(Jar::Duty);
            visit.invalid_operation(visit.to_in_flow("/login")).await
        }
        CredentialsError::Service(e) => visit.fault(&e),
    }
}

fn setting_page(visit: &Visit, login_id: &str, problems: Vec<Problem>) -> PasswordSetting {
    let settings = &visit.tenant.config.settings;
    let second_password = settings.login.second_password;
    PasswordSetting {
        login_id: login_id.to_owned(),
        second_password,
        by_setting_url: settings.initial_credential.kind == InitialCredential::SettingUrl,
        rules: crate::passwords::rules(&settings.password, second_password),
        problems,
    }
}

async fn password_setting_posted(mut visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    if visit.flow.is_none() {
        visit.flow = form.get("flow").filter(|f| Token::parse(f).is_some()).map(str::to_owned);
    }
    visit.check_form("password-setting", form.get("csrf").unwrap_or_default())?;
    let Some(ticket) = visit.cookie(Jar::Duty) else {
        return Ok(visit.invalid_operation(visit.to_in_flow("/login")).await);
    };
    let duty = match visit.web.service().credential_duty(&visit.tenant, &ticket).await {
        Ok(duty) => duty,
        Err(e) => return Err(ticket_failed(&visit, e).await),
    };
    visit.check_step("password-setting", &form, ticket.expose(), visit.to_in_flow("/password-setting")).await?;
    visit.at_step(ticket.expose());
    let value = |name: &str| Secret::new(form.get(name).unwrap_or_default());
    let wanted = NewCredentials {
        password: value("password"),
        password_confirm: value("password_confirm"),
        second_password: value("second_password"),
        second_password_confirm: value("second_password_confirm"),
    };
    match visit.web.service().set_credentials(&visit.tenant, &ticket, wanted, &visit.source).await {
        Ok(set) => {
            // whoever was signed in here before is not any more
            visit.end_session().await?;
            visit.set_cookie(Jar::Session, &set.token);
            Ok(visit.redirect(&visit.to_in_flow("/password-setting/done")))
        }
        Err(CredentialsError::Invalid(violations)) => {
            let problems = violations.iter().map(|v| crate::passwords::problem(&visit, v)).collect();
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &setting_page(&visit, &duty.login_id, problems)))
        }
        Err(e) => Err(ticket_failed(&visit, e).await),
    }
}

/// Said once, to the browser whose ticket was used; everybody else goes on.
async fn password_setting_done(BeforeDuties(visit): BeforeDuties) -> Answer {
    visit.signed_in()?;
    let ok_url = after_login(&visit, "/");
    let Some(ticket) = visit.cookie(Jar::Duty) else { return Ok(visit.redirect(&ok_url)) };
    match visit.web.service().credential_duty(&visit.tenant, &ticket).await {
        Err(CredentialsError::Ticket(TicketState::Consumed)) => visit.clear_cookie(Jar::Duty),
        Ok(_) | Err(CredentialsError::Ticket(_) | CredentialsError::Invalid(_)) => return Ok(visit.redirect(&ok_url)),
        Err(CredentialsError::Service(e)) => return Err(visit.fault(&e)),
    }
    Ok(visit.page(&Message {
        heading: Say::key("password_setting.done_title"),
        message: Say::key("password_setting.done"),
        details: vec![Say::key("password_setting.done_next")],
        steps: Some(Steps::first_passwords(3)),
        ok_url,
    }))
}

async fn logout(BeforeDuties(visit): BeforeDuties) -> Answer {
    if visit.session.is_none() {
        return Ok(logged_out(&visit, &[], None));
    }
    let page = Logout { action: visit.to("/logout"), client: None, fields: Vec::new(), back_url: visit.to("/") };
    Ok(visit.page(&page))
}

async fn logout_posted(BeforeDuties(visit): BeforeDuties, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    if visit.session.is_some() {
        visit.check_form("logout", form.get("csrf").unwrap_or_default())?;
        let frames = visit.end_session().await?;
        if !frames.is_empty() {
            return Ok(logged_out(&visit, &frames, None));
        }
    }
    Ok(visit.redirect(&visit.to("/logout")))
}

/// The language that was chosen with the switch of a page's own form.
pub(super) fn chosen_locale(visit: &Visit, form: &Params) -> Option<madoguchi_domain::Locale> {
    form.get("switch_lang")?;
    Some(visit.tenant.config.locale(form.get("lang")).clone())
}

/// The language switch of pages without a form of their own.
async fn language(BeforeDuties(visit): BeforeDuties, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    let chosen = visit.tenant.config.locale(form.get("lang")).clone();
    visit.keep_locale(&chosen);
    let back = form.get("return_to").map(local_path).filter(|path| path.starts_with(&visit.base()));
    let back = back.map(|path| without_parameter(path, "ui_locales"));
    Ok(visit.redirect(&back.unwrap_or_else(|| visit.to("/"))))
}

/// A path without one parameter of its query: an address that asks for a language would win over the choice.
fn without_parameter(path: &str, name: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let kept: Vec<&str> = query.split('&').filter(|pair| pair.split('=').next() != Some(name)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_path_of_ours_or_home() {
        assert_eq!(local_path("/desk?state=submitted"), "/desk?state=submitted");
        for evil in ["//evil.example", "/\\evil", "https:evil", "", "desk", "/a\r\nb", "/日本"] {
            assert_eq!(local_path(evil), "/", "{evil:?}");
        }
    }

    #[test]
    fn the_language_in_an_address_gives_way_to_the_choice() {
        assert_eq!(without_parameter("/t/a/login?flow=x&ui_locales=en", "ui_locales"), "/t/a/login?flow=x");
        assert_eq!(without_parameter("/t/a/login?ui_locales=en", "ui_locales"), "/t/a/login");
    }
}
