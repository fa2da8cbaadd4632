//! Messages, errors, and answers that are pages.

use super::{Link, Page, Say, Steps, by};
use serde::Serialize;

/// One message and OK.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// The heading.
    pub heading: Say,
    /// The message.
    pub message: Say,
    /// What comes next, a line each.
    pub details: Vec<Say>,
    /// The process that this ends, where it is one of several steps.
    pub steps: Option<Steps>,
    /// Where OK leads.
    pub ok_url: String,
}

impl Page for Message {
    const TEMPLATE: &'static str = "message.html";
    const NAME: &'static str = "message";
    fn title(&self) -> Say {
        self.heading.clone()
    }
    fn steps(&self) -> Option<Steps> {
        self.steps.clone()
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![(
            "usual",
            Self {
                steps: Some(Steps::first_passwords(3)),
                heading: Say::key("password_setting.done_title"),
                message: Say::key("password_setting.done"),
                details: vec![Say::key("password_setting.done_next")],
                ok_url: "/t/certificate/".into(),
            },
        )]
    }
}

/// An error that cannot be sent back to the relying party, or any other that a person must read.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    /// Stable code: `invalid_request`, …
    pub code: String,
    /// In words.
    pub description: Say,
    /// Names the request in the log.
    pub request_id: Option<String>,
    /// The way on.
    pub next: Option<Link>,
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";
    const NAME: &'static str = "error";
    fn title(&self) -> Say {
        Say::key("error.title")
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        vec![
            (
                "usual",
                Self {
                    code: "invalid_redirect_uri".into(),
                    description: Say::key("error.invalid_redirect_uri"),
                    request_id: Some("01JD3V6Q".into()),
                    next: Some(Link::new(by(locale, "ホームへ", "Go to the home page"), "/t/certificate/")),
                },
            ),
            (
                "bare",
                Self {
                    code: "server_error".into(),
                    description: Say::key("error.server_error"),
                    request_id: None,
                    next: None,
                },
            ),
        ]
    }
}

/// A step that is not the present one was sent (409).
#[derive(Debug, Clone, Serialize)]
pub struct InvalidOperation {
    /// Whether the person was logged out for it (tenant's choice, R-PAGE-3).
    pub signed_out: bool,
    /// The right step, or login.
    pub next_url: String,
}

impl Page for InvalidOperation {
    const TEMPLATE: &'static str = "invalid_operation.html";
    const NAME: &'static str = "invalid-operation";
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![
            ("usual", Self { signed_out: false, next_url: "/t/certificate/register/form".into() }),
            ("signed-out", Self { signed_out: true, next_url: "/t/residence/login".into() }),
        ]
    }
}

/// 404.
#[derive(Debug, Clone, Serialize)]
pub struct NotFound {
    /// Home.
    pub home_url: String,
}

impl Page for NotFound {
    const TEMPLATE: &'static str = "not_found.html";
    const NAME: &'static str = "not-found";
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![("usual", Self { home_url: "/t/certificate/".into() })]
    }
}

/// 503 with `Retry-After`, or 429.
#[derive(Debug, Clone, Serialize)]
pub struct Busy {
    /// Seconds until another try makes sense.
    pub retry_after: u64,
    /// Where to try again.
    pub retry_url: String,
}

impl Page for Busy {
    const TEMPLATE: &'static str = "busy.html";
    const NAME: &'static str = "busy";
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![("usual", Self { retry_after: 10, retry_url: "/t/certificate/login".into() })]
    }
}

/// `response_mode=form_post`: a form that a script sends, or the person.
#[derive(Debug, Clone, Serialize)]
pub struct FormPost {
    /// The redirect URI.
    pub action: String,
    /// Name and value of each parameter.
    pub fields: Vec<(String, String)>,
}

impl Page for FormPost {
    const TEMPLATE: &'static str = "form_post.html";
    const NAME: &'static str = "form-post";
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![(
            "usual",
            Self {
                action: "https://certificate.example.ac.jp/callback".into(),
                fields: vec![("code".into(), "abc".into()), ("state".into(), "\"<x>&".into())],
            },
        )]
    }
}
