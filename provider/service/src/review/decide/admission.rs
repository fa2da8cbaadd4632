//! An account is made, or moves to another address; and how its person gets in for the first time.

use super::{
    super::evidence::{Claimed, duplicates},
    AccountChoice, DecideError, Decided, Decider, Prepared,
};
use crate::{
    Service, ServiceError, Tenant,
    accounts::{UserId, draw_initial_password, login_key, new_sub, person_keys},
};
use madoguchi_domain::{
    Secret, Timestamp, Token,
    account::{Account, AccountState, Credential, CredentialKind, Enrolment, EnrolmentFacts},
    application::Application,
    form::personal,
    id::{AccountId, EnrolmentId},
    japan::id_key,
    mail::FirstEntry,
    one_time::{OneTime, Purpose},
    password,
    tenant::{InitialCredential, LoginIdentifier},
    verification::{REVIEWED_FACTS, Verification},
};
use madoguchi_store::{
    StoreError, Tx,
    moves::{Before, Move},
};

/// How an approved applicant gets in.
pub(super) struct Admission {
    pub(super) account: Account,
    /// The account as it is, when it exists and moves.
    pub(super) moves: Option<Account>,
    pub(super) entry: Entry,
    pub(super) login_url: String,
    /// The user ID that a new account gets, where it has one.
    user_id: Option<UserId>,
}

/// What opens the setting of the own passwords; made before the transaction, as a hash takes its time.
pub(in super::super) struct Entry {
    secret: EntrySecret,
    /// Until when it does.
    pub(in super::super) expires_at: Timestamp,
}

enum EntrySecret {
    /// A password for the first login, and its hash.
    Password { initial: Secret, phc: String },
    /// The secret of a one-time URL.
    Link(Token),
}

impl Entry {
    /// As a mail says it.
    pub(in super::super) fn told(&self, tenant: &Tenant) -> FirstEntry {
        match &self.secret {
            EntrySecret::Password { initial, .. } => FirstEntry::InitialPassword(initial.expose().to_owned()),
            EntrySecret::Link(token) => FirstEntry::SettingUrl(setting_url(tenant, token.expose())),
        }
    }
}

/// The address in a mail that opens the setting of the own passwords.
pub(super) fn setting_url(tenant: &Tenant, token: &str) -> String {
    tenant.url(&format!("/password-setting/link/{token}"))
}

impl Service {
    /// Draws what opens the setting of the own passwords, as the tenant hands it over.
    pub(in super::super) async fn draw_entry(&self, tenant: &Tenant) -> Result<Entry, ServiceError> {
        let policy = &tenant.config.settings.initial_credential;
        let secret = match policy.kind {
            InitialCredential::Password => {
                let initial = draw_initial_password(self.entropy(), tenant);
                let phc = self.hashing().hash(&password::normalize(&initial)).await.map_err(ServiceError::from)?;
                EntrySecret::Password { initial, phc }
            }
            InitialCredential::SettingUrl => EntrySecret::Link(Token::new(self.entropy())),
        };
        Ok(Entry { secret, expires_at: self.now() + policy.lifetime.duration() })
    }

    /// The account that an approval makes or moves.
    pub(super) async fn admission(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
        claimed: &Claimed,
        chosen: &AccountChoice,
        how: &Verification,
    ) -> Result<Admission, DecideError> {
        let store = self.store(tenant);
        let moves = match chosen {
            AccountChoice::Existing(id) => Some(self.movable(tenant, decider, application, claimed, id).await?),
            AccountChoice::New => None,
            AccountChoice::Unsaid => {
                let (alike, _) = duplicates(&store, application, claimed).await?;
                // an account of the same address is another matter, and said so below
                let address = application.email.canonical();
                if alike.iter().any(|a| a.account.email.canonical() != address) {
                    return Err(DecideError::AccountUnsaid);
                }
                None
            }
        };
        match store.accounts().by_email(&application.email.canonical()).await? {
            Some(other) if moves.as_ref().is_none_or(|m| m.id != other.id) => {
                // It may be the account that somebody else's approval has just made.
                let stands = store.applications().find(&application.id).await?;
                return match stands {
                    Some(stands) if stands.lifecycle == application.lifecycle => Err(DecideError::EmailTaken),
                    Some(_) | None => Err(self.lost(tenant, application).await?),
                };
            }
            Some(_) | None => {}
        }
        let entry = self.draw_entry(tenant).await?;
        let user_id = match &moves {
            None => self.draw_user_id(tenant, application.kind_of_user()).await?,
            Some(_) => None,
        };
        let account = match &moves {
            None => self.new_account(tenant, application, claimed, user_id.as_ref(), how),
            Some(old) => Account {
                login_id: match tenant.config.settings.identifier_of(&old.profile.kind_of_user) {
                    LoginIdentifier::UserId => old.login_id.clone(),
                    LoginIdentifier::MailAddress => application.email.as_str().to_owned(),
                },
                email: application.email.clone(),
                state: AccountState::Provisioned,
                locale: application.locale.clone(),
                ..old.clone()
            },
        };
        let login_url = self.login_url(tenant, application).await?;
        Ok(Admission { account, moves, entry, login_url, user_id })
    }

    fn new_account(
        &self,
        tenant: &Tenant,
        application: &Application,
        claimed: &Claimed,
        user_id: Option<&UserId>,
        how: &Verification,
    ) -> Account {
        let mut profile = claimed.profile.clone();
        let kind = application.kind_of_user();
        kind.clone_into(&mut profile.kind_of_user);
        let form = tenant.config.form_of(kind);
        let policy = &tenant.config.settings.self_service;
        profile.more = personal::further_answers(form, policy, &application.answers);
        // what was not asked was not looked at
        let asked = |key: &&str| form.field(key).is_some();
        profile.verify(REVIEWED_FACTS.into_iter().filter(asked), how);
        Account {
            id: AccountId::new(self.entropy()),
            sub: new_sub(self.entropy()),
            login_id: user_id.map_or_else(|| application.email.as_str().to_owned(), |user_id| user_id.text.clone()),
            email: application.email.clone(),
            state: AccountState::Provisioned,
            locale: application.locale.clone(),
            profile,
            staff_roles: Vec::new(),
            generation: 1,
            created_at: self.now(),
        }
    }

    /// The account that an approval may move.
    async fn movable(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
        claimed: &Claimed,
        id: &AccountId,
    ) -> Result<Account, DecideError> {
        let (accounts, _) = duplicates(&self.store(tenant), application, claimed).await?;
        let account = accounts.into_iter().map(|a| a.account).find(|a| a.id == *id).ok_or(DecideError::WrongAccount)?;
        match account.state {
            AccountState::Disabled => return Err(DecideError::WrongAccount),
            AccountState::Active | AccountState::Provisioned => {}
        }
        // Staff accounts do not change hands by an application.
        if !account.staff_roles.is_empty() {
            return Err(DecideError::WrongAccount);
        }
        if decider.id() == account.id {
            return Err(DecideError::OwnApplication);
        }
        Ok(account)
    }

    /// Where *log in here* leads: to the login of the application that the applicant came from (OpenID Connect Core
    /// §4), or to the tenant's own.
    pub(super) async fn login_url(&self, tenant: &Tenant, application: &Application) -> Result<String, ServiceError> {
        let own = tenant.url("/login");
        let Some(client_id) = &application.return_client else { return Ok(own) };
        let client = self.store(tenant).clients().find(client_id).await?;
        Ok(match client.and_then(|c| c.metadata.initiate_login_uri) {
            Some(mut url) => {
                url.query_pairs_mut().append_pair("iss", &tenant.issuer);
                url.into()
            }
            None => own,
        })
    }

    /// Makes the account, or moves it; `None` when a generated login ID was taken.
    pub(super) async fn admit(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        prepared: &Prepared,
        admission: &Admission,
        how: &Verification,
    ) -> Result<Option<Decided>, DecideError> {
        let Admission { account, moves, entry, user_id, .. } = admission;
        if let Some(user_id) = user_id
            && !user_id.give(tx, self.now()).await?
        {
            return Ok(None);
        }
        match moves {
            None => {
                let key = login_key(tenant, &account.login_id);
                match tx.accounts().insert(account, &key, &person_keys(&account.profile)).await {
                    Ok(()) => {}
                    Err(StoreError::Conflict) => {
                        let taken = tx.accounts().by_email(&account.email.canonical()).await?.is_some();
                        return if taken { Err(DecideError::EmailTaken) } else { Ok(None) };
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Some(old) => self.relocate(tx, tenant, prepared, old, account).await?,
        }
        let (terms_version, agreed_at) = &prepared.application.terms;
        if !terms_version.is_empty() {
            tx.terms().accept(&account.id, terms_version, *agreed_at).await?;
        }
        self.put_entry(tx, &account.id, entry).await?;
        self.add_enrolment(tx, &account.id, prepared, how).await?;
        Ok(Some(match moves {
            None => Decided::Approved { account: account.id.clone() },
            Some(_) => Decided::Moved { account: account.id.clone() },
        }))
    }

    /// Moves an account; what it was is kept, so that it can be taken back.
    async fn relocate(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        prepared: &Prepared,
        seen: &Account,
        next: &Account,
    ) -> Result<(), DecideError> {
        let now = self.now();
        let key = login_key(tenant, &next.login_id);
        let old = tx.accounts().hold(&seen.id, now).await?.ok_or(DecideError::WrongAccount)?;
        if old.state != seen.state {
            return Err(DecideError::WrongAccount);
        }
        let was = Before {
            email: old.email.clone(),
            login_id: old.login_id.clone(),
            locale: old.locale.clone(),
            state: old.state,
            profile: old.profile.clone(),
        };
        let made = Move {
            application: prepared.application.id.clone(),
            version: prepared.application.lifecycle.version,
            account: old.id.clone(),
            before: was,
            moved_at: now,
            undone: None,
        };
        tx.moves().record(&made).await?;
        match tx.accounts().move_to(&old.id, &next.email, &next.login_id, &key, now).await {
            Ok(_) => {}
            Err(StoreError::Conflict) => return Err(DecideError::EmailTaken),
            Err(error) => return Err(error.into()),
        }
        if old.state != AccountState::Provisioned {
            tx.accounts().set_state(&old.id, old.state, AccountState::Provisioned, now).await?;
        }
        tx.accounts().set_locale(&old.id, &next.locale).await?;
        Ok(self.take_ways_in(tx, &old.id, now).await?)
    }

    /// Takes all ways into an account away: its initial password, its own passwords, and every link to it that lies in a
    /// mailbox. What the own passwords were stays known, as new ones may not be the same.
    pub(in super::super) async fn take_ways_in(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        tx.credentials().remove(account, CredentialKind::Initial).await?;
        for kind in [CredentialKind::Password, CredentialKind::SecondPassword] {
            tx.credentials().consume(account, kind, now).await?;
        }
        // links that its former owner may hold, to take a change of the address back among them
        let links =
            [Purpose::SetCredentials, Purpose::Recovery, Purpose::MailChange, Purpose::MailUndo, Purpose::Enrolment];
        for purpose in links {
            tx.one_time().revoke(purpose, account.as_str(), now).await?;
        }
        Ok(())
    }

    /// Lets the initial credential open the account.
    pub(in super::super) async fn put_entry(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let (now, expires_at) = (self.now(), entry.expires_at);
        match &entry.secret {
            EntrySecret::Password { phc, .. } => {
                let credential = Credential {
                    kind: CredentialKind::Initial,
                    phc: phc.clone(),
                    previous_phc: None,
                    set_at: now,
                    expires_at: Some(expires_at),
                    consumed_at: None,
                };
                tx.credentials().put(account, &credential).await
            }
            EntrySecret::Link(token) => {
                let link = OneTime {
                    purpose: Purpose::SetCredentials,
                    token_hash: token.hash(),
                    subject: account.to_string(),
                    payload: serde_json::json!({}),
                    created_at: now,
                    expires_at,
                    consumed_at: None,
                    revoked_at: None,
                };
                tx.one_time().insert(&link).await
            }
        }
    }

    /// Adds the stay that the application tells of, unless the account has it.
    pub(super) async fn add_enrolment(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        prepared: &Prepared,
        how: &Verification,
    ) -> Result<(), StoreError> {
        let Claimed { student_id, facts, keys, .. } = &prepared.claimed;
        let enrolments = tx.enrolments().of(account).await?;
        let known = enrolments.iter().any(|e| {
            let (number, wanted) = (id_key(&e.student_id), &keys.student_id_key);
            // another number is another stay, however alike they are
            if number.is_empty() || wanted.is_empty() { e.facts == *facts } else { number == *wanted }
        });
        let has_facts = !student_id.is_empty() || *facts != EnrolmentFacts::default();
        if !has_facts || known {
            return Ok(());
        }
        let enrolment = Enrolment {
            id: EnrolmentId::new(self.entropy()),
            account: account.clone(),
            student_id: student_id.clone(),
            facts: facts.clone(),
            application: Some(prepared.application.id.clone()),
            verified: Some(how.clone()),
            created_at: self.now(),
            ended_at: None,
        };
        tx.enrolments().insert(&enrolment, &keys.student_id_key).await
    }
}
