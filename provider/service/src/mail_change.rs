//! Another mail address: asked for by somebody who is signed in, proved by a link to the new one, told to the old one.
//!
//! Asking looks the same whether or not another account has the address; that account's owner gets a mail that says so.
//! Opening the link (GET) changes nothing. Completing it moves the account in one transaction: link used up, address
//! (and, where people log in with it, login ID) replaced, every session and token ended but the one that completes it,
//! the log and the mails written. The old address gets a second link that takes the change back for some days.
//!
//! A link belongs to the state that its account was in: new passwords, a recovery, another change of address end it.

use crate::{
    ActiveSession, LinkError, LinkProblem, RefusedInput, Service, ServiceError, Source, Tenant,
    limits::Counted,
    registration::{MAIL_WINDOW, compare_addresses, usable},
};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp, Token, TokenHash,
    account::Account,
    audit::{Action, Actor},
    id::{AccountId, SessionId},
    mail::MailKind,
    one_time::{OneTime, Purpose},
    tenant::LoginIdentifier,
};
use madoguchi_store::{Retryable, StoreError, Tx, retry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// What was typed, and from where.
#[derive(Debug, Clone)]
pub struct MailChangeRequest {
    /// The new address.
    pub mail: String,
    /// The same again.
    pub mail_confirm: String,
    /// The language of the page, and of the mails.
    pub locale: Locale,
    /// Who asked.
    pub source: Source,
}

/// What came of asking. Says the same whether or not the address is free.
#[derive(Debug)]
pub enum MailChangeRequested {
    /// A link was sent to the new address; until it is completed nothing changes.
    LinkSent {
        /// The new address, as read.
        email: EmailAddress,
        /// Until when the link can be used.
        expires_at: Timestamp,
    },
    /// The tenant asks for no proof: the address is in force (`self_service.confirm_mail = false`).
    Changed(MailIsChanged),
}

/// The address is in force.
#[derive(Debug)]
pub struct MailIsChanged {
    /// The address.
    pub email: EmailAddress,
    /// For the cookie of the session that goes on; none where the link was completed by a browser without one.
    pub token: Option<Token>,
}

/// What the page shows that a link opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailChangeOpened {
    /// The address that will be in force.
    pub email: EmailAddress,
    /// Until when the link can be used.
    pub expires_at: Timestamp,
}

/// Why an address was not changed, or not asked for.
#[derive(Debug, thiserror::Error)]
pub enum MailChangeError {
    /// Inputs are to be corrected.
    #[error("the inputs were not accepted")]
    Refused(Vec<RefusedInput>),
    /// The login is older than the tenant wants for this; after another one it goes.
    #[error("the login is too long ago")]
    LoginTooLongAgo,
    /// Too many changes were asked for. No mail was sent.
    #[error("too many changes of the mail address")]
    TooMany {
        /// When to come again.
        retry_after: Duration,
    },
    /// The link cannot be used, or not any more.
    #[error(transparent)]
    Link(#[from] LinkProblem),
    /// Another account got the address first. Nothing was changed.
    #[error("the mail address belongs to another account")]
    Taken,
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<LinkError> for MailChangeError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Problem(problem) => Self::Link(problem),
            LinkError::Service(error) => Self::Service(error),
        }
    }
}

impl From<StoreError> for MailChangeError {
    fn from(error: StoreError) -> Self {
        // of two that take one address at the same instant, the unique index tells the second
        if matches!(error, StoreError::Conflict) { Self::Taken } else { Self::Service(error.into()) }
    }
}

impl Retryable for MailChangeError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Service(error) => error.is_busy(),
            Self::Refused(_) | Self::LoginTooLongAgo | Self::TooMany { .. } | Self::Link(_) | Self::Taken => false,
        }
    }
}

/// What the link to the new address carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Wanted {
    /// The new address.
    mail: String,
    /// The account's generation when it was asked for; with another one the link is over.
    generation: i64,
}

/// What the link to the old address carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    /// The address to go back to.
    mail: String,
}

/// An account on its way to another address.
struct Move<'a> {
    tenant: &'a Tenant,
    /// As it stands before.
    account: &'a Account,
    to: &'a EmailAddress,
    /// Whether somebody read a mail there.
    proved: bool,
    locale: &'a Locale,
    source: &'a Source,
}

impl Service {
    /// Whether the login of a session is recent enough for what a stolen session should not do.
    pub fn is_recent(&self, tenant: &Tenant, active: &ActiveSession) -> bool {
        let most = tenant.config.settings.self_service.recent_login.duration();
        self.now().since(active.session.authentication.at) <= most
    }

    /// Asks for another address.
    ///
    /// One mail goes to the new address (with a link, or to its owner saying that it has an account) and one to the
    /// address in force, within the tenant's mails per hour. Older links of the account end.
    ///
    /// # Errors
    /// [`MailChangeError`]; not `Link`.
    pub async fn request_mail_change(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        request: MailChangeRequest,
    ) -> Result<MailChangeRequested, MailChangeError> {
        if !self.is_recent(tenant, active) {
            return Err(MailChangeError::LoginTooLongAgo);
        }
        let email = compare_addresses(&request.mail, &request.mail_confirm).map_err(MailChangeError::Refused)?;
        if email == active.account.email {
            return Err(MailChangeError::Refused(vec![RefusedInput { input: "mail", code: "email.same" }]));
        }
        retry(|| self.note_mail_change(tenant, active, &email, &request)).await
    }

    async fn note_mail_change(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        email: &EmailAddress,
        request: &MailChangeRequest,
    ) -> Result<MailChangeRequested, MailChangeError> {
        let settings = &tenant.config.settings;
        let (now, account, source) = (self.now(), &active.account, &request.source);
        let policy = &settings.one_time_links;
        let expires_at = now + policy.lifetime.duration();
        let canonical = email.canonical();
        let key = |whom: &str| TokenHash::of(format!("mail-change\0{whom}").as_bytes());
        let mut tx = self.store(tenant).begin().await?;
        let asked = tx.rates().hit(&key(account.id.as_str()), now, MAIL_WINDOW).await?;
        let spent = self.spend_in(&mut tx, tenant, Counted::Mail, source, now).await?;
        if asked > policy.mails_per_hour || spent.is_err() {
            tx.commit().await?;
            return Err(MailChangeError::TooMany { retry_after: MAIL_WINDOW });
        }
        if !settings.self_service.confirm_mail {
            let moving = Move { tenant, account, to: email, proved: false, locale: &request.locale, source };
            return match self.move_address(tx, moving, Some(&active.session.id)).await {
                Ok(changed) => Ok(MailChangeRequested::Changed(changed)),
                // without a proof there is nobody to tell but the one who typed it
                Err(MailChangeError::Taken) => {
                    Err(MailChangeError::Refused(vec![RefusedInput { input: "mail", code: "email.taken" }]))
                }
                Err(error) => Err(error),
            };
        }
        let sent = Ok(MailChangeRequested::LinkSent { email: email.clone(), expires_at });
        if tx.rates().hit(&key(&canonical), now, MAIL_WINDOW).await? > policy.mails_per_hour {
            tx.commit().await?;
            return sent;
        }
        let owner = tx.accounts().by_email(&canonical).await?.filter(|owner| owner.id != account.id);
        let token = Token::new(self.entropy());
        let wanted = Wanted { mail: email.as_str().to_owned(), generation: account.generation };
        let id = account.id.as_str();
        tx.one_time().revoke(Purpose::MailChange, id, now).await?;
        let link = OneTime {
            purpose: Purpose::MailChange,
            token_hash: token.hash(),
            subject: id.to_owned(),
            payload: serde_json::to_value(&wanted).map_err(ServiceError::bug)?,
            created_at: now,
            expires_at,
            consumed_at: None,
            revoked_at: None,
        };
        tx.one_time().insert(&link).await?;
        // As much is written where somebody has the address; that link is in no mail.
        let (to, locale, mail) = match &owner {
            Some(owner) => (&owner.email, &owner.locale, MailKind::AddressInUse { login_url: tenant.url("/login") }),
            None => {
                let url = tenant.url(&format!("/account/mail/link/{}", token.expose()));
                (email, &request.locale, MailKind::MailChangeLink { url, expires_at })
            }
        };
        self.enqueue_mail(&mut tx, tenant, to, locale, mail).await?;
        let notice = MailKind::MailChangeAsked { at: now };
        self.enqueue_mail(&mut tx, tenant, &account.email, &request.locale, notice).await?;
        let detail = json!({ "to": email.as_str(), "taken": owner.is_some() });
        let actor = Actor::Account(account.id.clone());
        self.record(&mut tx, actor, Action::MailChangeRequested, id, detail, Some(source)).await?;
        self.commit(tx).await?;
        sent
    }

    /// Looks at the link that proves a new address. Changes nothing.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open_mail_change(&self, tenant: &Tenant, token: &Token) -> Result<MailChangeOpened, LinkError> {
        let (_, opened) = self.mail_change_link(tenant, token).await?;
        Ok(opened)
    }

    async fn mail_change_link(&self, tenant: &Tenant, token: &Token) -> Result<(Account, MailChangeOpened), LinkError> {
        let store = self.store(tenant);
        let link = usable(&store, Purpose::MailChange, &token.hash(), self.now()).await?;
        let wanted: Wanted = serde_json::from_value(link.payload).map_err(ServiceError::bug)?;
        let found = store.accounts().find(&AccountId::known(link.subject)).await.map_err(ServiceError::from)?;
        let account = found.filter(Account::may_act).ok_or(LinkProblem::Unknown)?;
        if account.generation != wanted.generation {
            return Err(LinkProblem::Superseded.into());
        }
        let email = EmailAddress::known(wanted.mail);
        Ok((account, MailChangeOpened { email, expires_at: link.expires_at }))
    }

    /// Completes a change. `current` is the session of the browser that does; it goes on if it is the account's, under
    /// a new secret. Everything else of the account ends.
    ///
    /// # Errors
    /// [`MailChangeError::Link`] and [`MailChangeError::Taken`]. Of several that complete one link at the same time, one
    /// does; of several accounts that move to one address, one does.
    pub async fn change_mail(
        &self,
        tenant: &Tenant,
        token: &Token,
        current: Option<&ActiveSession>,
        locale: &Locale,
        source: &Source,
    ) -> Result<MailIsChanged, MailChangeError> {
        let (account, opened) = self.mail_change_link(tenant, token).await?;
        let own = current.filter(|active| active.account.id == account.id).map(|active| &active.session.id);
        retry(|| async {
            let mut tx = self.store(tenant).begin().await?;
            if tx.one_time().consume(Purpose::MailChange, &token.hash(), self.now()).await?.is_none() {
                return Err(LinkProblem::Used.into());
            }
            let moving = Move { tenant, account: &account, to: &opened.email, proved: true, locale, source };
            self.move_address(tx, moving, own).await
        })
        .await
    }

    /// Replaces the address and ends everything that was open, but for one session; commits.
    async fn move_address(
        &self,
        mut tx: Tx,
        moving: Move<'_>,
        own: Option<&SessionId>,
    ) -> Result<MailIsChanged, MailChangeError> {
        let Move { tenant, account, to, proved, locale, source } = moving;
        let (now, id) = (self.now(), &account.id);
        tx.one_time().revoke(Purpose::MailChange, id.as_str(), now).await?;
        tx.one_time().revoke(Purpose::Recovery, id.as_str(), now).await?;
        let undo = Token::new(self.entropy());
        let undo_until = now + tenant.config.settings.one_time_links.undo_lifetime.duration();
        let before = Before { mail: account.email.as_str().to_owned() };
        let link = OneTime {
            purpose: Purpose::MailUndo,
            token_hash: undo.hash(),
            subject: id.to_string(),
            payload: serde_json::to_value(&before).map_err(ServiceError::bug)?,
            created_at: now,
            expires_at: undo_until,
            consumed_at: None,
            revoked_at: None,
        };
        tx.one_time().insert(&link).await?;
        let generation = put_address(&mut tx, tenant, account, to, proved, now).await?;
        let token = match own {
            Some(session) => {
                let token = Token::new(self.entropy());
                tx.sessions().rotate(session, generation, &token.hash()).await?.then_some(token)
            }
            None => None,
        };
        let undo_url = tenant.url(&format!("/account/mail/undo/link/{}", undo.expose()));
        let notice = MailKind::MailChanged { at: now, undo_url, undo_until };
        self.enqueue_mail(&mut tx, tenant, &account.email, locale, notice).await?;
        let login_id = logs_in_by_mail(tenant, account).then(|| to.as_str().to_owned());
        self.enqueue_mail(&mut tx, tenant, to, locale, MailKind::MailSet { at: now, login_id }).await?;
        let detail = json!({ "from": account.email.as_str(), "to": to.as_str(), "proved": proved });
        let actor = Actor::Account(id.clone());
        self.record(&mut tx, actor, Action::MailChanged, id.as_str(), detail, Some(source)).await?;
        self.commit(tx).await?;
        metrics::counter!("mail_changes_total", "result" => "changed").increment(1);
        Ok(MailIsChanged { email: to.clone(), token })
    }

    /// Looks at the link that takes a change back. Changes nothing.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open_mail_undo(&self, tenant: &Tenant, token: &Token) -> Result<MailChangeOpened, LinkError> {
        let (_, opened) = self.mail_undo_link(tenant, token).await?;
        Ok(opened)
    }

    async fn mail_undo_link(&self, tenant: &Tenant, token: &Token) -> Result<(Account, MailChangeOpened), LinkError> {
        let store = self.store(tenant);
        let link = usable(&store, Purpose::MailUndo, &token.hash(), self.now()).await?;
        let before: Before = serde_json::from_value(link.payload).map_err(ServiceError::bug)?;
        let found = store.accounts().find(&AccountId::known(link.subject)).await.map_err(ServiceError::from)?;
        let account = found.filter(Account::may_act).ok_or(LinkProblem::Unknown)?;
        let email = EmailAddress::known(before.mail);
        Ok((account, MailChangeOpened { email, expires_at: link.expires_at }))
    }

    /// Goes back to the address before a change, however much was changed since, and ends every session and token: who
    /// made the change may still have one. Signs nobody in.
    ///
    /// # Errors
    /// As [`Service::change_mail`].
    pub async fn undo_mail_change(
        &self,
        tenant: &Tenant,
        token: &Token,
        locale: &Locale,
        source: &Source,
    ) -> Result<(), MailChangeError> {
        let (account, opened) = self.mail_undo_link(tenant, token).await?;
        retry(|| async {
            let (now, id) = (self.now(), &account.id);
            let mut tx = self.store(tenant).begin().await?;
            if tx.one_time().consume(Purpose::MailUndo, &token.hash(), now).await?.is_none() {
                return Err(LinkProblem::Used.into());
            }
            for purpose in [Purpose::MailUndo, Purpose::MailChange, Purpose::Recovery] {
                tx.one_time().revoke(purpose, id.as_str(), now).await?;
            }
            put_address(&mut tx, tenant, &account, &opened.email, true, now).await?;
            for to in [&opened.email, &account.email] {
                self.enqueue_mail(&mut tx, tenant, to, locale, MailKind::MailRestored { at: now }).await?;
            }
            let detail = json!({ "from": account.email.as_str(), "to": opened.email.as_str() });
            let actor = Actor::Account(id.clone());
            self.record(&mut tx, actor, Action::MailRestored, id.as_str(), detail, Some(source)).await?;
            self.commit(tx).await?;
            metrics::counter!("mail_changes_total", "result" => "restored").increment(1);
            Ok(())
        })
        .await
    }
}

/// The address, the login ID where that is the address, and what the account says of the address. The generation that
/// it has now.
async fn put_address(
    tx: &mut Tx,
    tenant: &Tenant,
    account: &Account,
    to: &EmailAddress,
    proved: bool,
    now: Timestamp,
) -> Result<i64, MailChangeError> {
    let login_id = if logs_in_by_mail(tenant, account) { to.as_str() } else { account.login_id.as_str() };
    let key = crate::accounts::login_key(tenant, login_id);
    let generation = tx.accounts().move_to(&account.id, to, login_id, &key, now).await?;
    if generation != account.generation + 1 {
        // something else changed since the link was looked at: that stands
        return Err(LinkProblem::Superseded.into());
    }
    // What an administrator once gave as claims is about the address before.
    let Some(mut present) = tx.accounts().find(&account.id).await? else { return Err(LinkProblem::Unknown.into()) };
    if !present.may_act() {
        return Err(LinkProblem::Unknown.into());
    }
    let claims = present.profile.claims.clone();
    present.profile.claims.retain(|name, _| name != "email" && name != "email_verified");
    if !proved {
        present.profile.claims.insert("email_verified".into(), false.into());
    }
    if present.profile.claims != claims {
        let keys = crate::accounts::person_keys(&present.profile);
        tx.accounts().set_profile(&account.id, &present.profile, &keys, now).await?;
    }
    Ok(generation)
}

fn logs_in_by_mail(tenant: &Tenant, account: &Account) -> bool {
    match tenant.config.settings.identifier_of(&account.profile.kind_of_user) {
        LoginIdentifier::MailAddress => true,
        LoginIdentifier::UserId => false,
    }
}
