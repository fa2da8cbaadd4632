//! Another password, another second password: typed beside the one in force.

use crate::{
    cookies::Jar,
    pages::{ChangePassword, Message, Problem, Say, Steps},
    visit::{Answer, Visit},
};
use axum::extract::RawForm;
use http::StatusCode;
use madoguchi_domain::{Secret, Timestamp};
use madoguchi_oidc::Params;
use madoguchi_service::{OwnPassword, PasswordChange, PasswordChangeError, credentials::CredentialField};

pub(super) async fn first(visit: Visit) -> Answer {
    show(&visit, OwnPassword::First)
}

pub(super) async fn second(visit: Visit) -> Answer {
    show(&visit, OwnPassword::Second)
}

pub(super) async fn first_posted(visit: Visit, RawForm(body): RawForm) -> Answer {
    change(&visit, OwnPassword::First, &body).await
}

pub(super) async fn second_posted(visit: Visit, RawForm(body): RawForm) -> Answer {
    change(&visit, OwnPassword::Second, &body).await
}

pub(super) async fn first_done(visit: Visit) -> Answer {
    done(&visit, OwnPassword::First)
}

pub(super) async fn second_done(visit: Visit) -> Answer {
    done(&visit, OwnPassword::Second)
}

/// Where the page of a password stands.
fn place(which: OwnPassword) -> &'static str {
    match which {
        OwnPassword::First => "/account/password",
        OwnPassword::Second => "/account/second-password",
    }
}

/// Whether the tenant has such a password.
fn exists(visit: &Visit, which: OwnPassword) -> bool {
    match which {
        OwnPassword::First => true,
        OwnPassword::Second => visit.tenant.config.settings.login.second_password,
    }
}

fn show(visit: &Visit, which: OwnPassword) -> Answer {
    if !exists(visit, which) {
        return Ok(visit.not_found());
    }
    visit.signed_in()?;
    Ok(visit.page(&page(visit, which, Vec::new())))
}

fn page(visit: &Visit, which: OwnPassword, problems: Vec<Problem>) -> ChangePassword {
    let settings = &visit.tenant.config.settings;
    ChangePassword {
        login_id: visit.account().map(|a| a.login_id.clone()).unwrap_or_default(),
        second: which == OwnPassword::Second,
        rules: crate::passwords::rules(&settings.password, settings.login.second_password),
        problems,
    }
}

async fn change(visit: &Visit, which: OwnPassword, body: &[u8]) -> Answer {
    if !exists(visit, which) {
        return Ok(visit.not_found());
    }
    let session = visit.signed_in()?;
    let form = Params::read(None, Some(body));
    visit.check_form("change-password", form.get("csrf").unwrap_or_default())?;
    let value = |field: CredentialField| Secret::new(form.get(field.name()).unwrap_or_default());
    let typed = PasswordChange {
        which,
        current: value(CredentialField::Current),
        new: value(which.field()),
        confirm: value(which.confirm_field()),
        locale: visit.locale.clone(),
        source: visit.source.clone(),
    };
    let problems = match visit.web.service().change_password(&visit.tenant, session, typed).await {
        Ok(token) => {
            visit.set_cookie(Jar::Session, &token);
            return Ok(visit.redirect(&visit.to(&format!("{}/done", place(which)))));
        }
        Err(PasswordChangeError::Invalid(broken)) => broken
            .iter()
            .map(|(field, violation)| match field {
                CredentialField::Current => {
                    let present = if which == OwnPassword::Second { "current_second" } else { "current" };
                    crate::passwords::problem_named(visit, *field, present, *violation)
                }
                CredentialField::Password
                | CredentialField::PasswordConfirm
                | CredentialField::SecondPassword
                | CredentialField::SecondPasswordConfirm => crate::passwords::problem(visit, &(*field, *violation)),
            })
            .collect(),
        Err(PasswordChangeError::Locked { until }) => vec![Problem::at("current", locked(visit, until))],
        Err(PasswordChangeError::TooMany { retry_after }) => return Err(visit.too_many(retry_after)),
        Err(PasswordChangeError::Outdated) => return Ok(visit.invalid_operation(visit.to(place(which))).await),
        Err(PasswordChangeError::Service(e)) => return Err(visit.fault(&e)),
    };
    Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page(visit, which, problems)))
}

fn locked(visit: &Visit, until: Option<Timestamp>) -> Say {
    match until {
        Some(until) => Say::key("change_password.locked_until").with("time", visit.moment(until)),
        None => Say::key("change_password.locked").with("counter", visit.counter()),
    }
}

fn done(visit: &Visit, which: OwnPassword) -> Answer {
    if !exists(visit, which) {
        return Ok(visit.not_found());
    }
    visit.signed_in()?;
    let message = match which {
        OwnPassword::First => "change_password.done",
        OwnPassword::Second => "change_password.done_second",
    };
    Ok(visit.page(&Message {
        heading: Say::key("change_password.done_title"),
        message: Say::key(message),
        details: vec![Say::key("change_password.done_others")],
        steps: Some(Steps::password(which == OwnPassword::Second, 2)),
        ok_url: visit.to("/"),
    }))
}
