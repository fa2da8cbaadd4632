//! Sessions: read once per request, in one statement with their account; ended by hand, by time, or all at once.

use crate::{Service, ServiceError, Source, Tenant};
use madoguchi_domain::{
    Token,
    account::Account,
    audit::{Action, Actor},
    id::{AccountId, SessionId},
    session::{Authentication, SEEN_GRAIN, Session, SessionEnd},
};
use madoguchi_store::{Tx, sessions::Begun};
use serde_json::json;

/// A session that counts now, and whose it is. Only [`Service::session`] and its like make one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ActiveSession {
    /// The session.
    pub session: Session,
    /// Its account, which may act.
    pub account: Account,
}

/// What a session cookie turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionState {
    /// It counts.
    Active(Box<ActiveSession>),
    /// It ended by itself; the login page says why.
    Ended(SessionEnd),
    /// It was signed out, ended from elsewhere, or never existed.
    Unknown,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedInPlace {
    /// The session.
    pub session: Session,
    /// From where it was begun.
    pub begun: Begun,
    /// Whether it is the one that looks.
    pub this: bool,
}

/// What a new session is made of.
pub(crate) struct Begin<'a> {
    pub(crate) account: &'a AccountId,
    /// The account's generation as it was read together with the credentials that were verified: what was changed
    /// since then ends this session before it is ever used.
    pub(crate) generation: i64,
    pub(crate) authentication: Authentication,
    pub(crate) source: &'a Source,
}

impl Service {
    /// The session of a cookie, if it counts now. Being read is use: it moves the idle end.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; a session that cannot be read does not count.
    pub async fn session(&self, tenant: &Tenant, token: &Token) -> Result<Option<ActiveSession>, ServiceError> {
        Ok(match self.session_state(tenant, token).await? {
            SessionState::Active(active) => Some(*active),
            SessionState::Ended(_) | SessionState::Unknown => None,
        })
    }

    /// As [`Service::session`], and why it does not count.
    ///
    /// # Errors
    /// As [`Service::session`].
    pub async fn session_state(&self, tenant: &Tenant, token: &Token) -> Result<SessionState, ServiceError> {
        let state = self.peek_session(tenant, token).await?;
        if let SessionState::Active(active) = &state {
            let now = self.now();
            if now.since(active.session.last_seen_at) >= SEEN_GRAIN {
                let idle = tenant.config.settings.session.idle.duration() + SEEN_GRAIN;
                self.store(tenant).sessions().touch(&token.hash(), now, SEEN_GRAIN, idle).await?;
            }
        }
        Ok(state)
    }

    /// As [`Service::session_state`], without counting as use; for requests that a page makes by itself.
    ///
    /// # Errors
    /// As [`Service::session`].
    pub async fn peek_session(&self, tenant: &Tenant, token: &Token) -> Result<SessionState, ServiceError> {
        let Some((session, account)) = self.store(tenant).sessions().active(&token.hash()).await? else {
            return Ok(SessionState::Unknown);
        };
        if !account.may_act() {
            return Ok(SessionState::Unknown);
        }
        Ok(match session.check(self.now(), &tenant.config.settings.session) {
            Ok(()) => SessionState::Active(Box::new(ActiveSession { session, account })),
            Err(end) => SessionState::Ended(end),
        })
    }

    /// Signs out of one session.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn end_session(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        source: &Source,
    ) -> Result<(), ServiceError> {
        let mut tx = self.store(tenant).begin().await?;
        if tx.sessions().end_by_id(&active.session.id, self.now()).await? {
            let actor = Actor::Account(active.account.id.clone());
            let detail = json!({ "session": active.session.id.as_str() });
            let subject = active.account.id.as_str();
            self.record(&mut tx, actor, Action::SignedOut, subject, detail, Some(source)).await?;
        }
        self.commit(tx).await
    }

    /// Where the account is signed in now, latest seen first.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn sessions_of(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
    ) -> Result<Vec<SignedInPlace>, ServiceError> {
        let idle = tenant.config.settings.session.idle.duration();
        let found = self.store(tenant).sessions().of(&active.account.id, self.now(), idle).await?;
        let this = &active.session.id;
        Ok(found
            .into_iter()
            .map(|(session, begun)| SignedInPlace { this: session.id == *this, session, begun })
            .collect())
    }

    /// Ends one of the account's other sessions, or all of them. How many there were; the present one goes on.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn end_other_sessions(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        one: Option<&SessionId>,
        source: &Source,
    ) -> Result<u64, ServiceError> {
        let (now, account, this) = (self.now(), &active.account.id, &active.session.id);
        let mut tx = self.store(tenant).begin().await?;
        let ended = match one {
            Some(one) if one == this => 0,
            Some(one) => u64::from(tx.sessions().end_one_of(account, one, now).await?),
            None => tx.sessions().end_others(account, this, now).await?,
        };
        if ended > 0 {
            let detail = json!({ "ended": ended, "session": one.map(SessionId::as_str) });
            let actor = Actor::Account(account.clone());
            self.record(&mut tx, actor, Action::SessionsEnded, account.as_str(), detail, Some(source)).await?;
        }
        self.commit(tx).await?;
        Ok(ended)
    }

    /// Ends every session and token of an account, in the caller's transaction.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn end_all(&self, tx: &mut Tx, account: &AccountId) -> Result<(), ServiceError> {
        tx.accounts().end_everything(account).await?;
        Ok(())
    }

    /// Writes a new session: always a new name and a new secret, nothing of one that was there before.
    pub(crate) async fn begin_session(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        begin: Begin<'_>,
    ) -> Result<(Token, Session), ServiceError> {
        let now = self.now();
        let token = Token::new(self.entropy());
        let terms_due = match tenant.config.terms_in_force() {
            Some(version) => !tx.terms().has(begin.account, version).await?,
            None => false,
        };
        let session = Session {
            id: SessionId::new(self.entropy()),
            account: begin.account.clone(),
            authentication: begin.authentication,
            created_at: now,
            last_seen_at: now,
            expires_at: now + tenant.config.settings.session.absolute.duration(),
            terms_due,
        };
        let user_agent: String = begin.source.user_agent.chars().filter(|c| !c.is_control()).take(300).collect();
        let begun = Begun { user_agent, source_ip: begin.source.ip.map(|ip| ip.to_string()) };
        tx.sessions().insert(&session, &token.hash(), begin.generation, &begun).await?;
        Ok((token, session))
    }
}
