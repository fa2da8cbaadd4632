//! The audit log: appended to in the transaction of what it tells, never changed.
//!
//! Soon after, a background task chains the new lines ([`Audit::seal`]): each gets a hash over itself and the hash
//! before, so that a line that is changed or missing later shows ([`Audit::verify`]). Sealing afterwards keeps the
//! transactions of one tenant from waiting for each other at the end of the chain.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::{
    Timestamp,
    audit::{Action, Actor, AuditEvent},
    id::AccountId,
};
use sha2::{Digest, Sha256};

/// The columns that [`read`] reads.
macro_rules! columns {
    () => {
        "seq, at, actor_kind, actor, action, subject, detail, source_ip"
    };
}

statements! {
    APPEND = "insert into audit (tenant, at, actor_kind, actor, action, subject, detail, source_ip) \
              values ($1, $2, $3, $4, $5, $6, $7, $8)";
    BY_SUBJECT = concat!("select ", columns!(), " from audit where tenant = $1 and subject = $2 order by seq desc limit $3");
    PAGE = concat!("select ", columns!(), " from audit where tenant = $1 and seq < $2 order by seq desc limit $3");
    UNSEALED = concat!("select ", columns!(), " from audit where tenant = $1 and chain is null order by seq limit $2");
    LAST = "select chain, chain_hash from audit where tenant = $1 and chain is not null order by chain desc limit 1";
    ANCHOR = "select chain, chain_hash from audit_anchors where tenant = $1";
    SET_ANCHOR = "insert into audit_anchors (tenant, chain, chain_hash) values ($1, $2, $3) \
              on conflict (tenant) do update set chain = excluded.chain, chain_hash = excluded.chain_hash \
              where audit_anchors.chain < excluded.chain";
    OLD = "select chain, chain_hash, at from audit where tenant = $1 and chain is not null order by chain limit $2";
    TRIM = "delete from audit where tenant = $1 and chain <= $2";
    SEAL = "update audit set chain = $3, chain_hash = $4 where tenant = $1 and seq = $2 and chain is null";
    SEALED = concat!("select ", columns!(), ", chain, chain_hash from audit \
              where tenant = $1 and chain > $2 order by chain limit $3");
}

/// A line of the log with its number; numbers grow, not always by one.
#[derive(Debug, Clone)]
pub struct AuditLine {
    /// Its number.
    pub seq: i64,
    /// What happened.
    pub event: AuditEvent,
}

/// The audit log of a tenant.
pub struct Audit<'a>(pub(crate) Scope<'a>);

impl Audit<'_> {
    /// Writes a line.
    pub async fn append(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        let (kind, actor) = match &event.actor {
            Actor::Visitor => ("visitor", ""),
            Actor::Account(id) => ("account", id.as_str()),
            Actor::Operator(name) => ("operator", name.as_str()),
            Actor::System => ("system", ""),
        };
        let values = params![
            event.at,
            kind,
            actor,
            event.action.as_str(),
            &event.subject,
            json(&event.detail)?,
            event.source_ip.as_deref(),
        ];
        self.0.write(APPEND, values).await.map(drop)
    }

    /// The latest lines about something, newest first.
    pub async fn by_subject(&mut self, subject: &str, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        self.0.all(BY_SUBJECT, params![subject, limit], read).await
    }

    /// Lines before the given number (`i64::MAX` for the first page), newest first.
    pub async fn page(&mut self, before: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        self.0.all(PAGE, params![before, limit], read).await
    }

    /// Chains up to `limit` lines that are not yet; how many were. In a transaction; when two nodes do it at once, one
    /// gets [`StoreError::Conflict`] and has nothing to do.
    pub async fn seal(&mut self, limit: u32) -> Result<u32, StoreError> {
        let last = self.0.one(LAST, params![], |row| Ok((row.int()?, row.text()?))).await?;
        let (mut chain, mut hash) = match last {
            Some(last) => last,
            None => self.anchor().await?,
        };
        let tenant = self.0.tenant().to_owned();
        let lines = self.0.all(UNSEALED, params![limit], |row| raw(row, &tenant)).await?;
        let mut sealed = 0;
        for (seq, text) in lines {
            chain += 1;
            hash = link(&hash, &text);
            if !self.0.changed(SEAL, params![seq, chain, &hash]).await? {
                return Err(StoreError::Conflict);
            }
            sealed += 1;
        }
        Ok(sealed)
    }

    /// The link before the first line that is kept; 0 and nothing for a log from which none was deleted.
    async fn anchor(&mut self) -> Result<(i64, String), StoreError> {
        let found = self.0.one(ANCHOR, params![], |row| Ok((row.int()?, row.text()?))).await?;
        Ok(found.unwrap_or_default())
    }

    /// Deletes the oldest lines that were written before `before`, `limit` at most: a beginning of the chain, of which
    /// the last link is kept, so that the rest can still be verified. How many went. In a transaction.
    pub async fn trim(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let read = |row: &mut Row| Ok((row.int()?, row.text()?, row.time()?));
        let oldest = self.0.all(OLD, params![limit], read).await?;
        let Some((chain, hash, _)) = oldest.into_iter().take_while(|(_, _, at)| *at < before).last() else {
            return Ok(0);
        };
        self.0.write(SET_ANCHOR, params![chain, &hash]).await?;
        self.0.write(TRIM, params![chain]).await
    }

    /// Walks the chain from its beginning, or from where it was cut off at the end of its time. The number of lines when all is well, or of the first line that does not
    /// fit (changed, or preceded by one that is missing).
    pub async fn verify(&mut self) -> Result<Result<i64, i64>, StoreError> {
        let (mut chain, mut hash) = self.anchor().await?;
        let cut_off = chain;
        let tenant = self.0.tenant().to_owned();
        loop {
            let read = |row: &mut Row| Ok((raw(row, &tenant)?, row.int()?, row.text()?));
            let lines = self.0.all(SEALED, params![chain, 500u32], read).await?;
            if lines.is_empty() {
                return Ok(Ok(chain - cut_off));
            }
            for ((seq, text), stored_chain, stored_hash) in lines {
                chain += 1;
                hash = link(&hash, &text);
                if stored_chain != chain || stored_hash != hash {
                    return Ok(Err(seq));
                }
            }
        }
    }
}

/// A line's number, and all of it in one unambiguous text.
fn raw(row: &mut Row, tenant: &str) -> Result<(i64, String), StoreError> {
    let (seq, at) = (row.int()?, row.int()?);
    let mut text = format!("{tenant}\n{seq}\n{at}");
    for _ in 0..5 {
        let part = row.text()?;
        text.push_str(&format!("\n{}:{part}", part.len()));
    }
    let ip = row.opt_text()?.unwrap_or_default();
    text.push_str(&format!("\n{}:{ip}", ip.len()));
    Ok((seq, text))
}

fn link(before: &str, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(before).chain_update("\n").chain_update(text).finalize())
}

fn read(row: &mut Row) -> Result<AuditLine, StoreError> {
    let (seq, at) = (row.int()?, row.time()?);
    let (kind, actor) = (row.text()?, row.text()?);
    let actor = match kind.as_str() {
        "visitor" => Actor::Visitor,
        "account" => Actor::Account(AccountId::known(actor)),
        "operator" => Actor::Operator(actor),
        "system" => Actor::System,
        _ => return Err(StoreError::unreadable("audit.actor_kind")),
    };
    let action = |text: &str| serde_json::from_value::<Action>(serde_json::Value::String(text.to_owned())).ok();
    Ok(AuditLine {
        seq,
        event: AuditEvent {
            at,
            actor,
            action: row.known("audit.action", action)?,
            subject: row.text()?,
            detail: row.json("audit.detail")?,
            source_ip: row.opt_text()?,
        },
    })
}
