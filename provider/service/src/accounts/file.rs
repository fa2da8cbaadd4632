//! `ACCOUNT.json`: an account as an administrator writes it down. Every problem is told with a JSON pointer.
//!
//! ```json
//! { "login_id": "graduate@example.jp", "email": "graduate@example.jp",
//!   "password": "…", "second_password": "…",
//!   "claims": { "name": "山田 太郎", "birthdate": "1990-04-02" },
//!   "student_ids": ["A1234567", { "student_id": "B7654321", "matriculation": "2012-04" }],
//!   "kind_of_user": "graduate", "staff_roles": ["reviewer"] }
//! ```
//!
//! `initial_password` stands in place of the passwords for somebody who has yet to set their own. `terms_version` is the
//! version of the terms that the person agreed to, on paper say: the one in force when it is absent, none when it is
//! empty, and then the first login asks.

use crate::hashing::MAX_PASSWORD_BYTES;
use madoguchi_domain::{
    EmailAddress, Secret,
    account::{EnrolmentFacts, Profile, StaffRole},
    password::{Beside, Rules},
    tenant::TenantSettings,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One thing that is wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// JSON pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong and what was expected; never a value.
    pub message: String,
}

impl std::fmt::Display for FileProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.pointer, self.message)
        }
    }
}

/// The file, read.
#[derive(Debug, Clone)]
pub struct AccountFile {
    /// What is typed to log in.
    pub login_id: String,
    /// The mail address; that of `login_id` when absent.
    pub email: EmailAddress,
    /// The password.
    pub password: Option<Secret>,
    /// The second password, where the tenant has one.
    pub second_password: Option<Secret>,
    /// In place of both.
    pub initial_password: Option<Secret>,
    /// Standard OpenID Connect claims.
    pub claims: BTreeMap<String, Value>,
    /// Staff roles.
    pub staff_roles: Vec<StaffRole>,
    /// The kind of user, by its key in the tenant's file.
    pub kind_of_user: String,
    /// Language of its mails.
    pub locale: Option<String>,
    /// The version of the terms that the person agreed to; none when empty, the one in force when absent.
    pub terms_version: Option<String>,
    student_ids: Vec<StudentId>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum StudentId {
    Number(String),
    Full(Box<FullStudentId>),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FullStudentId {
    student_id: String,
    school_name: String,
    school_name_kana: String,
    school_name_roman: String,
    affiliation: Vec<String>,
    degree_program: String,
    matriculation: String,
    graduation: String,
    outcome: String,
}

/// OpenID Connect Core §5.1, and what of the academic claims only the institution can know.
const CLAIMS: &[&str] = &[
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "eduperson_orcid",
    "voperson_external_affiliation",
];

/// Those that Madoguchi knows better: taken in the file, and left out of the profile.
const OURS: &[&str] = &["sub", "email", "updated_at"];

const MEMBERS: &str = "login_id, email, password, second_password, initial_password, claims, student_ids, staff_roles, kind_of_user, \
     locale, terms_version";

impl AccountFile {
    /// Reads the file.
    ///
    /// # Errors
    /// Every problem.
    pub fn parse(json: &str) -> Result<Self, Vec<FileProblem>> {
        let members: Map<String, Value> = serde_json::from_str(json)
            .map_err(|e| vec![FileProblem { pointer: String::new(), message: format!("not a JSON object: {e}") }])?;
        let mut reader = Reader { members, problems: Vec::new() };
        let login_id: String = reader.take("login_id", "a text").unwrap_or_default();
        let login_id = login_id.trim().to_owned();
        if login_id.is_empty() {
            reader.problem("/login_id", "is missing");
        } else if login_id.chars().count() > 254 || login_id.chars().any(char::is_control) {
            reader.problem("/login_id", "expected at most 254 characters on one line");
        }
        let email: Option<String> = reader.take("email", "a mail address");
        let email = EmailAddress::parse(email.as_deref().unwrap_or(&login_id));
        if let Err(error) = &email {
            reader.problem("/email", &format!("expected a mail address: {error}"));
        }
        let claims: BTreeMap<String, Value> = reader.take("claims", "an object of standard claims").unwrap_or_default();
        for name in claims.keys() {
            if !CLAIMS.contains(&base(name)) {
                reader.problem(&pointer(&["claims", name]), "not a standard claim (OpenID Connect Core 5.1)");
            }
        }
        let password = reader.take("password", "a text");
        let second_password = reader.take("second_password", "a text");
        let initial_password = reader.take("initial_password", "a text");
        let student_ids = reader.take("student_ids", "an array of student ID numbers, or of objects with student_id");
        let staff_roles = reader.take("staff_roles", "an array of \"reviewer\", \"counter\" and \"tenant_it\"");
        let kind_of_user: Option<String> = reader.take("kind_of_user", "the key of a kind of user");
        let locale = reader.take("locale", "a language such as \"ja\"");
        let terms_version: Option<String> = reader.take("terms_version", "a version of the terms");
        if terms_version.as_ref().is_some_and(|v| v.chars().count() > 100 || v.chars().any(char::is_control)) {
            reader.problem("/terms_version", "expected at most 100 characters on one line");
        }
        reader.refuse_the_rest();
        match (email, reader.problems.is_empty()) {
            (Ok(email), true) => Ok(Self {
                login_id,
                email,
                password,
                second_password,
                initial_password,
                claims,
                staff_roles: staff_roles.unwrap_or_default(),
                kind_of_user: kind_of_user.unwrap_or_default(),
                locale,
                terms_version,
                student_ids: student_ids.unwrap_or_default(),
            }),
            (Ok(_) | Err(_), _) => Err(reader.problems),
        }
    }

    /// What is wrong with the passwords at a tenant with or without a second one.
    pub(super) fn problems_at(&self, second_password: bool) -> Vec<FileProblem> {
        const TOGETHER: &str = "not together with initial_password";
        const NO_SECOND: &str = "this tenant has no second password";
        let mut reader = Reader { members: Map::new(), problems: Vec::new() };
        let own = self.initial_password.is_none();
        let secrets = [
            ("/password", &self.password, own, TOGETHER),
            ("/second_password", &self.second_password, own && second_password, if own { NO_SECOND } else { TOGETHER }),
            ("/initial_password", &self.initial_password, !own, ""),
        ];
        for (pointer, secret, wanted, unwanted) in secrets {
            match (secret.as_ref().filter(|s| !s.is_empty()), wanted) {
                (Some(secret), true) if secret.expose().len() > MAX_PASSWORD_BYTES => {
                    reader.problem(pointer, "is too long");
                }
                (None, true) => reader.problem(pointer, "is missing"),
                (Some(_), false) => reader.problem(pointer, unwanted),
                (Some(_), true) | (None, false) => {}
            }
        }
        reader.problems
    }

    /// A kind of user that the tenant does not have.
    pub(super) fn unknown_kind(&self, settings: &TenantSettings) -> Vec<FileProblem> {
        let mut reader = Reader { members: Map::new(), problems: Vec::new() };
        if !self.kind_of_user.is_empty() && settings.kind(&self.kind_of_user).is_none() {
            let known: Vec<&str> = settings.home.kinds_of_user.iter().map(|kind| kind.key.as_str()).collect();
            let message = match known.as_slice() {
                [] => "this tenant has no kinds of user".to_owned(),
                _ => format!("expected one of {}", known.join(", ")),
            };
            reader.problem("/kind_of_user", &message);
        }
        reader.problems
    }

    /// What the passwords break of the tenant's rules; an initial password is held against none.
    pub(super) fn broken_rules(&self, rules: &Rules) -> Vec<FileProblem> {
        let mut reader = Reader { members: Map::new(), problems: Vec::new() };
        let pairs =
            [("/password", &self.password, None), ("/second_password", &self.second_password, self.password.as_ref())];
        for (pointer, secret, other) in pairs {
            let Some(secret) = secret.as_ref().filter(|s| !s.is_empty()) else { continue };
            for violation in rules.violations(secret, &Beside { other, personal: &[] }) {
                reader.problem(pointer, &format!("breaks the tenant's rule {}", violation.code()));
            }
        }
        reader.problems
    }

    /// Names and birth date where claims are made from them; the claims as they stand win over what is derived.
    pub(super) fn profile(&self) -> Profile {
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| self.claims.get(*name).and_then(Value::as_str));
            found.unwrap_or_default().to_owned()
        };
        let kept = self.claims.iter().filter(|(name, _)| !OURS.contains(&base(name)));
        Profile {
            name: text(&["name#ja-Hani-JP", "name#ja", "name"]),
            name_kana: text(&["name#ja-Kana-JP"]),
            name_roman: text(&["name#en", "name#ja-Latn-JP"]),
            birth_date: text(&["birthdate"]),
            phone: text(&["phone_number"]),
            kind_of_user: self.kind_of_user.clone(),
            claims: kept.map(|(name, value)| (name.clone(), value.clone())).collect(),
            ..Profile::default()
        }
    }

    /// Student numbers with what is known of each.
    pub(super) fn enrolments(&self) -> Vec<(String, EnrolmentFacts)> {
        let of = |id: &StudentId| match id {
            StudentId::Number(number) => (number.clone(), EnrolmentFacts::default()),
            StudentId::Full(full) => {
                let full = full.as_ref().clone();
                let facts = EnrolmentFacts {
                    school_name: full.school_name,
                    school_name_kana: full.school_name_kana,
                    school_name_roman: full.school_name_roman,
                    affiliation: full.affiliation,
                    degree_program: full.degree_program,
                    matriculation: full.matriculation,
                    graduation: full.graduation,
                    outcome: full.outcome,
                };
                (full.student_id, facts)
            }
        };
        self.student_ids.iter().map(of).collect()
    }
}

/// A claim's name without its language tag (OpenID Connect Core §5.2).
fn base(claim: &str) -> &str {
    claim.split('#').next().unwrap_or_default()
}

/// RFC 6901.
fn pointer(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

struct Reader {
    members: Map<String, Value>,
    problems: Vec<FileProblem>,
}

impl Reader {
    fn problem(&mut self, pointer: &str, message: &str) {
        self.problems.push(FileProblem { pointer: pointer.to_owned(), message: message.to_owned() });
    }

    fn take<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let value = self.members.remove(name).filter(|v| !v.is_null())?;
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(_) => {
                self.problem(&pointer(&[name]), &format!("expected {expected}"));
                None
            }
        }
    }

    fn refuse_the_rest(&mut self) {
        let rest: Vec<String> = self.members.keys().cloned().collect();
        for name in rest {
            self.problem(&pointer(&[&name]), &format!("unknown; known are {MEMBERS}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(json: &str) -> Vec<String> {
        AccountFile::parse(json).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_full_file_is_read() {
        let file = AccountFile::parse(
            r#"{"login_id":"RZ00000001","email":"a@example.jp","password":"Residence2024",
                "claims":{"name":"山田 太郎","name#ja-Kana-JP":"ヤマダ タロウ","birthdate":"1990-04-02"},
                "student_ids":["A1",{"student_id":"B2","matriculation":"2012-04"}],"staff_roles":["reviewer"]}"#,
        )
        .unwrap();
        assert!(file.problems_at(false).is_empty());
        assert_eq!(file.profile().name_kana, "ヤマダ タロウ");
        assert_eq!(file.enrolments().len(), 2);
        let missing: Vec<_> = file.problems_at(true).iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["/second_password: is missing"]);
    }

    #[test]
    fn every_problem_is_named_with_its_place_and_no_value() {
        let found = problems(r#"{"login":"x","password":["geheim"],"claims":{"shoe_size":43},"student_ids":[1]}"#);
        let places =
            ["/login: unknown", "/password: expected", "/login_id: is missing", "/claims/shoe_size", "/student_ids"];
        for part in places {
            assert!(found.iter().any(|p| p.contains(part)), "{part} in {found:?}");
        }
        assert!(!found.concat().contains("geheim"));
        assert!(problems("[1]").concat().contains("not a JSON object"));
    }
}
