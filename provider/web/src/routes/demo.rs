//! For whoever tries it out: the list of addresses and accounts, and the mailbox. Not there outside the demo.

use crate::{
    pages::{MailLine, MailPiece, Mailbox, MailboxMessage, NotFound},
    state::Web,
    visit::{bare, bare_locale},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode};
use madoguchi_service::mail::SentMail;
use serde_json::{Value, json};

/// The most mails that are listed.
const NEWEST: u32 = 200;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/", get(front))
        .route("/dev/mail", get(mailbox))
        .route("/dev/mail.json", get(mailbox_json))
        .route("/dev/mail/{id}", get(message))
}

async fn front(State(web): State<Web>, headers: HeaderMap) -> Response {
    match web.demo() {
        Some(front) => bare(&web, &headers, StatusCode::OK, front.in_language(bare_locale(&headers))),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn mails(web: &Web) -> Result<Vec<SentMail>, Response> {
    web.service().recent_mails(NEWEST).await.map_err(|e| {
        tracing::error!(error = %e, "the mailbox cannot be read");
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    })
}

async fn mailbox(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Response> {
    let mails = mails(&web).await?;
    let lines = mails
        .into_iter()
        .map(|m| MailLine {
            url: format!("{}/dev/mail/{}", web.prefix(), m.id),
            tenant: m.tenant.to_string(),
            to: m.to,
            subject: m.subject,
            sent_at: m.sent_at.seconds(),
        })
        .collect();
    Ok(bare(&web, &headers, StatusCode::OK, &Mailbox { mails: lines }))
}

async fn mailbox_json(State(web): State<Web>) -> Result<Response, Response> {
    let mails: Vec<Value> = mails(&web)
        .await?
        .into_iter()
        .map(|m| {
            json!({
                "tenant": m.tenant, "to": m.to, "from": m.from, "subject": m.subject, "text": m.text,
                "links": m.links, "sent_at": m.sent_at.seconds(),
            })
        })
        .collect();
    Ok(Json(mails).into_response())
}

async fn message(State(web): State<Web>, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, Response> {
    let found = mails(&web).await?.into_iter().find(|m| m.id.as_str() == id);
    let Some(mail) = found else {
        let page = NotFound { home_url: format!("{}/", web.prefix()) };
        return Ok(bare(&web, &headers, StatusCode::NOT_FOUND, &page));
    };
    let page = MailboxMessage {
        list_url: format!("{}/dev/mail", web.prefix()),
        from: mail.from,
        to: mail.to,
        subject: mail.subject,
        sent_at: mail.sent_at.seconds(),
        pieces: MailPiece::pieces(&mail.text),
    };
    Ok(bare(&web, &headers, StatusCode::OK, &page))
}
