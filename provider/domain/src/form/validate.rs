//! The whole form at once: every error, or the answers as they will be kept.

use super::{Answers, Choice, Field, FieldKind, Form, Validated, text};
use crate::{
    EmailAddress,
    japan::{fold, name, phone, place, postal},
    tenant::Affiliation,
};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What answers are checked against, besides the form.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The tenant's affiliation tree.
    pub affiliations: &'a [Affiliation],
    /// Today, where the tenant is ([`TenantSettings::today`](crate::tenant::TenantSettings::today)).
    pub today: NaiveDate,
    /// The address that was proved by its link; it takes the place of whatever was sent for it.
    pub confirmed_email: &'a EmailAddress,
    /// Keys of the image fields that have an image.
    pub documents: &'a BTreeSet<String>,
    /// The kind of user that applies; empty where the tenant has one kind only.
    pub kind_of_user: &'a str,
}

/// One error beside one input. The sentence is the locale file's: `field.{field}.error.{code}`, else `error.field.{code}`,
/// with [`FieldError::params`] and the field's label as `label`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Key of the field.
    pub field: String,
    /// Name of the input that the summary links to: the first wrong part of a composite field.
    pub input: String,
    /// Stable code: one of [`FieldError::CODES`].
    pub code: &'static str,
    /// What the sentence mentions.
    pub params: BTreeMap<&'static str, String>,
}

impl FieldError {
    /// An error of a field with one input.
    pub fn at(field: &str, code: &'static str) -> Self {
        Self { field: field.into(), input: field.into(), code, params: BTreeMap::new() }
    }

    /// Every code that [`Form::validate`] gives; a test of texts counts them.
    pub const CODES: &'static [&'static str] = &[
        "required",
        "required_choice",
        "required_image",
        "required_one_of",
        "excluded",
        "too_long",
        "control_character",
        "name.characters",
        "kana.characters",
        "roman.characters",
        "date.year_missing",
        "date.month_missing",
        "date.day_missing",
        "date.year",
        "date.month",
        "date.day",
        "date.era",
        "date.nonexistent",
        "date.future",
        "date.order",
        "choice.unknown",
        "affiliation.mismatch",
        "student_id.characters",
        "student_id.known",
        "postal_code.format",
        "phone.format",
        "residence_card.format",
        "digits",
    ];
}

impl Form {
    /// Checks and folds what was typed; unknown inputs are dropped. Errors stand in the order of the form.
    ///
    /// # Errors
    /// Every wrong field once, at its first wrong input.
    pub fn validate(&self, typed: &Answers, context: &Context<'_>) -> Result<Validated, Vec<FieldError>> {
        let (validated, errors) = self.examine(typed, context);
        if errors.is_empty() { Ok(validated) } else { Err(errors) }
    }

    /// The folded answers and the errors; where a field is in error its answers stand as typed.
    pub(super) fn examine(&self, typed: &Answers, context: &Context<'_>) -> (Validated, Vec<FieldError>) {
        let own = |key: &String| typed.get(key).map(|value| (key.clone(), value.clone()));
        let own: Answers = self.inputs().iter().filter_map(own).collect();
        let check = Check::new(self, &own, context);
        let mut answers = own.clone();
        let mut errors = Vec::new();
        for field in self.fields() {
            match check.field(field) {
                Found::Answers(parts) => answers.extend(parts),
                Found::Error(error) => errors.push(*error),
            }
        }
        if errors.iter().all(|e| e.field != "matriculation" && e.field != "graduation") {
            errors.extend(out_of_order(&answers));
            let place = |e: &FieldError| self.fields().position(|f| f.key == e.field);
            errors.sort_by_key(place);
        }
        (Validated { answers, typed: own, kind_of_user: context.kind_of_user.to_owned() }, errors)
    }
}

/// A graduation before the matriculation.
fn out_of_order(answers: &Answers) -> Option<FieldError> {
    let month = |key| super::dates::joined(answers, key, &["_year", "_month"]);
    let (from, to) = (month("matriculation"), month("graduation"));
    (!from.is_empty() && !to.is_empty() && to < from).then(|| FieldError {
        field: "graduation".into(),
        input: "graduation_year".into(),
        code: "date.order",
        params: BTreeMap::new(),
    })
}

/// What a look at one field found.
pub(super) enum Found {
    /// Its inputs, folded.
    Answers(Vec<(String, String)>),
    /// What is wrong.
    Error(Box<FieldError>),
}

impl Found {
    pub(super) fn error(field: &Field, input: String, code: &'static str) -> Self {
        Self::error_with(field, input, code, [])
    }

    pub(super) fn error_with<const N: usize>(
        field: &Field,
        input: String,
        code: &'static str,
        params: [(&'static str, String); N],
    ) -> Self {
        Self::Error(Box::new(FieldError { field: field.key.clone(), input, code, params: BTreeMap::from(params) }))
    }

    fn one(field: &Field, answer: String) -> Self {
        Self::Answers(vec![(field.key.clone(), answer)])
    }
}

/// One check of one form.
pub(super) struct Check<'a> {
    form: &'a Form,
    typed: &'a Answers,
    pub(super) context: &'a Context<'a>,
    /// Fields that a choice made elsewhere wants empty.
    excluded: BTreeSet<&'a str>,
}

impl<'a> Check<'a> {
    fn new(form: &'a Form, typed: &'a Answers, context: &'a Context<'a>) -> Self {
        let chosen = |field: &'a Field| {
            let value = typed.get(&field.key).map_or("", |v| v.trim());
            field.options.iter().filter(move |option| option.value == value)
        };
        let excluded = form.fields().flat_map(chosen).flat_map(|o| o.excludes.iter().map(String::as_str)).collect();
        Self { form, typed, context, excluded }
    }

    /// What was typed into an input, without outer white space.
    pub(super) fn typed(&self, input: &str) -> &str {
        self.typed.get(input).map_or("", |value| value.trim())
    }

    pub(super) fn is_required(&self, field: &Field) -> bool {
        field.required && !self.excluded.contains(field.key.as_str())
    }

    fn field(&self, field: &Field) -> Found {
        if let Some(refused) = self.refuse(field) {
            return refused;
        }
        match field.kind {
            FieldKind::Date => self.date(field),
            FieldKind::YearMonth => self.year_month(field),
            FieldKind::Affiliation => self.affiliation(field),
            FieldKind::Choice => self.choice(field),
            FieldKind::Prefecture => self.line(field, "required_choice", "choice.unknown", |text| {
                place::prefecture(text).map(|p| p.name.to_owned())
            }),
            FieldKind::ConfirmedEmail => Found::one(field, self.context.confirmed_email.as_str().to_owned()),
            FieldKind::Image => self.image(field),
            FieldKind::Text => self.text(field),
            FieldKind::Textarea => self.line(field, "required", "", |text| Some(text::tidy_lines(text))),
            FieldKind::Name => self.line(field, "required", "name.characters", |text| {
                Some(name::tidy(text)).filter(|n| name::stranger(n).is_none())
            }),
            FieldKind::Kana => self.line(field, "required", "kana.characters", |text| {
                Some(name::tidy_kana(text)).filter(|n| fold::is_katakana(n))
            }),
            FieldKind::Roman => self.line(field, "required", "roman.characters", |text| {
                Some(name::tidy_roman(text)).filter(|n| name::is_roman(n))
            }),
            FieldKind::StudentId => self.line(field, "required", "student_id.characters", |text| {
                let id: String = fold::hyphens(&fold::half_width(text)).split_whitespace().collect();
                id.chars().all(|c| c.is_ascii_alphanumeric() || "-/.".contains(c)).then_some(id)
            }),
            FieldKind::PostalCode => self.line(field, "required", "postal_code.format", |text| {
                postal::parse(text).map(|code| postal::display(&code))
            }),
            FieldKind::Phone => {
                self.line(field, "required", "phone.format", |text| phone::parse(text).map(|p| p.display))
            }
            FieldKind::ResidenceCard => self.line(field, "required", "residence_card.format", residence_card),
        }
    }

    /// What is refused of every field: hidden characters, too much, something where a choice wants nothing, and nothing in
    /// both of a pair.
    fn refuse(&self, field: &Field) -> Option<Found> {
        let max = field.max_characters();
        for input in field.inputs() {
            let typed = self.typed(&input);
            if text::clean(typed, field.kind == FieldKind::Textarea).is_none() {
                return Some(Found::error(field, input, "control_character"));
            }
            if typed.chars().count() > max {
                return Some(Found::error_with(field, input, "too_long", [("max", max.to_string())]));
            }
        }
        let first = || field.inputs().into_iter().next().unwrap_or_else(|| field.key.clone());
        if self.excluded.contains(field.key.as_str()) && self.is_answered(field) {
            return Some(Found::error(field, first(), "excluded"));
        }
        let other = field.or_field.as_ref().and_then(|key| self.form.field(key))?;
        let neither = !self.is_answered(field) && !self.is_answered(other);
        neither.then(|| Found::error_with(field, first(), "required_one_of", [("other", other.key.clone())]))
    }

    fn is_answered(&self, field: &Field) -> bool {
        match field.kind {
            FieldKind::Image => self.context.documents.contains(&field.key),
            FieldKind::ConfirmedEmail => true,
            FieldKind::Text
            | FieldKind::Textarea
            | FieldKind::Name
            | FieldKind::Kana
            | FieldKind::Roman
            | FieldKind::Date
            | FieldKind::YearMonth
            | FieldKind::Choice
            | FieldKind::Affiliation
            | FieldKind::StudentId
            | FieldKind::PostalCode
            | FieldKind::Prefecture
            | FieldKind::Phone
            | FieldKind::ResidenceCard => field.inputs().iter().any(|input| !self.typed(input).is_empty()),
        }
    }

    /// A field of one input: empty, or folded, or `wrong`.
    fn line(
        &self,
        field: &Field,
        missing: &'static str,
        wrong: &'static str,
        fold: impl FnOnce(&str) -> Option<String>,
    ) -> Found {
        let text = text::clean(self.typed(&field.key), field.kind == FieldKind::Textarea).unwrap_or_default();
        if text.is_empty() {
            return if self.is_required(field) {
                Found::error(field, field.key.clone(), missing)
            } else {
                Found::one(field, String::new())
            };
        }
        match fold(&text) {
            Some(folded) => Found::one(field, folded),
            None => Found::error(field, field.key.clone(), wrong),
        }
    }

    /// A line of any text, or of so many digits where the field says so.
    fn text(&self, field: &Field) -> Found {
        let Some(count) = field.digits else {
            return self.line(field, "required", "", |text| Some(text::tidy(text)));
        };
        match self.line(field, "required", "digits", |text| digits(text, count)) {
            Found::Error(error) if error.code == "digits" => {
                Found::error_with(field, error.input, "digits", [("digits", count.to_string())])
            }
            found @ (Found::Answers(_) | Found::Error(_)) => found,
        }
    }

    fn choice(&self, field: &Field) -> Found {
        self.line(field, "required_choice", "choice.unknown", |text| {
            field.offered(self.context.today).any(|option| option.value == text).then(|| text.to_owned())
        })
    }

    fn image(&self, field: &Field) -> Found {
        if self.is_required(field) && !self.is_answered(field) {
            Found::error(field, field.key.clone(), "required_image")
        } else {
            Found::Answers(Vec::new())
        }
    }
}

impl Field {
    /// The options that are offered on a day.
    pub fn offered(&self, today: NaiveDate) -> impl Iterator<Item = &Choice> {
        let day = today.format("%Y-%m-%d").to_string();
        self.options.iter().filter(move |option| option.until.as_ref().is_none_or(|last| *last >= day))
    }
}

/// `１２３４ ５６７８－９０` → `1234567890`, where ten are wanted.
fn digits(text: &str, count: usize) -> Option<String> {
    let number: String =
        fold::half_width(text).chars().filter(|c| !c.is_whitespace() && !fold::is_hyphen(*c)).collect();
    (number.len() == count && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
}

/// `ＡＢ１２３４５６７８ＣＤ` → `AB12345678CD`.
fn residence_card(text: &str) -> Option<String> {
    let number: String =
        fold::half_width(text).to_uppercase().chars().filter(|c| !c.is_whitespace() && !fold::is_hyphen(*c)).collect();
    let shaped = number.len() == 12
        && number.char_indices().all(|(i, c)| match i {
            2..=9 => c.is_ascii_digit(),
            _ => c.is_ascii_uppercase(),
        });
    shaped.then_some(number)
}

#[cfg(test)]
mod tests;
