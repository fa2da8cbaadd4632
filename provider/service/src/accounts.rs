//! Accounts made and looked after by an administrator: the command line, and what the demo starts with.

use crate::{Service, ServiceError, Source, Tenant};
use madoguchi_domain::{
    EmailAddress, Entropy, Secret,
    account::{Account, AccountState, Credential, CredentialKind, Enrolment, Profile, StaffRole},
    audit::{Action, Actor},
    form::SearchKeys,
    id::{AccountId, EnrolmentId},
    japan::{id_key, kana_key, search_key},
    password,
};
use madoguchi_store::{StoreError, Tx, attempts::Attempt};
use serde::Serialize;
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

mod file;
mod user_id;

pub use file::{AccountFile, FileProblem};
pub(crate) use user_id::{NoUserId, UserId};

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// What is wrong with the file.
    #[error("the account's file has {} problems", .0.len())]
    Invalid(Vec<FileProblem>),
    /// The login ID or the mail address belongs to an account already.
    #[error("there is an account with this login ID or mail address already")]
    Exists,
    /// The provider cannot now.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for CreateAccountError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Conflict) { Self::Exists } else { Self::Service(error.into()) }
    }
}

/// What is told of an account: everything but secrets.
#[derive(Debug, Clone, Serialize)]
pub struct AccountView {
    /// Its name inside.
    pub id: AccountId,
    /// `sub` for relying parties.
    pub sub: String,
    /// What is typed to log in.
    pub login_id: String,
    /// The mail address.
    pub email: EmailAddress,
    /// `provisioned`, `active`, `disabled`.
    pub state: AccountState,
    /// Staff roles.
    pub staff_roles: Vec<StaffRole>,
    /// Student ID numbers.
    pub student_ids: Vec<String>,
    /// Names, birth date, address and claims.
    pub profile: Profile,
    /// Which credentials are set, and when (Unix seconds).
    pub credentials: Vec<CredentialView>,
    /// Whether failed logins have locked it; `null` when not.
    pub locked: Option<Lock>,
    /// When it was made (Unix seconds).
    pub created_at: i64,
}

/// A lock after failed logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Until when (Unix seconds); `null` until staff lifts it.
    pub until: Option<i64>,
}

/// What is told of a credential.
#[derive(Debug, Clone, Serialize)]
pub struct CredentialView {
    /// `password`, `second_password`, `initial`.
    pub kind: &'static str,
    /// When it was set (Unix seconds).
    pub set_at: i64,
    /// When it dies by itself.
    pub expires_at: Option<i64>,
    /// When it was used up.
    pub consumed_at: Option<i64>,
}

impl Service {
    /// Makes an account from `ACCOUNT.json`. Passwords keep to the tenant's rules like those that people set
    /// themselves. An initial password leads to the setting of own ones.
    ///
    /// # Errors
    /// [`CreateAccountError`].
    pub async fn create_account(
        &self,
        tenant: &Tenant,
        json: &str,
        by: &Actor,
    ) -> Result<AccountView, CreateAccountError> {
        let file = AccountFile::parse(json).map_err(CreateAccountError::Invalid)?;
        self.create_account_from(tenant, &file, by).await
    }

    /// As [`Service::create_account`], unless there is an account of that login ID. Whether one was made.
    ///
    /// # Errors
    /// [`CreateAccountError`]; not `Exists`.
    pub async fn ensure_account(&self, tenant: &Tenant, json: &str, by: &Actor) -> Result<bool, CreateAccountError> {
        let file = AccountFile::parse(json).map_err(CreateAccountError::Invalid)?;
        let key = login_key(tenant, &file.login_id);
        if self.store(tenant).accounts().by_login(&key).await?.is_some() {
            return Ok(false);
        }
        match self.create_account_from(tenant, &file, by).await {
            Ok(_) => Ok(true),
            Err(CreateAccountError::Exists) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create_account_from(
        &self,
        tenant: &Tenant,
        file: &AccountFile,
        by: &Actor,
    ) -> Result<AccountView, CreateAccountError> {
        let two = tenant.config.settings.login.second_password;
        let mut problems = file.unknown_kind(&tenant.config.settings);
        problems.extend(file.problems_at(two));
        if !problems.is_empty() {
            return Err(CreateAccountError::Invalid(problems));
        }
        let broken = file.broken_rules(&tenant.config.settings.password.rules());
        if !broken.is_empty() {
            return Err(CreateAccountError::Invalid(broken));
        }
        let now = self.now();
        let account = Account {
            id: AccountId::new(self.entropy()),
            sub: new_sub(self.entropy()),
            login_id: file.login_id.trim().to_owned(),
            email: file.email.clone(),
            state: if file.initial_password.is_some() { AccountState::Provisioned } else { AccountState::Active },
            locale: tenant.config.locale(file.locale.iter().map(String::as_str)).clone(),
            profile: file.profile(),
            staff_roles: file.staff_roles.clone(),
            generation: 1,
            created_at: now,
        };
        let second = file.second_password.as_ref().filter(|_| two);
        let given = [
            (CredentialKind::Password, file.password.as_ref()),
            (CredentialKind::SecondPassword, second),
            (CredentialKind::Initial, file.initial_password.as_ref()),
        ];
        let given: Vec<(CredentialKind, Secret)> =
            given.into_iter().filter_map(|(kind, typed)| Some((kind, password::normalize(typed?)))).collect();
        let typed: Vec<&Secret> = given.iter().map(|(_, secret)| secret).collect();
        let hashes = self.hashing().hash_all(&typed).await.map_err(ServiceError::from)?;
        let lifetime = tenant.config.settings.initial_credential.lifetime.duration();

        let mut tx = self.store(tenant).begin().await?;
        tx.accounts().insert(&account, &login_key(tenant, &account.login_id), &person_keys(&account.profile)).await?;
        // one that an administrator chose is not drawn later
        if let Some(chosen) = UserId::of(tenant, &account.login_id) {
            chosen.give(&mut tx, now).await?;
        }
        for ((kind, _), phc) in given.iter().zip(hashes) {
            let expires_at = (*kind == CredentialKind::Initial).then(|| now + lifetime);
            let credential =
                Credential { kind: *kind, phc, previous_phc: None, set_at: now, expires_at, consumed_at: None };
            tx.credentials().put(&account.id, &credential).await?;
        }
        let enrolments = file.enrolments();
        // Made at one moment, they are listed by their ids; these keep the file's order.
        let mut ids: Vec<EnrolmentId> = enrolments.iter().map(|_| EnrolmentId::new(self.entropy())).collect();
        ids.sort();
        for (id, (student_id, facts)) in ids.into_iter().zip(enrolments) {
            let enrolment = Enrolment {
                id,
                account: account.id.clone(),
                student_id,
                facts,
                application: None,
                verified: None,
                created_at: now,
                ended_at: None,
            };
            tx.enrolments().insert(&enrolment, &id_key(&enrolment.student_id)).await?;
        }
        let agreed = file.terms_version.as_deref().or(tenant.config.terms_in_force()).map(str::trim);
        if let Some(version) = agreed.filter(|v| !v.is_empty()) {
            tx.terms().accept(&account.id, version, now).await?;
        }
        let detail = json!({ "staff_roles": account.staff_roles, "initial": file.initial_password.is_some() });
        self.record(&mut tx, by.clone(), Action::AccountCreated, account.id.as_str(), detail, None).await?;
        self.commit(tx).await?;
        self.view(tenant, account).await.map_err(Into::into)
    }

    /// Looks an account up by login ID or mail address.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn find_account(&self, tenant: &Tenant, typed: &str) -> Result<Option<Account>, ServiceError> {
        let store = self.store(tenant);
        if let Some(account) = store.accounts().by_login(&login_key(tenant, typed)).await? {
            return Ok(Some(account));
        }
        match EmailAddress::parse(typed) {
            Ok(email) => Ok(store.accounts().by_email(&email.canonical()).await?),
            Err(_) => Ok(None),
        }
    }

    /// Everything of an account but its secrets, by login ID or mail address.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn show_account(&self, tenant: &Tenant, typed: &str) -> Result<Option<AccountView>, ServiceError> {
        match self.find_account(tenant, typed).await? {
            Some(account) => self.view(tenant, account).await.map(Some),
            None => Ok(None),
        }
    }

    async fn view(&self, tenant: &Tenant, account: Account) -> Result<AccountView, ServiceError> {
        let store = self.store(tenant);
        let credentials = store.credentials().of(&account.id).await?;
        let enrolments = store.enrolments().of(&account.id).await?;
        let locked = self.lock_of(tenant, &account.login_id).await?;
        Ok(AccountView {
            student_ids: enrolments.into_iter().map(|e| e.student_id).filter(|s| !s.is_empty()).collect(),
            credentials: credentials
                .iter()
                .map(|c| CredentialView {
                    kind: c.kind.as_str(),
                    set_at: c.set_at.seconds(),
                    expires_at: c.expires_at.map(|t| t.seconds()),
                    consumed_at: c.consumed_at.map(|t| t.seconds()),
                })
                .collect(),
            locked,
            created_at: account.created_at.seconds(),
            id: account.id,
            sub: account.sub,
            login_id: account.login_id,
            email: account.email,
            state: account.state,
            staff_roles: account.staff_roles,
            profile: account.profile,
        })
    }

    /// Lifts the lock of a login ID, whether or not it has an account. Whether there was one to lift.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn unlock_account(
        &self,
        tenant: &Tenant,
        typed: &str,
        by: &Actor,
        source: Option<&Source>,
    ) -> Result<bool, ServiceError> {
        let account = self.find_account(tenant, typed).await?;
        let login_id = account.as_ref().map_or(typed, |a| a.login_id.as_str());
        let mut tx = self.store(tenant).begin().await?;
        let lifted = self.lift_lock(&mut tx, tenant, login_id).await?;
        let subject = account.as_ref().map_or("", |a| a.id.as_str());
        let detail = json!({ "lifted": lifted });
        self.record(&mut tx, by.clone(), Action::AccountUnlocked, subject, detail, source).await?;
        self.commit(tx).await?;
        Ok(lifted)
    }

    /// Lifts the lock of a login ID as part of `tx`; whether there was one.
    pub(crate) async fn lift_lock(&self, tx: &mut Tx, tenant: &Tenant, login_id: &str) -> Result<bool, ServiceError> {
        Ok(tx.attempts().clear(&self.login_counter(tenant, login_id)).await?)
    }

    /// The lock of a login ID.
    pub(crate) async fn lock_of(&self, tenant: &Tenant, login_id: &str) -> Result<Option<Lock>, ServiceError> {
        let counter = self.login_counter(tenant, login_id);
        Ok(match self.store(tenant).attempts().locked(&counter, self.now()).await? {
            Some(Attempt::Locked { until }) => Some(Lock { until: until.map(|t| t.seconds()) }),
            Some(Attempt::Allowed { .. }) | None => None,
        })
    }

    /// What failed logins of a login ID are counted under.
    pub(crate) fn login_counter(&self, tenant: &Tenant, typed: &str) -> madoguchi_domain::TokenHash {
        self.vault().pseudonym(&tenant.slug, "login", &login_key(tenant, typed))
    }
}

/// The one form that login IDs are compared in: the tenant's user ID or a mail address where it is one, folded to
/// half-width lower case.
pub fn login_key(tenant: &Tenant, typed: &str) -> String {
    let user_id = tenant.config.settings.user_id_patterns().find_map(|pattern| pattern.parse(typed));
    let folded = user_id.unwrap_or_else(|| typed.nfkc().take(400).collect::<String>());
    folded.trim().to_lowercase()
}

/// What an account is searched and compared by, from its profile.
pub fn person_keys(profile: &Profile) -> SearchKeys {
    SearchKeys {
        name_key: search_key(&profile.name),
        kana_key: kana_key(&profile.name_kana),
        birth_date: profile.birth_date.clone(),
        student_id_key: String::new(),
    }
}

/// A subject identifier: random, never reused, tied to nothing.
pub fn new_sub(entropy: &dyn Entropy) -> String {
    madoguchi_domain::random::text(entropy, madoguchi_domain::id::ALPHABET, 26)
}

/// An initial password by the tenant's rules.
pub fn draw_initial_password(entropy: &dyn Entropy, tenant: &Tenant) -> Secret {
    password::generate_initial(entropy, &tenant.config.settings.password.rules())
}
