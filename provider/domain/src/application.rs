//! An application: what it may become, and who may make it so.
//!
//! ```text
//! draft ──submit──▶ submitted(v) ──approve──────▶ approved
//!                     │  ▲  │ ▲  ├──reject──▶ rejected      │
//!              ask for│  │  │ └──── take back (v+1) ─────────┘
//!          correction ▼  │submit (v+1)
//!           correction_requested
//! ```
//!
//! Until it is decided, whoever has an account may withdraw an application of theirs. An approval that moved the wrong
//! account can be taken back: the application waits for another decision, as another version.

use crate::{
    EmailAddress, Entropy, Locale, Timestamp,
    form::Answers,
    id::{self, AccountId, ApplicationId, DocumentId},
    japan::fold,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an application is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationKind {
    /// An account.
    Registration,
    /// The account that the person has, at another mail address.
    Reapplication,
    /// One more stay at the institution, with its student ID number.
    Enrolment,
    /// Another name, another date of birth: facts of the account that are reviewed.
    ProfileChange,
}

impl ApplicationKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Registration, Self::Reapplication, Self::Enrolment, Self::ProfileChange];
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "new",
            Self::Reapplication => "reapplication",
            Self::Enrolment => "enrolment",
            Self::ProfileChange => "profile_change",
        }
    }
    /// From the database.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
    /// What somebody without an account applies for, by the answer to `application_type`.
    pub fn of_answers(answers: &Answers) -> Self {
        match answers.get("application_type").map(String::as_str) {
            Some("reapplication") => Self::Reapplication,
            Some(_) | None => Self::Registration,
        }
    }
}
/// The kind of user is kept among an application's answers under this name; no form has such an input.
pub const KIND_OF_USER: &str = "kind_of_user";

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationState {
    /// Waits for a decision.
    Submitted,
    /// Waits for the applicant's correction.
    CorrectionRequested,
    /// Became an account, or was added to one.
    Approved,
    /// Was turned down.
    Rejected,
    /// Was taken back by the applicant.
    Withdrawn,
}

impl ApplicationState {
    /// Every state, in the order of life.
    pub const ALL: [Self; 5] =
        [Self::Submitted, Self::CorrectionRequested, Self::Approved, Self::Rejected, Self::Withdrawn];
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::CorrectionRequested => "correction_requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
    /// Whether somebody still has to do something about it.
    pub fn is_open(self) -> bool {
        match self {
            Self::Submitted | Self::CorrectionRequested => true,
            Self::Approved | Self::Rejected | Self::Withdrawn => false,
        }
    }
    /// From the database.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What a reviewer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The person is who they say; there will be an account.
    Approve,
    /// No, with a reason.
    Reject,
    /// Chosen items are to be corrected.
    RequestCorrection,
}

impl Verdict {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::RequestCorrection => "request_correction",
        }
    }
}

/// Why a transition is not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The application is decided, or waits for its applicant.
    #[error("the application is {0:?}; that cannot be done with it now")]
    WrongState(ApplicationState),
    /// The reviewer looked at a version that is not the latest.
    #[error("version {seen} was seen, but the application is at version {current}")]
    Stale {
        /// What the reviewer saw.
        seen: i64,
        /// What stands now.
        current: i64,
    },
    /// Nobody decides on an application of their own.
    #[error("nobody decides on their own application")]
    OwnApplication,
}

/// The part of an application that transitions look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// Where it stands.
    pub state: ApplicationState,
    /// Counts submissions, from 1.
    pub version: i64,
}

impl Lifecycle {
    /// A first submission.
    pub fn submitted() -> Self {
        Self { state: ApplicationState::Submitted, version: 1 }
    }

    /// A decision by a reviewer who saw `seen_version`. `own` says whether reviewer and applicant are one person.
    pub fn decide(self, verdict: Verdict, seen_version: i64, own: bool) -> Result<Self, TransitionError> {
        if own {
            return Err(TransitionError::OwnApplication);
        }
        if seen_version != self.version {
            return Err(TransitionError::Stale { seen: seen_version, current: self.version });
        }
        match self.state {
            ApplicationState::Submitted => Ok(Self {
                state: match verdict {
                    Verdict::Approve => ApplicationState::Approved,
                    Verdict::Reject => ApplicationState::Rejected,
                    Verdict::RequestCorrection => ApplicationState::CorrectionRequested,
                },
                version: self.version,
            }),
            ApplicationState::CorrectionRequested
            | ApplicationState::Approved
            | ApplicationState::Rejected
            | ApplicationState::Withdrawn => Err(TransitionError::WrongState(self.state)),
        }
    }

    /// The applicant hands it in again.
    pub fn resubmit(self) -> Result<Self, TransitionError> {
        match self.state {
            ApplicationState::CorrectionRequested => {
                Ok(Self { state: ApplicationState::Submitted, version: self.version + 1 })
            }
            ApplicationState::Submitted
            | ApplicationState::Approved
            | ApplicationState::Rejected
            | ApplicationState::Withdrawn => Err(TransitionError::WrongState(self.state)),
        }
    }

    /// The applicant does not want it any more.
    pub fn withdraw(self) -> Result<Self, TransitionError> {
        match self.state {
            ApplicationState::Submitted | ApplicationState::CorrectionRequested => {
                Ok(Self { state: ApplicationState::Withdrawn, version: self.version })
            }
            ApplicationState::Approved | ApplicationState::Rejected | ApplicationState::Withdrawn => {
                Err(TransitionError::WrongState(self.state))
            }
        }
    }

    /// An approval is taken back; the application waits to be decided anew.
    pub fn reopen(self) -> Result<Self, TransitionError> {
        match self.state {
            ApplicationState::Approved => Ok(Self { state: ApplicationState::Submitted, version: self.version + 1 }),
            ApplicationState::Submitted
            | ApplicationState::CorrectionRequested
            | ApplicationState::Rejected
            | ApplicationState::Withdrawn => Err(TransitionError::WrongState(self.state)),
        }
    }
}

/// A reference number: ten characters of Crockford's base 32 (50 bits) in groups, `K7Q2-M9XD-4T`. It names an application
/// to people and opens nothing.
pub fn new_reference(entropy: &dyn Entropy) -> String {
    let text = crate::random::text(entropy, id::ALPHABET, 10).to_uppercase();
    grouped(&text)
}

/// A reference number as somebody types or reads it out: any case, width and spacing, `O` for `0`, `I` and `L` for `1`.
pub fn parse_reference(typed: &str) -> Option<String> {
    let text: String = fold::half_width(typed)
        .to_uppercase()
        .chars()
        .filter(|c| !c.is_whitespace() && !fold::is_hyphen(*c))
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect();
    let known = |c: char| c.is_ascii() && id::ALPHABET.iter().any(|a| char::from(*a).to_ascii_uppercase() == c);
    (text.len() == 10 && text.chars().all(known)).then(|| grouped(&text))
}

fn grouped(text: &str) -> String {
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}-{}-{}", part(0, 4), part(4, 8), part(8, 10))
}

/// An application as handed in.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// Its name inside.
    pub id: ApplicationId,
    /// What people say over the phone: `K7Q2-M9XD-4T` ([`new_reference`]).
    pub reference: String,
    /// What it is for.
    pub kind: ApplicationKind,
    /// State and version.
    pub lifecycle: Lifecycle,
    /// The confirmed address.
    pub email: EmailAddress,
    /// The language of its mails.
    pub locale: Locale,
    /// What was typed, by field key.
    pub answers: Answers,
    /// Its images, by field key (`document_front`, `document_back`).
    pub documents: BTreeMap<String, DocumentId>,
    /// The account that applies, or that it became or was added to.
    pub account: Option<AccountId>,
    /// The relying party that the applicant came from; its login is started by the result mail.
    pub return_client: Option<String>,
    /// Version of the terms that were accepted, and when.
    pub terms: (String, Timestamp),
    /// First handed in.
    pub created_at: Timestamp,
    /// Last handed in.
    pub submitted_at: Timestamp,
    /// Decided.
    pub decided_at: Option<Timestamp>,
}

impl Application {
    /// The kind of user that applied; empty where nobody was asked for one.
    pub fn kind_of_user(&self) -> &str {
        self.answers.get(KIND_OF_USER).map_or("", String::as_str)
    }
}

/// What a decision said, once per version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Of which application.
    pub application: ApplicationId,
    /// Of which submission.
    pub version: i64,
    /// What.
    pub verdict: Verdict,
    /// By whom.
    pub reviewer: AccountId,
    /// The reason, in the applicant's language; empty for an approval.
    pub reason: String,
    /// What to correct: a note for each field key.
    pub notes: BTreeMap<String, String>,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests;
