//! How a fact about a person came to be known: by what evidence, when, by whom, through which application.
//!
//! A fact is verified from the approval of an application until it is changed. While a change of it is being checked the
//! verification is suspended: the person has said that it is no longer right. What is kept is what `verified_claims` of
//! OpenID Connect for Identity Assurance would be made from: evidence, time, process.

use crate::{
    Timestamp,
    account::Profile,
    id::{AccountId, ApplicationId},
};
use serde::{Deserialize, Serialize};

/// What an approval rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A member of staff looked at the image of a document.
    Document,
    /// The institution's own records have exactly this person.
    Roster,
    /// An outside authority confirmed the answers.
    Authority,
    /// A member of staff saw papers or other records, none of which are kept here.
    Counter,
}

impl Evidence {
    /// Stable name, for texts and claims.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Roster => "roster",
            Self::Authority => "authority",
            Self::Counter => "counter",
        }
    }
}

/// How one fact was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// What it rests on; at least one.
    pub evidence: Vec<Evidence>,
    /// The kind of document that was looked at (a choice of the tenant's form), empty for none.
    #[serde(default)]
    pub document: String,
    /// When it was decided.
    pub at: Timestamp,
    /// By which application; none for an account made by an administrator.
    #[serde(default)]
    pub application: Option<ApplicationId>,
    /// Who decided; none where the institution's records alone did.
    #[serde(default)]
    pub by: Option<AccountId>,
    /// The application that wants to change the fact and is not decided.
    #[serde(default)]
    pub suspended_by: Option<ApplicationId>,
}

/// Facts that documents and records speak of; keys of fields. Others are the person's own word.
pub const REVIEWED_FACTS: [&str; 4] = ["name", "name_kana", "name_roman", "birth_date"];

/// Whether a field holds a fact that is verified by review.
pub fn is_reviewed(key: &str) -> bool {
    REVIEWED_FACTS.contains(&key)
}

impl Profile {
    /// What a reviewed fact says; empty for other keys.
    pub fn fact(&self, key: &str) -> &str {
        match key {
            "name" => &self.name,
            "name_kana" => &self.name_kana,
            "name_roman" => &self.name_roman,
            "birth_date" => &self.birth_date,
            _ => "",
        }
    }

    /// How a fact was verified, if it is now.
    pub fn verified(&self, key: &str) -> Option<&Verification> {
        self.verified.get(key).filter(|v| v.suspended_by.is_none())
    }

    /// Marks every reviewed fact that stands among `keys` and says something.
    pub fn verify<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>, how: &Verification) {
        for key in keys.into_iter().filter(|key| is_reviewed(key)) {
            if !self.fact(key).is_empty() {
                self.verified.insert(key.to_owned(), how.clone());
            }
        }
    }

    /// Drops the verification of changed facts.
    pub fn unverify<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) {
        for key in keys {
            self.verified.remove(key);
        }
    }

    /// A change of these facts waits for a decision: none of them counts as verified meanwhile.
    pub fn suspend<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>, by: &ApplicationId) {
        for key in keys {
            if let Some(verification) = self.verified.get_mut(key) {
                verification.suspended_by = Some(by.clone());
            }
        }
    }

    /// The change was rejected or withdrawn: what was verified before is again. Whether anything was.
    pub fn release(&mut self, by: &ApplicationId) -> bool {
        let mut any = false;
        for verification in self.verified.values_mut().filter(|v| v.suspended_by.as_ref() == Some(by)) {
            verification.suspended_by = None;
            any = true;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Verification {
        Verification {
            evidence: vec![Evidence::Document],
            document: "passport".into(),
            at: Timestamp(1),
            application: None,
            by: None,
            suspended_by: None,
        }
    }

    #[test]
    fn only_reviewed_facts_that_say_something_are_verified() {
        let mut profile = Profile { name: "山田 太郎".into(), phone: "03-1234-5678".into(), ..Profile::default() };
        profile.verify(["name", "birth_date", "phone"], &seen());
        assert!(profile.verified("name").is_some());
        assert!(profile.verified("birth_date").is_none() && profile.verified("phone").is_none());
    }

    #[test]
    fn a_waiting_change_suspends_and_its_end_releases_or_replaces() {
        let mut profile =
            Profile { name: "山田 太郎".into(), birth_date: "1990-04-02".into(), ..Profile::default() };
        profile.verify(REVIEWED_FACTS, &seen());
        let change = ApplicationId::known("app_1");
        profile.suspend(["name"], &change);
        assert!(profile.verified("name").is_none() && profile.verified("birth_date").is_some());
        assert!(!profile.release(&ApplicationId::known("app_2")));
        assert!(profile.verified("name").is_none());
        assert!(profile.release(&change));
        assert!(profile.verified("name").is_some());
        profile.unverify(["name"]);
        assert!(profile.verified("name").is_none());
    }
}
