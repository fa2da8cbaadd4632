//! Access and refresh tokens, as hashes. One joined statement tells everything that a token's use is decided by.

use super::grants::{grant_columns, joined_grant};
use crate::{Row, Scope, StoreError, accounts, enrolments, statements, value::params};
use madoguchi_domain::{
    Timestamp, TokenHash,
    account::{Account, Enrolment},
    grant::{Grant, TokenKind},
    id::GrantId,
};

statements! {
    STANDING = concat!("select t.scope, t.created_at, t.expires_at, t.used_at, \
                s.ended_at, s.expires_at, ", grant_columns!(), ", a.updated_at, ", accounts::columns!(), ", ", enrolments::columns!(), " \
                from tokens t \
                join grants g on g.tenant = t.tenant and g.id = t.grant_id \
                join accounts a on a.tenant = g.tenant and a.id = g.account \
                left join sessions s on s.tenant = g.tenant and s.id = g.session_id \
                left join enrolments e on e.tenant = a.tenant and e.account = a.id and e.ended_at is null \
                where t.tenant = $1 and t.token_hash = $2 and t.kind = $3 \
                order by e.created_at, e.id");
    GIVE = "insert into tokens (tenant, token_hash, kind, grant_id, scope, created_at, expires_at) \
            values ($1, $2, 'access', $3, $4, $5, $6) on conflict do nothing";
    END_ACCESS = "update tokens set expires_at = $3 \
                  where tenant = $1 and token_hash = $2 and kind = 'access' and expires_at > $3";
    LIVE_REFRESH = "select count(*) from tokens t join grants g on g.tenant = t.tenant and g.id = t.grant_id \
                    where t.tenant = $1 and t.grant_id = $2 and t.kind = 'refresh' and t.used_at is null \
                    and g.revoked_at is null";
}

/// A whole exchange: what was presented is used up, and only if it was still good, the new tokens are kept. `$2` the
/// grant, `$4` now, `$5`… the tokens; a refresh token that is null is left out.
///
/// PostgreSQL does it in one statement. SQLite has no statement that changes two tables, so there it is a transaction
/// written as one text: it travels to the connection's thread and back once, not once for each of its parts.
macro_rules! exchange {
    ($used_up:literal) => {
        (
            concat!(
                "begin immediate; ",
                $used_up,
                "; insert into tokens (tenant, token_hash, kind, grant_id, scope, created_at, expires_at) \
                 select $1, $5, 'access', $2, $6, $4, $7 where changes() = 1 \
                 union all select $1, $8, 'refresh', $2, $9, $4, $10 where changes() = 1 and $8 is not null \
                 returning token_hash; commit"
            ),
            concat!(
                "with used as (",
                $used_up,
                " returning 1) \
                 insert into tokens (tenant, token_hash, kind, grant_id, scope, created_at, expires_at) \
                 select cast($1 as text), cast($5 as text), 'access', cast($2 as text), cast($6 as text), \
                 cast($4 as bigint), cast($7 as bigint) from used \
                 union all select cast($1 as text), cast($8 as text), 'refresh', cast($2 as text), cast($9 as text), \
                 cast($4 as bigint), cast($10 as bigint) from used where cast($8 as text) is not null \
                 returning token_hash"
            ),
        )
    };
}

/// The code of the grant `$2`, whose hash is `$3`.
const REDEEM: (&str, &str) = exchange!(
    "update grants set code_used_at = $4 \
     where tenant = $1 and id = $2 and code_hash = $3 and code_used_at is null and code_expires_at > $4 \
     and revoked_at is null"
);
/// The refresh token whose hash is `$3`.
const ROTATE: (&str, &str) = exchange!(
    "update tokens set used_at = $4 \
     where tenant = $1 and grant_id = $2 and token_hash = $3 and kind = 'refresh' and used_at is null \
     and expires_at > $4"
);

/// What is prepared on the given database only.
pub(crate) fn exchanges(postgres: bool) -> [&'static str; 2] {
    [REDEEM, ROTATE].map(|(sqlite, pg)| if postgres { pg } else { sqlite })
}

/// A token with all that its use is decided by.
#[derive(Debug, Clone)]
pub struct TokenStanding {
    /// Scope of this token, sorted, space-separated.
    pub scope: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// When it was used up (refresh tokens).
    pub used_at: Option<Timestamp>,
    /// The grant that it belongs to.
    pub grant: Grant,
    /// The account that gave the grant, as it is now.
    pub account: Account,
    /// When the account was last changed.
    pub updated_at: Timestamp,
    /// The account's enrolments, oldest first.
    pub enrolments: Vec<Enrolment>,
    /// When the session in which the grant was given ends or ended; `None` when it is no longer known.
    pub session_end: Option<Timestamp>,
}

/// A fresh token to keep.
#[derive(Debug, Clone, Copy)]
pub struct FreshToken<'a> {
    /// Its hash.
    pub hash: &'a TokenHash,
    /// Its scope, sorted.
    pub scope: &'a str,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// The tokens of a tenant.
pub struct Tokens<'a>(pub(crate) Scope<'a>);

impl Tokens<'_> {
    /// Uses up a code and keeps the tokens given for it, together or not at all: true for one caller only, and only
    /// while the code is good. Not inside a transaction, as it is one.
    pub async fn redeem(
        &mut self,
        grant: &GrantId,
        code: &TokenHash,
        access: FreshToken<'_>,
        refresh: Option<FreshToken<'_>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.exchange(REDEEM, grant, code, access, refresh, now).await
    }

    /// Uses up a refresh token and keeps those that take its place, as [`Tokens::redeem`] does with a code.
    pub async fn rotate(
        &mut self,
        grant: &GrantId,
        used: &TokenHash,
        access: FreshToken<'_>,
        refresh: Option<FreshToken<'_>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.exchange(ROTATE, grant, used, access, refresh, now).await
    }

    async fn exchange(
        &mut self,
        (sqlite, postgres): (&'static str, &'static str),
        grant: &GrantId,
        used: &TokenHash,
        access: FreshToken<'_>,
        refresh: Option<FreshToken<'_>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = params![
            grant,
            used,
            now,
            access.hash,
            access.scope,
            access.expires_at,
            refresh.map(|r| r.hash),
            refresh.map(|r| r.scope),
            refresh.map(|r| r.expires_at)
        ];
        let kept = self.0.alone(sqlite, postgres, values).await?;
        Ok(kept > 0)
    }

    /// Keeps an access token that comes of nothing but the grant itself.
    pub async fn give(&mut self, grant: &GrantId, access: FreshToken<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.0.insert(GIVE, params![access.hash, grant, access.scope, now, access.expires_at]).await
    }

    /// A token of that kind with all that its use is decided by, whatever its state; one statement.
    pub async fn standing(&mut self, hash: &TokenHash, kind: TokenKind) -> Result<Option<TokenStanding>, StoreError> {
        let rows = self.0.all(STANDING, params![hash, kind.as_str()], read).await?;
        let mut found: Option<TokenStanding> = None;
        for (standing, enrolment) in rows {
            found.get_or_insert(standing).enrolments.extend(enrolment);
        }
        Ok(found)
    }

    /// Ends an access token now; whether it was still good.
    pub async fn end_access(&mut self, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(END_ACCESS, params![hash, now]).await
    }

    /// How many refresh tokens of a grant could still be used; never more than one.
    pub async fn live_refresh_tokens(&mut self, grant: &GrantId) -> Result<i64, StoreError> {
        Ok(self.0.one(LIVE_REFRESH, params![grant], Row::int).await?.unwrap_or(0))
    }
}

fn read(row: &mut Row) -> Result<(TokenStanding, Option<Enrolment>), StoreError> {
    let scope = row.text()?;
    let created_at = row.time()?;
    let expires_at = row.time()?;
    let used_at = row.opt_time()?;
    let session_end = match (row.opt_time()?, row.opt_time()?) {
        (Some(ended), Some(expires)) => Some(ended.min(expires)),
        (ended, expires) => ended.or(expires),
    };
    let grant = joined_grant(row)?;
    let updated_at = row.time()?;
    let account = accounts::read(row)?;
    let enrolment = enrolments::read_optional(row)?;
    let standing = TokenStanding {
        scope,
        created_at,
        expires_at,
        used_at,
        grant,
        account,
        updated_at,
        enrolments: Vec::new(),
        session_end,
    };
    Ok((standing, enrolment))
}
