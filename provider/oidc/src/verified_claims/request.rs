//! What a client asks for (Identity Assurance §5.3 to §5.6): templates of `verification` and `claims`.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Members of a query about one element; everything else in a template names a member of the answer.
const QUERY: [&str; 5] = ["essential", "value", "values", "max_age", "purpose"];

/// What `verified_claims` asks for in one place of the `claims` parameter.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VerifiedRequest {
    pub(super) elements: Vec<Wanted>,
    /// Whether it came as an array; then the answer is one too.
    pub(super) is_array: bool,
}

/// One set of claims with the requirements on their verification.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) verification: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

impl VerifiedRequest {
    /// Reads the member's value; `None` when it is not a request of the standard's form.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let elements = match value.as_array() {
            Some(elements) => elements.iter().map(Wanted::parse).collect::<Option<_>>()?,
            None => vec![Wanted::parse(value)?],
        };
        Some(Self { elements, is_array: value.is_array() })
    }

    /// Names of all claims asked for.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.elements.iter().flat_map(|e| e.claims.keys()).map(String::as_str).collect()
    }
}

impl Wanted {
    fn parse(value: &Value) -> Option<Self> {
        let verification = value.get("verification")?.as_object()?;
        let claims = value.get("claims")?;
        let claims = if claims.is_null() { Map::new() } else { claims.as_object()?.clone() };
        let well_formed = verification.contains_key("trust_framework")
            && verification.values().all(is_template)
            && verification.get("evidence").is_none_or(is_evidence)
            && claims.values().all(|wanted| wanted.is_null() || wanted.as_object().is_some_and(is_query));
        well_formed.then(|| Self { verification: verification.clone(), claims })
    }
}

/// Whether a template is made of `null`, queries, and objects and arrays of templates.
fn is_template(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(templates) => !templates.is_empty() && templates.iter().all(|t| t.is_object() && is_template(t)),
        Value::Object(members) => {
            is_query(members) && members.iter().all(|(name, v)| QUERY.contains(&name.as_str()) || is_template(v))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether the query members of an object have the types that the standard gives them.
fn is_query(members: &Map<String, Value>) -> bool {
    members.get("essential").is_none_or(Value::is_boolean)
        && members.get("values").is_none_or(|v| v.as_array().is_some_and(|values| !values.is_empty()))
        && members.get("max_age").is_none_or(Value::is_u64)
}

/// Each entry says by `value` of which one type it is (§5.4).
fn is_evidence(value: &Value) -> bool {
    let typed = |entry: &Value| {
        let kind = entry.get("type").and_then(Value::as_object);
        kind.is_some_and(|kind| kind.get("value").is_some_and(Value::is_string) && !kind.contains_key("values"))
    };
    value.as_array().is_some_and(|entries| entries.iter().all(typed))
}

/// Whether the object is nothing but a wish for the whole element.
pub(super) fn wants_all(members: &Map<String, Value>) -> bool {
    members.keys().all(|name| name == "essential" || name == "purpose")
}

/// Whether a template makes a requirement that absent data cannot meet.
pub(super) fn constrains(template: &Value) -> bool {
    match template {
        Value::Object(members) => {
            ["value", "values", "max_age"].iter().any(|name| members.contains_key(*name))
                || members.values().any(constrains)
        }
        Value::Array(templates) => templates.iter().any(constrains),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_or_an_array_of_objects_with_a_trust_framework_is_a_request() {
        let one = json!({"verification": {"trust_framework": null}, "claims": {"name": null, "birthdate": {"essential": true}}});
        let request = VerifiedRequest::parse(&one).unwrap();
        assert!(!request.is_array && request.names() == BTreeSet::from(["birthdate", "name"]));
        assert!(VerifiedRequest::parse(&json!([one, one])).unwrap().is_array);
        assert!(VerifiedRequest::parse(&json!({"verification": {"trust_framework": null}, "claims": null})).is_some());
    }

    #[test]
    fn what_the_standard_has_no_meaning_for_is_malformed() {
        let verification = |v: Value| json!({"verification": v, "claims": {"name": null}});
        for bad in [
            json!(null),
            json!("x"),
            json!([null]),
            json!({"claims": {"name": null}}),
            json!({"verification": {"trust_framework": null}}),
            json!({"verification": null, "claims": {"name": null}}),
            json!({"verification": {"trust_framework": null}, "claims": []}),
            json!({"verification": {"trust_framework": null}, "claims": {"name": "x"}}),
            json!({"verification": {"trust_framework": null}, "claims": {"name": {"values": []}}}),
            verification(json!({})),
            verification(json!({"time": null})),
            verification(json!({"trust_framework": "x"})),
            verification(json!({"trust_framework": {"values": "x"}})),
            verification(json!({"trust_framework": null, "time": {"max_age": -1}})),
            verification(json!({"trust_framework": null, "time": {"max_age": "1"}})),
            verification(json!({"trust_framework": null, "evidence": null})),
            verification(json!({"trust_framework": null, "evidence": []})),
            verification(json!({"trust_framework": null, "evidence": [{}]})),
            verification(json!({"trust_framework": null, "evidence": [{"type": null}]})),
            verification(json!({"trust_framework": null, "evidence": [{"type": {"values": ["document"]}}]})),
            verification(
                json!({"trust_framework": null, "evidence": [{"type": {"value": "document"}, "check_details": []}]}),
            ),
        ] {
            assert_eq!(VerifiedRequest::parse(&bad), None, "{bad}");
        }
    }
}
