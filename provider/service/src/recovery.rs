//! Passwords that were forgotten: a mail address is asked for, a one-time link sets new ones.
//!
//! Asking looks and costs the same whether or not there is such an account, and changes nothing but the links: passwords,
//! sessions and an unused initial password stay as they are until the link's own page is sent. That page does all in one
//! transaction: link and initial password are used up, the hashes replaced, all sessions and tokens ended, the log and
//! the mail written. Nobody is signed in by it. It mends an expired initial password in the same way.
//!
//! A link belongs to the state that its account was in: whatever ends an account's sessions (new passwords, a move to
//! another mail address) ends its links too.

use crate::{
    LinkError, LinkProblem, RefusedInput, Service, ServiceError, Source, Tenant,
    accounts::login_key,
    credentials::{CredentialField, NewCredentials},
    limits::Counted,
    registration::{MAIL_WINDOW, refused_address, usable},
};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp, Token, TokenHash,
    account::{Account, AccountState, Credential, CredentialKind},
    audit::{Action, Actor},
    id::AccountId,
    mail::MailKind,
    one_time::{OneTime, Purpose},
    password::{Rules, Violation},
    tenant::LoginIds,
};
use madoguchi_store::{Retryable, StoreError, TenantStore, accounts::AccountWithCredentials, retry};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What somebody typed who forgot.
#[derive(Debug, Clone)]
pub struct RecoveryRequest {
    /// The user ID; ignored where people log in with their mail address.
    pub login_id: String,
    /// The mail address.
    pub mail: String,
    /// The language of the page, and of the mail.
    pub locale: Locale,
    /// The parked authorization request, opaque.
    pub interaction: Option<String>,
    /// Who asked.
    pub source: Source,
}

/// A link was asked for. Says the same whether one was sent or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRequested {
    /// The address, as read.
    pub email: EmailAddress,
    /// Until when a link sent now can be used.
    pub expires_at: Timestamp,
}

/// Why a link was not asked for.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Inputs are to be corrected.
    #[error("the inputs were not accepted")]
    Refused(Vec<RefusedInput>),
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// What the page that sets new passwords shows before anything is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryOpened {
    /// Whose passwords.
    pub login_id: String,
    /// The rules.
    pub rules: Rules,
    /// Whether there is a second password.
    pub second_password: bool,
    /// When the link dies.
    pub expires_at: Timestamp,
    /// The parked authorization request that the person came from, opaque; of the browser that asked.
    pub interaction: Option<String>,
}

/// How an account stands whose passwords were set by a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// The new passwords log in.
    Usable,
    /// Failed logins had locked it, and staff have not unlocked it yet.
    Locked,
}

/// Why new passwords were not set.
#[derive(Debug, thiserror::Error)]
pub enum NewPasswordsError {
    /// The link cannot be used, or not any more.
    #[error(transparent)]
    Link(#[from] LinkProblem),
    /// What was typed breaks rules; each is named. The link stays usable.
    #[error("the passwords break {} rules", .0.len())]
    Invalid(Vec<(CredentialField, Violation)>),
    /// The provider cannot tell now.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<LinkError> for NewPasswordsError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Problem(problem) => Self::Link(problem),
            LinkError::Service(error) => Self::Service(error),
        }
    }
}

impl From<StoreError> for NewPasswordsError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Retryable for NewPasswordsError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Service(error) => error.is_busy(),
            Self::Link(_) | Self::Invalid(_) => false,
        }
    }
}

/// What a link carries, beside the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payload {
    /// The account's generation when the link was made; with another one the link is over.
    generation: i64,
    #[serde(default)]
    interaction: Option<String>,
}

/// A link that can be used, and whose it is. Only looking one up makes it.
struct OpenLink {
    account: Account,
    credentials: Vec<Credential>,
    interaction: Option<String>,
    expires_at: Timestamp,
}

impl Service {
    /// Asks for a link to set new passwords.
    ///
    /// It goes to the address that the account has, never to the one that was typed, and ends older ones. Disabled
    /// accounts get none. Beyond the tenant's mails per hour none is sent, and the answer is the same.
    ///
    /// # Errors
    /// [`RecoveryError`].
    pub async fn request_recovery(
        &self,
        tenant: &Tenant,
        request: RecoveryRequest,
    ) -> Result<RecoveryRequested, RecoveryError> {
        let (email, user_id) = read_inputs(tenant, &request).map_err(RecoveryError::Refused)?;
        Ok(self.send_recovery_link(tenant, email, user_id, request).await?)
    }

    async fn send_recovery_link(
        &self,
        tenant: &Tenant,
        email: EmailAddress,
        user_id: Option<String>,
        request: RecoveryRequest,
    ) -> Result<RecoveryRequested, ServiceError> {
        let policy = &tenant.config.settings.one_time_links;
        let now = self.now();
        let expires_at = now + policy.lifetime.duration();
        let canonical = email.canonical();
        let requested = RecoveryRequested { email: email.clone(), expires_at };
        let store = self.store(tenant);

        // Counted with the user ID, so that nobody uses up the mails of an address without knowing the ID that goes
        // with it; an address has one account.
        let counted = format!("recovery-mail\0{canonical}\0{}", user_id.as_deref().unwrap_or_default());
        let mails = store.rates().hit(&TokenHash::of(counted.as_bytes()), now, MAIL_WINDOW).await?;
        let spent = self.spend(tenant, Counted::Mail, &request.source).await?;
        if mails > policy.mails_per_hour || spent.is_err() {
            return Ok(requested);
        }
        let account = addressee(&store, &canonical, user_id.as_deref()).await?;
        let known = account.is_some();

        // From here on the same is done for everybody. Where there is no account, the link is nobody's and its mail is
        // written and dropped.
        let (subject, generation, to) = match account {
            Some(account) => (account.id, account.generation, account.email),
            None => (AccountId::new(self.entropy()), 0, email),
        };
        let token = Token::new(self.entropy());
        let payload = Payload { generation, interaction: request.interaction };
        let link = OneTime {
            purpose: Purpose::Recovery,
            token_hash: token.hash(),
            subject: subject.to_string(),
            payload: serde_json::to_value(&payload).map_err(ServiceError::bug)?,
            created_at: now,
            expires_at,
            consumed_at: None,
            revoked_at: None,
        };
        let url = tenant.url(&format!("/forgot/link/{}", token.expose()));
        let mail = MailKind::RecoveryLink { url, expires_at };
        let mail = self.write_mail(tenant, &to, &request.locale, &mail).await?;

        let mut tx = store.begin().await?;
        tx.one_time().revoke(Purpose::Recovery, subject.as_str(), now).await?;
        tx.one_time().insert(&link).await?;
        // What was typed is not kept where it is nobody's.
        let whom = if known { subject.as_str() } else { "" };
        let detail = json!({ "known": known });
        self.record(&mut tx, Actor::Visitor, Action::RecoveryRequested, whom, detail, Some(&request.source)).await?;
        if known {
            tx.mails().enqueue(&mail).await?;
        }
        self.commit(tx).await?;
        Ok(requested)
    }

    /// Looks at a link. Changes nothing.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open_recovery(&self, tenant: &Tenant, token: &Token) -> Result<RecoveryOpened, LinkError> {
        let open = self.recovery_link(tenant, token).await?;
        Ok(RecoveryOpened {
            login_id: open.account.login_id,
            rules: tenant.config.settings.password.rules(),
            second_password: tenant.config.settings.login.second_password,
            expires_at: open.expires_at,
            interaction: open.interaction,
        })
    }

    async fn recovery_link(&self, tenant: &Tenant, token: &Token) -> Result<OpenLink, LinkError> {
        let store = self.store(tenant);
        let link = usable(&store, Purpose::Recovery, &token.hash(), self.now()).await?;
        let payload: Payload = serde_json::from_value(link.payload).map_err(ServiceError::bug)?;
        let id = AccountId::known(link.subject);
        let found = store.accounts().with_credentials(&id).await.map_err(ServiceError::from)?;
        let AccountWithCredentials { account, credentials } = found.ok_or(LinkProblem::Unknown)?;
        if !may_recover(&account) {
            return Err(LinkProblem::Unknown.into());
        }
        if account.generation != payload.generation {
            return Err(LinkProblem::Used.into());
        }
        Ok(OpenLink { account, credentials, interaction: payload.interaction, expires_at: link.expires_at })
    }

    /// Sets new passwords and ends all sessions and tokens of the account. Signs nobody in.
    ///
    /// A lock that ends by itself is lifted; one that staff must lift stays.
    ///
    /// # Errors
    /// [`NewPasswordsError`]. Of several that complete one link at the same time, one does; the others hear
    /// [`LinkProblem::Used`].
    pub async fn recover(
        &self,
        tenant: &Tenant,
        token: &Token,
        typed: NewCredentials,
        source: &Source,
    ) -> Result<(), NewPasswordsError> {
        let OpenLink { account, credentials, .. } = self.recovery_link(tenant, token).await?;
        let hashes = self.hash_new(tenant, &account, &credentials, &typed).await?;
        let hashes = hashes.map_err(NewPasswordsError::Invalid)?;
        retry(|| self.keep_new_passwords(tenant, token, &account, &credentials, &hashes, source)).await
    }

    /// How the account of a link stands, once the link has set new passwords: whoever holds it has proved to be the person.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkProblem::Unknown`] also for a link that has set nothing.
    pub async fn recovered(&self, tenant: &Tenant, token: &Token) -> Result<Recovered, LinkError> {
        let store = self.store(tenant);
        let link = store.one_time().find(Purpose::Recovery, &token.hash()).await.map_err(ServiceError::from)?;
        let link = link.filter(|link| link.consumed_at.is_some()).ok_or(LinkProblem::Unknown)?;
        let id = AccountId::known(link.subject);
        let account = store.accounts().find(&id).await.map_err(ServiceError::from)?.ok_or(LinkProblem::Unknown)?;
        let lock = self.lock_of(tenant, &account.login_id).await?;
        Ok(if lock.is_some() { Recovered::Locked } else { Recovered::Usable })
    }

    /// The transaction: link used up, hashes kept, everything else of the account ended.
    async fn keep_new_passwords(
        &self,
        tenant: &Tenant,
        token: &Token,
        account: &Account,
        credentials: &[Credential],
        hashes: &[String],
        source: &Source,
    ) -> Result<(), NewPasswordsError> {
        let now = self.now();
        let id = &account.id;
        // Secrets, credentials, account: in this order, as where the first passwords are set, so that the two cannot
        // wait for each other.
        let mut tx = self.store(tenant).begin().await?;
        if tx.one_time().consume(Purpose::Recovery, &token.hash(), now).await?.is_none() {
            return Err(LinkProblem::Used.into());
        }
        tx.one_time().revoke(Purpose::Recovery, id.as_str(), now).await?;
        tx.one_time().revoke(Purpose::SetCredentials, id.as_str(), now).await?;
        for (kind, phc) in [CredentialKind::Password, CredentialKind::SecondPassword].into_iter().zip(hashes) {
            let previous_phc = credentials.iter().find(|c| c.kind == kind).map(|c| c.phc.clone());
            let credential =
                Credential { kind, phc: phc.clone(), previous_phc, set_at: now, expires_at: None, consumed_at: None };
            tx.credentials().put(id, &credential).await?;
        }
        tx.credentials().consume(id, CredentialKind::Initial, now).await?;
        // Passwords set or an address moved since the link was looked at: theirs stand, and nothing of this does.
        if tx.accounts().end_everything(id).await? != Some(account.generation + 1) {
            return Err(LinkProblem::Used.into());
        }
        let present = tx.accounts().find(id).await?.map(|a| a.state);
        let first_passwords = match present {
            Some(AccountState::Active) => false,
            Some(AccountState::Provisioned) => {
                tx.accounts().set_state(id, AccountState::Provisioned, AccountState::Active, now).await?
            }
            Some(AccountState::Disabled) | None => return Err(LinkProblem::Unknown.into()),
        };
        if tenant.config.settings.lockout.duration.is_some() {
            tx.attempts().clear(&self.login_counter(tenant, &account.login_id)).await?;
        }
        let detail =
            json!({ "second_password": tenant.config.settings.login.second_password, "first": first_passwords });
        let actor = Actor::Account(id.clone());
        self.record(&mut tx, actor, Action::PasswordsReset, id.as_str(), detail, Some(source)).await?;
        let mail = MailKind::PasswordsReset { at: now };
        self.enqueue_mail(&mut tx, tenant, &account.email, &account.locale, mail).await?;
        self.commit(tx).await?;
        Ok(())
    }
}

/// Whether an account's passwords may be set anew by its mail address.
fn may_recover(account: &Account) -> bool {
    match account.state {
        AccountState::Active | AccountState::Provisioned => true,
        AccountState::Disabled => false,
    }
}

/// The account that a link may go to: by its address, and where people log in by user ID, only if both belong together.
async fn addressee(
    store: &TenantStore,
    canonical: &str,
    user_id: Option<&str>,
) -> Result<Option<Account>, ServiceError> {
    let found = match user_id {
        None => store.accounts().by_email(canonical).await?,
        Some(key) => store.accounts().by_login(key).await?.filter(|account| account.email.canonical() == canonical),
    };
    Ok(found.filter(may_recover))
}

/// The address, and where people log in by user ID, that ID as it is compared.
fn read_inputs(
    tenant: &Tenant,
    request: &RecoveryRequest,
) -> Result<(EmailAddress, Option<String>), Vec<RefusedInput>> {
    let user_id = match tenant.config.settings.login_ids() {
        LoginIds::MailAddresses => None,
        LoginIds::UserIds | LoginIds::Both => Some(login_key(tenant, &request.login_id)),
    };
    let missing = user_id.as_ref().is_some_and(String::is_empty);
    let mut refused = Vec::new();
    if missing {
        refused.push(RefusedInput { input: "login_id", code: "required" });
    }
    match EmailAddress::parse(&request.mail) {
        Ok(email) if refused.is_empty() => Ok((email, user_id)),
        Ok(_) => Err(refused),
        Err(error) => {
            refused.push(refused_address("mail", error));
            Err(refused)
        }
    }
}
