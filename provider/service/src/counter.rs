//! The counter: staff look somebody up who stands before them, check a document, and unlock the account or tell the
//! user ID. What was checked is recorded with what was done, and the person is told by mail.
//!
//! [`CounterOf`] is the proof that somebody may sit here; [`Service::counter`] turns it into the [`Counter`]. Nobody
//! serves themself, and staff accounts are an administrator's.

use crate::{
    ActiveSession, Service, ServiceError, Source, Tenant,
    accounts::{Lock, login_key, person_keys},
};
use madoguchi_domain::{
    EmailAddress, TenantSlug,
    account::{Account, StaffRole},
    audit::{Action, Actor},
    id::AccountId,
    japan::{kana_key, search_key},
    mail::MailKind,
    tenant::LoginIdentifier,
};
use madoguchi_store::{StoreError, Tx, accounts::CounterSearch};
use serde_json::json;
use std::time::Duration;

/// Most people that a search finds.
pub const MOST_FOUND: u32 = 20;
/// Most characters of a note.
const LONGEST_NOTE: usize = 500;
/// How long a user ID that was told stays on the page of whoever told it.
const TOLD_FOR: Duration = Duration::from_secs(600);
/// Lines of the log that are looked through for it.
const LOOK_BACK: u32 = 50;

/// The proof that somebody serves people at one tenant's counter.
#[derive(Debug, Clone)]
pub struct CounterOf {
    tenant: TenantSlug,
    account: Account,
}

/// The counter of a tenant, with somebody at it.
pub struct Counter<'a> {
    service: &'a Service,
    tenant: &'a Tenant,
    clerk: Account,
}

/// Whom to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonSearch {
    /// A user ID, mail address, name, kana, or a part of a name.
    pub text: String,
    /// `YYYY-MM-DD`; with `text` both must fit.
    pub birth_date: String,
}

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonFound {
    /// The account.
    pub account: Account,
    /// Whether failed logins have locked it, and until when.
    pub locked: Option<Lock>,
    /// Why the clerk may not serve this person.
    pub refused: Option<NotServed>,
}

/// Why a clerk may not serve somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// It is their own account, or their own person's.
    #[error("nobody serves themself")]
    Own,
    /// A staff account: an administrator's business.
    #[error("staff accounts are an administrator's business")]
    Staff,
}

/// What was checked to make sure who stands at the counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The document.
    pub document: CheckedDocument,
    /// More of it, in the clerk's words; needed for [`CheckedDocument::Other`].
    pub note: String,
}

/// Documents that people show at a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedDocument {
    /// Residence card.
    ResidenceCard,
    /// Passport.
    Passport,
    /// Driver's license.
    DriversLicense,
    /// My Number card.
    MyNumberCard,
    /// Something else; the note says what.
    Other,
}

impl CheckedDocument {
    /// All, in the order that they are offered.
    pub const ALL: [Self; 5] =
        [Self::ResidenceCard, Self::Passport, Self::DriversLicense, Self::MyNumberCard, Self::Other];

    /// As sent and recorded.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResidenceCard => "residence_card",
            Self::Passport => "passport",
            Self::DriversLicense => "drivers_license",
            Self::MyNumberCard => "my_number_card",
            Self::Other => "other",
        }
    }

    /// From a form.
    pub fn from_sent(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|document| document.as_str() == text)
    }
}

/// Why somebody was not served.
#[derive(Debug, thiserror::Error)]
pub enum CounterError {
    /// There is no such account here.
    #[error("there is no such account")]
    NotFound,
    /// The clerk may not.
    #[error(transparent)]
    NotServed(#[from] NotServed),
    /// Another document: the note says which.
    #[error("a note is needed")]
    NoteMissing,
    /// The note is too long.
    #[error("the note is too long")]
    NoteTooLong,
    /// This kind of user has no user ID.
    #[error("there is no user ID to tell")]
    NoUserId,
    /// It could not be carried out; nothing was kept.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl CounterError {
    /// The stable code of its message.
    pub fn code(&self) -> &'static str {
        match self {
            CounterError::NotFound => "counter_not_found",
            CounterError::NotServed(NotServed::Own) => "counter_own_account",
            CounterError::NotServed(NotServed::Staff) => "counter_staff_account",
            CounterError::NoteMissing => "counter_note_missing",
            CounterError::NoteTooLong => "counter_note_too_long",
            CounterError::NoUserId => "counter_no_user_id",
            CounterError::Service(_) => "unavailable",
        }
    }
}

impl From<StoreError> for CounterError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Service {
    /// The proof that the session's account serves at `tenant`'s counter; `None` when it does not. The account is read
    /// anew: a role that was taken away counts no more.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn counter_clerk(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
    ) -> Result<Option<CounterOf>, ServiceError> {
        let account = self.store(tenant).accounts().find(&active.account.id).await?;
        Ok(account
            .filter(|account| account.may_act() && account.staff_roles.contains(&StaffRole::Counter))
            .map(|account| CounterOf { tenant: tenant.slug.clone(), account }))
    }

    /// The tenant's counter; `None` when the proof is of another tenant.
    pub fn counter<'a>(&'a self, tenant: &'a Tenant, clerk: CounterOf) -> Option<Counter<'a>> {
        (clerk.tenant == tenant.slug).then_some(Counter { service: self, tenant, clerk: clerk.account })
    }
}

impl Counter<'_> {
    /// Whoever fits, at most [`MOST_FOUND`]; nobody when nothing was asked.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn find(&self, wanted: &PersonSearch) -> Result<Vec<PersonFound>, ServiceError> {
        let text: String = wanted.text.trim().chars().take(100).collect();
        if text.is_empty() && wanted.birth_date.is_empty() {
            return Ok(Vec::new());
        }
        let search = CounterSearch {
            login_key: if text.is_empty() { String::new() } else { login_key(self.tenant, &text) },
            email_key: EmailAddress::parse(&text).map(|email| email.canonical()).unwrap_or_default(),
            name_key: search_key(&text),
            kana_key: kana_key(&text),
            birth_date: wanted.birth_date.clone(),
        };
        let mut found = Vec::new();
        for account in self.service.store(self.tenant).accounts().at_counter(&search, MOST_FOUND).await? {
            found.push(self.look(account).await?);
        }
        Ok(found)
    }

    /// One person; the look is noted. `None` when there is none of that id here.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]: what cannot be noted is not shown.
    pub async fn open(&self, id: &AccountId, source: &Source) -> Result<Option<PersonFound>, ServiceError> {
        let Some(account) = self.service.store(self.tenant).accounts().find(id).await? else { return Ok(None) };
        let mut tx = self.service.store(self.tenant).begin().await?;
        self.note(&mut tx, Action::AccountViewed, &account, json!({ "at": "counter" }), source).await?;
        self.service.commit(tx).await?;
        self.look(account).await.map(Some)
    }

    /// Lifts the lock of an account. Whether there was one; what was checked is recorded in either case.
    ///
    /// # Errors
    /// [`CounterError`].
    pub async fn unlock(&self, id: &AccountId, checked: &Checked, source: &Source) -> Result<bool, CounterError> {
        let account = self.served(id, checked).await?;
        let mut tx = self.service.store(self.tenant).begin().await?;
        let lifted = self.service.lift_lock(&mut tx, self.tenant, &account.login_id).await?;
        let detail = json!({ "lifted": lifted, "checked": checked.document.as_str(), "note": checked.note.trim() });
        self.note(&mut tx, Action::AccountUnlocked, &account, detail, source).await?;
        if lifted {
            self.tell_by_mail(&mut tx, &account, MailKind::AccountUnlocked { at: self.service.now() }).await?;
        }
        self.service.commit(tx).await?;
        Ok(lifted)
    }

    /// Records that the user ID is told; [`Counter::told`] has it for a while.
    ///
    /// # Errors
    /// [`CounterError`].
    pub async fn tell_user_id(&self, id: &AccountId, checked: &Checked, source: &Source) -> Result<(), CounterError> {
        let account = self.served(id, checked).await?;
        if !self.has_user_id(&account) {
            return Err(CounterError::NoUserId);
        }
        let mut tx = self.service.store(self.tenant).begin().await?;
        let detail = json!({ "checked": checked.document.as_str(), "note": checked.note.trim() });
        self.note(&mut tx, Action::UserIdTold, &account, detail, source).await?;
        self.tell_by_mail(&mut tx, &account, MailKind::UserIdTold { at: self.service.now() }).await?;
        self.service.commit(tx).await?;
        Ok(())
    }

    /// The user ID, if this clerk recorded within the last minutes that they tell it.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn told(&self, account: &Account) -> Result<Option<String>, ServiceError> {
        let now = self.service.now();
        let me = Actor::Account(self.clerk.id.clone());
        let lines = self.service.store(self.tenant).audit().by_subject(account.id.as_str(), LOOK_BACK).await?;
        let told = lines
            .iter()
            .map(|line| &line.event)
            .any(|event| event.action == Action::UserIdTold && event.actor == me && now.since(event.at) < TOLD_FOR);
        Ok(told.then(|| account.login_id.clone()))
    }

    /// Whether that account logs in with a user ID.
    pub fn has_user_id(&self, account: &Account) -> bool {
        match self.tenant.config.settings.identifier_of(&account.profile.kind_of_user) {
            LoginIdentifier::UserId => true,
            LoginIdentifier::MailAddress => false,
        }
    }

    async fn look(&self, account: Account) -> Result<PersonFound, ServiceError> {
        let locked = self.service.lock_of(self.tenant, &account.login_id).await?;
        Ok(PersonFound { locked, refused: self.refused(&account), account })
    }

    fn refused(&self, account: &Account) -> Option<NotServed> {
        if same_person(&self.clerk, account) {
            Some(NotServed::Own)
        } else if account.staff_roles.is_empty() {
            None
        } else {
            Some(NotServed::Staff)
        }
    }

    async fn served(&self, id: &AccountId, checked: &Checked) -> Result<Account, CounterError> {
        let account = self.service.store(self.tenant).accounts().find(id).await?.ok_or(CounterError::NotFound)?;
        if let Some(refused) = self.refused(&account) {
            return Err(refused.into());
        }
        let note = checked.note.trim();
        if note.chars().count() > LONGEST_NOTE {
            return Err(CounterError::NoteTooLong);
        }
        match checked.document {
            CheckedDocument::Other if note.is_empty() => Err(CounterError::NoteMissing),
            CheckedDocument::ResidenceCard
            | CheckedDocument::Passport
            | CheckedDocument::DriversLicense
            | CheckedDocument::MyNumberCard
            | CheckedDocument::Other => Ok(account),
        }
    }

    async fn note(
        &self,
        tx: &mut Tx,
        action: Action,
        account: &Account,
        detail: serde_json::Value,
        source: &Source,
    ) -> Result<(), ServiceError> {
        let actor = Actor::Account(self.clerk.id.clone());
        self.service.record(tx, actor, action, account.id.as_str(), detail, Some(source)).await
    }

    async fn tell_by_mail(&self, tx: &mut Tx, account: &Account, mail: MailKind) -> Result<(), ServiceError> {
        self.service.enqueue_mail(tx, self.tenant, &account.email, &account.locale, mail).await.map(drop)
    }
}

/// Whether two accounts are one person's, as far as anybody can tell.
fn same_person(one: &Account, other: &Account) -> bool {
    let (a, b) = (person_keys(&one.profile), person_keys(&other.profile));
    let same = |x: &str, y: &str| !x.is_empty() && x == y;
    one.id == other.id
        || (same(&a.birth_date, &b.birth_date) && (same(&a.name_key, &b.name_key) || same(&a.kana_key, &b.kana_key)))
}
