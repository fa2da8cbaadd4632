//! What is known: the facts of an account and its enrolments, put together by the approval that they rest on.
//!
//! A fact that changed since, or whose change waits for a decision, is not verified any more and so not here; neither is
//! a claim that an administrator set by hand, as it is not what was checked.

use crate::claims::Person;
use chrono::SecondsFormat;
use madoguchi_domain::{
    account::Enrolment,
    verification::{Evidence, Verification},
};
use serde_json::{Map, Value, json};

/// The type of record that the institution's roster is (Identity Assurance, predefined values).
pub(super) const ROSTER: &str = "education";
/// Claims of a name, each in up to three writings.
pub(super) const NAMES: [&str; 3] = ["name", "family_name", "given_name"];
/// Their language tags.
pub(super) const WRITINGS: [&str; 3] = ["", "#ja-Hani-JP", "#ja-Kana-JP"];
/// The check of a document's image, remotely (`vri`), and of papers shown in person (`vpip`).
pub(super) const DOCUMENT_CHECKS: [&str; 2] = ["vri", "vpip"];

/// Facts that one approval verified, and how.
pub(super) struct Known {
    pub(super) verification: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

/// Everything that is verified now; nothing where the tenant names no trust framework.
pub(super) fn known(person: &Person<'_>) -> Vec<Known> {
    if person.config.settings.assurance.trust_framework.is_none() {
        return Vec::new();
    }
    let of_profile = of_profile(person);
    let stays = || {
        person.enrolments.iter().filter_map(|e| Some((e.verified.as_ref().filter(|v| v.suspended_by.is_none())?, e)))
    };
    let mut approvals: Vec<&Verification> = Vec::new();
    for how in of_profile.iter().map(|(how, ..)| *how).chain(stays().map(|(how, _)| how)) {
        if !approvals.contains(&how) {
            approvals.push(how);
        }
    }
    let under = |approval: &Verification| {
        let mut claims: Map<String, Value> = of_profile
            .iter()
            .filter(|(how, ..)| *how == approval)
            .map(|(_, claim, v)| (claim.clone(), v.clone()))
            .collect();
        let stays: Vec<&Enrolment> = stays().filter(|(how, _)| *how == approval).map(|(_, stay)| stay).collect();
        let student_ids: Vec<&str> = stays.iter().map(|s| s.student_id.as_str()).filter(|id| !id.is_empty()).collect();
        if !student_ids.is_empty() {
            claims.insert("student_ids".into(), json!(student_ids));
        }
        if !stays.is_empty() {
            claims.insert("affiliation".into(), stays.iter().map(|stay| person.affiliation(stay)).collect());
        }
        Known { verification: told(person, approval), claims }
    };
    approvals.into_iter().map(under).collect()
}

/// The claims that are made of reviewed facts.
fn of_profile<'a>(person: &Person<'a>) -> Vec<(&'a Verification, String, Value)> {
    let profile = &person.account.profile;
    let untagged = if profile.name_roman.is_empty() { "name" } else { "name_roman" };
    let fact = |claim: &str| match claim.split_once('#') {
        _ if claim == "birthdate" => "birth_date",
        Some((_, "ja-Hani-JP")) => "name",
        Some((_, "ja-Kana-JP")) => "name_kana",
        Some(_) | None => untagged,
    };
    let by_hand = |claim: &str| {
        profile.claims.contains_key(claim.split('#').next().unwrap_or(claim)) || profile.claims.contains_key(claim)
    };
    NAMES
        .iter()
        .chain(&["birthdate"])
        .flat_map(|claim| person.derived(claim))
        .filter(|(claim, _)| !by_hand(claim))
        .filter_map(|(claim, value)| Some((profile.verified(fact(&claim))?, claim, value)))
        .collect()
}

/// The `verification` element, whole.
fn told(person: &Person<'_>, how: &Verification) -> Map<String, Value> {
    let settings = &person.config.settings;
    let assurance = &settings.assurance;
    let time = how.at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
    let organization = settings.name.get(&settings.default_locale).to_owned();
    let checks: Vec<Check> = how.evidence.iter().map(|evidence| Check::of(*evidence, how)).collect();

    let mut process = Map::new();
    process.extend(assurance.policy.as_ref().map(|policy| ("policy".to_owned(), policy.as_str().into())));
    let procedure: Vec<&str> = checks.iter().map(|check| check.classification).collect();
    process.insert("procedure".into(), procedure.join("+").into());
    let details: Vec<Value> = checks.iter().map(Check::details).collect();
    process.insert("assurance_details".into(), details.into());

    let mut out = Map::new();
    let texts = [("trust_framework", &assurance.trust_framework), ("assurance_level", &assurance.level)];
    out.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.as_deref()?.into()))));
    out.insert("assurance_process".into(), process.into());
    out.insert("time".into(), time.as_str().into());
    out.extend(how.application.as_ref().map(|id| ("verification_process".to_owned(), id.as_str().into())));
    let evidence: Vec<Value> = checks
        .iter()
        .map(|check| check.evidence(how, &organization, &time, assurance.authority_record.as_deref()))
        .collect();
    out.insert("evidence".into(), evidence.into());
    out
}

/// One check that an approval rests on. Its identifier is that of the application, which the audit log is searched by,
/// and of the kind of check; it says nothing of who decided.
struct Check {
    kind: Evidence,
    method: &'static str,
    classification: &'static str,
    assurance: &'static str,
    id: Option<String>,
}

impl Check {
    fn of(kind: Evidence, how: &Verification) -> Self {
        let [remote, in_person] = DOCUMENT_CHECKS;
        let (method, classification, assurance) = match kind {
            Evidence::Document => (remote, "document-image-inspected", "evidence_validation"),
            Evidence::Counter => (in_person, "papers-seen-in-person", "evidence_validation"),
            Evidence::Roster => ("data", "roster-match-exact", "verification"),
            Evidence::Authority => ("data", "confirmed-by-authority", "verification"),
        };
        let id = how.application.as_ref().map(|application| format!("{application}.{}", kind.as_str()));
        Self { kind, method, classification, assurance, id }
    }

    fn details(&self) -> Value {
        let mut out = Map::new();
        out.insert("assurance_type".into(), self.assurance.into());
        out.insert("assurance_classification".into(), self.classification.into());
        out.extend(self.id.as_ref().map(|id| ("evidence_ref".to_owned(), json!([{"check_id": id}]))));
        out.into()
    }

    fn evidence(&self, how: &Verification, organization: &str, time: &str, authority_record: Option<&str>) -> Value {
        let mut check = Map::new();
        check.insert("check_method".into(), self.method.into());
        check.extend(self.id.as_ref().map(|id| ("check_id".to_owned(), id.as_str().into())));
        check.insert("time".into(), time.into());
        let (kind, object) = match self.kind {
            Evidence::Document => ("document", document(&how.document)),
            Evidence::Counter => ("document", None),
            Evidence::Roster => {
                ("electronic_record", Some(("record", json!({"type": ROSTER, "source": {"name": organization}}))))
            }
            Evidence::Authority => {
                ("electronic_record", authority_record.map(|record| ("record", json!({"type": record}))))
            }
        };
        if kind == "document" {
            check.insert("organization".into(), organization.into());
        }
        let mut out = Map::new();
        out.insert("type".into(), kind.into());
        out.insert("check_details".into(), json!([check]));
        out.extend(object.map(|(name, value)| (name.to_owned(), value)));
        out.into()
    }
}

fn document(kind: &str) -> Option<(&'static str, Value)> {
    (!kind.is_empty()).then(|| ("document_details", json!({"type": document_type(kind)})))
}

/// The predefined name of a document of the form; the form's own for one that has none.
pub(super) fn document_type(kind: &str) -> &str {
    match kind {
        "drivers_license" => "jp_drivers_license",
        "insurance_card" => "jp_health_insurance_card",
        "residence_card" => "jp_residency_card_for_foreigner",
        "my_number_card" => "jp_individual_number_card",
        own => own,
    }
}
