//! A tenant's application form: which fields there are, what may be typed, how it is folded and compared.
//!
//! [`Form::validate`] takes what a browser sent and gives either every error at once, or the [`Validated`] answers: folded
//! for display and storage, with keys to search by and the typed views that an approval needs. When a reviewer asks for a
//! correction, [`Correction`] says which fields are open again.

mod affiliation;
mod dates;
mod fields;
pub mod personal;
mod resubmission;
mod text;
mod validate;
mod validated;

pub use resubmission::Correction;
pub use validate::{Context, FieldError};
pub use validated::{SearchKeys, Validated};

use crate::{application::ApplicationKind, locale::LocalText};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was typed, by input name, as typed. Composite fields have one entry per input (`birth_date_year`, …).
pub type Answers = BTreeMap<String, String>;

/// A form: sections in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The sections, in order.
    #[serde(default, rename = "section")]
    pub sections: Vec<Section>,
}

/// A section with a heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Stable key, used in links to the section.
    pub key: String,
    /// The heading.
    pub title: LocalText,
    /// A sentence below it.
    #[serde(default)]
    pub intro: LocalText,
    /// Which applications ask for it; registrations, and reapplications with them, when absent.
    #[serde(default = "registrations")]
    pub asked_for: Vec<ApplicationKind>,
    /// Its fields, in order.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
}

fn registrations() -> Vec<ApplicationKind> {
    vec![ApplicationKind::Registration]
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Key and name of the input, or their common prefix (`birth_date` → `birth_date_year`, …).
    pub key: String,
    /// What kind of field.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// The label; a standard key without one is labelled by the locale file (`field.{key}.label`).
    #[serde(default)]
    pub label: LocalText,
    /// A hint below the label; likewise (`field.{key}.hint`).
    #[serde(default)]
    pub hint: LocalText,
    /// Whether it must be filled in.
    #[serde(default)]
    pub required: bool,
    /// The choices of a `choice` field.
    #[serde(default)]
    pub options: Vec<Choice>,
    /// The most characters that may be typed; the kind's own bound otherwise.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// Of a `text`: so many digits and nothing else; full-width ones are folded, spaces and hyphens among them dropped.
    #[serde(default)]
    pub digits: Option<usize>,
    /// How a choice is shown.
    #[serde(default)]
    pub widget: Widget,
    /// At least one of this field and the one named here must be filled in (a phone or a mobile phone).
    #[serde(default)]
    pub or_field: Option<String>,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What is sent and stored.
    pub value: String,
    /// What people read; the locale file's (`field.{key}.option.{value}`) otherwise.
    #[serde(default)]
    pub label: LocalText,
    /// A hint shown when it is chosen (what to mask on an insurance card).
    #[serde(default)]
    pub notice: LocalText,
    /// Keys of fields that must stay empty with this choice (no back of a My Number card).
    #[serde(default)]
    pub excludes: Vec<String>,
    /// The last day (`YYYY-MM-DD`) on which it is offered; for documents that go out of use.
    #[serde(default)]
    pub until: Option<String>,
}

/// How a choice is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Widget {
    /// Radio buttons up to six choices, a pull-down beyond.
    #[default]
    Automatic,
    /// Radio buttons.
    Radio,
    /// A pull-down.
    Select,
}

/// The kinds of field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line of any text.
    Text,
    /// Several lines.
    Textarea,
    /// A name as written at home: family name, space, given name. A mononym is accepted.
    Name,
    /// A name in katakana; hiragana and half-width kana are folded.
    Kana,
    /// A name in Latin letters.
    Roman,
    /// A date of the Western calendar in three boxes `_year`, `_month`, `_day`.
    Date,
    /// A year and a month in two boxes `_year`, `_month`.
    YearMonth,
    /// One of `options`.
    Choice,
    /// Three dependent selections from the tenant's affiliation tree: `{key}_1`, `_2`, `_3`.
    Affiliation,
    /// A student ID number.
    StudentId,
    /// Seven digits; fills prefecture and city.
    PostalCode,
    /// One of the 47 prefectures.
    Prefecture,
    /// A phone number of Japan, or international with a leading +.
    Phone,
    /// The confirmed mail address: shown, not editable.
    ConfirmedEmail,
    /// An image of a document.
    Image,
    /// The number of a residence card: two letters, eight digits, two letters.
    ResidenceCard,
}
