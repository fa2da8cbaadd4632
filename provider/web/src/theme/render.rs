//! Pages and mails of one tenant in one theme.

use super::{
    load::Theme,
    texts::{self, Layer, Scope},
};
use crate::pages::{Frame, Page, Problem};
use madoguchi_domain::mail::MailKind;
use serde::Serialize;
use std::sync::Arc;
use tera::Context;

/// Templates of mails; one for each [`MailKind`].
pub(super) const MAILS: &[&str] = &[
    "mail/verify_address.txt",
    "mail/already_registered.txt",
    "mail/application_received.txt",
    "mail/accepted.txt",
    "mail/rejected.txt",
    "mail/resubmission.txt",
    "mail/credentials_set.txt",
    "mail/address_moved.txt",
    "mail/account_locked.txt",
    "mail/recovery_link.txt",
    "mail/passwords_reset.txt",
];

/// A page or mail could not be rendered: a template met a value that it cannot show. The message is for the log.
#[derive(Debug, thiserror::Error)]
#[error("cannot render {what} in theme {theme}: {source}")]
pub struct RenderError {
    what: String,
    theme: String,
    source: tera::Error,
}

/// A mail as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedMail {
    /// The subject, at most about 30 full-width characters.
    pub subject: String,
    /// The body: lines of at most 35 full-width characters, addresses alone on their line.
    pub body: String,
}

/// What every mail of a tenant says about it.
#[derive(Debug, Clone, Serialize)]
pub struct MailContext {
    /// The institution, in the mail's language.
    pub institution: String,
    /// The service, in the mail's language.
    pub service: String,
    /// Whom to ask: lines for the footer, in the mail's language; may be empty.
    pub contact: String,
    /// Where staff help whom only they can: a sentence, or empty for the contact itself.
    pub counter: String,
    /// The home page.
    pub home_url: String,
}

/// Renders for one tenant. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Renderer {
    theme: Arc<Theme>,
    layers: Arc<[Arc<Layer>]>,
    offset_minutes: i32,
}

impl Renderer {
    /// For a tenant that uses `theme`, has `texts` of its own (or none) and lives `offset_minutes` east of UTC.
    pub fn new(theme: Arc<Theme>, texts: Option<Arc<Layer>>, offset_minutes: i32) -> Self {
        let layers = texts.into_iter().chain(theme.layers.iter().cloned()).collect();
        Self { theme, layers, offset_minutes }
    }

    /// The theme.
    pub fn theme(&self) -> &Arc<Theme> {
        &self.theme
    }

    /// The layers of texts, for [`translate`](super::translate).
    pub fn layers(&self) -> &Arc<[Arc<Layer>]> {
        &self.layers
    }

    /// One text.
    pub fn text(&self, locale: &str, key: &str, args: &[(&str, &str)]) -> String {
        let args: Vec<(&str, String)> = args.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.within(locale, || texts::text(key, &args))
    }

    /// One text where there is one, for keys that a tenant may leave out.
    pub fn optional_text(&self, locale: &str, key: &str) -> Option<String> {
        self.within(locale, || texts::find(key))
    }

    /// Whether there is such a text, in this language or in the one that stands in.
    pub fn knows(&self, locale: &str, key: &str) -> bool {
        self.optional_text(locale, key).is_some()
    }

    /// A point in time in words, with the zone's name.
    pub fn moment(&self, locale: &str, at: madoguchi_domain::Timestamp) -> String {
        self.within(locale, || super::functions::moment(at.0, "date.datetime_zone"))
    }

    fn within<R>(&self, locale: &str, render: impl FnOnce() -> R) -> R {
        let scope =
            Scope { layers: self.layers.clone(), locale: locale.to_owned(), offset_minutes: self.offset_minutes };
        texts::within(scope, render)
    }

    /// A page as HTML.
    ///
    /// # Errors
    /// A template failed on these values.
    pub fn page<P: Page>(&self, frame: &Frame, page: &P) -> Result<String, RenderError> {
        let mut context = Context::new();
        context.insert("frame", frame);
        context.insert("page", page);
        context.insert("page_name", P::NAME);
        context.insert("form_id", &P::FORM);
        context.insert("heading", &page.title());
        context.insert("steps", &page.steps());
        context.insert("problems", page.problems());
        context.insert("problem_codes", &codes(page.problems()));
        context.insert("theme", self.theme.name());
        self.within(&frame.locale, || self.theme.tera.render(P::TEMPLATE, &context)).map_err(|source| RenderError {
            what: P::TEMPLATE.to_owned(),
            theme: self.theme.name.clone(),
            source,
        })
    }

    /// A mail as plain text.
    ///
    /// # Errors
    /// A template failed on these values.
    pub fn mail(&self, locale: &str, mail: &MailKind, about: &MailContext) -> Result<RenderedMail, RenderError> {
        let template = format!("mail/{}.txt", mail.name());
        let mut context = Context::new();
        context.insert("mail", mail);
        context.insert("tenant", about);
        self.within(locale, || {
            let subject = texts::text(
                &format!("mail.{}.subject", mail.name()),
                &[("institution", about.institution.clone()), ("service", about.service.clone())],
            );
            let body = self.theme.tera.render(&template, &context)?;
            Ok(RenderedMail { subject, body: wrap(&body) })
        })
        .map_err(|source| RenderError { what: template.clone(), theme: self.theme.name.clone(), source })
    }
}

/// The codes of what is wrong, each once, in its order.
fn codes(problems: &[Problem]) -> Vec<&str> {
    let mut codes: Vec<&str> = Vec::new();
    for code in problems.iter().filter_map(|problem| problem.code.as_deref()) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// Columns of a line: 35 full-width characters.
const COLUMNS: usize = 70;

fn columns(c: char) -> usize {
    if c.is_ascii() || ('\u{ff61}'..='\u{ff9f}').contains(&c) { 1 } else { 2 }
}

/// Breaks long lines: at spaces where there are, else between characters but not before closing marks (行頭禁則).
/// Addresses stay whole. More than one empty line becomes one.
fn wrap(text: &str) -> String {
    let mut out = String::new();
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        if line.is_empty() {
            empty += 1;
            if empty == 1 {
                out.push('\n');
            }
            continue;
        }
        empty = 0;
        wrap_line(line, &mut out);
    }
    out
}

fn wrap_line(line: &str, out: &mut String) {
    const NOT_FIRST: &str = "、。，．・：；？！）」』】〕ーぁぃぅぇぉっゃゅょァィゥェォッャュョ)]},.!?:;";
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let mut width = 0;
    let mut current = String::new();
    // Units that stay together: a word, or one full-width character with the marks that follow it.
    let mut units: Vec<String> = Vec::new();
    let mut previous_ascii = false;
    for c in line.chars() {
        let joins = (c.is_ascii() && previous_ascii && c != ' ' && !units.last().is_some_and(|u| u.ends_with(' ')))
            || (NOT_FIRST.contains(c) && !units.is_empty())
            || (c == ' ' && !units.is_empty());
        match units.last_mut() {
            Some(unit) if joins => unit.push(c),
            _ => units.push(c.to_string()),
        }
        previous_ascii = c.is_ascii();
    }
    for unit in units {
        let size: usize = unit.trim_end().chars().map(columns).sum();
        if width > indent.len() && width + size > COLUMNS {
            out.push_str(current.trim_end());
            out.push('\n');
            current = indent.clone();
            width = indent.len();
        }
        current.push_str(&unit);
        width += unit.chars().map(columns).sum::<usize>();
    }
    out.push_str(current.trim_end());
    out.push('\n');
}
