//! Setting own credentials: the duty that follows the first login.
//!
//! The ticket of [`crate::sign_in::SignedIn::MustSetCredentials`], or of the mail that accepted the person
//! (`initial_credential.kind = "setting_url"`), opens the page as often as it is asked for and is
//! used up by the POST that sets the passwords. Everything happens in one transaction: ticket and initial password are
//! consumed, the new hashes stored, the account activated, whatever else was open ended, the log written, the mail put
//! into the outbox, the session begun. Who is interrupted before it logs in with the initial password again and stands
//! at the same duty.

use crate::{
    Service, ServiceError, Source, Tenant, hashing::HashingError, sessions::Begin, sign_in::own_credentials_acr,
};
use madoguchi_domain::{
    Secret, Timestamp, Token,
    account::{Account, AccountState, Credential, CredentialKind},
    audit::{Action, Actor},
    id::AccountId,
    mail::MailKind,
    one_time::{OneTimeState, Purpose},
    password::{self, Beside, Rules, Violation},
    session::{Authentication, Session},
};
use madoguchi_store::{Retryable, accounts::AccountWithCredentials, retry};
use serde_json::json;

/// What was typed on the page that sets passwords.
#[derive(Debug, Clone, Default)]
pub struct NewCredentials {
    /// The password.
    pub password: Secret,
    /// The same again.
    pub password_confirm: Secret,
    /// The second password; ignored where the tenant has none.
    pub second_password: Secret,
    /// The same again.
    pub second_password_confirm: Secret,
}

/// Which input a violation belongs to; its name in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialField {
    /// `password`
    Password,
    /// `password_confirm`
    PasswordConfirm,
    /// `second_password`
    SecondPassword,
    /// `second_password_confirm`
    SecondPasswordConfirm,
    /// `current`: the one that is in force.
    Current,
}

impl CredentialField {
    /// The input's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordConfirm => "password_confirm",
            Self::SecondPassword => "second_password",
            Self::SecondPasswordConfirm => "second_password_confirm",
            Self::Current => "current",
        }
    }
}

/// What the page shows before anything is typed.
#[derive(Debug, Clone)]
pub struct CredentialDuty {
    /// Whose passwords.
    pub login_id: String,
    /// The rules.
    pub rules: Rules,
    /// Whether there is a second password.
    pub second_password: bool,
    /// When the ticket dies.
    pub expires_at: Timestamp,
}

/// The passwords are set and the person is signed in.
#[derive(Debug)]
pub struct CredentialsAreSet {
    /// For the cookie.
    pub token: Token,
    /// The session.
    pub session: Session,
}

/// Why passwords were not set.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The ticket is unknown, too old or used; nothing to do but log in again.
    #[error("the ticket cannot be used: {0:?}")]
    Ticket(TicketState),
    /// What was typed breaks rules; each is named.
    #[error("the passwords break {} rules", .0.len())]
    Invalid(Vec<(CredentialField, Violation)>),
    /// The provider cannot tell now.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Why a ticket does not open the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketState {
    /// There is no such ticket here.
    Unknown,
    /// Too late.
    Expired,
    /// It was used.
    Consumed,
    /// Something newer took its place.
    Superseded,
}

impl Retryable for CredentialsError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Service(error) => error.is_busy(),
            Self::Ticket(_) | Self::Invalid(_) => false,
        }
    }
}

impl From<madoguchi_store::StoreError> for CredentialsError {
    fn from(error: madoguchi_store::StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// A ticket that opens, and whose it is. Only looking one up makes it.
struct OpenTicket {
    account: Account,
    credentials: Vec<Credential>,
    expires_at: Timestamp,
}

impl Service {
    /// What the page needs; uses nothing up.
    ///
    /// # Errors
    /// [`CredentialsError::Ticket`].
    pub async fn credential_duty(&self, tenant: &Tenant, ticket: &Token) -> Result<CredentialDuty, CredentialsError> {
        let open = self.open_ticket(tenant, ticket).await?;
        Ok(CredentialDuty {
            login_id: open.account.login_id,
            rules: tenant.config.settings.password.rules(),
            second_password: tenant.config.settings.login.second_password,
            expires_at: open.expires_at,
        })
    }

    async fn open_ticket(&self, tenant: &Tenant, ticket: &Token) -> Result<OpenTicket, CredentialsError> {
        let store = self.store(tenant);
        let unknown = || CredentialsError::Ticket(TicketState::Unknown);
        let found = store.one_time().find(Purpose::SetCredentials, &ticket.hash()).await?.ok_or_else(unknown)?;
        match found.state(self.now()) {
            OneTimeState::Usable => {}
            OneTimeState::Expired => return Err(CredentialsError::Ticket(TicketState::Expired)),
            OneTimeState::Consumed => return Err(CredentialsError::Ticket(TicketState::Consumed)),
            OneTimeState::Superseded => return Err(CredentialsError::Ticket(TicketState::Superseded)),
        }
        let id = AccountId::known(found.subject);
        let AccountWithCredentials { account, credentials } =
            store.accounts().with_credentials(&id).await?.ok_or_else(unknown)?;
        match account.state {
            AccountState::Provisioned => {}
            AccountState::Active | AccountState::Disabled => {
                return Err(CredentialsError::Ticket(TicketState::Superseded));
            }
        }
        Ok(OpenTicket { account, credentials, expires_at: found.expires_at })
    }

    /// Sets the passwords and signs in.
    ///
    /// The session says what the tenant's own credentials say: the person proved the initial password with the ticket,
    /// and has just typed the new ones.
    ///
    /// # Errors
    /// [`CredentialsError::Invalid`] leaves the ticket usable; [`CredentialsError::Ticket`] when it is not, or when
    /// the same was sent twice and the other one was first.
    pub async fn set_credentials(
        &self,
        tenant: &Tenant,
        ticket: &Token,
        typed: NewCredentials,
        source: &Source,
    ) -> Result<CredentialsAreSet, CredentialsError> {
        let OpenTicket { account, credentials, .. } = self.open_ticket(tenant, ticket).await?;
        let hashes = self.hash_new(tenant, &account, &credentials, &typed).await?;
        let hashes = hashes.map_err(CredentialsError::Invalid)?;
        retry(|| self.keep_credentials(tenant, ticket, &account, &credentials, &hashes, source)).await
    }

    /// The transaction: ticket used up, hashes kept, account in use, session begun.
    async fn keep_credentials(
        &self,
        tenant: &Tenant,
        ticket: &Token,
        account: &Account,
        credentials: &[Credential],
        hashes: &[String],
        source: &Source,
    ) -> Result<CredentialsAreSet, CredentialsError> {
        let now = self.now();
        let two = tenant.config.settings.login.second_password;
        let id = &account.id;
        let mut tx = self.store(tenant).begin().await?;
        if tx.one_time().consume(Purpose::SetCredentials, &ticket.hash(), now).await?.is_none() {
            return Err(CredentialsError::Ticket(TicketState::Consumed));
        }
        let kinds = [CredentialKind::Password, CredentialKind::SecondPassword];
        for (kind, phc) in kinds.into_iter().zip(hashes) {
            let previous_phc = credentials.iter().find(|c| c.kind == kind).map(|c| c.phc.clone());
            let credential =
                Credential { kind, phc: phc.clone(), previous_phc, set_at: now, expires_at: None, consumed_at: None };
            tx.credentials().put(id, &credential).await?;
        }
        // It may have expired since the ticket was given; the ticket's own time counts.
        tx.credentials().consume(id, CredentialKind::Initial, now).await?;
        if !tx.accounts().set_state(id, AccountState::Provisioned, AccountState::Active, now).await? {
            // It was disabled, or another ticket was quicker, since the page was opened.
            return Err(CredentialsError::Ticket(TicketState::Superseded));
        }
        let generation = tx.accounts().end_everything(id).await?.ok_or_else(|| ServiceError::bug("no such account"))?;
        tx.one_time().revoke(Purpose::SetCredentials, id.as_str(), now).await?;
        let begin = Begin {
            account: id,
            generation,
            authentication: Authentication { at: now, acr: own_credentials_acr(tenant) },
            source,
        };
        let (token, session) = self.begin_session(&mut tx, tenant, begin).await?;
        let detail = json!({ "second_password": two, "session": session.id.as_str() });
        let actor = Actor::Account(id.clone());
        self.record(&mut tx, actor, Action::CredentialsSet, id.as_str(), detail, Some(source)).await?;
        let mail = MailKind::CredentialsSet { at: now };
        self.enqueue_mail(&mut tx, tenant, &account.email, &account.locale, mail).await?;
        self.commit(tx).await?;
        Ok(CredentialsAreSet { token, session })
    }

    /// Judges new passwords by every rule; when none is broken, their hashes, the password's first.
    pub(crate) async fn hash_new(
        &self,
        tenant: &Tenant,
        account: &Account,
        credentials: &[Credential],
        typed: &NewCredentials,
    ) -> Result<Result<Vec<String>, Broken>, ServiceError> {
        let two = tenant.config.settings.login.second_password;
        let mut broken = broken_rules(tenant, account, typed, two);
        let values = [password::normalize(&typed.password), password::normalize(&typed.second_password)];
        let fields = [CredentialField::Password, CredentialField::SecondPassword];
        let kinds = [CredentialKind::Password, CredentialKind::SecondPassword];
        let candidates: Vec<Candidate<'_>> = fields
            .into_iter()
            .zip(kinds)
            .zip(&values)
            .take(if two { 2 } else { 1 })
            .map(|((field, kind), value)| Candidate { field, kind, value, other_stays: false })
            .collect();
        if broken.is_empty() {
            broken = self.equal_to_earlier(credentials, &candidates).await?;
        }
        if !broken.is_empty() {
            return Ok(Err(broken));
        }
        let wanted: Vec<&Secret> = candidates.iter().map(|c| c.value).collect();
        Ok(Ok(self.hashing().hash_all(&wanted).await?))
    }

    /// None may be the initial password, nor what it was before, nor the other one where that stays as it is: compared
    /// by verifying, as salts differ.
    pub(crate) async fn equal_to_earlier(
        &self,
        credentials: &[Credential],
        candidates: &[Candidate<'_>],
    ) -> Result<Broken, ServiceError> {
        let mut labels = Vec::new();
        let mut checks: Vec<(&Secret, Option<&str>)> = Vec::new();
        for candidate in candidates {
            for credential in credentials {
                let violation = match credential.kind {
                    CredentialKind::Initial => Violation::SameAsInitial,
                    same if same == candidate.kind => Violation::SameAsPrevious,
                    CredentialKind::Password | CredentialKind::SecondPassword if candidate.other_stays => {
                        Violation::SameAsOther
                    }
                    CredentialKind::Password | CredentialKind::SecondPassword => continue,
                };
                let earlier = credential.previous_phc.as_deref().filter(|_| credential.kind == candidate.kind);
                for phc in std::iter::once(credential.phc.as_str()).chain(earlier) {
                    labels.push((candidate.field, violation));
                    checks.push((candidate.value, Some(phc)));
                }
            }
        }
        let mut broken = Vec::new();
        for (label, result) in labels.into_iter().zip(self.hashing().verify_all(&checks).await?) {
            match result {
                Ok(_) => broken.push(label),
                Err(HashingError::Wrong) => {}
                Err(error @ (HashingError::Busy { .. } | HashingError::Failed)) => return Err(error.into()),
            }
        }
        broken.dedup();
        Ok(broken)
    }
}

/// Broken rules, each with the input that it belongs to.
pub(crate) type Broken = Vec<(CredentialField, Violation)>;

/// A value that is to be a password.
pub(crate) struct Candidate<'a> {
    /// Where it was typed.
    pub(crate) field: CredentialField,
    /// Which password it is to be.
    pub(crate) kind: CredentialKind,
    /// The value, normalized.
    pub(crate) value: &'a Secret,
    /// Whether the other of the two passwords stays as it is.
    pub(crate) other_stays: bool,
}

/// The rules that can be judged by what was typed alone.
fn broken_rules(tenant: &Tenant, account: &Account, typed: &NewCredentials, two: bool) -> Broken {
    let rules = tenant.config.settings.password.rules();
    let personal = [account.login_id.as_str(), account.email.as_str()];
    let mut broken = Vec::new();
    let mut judge = |field, confirm_field, value: &Secret, confirm: &Secret, other: Option<&Secret>| {
        let beside = Beside { other, personal: &personal };
        broken.extend(rules.violations(value, &beside).into_iter().map(|v| (field, v)));
        if value.expose() != confirm.expose() {
            broken.push((confirm_field, Violation::ConfirmationDiffers));
        }
    };
    use CredentialField::{Password, PasswordConfirm, SecondPassword, SecondPasswordConfirm};
    judge(Password, PasswordConfirm, &typed.password, &typed.password_confirm, None);
    if two {
        let (second, confirm) = (&typed.second_password, &typed.second_password_confirm);
        judge(SecondPassword, SecondPasswordConfirm, second, confirm, Some(&typed.password));
    }
    broken
}
