//! How the tenant's reviews are told to relying parties (OpenID Connect for Identity Assurance 1.0).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `verified_claims` says of the institution's way of checking. Without a trust framework there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssurancePolicy {
    /// The rules that applications are reviewed by: an identifier that is agreed upon with relying parties.
    pub trust_framework: Option<String>,
    /// The level that an approval reaches within them.
    pub level: Option<String>,
    /// Where the institution's policy is described.
    pub policy: Option<String>,
    /// The kind of electronic record that the outside authority confirms answers from, such as `population_register`.
    pub authority_record: Option<String>,
}
