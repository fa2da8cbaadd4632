//! Mails to send. A use case writes them in its own transaction ([`Mails`]); a worker takes them afterwards, over all
//! tenants ([`Outbox`]), at least once, every try with the same `Message-ID`.

use crate::{Database, Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{TenantSlug, Timestamp, id::MailId, mail::OutboxMail};

/// The columns that [`read`] reads; without an alias, as SQLite knows none in `returning`.
macro_rules! columns {
    () => {
        "id, message_id, from_address, to_address, subject, body, raw, created_at"
    };
}

/// What a worker takes: the mails that are due and that no other worker has on lease. $1 now, $2 lease, $3 how many.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "update outbox set lease_until = $2, attempts = attempts + 1 where (tenant, id) in (\
               select d.tenant, d.id from outbox d where d.sent_at is null and d.dead_at is null \
               and d.next_attempt_at <= $1 and (d.lease_until is null or d.lease_until <= $1) \
               order by d.next_attempt_at limit $3",
            $lock,
            ") returning tenant, attempts, ",
            columns!()
        )
    };
}

statements! {
    ENQUEUE = "insert into outbox (tenant, id, message_id, from_address, to_address, subject, body, raw, created_at, \
               next_attempt_at, attempts) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0) on conflict do nothing";
    RECENT_OF = concat!("select tenant, attempts, ", columns!(), ", sent_at, dead_at, last_error from outbox \
               where tenant = $1 order by created_at desc, id desc limit $2");
    SENT = "update outbox set sent_at = $3, lease_until = null, last_error = null \
               where tenant = $1 and id = $2 and sent_at is null";
    FORGET = "update outbox set body = '', raw = $3 where tenant = $1 and id = $2";
    RETRY = "update outbox set next_attempt_at = $3, lease_until = null, last_error = $4 \
               where tenant = $1 and id = $2 and sent_at is null";
    DEAD = "update outbox set dead_at = $3, lease_until = null, last_error = $4 \
               where tenant = $1 and id = $2 and sent_at is null";
    REVIVE = "update outbox set dead_at = null, next_attempt_at = $3, attempts = 0 \
               where tenant = $1 and id = $2 and dead_at is not null";
}

const CLAIM: &str = claim!("");
/// PostgreSQL has other workers at the same time; SQLite has one writer.
const CLAIM_SKIPPING: &str = claim!(" for update skip locked");
const RECENT: &str = concat!(
    "select tenant, attempts, ",
    columns!(),
    ", sent_at, dead_at, last_error \
               from outbox order by created_at desc, id desc limit $1"
);
const DEPTH: &str = "select count(*), min(created_at) from outbox where sent_at is null and dead_at is null";

/// Statements over all tenants.
pub(crate) fn worker_statements(postgres: bool) -> Vec<&'static str> {
    vec![if postgres { CLAIM_SKIPPING } else { CLAIM }, RECENT, DEPTH]
}

/// A mail that a worker has on lease.
#[derive(Debug, Clone)]
pub struct ClaimedMail {
    /// Whose mail.
    pub tenant: TenantSlug,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The mail.
    pub mail: OutboxMail,
}

/// A mail and what became of it.
#[derive(Debug, Clone)]
pub struct MailRecord {
    /// Whose mail.
    pub tenant: TenantSlug,
    /// How often it was tried.
    pub attempts: u32,
    /// The mail.
    pub mail: OutboxMail,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// The mails of a tenant: the use cases' side.
pub struct Mails<'a>(pub(crate) Scope<'a>);

impl Mails<'_> {
    /// Will be sent once the transaction is committed.
    pub async fn enqueue(&mut self, mail: &OutboxMail) -> Result<(), StoreError> {
        let values = params![
            &mail.id,
            &mail.message_id,
            &mail.from,
            &mail.to,
            &mail.subject,
            &mail.text,
            &mail.raw,
            mail.created_at,
        ];
        self.0.insert(ENQUEUE, values).await
    }

    /// The latest, newest first.
    pub async fn recent(&mut self, limit: u32) -> Result<Vec<MailRecord>, StoreError> {
        self.0.all(RECENT_OF, params![limit], read_record).await
    }

    /// Tries a dead one again.
    pub async fn revive(&mut self, id: &MailId, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(REVIVE, params![id, now]).await
    }
}

/// The mails of all tenants: the worker's side.
pub struct Outbox<'a>(&'a Database);

impl Database {
    /// The worker's side of the outbox.
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox(self)
    }
}

impl Outbox<'_> {
    /// Takes up to `limit` mails that are due, for nobody else until `lease_until`. Oldest first.
    pub async fn claim(
        &self,
        limit: u32,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        let mut conn = self.0.conn();
        let sql = conn.pick(CLAIM, CLAIM_SKIPPING);
        let rows = conn.returning(sql, None, params![now, lease_until, limit]).await?;
        let mut claimed: Vec<ClaimedMail> = rows
            .into_iter()
            .map(|mut row| Ok(ClaimedMail { tenant: slug(&mut row)?, attempt: row.count()?, mail: read(&mut row)? }))
            .collect::<Result<_, StoreError>>()?;
        claimed.sort_by(|a, b| (a.mail.created_at, &a.mail.id).cmp(&(b.mail.created_at, &b.mail.id)));
        Ok(claimed)
    }

    /// It was handed over. With `keep` its text stays for the mailbox page; without, it is gone, as it may hold an
    /// initial password.
    pub async fn sent(&self, claimed: &ClaimedMail, now: Timestamp, keep: bool) -> Result<(), StoreError> {
        let store = self.0.tenant(&claimed.tenant);
        store.scope().write(SENT, params![&claimed.mail.id, now]).await?;
        if !keep {
            store.scope().write(FORGET, params![&claimed.mail.id, [].as_slice()]).await?;
        }
        Ok(())
    }

    /// It was not; to be tried again at `next_attempt_at`. `error` is for operators and holds nothing of the mail.
    pub async fn retry(
        &self,
        claimed: &ClaimedMail,
        next_attempt_at: Timestamp,
        error: &str,
    ) -> Result<(), StoreError> {
        let values = params![&claimed.mail.id, next_attempt_at, error];
        self.0.tenant(&claimed.tenant).scope().write(RETRY, values).await.map(drop)
    }

    /// It never will be.
    pub async fn dead(&self, claimed: &ClaimedMail, now: Timestamp, error: &str) -> Result<(), StoreError> {
        let values = params![&claimed.mail.id, now, error];
        self.0.tenant(&claimed.tenant).scope().write(DEAD, values).await.map(drop)
    }

    /// The latest of all tenants, newest first, for the mailbox page of a demo.
    pub async fn recent(&self, limit: u32) -> Result<Vec<MailRecord>, StoreError> {
        let rows = self.0.conn().read(RECENT, None, params![limit]).await?;
        rows.into_iter().map(|mut row| read_record(&mut row)).collect()
    }

    /// How many wait, and since when the oldest.
    pub async fn depth(&self) -> Result<(i64, Option<Timestamp>), StoreError> {
        match self.0.conn().read(DEPTH, None, &[]).await?.first_mut() {
            Some(row) => Ok((row.int()?, row.opt_time()?)),
            None => Ok((0, None)),
        }
    }
}

fn slug(row: &mut Row) -> Result<TenantSlug, StoreError> {
    row.text()?.parse().map_err(|_| StoreError::unreadable("outbox.tenant"))
}

fn read(row: &mut Row) -> Result<OutboxMail, StoreError> {
    Ok(OutboxMail {
        id: MailId::known(row.text()?),
        message_id: row.text()?,
        from: row.text()?,
        to: row.text()?,
        subject: row.text()?,
        text: row.text()?,
        raw: row.bytes()?,
        created_at: row.time()?,
    })
}

fn read_record(row: &mut Row) -> Result<MailRecord, StoreError> {
    Ok(MailRecord {
        tenant: slug(row)?,
        attempts: row.count()?,
        mail: read(row)?,
        sent_at: row.opt_time()?,
        dead_at: row.opt_time()?,
        last_error: row.opt_text()?,
    })
}
