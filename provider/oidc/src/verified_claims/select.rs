//! The part of what is known that a request asks for (Identity Assurance §5.5, §5.7): a requirement that `verification`
//! does not meet leaves out the whole element, one that a claim does not meet leaves out that claim.

use super::{
    facts::Known,
    request::{Wanted, constrains, wants_all},
};
use chrono::{DateTime, NaiveDate, NaiveTime};
use madoguchi_domain::Timestamp;
use serde_json::{Map, Value, json};

/// A requirement on the verification is not met.
struct Unmet;

/// One element of the answer.
pub(super) fn element(wanted: &Wanted, known: &Known, now: Timestamp) -> Option<Value> {
    let verification = members(&wanted.verification, &known.verification, now).ok()?;
    let mut claims = Map::new();
    for (name, query) in &wanted.claims {
        let Some(value) = known.claims.get(name) else { continue };
        if query.as_object().is_none_or(|query| meets(query, value, now)) {
            claims.insert(name.clone(), value.clone());
        }
    }
    let whole = !claims.is_empty() && verification.contains_key("trust_framework");
    whole.then(|| json!({"verification": verification, "claims": claims}))
}

/// The members of an object that a template names.
fn members(
    template: &Map<String, Value>,
    data: &Map<String, Value>,
    now: Timestamp,
) -> Result<Map<String, Value>, Unmet> {
    let mut out = Map::new();
    for (name, wanted) in template {
        let found = match (name.as_str(), data.get(name)) {
            // told whole and never a filter (§5.4)
            ("assurance_details", found) => found.cloned(),
            (_, found) => selected(wanted, found, now)?,
        };
        out.extend(found.map(|value| (name.clone(), value)));
    }
    Ok(out)
}

fn selected(template: &Value, data: Option<&Value>, now: Timestamp) -> Result<Option<Value>, Unmet> {
    match (template, data) {
        (Value::Null, found) => Ok(found.cloned()),
        (Value::Object(query), Some(found)) if wants_all(query) => Ok(Some(found.clone())),
        (Value::Object(template), Some(Value::Object(found))) => {
            let found = members(template, found, now)?;
            Ok((!found.is_empty()).then(|| found.into()))
        }
        // templates of an array are alternatives, and the answer has the entries that meet one of them
        (Value::Array(templates), Some(Value::Array(found))) => {
            let fitting = |entry: &Value| templates.iter().find_map(|t| selected(t, Some(entry), now).ok().flatten());
            let found: Vec<Value> = found.iter().filter_map(fitting).collect();
            if found.is_empty() { Err(Unmet) } else { Ok(Some(found.into())) }
        }
        (Value::Object(query), Some(found)) if meets(query, found, now) => Ok(Some(found.clone())),
        (template, _) => {
            if constrains(template) {
                Err(Unmet)
            } else {
                Ok(None)
            }
        }
    }
}

/// Whether a value is one of those asked for, and recent enough (§5.5).
fn meets(query: &Map<String, Value>, value: &Value, now: Timestamp) -> bool {
    let exact = query.get("value").is_none_or(|wanted| wanted == value);
    let among = query.get("values").is_none_or(|all| all.as_array().is_some_and(|all| all.contains(value)));
    let recent = query.get("max_age").is_none_or(|limit| {
        let moment = value.as_str().and_then(last_second);
        moment.zip(limit.as_u64()).is_some_and(|(moment, limit)| {
            now.seconds().saturating_sub(moment) <= i64::try_from(limit).unwrap_or(i64::MAX)
        })
    });
    exact && among && recent
}

/// The last second that a date or time names.
fn last_second(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp());
    }
    let day: NaiveDate = text.parse().ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp() + 86_399)
}
