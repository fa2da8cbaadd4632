//! One mechanism for everything that may be used once: links in mails and tickets between pages.

use crate::{Timestamp, TokenHash};

/// What a one-time secret is for; part of its key, so one of another purpose is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The link that proves a mail address before an application. Subject: the canonical address.
    Registration,
    /// The link that reopens an application for correction. Subject: the application's id.
    Resubmission,
    /// Between a login with the initial password, or the mail with a URL in its place, and the setting of the own
    /// passwords. Subject: the account's id.
    SetCredentials,
    /// The link by which somebody who forgot sets new passwords. Subject: the account's id.
    Recovery,
    /// The link that proves a new mail address. Subject: the account's id.
    MailChange,
    /// The link by which the owner of the old address takes a change back. Subject: the account's id.
    MailUndo,
    /// The link that opens the application for one more student ID number. Subject: the account's id.
    Enrolment,
    /// `jti` of a client's assertion (RFC 7523 §3). Subject: the client's id.
    ClientAssertion,
    /// An authorization request that a client pushed (RFC 9126 §2.2). Subject: the client's id.
    PushedRequest,
    /// A token that clients may be registered with until it expires (RFC 7591 §1.2). Subject: who made it.
    InitialAccess,
    /// A client's own token for its registration (RFC 7592 §3). Subject: the client's id.
    ClientManagement,
}

impl Purpose {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Registration => "registration",
            Purpose::Resubmission => "resubmission",
            Purpose::SetCredentials => "set_credentials",
            Purpose::Recovery => "recovery",
            Purpose::MailChange => "mail_change",
            Purpose::MailUndo => "mail_undo",
            Purpose::Enrolment => "enrolment",
            Purpose::ClientAssertion => "client_assertion",
            Purpose::PushedRequest => "pushed_request",
            Purpose::InitialAccess => "initial_access",
            Purpose::ClientManagement => "client_management",
        }
    }
}

/// A one-time secret as stored.
#[derive(Debug, Clone)]
pub struct OneTime {
    /// What it is for.
    pub purpose: Purpose,
    /// The hash of the secret.
    pub token_hash: TokenHash,
    /// Whom or what it is about.
    pub subject: String,
    /// What else must be known when it is used (JSON).
    pub payload: serde_json::Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
    /// When something else ended it: a newer link, a changed password.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a one-time secret can still be used, and if not, why; the page says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneTimeState {
    /// It can.
    Usable,
    /// Too late.
    Expired,
    /// It was used.
    Consumed,
    /// Something newer took its place.
    Superseded,
}

impl OneTime {
    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> OneTimeState {
        if self.consumed_at.is_some() {
            OneTimeState::Consumed
        } else if self.revoked_at.is_some() {
            OneTimeState::Superseded
        } else if now >= self.expires_at {
            OneTimeState::Expired
        } else {
            OneTimeState::Usable
        }
    }
}
