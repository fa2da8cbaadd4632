//! The rules of `form.toml` and `forms/{kind}.toml`.

use super::{Problems, affiliations::Row, shape::Shaped, source::Source, standard};
use crate::form::{Field, FieldKind, Form};
use chrono::NaiveDate;
use std::collections::HashMap;

/// `asked`: whether people fill it in, so that it must have fields.
pub(super) fn check(shaped: &Shaped<Form>, asked: bool, affiliations: &[Row], problems: &mut Problems) {
    let Some(form) = &shaped.value else { return };
    let check = Check { source: &shaped.source, form };
    if form.fields().next().is_none() && asked {
        problems.add(check.source.file(), None, "the form has no fields, but registration is open in tenant.toml");
    }
    let mut inputs: HashMap<String, String> = HashMap::new();
    for (s, section) in form.sections.iter().enumerate() {
        let path = format!("section[{s}]");
        if !is_key(&section.key) {
            problems.at(check.source, &format!("{path}.key"), key_expected("key", &section.key));
        }
        if form.sections.iter().take(s).any(|earlier| earlier.key == section.key) {
            problems.at(
                check.source,
                &format!("{path}.key"),
                format!("key: the section {} stands here twice", section.key),
            );
        }
        if section.title.is_empty() {
            problems.at(check.source, &format!("{path}.title"), "title: expected a heading");
        }
        if section.fields.is_empty() {
            problems.at(check.source, &format!("{path}.field"), "field: expected at least one field");
        }
        for (f, field) in section.fields.iter().enumerate() {
            let path = format!("{path}.field[{f}]");
            check.field(field, &path, problems);
            for input in field.inputs() {
                if let Some(earlier) = inputs.insert(input.clone(), field.key.clone()) {
                    let message = if earlier == field.key {
                        format!("key: the field {earlier} stands here twice")
                    } else {
                        format!("key: the input {input} belongs to the field {earlier} already")
                    };
                    problems.at(check.source, &format!("{path}.key"), message);
                    break;
                }
            }
            if field.kind == FieldKind::Affiliation && affiliations.is_empty() {
                problems.at(check.source, &format!("{path}.type"), "type: an affiliation needs affiliations.csv");
            }
        }
    }
    check.single(FieldKind::Affiliation, "affiliation", problems);
    check.single(FieldKind::ConfirmedEmail, "confirmed_email", problems);
}

struct Check<'a> {
    source: &'a Source,
    form: &'a Form,
}

impl Check<'_> {
    fn field(&self, field: &Field, path: &str, problems: &mut Problems) {
        let mut wrong = |member: &str, message: String| {
            problems.at(self.source, &format!("{path}.{member}"), format!("{member}: {message}"));
        };
        if !is_key(&field.key) {
            wrong("key", key_expected("", &field.key));
        } else if standard::RESERVED.contains(&field.key.as_str())
            || ["remove_", "lookup_", "switch_", "note_"].iter().any(|r| field.key.starts_with(r))
        {
            wrong("key", format!("{} is a name that pages use themselves; choose another", field.key));
        }
        match standard::kind(&field.key) {
            Some(kind) if kind != field.kind => {
                wrong("type", format!("the standard field {} has the type {}", field.key, type_name(kind)));
            }
            Some(_) => {}
            None if field.label.is_empty() => {
                wrong(
                    "label",
                    format!("the label is missing; only standard fields have one by themselves, {} is none", field.key),
                );
            }
            None => {}
        }
        let long = matches!(
            field.kind,
            FieldKind::Text
                | FieldKind::Textarea
                | FieldKind::Name
                | FieldKind::Kana
                | FieldKind::Roman
                | FieldKind::StudentId
        );
        match field.max_length {
            Some(_) if !long => wrong("max_length", format!("the type {} has none", type_name(field.kind))),
            Some(n) if !(1..=10_000).contains(&n) => wrong("max_length", format!("expected 1 to 10000, found {n}")),
            Some(_) | None => {}
        }
        match field.digits {
            Some(_) if field.kind != FieldKind::Text => {
                wrong("digits", format!("the type {} has none", type_name(field.kind)));
            }
            Some(_) if field.max_length.is_some() => {
                wrong("digits", "says the length by itself, without max_length".into())
            }
            Some(n) if !(1..=40).contains(&n) => wrong("digits", format!("expected 1 to 40, found {n}")),
            Some(_) | None => {}
        }
        if let Some(other) = &field.or_field {
            if *other == field.key || self.form.field(other).is_none() {
                wrong("or_field", format!("there is no other field {other}"));
            } else if field.required || self.form.field(other).is_some_and(|o| o.required) {
                wrong("or_field", "one of the two is enough, so neither is required".into());
            }
        }
        self.options(field, path, problems);
    }

    fn options(&self, field: &Field, path: &str, problems: &mut Problems) {
        let at = |member: &str| format!("{path}.{member}");
        if field.kind != FieldKind::Choice {
            if !field.options.is_empty() {
                let message = format!("options: the type {} has none", type_name(field.kind));
                problems.at(self.source, &at("options"), message);
            }
            return;
        }
        if field.options.is_empty() {
            problems.at(self.source, &at("options"), "options: expected at least one option for a choice");
        }
        for (o, option) in field.options.iter().enumerate() {
            let mut wrong = |member: &str, message: String| {
                problems.at(self.source, &format!("{path}.options[{o}].{member}"), format!("{member}: {message}"));
            };
            if !is_value(&option.value) {
                wrong("value", format!("expected 1 to 40 of a-z 0-9 _ -, found {:?}", option.value));
            }
            if field.options.iter().take(o).any(|earlier| earlier.value == option.value) {
                wrong("value", format!("the option {} stands here twice", option.value));
            }
            if option.label.is_empty() && !standard::has_option(&field.key, &option.value) {
                wrong("label", format!("the label of {} is missing; the themes do not know this option", option.value));
            }
            for other in &option.excludes {
                if *other == field.key || self.form.field(other).is_none() {
                    wrong("excludes", format!("there is no other field {other}"));
                }
            }
            if let Some(day) = option.until.as_ref().filter(|d| d.parse::<NaiveDate>().is_err()) {
                wrong("until", format!("expected a day such as 2027-03-31, found {day:?}"));
            }
        }
    }

    /// A kind of field that a form has once at most.
    fn single(&self, kind: FieldKind, name: &str, problems: &mut Problems) {
        let mut found = self.form.sections.iter().enumerate().flat_map(|(s, section)| {
            section
                .fields
                .iter()
                .enumerate()
                .filter(|(_, f)| f.kind == kind)
                .map(move |(f, _)| format!("section[{s}].field[{f}].type"))
        });
        if let Some(path) = found.nth(1) {
            problems.at(self.source, &path, format!("type: a form has one field of the type {name}"));
        }
    }
}

fn is_key(key: &str) -> bool {
    (1..=40).contains(&key.len())
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_value(value: &str) -> bool {
    (1..=40).contains(&value.len())
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

fn key_expected(member: &str, found: &str) -> String {
    let separator = if member.is_empty() { "" } else { ": " };
    format!("{member}{separator}expected 1 to 40 of a-z 0-9 _, beginning with a letter, found {found:?}")
}

/// The kind as it is written in the file.
fn type_name(kind: FieldKind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
