//! Answers that passed, and what is made of them.

use super::{Answers, dates};
use crate::{
    account::{Address, EnrolmentFacts, Profile},
    japan::{id_key, kana_key, postal, search_key},
};
use std::collections::BTreeMap;

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
    /// [`search_key`] of the name.
    pub name_key: String,
    /// [`kana_key`] of the name in katakana.
    pub kana_key: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// [`id_key`] of the student ID number.
    pub student_id_key: String,
}

impl Validated {
    /// From the answers of a stored application (they passed once).
    pub fn stored(answers: Answers, kind_of_user: &str) -> Self {
        Self { typed: answers.clone(), answers, kind_of_user: kind_of_user.to_owned() }
    }

    fn answer(&self, key: &str) -> &str {
        self.answers.get(key).map_or("", String::as_str)
    }

    fn kept(&self, key: &str) -> String {
        self.answer(key).to_owned()
    }

    fn birth_date(&self) -> String {
        dates::joined(&self.answers, "birth_date", &["_year", "_month", "_day"])
    }

    /// The keys to search by.
    pub fn search_keys(&self) -> SearchKeys {
        let name = if self.answer("name").is_empty() { self.answer("name_roman") } else { self.answer("name") };
        SearchKeys {
            name_key: search_key(name),
            kana_key: kana_key(self.answer("name_kana")),
            birth_date: self.birth_date(),
            student_id_key: id_key(self.answer("student_id")),
        }
    }

    /// The person, from the standard keys. The name in Latin letters is the present one where it was asked; else the one
    /// at school, if the name is still the same.
    pub fn profile(&self) -> Profile {
        let same_name = search_key(self.answer("name")) == search_key(self.answer("school_name"));
        let name_roman = match self.answer("name_roman") {
            "" if same_name => self.kept("school_name_roman"),
            own => own.to_owned(),
        };
        Profile {
            name: if self.answer("name").is_empty() { self.kept("name_roman") } else { self.kept("name") },
            name_kana: self.kept("name_kana"),
            name_roman,
            birth_date: self.birth_date(),
            address: Address {
                postal_code: postal::parse(self.answer("postal_code")).unwrap_or_default(),
                prefecture: self.kept("prefecture"),
                city: self.kept("city"),
                street: self.kept("street"),
                building: self.kept("building"),
            },
            phone: self.kept("phone"),
            cell_phone: self.kept("cell_phone"),
            kind_of_user: self.kind_of_user.clone(),
            more: BTreeMap::new(),
            verified: BTreeMap::new(),
            claims: BTreeMap::new(),
        }
    }

    /// The stay at the institution, from the standard keys: the student ID number (perhaps empty) and the rest. `None` when
    /// nothing of it was answered.
    pub fn enrolment(&self) -> Option<(String, EnrolmentFacts)> {
        let month = |key| dates::joined(&self.answers, key, &["_year", "_month"]);
        let affiliation: Vec<String> = ["affiliation_1", "affiliation_2", "affiliation_3"]
            .into_iter()
            .map(|key| self.kept(key))
            .take_while(|code| !code.is_empty())
            .collect();
        let facts = EnrolmentFacts {
            school_name: self.kept("school_name"),
            school_name_kana: self.kept("school_name_kana"),
            school_name_roman: self.kept("school_name_roman"),
            affiliation,
            degree_program: self.kept("degree_program"),
            matriculation: month("matriculation"),
            graduation: month("graduation"),
            outcome: self.kept("outcome"),
        };
        let student_id = self.kept("student_id");
        (!student_id.is_empty() || facts != EnrolmentFacts::default()).then_some((student_id, facts))
    }
}
