//! The rules that a tenant sets. Every default is the stricter choice; the shipped tenants state their own.

use crate::{EmailAddress, LocalText, time::Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What people log in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoginPolicy {
    /// Mail address or user ID.
    pub identifier: LoginIdentifier,
    /// How user IDs are made: letters stand for themselves, a run of `0` for a number: `RZ00000000`.
    pub user_id_pattern: Option<String>,
    /// Whether there is a second password.
    pub second_password: bool,
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self { identifier: LoginIdentifier::MailAddress, user_id_pattern: None, second_password: false }
    }
}

/// What people log in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginIdentifier {
    /// The confirmed mail address.
    MailAddress,
    /// An ID made by the tenant's pattern.
    UserId,
}

/// What a password must be. `preset` gives the values, the others replace single ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordPolicy {
    /// Where the rules come from.
    pub preset: PasswordPreset,
    /// Fewest characters; never below 8.
    pub min_length: Option<usize>,
    /// An upper-case letter, a lower-case letter and a digit.
    pub require_mixed: Option<bool>,
    /// Nothing but half-width letters and digits.
    pub alphanumeric_only: Option<bool>,
    /// Refuse what stands in the list of common passwords.
    pub blocklist: Option<bool>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            preset: PasswordPreset::Standard,
            min_length: None,
            require_mixed: None,
            alphanumeric_only: None,
            blocklist: None,
        }
    }
}

/// Presets of password rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordPreset {
    /// NIST SP 800-63B-4: 15 characters, no composition rules, any Unicode, a blocklist.
    Standard,
    /// The certificate manual's: 8 characters, upper and lower case and a digit, half-width alphanumerics only.
    Alphanumeric,
}

/// How a new account's first credential is handed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InitialCredentialPolicy {
    /// By which way.
    pub kind: InitialCredential,
    /// How long it lives.
    pub lifetime: Span,
}

impl Default for InitialCredentialPolicy {
    fn default() -> Self {
        Self { kind: InitialCredential::Password, lifetime: Span::days(7) }
    }
}

/// Ways to hand over the first credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitialCredential {
    /// A random password in the result mail, good for one thing.
    Password,
    /// A one-time URL to set the password.
    SettingUrl,
}

/// One-time links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinkPolicy {
    /// How long a link lives.
    pub lifetime: Span,
    /// How long a link to correct an application lives.
    pub resubmission_lifetime: Span,
    /// How long the owner of an old mail address can take its change back.
    pub undo_lifetime: Span,
    /// How many mails one address gets in an hour.
    pub mails_per_hour: u32,
}

impl Default for LinkPolicy {
    fn default() -> Self {
        Self {
            lifetime: Span::minutes(30),
            resubmission_lifetime: Span::days(14),
            undo_lifetime: Span::days(3),
            mails_per_hour: 3,
        }
    }
}

/// Sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionPolicy {
    /// Ends after so long without a request.
    pub idle: Span,
    /// Ends in any case.
    pub absolute: Span,
    /// How long before the idle end people are warned.
    pub warning: Span,
    /// What the browser's Back button does to a step that is done.
    pub back_button: BackButton,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            idle: Span::minutes(30),
            absolute: Span::hours(12),
            warning: Span::minutes(5),
            back_button: BackButton::ShowStep,
        }
    }
}

/// What the browser's Back button does to a step that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackButton {
    /// The right step is shown again, nothing is lost.
    ShowStep,
    /// An invalid operation: logged out, and told so.
    LogOut,
}

/// Failed logins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LockoutPolicy {
    /// So many failures …
    pub threshold: u32,
    /// … within so long lock the identifier …
    pub window: Span,
    /// … for so long; absent from a `[lockout]` that is given: until staff unlocks it.
    #[serde(default)]
    pub duration: Option<Span>,
}

impl Default for LockoutPolicy {
    fn default() -> Self {
        Self { threshold: 5, window: Span::minutes(15), duration: Some(Span::minutes(15)) }
    }
}

/// Applications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationPolicy {
    /// Whether people may apply at all.
    pub open: bool,
    /// Who decides.
    pub approval: Approval,
    /// Working days until the result, as told to the applicant.
    pub expected_days: u32,
    /// How long an unfinished application is kept.
    pub draft_lifetime: Span,
    /// The version of the terms; changes when their text does.
    pub terms_version: String,
    /// Whether an outside authority (an `ApplicantVerifier`: `[verifiers]` of the program's settings) must confirm the
    /// answers before an application is accepted.
    pub verify_applicant: bool,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            open: true,
            approval: Approval::Required,
            expected_days: 3,
            draft_lifetime: Span::days(7),
            terms_version: String::new(),
            verify_applicant: false,
        }
    }
}

/// Who decides on an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// A reviewer.
    Required,
    /// Nobody, where the directory has exactly this person; else a reviewer.
    AutomaticWhenDirectoryMatches,
    /// Nobody: the outside authority confirmed the answers before they were accepted. A reviewer, where an account or
    /// another application may be the same person's.
    AutomaticWhenVerified,
    /// Two different reviewers.
    TwoReviewers,
}

/// Uploaded documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentPolicy {
    /// Largest file, in bytes.
    pub max_bytes: usize,
    /// Largest image, in pixels.
    pub max_pixels: u64,
}

impl Default for DocumentPolicy {
    fn default() -> Self {
        Self { max_bytes: 5 * 1024 * 1024, max_pixels: 25_000_000 }
    }
}

/// What people may do with their account themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelfServicePolicy {
    /// Fields that they may change at once, by key.
    pub free: Vec<String>,
    /// Fields that they may change after approval.
    pub with_approval: Vec<String>,
    /// How the page of personal settings asks.
    pub manner: ChangeManner,
    /// Whether a new mail address must be proved by a link before it is in force.
    pub confirm_mail: bool,
    /// A change of the mail address and a copy of one's data need a login that is not older than this.
    pub recent_login: Span,
    /// The entries of the menu, in their order. Those that mean nothing at the tenant are left out.
    pub menu: Vec<MenuEntry>,
}

impl Default for SelfServicePolicy {
    fn default() -> Self {
        Self {
            free: Vec::new(),
            with_approval: Vec::new(),
            manner: ChangeManner::default(),
            confirm_mail: true,
            recent_login: Span::minutes(15),
            menu: MenuEntry::ALL.to_vec(),
        }
    }
}

/// An entry of the menu of somebody who is signed in. Log out is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MenuEntry {
    /// The top page.
    Top,
    /// The operating manual.
    Manual,
    /// Name, address and the like.
    Personal,
    /// Another mail address.
    Mail,
    /// One more student ID number.
    StudentId,
    /// Another password.
    Password,
    /// Another second password.
    SecondPassword,
    /// Where one is signed in.
    Sessions,
    /// Applications that one lets see something.
    Applications,
    /// A copy of one's data.
    Data,
}

impl MenuEntry {
    /// All, in the usual order.
    pub const ALL: [Self; 10] = [
        Self::Top,
        Self::Manual,
        Self::Personal,
        Self::Mail,
        Self::StudentId,
        Self::Password,
        Self::SecondPassword,
        Self::Sessions,
        Self::Applications,
        Self::Data,
    ];
}

/// How the page of personal settings asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeManner {
    /// What stands is edited, checked and then sent.
    #[default]
    Edit,
    /// What is new is filled in; what is left empty stays as it is.
    FillIn,
}

/// Mails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailPolicy {
    /// The sender's address.
    pub from: EmailAddressText,
    /// The sender's name.
    #[serde(default)]
    pub from_name: LocalText,
    /// Lines at the foot of every mail.
    #[serde(default)]
    pub footer: LocalText,
}

/// A mail address in a configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct EmailAddressText(#[schemars(with = "String")] pub EmailAddress);

impl<'de> Deserialize<'de> for EmailAddressText {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        EmailAddress::deserialize(d).map(Self)
    }
}

/// How long things are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionPolicy {
    /// Images of documents after the decision.
    pub documents: Span,
    /// Decided applications.
    pub applications: Span,
    /// The audit log.
    pub audit: Span,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self { documents: Span::days(30), applications: Span::days(365 * 5), audit: Span::days(365 * 10) }
    }
}
