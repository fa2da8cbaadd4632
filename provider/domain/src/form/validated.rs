//! Answers that passed, and what is made of them.

use super::Answers;
use crate::account::{EnrolmentFacts, Profile};

/// Answers that passed [`Form::validate`](super::Form::validate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// Folded, as the check page shows them and as they are kept.
    pub answers: Answers,
    /// As typed, the form's own inputs only.
    pub typed: Answers,
    /// The kind of user that applied.
    pub kind_of_user: String,
}

/// What applications and rosters are searched by; empty where it was not asked or not answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchKeys {
    /// [`search_key`](crate::japan::search_key) of the name.
    pub name_key: String,
    /// [`kana_key`](crate::japan::kana_key) of the name in katakana.
    pub kana_key: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// [`id_key`](crate::japan::id_key) of the student ID number.
    pub student_id_key: String,
}

impl Validated {
    /// From the answers of a stored application (they passed once).
    pub fn stored(answers: Answers, kind_of_user: &str) -> Self {
        Self { typed: answers.clone(), answers, kind_of_user: kind_of_user.to_owned() }
    }

    /// The keys to search by.
    pub fn search_keys(&self) -> SearchKeys {
        SearchKeys::default()
    }

    /// The person, from the standard keys.
    pub fn profile(&self) -> Profile {
        Profile::default()
    }

    /// The stay at the institution, from the standard keys; `None` when the form asks for nothing of it.
    pub fn enrolment(&self) -> Option<(String, EnrolmentFacts)> {
        None
    }
}
