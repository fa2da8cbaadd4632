//! An account lives for life with one subject identifier; enrolments are added to it.

use crate::{
    EmailAddress, Locale, Timestamp,
    id::{AccountId, ApplicationId, EnrolmentId},
    verification::Verification,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// May this account be used at all?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Approved; the initial credential was handed out and the own ones are not set yet.
    Provisioned,
    /// In use.
    Active,
    /// Switched off by staff.
    Disabled,
}

impl AccountState {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            AccountState::Provisioned => "provisioned",
            AccountState::Active => "active",
            AccountState::Disabled => "disabled",
        }
    }
    /// From the database.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Provisioned, Self::Active, Self::Disabled].into_iter().find(|s| s.as_str() == text)
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its name inside.
    pub id: AccountId,
    /// The subject identifier for relying parties (`sub`): never tied to mail or student number, never reused.
    pub sub: String,
    /// What the person types to log in: the mail address, or a user ID made by the tenant's pattern.
    pub login_id: String,
    /// The confirmed mail address.
    pub email: EmailAddress,
    /// Whether it may be used.
    pub state: AccountState,
    /// The language of its mails.
    pub locale: Locale,
    /// Names, birth date, address, phone.
    pub profile: Profile,
    /// What it may do as staff.
    pub staff_roles: Vec<StaffRole>,
    /// Grows when all sessions and tokens must end.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Account {
    /// May this account get anything now: a session read, a code, a token, its claims? Everything that gives asks
    /// here, each time it gives. An account that has yet to set its own credentials may do that and nothing else.
    pub fn may_act(&self) -> bool {
        match self.state {
            AccountState::Active => true,
            AccountState::Provisioned | AccountState::Disabled => false,
        }
    }
}

/// What a member of staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Decides on applications.
    Reviewer,
    /// Serves people at the counter: unlocks accounts and tells user IDs, after checking who stands there.
    Counter,
    /// Configures the tenant.
    TenantIt,
}

/// The person as approved. Claims are made from this; what was typed stays with the application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// The name in kanji (or as written at home), family name first, a space between.
    pub name: String,
    /// The same in katakana.
    pub name_kana: String,
    /// The same in Latin letters.
    pub name_roman: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// The postal address.
    pub address: Address,
    /// Phone numbers as typed.
    pub phone: String,
    /// Mobile phone as typed.
    pub cell_phone: String,
    /// The kind of user (tenant data), empty where the tenant has only one.
    pub kind_of_user: String,
    /// Answers to further fields of the tenant's form that people change themselves, by input.
    pub more: BTreeMap<String, String>,
    /// How reviewed facts were verified, by field key.
    pub verified: BTreeMap<String, Verification>,
    /// Standard OpenID Connect claims given by an administrator, as they stand; they win over what is derived.
    pub claims: BTreeMap<String, serde_json::Value>,
}

/// A postal address in Japan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Seven digits.
    pub postal_code: String,
    /// 都道府県.
    pub prefecture: String,
    /// 市区町村.
    pub city: String,
    /// Street and number.
    pub street: String,
    /// Building and room.
    pub building: String,
}

/// A stay at the institution that was checked: a student number with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its name.
    pub id: EnrolmentId,
    /// Whose.
    pub account: AccountId,
    /// The student ID number; may be empty when the person did not know it and none was found.
    pub student_id: String,
    /// Everything else of the *when enrolled* section.
    pub facts: EnrolmentFacts,
    /// The application that it was approved by; none for accounts made by an administrator.
    pub application: Option<ApplicationId>,
    /// How it was checked.
    pub verified: Option<Verification>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it ceased to count: it was added by mistake.
    pub ended_at: Option<Timestamp>,
}

/// What was checked about a stay at the institution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnrolmentFacts {
    /// The name then, in kanji.
    pub school_name: String,
    /// In katakana.
    pub school_name_kana: String,
    /// In Latin letters.
    pub school_name_roman: String,
    /// Codes of the affiliation tree, outermost first.
    pub affiliation: Vec<String>,
    /// Code of the degree programme.
    pub degree_program: String,
    /// `YYYY-MM` or empty.
    pub matriculation: String,
    /// `YYYY-MM` or empty.
    pub graduation: String,
    /// `graduated` or `withdrawn`.
    pub outcome: String,
}

/// Which credential of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// The password.
    Password,
    /// The second password.
    SecondPassword,
    /// The initial password from the result mail: opens nothing but the setting of the own ones.
    Initial,
}

impl CredentialKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialKind::Password => "password",
            CredentialKind::SecondPassword => "second_password",
            CredentialKind::Initial => "initial",
        }
    }
    /// From the database.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Password, Self::SecondPassword, Self::Initial].into_iter().find(|k| k.as_str() == text)
    }
}

/// A credential as stored.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Which.
    pub kind: CredentialKind,
    /// argon2id as a PHC string.
    pub phc: String,
    /// The hash of the value before it; a new one may equal neither.
    pub previous_phc: Option<String>,
    /// When it was set.
    pub set_at: Timestamp,
    /// When it dies by itself (the initial password).
    pub expires_at: Option<Timestamp>,
    /// When it was used up (the initial password), or taken away (the own ones, when the account moved).
    pub consumed_at: Option<Timestamp>,
}
