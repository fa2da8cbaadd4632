//! The shape of a file: its tree beside the JSON Schema of its type.

use super::{
    Problems, TenantFiles,
    source::{Node, Source, Toml},
};
use crate::{Locale, TenantSlug, time::Span};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A file that was read.
pub(super) struct Shaped<T> {
    pub source: Source,
    /// What could be read of it; parts in error are left out where that is possible.
    pub value: Option<T>,
    /// Whether nothing was left out. Positions of list items are only right then.
    pub complete: bool,
}

/// Reads a file of a type; an absent one is empty, or a problem if it is `needed`.
pub(super) fn read<T: DeserializeOwned>(
    files: &TenantFiles,
    file: &str,
    needed: bool,
    schema: Value,
    texts: &mut Texts,
    problems: &mut Problems,
) -> Shaped<T> {
    let before = problems.0.len();
    let source = if files.contains_key(file) {
        Source::open(files, file, problems)
    } else if needed {
        problems.add(file, None, "the file is missing");
        None
    } else {
        Some(Source::absent(file))
    };
    let Some(source) = source else { return Shaped { source: Source::absent(file), value: None, complete: false } };
    let mut walk = Walk { file, root: &schema, found: Vec::new(), texts: Vec::new() };
    let json = walk.check(&schema, &source.root, "");
    texts.0.append(&mut walk.texts);
    for (line, message) in walk.found {
        problems.add(file, Some(line), message);
    }
    let value = json.and_then(|json| match serde_json::from_value(json) {
        Ok(value) => Some(value),
        Err(error) => {
            // the schema has found everything that a type can say about its shape; this is for what it cannot
            if problems.0.len() == before {
                problems.add(file, Some(1), error.to_string());
            }
            None
        }
    });
    Shaped { source, complete: value.is_some() && problems.0.len() == before, value }
}

/// Texts in several languages, wherever they stand: whether each has all of the tenant's languages can only be said when
/// those are known.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<LocalizedText>);

#[derive(Debug)]
struct LocalizedText {
    file: String,
    line: usize,
    key: String,
    locales: BTreeSet<String>,
}

impl Texts {
    pub(super) fn check(&self, locales: &[Locale], problems: &mut Problems) {
        for text in &self.0 {
            let missing: Vec<&str> =
                locales.iter().map(Locale::as_str).filter(|l| !text.locales.contains(*l)).collect();
            if !missing.is_empty() {
                problems.add(
                    &text.file,
                    Some(text.line),
                    format!("{}: the text in {} is missing", text.key, missing.join(", ")),
                );
            }
            for other in text.locales.iter().filter(|l| locales.iter().all(|known| known.as_str() != l.as_str())) {
                problems.add(
                    &text.file,
                    Some(text.line),
                    format!("{}: {other} is not among the tenant's locales", text.key),
                );
            }
        }
    }
}

struct Walk<'a> {
    file: &'a str,
    root: &'a Value,
    found: Vec<(usize, String)>,
    texts: Vec<LocalizedText>,
}

impl<'a> Walk<'a> {
    /// The value as JSON; `None` when it is in error and its owner has to do without.
    fn check(&mut self, schema: &'a Value, node: &Node, path: &str) -> Option<Value> {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/")) {
            let json = self.check(self.root.get("$defs")?.get(name)?, node, path)?;
            return self.named(name, json, node, path);
        }
        for any in ["anyOf", "oneOf"] {
            if let Some(options) = schema.get(any).and_then(Value::as_array) {
                return self.any(options, node, path);
            }
        }
        if let Some(types) = schema.get("type") {
            let accepted: Vec<&str> = match types {
                Value::String(one) => vec![one],
                Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
            };
            if !accepted.iter().any(|t| is_type(t, &node.value)) {
                let names: Vec<&str> = accepted.iter().filter_map(|t| type_name(t)).collect();
                return self.wrong(
                    node.line,
                    path,
                    &format!("expected {}, found {}", names.join(" or "), node.value.name()),
                );
            }
        }
        match &node.value {
            Toml::Text(text) => self.text(schema, text, node, path),
            Toml::Integer(number) => {
                let below = schema.get("minimum").and_then(Value::as_i64).filter(|min| number < min);
                let above = schema.get("maximum").and_then(Value::as_i64).filter(|max| number > max);
                match below.or(above) {
                    Some(_) if below.is_some() => {
                        self.wrong(node.line, path, &format!("expected {} or more, found {number}", below.unwrap_or(0)))
                    }
                    Some(max) => self.wrong(node.line, path, &format!("expected {max} or less, found {number}")),
                    None => Some(Value::from(*number)),
                }
            }
            Toml::Float(number) => Some(Value::from(*number)),
            Toml::Boolean(truth) => Some(Value::from(*truth)),
            Toml::Datetime(time) => {
                self.wrong(node.line, path, &format!("expected a text in quotes, found the date {time} without them"))
            }
            Toml::Array(items) => {
                let any = Value::Null;
                let of = schema.get("items").unwrap_or(&any);
                // one item in error and the whole list is left out: positions must stay right
                let of: &'a Value = if of.is_null() { &Value::Bool(true) } else { schema.get("items")? };
                let checked: Vec<Option<Value>> =
                    items.iter().enumerate().map(|(i, item)| self.check(of, item, &format!("{path}[{i}]"))).collect();
                checked.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
            }
            Toml::Table(entries) => self.table(schema, entries, node, path),
        }
    }

    fn wrong(&mut self, line: usize, path: &str, message: &str) -> Option<Value> {
        let key = path.rsplit('.').next().unwrap_or(path);
        self.found.push((line, if key.is_empty() { message.to_owned() } else { format!("{key}: {message}") }));
        None
    }

    fn text(&mut self, schema: &Value, text: &str, node: &Node, path: &str) -> Option<Value> {
        let allowed: Vec<&str> =
            schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if !allowed.is_empty() && !allowed.contains(&text) {
            return self.wrong(node.line, path, &expected_one_of(&allowed, text));
        }
        if schema.get("format").and_then(Value::as_str) == Some("uri")
            && let Err(error) = url::Url::parse(text)
        {
            return self.wrong(node.line, path, &format!("expected an absolute URL, found {text:?}: {error}"));
        }
        if text.chars().any(|c| c != '\n' && c != '\t' && crate::japan::fold::is_hidden(c)) {
            return self.wrong(node.line, path, "hidden control characters are not allowed");
        }
        Some(Value::from(text))
    }

    fn table(
        &mut self,
        schema: &'a Value,
        entries: &[(String, usize, Node)],
        node: &Node,
        path: &str,
    ) -> Option<Value> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let tagged = schema.get("patternProperties").and_then(|p| p.as_object()?.values().next());
        let mut json = Map::new();
        for (key, line, value) in entries {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let of = properties
                .and_then(|p| p.get(key))
                .or_else(|| tagged.filter(|_| key.contains('#')))
                .or_else(|| others.filter(|o| !matches!(o, Value::Bool(false))));
            match of {
                Some(of) => {
                    if let Some(checked) = self.check(of, value, &below) {
                        json.insert(key.clone(), checked);
                    }
                }
                None if others.is_none() && properties.is_none() => {
                    json.insert(key.clone(), plain(value));
                }
                None => {
                    let known: Vec<&str> = properties.into_iter().flatten().map(|(k, _)| k.as_str()).collect();
                    self.found.push((*line, format!("unknown key {key}; {}", expected_key(&known, key))));
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<&str> = required.filter(|key| !json.contains_key(*key)).collect();
        let absent: Vec<&str> =
            missing.iter().copied().filter(|key| entries.iter().all(|(present, ..)| present != key)).collect();
        if !absent.is_empty() {
            self.found.push((node.line, format!("{} is missing", absent.join(", "))));
        }
        missing.is_empty().then_some(Value::Object(json))
    }

    /// One of several shapes: the one that fits, or the problems of the one that was meant.
    fn any(&mut self, options: &'a [Value], node: &Node, path: &str) -> Option<Value> {
        let constants: Vec<&str> = options
            .iter()
            .flat_map(|o| match o.get("const") {
                Some(one) => one.as_str().into_iter().collect::<Vec<_>>(),
                None => {
                    o.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
                }
            })
            .collect();
        if !constants.is_empty() {
            return match &node.value {
                Toml::Text(text) if constants.contains(&text.as_str()) => Some(Value::from(text.as_str())),
                Toml::Text(text) => self.wrong(node.line, path, &expected_one_of(&constants, text)),
                other @ (Toml::Integer(_)
                | Toml::Float(_)
                | Toml::Boolean(_)
                | Toml::Datetime(_)
                | Toml::Array(_)
                | Toml::Table(_)) => self.wrong(
                    node.line,
                    path,
                    &format!("expected one of {}, found {}", constants.join(", "), other.name()),
                ),
            };
        }
        let (found, texts) = (self.found.len(), self.texts.len());
        let mut closest: Option<Vec<(usize, String)>> = None;
        for option in options.iter().filter(|o| o.get("type").and_then(Value::as_str) != Some("null")) {
            let json = self.check(option, node, path);
            if self.found.len() == found {
                return json;
            }
            let here = self.found.split_off(found);
            self.texts.truncate(texts);
            let fits = option.get("type").and_then(Value::as_str).is_none_or(|t| is_type(t, &node.value));
            if fits || closest.is_none() {
                closest = Some(here);
            }
        }
        self.found.extend(closest.unwrap_or_default());
        None
    }

    /// What the type behind a name says beyond its schema.
    fn named(&mut self, name: &str, json: Value, node: &Node, path: &str) -> Option<Value> {
        let refused = match (name, json.as_str()) {
            ("Span", Some(text)) => text.parse::<Span>().err(),
            ("Locale", Some(text)) => text.parse::<Locale>().err(),
            ("TenantSlug", Some(text)) => text.parse::<TenantSlug>().err(),
            ("EmailAddressText", Some(text)) => {
                crate::EmailAddress::parse(text).err().map(|e| format!("expected a mail address, found {text:?}: {e}"))
            }
            ("LocalText", None) => {
                let entries = if let Toml::Table(entries) = &node.value { entries.as_slice() } else { &[] };
                self.texts.push(LocalizedText {
                    file: self.file.to_owned(),
                    line: node.line,
                    key: path.rsplit('.').next().unwrap_or(path).to_owned(),
                    locales: entries.iter().map(|(locale, ..)| locale.clone()).collect(),
                });
                None
            }
            _ => None,
        };
        match refused {
            Some(message) => self.wrong(node.line, path, &message),
            None => Some(json),
        }
    }
}

fn expected_one_of(known: &[&str], found: &str) -> String {
    format!("expected one of {}; found {found:?}", known.join(", "))
}

fn expected_key(known: &[&str], found: &str) -> String {
    let same = |k: &&&str| {
        let letters = |t: &str| t.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        k.starts_with(found) || found.starts_with(**k) || letters(k) == letters(found)
    };
    match known.iter().find(same) {
        Some(near) if !found.is_empty() => format!("is it {near}? expected one of {}", known.join(", ")),
        Some(_) | None => format!("expected one of {}", known.join(", ")),
    }
}

fn is_type(json: &str, value: &Toml) -> bool {
    matches!(
        (json, value),
        ("string", Toml::Text(_))
            | ("integer", Toml::Integer(_))
            | ("number", Toml::Integer(_) | Toml::Float(_))
            | ("boolean", Toml::Boolean(_))
            | ("array", Toml::Array(_))
            | ("object", Toml::Table(_))
    )
}

fn type_name(json: &str) -> Option<&'static str> {
    match json {
        "string" => Some("a text in quotes"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("true or false"),
        "array" => Some("a list"),
        "object" => Some("a table"),
        _ => None,
    }
}

/// Any value, unchecked.
fn plain(node: &Node) -> Value {
    match &node.value {
        Toml::Text(text) | Toml::Datetime(text) => Value::from(text.as_str()),
        Toml::Integer(number) => Value::from(*number),
        Toml::Float(number) => Value::from(*number),
        Toml::Boolean(truth) => Value::from(*truth),
        Toml::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Toml::Table(entries) => Value::Object(entries.iter().map(|(k, _, v)| (k.clone(), plain(v))).collect()),
    }
}
