//! A session: that somebody authenticated in this browser, how, and until when it counts.

use crate::{
    Timestamp,
    id::{AccountId, SessionId},
    tenant::SessionPolicy,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a person was authenticated, told truthfully: two passwords are one factor, twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// When the last credential was verified (`auth_time`, OpenID Connect Core §2).
    pub at: Timestamp,
    /// Authentication context class (`acr`).
    pub acr: Acr,
}

/// The authentication context classes that we give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Acr {
    /// One password.
    #[serde(rename = "urn:madoguchi:acr:password")]
    Password,
    /// Two passwords: more to know, still one factor.
    #[serde(rename = "urn:madoguchi:acr:two-passwords")]
    TwoPasswords,
}

impl Acr {
    /// All, weakest first.
    pub const ALL: [Acr; 2] = [Acr::Password, Acr::TwoPasswords];

    /// The value for tokens and `acr_values`.
    pub fn as_str(self) -> &'static str {
        match self {
            Acr::Password => "urn:madoguchi:acr:password",
            Acr::TwoPasswords => "urn:madoguchi:acr:two-passwords",
        }
    }

    /// The class of that value.
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == value)
    }

    /// The methods behind it (`amr`, RFC 8176).
    pub fn amr(self) -> &'static [&'static str] {
        match self {
            Acr::Password | Acr::TwoPasswords => &["pwd"],
        }
    }
}

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name; not the cookie's value.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// How and when the person authenticated.
    pub authentication: Authentication,
    /// When it began.
    pub created_at: Timestamp,
    /// The last request seen; written at most once in [`SEEN_GRAIN`].
    pub last_seen_at: Timestamp,
    /// The absolute end.
    pub expires_at: Timestamp,
    /// Whether, when it began, there were terms in force that the account had not agreed to, and has not since.
    pub terms_due: bool,
}

/// How exactly the last request is known. What is not known counts for the person: a session never ends before its idle
/// time is over, and at most so much later.
pub const SEEN_GRAIN: Duration = Duration::from_secs(5);

/// Why a session no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// No request for the tenant's idle time.
    Idle,
    /// The absolute time is over.
    Expired,
}

impl Session {
    /// Whether the session still counts at `now`.
    pub fn check(&self, now: Timestamp, policy: &SessionPolicy) -> Result<(), SessionEnd> {
        if now >= self.expires_at {
            Err(SessionEnd::Expired)
        } else if now.since(self.last_seen_at) >= policy.idle.duration() + SEEN_GRAIN {
            Err(SessionEnd::Idle)
        } else {
            Ok(())
        }
    }
}
