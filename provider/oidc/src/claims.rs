//! Which claims there are about a person, and which of them a token or userinfo carries
//! (OpenID Connect Core §5; ours for enrolments and staff).
//!
//! Japanese names come in three writings. The untagged member is the Latin one where there is one, for relying
//! parties that know nothing of Japan; kanji and katakana carry the tags `ja-Hani-JP` and `ja-Kana-JP` (§5.2).
//! What an administrator set on the account (`Profile::claims`) wins over what is derived, except for the claims
//! that the protocol itself makes.

use crate::{
    academic,
    claims_request::{ClaimsRequest, Wanted},
    verified_claims::{self, VerifiedRequest},
};
use chrono::SecondsFormat;
use madoguchi_domain::{
    Timestamp,
    account::{Account, Enrolment},
    id::EnrolmentId,
    tenant::TenantConfig,
    verification::Verification,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Claims that only the protocol makes; no profile and no request can set them.
const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "acr",
    "amr",
    "auth_time",
    "nonce",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
    "cnf",
    "client_id",
    "scope",
    "verified_claims",
];

const PROFILE: &[&str] = &[
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];
const EMAIL: &[&str] = &["email", "email_verified"];
const ADDRESS: &[&str] = &["address"];
const PHONE: &[&str] = &["phone_number", "phone_number_verified"];
const STUDENT_IDS: &[&str] = &["student_ids", "student_id", "affiliation", "kind_of_user"];
/// Who somebody is to the tenant, and which of its functions they may use: the keys of the tenant's tiles.
const ENTITLEMENTS: &[&str] = &["kind_of_user", "entitlements"];
/// Also among those of `student_ids`; by itself for relying parties that want where somebody was and nothing more.
const AFFILIATION: &[&str] = &["affiliation"];
/// One student ID number, which the person chooses among several.
const STUDENT_ID: &[&str] = &["student_id"];
/// Which facts were reviewed, and on what that rests.
const VERIFICATION: &[&str] = &["verified"];
const STAFF: &[&str] = &["staff_roles"];

/// Scopes, and the claims each of them stands for.
const SCOPES: &[(&str, &[&str])] = &[
    ("openid", &[]),
    ("profile", PROFILE),
    ("email", EMAIL),
    ("address", ADDRESS),
    ("phone", PHONE),
    ("student_ids", STUDENT_IDS),
    ("student_id", STUDENT_ID),
    ("verification", VERIFICATION),
    ("affiliation", AFFILIATION),
    ("entitlements", ENTITLEMENTS),
    ("staff", STAFF),
    ("eduperson", academic::EDUPERSON),
    ("schac", academic::SCHAC),
    ("voperson", academic::VOPERSON),
    ("offline_access", &[]),
];

/// The scopes of a tenant.
pub(crate) fn scopes(config: &TenantConfig) -> impl Iterator<Item = &'static str> {
    let academic = config.settings.academic.is_some();
    SCOPES.iter().map(|(name, _)| *name).filter(move |name| academic || !academic::SCOPES.contains(name))
}

/// The claims of a scope.
fn of_scope(scope: &str) -> &'static [&'static str] {
    SCOPES.iter().find(|(name, _)| *name == scope).map_or(&[], |(_, claims)| claims)
}

/// All claims of a tenant, for the discovery document.
pub(crate) fn supported(config: &TenantConfig) -> Vec<&'static str> {
    let own = ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid"];
    let mut all = Vec::new();
    for claim in own.into_iter().chain(scopes(config).flat_map(of_scope).copied()) {
        if !all.contains(&claim) {
            all.push(claim);
        }
    }
    all
}

/// Claims that a request asks for one by one, beyond its scopes: what consent has to name.
pub(crate) fn beyond_scopes(request: &ClaimsRequest, scope: &str) -> Vec<String> {
    let verified = request.verified_names();
    let names = request.names().into_iter().chain(verified.iter().copied()).map(base);
    let mut claims: Vec<String> = names
        .filter(|name| !RESERVED.contains(name))
        .filter(|name| SCOPES.iter().any(|(_, claims)| claims.contains(name)))
        .filter(|name| !scope.split(' ').any(|s| of_scope(s).contains(name)))
        .map(str::to_owned)
        .collect();
    if !verified.is_empty() {
        claims.push(verified_claims::CLAIM.to_owned());
    }
    claims.sort_unstable();
    claims.dedup();
    claims
}

/// A claim's name without its language tag (§5.2).
fn base(claim: &str) -> &str {
    claim.split('#').next().unwrap_or(claim)
}

/// A person whose claims are asked for.
pub(crate) struct Person<'a> {
    pub(crate) account: &'a Account,
    /// When the account was last changed.
    pub(crate) updated_at: Timestamp,
    pub(crate) enrolments: &'a [Enrolment],
    /// The enrolment that was chosen in this grant.
    pub(crate) chosen: Option<&'a EnrolmentId>,
    pub(crate) config: &'a TenantConfig,
    pub(crate) now: Timestamp,
}

/// Claims for userinfo: those of the scopes and those asked for one by one. Without `sub`.
pub(crate) fn for_userinfo(person: &Person<'_>, scope: &str, request: &ClaimsRequest) -> Map<String, Value> {
    let mut out = Map::new();
    for claim in scope.split(' ').flat_map(of_scope) {
        person.put(claim, None, &mut out);
    }
    for (claim, wanted) in &request.userinfo {
        person.put(claim, wanted.as_ref(), &mut out);
    }
    person.put_verified(&request.verified_userinfo, &mut out);
    out
}

/// Claims for the ID token beyond the protocol's own: what was asked for there (§5.4), and the student ID number that
/// was chosen for this token.
pub(crate) fn for_id_token(person: &Person<'_>, scope: &str, request: &ClaimsRequest) -> Map<String, Value> {
    let mut out = Map::new();
    if has_scope(scope, CHOICE) {
        person.put("student_id", None, &mut out);
    }
    for (claim, wanted) in &request.id_token {
        person.put(claim, wanted.as_ref(), &mut out);
    }
    person.put_verified(&request.verified_id_token, &mut out);
    out
}

/// The scope that asks for one student ID number.
const CHOICE: &str = "student_id";

fn has_scope(scope: &str, name: &str) -> bool {
    scope.split(' ').any(|s| s == name)
}

/// Whether one student ID number is asked for: then somebody with several has to choose.
pub(crate) fn asks_for_one_student_id(scope: &str, request: &ClaimsRequest) -> bool {
    has_scope(scope, CHOICE) || request.asks_for("student_id")
}

/// Whether claims of enrolments are among those asked for: then they have to be read.
pub(crate) fn needs_enrolments<'a>(mut claims: impl Iterator<Item = &'a str>) -> bool {
    claims.any(|claim| STUDENT_IDS.contains(&claim) || academic::OF_ENROLMENTS.contains(&claim))
}

impl Person<'_> {
    fn put(&self, claim: &str, wanted: Option<&Wanted>, out: &mut Map<String, Value>) {
        let (base, tag) = match claim.split_once('#') {
            Some((base, tag)) => (base, Some(tag)),
            None => (claim, None),
        };
        if RESERVED.contains(&base) {
            return;
        }
        let mut values: BTreeMap<String, Value> = self.derived(base).into_iter().collect();
        let prefix = format!("{base}#");
        let own = self.account.profile.claims.iter();
        values.extend(own.filter(|(n, _)| *n == base || n.starts_with(&prefix)).map(|(n, v)| (n.clone(), v.clone())));
        if wanted.is_some_and(|wanted| values.get(claim).is_none_or(|value| !wanted.accepts(value))) {
            return;
        }
        let all = tag.is_none();
        out.extend(values.into_iter().filter(|(name, value)| !value.is_null() && (all || name == claim)));
    }

    fn put_verified(&self, wanted: &VerifiedRequest, out: &mut Map<String, Value>) {
        let told = verified_claims::told(self, wanted, self.now);
        out.extend(told.map(|value| (verified_claims::CLAIM.to_owned(), value)));
    }

    /// The claim with its tagged variants, as far as the profile has it.
    pub(crate) fn derived(&self, claim: &str) -> Vec<(String, Value)> {
        let profile = &self.account.profile;
        let one = |value: Option<Value>| value.map(|v| (claim.to_owned(), v)).into_iter().collect();
        match claim {
            "name" | "family_name" | "given_name" => self.names(claim),
            "birthdate" => one(text(&profile.birth_date)),
            "locale" => one(text(self.account.locale.as_str())),
            "updated_at" => one(Some(self.updated_at.seconds().into())),
            "email" => one(text(self.account.email.as_str())),
            "email_verified" => one(Some(true.into())),
            "phone_number" => one(text(&phone_number(self.phone()))),
            "phone_number_verified" => one((!self.phone().is_empty()).then(|| false.into())),
            "address" => one(self.address()),
            "student_ids" => one(Some(self.student_ids().into())),
            "student_id" => one(self.student_id().and_then(text)),
            "affiliation" => {
                let all: Vec<Value> = self.enrolments.iter().map(|e| self.affiliation(e)).collect();
                one((!all.is_empty()).then(|| all.into()))
            }
            "kind_of_user" => one(text(&profile.kind_of_user)),
            "verified" => one(Some(self.verified())),
            "entitlements" => {
                let tiles = self.config.settings.tiles_for(&profile.kind_of_user);
                one(Some(tiles.map(|tile| tile.key.as_str()).collect()))
            }
            "staff_roles" => one(Some(json!(self.account.staff_roles))),
            _ => one(academic::derived(self, claim)),
        }
    }

    fn names(&self, claim: &str) -> Vec<(String, Value)> {
        let profile = &self.account.profile;
        let part = |full: &str| -> Option<Value> {
            let full = full.trim();
            let split = full.split_once(char::is_whitespace);
            match (claim, split) {
                ("family_name", Some((family, _))) => text(family),
                ("given_name", Some((_, given))) => text(given.trim()),
                ("name", _) => text(full),
                _ => None,
            }
        };
        let roman = if profile.name_roman.is_empty() { &profile.name } else { &profile.name_roman };
        let tagged = |tag: &str, value: Option<Value>| value.map(|v| (format!("{claim}#{tag}"), v));
        let kanji = if profile.name.is_ascii() { None } else { part(&profile.name) };
        part(roman)
            .map(|v| (claim.to_owned(), v))
            .into_iter()
            .chain(tagged("ja-Hani-JP", kanji))
            .chain(tagged("ja-Kana-JP", part(&profile.name_kana)))
            .collect()
    }

    /// How each fact was verified, under the name of its claim; those that are not are absent.
    fn verified(&self) -> Value {
        let profile = &self.account.profile;
        let kanji = if profile.name_roman.is_empty() { "name" } else { "name#ja-Hani-JP" };
        let facts =
            [("name", kanji), ("name_kana", "name#ja-Kana-JP"), ("name_roman", "name"), ("birth_date", "birthdate")];
        let told = |how: &Verification| {
            let evidence: Vec<&str> = how.evidence.iter().map(|e| e.as_str()).collect();
            let mut out = Map::new();
            out.insert("evidence".into(), json!(evidence));
            out.insert("time".into(), how.at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true).into());
            out.extend(text(&how.document).map(|document| ("document".to_owned(), document)));
            Value::Object(out)
        };
        let known = facts.iter().filter_map(|(fact, claim)| Some(((*claim).to_owned(), told(profile.verified(fact)?))));
        Value::Object(known.collect())
    }

    fn phone(&self) -> &str {
        let profile = &self.account.profile;
        if profile.cell_phone.is_empty() { &profile.phone } else { &profile.cell_phone }
    }

    /// §5.1.1.
    fn address(&self) -> Option<Value> {
        let a = &self.account.profile.address;
        let street = [a.street.as_str(), a.building.as_str()].into_iter().filter(|p| !p.is_empty());
        let street: Vec<&str> = street.collect();
        let line = format!("{}{}{}", a.prefecture, a.city, street.join(" "));
        let lines = [a.postal_code.as_str(), &line].into_iter().filter(|l| !l.is_empty());
        let formatted = lines.collect::<Vec<_>>().join("\n");
        if formatted.is_empty() {
            return None;
        }
        let mut out = Map::new();
        let members = [
            ("formatted", formatted.as_str()),
            ("street_address", &street.join("\n")),
            ("locality", &a.city),
            ("region", &a.prefecture),
            ("postal_code", &a.postal_code),
        ];
        out.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value)?))));
        if !a.prefecture.is_empty() || !a.postal_code.is_empty() {
            out.insert("country".into(), "JP".into());
        }
        Some(out.into())
    }

    fn student_ids(&self) -> Vec<Value> {
        self.enrolments.iter().filter_map(|e| text(&e.student_id)).collect()
    }

    /// The chosen student ID, or the only one.
    fn student_id(&self) -> Option<&str> {
        let mut known = self.enrolments.iter().filter(|e| !e.student_id.is_empty());
        match self.chosen {
            Some(id) => known.find(|e| e.id == *id).map(|e| e.student_id.as_str()),
            None => match (known.next(), known.next()) {
                (Some(only), None) => Some(&only.student_id),
                _ => None,
            },
        }
    }

    pub(crate) fn affiliation(&self, enrolment: &Enrolment) -> Value {
        let facts = &enrolment.facts;
        let units: Vec<Value> =
            facts.affiliation.iter().filter(|c| !c.is_empty()).map(|code| self.unit(code)).collect();
        let mut out = Map::new();
        let members = [
            ("student_id", enrolment.student_id.as_str()),
            ("degree_program", &facts.degree_program),
            ("matriculation", &facts.matriculation),
            ("graduation", &facts.graduation),
            ("outcome", &facts.outcome),
            (
                "name_then",
                if facts.school_name_roman.is_empty() { &facts.school_name } else { &facts.school_name_roman },
            ),
            ("name_then#ja-Hani-JP", &facts.school_name),
            ("name_then#ja-Kana-JP", &facts.school_name_kana),
        ];
        out.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), text(value)?))));
        if !units.is_empty() {
            out.insert("units".into(), units.into());
        }
        out.into()
    }

    /// A node of the affiliation tree with its names; a code that is no longer in the tree stands alone.
    fn unit(&self, code: &str) -> Value {
        let mut out = Map::new();
        out.insert("code".into(), code.into());
        if let Some(node) = self.config.affiliation(code) {
            let names = node.name.iter().map(|(locale, name)| (format!("name#{locale}"), name.as_str().into()));
            out.extend(names);
            out.insert("name".into(), node.label(&self.config.settings.default_locale).into());
        }
        out.into()
    }
}

fn text(value: &str) -> Option<Value> {
    (!value.is_empty()).then(|| value.into())
}

/// E.164 where the number is Japanese or international (§5.1 recommends it), else as typed.
fn phone_number(typed: &str) -> String {
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    match (typed.trim_start().starts_with('+'), digits.strip_prefix('0')) {
        (true, _) => format!("+{digits}"),
        (false, Some(national)) if (8..=10).contains(&national.len()) => format!("+81{national}"),
        (false, _) => typed.to_owned(),
    }
}
