//! What a form is made of, asked in several ways.

use super::{Field, FieldKind, Form};
use crate::application::ApplicationKind;

impl Form {
    /// All fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.sections.iter().flat_map(|s| s.fields.iter())
    }

    /// The field of that key.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields().find(|f| f.key == key)
    }

    /// The fields that take an image: the slots of documents.
    pub fn images(&self) -> impl Iterator<Item = &Field> {
        self.fields().filter(|f| f.kind == FieldKind::Image)
    }

    /// The part that applications of a kind ask for.
    pub fn asked_for(&self, kind: ApplicationKind) -> Form {
        // one form, whether it says that there is an account or not
        let kind = match kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => ApplicationKind::Registration,
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => kind,
        };
        Form { sections: self.sections.iter().filter(|s| s.asked_for.contains(&kind)).cloned().collect() }
    }

    /// Whether applications of that kind ask for anything.
    pub fn asks_for(&self, kind: ApplicationKind) -> bool {
        !self.asked_for(kind).sections.is_empty()
    }

    /// The names of all inputs, in order; images included.
    pub fn inputs(&self) -> Vec<String> {
        self.fields().flat_map(Field::inputs).collect()
    }
}

impl Field {
    /// The names of its inputs, in order: one, or the parts of a composite field.
    pub fn inputs(&self) -> Vec<String> {
        let parts: &[&str] = match self.kind {
            FieldKind::Date => &["_year", "_month", "_day"],
            FieldKind::YearMonth => &["_year", "_month"],
            FieldKind::Affiliation => &["_1", "_2", "_3"],
            FieldKind::Text
            | FieldKind::Textarea
            | FieldKind::Name
            | FieldKind::Kana
            | FieldKind::Roman
            | FieldKind::Choice
            | FieldKind::StudentId
            | FieldKind::PostalCode
            | FieldKind::Prefecture
            | FieldKind::Phone
            | FieldKind::ConfirmedEmail
            | FieldKind::Image
            | FieldKind::ResidenceCard => &[""],
        };
        parts.iter().map(|part| format!("{}{part}", self.key)).collect()
    }
}
