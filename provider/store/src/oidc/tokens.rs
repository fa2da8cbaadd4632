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
    INSERT = "insert into tokens (tenant, token_hash, kind, grant_id, scope, created_at, expires_at) \
              values ($1, $2, 'access', $3, $4, $5, $6) on conflict do nothing";
    INSERT_PAIR = "insert into tokens (tenant, token_hash, kind, grant_id, scope, created_at, expires_at) \
                   values ($1, $2, 'access', $3, $4, $5, $6), ($1, $7, 'refresh', $3, $8, $5, $9) \
                   on conflict do nothing";
    STANDING = concat!("select t.scope, t.created_at, t.expires_at, t.used_at, \
                s.ended_at, s.expires_at, ", grant_columns!(), ", a.updated_at, ", accounts::columns!(), ", ", enrolments::columns!(), " \
                from tokens t \
                join grants g on g.tenant = t.tenant and g.id = t.grant_id \
                join accounts a on a.tenant = g.tenant and a.id = g.account \
                left join sessions s on s.tenant = g.tenant and s.id = g.session_id \
                left join enrolments e on e.tenant = a.tenant and e.account = a.id and e.ended_at is null \
                where t.tenant = $1 and t.token_hash = $2 and t.kind = $3 \
                order by e.created_at, e.id");
    USE_REFRESH = "update tokens set used_at = $3 \
                   where tenant = $1 and token_hash = $2 and kind = 'refresh' and used_at is null and expires_at > $3";
    LIVE_REFRESH = "select count(*) from tokens t join grants g on g.tenant = t.tenant and g.id = t.grant_id \
                    where t.tenant = $1 and t.grant_id = $2 and t.kind = 'refresh' and t.used_at is null \
                    and g.revoked_at is null";
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
    /// Keeps an access token and, where there is one, the refresh token that goes with it; one statement.
    pub async fn insert(
        &mut self,
        grant: &GrantId,
        access: FreshToken<'_>,
        refresh: Option<FreshToken<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match refresh {
            None => self.0.insert(INSERT, params![access.hash, grant, access.scope, now, access.expires_at]).await,
            Some(refresh) => {
                let values = params![
                    access.hash,
                    grant,
                    access.scope,
                    now,
                    access.expires_at,
                    refresh.hash,
                    refresh.scope,
                    refresh.expires_at
                ];
                self.0.insert(INSERT_PAIR, values).await
            }
        }
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

    /// Uses up a refresh token: true for one caller only.
    pub async fn use_refresh(&mut self, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(USE_REFRESH, params![hash, now]).await
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
