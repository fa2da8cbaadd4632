//! A correction: the reviewer questioned some items; those are open, the others stay as they were.

use super::{Answers, Context, FieldError, Form, Validated};
use std::collections::BTreeSet;

/// Which fields of a form may be corrected.
#[derive(Debug, Clone)]
pub struct Correction<'a> {
    form: &'a Form,
    open: BTreeSet<&'a str>,
}

impl<'a> Correction<'a> {
    /// Opens the questioned fields (by key; unknown keys are ignored), and with them what hangs on them: the fields that a
    /// choice excludes, and the other of a pair of which one must be filled in.
    pub fn new<'k>(form: &'a Form, questioned: impl IntoIterator<Item = &'k str>) -> Self {
        let wanted: BTreeSet<&str> = questioned.into_iter().collect();
        let mut open: BTreeSet<&'a str> = BTreeSet::new();
        for field in form.fields() {
            let pair = field.or_field.as_ref().and_then(|key| form.field(key));
            if wanted.contains(field.key.as_str()) {
                open.insert(&field.key);
                let excluded = field.options.iter().flat_map(|o| &o.excludes).filter_map(|key| form.field(key));
                open.extend(excluded.chain(pair).map(|f| f.key.as_str()));
            } else if pair.is_some_and(|other| wanted.contains(other.key.as_str())) {
                open.insert(&field.key);
            }
        }
        Self { form, open }
    }

    /// Whether that field may be edited.
    pub fn is_open(&self, key: &str) -> bool {
        self.open.contains(key)
    }

    /// What was typed for the open fields over what stood before for the others. An open input that was not sent is empty.
    pub fn merge(&self, before: &Answers, typed: &Answers) -> Answers {
        let mut merged = before.clone();
        for input in self.form.fields().filter(|f| self.is_open(&f.key)).flat_map(|f| f.inputs()) {
            let value = typed.get(&input).cloned().unwrap_or_default();
            merged.insert(input, value);
        }
        merged
    }

    /// As [`Form::validate`], of the merged answers; only errors of open fields count. The others passed when they were
    /// handed in, and nobody can mend them here.
    ///
    /// # Errors
    /// Every open field that is wrong.
    pub fn validate(
        &self,
        before: &Answers,
        typed: &Answers,
        context: &Context<'_>,
    ) -> Result<Validated, Vec<FieldError>> {
        let (validated, mut errors) = self.form.examine(&self.merge(before, typed), context);
        for error in &mut errors {
            // of two months in the wrong order, the one that can be changed is named
            if error.code == "date.order" && !self.is_open(&error.field) && self.is_open("matriculation") {
                error.field = "matriculation".into();
                error.input = "matriculation_year".into();
            }
        }
        errors.retain(|error| self.is_open(&error.field));
        if errors.is_empty() { Ok(validated) } else { Err(errors) }
    }
}
