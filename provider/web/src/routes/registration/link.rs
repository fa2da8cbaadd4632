//! Links in mails. Opening one (GET) uses nothing up: its secret moves into a cookie, so that it stands in no address
//! that is shown, logged or sent on; the page that follows says what will happen, and a button does it.

use crate::{
    cookies::Jar,
    pages::{ConfirmLink, LinkProblem, LinkTrouble, Problem, Say, Terms},
    visit::{Answer, Visit},
};
use axum::{
    extract::{Path, RawForm},
    response::Response,
};
use http::StatusCode;
use madoguchi_domain::Token;
use madoguchi_oidc::Params;
use madoguchi_service::{LinkError, LinkProblem as Trouble, TermsError};

/// The part of the path that names the link; the first is the tenant's.
type LinkPath = Path<(String, String)>;

pub(super) async fn registration(visit: Visit, Path((_, token)): LinkPath) -> Response {
    into_cookie(&visit, &token, "/register/terms")
}

pub(super) async fn resubmission(visit: Visit, Path((_, token)): LinkPath) -> Response {
    into_cookie(&visit, &token, "/resubmit")
}

pub(super) async fn student_id(visit: Visit, Path((_, token)): LinkPath) -> Response {
    into_cookie(&visit, &token, "/student-id")
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
pub(super) fn problem(visit: &Visit, trouble: Trouble) -> Response {
    let (status, trouble) = match trouble {
        Trouble::Expired => (StatusCode::GONE, LinkTrouble::Expired),
        Trouble::Used => (StatusCode::GONE, LinkTrouble::Used),
        Trouble::Superseded => (StatusCode::GONE, LinkTrouble::Superseded),
        Trouble::Unknown => (StatusCode::NOT_FOUND, LinkTrouble::Unknown),
    };
    let open = visit.tenant.config.settings.registration.open;
    let page = LinkProblem { trouble, restart_url: open.then(|| visit.to("/register")), login_url: visit.to("/login") };
    visit.page_with(status, &page)
}

pub(super) fn link_failed(visit: &Visit, error: LinkError) -> Response {
    match error {
        LinkError::Problem(trouble) => problem(visit, trouble),
        LinkError::Service(e) => visit.fault(&e),
    }
}

pub(super) async fn terms(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    match visit.web.service().open_link(&visit.tenant, &token).await {
        Ok(_) => {
            visit.at_step(token.expose());
            Ok(visit.page(&terms_page(&visit, Vec::new())))
        }
        // its time is over, but the draft that it began is open in this browser
        Err(LinkError::Problem(Trouble::Expired)) if super::draft::open(&visit).await.is_ok() => {
            Ok(visit.redirect(&visit.to("/register/form")))
        }
        Err(e) => Err(link_failed(&visit, e)),
    }
}

fn terms_page(visit: &Visit, problems: Vec<Problem>) -> Terms {
    let config = &visit.tenant.config;
    let text = config.terms.get(&visit.locale).or_else(|| config.terms.values().next());
    Terms {
        version: config.settings.registration.terms_version.clone(),
        html: crate::markdown::to_html(text.map_or("", String::as_str)),
        problems,
    }
}

pub(super) async fn agree(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("terms", form.get("csrf").unwrap_or_default())?;
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let link = visit.web.service().open_link(&visit.tenant, &token).await.map_err(|e| link_failed(&visit, e))?;
    visit.check_step("terms", &form, token.expose(), visit.to("/register/terms")).await?;
    visit.at_step(token.expose());
    if form.get("agree") != Some("yes") {
        let problems = vec![Problem::at("agree_yes", Say::key("terms.missing"))];
        return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &terms_page(&visit, problems)));
    }
    let version = form.get("version").unwrap_or_default();
    match visit.web.service().accept_terms(&visit.tenant, &link, version, &visit.source).await {
        Ok(opened) => {
            visit.set_cookie(Jar::Draft, &opened.browser);
            Ok(visit.redirect(&visit.to("/register/form")))
        }
        Err(TermsError::Changed) => {
            let problems = vec![Problem::at("agree_yes", Say::key("terms.changed"))];
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &terms_page(&visit, problems)))
        }
        Err(TermsError::Problem(trouble)) => Ok(problem(&visit, trouble)),
        Err(TermsError::Service(e)) => Err(visit.fault(&e)),
    }
}

pub(super) async fn confirm(visit: Visit) -> Answer {
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let link = visit.web.service().open_resubmission(&visit.tenant, &token).await;
    let link = link.map_err(|e| link_failed(&visit, e))?;
    visit.at_step(token.expose());
    Ok(visit.page(&ConfirmLink {
        heading: Say::key("resubmit_link.title"),
        message: Say::key("resubmit_link.message").with("reference", link.reference()),
        action: visit.to("/resubmit"),
        button: "open".into(),
        label: Say::key("resubmit_link.button"),
        steps: None,
    }))
}

pub(super) async fn reopen(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("confirm-link", form.get("csrf").unwrap_or_default())?;
    let Some(token) = visit.cookie(Jar::Link) else { return Ok(problem(&visit, Trouble::Unknown)) };
    let service = visit.web.service();
    let link = service.open_resubmission(&visit.tenant, &token).await.map_err(|e| link_failed(&visit, e))?;
    visit.check_step("confirm-link", &form, token.expose(), visit.to("/resubmit")).await?;
    let opened = service.begin_resubmission(&visit.tenant, &link).await.map_err(|e| link_failed(&visit, e))?;
    visit.set_cookie(Jar::Draft, &opened.browser);
    Ok(visit.redirect(&visit.to("/register/form")))
}
