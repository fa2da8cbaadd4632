//! Another password, or another second password, by somebody who is signed in and types the one in force.
//!
//! The one in force is judged like at a login: through the same bounded queue and the same counter of failures, counted
//! before it is verified. Then the new one is judged by every rule. In one transaction the hash is replaced, if it is
//! still the one that was verified; every other session and every token ends; this session goes on under a new secret.

use crate::{
    ActiveSession, Service, ServiceError, Source, Tenant,
    credentials::{Broken, Candidate, CredentialField},
    hashing::HashingError,
    limits::Counted,
};
use madoguchi_domain::{
    Locale, Secret, Timestamp, Token, TokenHash,
    account::{Account, Credential, CredentialKind},
    audit::{Action, Actor},
    mail::MailKind,
    one_time::Purpose,
    password::{self, Beside, Violation},
};
use madoguchi_store::{Retryable, StoreError, accounts::AccountWithCredentials, attempts::Attempt, retry};
use serde_json::json;
use std::time::Duration;

/// Which of the own passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnPassword {
    /// The password.
    First,
    /// The second password, where the tenant has one.
    Second,
}

impl OwnPassword {
    fn kind(self) -> CredentialKind {
        match self {
            Self::First => CredentialKind::Password,
            Self::Second => CredentialKind::SecondPassword,
        }
    }

    /// Where the new one is typed.
    pub fn field(self) -> CredentialField {
        match self {
            Self::First => CredentialField::Password,
            Self::Second => CredentialField::SecondPassword,
        }
    }

    /// Where it is typed again.
    pub fn confirm_field(self) -> CredentialField {
        match self {
            Self::First => CredentialField::PasswordConfirm,
            Self::Second => CredentialField::SecondPasswordConfirm,
        }
    }
}

/// What was typed, and from where.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// Which one.
    pub which: OwnPassword,
    /// The one in force.
    pub current: Secret,
    /// The new one.
    pub new: Secret,
    /// The same again.
    pub confirm: Secret,
    /// The language of the page, and of the mail.
    pub locale: Locale,
    /// Who asked.
    pub source: Source,
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// What was typed breaks rules; each is named. A wrong current password is named alone.
    #[error("the password breaks {} rules", .0.len())]
    Invalid(Vec<(CredentialField, Violation)>),
    /// Too many wrong ones: nothing is verified for now.
    #[error("the login ID is locked")]
    Locked {
        /// Until when; `None` until staff lifts it.
        until: Option<Timestamp>,
    },
    /// Too many were tried from where this one comes from. Nothing was verified.
    #[error("too many passwords from one source")]
    TooMany {
        /// When to come again.
        retry_after: Duration,
    },
    /// The password was changed, or the session ended, since the page was opened. Nothing was changed.
    #[error("the password was changed meanwhile")]
    Outdated,
    /// The provider cannot tell now.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for PasswordChangeError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Retryable for PasswordChangeError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Service(error) => error.is_busy(),
            Self::Invalid(_) | Self::Locked { .. } | Self::TooMany { .. } | Self::Outdated => false,
        }
    }
}

impl Service {
    /// Changes a password. Gives the value of the session's new cookie; the old one is dead.
    ///
    /// # Errors
    /// [`PasswordChangeError`]. Of two at the same time one is carried out, the other is `Outdated`.
    pub async fn change_password(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        typed: PasswordChange,
    ) -> Result<Token, PasswordChangeError> {
        let broken = broken_rules(tenant, &active.account, &typed);
        if !broken.is_empty() {
            return Err(PasswordChangeError::Invalid(broken));
        }
        if let Err(retry_after) = self.spend(tenant, Counted::SignIn, &typed.source).await? {
            return Err(PasswordChangeError::TooMany { retry_after });
        }
        let counter = self.login_counter(tenant, &active.account.login_id);
        let _turn = self.0.sign_ins.enter(&counter).await?;
        let store = self.store(tenant);
        let last = match store.attempts().count(&counter, self.now(), &tenant.config.settings.lockout).await? {
            Attempt::Allowed { last, .. } => last,
            Attempt::Locked { until } => return Err(PasswordChangeError::Locked { until }),
        };
        let judged = self.judge_change(tenant, active, &typed).await;
        match &judged {
            Err(PasswordChangeError::Invalid(broken)) if broken.iter().any(|(_, v)| *v == Violation::WrongCurrent) => {
                if last {
                    self.tell_of_lock(tenant, typed.source.clone(), Some(active.account.clone()));
                }
            }
            // the one in force was right, or was not verified: no failure
            Ok(_) | Err(_) => store.attempts().refund(&counter).await?,
        }
        let (old, new) = judged?;
        let token = retry(|| self.keep_changed(tenant, active, &counter, &typed, (&old.phc, &new))).await?;
        metrics::counter!("password_changes_total").increment(1);
        Ok(token)
    }

    /// The credential to replace and the hash to put in its place.
    async fn judge_change(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        typed: &PasswordChange,
    ) -> Result<(Credential, String), PasswordChangeError> {
        let kind = typed.which.kind();
        let found = self.store(tenant).accounts().with_credentials(&active.account.id).await?;
        let Some(AccountWithCredentials { account, credentials }) = found else {
            return Err(PasswordChangeError::Outdated);
        };
        if account.generation != active.account.generation || !account.may_act() {
            return Err(PasswordChangeError::Outdated);
        }
        let Some(old) = credentials.iter().find(|c| c.kind == kind).cloned() else {
            return Err(PasswordChangeError::Outdated);
        };
        let (current, new) = (password::normalize(&typed.current), password::normalize(&typed.new));
        match self.hashing().verify(&current, Some(&old.phc)).await {
            Ok(_) => {}
            Err(HashingError::Wrong) => {
                let wrong = (CredentialField::Current, Violation::WrongCurrent);
                return Err(PasswordChangeError::Invalid(vec![wrong]));
            }
            Err(error @ (HashingError::Busy { .. } | HashingError::Failed)) => {
                return Err(ServiceError::from(error).into());
            }
        }
        let candidate = Candidate { field: typed.which.field(), kind, value: &new, other_stays: true };
        let broken = self.equal_to_earlier(&credentials, &[candidate]).await?;
        if !broken.is_empty() {
            return Err(PasswordChangeError::Invalid(broken));
        }
        Ok((old, self.hashing().hash(&new).await.map_err(ServiceError::from)?))
    }

    /// The transaction: the hash replaced, everything else of the account ended, this session under a new secret.
    async fn keep_changed(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        counter: &TokenHash,
        typed: &PasswordChange,
        (old, new): (&str, &str),
    ) -> Result<Token, PasswordChangeError> {
        let (now, id) = (self.now(), &active.account.id);
        // Secrets, credentials, account: in this order, as everywhere.
        let mut tx = self.store(tenant).begin().await?;
        for purpose in [Purpose::Recovery, Purpose::MailChange] {
            tx.one_time().revoke(purpose, id.as_str(), now).await?;
        }
        if !tx.credentials().replace(id, typed.which.kind(), old, new, now).await? {
            return Err(PasswordChangeError::Outdated);
        }
        let generation = tx.accounts().end_everything(id).await?;
        let token = Token::new(self.entropy());
        let goes_on = match generation {
            Some(generation) if generation == active.account.generation + 1 => {
                tx.sessions().rotate(&active.session.id, generation, &token.hash()).await?
            }
            Some(_) | None => false,
        };
        if !goes_on {
            return Err(PasswordChangeError::Outdated);
        }
        tx.attempts().clear(counter).await?;
        let second = typed.which == OwnPassword::Second;
        let detail = json!({ "second_password": second, "session": active.session.id.as_str() });
        let actor = Actor::Account(id.clone());
        self.record(&mut tx, actor, Action::PasswordChanged, id.as_str(), detail, Some(&typed.source)).await?;
        let mail = MailKind::PasswordChanged { at: now, second };
        self.enqueue_mail(&mut tx, tenant, &active.account.email, &typed.locale, mail).await?;
        self.commit(tx).await?;
        Ok(token)
    }
}

/// The rules that can be judged by what was typed alone.
fn broken_rules(tenant: &Tenant, account: &Account, typed: &PasswordChange) -> Broken {
    let rules = tenant.config.settings.password.rules();
    let personal = [account.login_id.as_str(), account.email.as_str()];
    let mut broken = Broken::new();
    if typed.current.is_empty() {
        broken.push((CredentialField::Current, Violation::Required));
    }
    let beside = Beside { other: None, personal: &personal };
    broken.extend(rules.violations(&typed.new, &beside).into_iter().map(|v| (typed.which.field(), v)));
    if typed.new.expose() != typed.confirm.expose() {
        broken.push((typed.which.confirm_field(), Violation::ConfirmationDiffers));
    }
    broken
}
