//! Another mail address, and the way back.
//!
//! ```text
//! GET  /account/mail            new address, twice     POST → a mail with a link, 303 /account/mail/sent
//! GET  /account/mail/link/…     the link in the mail   → its secret moves into a cookie, 303 /account/mail/confirm
//! GET  /account/mail/confirm    what will happen       POST → changed, 303 /account/mail/done
//! GET  /account/mail/undo/link/…, /account/mail/undo, /account/mail/undo/done   the same from the old address
//! ```

use super::super::entrance::chosen_locale;
use crate::{
    cookies::Jar,
    pages::{ChangeMail, ChangeMailSent, ConfirmLink, LinkProblem, LinkTrouble, Message, Problem, Say, Steps},
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, RawForm},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use madoguchi_domain::{
    Token,
    tenant::{LoginIdentifier, LoginIds},
};
use madoguchi_oidc::Params;
use madoguchi_service::{LinkError, LinkProblem as Trouble, MailChangeError, MailChangeRequest, MailChangeRequested};

/// The part of the path that names the link; the first is the tenant's.
type LinkPath = Path<(String, String)>;

pub(super) async fn show(visit: Visit) -> Answer {
    visit.recently_signed_in()?;
    Ok(visit.page(&page(&visit, String::new(), String::new(), Vec::new())))
}

fn page(visit: &Visit, mail: String, mail_confirm: String, problems: Vec<Problem>) -> ChangeMail {
    let settings = &visit.tenant.config.settings;
    let from = settings.mail.from.0.as_str();
    ChangeMail {
        current: visit.account().map(|a| a.email.to_string()).unwrap_or_default(),
        mail,
        mail_confirm,
        logs_in: logs_in_by_mail(visit),
        confirm: settings.self_service.confirm_mail,
        sender_domain: from.rsplit_once('@').map_or(from, |(_, domain)| domain).to_owned(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        problems,
    }
}

/// Whether whoever is at the page logs in with a mail address; as far as that can be told of somebody not signed in.
fn logs_in_by_mail(visit: &Visit) -> bool {
    let settings = &visit.tenant.config.settings;
    let identifiers = match visit.account() {
        Some(account) => match settings.identifier_of(&account.profile.kind_of_user) {
            LoginIdentifier::MailAddress => LoginIds::MailAddresses,
            LoginIdentifier::UserId => LoginIds::UserIds,
        },
        None => settings.login_ids(),
    };
    match identifiers {
        LoginIds::MailAddresses | LoginIds::Both => true,
        LoginIds::UserIds => false,
    }
}

pub(super) async fn ask(mut visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.signed_in()?;
    visit.check_form("change-mail", form.get("csrf").unwrap_or_default())?;
    let value = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (mail, mail_confirm) = (value("mail"), value("mail_confirm"));
    if let Some(locale) = chosen_locale(&visit, &form) {
        visit.speak(locale);
        return Ok(visit.page(&page(&visit, mail, mail_confirm, Vec::new())));
    }
    let session = visit.signed_in()?;
    let request = MailChangeRequest {
        mail: mail.clone(),
        mail_confirm: mail_confirm.clone(),
        locale: visit.locale.clone(),
        source: visit.source.clone(),
    };
    match visit.web.service().request_mail_change(&visit.tenant, session, request).await {
        Ok(MailChangeRequested::LinkSent { email, .. }) => {
            visit.keep_address(&URL_SAFE_NO_PAD.encode(email.as_str()));
            Ok(visit.redirect(&visit.to("/account/mail/sent")))
        }
        Ok(MailChangeRequested::Changed(changed)) => {
            if let Some(token) = changed.token {
                visit.set_cookie(Jar::Session, &token);
            }
            Ok(visit.redirect(&visit.to("/account/mail/done")))
        }
        Err(MailChangeError::Refused(refused)) => {
            let problems = refused
                .iter()
                .map(|r| {
                    let label = visit.text(&format!("change_mail.{}", r.input), &[]);
                    Problem::at(r.input, Say::key(format!("error.{}", r.code)).with("label", label))
                })
                .collect();
            let page = page(&visit, mail, mail_confirm, problems);
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(e) => Err(failed(&visit, e).await),
    }
}

/// The same page for every address; it shows the one that this browser typed last.
pub(super) async fn sent(visit: Visit) -> Answer {
    visit.signed_in()?;
    let settings = &visit.tenant.config.settings;
    let mail = visit
        .kept_address()
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    Ok(visit.page(&ChangeMailSent {
        mail,
        sender: settings.mail.from.0.to_string(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        restart_url: visit.to("/account/mail"),
        mailbox_url: visit.web.demo().map(|demo| demo.mailbox_url.clone()),
    }))
}

pub(super) async fn link(visit: Visit, Path((_, token)): LinkPath) -> Response {
    into_cookie(&visit, &token, "/account/mail/confirm")
}

pub(super) async fn undo_link(visit: Visit, Path((_, token)): LinkPath) -> Response {
    into_cookie(&visit, &token, "/account/mail/undo")
}

fn into_cookie(visit: &Visit, token: &str, then: &str) -> Response {
    match Token::parse(token) {
        Some(token) => {
            visit.set_cookie(Jar::Link, &token);
            visit.redirect(&visit.to(then))
        }
        None => problem(visit, Trouble::Unknown),
    }
}

/// The page that says why a link cannot be used, and how to start again.
fn problem(visit: &Visit, trouble: Trouble) -> Response {
    let (status, trouble) = match trouble {
        Trouble::Expired => (StatusCode::GONE, LinkTrouble::Expired),
        Trouble::Used => (StatusCode::GONE, LinkTrouble::Used),
        Trouble::Superseded => (StatusCode::GONE, LinkTrouble::Superseded),
        Trouble::Unknown => (StatusCode::NOT_FOUND, LinkTrouble::Unknown),
    };
    let restart_url = (!visit.path.contains("/undo")).then(|| visit.to("/account/mail"));
    visit.page_with(status, &LinkProblem { trouble, restart_url, login_url: visit.to("/login") })
}

fn link_failed(visit: &Visit, error: LinkError) -> Response {
    match error {
        LinkError::Problem(trouble) => problem(visit, trouble),
        LinkError::Service(e) => visit.fault(&e),
    }
}

async fn failed(visit: &Visit, error: MailChangeError) -> Response {
    match error {
        // sent twice: what the first one did stands
        MailChangeError::Link(Trouble::Used) => visit.invalid_operation(visit.to("/account")).await,
        MailChangeError::Link(trouble) => problem(visit, trouble),
        MailChangeError::Taken => visit.error_page(StatusCode::CONFLICT, "mail_taken", None),
        MailChangeError::LoginTooLongAgo => visit.log_in_again(),
        MailChangeError::TooMany { retry_after } => visit.too_many(retry_after),
        // the inputs were typed on another page
        MailChangeError::Refused(_) => visit.invalid_operation(visit.to("/account/mail")).await,
        MailChangeError::Service(e) => visit.fault(&e),
    }
}

pub(super) async fn confirm(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let opened = visit.web.service().open_mail_change(&visit.tenant, &token).await;
    let opened = opened.map_err(|e| link_failed(&visit, e))?;
    visit.at_step(&format!("change {}", token.expose()));
    Ok(visit.page(&ConfirmLink {
        heading: Say::key("confirm_mail.title"),
        message: Say::key("confirm_mail.message").with("mail", opened.email),
        action: visit.to("/account/mail/confirm"),
        button: "confirm".into(),
        label: Say::key("confirm_mail.button"),
        steps: Some(Steps::mail(3)),
    }))
}

pub(super) async fn confirmed(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("confirm-link", form.get("csrf").unwrap_or_default())?;
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let step = format!("change {}", token.expose());
    visit.check_step("confirm-link", &form, &step, visit.to("/account/mail/confirm")).await?;
    let service = visit.web.service();
    let changed =
        service.change_mail(&visit.tenant, &token, visit.session.as_ref(), &visit.locale, &visit.source).await;
    match changed {
        Ok(changed) => {
            if let Some(token) = changed.token {
                visit.set_cookie(Jar::Session, &token);
            }
            Ok(visit.redirect(&visit.to("/account/mail/done")))
        }
        Err(e) => Err(failed(&visit, e).await),
    }
}

/// Said to the browser whose link was used, or that changed the address where no link is needed.
pub(super) async fn done(visit: Visit) -> Answer {
    let by_link = visit.tenant.config.settings.self_service.confirm_mail;
    if by_link {
        let Some(token) = visit.cookie(Jar::Link) else { return Ok(visit.redirect(&visit.to("/account/mail"))) };
        match visit.web.service().open_mail_change(&visit.tenant, &token).await {
            Err(LinkError::Problem(Trouble::Used)) => {}
            Ok(_) | Err(LinkError::Problem(_)) => return Ok(visit.redirect(&visit.to("/account/mail/confirm"))),
            Err(LinkError::Service(e)) => return Err(visit.fault(&e)),
        }
    } else {
        visit.signed_in()?;
    }
    let next = if logs_in_by_mail(&visit) { vec![Say::key("confirm_mail.done_login")] } else { Vec::new() };
    Ok(visit.page(&Message {
        heading: Say::key("confirm_mail.done_title"),
        message: Say::key("confirm_mail.done"),
        details: next,
        steps: Some(if by_link { Steps::mail(4) } else { Steps::mail_at_once(2) }),
        ok_url: visit.to("/"),
    }))
}

pub(super) async fn undo(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let opened = visit.web.service().open_mail_undo(&visit.tenant, &token).await;
    let opened = opened.map_err(|e| link_failed(&visit, e))?;
    visit.at_step(&format!("undo {}", token.expose()));
    Ok(visit.page(&ConfirmLink {
        heading: Say::key("undo_mail.title"),
        message: Say::key("undo_mail.message").with("mail", opened.email),
        action: visit.to("/account/mail/undo"),
        button: "undo".into(),
        label: Say::key("undo_mail.button"),
        steps: None,
    }))
}

pub(super) async fn undone(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("confirm-link", form.get("csrf").unwrap_or_default())?;
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let step = format!("undo {}", token.expose());
    visit.check_step("confirm-link", &form, &step, visit.to("/account/mail/undo")).await?;
    let done = visit.web.service().undo_mail_change(&visit.tenant, &token, &visit.locale, &visit.source).await;
    match done {
        Ok(()) => Ok(visit.redirect(&visit.to("/account/mail/undo/done"))),
        Err(e) => Err(failed(&visit, e).await),
    }
}

/// Whoever changed the address may know the passwords too: the way on leads to new ones.
pub(super) async fn undo_done(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(visit.redirect(&visit.to("/login"))) };
    match visit.web.service().open_mail_undo(&visit.tenant, &token).await {
        Err(LinkError::Problem(Trouble::Used)) => Ok(visit.page(&Message {
            heading: Say::key("undo_mail.done_title"),
            message: Say::key("undo_mail.done"),
            details: vec![Say::key("undo_mail.done_next")],
            steps: None,
            ok_url: visit.to("/forgot"),
        })),
        Ok(_) | Err(LinkError::Problem(_)) => Ok(visit.redirect(&visit.to("/account/mail/undo"))),
        Err(LinkError::Service(e)) => Err(visit.fault(&e)),
    }
}
