//! What the claims say about whoever is logged in.

use crate::orders::Address;
use example_shell::Language;
use madoguchi_plugin_sdk::relying_party::SignedIn;
use serde_json::Value;

pub(crate) fn kanji(user: &SignedIn) -> Option<&str> {
    user.text_in("name", &["ja-Hani-JP", "ja"])
}

pub(crate) fn kana(user: &SignedIn) -> Option<&str> {
    user.text("name#ja-Kana-JP")
}

/// A student ID and what is known about it.
#[derive(Clone)]
pub(crate) struct StudentId {
    pub(crate) id: String,
    pub(crate) programme: Option<String>,
    pub(crate) units: Vec<String>,
}

/// The approved student IDs. Where the login was for one of them, only that one.
pub(crate) fn student_ids(user: &SignedIn, language: Language) -> Vec<StudentId> {
    let mut ids = user.texts("student_ids");
    if ids.is_empty() {
        ids.extend(user.text("student_id"));
    }
    let affiliations = match user.claim("affiliation") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => &[],
    };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    ids.into_iter()
        .map(|id| {
            let facts = affiliations.iter().find(|facts| text(facts, "student_id").as_deref() == Some(id));
            let unit = |unit: &Value| {
                let tagged = text(unit, &format!("name#{}", language.tag()));
                tagged.or_else(|| text(unit, "name")).or_else(|| text(unit, "code"))
            };
            let units = facts.and_then(|facts| facts.get("units")).and_then(Value::as_array);
            StudentId {
                id: id.to_owned(),
                programme: facts.and_then(|facts| text(facts, "degree_program")),
                units: units.map(|units| units.iter().filter_map(unit).collect()).unwrap_or_default(),
            }
        })
        .collect()
}

/// Where they live, to fill the form in.
pub(crate) fn address(user: &SignedIn) -> Address {
    let part = |name: &str| {
        let claim = user.claim("address").and_then(|address| address.get(name));
        claim.and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let written = format!("{}{}{}", part("region"), part("locality"), part("street_address").replace('\n', " "));
    Address {
        recipient: kanji(user).unwrap_or_default().to_owned(),
        postal_code: part("postal_code"),
        address: if written.is_empty() { part("formatted").replace('\n', " ") } else { written },
    }
}
