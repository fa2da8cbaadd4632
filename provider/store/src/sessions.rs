//! Sessions: the cookie's value stands as its hash; the account's generation at login says whether it still counts.

use crate::{Row, Scope, StoreError, accounts, oidc::logouts::Notices, statements, value::params};
use madoguchi_domain::{
    Timestamp, TokenHash,
    account::Account,
    id::{AccountId, SessionId},
    session::{Acr, Authentication, Session},
};
use std::time::Duration;

/// The columns that [`read`] reads; `s` is the table.
macro_rules! columns {
    () => {
        "s.id, s.account, s.authenticated_at, s.acr, s.created_at, s.last_seen_at, s.expires_at, s.terms_due"
    };
}

statements! {
    INSERT = "insert into sessions (tenant, token_hash, id, account, account_generation, authenticated_at, acr, amr, \
              created_at, last_seen_at, expires_at, user_agent, source_ip, terms_due) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing";
    ACTIVE = concat!("select ", columns!(), ", ", accounts::columns!(), " from sessions s \
              join accounts a on a.tenant = s.tenant and a.id = s.account and a.generation = s.account_generation \
              where s.tenant = $1 and s.token_hash = $2 and s.ended_at is null");
    ACTIVE_BY_ID = concat!("select ", columns!(), ", ", accounts::columns!(), " from sessions s \
              join accounts a on a.tenant = s.tenant and a.id = s.account and a.generation = s.account_generation \
              where s.tenant = $1 and s.id = $2 and s.ended_at is null");
    OF = concat!("select ", columns!(), ", s.user_agent, s.source_ip from sessions s \
              join accounts a on a.tenant = s.tenant and a.id = s.account and a.generation = s.account_generation \
              where s.tenant = $1 and s.account = $2 and s.ended_at is null \
              and s.expires_at > $3 and s.last_seen_at > $4 order by s.last_seen_at desc, s.id");
    // $3 now, $4 seen before this: worth a write, $5 seen after this: not idle yet
    TOUCH = "update sessions set last_seen_at = $3 where tenant = $1 and token_hash = $2 and ended_at is null \
              and last_seen_at <= $4 and last_seen_at > $5 and expires_at > $3";
    END = "update sessions set ended_at = $3 where tenant = $1 and token_hash = $2 and ended_at is null returning id";
    END_BY_ID = "update sessions set ended_at = $3 where tenant = $1 and id = $2 and ended_at is null";
    END_OTHERS = "update sessions set ended_at = $4 where tenant = $1 and account = $2 and id <> $3 and ended_at is null";
    END_ONE_OF = "update sessions set ended_at = $4 where tenant = $1 and account = $2 and id = $3 and ended_at is null";
    ROTATE = "update sessions set account_generation = $3, token_hash = $4 where tenant = $1 and id = $2 and ended_at is null";
    TERMS_DONE = "update sessions set terms_due = 0 where tenant = $1 and account = $2 and terms_due <> 0";
    USED_BY = "insert into session_clients (tenant, session, client_id) values ($1, $2, $3) on conflict do nothing";
    CLIENTS = "select client_id from session_clients where tenant = $1 and session = $2 order by client_id";
}

/// From where a session was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// The browser's name for itself.
    pub user_agent: String,
    /// Its address, where known.
    pub source_ip: Option<String>,
}

/// The sessions of a tenant.
pub struct Sessions<'a>(pub(crate) Scope<'a>);

impl Sessions<'_> {
    /// A new one, for the account as it was when its credentials were verified.
    pub async fn insert(
        &mut self,
        session: &Session,
        token_hash: &TokenHash,
        account_generation: i64,
        begun: &Begun,
    ) -> Result<(), StoreError> {
        let acr = session.authentication.acr;
        let values = params![
            token_hash,
            &session.id,
            &session.account,
            account_generation,
            session.authentication.at,
            acr.as_str(),
            acr.amr().join(" "),
            session.created_at,
            session.last_seen_at,
            session.expires_at,
            &begun.user_agent,
            begun.source_ip.as_deref(),
            i64::from(session.terms_due),
        ];
        self.0.insert(INSERT, values).await
    }

    /// The session of a cookie, with its account, in one statement. `None` when it is unknown, was ended, or the
    /// account's generation has moved on. Idle and absolute time and the account's state are for the caller to check.
    pub async fn active(&mut self, token_hash: &TokenHash) -> Result<Option<(Session, Account)>, StoreError> {
        self.0.one(ACTIVE, params![token_hash], with_account).await
    }

    /// The same by the session's id, for tokens given in it.
    pub async fn active_by_id(&mut self, id: &SessionId) -> Result<Option<(Session, Account)>, StoreError> {
        self.0.one(ACTIVE_BY_ID, params![id], with_account).await
    }

    /// An account's sessions that count at `now`, latest seen first, and from where each was begun.
    pub async fn of(
        &mut self,
        account: &AccountId,
        now: Timestamp,
        idle: Duration,
    ) -> Result<Vec<(Session, Begun)>, StoreError> {
        let seen_after = now.0.saturating_sub_unsigned(idle.as_secs());
        let read = |row: &mut Row| Ok((read(row)?, Begun { user_agent: row.text()?, source_ip: row.opt_text()? }));
        self.0.all(OF, params![account, now, seen_after], read).await
    }

    /// Notes a request at `now`, unless one was noted less than `grain` ago. A session that is idle or expired by now
    /// is not revived; false then, or when nothing was to note.
    pub async fn touch(
        &mut self,
        token_hash: &TokenHash,
        now: Timestamp,
        grain: Duration,
        idle: Duration,
    ) -> Result<bool, StoreError> {
        let seen_before = now.0.saturating_sub_unsigned(grain.as_secs());
        let seen_after = now.0.saturating_sub_unsigned(idle.as_secs());
        self.0.changed(TOUCH, params![token_hash, now, seen_before, seen_after]).await
    }

    /// Ends one by its cookie; its id.
    pub async fn end(&mut self, token_hash: &TokenHash, now: Timestamp) -> Result<Option<SessionId>, StoreError> {
        self.0.returning(END, params![token_hash, now], |row| row.text().map(SessionId::known)).await
    }

    /// Ends one by its id.
    pub async fn end_by_id(&mut self, id: &SessionId, now: Timestamp) -> Result<bool, StoreError> {
        Notices(&mut self.0).of_session(id).await?;
        self.0.changed(END_BY_ID, params![id, now]).await
    }

    /// Ends an account's sessions but one. How many there were.
    pub async fn end_others(
        &mut self,
        account: &AccountId,
        but: &SessionId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        Notices(&mut self.0).of_others(account, but).await?;
        self.0.write(END_OTHERS, params![account, but, now]).await
    }

    /// Ends one of an account's; false when it is none of them, or has ended.
    pub async fn end_one_of(
        &mut self,
        account: &AccountId,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Notices(&mut self.0).of_one_of(account, id).await?;
        self.0.changed(END_ONE_OF, params![account, id, now]).await
    }

    /// Lets one session live on, under a new secret, into a new generation of its account, which ends all others.
    pub async fn rotate(
        &mut self,
        id: &SessionId,
        generation: i64,
        token_hash: &TokenHash,
    ) -> Result<bool, StoreError> {
        let goes_on = self.0.changed(ROTATE, params![id, generation, token_hash]).await?;
        if goes_on {
            Notices(&mut self.0).goes_on(id).await?;
        }
        Ok(goes_on)
    }

    /// The account agreed to the terms: none of its sessions waits for that any more.
    pub async fn terms_accepted(&mut self, account: &AccountId) -> Result<u64, StoreError> {
        self.0.write(TERMS_DONE, params![account]).await
    }

    /// Notes that a client got tokens in a session.
    pub async fn used_by(&mut self, id: &SessionId, client_id: &str) -> Result<(), StoreError> {
        self.0.write(USED_BY, params![id, client_id]).await.map(drop)
    }

    /// The clients that got tokens in a session.
    pub async fn clients(&mut self, id: &SessionId) -> Result<Vec<String>, StoreError> {
        self.0.all(CLIENTS, params![id], |row| row.text()).await
    }
}

fn read(row: &mut Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId::known(row.text()?),
        account: AccountId::known(row.text()?),
        authentication: Authentication { at: row.time()?, acr: row.known("sessions.acr", Acr::from_value)? },
        created_at: row.time()?,
        last_seen_at: row.time()?,
        expires_at: row.time()?,
        terms_due: row.int()? != 0,
    })
}

fn with_account(row: &mut Row) -> Result<(Session, Account), StoreError> {
    Ok((read(row)?, accounts::read(row)?))
}
