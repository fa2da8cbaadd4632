//! Every mail that is sent: its kind, and all that its text may say.

use crate::{Timestamp, id::MailId};
use serde::Serialize;

/// A mail to be written in the recipient's language by the theme's template `mail/{name}.txt`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum MailKind {
    /// The link that proves the address and opens the application.
    VerifyAddress {
        /// The one-time URL.
        url: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Somebody (perhaps the owner) asked to register an address that has an account.
    AlreadyRegistered {
        /// The login page.
        login_url: String,
    },
    /// An application was received.
    ApplicationReceived {
        /// Its reference number.
        reference: String,
        /// Expected working days.
        expected_days: u32,
        /// The day by which they have passed, `YYYY-MM-DD`.
        expected_on: String,
    },
    /// Accepted: how to log in for the first time.
    Accepted {
        /// Name of the person.
        name: String,
        /// Reference number.
        reference: String,
        /// What to type as login ID.
        login_id: String,
        /// What opens the setting of the own passwords.
        #[serde(flatten)]
        entry: FirstEntry,
        /// Until when that works.
        expires_at: Timestamp,
        /// "Log in here": starts the login of the application that the person came from, or the tenant's own.
        login_url: String,
        /// Whether the login page has a second password, to be left empty.
        second_password: bool,
    },
    /// Rejected.
    Rejected {
        /// Name of the person.
        name: String,
        /// Reference number.
        reference: String,
        /// Why.
        reason: String,
    },
    /// Something is to be corrected.
    Resubmission {
        /// Name of the person.
        name: String,
        /// Reference number.
        reference: String,
        /// A sentence to the applicant.
        reason: String,
        /// Label and note of each item to correct.
        items: Vec<(String, String)>,
        /// The one-time URL that reopens the form.
        url: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Passwords were set.
    CredentialsSet {
        /// When.
        at: Timestamp,
    },
    /// The link by which somebody who forgot sets new passwords. Nothing has changed yet, and the mail says so.
    RecoveryLink {
        /// The one-time URL.
        url: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// New passwords were set by a recovery link; all sessions ended.
    PasswordsReset {
        /// When.
        at: Timestamp,
    },
    /// To the address that an account had: it moved to another one by an approved reapplication.
    AddressMoved {
        /// When.
        at: Timestamp,
        /// Reference number of the reapplication.
        reference: String,
    },
    /// A password was changed by its owner.
    PasswordChanged {
        /// When.
        at: Timestamp,
        /// Whether it was the second password.
        second: bool,
    },
    /// To a new mail address: the link that proves it. Nothing has changed yet.
    MailChangeLink {
        /// The one-time URL.
        url: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// To an address that has an account: somebody wanted to move another account there.
    AddressInUse {
        /// The login page.
        login_url: String,
    },
    /// To the address in force: a change to another one was asked for. Nothing has changed yet.
    MailChangeAsked {
        /// When.
        at: Timestamp,
    },
    /// To the address that was in force: it is not any more.
    MailChanged {
        /// When.
        at: Timestamp,
        /// The one-time URL that takes it back.
        undo_url: String,
        /// Until when.
        undo_until: Timestamp,
    },
    /// To the address that is in force from now on.
    MailSet {
        /// When.
        at: Timestamp,
        /// What to log in with from now on, where that is the address.
        login_id: Option<String>,
    },
    /// To both addresses: a change was taken back.
    MailRestored {
        /// When.
        at: Timestamp,
    },
    /// To somebody whose account goes back to this address: the reapplication that moved it was matched to it by mistake.
    AccountReturned {
        /// Name of the person.
        name: String,
        /// What to type as login ID.
        login_id: String,
        /// What opens the setting of the own passwords.
        #[serde(flatten)]
        entry: FirstEntry,
        /// Until when that works.
        expires_at: Timestamp,
        /// The login page.
        login_url: String,
        /// Whether the login page has a second password, to be left empty.
        second_password: bool,
    },
    /// To an applicant whose reapplication was matched to another person's account: it is checked again.
    MatchUndone {
        /// Name of the person.
        name: String,
        /// Reference number.
        reference: String,
    },
    /// The link that opens the application for one more student ID number.
    EnrolmentLink {
        /// The one-time URL.
        url: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// A student ID number was added to the account.
    EnrolmentAdded {
        /// Name of the person.
        name: String,
        /// Reference number.
        reference: String,
        /// The number; may be empty.
        student_id: String,
        /// The login page.
        login_url: String,
    },
    /// An approved change of the person's data took effect.
    ProfileChanged {
        /// Name of the person, as it is now.
        name: String,
        /// Reference number.
        reference: String,
        /// Labels of what changed.
        items: Vec<String>,
    },
    /// Too many failed logins.
    AccountLocked {
        /// Until when; none when staff must unlock.
        until: Option<Timestamp>,
    },
    /// Staff at the counter lifted the lock, after checking who stood there.
    AccountUnlocked {
        /// When.
        at: Timestamp,
    },
    /// Staff at the counter told the user ID, after checking who stood there.
    UserIdTold {
        /// When.
        at: Timestamp,
    },
}

/// How somebody who was accepted gets in for the first time; the tenant's `initial_credential.kind`. In the template it
/// is `mail.initial_password` or `mail.setting_url`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstEntry {
    /// The initial password, to log in with.
    InitialPassword(String),
    /// The one-time URL of the page that sets the passwords.
    SettingUrl(String),
}

impl MailKind {
    /// The template's name.
    pub fn name(&self) -> &'static str {
        match self {
            MailKind::VerifyAddress { .. } => "verify_address",
            MailKind::AlreadyRegistered { .. } => "already_registered",
            MailKind::ApplicationReceived { .. } => "application_received",
            MailKind::Accepted { .. } => "accepted",
            MailKind::Rejected { .. } => "rejected",
            MailKind::Resubmission { .. } => "resubmission",
            MailKind::CredentialsSet { .. } => "credentials_set",
            MailKind::RecoveryLink { .. } => "recovery_link",
            MailKind::PasswordsReset { .. } => "passwords_reset",
            MailKind::AddressMoved { .. } => "address_moved",
            MailKind::PasswordChanged { .. } => "password_changed",
            MailKind::MailChangeLink { .. } => "mail_change_link",
            MailKind::AddressInUse { .. } => "address_in_use",
            MailKind::MailChangeAsked { .. } => "mail_change_asked",
            MailKind::MailChanged { .. } => "mail_changed",
            MailKind::MailSet { .. } => "mail_set",
            MailKind::MailRestored { .. } => "mail_restored",
            MailKind::AccountReturned { .. } => "account_returned",
            MailKind::MatchUndone { .. } => "match_undone",
            MailKind::EnrolmentLink { .. } => "enrolment_link",
            MailKind::EnrolmentAdded { .. } => "enrolment_added",
            MailKind::ProfileChanged { .. } => "profile_changed",
            MailKind::AccountLocked { .. } => "account_locked",
            MailKind::AccountUnlocked { .. } => "account_unlocked",
            MailKind::UserIdTold { .. } => "user_id_told",
        }
    }

    /// One of each, for previews and tests.
    pub fn samples() -> Vec<Self> {
        let at = Timestamp(1_795_320_300);
        let url = "https://id.example.ac.jp/t/certificate/register/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM"
            .to_owned();
        let login_url = "https://certificate.example.ac.jp/login".to_owned();
        let (name, reference) = ("山田 太郎".to_owned(), "K7Q2-M9XD-4T".to_owned());
        vec![
            Self::VerifyAddress { url: url.clone(), expires_at: at },
            Self::AlreadyRegistered { login_url: login_url.clone() },
            Self::ApplicationReceived { reference: reference.clone(), expected_days: 2, expected_on: "2026-11-25".into() },
            Self::Accepted {
                name: name.clone(),
                reference: reference.clone(),
                login_id: "taro@example.jp".into(),
                entry: FirstEntry::InitialPassword("Q7mZ4kT9wHs3".into()),
                expires_at: at,
                login_url,
                second_password: true,
            },
            Self::Accepted {
                name: name.clone(),
                reference: reference.clone(),
                login_id: "RZ48201937".into(),
                entry: FirstEntry::SettingUrl(
                    "https://id.example.ac.jp/t/residence/password-setting/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM"
                        .into(),
                ),
                expires_at: at,
                login_url: "https://id.example.ac.jp/t/residence/login".into(),
                second_password: false,
            },
            Self::Rejected {
                name: name.clone(),
                reference: reference.clone(),
                reason: "名簿に記録がありません。".into(),
            },
            Self::Resubmission {
                name,
                reference: reference.clone(),
                reason: "次の項目を直してください。".into(),
                items: vec![("本人確認書類（表）".into(), "文字が読めません。撮り直してください。".into())],
                url,
                expires_at: at,
            },
            Self::CredentialsSet { at },
            Self::RecoveryLink {
                url: "https://id.example.ac.jp/t/certificate/forgot/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM".into(),
                expires_at: at,
            },
            Self::PasswordsReset { at },
            Self::AddressMoved { at, reference: reference.clone() },
            Self::PasswordChanged { at, second: false },
            Self::PasswordChanged { at, second: true },
            Self::MailChangeLink {
                url: "https://id.example.ac.jp/t/certificate/account/mail/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM"
                    .into(),
                expires_at: at,
            },
            Self::AddressInUse { login_url: "https://id.example.ac.jp/t/certificate/login".into() },
            Self::MailChangeAsked { at },
            Self::MailChanged {
                at,
                undo_url:
                    "https://id.example.ac.jp/t/certificate/account/mail/undo/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM"
                        .into(),
                undo_until: at,
            },
            Self::MailSet { at, login_id: Some("taro@example.com".into()) },
            Self::MailSet { at, login_id: None },
            Self::MailRestored { at },
            Self::AccountReturned {
                name: "山田 太郎".into(),
                login_id: "taro@example.jp".into(),
                entry: FirstEntry::InitialPassword("Q7mZ4kT9wHs3".into()),
                expires_at: at,
                login_url: "https://id.example.ac.jp/t/certificate/login".into(),
                second_password: true,
            },
            Self::MatchUndone { name: "山田 次郎".into(), reference: reference.clone() },
            Self::EnrolmentLink {
                url: "https://id.example.ac.jp/t/certificate/student-id/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM"
                    .into(),
                expires_at: at,
            },
            Self::EnrolmentAdded {
                name: "山田 太郎".into(),
                reference: reference.clone(),
                student_id: "M23-00318".into(),
                login_url: "https://id.example.ac.jp/t/certificate/login".into(),
            },
            Self::ProfileChanged { name: "佐藤 太郎".into(), reference, items: vec!["field.name.label".into()] },
            Self::AccountLocked { until: Some(at) },
            Self::AccountLocked { until: None },
            Self::AccountUnlocked { at },
            Self::UserIdTold { at },
        ]
    }
}

/// A mail as it stands in the outbox: rendered once, in the use case's transaction.
#[derive(Debug, Clone)]
pub struct OutboxMail {
    /// Its name.
    pub id: MailId,
    /// The one `Message-ID` that all tries have.
    pub message_id: String,
    /// The recipient for SMTP.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The whole message as sent (RFC 5322).
    pub raw: Vec<u8>,
    /// Envelope sender.
    pub from: String,
    /// When it was written.
    pub created_at: Timestamp,
}
