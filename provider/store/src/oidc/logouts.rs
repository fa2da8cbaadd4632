//! Clients to be told that a session ended (OpenID Connect Back-Channel Logout 1.0). Whatever ends a session writes its
//! notices in the same transaction ([`Notices`]); a worker delivers them afterwards, over all tenants ([`LogoutQueue`]).

use crate::{Database, Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{
    TenantSlug, Timestamp,
    id::{AccountId, SessionId},
};

/// A notice for each client that was used in the sessions that the end of the statement chooses, while they count.
macro_rules! notices {
    ($which:literal) => {
        concat!(
            "insert into logout_notices (tenant, session, client_id, account, next_attempt_at, attempts) \
             select c.tenant, c.session, c.client_id, s.account, 0, 0 from session_clients c \
             join sessions s on s.tenant = c.tenant and s.id = c.session and s.ended_at is null \
             join accounts a on a.tenant = s.tenant and a.id = s.account and a.generation = s.account_generation \
             where c.tenant = $1 and ",
            $which,
            " on conflict do nothing"
        )
    };
}

/// What a worker takes. $1 now, $2 lease, $3 how many.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "update logout_notices set lease_until = $2, attempts = attempts + 1 where (tenant, session, client_id) in (\
               select d.tenant, d.session, d.client_id from logout_notices d where d.next_attempt_at <= $1 \
               and (d.lease_until is null or d.lease_until <= $1) order by d.next_attempt_at limit $3",
            $lock,
            ") returning tenant, session, client_id, account, attempts"
        )
    };
}

statements! {
    OF_SESSION = notices!("c.session = $2");
    OF_ACCOUNT = notices!("s.account = $2");
    OF_ONE_OF = notices!("s.account = $2 and c.session = $3");
    OF_OTHERS = notices!("s.account = $2 and c.session <> $3");
    GOES_ON = "delete from logout_notices where tenant = $1 and session = $2";
    DONE = "delete from logout_notices where tenant = $1 and session = $2 and client_id = $3";
    RETRY = "update logout_notices set next_attempt_at = $4, lease_until = null \
             where tenant = $1 and session = $2 and client_id = $3";
}

const CLAIM: &str = claim!("");
/// PostgreSQL has other workers at the same time; SQLite has one writer.
const CLAIM_SKIPPING: &str = claim!(" for update skip locked");

/// Statements over all tenants.
pub(crate) fn worker_statements(postgres: bool) -> Vec<&'static str> {
    vec![if postgres { CLAIM_SKIPPING } else { CLAIM }]
}

/// Writes the notices of what is about to end.
pub(crate) struct Notices<'s, 'a>(pub(crate) &'s mut Scope<'a>);

impl Notices<'_, '_> {
    /// Of one session.
    pub(crate) async fn of_session(&mut self, session: &SessionId) -> Result<(), StoreError> {
        self.0.write(OF_SESSION, params![session]).await.map(drop)
    }

    /// Of all sessions of an account.
    pub(crate) async fn of_account(&mut self, account: &AccountId) -> Result<(), StoreError> {
        self.0.write(OF_ACCOUNT, params![account]).await.map(drop)
    }

    /// Of one session, if it is that account's.
    pub(crate) async fn of_one_of(&mut self, account: &AccountId, session: &SessionId) -> Result<(), StoreError> {
        self.0.write(OF_ONE_OF, params![account, session]).await.map(drop)
    }

    /// Of all but one.
    pub(crate) async fn of_others(&mut self, account: &AccountId, but: &SessionId) -> Result<(), StoreError> {
        self.0.write(OF_OTHERS, params![account, but]).await.map(drop)
    }

    /// The session goes on after all.
    pub(crate) async fn goes_on(&mut self, session: &SessionId) -> Result<(), StoreError> {
        self.0.write(GOES_ON, params![session]).await.map(drop)
    }
}

/// A notice that a worker has on lease.
#[derive(Debug, Clone)]
pub struct LogoutNotice {
    /// Whose.
    pub tenant: TenantSlug,
    /// The session that ended.
    pub session: SessionId,
    /// Who is to be told.
    pub client_id: String,
    /// Whose session it was.
    pub account: AccountId,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// The worker's side.
pub struct LogoutQueue<'a>(&'a Database);

impl Database {
    /// The worker's side of logout notices.
    pub fn logout_queue(&self) -> LogoutQueue<'_> {
        LogoutQueue(self)
    }
}

impl LogoutQueue<'_> {
    /// Takes up to `limit` notices that are due, for nobody else until `lease_until`.
    pub async fn claim(
        &self,
        limit: u32,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<LogoutNotice>, StoreError> {
        let mut conn = self.0.conn();
        let sql = conn.pick(CLAIM, CLAIM_SKIPPING);
        let rows = conn.returning(sql, None, params![now, lease_until, limit]).await?;
        rows.into_iter().map(|mut row| read(&mut row)).collect()
    }

    /// The client knows, or never will.
    pub async fn done(&self, notice: &LogoutNotice) -> Result<(), StoreError> {
        let values = params![&notice.session, &notice.client_id];
        self.0.tenant(&notice.tenant).scope().write(DONE, values).await.map(drop)
    }

    /// To be tried again at `next_attempt_at`.
    pub async fn retry(&self, notice: &LogoutNotice, next_attempt_at: Timestamp) -> Result<(), StoreError> {
        let values = params![&notice.session, &notice.client_id, next_attempt_at];
        self.0.tenant(&notice.tenant).scope().write(RETRY, values).await.map(drop)
    }
}

fn read(row: &mut Row) -> Result<LogoutNotice, StoreError> {
    Ok(LogoutNotice {
        tenant: row.text()?.parse().map_err(|_| StoreError::unreadable("logout_notices.tenant"))?,
        session: SessionId::known(row.text()?),
        client_id: row.text()?,
        account: AccountId::known(row.text()?),
        attempt: row.count()?,
    })
}
