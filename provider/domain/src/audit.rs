//! The audit log's vocabulary: who did what to what. Append only; never a secret, never an image.

use crate::{Timestamp, id::AccountId};
use serde::{Deserialize, Serialize};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody not signed in: an applicant, a person logging in.
    Visitor,
    /// An account.
    Account(AccountId),
    /// The command line; the operating system's user is recorded.
    Operator(String),
    /// A background task.
    System,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A tenant's configuration became another version.
    TenantApplied,
    /// A client was registered or changed.
    ClientRegistered,
    /// A new signing key.
    KeyRotated,
    /// The roster was imported.
    RosterImported,
    /// An account was made by an administrator.
    AccountCreated,
    /// A lock was lifted.
    AccountUnlocked,
    /// Too many failures locked an identifier.
    AccountLocked,
    /// Staff at the counter opened somebody's account.
    AccountViewed,
    /// Staff at the counter told somebody their user ID.
    UserIdTold,
    /// Somebody signed in.
    SignedIn,
    /// Somebody signed out.
    SignedOut,
    /// Own credentials were set.
    CredentialsSet,
    /// A link to set new passwords was asked for.
    RecoveryRequested,
    /// New passwords were set by such a link.
    PasswordsReset,
    /// A password was changed by its owner.
    PasswordChanged,
    /// Another mail address was asked for.
    MailChangeRequested,
    /// The mail address was changed by its owner.
    MailChanged,
    /// A change of the mail address was taken back from the old address.
    MailRestored,
    /// Sessions were ended by their owner from another one.
    SessionsEnded,
    /// The owner took back what an application may see.
    ApplicationDisconnected,
    /// The owner took a copy of their data.
    OwnDataTaken,
    /// A registration link was asked for.
    RegistrationRequested,
    /// Terms were accepted.
    TermsAccepted,
    /// An application was handed in, or handed in again.
    ApplicationSubmitted,
    /// A reviewer opened an application.
    ApplicationViewed,
    /// A reviewer looked at a document's image.
    DocumentViewed,
    /// An application was decided.
    ApplicationDecided,
    /// A document's image was deleted after its time.
    DocumentDeleted,
    /// The match of a reapplication with an account was taken back.
    MatchUndone,
    /// An applicant withdrew an application.
    ApplicationWithdrawn,
    /// A link to add a student ID number was asked for.
    EnrolmentRequested,
    /// Somebody changed their own data.
    ProfileChanged,
    /// An application was deleted after its time.
    ApplicationDeleted,
    /// The beginning of this log was deleted after its time.
    AuditTrimmed,
    /// Consent to a client.
    ConsentGiven,
    /// A refresh token was used twice; its family was revoked.
    TokenReuseDetected,
    /// A client gave back a token.
    TokenRevoked,
}

impl Action {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::TenantApplied => "tenant_applied",
            Action::ClientRegistered => "client_registered",
            Action::KeyRotated => "key_rotated",
            Action::RosterImported => "roster_imported",
            Action::AccountCreated => "account_created",
            Action::AccountUnlocked => "account_unlocked",
            Action::AccountLocked => "account_locked",
            Action::AccountViewed => "account_viewed",
            Action::UserIdTold => "user_id_told",
            Action::SignedIn => "signed_in",
            Action::SignedOut => "signed_out",
            Action::CredentialsSet => "credentials_set",
            Action::RecoveryRequested => "recovery_requested",
            Action::PasswordsReset => "passwords_reset",
            Action::PasswordChanged => "password_changed",
            Action::MailChangeRequested => "mail_change_requested",
            Action::MailChanged => "mail_changed",
            Action::MailRestored => "mail_restored",
            Action::SessionsEnded => "sessions_ended",
            Action::ApplicationDisconnected => "application_disconnected",
            Action::OwnDataTaken => "own_data_taken",
            Action::RegistrationRequested => "registration_requested",
            Action::TermsAccepted => "terms_accepted",
            Action::ApplicationSubmitted => "application_submitted",
            Action::ApplicationViewed => "application_viewed",
            Action::DocumentViewed => "document_viewed",
            Action::ApplicationDecided => "application_decided",
            Action::DocumentDeleted => "document_deleted",
            Action::MatchUndone => "match_undone",
            Action::ApplicationWithdrawn => "application_withdrawn",
            Action::EnrolmentRequested => "enrolment_requested",
            Action::ProfileChanged => "profile_changed",
            Action::ApplicationDeleted => "application_deleted",
            Action::AuditTrimmed => "audit_trimmed",
            Action::ConsentGiven => "consent_given",
            Action::TokenReuseDetected => "token_reuse_detected",
            Action::TokenRevoked => "token_revoked",
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what: an id.
    pub subject: String,
    /// More of it, as JSON.
    pub detail: serde_json::Value,
    /// The address that the request came from, where there was one.
    pub source_ip: Option<String>,
}
