//! What academic relying parties are told of the institution (eduPerson, SCHAC, voPerson).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The institution in the words of academic federations. Without it there are no such claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcademicPolicy {
    /// The institution's domain: what scoped values end with.
    pub scope: String,
    /// `schac_home_organization`; the scope when absent.
    #[serde(default)]
    pub home_organization: Option<String>,
    /// `schac_home_organization_type`.
    #[serde(default = "university")]
    pub home_organization_type: String,
    /// The country of student numbers in `schac_personal_unique_code`, in two letters.
    #[serde(default = "japan")]
    pub country: String,
    /// What goes before the key of a tile in `eduperson_entitlement`.
    #[serde(default)]
    pub entitlement_prefix: Option<String>,
    /// `eduperson_assurance` of people whose name and date of birth are verified.
    #[serde(default)]
    pub assurance: Vec<String>,
}

fn university() -> String {
    "urn:schac:homeOrganizationType:int:university".into()
}

fn japan() -> String {
    "jp".into()
}
