//! Kinds of user: who somebody is to the tenant decides which form they fill in, who approves it, what they log in with
//! and which tiles they may use. What a kind does not say is the tenant's.

use super::{Approval, LoginIdentifier, TenantSettings, Tile, UserIdPattern};
use crate::LocalText;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindOfUser {
    /// Stable key, kept with the account; also names the form, `forms/{key}.toml`.
    pub key: String,
    /// What people read.
    pub name: LocalText,
    /// Who that is, a sentence.
    #[serde(default)]
    pub description: LocalText,
    /// Whether they may register here.
    #[serde(default = "yes")]
    pub register: bool,
    /// Who decides on their applications; `registration.approval` when absent.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// Whether an outside authority must confirm their answers; `registration.verify_applicant` when absent.
    #[serde(default)]
    pub verify_applicant: Option<bool>,
    /// What they log in with; `login.identifier` when absent.
    #[serde(default)]
    pub identifier: Option<LoginIdentifier>,
    /// How their user IDs are made; `login.user_id_pattern` when absent.
    #[serde(default)]
    pub user_id_pattern: Option<String>,
}

fn yes() -> bool {
    true
}

/// What login IDs a tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginIds {
    /// Mail addresses.
    MailAddresses,
    /// User IDs.
    UserIds,
    /// Some kinds of user have the one, some the other.
    Both,
}

impl LoginIds {
    fn of(identifiers: impl Iterator<Item = LoginIdentifier>) -> Option<Self> {
        identifiers
            .map(|identifier| match identifier {
                LoginIdentifier::MailAddress => Self::MailAddresses,
                LoginIdentifier::UserId => Self::UserIds,
            })
            .reduce(|one, other| if one == other { one } else { Self::Both })
    }
}

impl TenantSettings {
    /// The kind of that key.
    pub fn kind(&self, key: &str) -> Option<&KindOfUser> {
        self.home.kinds_of_user.iter().find(|kind| kind.key == key)
    }

    /// The kinds that may register.
    pub fn registering_kinds(&self) -> impl Iterator<Item = &KindOfUser> {
        let open = self.registration.open;
        self.home.kinds_of_user.iter().filter(move |kind| open && kind.register)
    }

    /// Who decides on an application of that kind.
    pub fn approval_of(&self, kind: &str) -> Approval {
        self.kind(kind).and_then(|kind| kind.approval).unwrap_or(self.registration.approval)
    }

    /// Whether an outside authority must confirm the answers of that kind.
    pub fn verifies(&self, kind: &str) -> bool {
        self.kind(kind).and_then(|kind| kind.verify_applicant).unwrap_or(self.registration.verify_applicant)
    }

    /// Whether an outside authority must confirm the answers of anybody who may register.
    pub fn verifies_anybody(&self) -> bool {
        match self.home.kinds_of_user.as_slice() {
            [] => self.registration.open && self.registration.verify_applicant,
            _ => self.registering_kinds().any(|kind| self.verifies(&kind.key)),
        }
    }

    /// What that kind logs in with.
    pub fn identifier_of(&self, kind: &str) -> LoginIdentifier {
        self.kind(kind).and_then(|kind| kind.identifier).unwrap_or(self.login.identifier)
    }

    /// How that kind's user IDs are made; `None` where it logs in with mail addresses.
    pub fn user_id_pattern_of(&self, kind: &str) -> Option<UserIdPattern> {
        match self.identifier_of(kind) {
            LoginIdentifier::MailAddress => None,
            LoginIdentifier::UserId => {
                let own = self.kind(kind).and_then(|kind| kind.user_id_pattern.as_ref());
                own.or(self.login.user_id_pattern.as_ref())?.parse().ok()
            }
        }
    }

    /// Every pattern of the tenant's user IDs.
    pub fn user_id_patterns(&self) -> impl Iterator<Item = UserIdPattern> {
        let kinds = self.home.kinds_of_user.iter().filter_map(|kind| kind.user_id_pattern.as_deref());
        self.login.user_id_pattern.as_deref().into_iter().chain(kinds).filter_map(|pattern| pattern.parse().ok())
    }

    /// What login IDs there are.
    pub fn login_ids(&self) -> LoginIds {
        let kinds = self.home.kinds_of_user.iter().map(|kind| self.identifier_of(&kind.key));
        LoginIds::of(kinds).or_else(|| LoginIds::of(std::iter::once(self.login.identifier))).unwrap_or(LoginIds::Both)
    }

    /// The tiles that somebody of that kind may use.
    pub fn tiles_for(&self, kind: &str) -> impl Iterator<Item = &Tile> {
        self.home.tiles.iter().filter(move |tile| tile.is_for(kind))
    }
}

impl Tile {
    /// Whether somebody of that kind may use it.
    pub fn is_for(&self, kind: &str) -> bool {
        self.kinds_of_user.as_ref().is_none_or(|kinds| kinds.iter().any(|k| k == kind))
    }
}
