//! Signing in: login ID, password and, where the tenant has one, second password, judged together.
//!
//! Whoever fails learns nothing but that: an unknown name, a wrong or missing value, a lock, a disabled account have
//! one answer and cost the same work. The failure is counted before anything is verified and taken back on success, so
//! that parallel guesses cannot outrun the lock.

use crate::{
    Service, ServiceError, Source, Tenant,
    accounts::login_key,
    hashing::{HashingError, PasswordVerified},
    limits::Counted,
    sessions::Begin,
};
use madoguchi_domain::{
    Secret, Timestamp, Token, TokenHash,
    account::{Account, AccountState, Credential, CredentialKind},
    audit::{Action, Actor},
    mail::MailKind,
    one_time::{OneTime, Purpose},
    password,
    session::{Acr, Authentication, Session},
};
use madoguchi_store::{accounts::AccountWithCredentials, attempts::Attempt, retry};
use serde_json::json;
use std::time::Duration;

/// Between a login with the initial password and the setting of the own ones.
const TICKET_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What was typed on the login page.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Mail address or user ID.
    pub login_id: String,
    /// The password, or the initial password.
    pub password: Secret,
    /// The second password; empty at the first login, ignored where the tenant has none.
    pub second_password: Secret,
    /// From where.
    pub source: Source,
}

/// A sign-in that was right.
#[derive(Debug)]
pub enum SignedIn {
    /// Signed in.
    Session {
        /// For the cookie.
        token: Token,
        /// The session.
        session: Session,
    },
    /// The initial password was right: it opens the setting of the own passwords and nothing else.
    MustSetCredentials {
        /// For [`Service::set_credentials`].
        ticket: Token,
    },
}

/// Why a sign-in was not.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// For every reason that lies with what was typed or with the account.
    #[error("login ID or passwords are wrong")]
    Rejected,
    /// Too many were tried from where this one comes from. Nothing was verified.
    #[error("too many logins from one source")]
    TooMany {
        /// When to come again.
        retry_after: Duration,
    },
    /// The provider cannot tell now.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// What must be verified, and what it proves.
struct Plan<'a> {
    password: Option<&'a Credential>,
    second: Option<&'a Credential>,
    proves: Proof,
}

#[derive(Clone, Copy)]
enum Proof {
    /// The account's own credentials.
    Own,
    /// The initial password.
    Initial,
    /// Nothing can be proved; the work is done for its cost.
    Nothing,
}

/// Both passwords, or the one, were right.
struct CredentialsVerified {
    account: Account,
    first_login: bool,
    /// New hashes for those of an older cost.
    renewed: Vec<(CredentialKind, String, String)>,
}

impl Service {
    /// Signs in.
    ///
    /// # Errors
    /// [`SignInError::Rejected`] for all that lies with the person; the rest says when to come again.
    pub async fn sign_in(&self, tenant: &Tenant, typed: SignIn) -> Result<SignedIn, SignInError> {
        if let Err(retry_after) = self.spend(tenant, Counted::SignIn, &typed.source).await? {
            metrics::counter!("sign_ins_total", "result" => "limited").increment(1);
            return Err(SignInError::TooMany { retry_after });
        }
        let key = login_key(tenant, &typed.login_id);
        let counter = self.vault().pseudonym(&tenant.slug, "login", &key);
        let _turn = self.0.sign_ins.enter(&counter).await?;
        let store = self.store(tenant);
        let policy = &tenant.config.settings.lockout;
        let attempt = store.attempts().count(&counter, self.now(), policy).await.map_err(ServiceError::from)?;
        let (admitted, last) = match attempt {
            Attempt::Allowed { last, .. } => (true, last),
            Attempt::Locked { .. } => (false, false),
        };
        let found = store.accounts().for_login(&key).await.map_err(ServiceError::from)?;
        let account = found.as_ref().map(|f| f.account.clone());
        match self.verify_credentials(tenant, &typed, found, admitted).await {
            Ok(Some(verified)) => Ok(retry(|| self.welcome(tenant, &typed.source, &counter, &verified)).await?),
            Ok(None) => {
                if last {
                    self.tell_of_lock(tenant, typed.source, account);
                }
                metrics::counter!("sign_ins_total", "result" => "rejected").increment(1);
                Err(SignInError::Rejected)
            }
            Err(error) => {
                if admitted {
                    // Nothing was verified, so nothing counts. Should this fail as well, the attempt stays counted.
                    store.attempts().refund(&counter).await.map_err(ServiceError::from)?;
                }
                Err(error.into())
            }
        }
    }

    /// Verifies everything that was typed, the same number of argon2 runs whatever is known of the account.
    async fn verify_credentials(
        &self,
        tenant: &Tenant,
        typed: &SignIn,
        found: Option<AccountWithCredentials>,
        admitted: bool,
    ) -> Result<Option<CredentialsVerified>, ServiceError> {
        let two = tenant.config.settings.login.second_password;
        let no_second = !two || typed.second_password.is_empty();
        let plan = match &found {
            Some(found) if admitted => self.plan(&found.account, &found.credentials, no_second),
            Some(_) | None => Plan { password: None, second: None, proves: Proof::Nothing },
        };
        let first = password::normalize(&typed.password);
        let second = password::normalize(&typed.second_password);
        let mut checks = vec![(&first, plan.password.map(|c| c.phc.as_str()))];
        if two {
            checks.push((&second, plan.second.map(|c| c.phc.as_str())));
        }
        let mut results = self.hashing().verify_all(&checks).await?.into_iter();
        let first_result = verdict(results.next())?;
        let second_result = if two { verdict(results.next())? } else { None };

        let right = match plan.proves {
            Proof::Own => first_result.is_some() && (!two || second_result.is_some()),
            Proof::Initial => first_result.is_some() && no_second,
            Proof::Nothing => false,
        };
        let first_login = matches!(plan.proves, Proof::Initial);
        let mut renewed = Vec::new();
        if right && !first_login {
            let outdated = [(plan.password, &first, first_result), (plan.second, &second, second_result)];
            for (credential, typed, verified) in outdated {
                if let (Some(credential), Some(PasswordVerified { rehash: true })) = (credential, verified) {
                    renewed.push((credential.kind, credential.phc.clone(), self.hashing().hash(typed).await?));
                }
            }
        }
        Ok(match found {
            Some(found) if right => Some(CredentialsVerified { account: found.account, first_login, renewed }),
            Some(_) | None => None,
        })
    }

    fn plan<'a>(&self, account: &Account, credentials: &'a [Credential], no_second: bool) -> Plan<'a> {
        let usable = |kind| credentials.iter().find(|c| c.kind == kind && is_usable(c, self.now()));
        match account.state {
            AccountState::Active => Plan {
                password: usable(CredentialKind::Password),
                second: usable(CredentialKind::SecondPassword),
                proves: Proof::Own,
            },
            AccountState::Provisioned if no_second => {
                Plan { password: usable(CredentialKind::Initial), second: None, proves: Proof::Initial }
            }
            AccountState::Provisioned | AccountState::Disabled => {
                Plan { password: None, second: None, proves: Proof::Nothing }
            }
        }
    }

    /// Session or ticket, refund, audit: one transaction.
    async fn welcome(
        &self,
        tenant: &Tenant,
        source: &Source,
        counter: &TokenHash,
        verified: &CredentialsVerified,
    ) -> Result<SignedIn, ServiceError> {
        let now = self.now();
        let account = &verified.account;
        let mut tx = self.store(tenant).begin().await?;
        tx.attempts().clear(counter).await?;
        if verified.first_login {
            let ticket = Token::new(self.entropy());
            tx.one_time().revoke(Purpose::SetCredentials, account.id.as_str(), now).await?;
            tx.one_time()
                .insert(&OneTime {
                    purpose: Purpose::SetCredentials,
                    token_hash: ticket.hash(),
                    subject: account.id.to_string(),
                    payload: json!({}),
                    created_at: now,
                    expires_at: now + TICKET_LIFETIME,
                    consumed_at: None,
                    revoked_at: None,
                })
                .await?;
            self.commit(tx).await?;
            metrics::counter!("sign_ins_total", "result" => "first").increment(1);
            return Ok(SignedIn::MustSetCredentials { ticket });
        }
        for (kind, old, new) in &verified.renewed {
            tx.credentials().rehash(&account.id, *kind, old, new).await?;
        }
        let acr = own_credentials_acr(tenant);
        let begin = Begin {
            account: &account.id,
            generation: account.generation,
            authentication: Authentication { at: now, acr },
            source,
        };
        let (token, session) = self.begin_session(&mut tx, tenant, begin).await?;
        let detail = json!({ "session": session.id.as_str(), "acr": acr.as_str() });
        let actor = Actor::Account(account.id.clone());
        self.record(&mut tx, actor, Action::SignedIn, account.id.as_str(), detail, Some(source)).await?;
        self.commit(tx).await?;
        metrics::counter!("sign_ins_total", "result" => "session").increment(1);
        Ok(SignedIn::Session { token, session })
    }

    /// The attempt that locked is logged and the owner told, once. Whether there is an owner must not show in the time,
    /// so this goes on after the answer.
    pub(crate) fn tell_of_lock(&self, tenant: &Tenant, source: Source, account: Option<Account>) {
        let (service, tenant) = (self.clone(), tenant.clone());
        let until = tenant.config.settings.lockout.duration.map(|d| self.now() + d.duration());
        self.0.background.spawn(async move {
            let told = async {
                let mut tx = service.store(&tenant).begin().await?;
                // An identifier without an account is not kept: it may be a password typed in the wrong place.
                let subject = account.as_ref().map_or("", |a| a.id.as_str());
                let detail = json!({ "known": account.is_some(), "until": until.map(Timestamp::seconds) });
                service.record(&mut tx, Actor::Visitor, Action::AccountLocked, subject, detail, Some(&source)).await?;
                if let Some(account) = account.as_ref().filter(|a| a.may_act()) {
                    let mail = MailKind::AccountLocked { until };
                    service.enqueue_mail(&mut tx, &tenant, &account.email, &account.locale, mail).await?;
                }
                service.commit(tx).await
            };
            if let Err(error) = told.await {
                tracing::error!(%error, "a lock could not be logged");
            }
        });
    }
}

/// What own credentials prove at a tenant, truthfully: two passwords are one factor, twice.
pub(crate) fn own_credentials_acr(tenant: &Tenant) -> Acr {
    if tenant.config.settings.login.second_password { Acr::TwoPasswords } else { Acr::Password }
}

/// Whether an initial password may still be used.
pub(crate) fn is_usable(initial: &Credential, now: Timestamp) -> bool {
    initial.consumed_at.is_none() && initial.expires_at.is_none_or(|end| now < end)
}

/// Wrong is an answer here; what is neither right nor wrong ends the sign-in.
fn verdict(result: Option<Result<PasswordVerified, HashingError>>) -> Result<Option<PasswordVerified>, ServiceError> {
    match result {
        Some(Ok(verified)) => Ok(Some(verified)),
        Some(Err(HashingError::Wrong)) => Ok(None),
        Some(Err(error @ (HashingError::Busy { .. } | HashingError::Failed))) => Err(error.into()),
        None => Err(ServiceError::bug("fewer results than passwords")),
    }
}
