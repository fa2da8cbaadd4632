//! Field keys with a meaning: claims, the roster and the desk read them, and the themes label them.

use crate::form::FieldKind::{self, *};

/// Key, kind, and the values that the themes label, for choices.
const STANDARD: &[(&str, FieldKind, &[&str])] = &[
    ("application_type", Choice, &["new", "reapplication"]),
    ("name", Name, &[]),
    ("name_kana", Kana, &[]),
    ("name_roman", Roman, &[]),
    ("birth_date", Date, &[]),
    ("school_name", Name, &[]),
    ("school_name_kana", Kana, &[]),
    ("school_name_roman", Roman, &[]),
    ("affiliation", Affiliation, &[]),
    ("degree_program", Choice, &["undergraduate", "masters", "doctoral", "professional", "non_degree", "dissertation"]),
    ("student_id", StudentId, &[]),
    ("matriculation", YearMonth, &[]),
    ("graduation", YearMonth, &[]),
    ("outcome", Choice, &["graduated", "withdrawn"]),
    ("postal_code", PostalCode, &[]),
    ("prefecture", Prefecture, &[]),
    ("city", Text, &[]),
    ("street", Text, &[]),
    ("building", Text, &[]),
    ("phone", Phone, &[]),
    ("cell_phone", Phone, &[]),
    ("mail", ConfirmedEmail, &[]),
    ("intended_use", Text, &[]),
    ("submission_place", Text, &[]),
    ("employer_name", Text, &[]),
    ("employer_postal_code", PostalCode, &[]),
    ("employer_prefecture", Prefecture, &[]),
    ("employer_city", Text, &[]),
    ("employer_street", Text, &[]),
    ("employer_building", Text, &[]),
    ("employer_phone", Phone, &[]),
    (
        "document_type",
        Choice,
        &["drivers_license", "passport", "insurance_card", "family_register", "residence_card", "my_number_card"],
    ),
    ("document_front", Image, &[]),
    ("document_back", Image, &[]),
    ("remarks", Textarea, &[]),
    ("nationality", Text, &[]),
    ("residence_card_number", ResidenceCard, &[]),
];

/// Whether the themes label a field of that key.
pub fn is_standard_key(key: &str) -> bool {
    kind(key).is_some()
}

/// The kind that a standard key has.
pub(super) fn kind(key: &str) -> Option<FieldKind> {
    STANDARD.iter().find(|(k, ..)| *k == key).map(|(_, kind, _)| *kind)
}

/// Whether the themes label that choice.
pub(super) fn has_option(key: &str, value: &str) -> bool {
    STANDARD.iter().any(|(k, _, values)| *k == key && values.contains(&value))
}

/// Names of inputs and buttons that pages use themselves.
pub(super) const RESERVED: &[&str] = &[
    "csrf",
    "flow",
    "check",
    "back",
    "submit",
    "lang",
    "switch_lang",
    "revision",
    "save",
    "lookup",
    "refresh",
    "remove",
    "agree",
    "login",
    "logout",
    "login_id",
    "password",
    "second_password",
    "mail_confirm",
    "files",
    "token",
    "step",
    "kind_of_user",
    "reason",
    "note",
];
