//! Three dependent selections from the tenant's tree: university or school, department, subject.

use super::{
    Field,
    validate::{Check, Found},
};

impl Check<'_> {
    /// Each level must be below the one before; a level without choices is left out, so a branch may end early.
    pub(super) fn affiliation(&self, field: &Field) -> Found {
        let mut answers = Vec::new();
        let mut above = "";
        let mut ended = false;
        for (level, input) in field.inputs().into_iter().enumerate() {
            let value = self.typed(&input);
            let mut below = self.context.affiliations.iter().filter(|a| a.parent == above).peekable();
            if ended || below.peek().is_none() {
                answers.push((input, String::new()));
                ended = true;
                continue;
            }
            if value.is_empty() {
                if self.is_required(field) || level > 0 {
                    return Found::error(field, input, "required_choice");
                }
                answers.push((input, String::new()));
                ended = true;
                continue;
            }
            match below.find(|a| a.code == value) {
                Some(chosen) => above = &chosen.code,
                None if self.context.affiliations.iter().any(|a| a.code == value) => {
                    return Found::error(field, input, "affiliation.mismatch");
                }
                None => return Found::error(field, input, "choice.unknown"),
            }
            answers.push((input, value.to_owned()));
        }
        Found::Answers(answers)
    }
}
