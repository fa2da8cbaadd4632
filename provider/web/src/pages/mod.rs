//! What each page shows: one typed context per page, with samples.
//!
//! A handler fills the context and renders it with [`Renderer::page`](crate::theme::Renderer::page); it never names a
//! template. What is the same on all pages is the [`Frame`]. Words are keys of the locale files, or texts that the
//! tenant gave ([`Say`]). Every context has samples – an ordinary one, an empty one, one with errors, one with long
//! texts – which the tests render in every theme and language.

mod account;
mod counter;
mod demo;
mod desk;
mod documents;
mod entrance;
mod form;
mod frame;
mod outcome;
mod personal;
mod recovery;
mod registration;
mod self_service;

pub use account::*;
pub use counter::*;
pub use demo::*;
pub use desk::*;
pub use documents::*;
pub use entrance::*;
pub use form::*;
pub use frame::*;
pub use outcome::*;
pub use personal::*;
pub use recovery::*;
pub use registration::*;
pub use self_service::*;

use serde::Serialize;
use std::collections::BTreeMap;

/// A page.
pub trait Page: Serialize + Sized {
    /// The template.
    const TEMPLATE: &'static str;
    /// The name in `<body data-page="…">`.
    const NAME: &'static str;
    /// The id of the page's form when a language switch must carry along what was typed: the switch then submits this
    /// form with `switch_lang` and `lang` instead of going to `{base}/language`.
    const FORM: Option<&'static str> = None;
    /// Whether the samples are shown to somebody signed in.
    const SIGNED_IN: bool = false;
    /// Whether its form is sent by anybody, and not by whoever is signed in: it stays good when somebody signs in or out
    /// in another window meanwhile, so that nothing typed is lost.
    const FOR_ANYBODY: bool = false;

    /// The heading, also the first part of the window's title.
    fn title(&self) -> Say {
        Say::key(format!("{}.title", Self::NAME.replace('-', "_")))
    }
    /// Where in a process this page stands.
    fn steps(&self) -> Option<Steps> {
        None
    }
    /// What is wrong with what was typed.
    fn problems(&self) -> &[Problem] {
        &[]
    }
    /// Samples in `locale`, each with a name in `a-z-`.
    fn samples(locale: &str) -> Vec<(&'static str, Self)>;
}

/// Something to say: a text of the locale files, or a text as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Say {
    /// By key, with arguments.
    Key {
        /// The key.
        key: String,
        /// The arguments by name.
        args: BTreeMap<String, String>,
    },
    /// As it stands.
    Text {
        /// The text.
        text: String,
    },
}

impl Say {
    /// By key.
    pub fn key(key: impl Into<String>) -> Self {
        Self::Key { key: key.into(), args: BTreeMap::new() }
    }
    /// As it stands.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
    /// With an argument; a plain text stays as it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        if let Self::Key { args, .. } = &mut self {
            args.insert(name.to_owned(), value.to_string());
        }
        self
    }
}

/// One thing that is wrong with what was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The id of the input to go to.
    pub field: String,
    /// What to do; the same words beside the field and in the summary.
    pub message: Say,
    /// The message's stable code, in the list of messages; none for words that somebody typed.
    pub code: Option<String>,
}

impl Problem {
    /// At an input.
    pub fn at(field: impl Into<String>, message: Say) -> Self {
        let code = crate::messages::code(&message);
        debug_assert!(
            code.is_some() || matches!(message, Say::Text { .. }),
            "{message:?} is not in the list of messages"
        );
        Self { field: field.into(), message, code }
    }
}

/// What somebody is about with a form: the same pages serve all of these, in other words and with other steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A new registration.
    Registration,
    /// The correction of an application.
    Correction,
    /// One more student ID number.
    Enrolment,
    /// Own data: what stands is edited.
    Profile,
    /// Own data: what is new is filled in.
    FillIn,
}

impl Task {
    /// The text of this task among several: `{page}.title` for registrations, `{page}.{task}_title` otherwise.
    fn say(self, page: &str, name: &str) -> Say {
        let prefix = match self {
            Self::Registration => "",
            Self::Correction => "correction_",
            Self::Enrolment => "enrolment_",
            Self::Profile => "profile_",
            Self::FillIn => "fill_in_",
        };
        Say::key(format!("{page}.{prefix}{name}"))
    }

    /// Its steps, at the step of that name.
    pub(crate) fn steps(self, at: &str) -> Steps {
        let (process, steps): (&'static str, &'static [&'static str]) = match self {
            Self::Registration => ("registration", &["mail", "terms", "form", "check", "done"]),
            Self::Correction => ("correction", &["form", "check", "done"]),
            Self::Enrolment => ("enrolment", Steps::ENROLMENT),
            Self::Profile => ("profile", &["form", "check", "done"]),
            Self::FillIn => ("profile", &["form", "done"]),
        };
        Steps { process, steps, current: steps.iter().position(|step| *step == at).map_or(1, |i| i + 1) }
    }
}

/// A place in a process. The labels are `steps.{process}.{step}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// The process: `registration`, `correction`, `enrolment`, `profile`, …
    pub process: &'static str,
    /// Its steps.
    pub steps: &'static [&'static str],
    /// The present one, from 1.
    pub current: usize,
}

impl Steps {
    /// New registration, from the mail address to the reference number.
    pub fn registration(current: usize) -> Self {
        Self { process: "registration", steps: &["mail", "terms", "form", "check", "done"], current }
    }
    /// From a forgotten password to a new one.
    pub fn recovery(current: usize) -> Self {
        Self { process: "recovery", steps: &["identify", "mail", "password", "done"], current }
    }
    /// One more student ID number, from asking for it to the reference number.
    const ENROLMENT: &'static [&'static str] = &["ask", "mail", "form", "check", "done"];

    /// One more student ID number, before its form.
    pub fn enrolment(current: usize) -> Self {
        Self { process: "enrolment", steps: Self::ENROLMENT, current }
    }
    /// Another password, or another second password.
    pub fn password(second: bool, current: usize) -> Self {
        let process = if second { "second_password" } else { "password" };
        Self { process, steps: &["change", "done"], current }
    }
    /// Another mail address: typed, and proved by a link.
    pub fn mail(current: usize) -> Self {
        Self { process: "mail", steps: &["change", "mail", "confirm", "done"], current }
    }
    /// Another mail address where no proof is asked for.
    pub fn mail_at_once(current: usize) -> Self {
        Self { process: "mail", steps: &["change", "done"], current }
    }
    /// The first passwords, from the result mail on.
    pub fn first_passwords(current: usize) -> Self {
        Self { process: "first_passwords", steps: &["mail", "password", "done"], current }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it leads to, in words.
    pub label: String,
    /// The address.
    pub url: String,
}

impl Link {
    /// A link.
    pub fn new(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), url: url.into() }
    }
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub selected: bool,
    /// Shown with it when it is chosen (what to mask on an insurance card).
    pub notice: Option<String>,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>, selected: bool) -> Self {
        Self { value: value.into(), label: label.into(), selected, notice: None }
    }
}

/// The relying party that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientView {
    /// Its name in the page's language.
    pub name: String,
    /// Its logo, where registered.
    pub logo: Option<String>,
    /// Its privacy policy.
    pub policy: Option<String>,
    /// Its terms of service.
    pub tos: Option<String>,
}

impl ClientView {
    fn sample(locale: &str) -> Self {
        Self {
            name: by(locale, "証明書発行サービス", "Certificate ordering"),
            logo: None,
            policy: Some("https://certificate.example.ac.jp/privacy".into()),
            tos: Some("https://certificate.example.ac.jp/terms".into()),
        }
    }
}

/// Sample text by language.
fn by(locale: &str, ja: &str, en: &str) -> String {
    if locale.starts_with("ja") { ja.to_owned() } else { en.to_owned() }
}

/// Where staff help, for samples.
fn counter(locale: &str) -> String {
    by(
        locale,
        "在留カードなどの本人確認書類を持って、お近くの窓口へお越しください。",
        "Come to the counter of the nearest office with your residence card or another identification document.",
    )
}

/// A moment for samples: 22 November 2026, 13:05 in Japan.
const SAMPLE_NOW: i64 = 1_795_320_300;

/// Something that wants to see every page.
pub trait Visitor {
    /// What can go wrong.
    type Error;
    /// Called once for each page.
    ///
    /// # Errors
    /// The visitor's own; ends the visit.
    fn visit<P: Page>(&mut self) -> Result<(), Self::Error>;
}

macro_rules! pages {
    ($($page:ident),+ $(,)?) => {
        /// The templates of all pages.
        pub(crate) const TEMPLATES: &[&str] = &[$($page::TEMPLATE),+];

        /// Shows every page to `visitor`.
        ///
        /// # Errors
        /// The visitor's first.
        pub fn visit_all<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
            $(visitor.visit::<$page>()?;)+
            Ok(())
        }
    };
}

pages! {
    Home, Top, Login, PasswordSetting, Logout, LoggedOut, NewTerms, SessionKept, SessionEnded,
    Register, RegisterSent, LinkProblem, Terms, Form, Check, Reception, ConfirmLink,
    Forgot, ForgotSent, ForgotReset, ForgotProblem,
    Message, ErrorPage, InvalidOperation, NotFound, Busy, FormPost,
    AccountPage, EnrolmentChoice, Consent, StudentId,
    ChangePassword, ChangeMail, ChangeMailSent, Sessions, Connections, OwnDataPage,
    Manual, Messages, Notices, Statement,
    DeskQueue, DeskApplication, DeskDecided, DeskPreview,
    CounterSearch, CounterPerson,
    Mailbox, MailboxMessage, DemoFront,
}
