//! Claims of academic federations: eduPerson, SCHAC and voPerson, named as the OpenID Connect mapping of REFEDS does.
//!
//! Lists are lists even with one value. Nothing is told that was not checked: who graduated is `alum`, never `member`.

use crate::claims::Person;
use madoguchi_domain::{
    account::EnrolmentFacts,
    tenant::{AcademicPolicy, LoginIdentifier},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Claims of the scope `eduperson`.
pub(crate) const EDUPERSON: &[&str] = &[
    "eduperson_affiliation",
    "eduperson_scoped_affiliation",
    "eduperson_principal_name",
    "eduperson_unique_id",
    "eduperson_entitlement",
    "eduperson_assurance",
    "eduperson_orcid",
];
/// Claims of the scope `schac`.
pub(crate) const SCHAC: &[&str] =
    &["schac_home_organization", "schac_home_organization_type", "schac_personal_unique_code"];
/// Claims of the scope `voperson`.
pub(crate) const VOPERSON: &[&str] = &["voperson_id", "voperson_external_affiliation"];
/// Scopes that a tenant has only with `[academic]`.
pub(crate) const SCOPES: [&str; 3] = ["eduperson", "schac", "voperson"];
/// Claims that enrolments have to be read for.
pub(crate) const OF_ENROLMENTS: [&str; 3] =
    ["eduperson_affiliation", "eduperson_scoped_affiliation", "schac_personal_unique_code"];

/// A claim as far as it follows from what is known; `eduperson_orcid` and `voperson_external_affiliation` are told only
/// where an administrator entered them.
pub(crate) fn derived(person: &Person<'_>, claim: &str) -> Option<Value> {
    let policy = person.config.settings.academic.as_ref()?;
    let scoped = |value: &str| format!("{value}@{}", policy.scope);
    match claim {
        "eduperson_affiliation" => list(affiliations(person).into_iter().map(str::to_owned)),
        "eduperson_scoped_affiliation" => list(affiliations(person).into_iter().map(scoped)),
        "eduperson_principal_name" => principal_name(person).map(|name| scoped(&name).into()),
        "eduperson_unique_id" | "voperson_id" => Some(scoped(&unique_id(&person.account.sub)).into()),
        "eduperson_entitlement" => entitlements(person, policy),
        "eduperson_assurance" => list(assurance(person, policy).iter().cloned()),
        "schac_home_organization" => Some(policy.home_organization.as_deref().unwrap_or(&policy.scope).into()),
        "schac_home_organization_type" => Some(policy.home_organization_type.as_str().into()),
        "schac_personal_unique_code" => {
            let ids = person.enrolments.iter().map(|e| e.student_id.as_str()).filter(|id| !id.is_empty());
            list(ids.map(|id| format!("urn:schac:personalUniqueCode:{}:{}:{id}", policy.country, policy.scope)))
        }
        _ => None,
    }
}

fn list(values: impl Iterator<Item = String>) -> Option<Value> {
    let values: Vec<String> = values.collect();
    (!values.is_empty()).then(|| json!(values))
}

fn affiliations(person: &Person<'_>) -> Vec<&'static str> {
    let alum = person.enrolments.iter().any(|e| graduated(&e.facts)).then_some("alum");
    let staff = (!person.account.staff_roles.is_empty()).then_some("staff");
    alum.into_iter().chain(staff).collect()
}

fn graduated(facts: &EnrolmentFacts) -> bool {
    facts.outcome == "graduated" || (facts.outcome.is_empty() && !facts.graduation.is_empty())
}

/// The user ID, where people have one: it is given out once, for good. A mail address is not a name for life.
fn principal_name(person: &Person<'_>) -> Option<String> {
    match person.config.settings.identifier_of(&person.account.profile.kind_of_user) {
        LoginIdentifier::UserId => Some(person.account.login_id.to_ascii_lowercase()),
        LoginIdentifier::MailAddress => None,
    }
}

/// 64 letters and digits for life, from the subject identifier and not the other way round.
fn unique_id(sub: &str) -> String {
    let digest = Sha256::digest(format!("eduPersonUniqueId\0{sub}"));
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // writing to a text cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn entitlements(person: &Person<'_>, policy: &AcademicPolicy) -> Option<Value> {
    let prefix = policy.entitlement_prefix.as_ref()?;
    let tiles = person.config.settings.tiles_for(&person.account.profile.kind_of_user);
    list(tiles.map(|tile| format!("{prefix}{}", tile.key)))
}

fn assurance<'p>(person: &Person<'_>, policy: &'p AcademicPolicy) -> &'p [String] {
    let profile = &person.account.profile;
    let name = ["name", "name_roman"].iter().any(|fact| profile.verified(fact).is_some());
    if name && profile.verified("birth_date").is_some() { &policy.assurance } else { &[] }
}
