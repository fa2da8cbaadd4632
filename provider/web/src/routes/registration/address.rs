//! The mail address: asked for twice, proved by a link.

use super::super::entrance::chosen_locale;
use crate::{
    pages::{Choice, Problem, Register, RegisterSent, Say},
    visit::{Answer, Visit},
};
use axum::{
    extract::{Query, RawForm},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use madoguchi_domain::{Token, tenant::KindOfUser};
use madoguchi_oidc::Params;
use madoguchi_service::{RegistrationError, RegistrationRequest};
use serde::Deserialize;

/// Which kind of user wants to register.
#[derive(Debug, Default, Deserialize)]
pub(super) struct KindQuery {
    #[serde(default)]
    kind: String,
}

pub(super) async fn show(visit: Visit, Query(query): Query<KindQuery>) -> Answer {
    if !visit.tenant.config.settings.registration.open {
        return Ok(visit.not_found());
    }
    visit.interaction().await?;
    Ok(visit.page(&page(&visit, &query.kind, String::new(), String::new(), Vec::new())))
}

fn page(visit: &Visit, kind: &str, mail: String, mail_confirm: String, problems: Vec<Problem>) -> Register {
    let settings = &visit.tenant.config.settings;
    let from = settings.mail.from.0.as_str();
    let name = |kind: &KindOfUser| kind.name.get(&visit.locale).to_owned();
    let open: Vec<&KindOfUser> = settings.registering_kinds().collect();
    let chosen = open.iter().find(|k| k.key == kind).map(|k| (k.key.clone(), name(k)));
    let kinds = match (&chosen, open.as_slice()) {
        (Some(_), _) | (None, [] | [_]) => Vec::new(),
        (None, several) => several.iter().map(|k| Choice::new(&k.key, name(k), false)).collect(),
    };
    Register {
        kind: chosen,
        kinds,
        mail,
        mail_confirm,
        sender_domain: from.rsplit_once('@').map_or(from, |(_, domain)| domain).to_owned(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        problems,
        back_url: visit.to_in_flow(if visit.flow.is_some() { "/login" } else { "/" }),
    }
}

pub(super) async fn send(mut visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    if visit.flow.is_none() {
        visit.flow = form.get("flow").filter(|f| Token::parse(f).is_some()).map(str::to_owned);
    }
    visit.check_form("register", form.get("csrf").unwrap_or_default())?;
    let value = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (kind, mail, mail_confirm) = (value("kind"), value("mail"), value("mail_confirm"));
    if let Some(locale) = chosen_locale(&visit, &form) {
        visit.speak(locale);
        return Ok(visit.page(&page(&visit, &kind, mail, mail_confirm, Vec::new())));
    }
    let display = visit.interaction().await?;
    let request = RegistrationRequest {
        mail: mail.clone(),
        mail_confirm: mail_confirm.clone(),
        locale: visit.locale.clone(),
        kind_of_user: kind.clone(),
        return_client: display.map(|d| d.metadata().client_id.clone()),
        interaction: visit.flow.clone(),
        source: visit.source.clone(),
    };
    match visit.web.service().request_registration(&visit.tenant, request).await {
        Ok(requested) => {
            visit.keep_address(&URL_SAFE_NO_PAD.encode(requested.email.as_str()));
            Ok(visit.redirect(&visit.to_in_flow("/register/sent")))
        }
        Err(RegistrationError::Refused(refused)) => {
            let problems = refused
                .iter()
                .map(|r| match r.input {
                    "kind" => Problem::at("kind", Say::key("register.kind_missing")),
                    _ => {
                        let label = visit.text(&format!("register.{}", r.input), &[]);
                        Problem::at(r.input, Say::key(format!("error.{}", r.code)).with("label", label))
                    }
                })
                .collect();
            let page = page(&visit, &kind, mail, mail_confirm, problems);
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(RegistrationError::Closed) => Ok(visit.not_found()),
        Err(RegistrationError::Service(e)) => Err(visit.fault(&e)),
    }
}

/// The same page for every address; it shows the one that this browser typed last.
pub(super) async fn sent(visit: Visit) -> Response {
    let settings = &visit.tenant.config.settings;
    let mail = visit
        .kept_address()
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    visit.page(&RegisterSent {
        mail,
        sender: settings.mail.from.0.to_string(),
        lifetime_minutes: settings.one_time_links.lifetime.seconds() / 60,
        restart_url: visit.to_in_flow("/register"),
        mailbox_url: visit.web.demo().map(|demo| demo.mailbox_url.clone()),
    })
}
