//! The JSON Schemas of a tenant's files, from the types: for editors, and for reading the files themselves.

use crate::{
    client::ClientMetadata,
    form::Form,
    tenant::{ReasonTemplate, TenantSettings},
};
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `clients.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Clients {
    /// The relying parties.
    #[serde(default)]
    pub client: Vec<ClientMetadata>,
}

/// `reasons.toml`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reasons {
    /// Texts that reviewers start from.
    #[serde(default)]
    pub reason: Vec<ReasonTemplate>,
}

/// The schemas by the file they are for; `madoguchi` writes them out for editors.
pub fn json_schemas() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("tenant.toml", settings()),
        ("form.toml", form()),
        ("clients.toml", clients()),
        ("reasons.toml", reasons()),
    ])
}

pub(super) fn settings() -> Value {
    schema_for!(TenantSettings).to_value()
}

pub(super) fn form() -> Value {
    schema_for!(Form).to_value()
}

pub(super) fn reasons() -> Value {
    schema_for!(Reasons).to_value()
}

pub(super) fn clients() -> Value {
    let mut schema = schema_for!(Clients).to_value();
    if let Some(client) = schema.pointer_mut("/$defs/ClientMetadata").and_then(Value::as_object_mut) {
        // the map of language-tagged members takes any text; only those that may have a tag are meant
        client.insert("additionalProperties".into(), json!(false));
        client.insert(
            "patternProperties".into(),
            json!({"^(client_name|client_uri|logo_uri|policy_uri|tos_uri)#[A-Za-z0-9-]+$": {"type": "string"}}),
        );
    }
    schema
}
