//! For people who forgot their passwords.
//!
//! ```text
//! GET  /forgot          mail address (and user ID)  POST → perhaps a mail with a link, 303 /forgot/sent
//! GET  /forgot/link/…   the link in the mail        → its secret moves into a cookie, 303 /forgot/reset
//! GET  /forgot/reset    new passwords               POST → set, everything else ended, 303 /forgot/done
//! GET  /forgot/done     a message; OK leads to the login page
//! ```

use super::entrance::chosen_locale;
use crate::{
    cookies::Jar,
    pages::{Forgot, ForgotProblem, ForgotReset, ForgotSent, LinkTrouble, Message, Problem, Say, Steps},
    state::Web,
    visit::{Answer, Visit},
};
use axum::{
    Router,
    extract::{Path, RawForm},
    response::Response,
    routing::get,
};
use http::StatusCode;
use madoguchi_domain::{
    Secret, Token,
    tenant::{InitialCredential, LoginIds},
};
use madoguchi_oidc::Params;
use madoguchi_service::{
    LinkError, LinkProblem as Trouble, NewPasswordsError, Recovered, RecoveryError, RecoveryRequest, RefusedInput,
    credentials::NewCredentials,
};

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/forgot", get(forgot).post(send))
        .route("/forgot/sent", get(sent))
        .route("/forgot/link/{token}", get(link))
        .route("/forgot/reset", get(reset).post(set))
        .route("/forgot/done", get(done))
}

/// The form, with the parked request that it carries along.
fn read(visit: &mut Visit, body: &[u8]) -> Params {
    let form = Params::read(None, Some(body));
    if visit.flow.is_none() {
        visit.flow = form.get("flow").filter(|f| Token::parse(f).is_some()).map(str::to_owned);
    }
    form
}

fn by_user_id(visit: &Visit) -> bool {
    match visit.tenant.config.settings.login_ids() {
        LoginIds::UserIds | LoginIds::Both => true,
        LoginIds::MailAddresses => false,
    }
}

async fn forgot(visit: Visit) -> Response {
    visit.page(&forgot_page(&visit, String::new(), String::new(), Vec::new()))
}

fn forgot_page(visit: &Visit, login_id: String, mail: String, problems: Vec<Problem>) -> Forgot {
    let settings = &visit.tenant.config.settings;
    let from = settings.mail.from.0.as_str();
    Forgot {
        by_user_id: by_user_id(visit),
        login_id,
        mail,
        sender_domain: from.rsplit_once('@').map_or(from, |(_, domain)| domain).to_owned(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        problems,
        by_setting_url: settings.initial_credential.kind == InitialCredential::SettingUrl,
        staff_help: visit.staff_help(by_user_id(visit)),
        counter: visit.counter(),
        back_url: visit.to_in_flow("/login"),
        reapply_url: takes_reapplications(visit).then(|| visit.to_in_flow("/register")),
    }
}

/// Whether somebody may apply again for an account whose mailbox is lost.
fn takes_reapplications(visit: &Visit) -> bool {
    let config = &visit.tenant.config;
    config.settings.registration.open && config.all_forms().any(|form| form.field("application_type").is_some())
}

async fn send(mut visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = read(&mut visit, &body);
    visit.check_form("forgot", form.get("csrf").unwrap_or_default())?;
    let value = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (login_id, mail) = (value("login_id"), value("mail"));
    if let Some(locale) = chosen_locale(&visit, &form) {
        visit.speak(locale);
        return Ok(visit.page(&forgot_page(&visit, login_id, mail, Vec::new())));
    }
    let request = RecoveryRequest {
        login_id: login_id.clone(),
        mail: mail.clone(),
        locale: visit.locale.clone(),
        interaction: visit.flow.clone(),
        source: visit.source.clone(),
    };
    match visit.web.service().request_recovery(&visit.tenant, request).await {
        Ok(_) => Ok(visit.redirect(&visit.to_in_flow("/forgot/sent"))),
        Err(RecoveryError::Refused(refused)) => {
            let problems = refused.iter().map(refusal).collect();
            let page = forgot_page(&visit, login_id, mail, problems);
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(RecoveryError::Service(e)) => Err(visit.fault(&e)),
    }
}

fn refusal(refused: &RefusedInput) -> Problem {
    let say = match refused.code {
        "required" => Say::key(format!("forgot.{}_missing", refused.input)),
        code => Say::key(format!("error.{code}")),
    };
    Problem::at(refused.input, say)
}

/// The same page for everybody.
async fn sent(visit: Visit) -> Response {
    let settings = &visit.tenant.config.settings;
    visit.page(&ForgotSent {
        by_user_id: by_user_id(&visit),
        sender: settings.mail.from.0.to_string(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        login_url: visit.to_in_flow("/login"),
        restart_url: visit.to_in_flow("/forgot"),
        mailbox_url: visit.web.demo().map(|demo| demo.mailbox_url.clone()),
    })
}

/// Opening the link uses nothing up: its secret moves into a cookie, so that it stands in no address that is shown,
/// logged or sent on. The parked request goes on where the link is opened in the browser that it belongs to.
async fn link(visit: Visit, Path((_, token)): Path<(String, String)>) -> Answer {
    let Some(token) = Token::parse(&token) else { return Ok(problem(&visit, Trouble::Unknown)) };
    visit.set_cookie(Jar::Link, &token);
    match visit.web.service().open_recovery(&visit.tenant, &token).await {
        Ok(open) => {
            let visit = match open.interaction {
                Some(flow) => visit.in_flow(&flow),
                None => visit,
            };
            let goes_on = visit.interaction().await?.is_some();
            let next = if goes_on { visit.to_in_flow("/forgot/reset") } else { visit.to("/forgot/reset") };
            Ok(visit.redirect(&next))
        }
        Err(LinkError::Problem(_)) => Ok(visit.redirect(&visit.to("/forgot/reset"))),
        Err(LinkError::Service(e)) => Err(visit.fault(&e)),
    }
}

/// The page that says why a link cannot be used, and how to get another.
fn problem(visit: &Visit, trouble: Trouble) -> Response {
    let (status, trouble) = match trouble {
        Trouble::Expired => (StatusCode::GONE, LinkTrouble::Expired),
        Trouble::Used => (StatusCode::GONE, LinkTrouble::Used),
        Trouble::Superseded => (StatusCode::GONE, LinkTrouble::Superseded),
        Trouble::Unknown => (StatusCode::NOT_FOUND, LinkTrouble::Unknown),
    };
    let (restart_url, login_url) = (visit.to_in_flow("/forgot"), visit.to_in_flow("/login"));
    visit.page_with(status, &ForgotProblem { trouble, restart_url, login_url })
}

fn link_failed(visit: &Visit, error: LinkError) -> Response {
    match error {
        LinkError::Problem(trouble) => problem(visit, trouble),
        LinkError::Service(e) => visit.fault(&e),
    }
}

async fn reset(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let open = visit.web.service().open_recovery(&visit.tenant, &token).await;
    let open = open.map_err(|e| link_failed(&visit, e))?;
    visit.at_step(token.expose());
    Ok(visit.page(&reset_page(&visit, open.login_id, Vec::new())))
}

fn reset_page(visit: &Visit, login_id: String, problems: Vec<Problem>) -> ForgotReset {
    let settings = &visit.tenant.config.settings;
    let second_password = settings.login.second_password;
    let rules = crate::passwords::rules(&settings.password, second_password);
    ForgotReset { login_id, second_password, rules, problems }
}

async fn set(mut visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = read(&mut visit, &body);
    visit.check_form("forgot-reset", form.get("csrf").unwrap_or_default())?;
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    visit.check_step("forgot-reset", &form, token.expose(), visit.to_in_flow("/forgot/reset")).await?;
    visit.at_step(token.expose());
    let value = |name: &str| Secret::new(form.get(name).unwrap_or_default());
    let wanted = NewCredentials {
        password: value("password"),
        password_confirm: value("password_confirm"),
        second_password: value("second_password"),
        second_password_confirm: value("second_password_confirm"),
    };
    match visit.web.service().recover(&visit.tenant, &token, wanted, &visit.source).await {
        Ok(()) => Ok(visit.redirect(&visit.to_in_flow("/forgot/done"))),
        Err(NewPasswordsError::Invalid(violations)) => {
            let open = visit.web.service().open_recovery(&visit.tenant, &token).await;
            let open = open.map_err(|e| link_failed(&visit, e))?;
            let problems = violations.iter().map(|v| crate::passwords::problem(&visit, v)).collect();
            let page = reset_page(&visit, open.login_id, problems);
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        // sent twice: what the first one set stands
        Err(NewPasswordsError::Link(Trouble::Used)) => Ok(visit.invalid_operation(visit.to_in_flow("/login")).await),
        Err(NewPasswordsError::Link(trouble)) => Ok(problem(&visit, trouble)),
        Err(NewPasswordsError::Service(e)) => Err(visit.fault(&e)),
    }
}

/// Said to the browser whose link was used, and to no other.
async fn done(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(visit.redirect(&visit.to_in_flow("/forgot"))) };
    let next = match visit.web.service().recovered(&visit.tenant, &token).await {
        Ok(Recovered::Usable) => Say::key("forgot_done.next"),
        Ok(Recovered::Locked) => Say::key("forgot_done.locked").with("counter", visit.counter()),
        // the page that sets them says what is wrong with the link
        Err(LinkError::Problem(_)) => return Ok(visit.redirect(&visit.to_in_flow("/forgot/reset"))),
        Err(LinkError::Service(e)) => return Err(visit.fault(&e)),
    };
    Ok(visit.page(&Message {
        heading: Say::key("forgot_done.title"),
        message: Say::key("forgot_done.message"),
        details: vec![next],
        steps: Some(Steps::recovery(4)),
        ok_url: visit.to_in_flow("/login"),
    }))
}
