//! The list of messages: every one that the service may show, by its stable code (the page `{base}/messages`, and the
//! handbook).
//!
//! The texts below `error` of the locale files are the list; a code is the key without `error.`. A few messages stand
//! with the page that they belong to ([`ALSO`]), and some pages are a message themselves ([`PAGES`]). The tests hold the
//! list against the code in both directions, so a message that nothing shows, or one that stands in no list, does not get
//! far.

use crate::pages::Say;
use std::{collections::BTreeMap, sync::LazyLock};

/// The base theme's texts: the keys of the compiled ones, which cannot be asked for.
const LOCALES: [(&str, &str); 2] = [
    ("en", include_str!("../../../themes/base/locales/en.toml")),
    ("ja", include_str!("../../../themes/base/locales/ja.toml")),
];

/// Words of the error page, which are no messages.
const LABELS: &[&str] = &["title", "code", "request", "what_next", "try_again", "to_home"];

/// Messages that stand with their page.
const ALSO: &[&str] = &[
    "change_password.locked",
    "change_password.locked_until",
    "login.failed",
    "login.failed_second",
    "login.failed_user_id",
    "forgot.login_id_missing",
    "forgot.mail_missing",
    "register.kind_missing",
    "terms.missing",
    "terms.changed",
    "enrolment_choice.missing",
];

/// Pages that are a message: the code in their template, and the key of its text.
const PAGES: &[(&str, &str)] = &[
    ("busy", "busy.title"),
    ("invalid_operation", "invalid_operation.message"),
    ("link_expired", "link_problem.expired.message"),
    ("link_superseded", "link_problem.superseded.message"),
    ("link_unknown", "link_problem.unknown.message"),
    ("link_used", "link_problem.used.message"),
    ("not_found", "not_found.message"),
];

/// What a message is about, in the order of the list.
const GROUPS: &[&str] = &["form", "date", "password", "document", "check", "login", "desk", "service", "app"];

/// Codes of the base theme by language, with their texts.
static TEXTS: LazyLock<BTreeMap<&str, BTreeMap<String, String>>> =
    LazyLock::new(|| LOCALES.iter().map(|(locale, text)| (*locale, read(text))).collect());

fn read(text: &str) -> BTreeMap<String, String> {
    fn flatten(prefix: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::String(text) => {
                into.insert(prefix.to_owned(), text.clone());
            }
            toml::Value::Table(table) => {
                for (key, value) in table {
                    flatten(&if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") }, value, into);
                }
            }
            toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => {}
        }
    }
    let mut all = BTreeMap::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        flatten("", &toml::Value::Table(table), &mut all);
    }
    all.into_iter().filter_map(|(key, text)| Some((code_of(&key)?.to_owned(), text))).collect()
}

/// The code of a text's key; `None` when it is no message.
fn code_of(key: &str) -> Option<&str> {
    match key.strip_prefix("error.") {
        Some(code) => Some(code).filter(|code| !LABELS.contains(code)),
        None => match PAGES.iter().find(|(_, text)| *text == key) {
            Some((code, _)) => Some(code),
            None => ALSO.contains(&key).then_some(key),
        },
    }
}

/// The code of what is said; `None` when it is no message of the list. A field's own words (`field.name.error.required`)
/// have the code of the general ones.
pub(crate) fn code(say: &Say) -> Option<String> {
    let Say::Key { key, .. } = say else { return None };
    let own = key.strip_prefix("field.").and_then(|rest| rest.split_once(".error.")).map(|(_, code)| code);
    own.or_else(|| code_of(key)).map(str::to_owned)
}

/// The key of a code's text.
pub(crate) fn key(code: &str) -> String {
    match PAGES.iter().find(|(page, _)| *page == code) {
        Some((_, text)) => (*text).to_owned(),
        None if ALSO.contains(&code) => code.to_owned(),
        None => format!("error.{code}"),
    }
}

/// Every code, by group and then by name; `more` are codes of the theme's or the tenant's own texts.
pub(crate) fn list<'a>(more: impl Iterator<Item = &'a str>) -> Vec<(&'static str, Vec<String>)> {
    let mut codes: Vec<String> = TEXTS.values().next().into_iter().flat_map(|texts| texts.keys().cloned()).collect();
    codes.extend(more.filter_map(code_of).map(str::to_owned));
    codes.sort();
    codes.dedup();
    GROUPS
        .iter()
        .map(|group| (*group, codes.iter().filter(|code| group_of(code) == *group).cloned().collect::<Vec<_>>()))
        .filter(|(_, codes)| !codes.is_empty())
        .collect()
}

fn group_of(code: &str) -> &'static str {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    if matches!(code, "busy" | "invalid_operation" | "not_found") {
        "service"
    } else if begins(&["date."]) {
        "date"
    } else if begins(&["password."]) {
        "password"
    } else if begins(&["document_", "upload_"]) {
        "document"
    } else if begins(&["verification."]) {
        "check"
    } else if begins(&["login.", "link_", "forgot.", "change_password.", "enrolment_choice."]) {
        "login"
    } else if begins(&["decision_", "counter_", "desk_", "application_not_found", "not_a"]) {
        "desk"
    } else if begins(&["oidc.", "invalid_", "unauthorized_", "access_denied"]) {
        "app"
    } else if begins(&[
        "server_",
        "temporarily_",
        "form_outdated",
        "malformed_",
        "too_large",
        "too_many_",
        "unavailable",
    ]) {
        "service"
    } else {
        "form"
    }
}

/// A message as the list shows it: what it mentions is left open.
pub(crate) fn open(text: &str, item: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%{") {
        let Some((name, after)) = after.split_once('}') else { break };
        shown.push_str(before);
        shown.push_str(if matches!(name, "label" | "other") { item } else { "…" });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// What the program is made of, without tests and samples.
    fn sources() -> String {
        fn walk(folder: &Path, all: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() && name != "tests" {
                    walk(&path, all);
                } else if name.ends_with(".rs") && name != "tests.rs" && name != "messages.rs" {
                    let text = std::fs::read_to_string(&path).unwrap();
                    all.push_str(text.split("#[cfg(test)]\nmod tests").next().unwrap());
                }
            }
        }
        let mut all = String::new();
        for part in ["domain", "store", "service", "oidc", "web"] {
            walk(&root().join("provider").join(part).join("src"), &mut all);
        }
        all
    }

    /// The texts in quotes that stand between `begin` and the end of their line or call.
    fn quoted_after(sources: &str, begin: &str) -> Vec<String> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
        sources
            .split(begin)
            .skip(1)
            .filter_map(|rest| {
                let rest = rest.split(')').next().unwrap_or_default();
                let text = rest.split('"').nth(1)?;
                (!text.is_empty() && text.chars().all(legal)).then(|| text.to_owned())
            })
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_codes() {
        let (en, ja) = (&TEXTS["en"], &TEXTS["ja"]);
        assert!(en.len() > 80);
        assert_eq!(en.keys().collect::<Vec<_>>(), ja.keys().collect::<Vec<_>>());
        for also in ALSO {
            assert!(en.contains_key(*also), "{also} has no text");
        }
    }

    #[test]
    fn every_code_that_the_program_gives_stands_in_the_list() {
        let sources = sources();
        let known = &TEXTS["en"];
        let mut missing = Vec::new();
        // codes of error pages, and of messages that are named whole
        for code in quoted_after(&sources, "error_page(StatusCode::") {
            if !known.contains_key(&code) {
                missing.push(code);
            }
        }
        for key in sources.split("\"error.").skip(1).filter_map(|rest| rest.split('"').next()) {
            // `error.html` is the page's template
            let plain = !key.contains('{') && key != "html" && !LABELS.contains(&key);
            if plain && !known.contains_key(key) {
                missing.push(key.to_owned());
            }
        }
        for code in madoguchi_domain::form::FieldError::CODES {
            if !known.contains_key(*code) {
                missing.push((*code).to_owned());
            }
        }
        // the arms of functions that give codes
        let bodies = ["fn code(&self) -> &'static str", "fn code(self) -> &'static str"];
        for body in bodies.iter().flat_map(|begin| sources.split(begin).skip(1)) {
            let body = body.split("\n    }\n").next().unwrap_or_default();
            for code in body.split("=> \"").skip(1).filter_map(|arm| arm.split('"').next()) {
                if !known.contains_key(code) && !known.contains_key(&format!("password.{code}")) {
                    missing.push(code.to_owned());
                }
            }
        }
        missing.sort();
        missing.dedup();
        // to relying parties, as JSON: the protocol's own words
        let protocol = |code: &String| {
            [
                "invalid_",
                "unsupported_",
                "insufficient_",
                "_required",
                "unmet_",
                "request_",
                "login",
                "consent",
                "interaction",
            ]
            .iter()
            .any(|part| code.contains(part))
        };
        missing.retain(|code| !protocol(code));
        assert!(missing.is_empty(), "codes without a text: {missing:?}");
    }

    #[test]
    fn every_message_of_the_list_is_shown_somewhere() {
        let sources = sources();
        let unused: Vec<&String> = TEXTS["en"]
            .keys()
            .filter(|code| {
                let last = code.rsplit('.').next().unwrap_or_default();
                let whole = [format!("\"{code}\""), format!("\"error.{code}\""), format!("\"{last}\"")];
                // texts by the code of a tenant's verifier
                let elsewhere = code.starts_with("verification.") || PAGES.iter().any(|(page, _)| page == code);
                !elsewhere && whole.iter().all(|literal| !sources.contains(literal))
            })
            .collect();
        assert!(unused.is_empty(), "messages that nothing shows: {unused:?}");
    }

    /// `link_` and what is wrong with the link, in place of the template's expression.
    #[test]
    fn pages_that_are_a_message_are_those_with_a_code_in_their_template() {
        let mut shown = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(root().join("themes/base/templates")).unwrap() {
            let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
            for code in text.split("data-error-code=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                match code {
                    "link_{{ page.trouble }}" => {
                        shown.extend(
                            ["expired", "superseded", "unknown", "used"].map(|trouble| format!("link_{trouble}")),
                        );
                    }
                    "{{ page.code }}" => {}
                    code => drop(shown.insert(code.to_owned())),
                }
            }
        }
        assert_eq!(shown, PAGES.iter().map(|(code, _)| (*code).to_owned()).collect());
    }

    #[test]
    fn what_a_message_mentions_is_left_open() {
        assert_eq!(open("Enter this item: %{label}.", "(item)"), "Enter this item: (item).");
        assert_eq!(open("%{label}: at most %{max}.", "○○"), "○○: at most ….");
        assert_eq!(open("50 %{", "x"), "50 %{");
    }

    /// Writes the handbook's list anew with `MADOGUCHI_WRITE=1`.
    #[test]
    fn the_handbook_has_the_list() {
        let file = root().join("docs/src/reference/messages.md");
        let mut text = String::from(
            "# Messages\n\nEvery message that people may read, by its stable code; a tenant shows the same list at `{issuer}/messages`. \
             This page is\nmade by `MADOGUCHI_WRITE=1 cargo test -p madoguchi-web the_handbook_has_the_list`. A tenant may replace any text \
             by its\nkey: `error.` and the code, or the code itself where it begins with a page's name.\n",
        );
        for (group, codes) in list(std::iter::empty()) {
            let titles = ["en", "ja"].map(|locale| read_key(locale, &format!("messages.group.{group}")));
            text.push_str(&format!(
                "\n## {} ({})\n\n| code | English | 日本語 |\n|---|---|---|\n",
                titles[0], titles[1]
            ));
            for code in codes {
                let cell = |locale: &str, item: &str| open(&TEXTS[locale][&code], item).replace('|', "\\|");
                text.push_str(&format!("| `{code}` | {} | {} |\n", cell("en", "(item)"), cell("ja", "○○")));
            }
        }
        if std::env::var_os("MADOGUCHI_WRITE").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == text, "docs/src/reference/messages.md is stale; write it anew with MADOGUCHI_WRITE=1");
    }

    fn read_key(locale: &str, key: &str) -> String {
        let text = LOCALES.iter().find(|(l, _)| *l == locale).unwrap().1;
        let table: toml::Value = toml::from_str(text).unwrap();
        key.split('.').fold(&table, |value, part| &value[part]).as_str().unwrap().to_owned()
    }
}
