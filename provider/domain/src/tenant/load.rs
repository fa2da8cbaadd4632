//! From files to a validated tenant, and every problem with its file and line.
//!
//! A file is read in two passes. The first looks at its *shape*: it walks the file beside the JSON Schema that is generated
//! from the types (the one that editors use), so that all unknown keys, missing keys and wrong types are found at once, each
//! where it stands. The second looks at what it *says*: rules of one file, then of files with one another.

mod affiliations;
mod clients;
mod form;
mod look;
mod schema;
mod settings;
mod shape;
mod source;
mod standard;

pub use schema::json_schemas;
pub use standard::is_standard_key;

use super::{TenantConfig, TenantSettings};
use crate::{Locale, client::ClientMetadata, form::Form};
use shape::{Shaped, Texts};
use source::Source;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A tenant's files: path below its folder, with `/`, and content.
pub type TenantFiles = BTreeMap<String, Vec<u8>>;

/// One thing that is wrong in a tenant's files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file's path below the tenant's folder.
    pub file: String,
    /// The line, from 1; none when the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `file:line: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, file: &str, line: Option<usize>, message: impl Into<String>) {
        self.0.push(Problem { file: file.to_owned(), line, message: message.into() });
    }

    /// One at a path of a TOML file, or where that path would begin.
    fn at(&mut self, source: &Source, path: &str, message: impl Into<String>) {
        self.add(source.file(), source.line(path), message);
    }
}

const SETTINGS: &str = "tenant.toml";
const FORM: &str = "form.toml";
const CLIENTS: &str = "clients.toml";
const REASONS: &str = "reasons.toml";
const AFFILIATIONS: &str = "affiliations.csv";

impl TenantConfig {
    /// Reads and validates a tenant as a whole. Hidden files, `README.md` and the folder `demo` are no part of it and are
    /// passed over; any other file that is not expected is a problem, for it is most likely misspelt.
    ///
    /// # Errors
    /// Every problem of every file, in the order of files and lines.
    pub fn from_files(files: &TenantFiles) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let config = read(files, &mut problems);
        problems.0.sort();
        problems.0.dedup();
        match config {
            Some(config) if problems.0.is_empty() => Ok(config),
            Some(_) | None => Err(problems.0),
        }
    }
}

fn read(files: &TenantFiles, problems: &mut Problems) -> Option<TenantConfig> {
    strangers(files, problems);
    let mut texts = Texts::default();
    let settings: Shaped<TenantSettings> = shape::read(files, SETTINGS, true, schema::settings(), &mut texts, problems);
    let form: Shaped<Form> = shape::read(files, FORM, false, schema::form(), &mut texts, problems);
    let mut forms: BTreeMap<String, Shaped<Form>> = BTreeMap::new();
    for (file, kind) in files.keys().filter_map(|file| Some((file, kind_of_form(file)?))) {
        forms.insert(kind.to_owned(), shape::read(files, file, true, schema::form(), &mut texts, problems));
    }
    let clients: Shaped<schema::Clients> = shape::read(files, CLIENTS, false, schema::clients(), &mut texts, problems);
    let reasons: Shaped<schema::Reasons> = shape::read(files, REASONS, false, schema::reasons(), &mut texts, problems);

    let locales = settings.value.as_ref().map(|s| s.locales.clone()).unwrap_or_default();
    let affiliations = affiliations::read(files, &locales, problems);
    let reading = Reading { files, locales: &locales };
    let terms = reading.markdown("terms", problems);
    let manual = reading.markdown("manual", problems);
    let own_texts = reading.texts(problems);
    let logo = look::logo(files, problems);

    if settings.value.is_some() {
        texts.check(&locales, problems);
    }
    if let Some(value) = settings.value.as_ref() {
        settings::check(&settings.source, value, problems);
    }
    if form.complete {
        // everybody has a form of their own, or this one
        let kinds = settings.value.as_ref().map(|s| &*s.home.kinds_of_user).unwrap_or_default();
        let unused = !kinds.is_empty() && kinds.iter().all(|kind| forms.contains_key(&kind.key));
        let asked = settings.value.as_ref().is_some_and(|s| s.registration.open) && !unused;
        form::check(&form, asked, &affiliations, problems);
    }
    for (kind, own) in &forms {
        if settings.value.as_ref().is_some_and(|s| s.kind(kind).is_none()) {
            problems.add(own.source.file(), None, format!("tenant.toml has no kind of user {kind}"));
        }
        if own.complete {
            form::check(own, true, &affiliations, problems);
        }
    }
    let client_list = clients.value.map(|c| c.client).unwrap_or_default();
    if clients.complete {
        clients::check(&clients.source, &client_list, settings.value.as_ref(), problems);
    }
    let reason_list = reasons.value.map(|r| r.reason).unwrap_or_default();
    if reasons.complete {
        settings::check_reasons(&reasons.source, &reason_list, problems);
    }
    if let Some(value) = settings.value.as_ref() {
        let complete = form.complete && forms.values().all(|own| own.complete);
        let all = || std::iter::once(&form).chain(forms.values()).filter_map(|shaped| shaped.value.as_ref());
        let form: Option<Vec<&Form>> = complete.then(|| all().collect());
        let ids = clients.complete.then(|| client_ids(&client_list));
        settings::check_references(&settings.source, value, form.as_deref(), ids.as_ref(), problems);
        reading.need("terms", value.registration.open, &terms, problems);
        reading.need("manual", false, &manual, problems);
    }

    Some(TenantConfig {
        settings: settings.value?,
        form: form.value.unwrap_or_default(),
        forms: forms.into_iter().filter_map(|(kind, own)| Some((kind, own.value?))).collect(),
        affiliations: affiliations.into_iter().map(|a| a.node).collect(),
        clients: client_list,
        reasons: reason_list,
        terms,
        manual,
        texts: own_texts,
        logo,
    })
}

fn client_ids(clients: &[ClientMetadata]) -> BTreeSet<String> {
    clients.iter().map(|c| c.client_id.clone()).collect()
}

/// The kind of user whose form that file is.
fn kind_of_form(file: &str) -> Option<&str> {
    file.strip_prefix("forms/")?.strip_suffix(".toml").filter(|kind| !kind.is_empty() && !kind.contains('/'))
}

/// Files that nothing reads.
fn strangers(files: &TenantFiles, problems: &mut Problems) {
    const KNOWN: &[&str] = &[SETTINGS, FORM, CLIENTS, REASONS, AFFILIATIONS, "logo.svg", "logo.png", "README.md"];
    for file in files.keys() {
        let localized = |begin: &str, end: &str| {
            file.strip_prefix(begin).and_then(|f| f.strip_suffix(end)).is_some_and(|l| l.parse::<Locale>().is_ok())
        };
        let expected = KNOWN.contains(&file.as_str())
            || file.split('/').any(|part| part.starts_with('.'))
            || file.starts_with("demo/")
            || localized("terms.", ".md")
            || localized("manual.", ".md")
            || localized("texts/", ".toml")
            || kind_of_form(file).is_some();
        if !expected {
            problems.add(
                file,
                None,
                "unknown file; expected tenant.toml, form.toml, forms/{kind}.toml, clients.toml, reasons.toml, affiliations.csv, \
                 terms.{locale}.md, manual.{locale}.md, texts/{locale}.toml, logo.svg or logo.png",
            );
        }
    }
}

/// The text of a file in UTF-8, without a byte-order mark.
fn utf8<'a>(files: &'a TenantFiles, file: &str, problems: &mut Problems) -> Option<&'a str> {
    let bytes = files.get(file)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.trim_start_matches('\u{FEFF}')),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            problems.add(file, Some(line), "expected UTF-8; save the file in that encoding");
            None
        }
    }
}

/// Files that exist once for each language.
struct Reading<'a> {
    files: &'a TenantFiles,
    locales: &'a [Locale],
}

impl Reading<'_> {
    fn localized(&self, begin: &str, end: &str) -> Vec<(String, Locale)> {
        let locale = |file: &String| file.strip_prefix(begin)?.strip_suffix(end)?.parse().ok();
        self.files.keys().filter_map(|file| Some((file.clone(), locale(file)?))).collect()
    }

    /// Markdown by locale.
    fn markdown(&self, kind: &str, problems: &mut Problems) -> BTreeMap<Locale, String> {
        let mut texts = BTreeMap::new();
        for (file, locale) in self.localized(&format!("{kind}."), ".md") {
            self.offered(&file, &locale, problems);
            let Some(text) = utf8(self.files, &file, problems) else { continue };
            if text.trim().is_empty() {
                problems.add(&file, Some(1), "the file is empty");
            }
            if let Some((line, _)) = hidden(text) {
                problems.add(&file, Some(line), "hidden control characters are not allowed");
            }
            texts.insert(locale, text.to_owned());
        }
        texts
    }

    /// A language that the tenant does not offer.
    fn offered(&self, file: &str, locale: &Locale, problems: &mut Problems) {
        if !self.locales.is_empty() && !self.locales.contains(locale) {
            problems.add(file, None, format!("{locale} is not among the tenant's locales"));
        }
    }

    /// A text that must exist in every language, or in every one if in any.
    fn need(&self, kind: &str, always: bool, texts: &BTreeMap<Locale, String>, problems: &mut Problems) {
        if always || !texts.is_empty() {
            for locale in self.locales.iter().filter(|l| !texts.contains_key(l)) {
                let file = format!("{kind}.{locale}.md");
                if !self.files.contains_key(&file) {
                    problems.add(&file, None, format!("the file is missing; {locale} is one of the tenant's locales"));
                }
            }
        }
    }

    /// Overrides of texts: tables nest into dotted keys.
    fn texts(&self, problems: &mut Problems) -> BTreeMap<Locale, BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for (file, locale) in self.localized("texts/", ".toml") {
            self.offered(&file, &locale, problems);
            if let Some(source) = Source::open(self.files, &file, problems) {
                all.insert(locale, source.flat_texts(problems));
            }
        }
        all
    }
}

/// The line of the first character that nobody sees.
fn hidden(text: &str) -> Option<(usize, char)> {
    text.lines().enumerate().find_map(|(i, line)| {
        line.chars().find(|c| *c != '\t' && crate::japan::fold::is_hidden(*c)).map(|c| (i + 1, c))
    })
}

#[cfg(test)]
mod tests;
