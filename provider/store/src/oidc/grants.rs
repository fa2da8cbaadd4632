//! Grants. A grant is written together with its code, in one row; its tokens refer to it and die with it.

use crate::{Row, Scope, StoreError, accounts, statements, value::params};
use madoguchi_domain::{
    Timestamp, TokenHash,
    account::Account,
    grant::Grant,
    id::{AccountId, EnrolmentId, GrantId, SessionId},
    session::{Acr, Authentication},
};

/// The grant columns of a joined statement, in the order that [`joined_grant`] reads.
macro_rules! grant_columns {
    () => {
        "g.id, g.client_id, g.account, g.account_generation, g.session_id, g.scope, g.nonce, g.claims, g.acr, \
         g.auth_time, g.auth_time_requested, g.redirect_uri, g.code_challenge, g.enrolment, g.code_hash, \
         g.code_expires_at, g.code_used_at, g.created_at, g.revoked_at"
    };
}
pub(super) use grant_columns;

macro_rules! insert {
    ($expires_at:literal) => {
        concat!(
            "insert into grants \
             (tenant, id, client_id, account, account_generation, session_id, scope, nonce, claims, acr, auth_time, \
              auth_time_requested, redirect_uri, code_challenge, enrolment, code_hash, code_expires_at, created_at, \
              expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, ",
            $expires_at,
            ") on conflict do nothing"
        )
    };
}

statements! {
    INSERT = insert!("cast($19 as bigint)");
    BY_CODE = concat!("select ", grant_columns!(), ", a.updated_at, ", accounts::columns!(), " from grants g \
               join accounts a on a.tenant = g.tenant and a.id = g.account \
               where g.tenant = $1 and g.code_hash = $2");
    // a refresh token is good while its session lasts, or beyond with offline_access (OpenID Connect Core §11)
    LIVE_OF = "select g.client_id, g.scope, max(t.created_at) from grants g \
               join accounts a on a.tenant = g.tenant and a.id = g.account and a.generation = g.account_generation \
               join tokens t on t.tenant = g.tenant and t.grant_id = g.id and t.kind = 'refresh' \
                 and t.used_at is null and t.expires_at > $3 \
               left join sessions s on s.tenant = g.tenant and s.id = g.session_id and s.ended_at is null \
                 and s.expires_at > $3 \
               where g.tenant = $1 and g.account = $2 and g.revoked_at is null \
                 and (s.id is not null or ' ' || g.scope || ' ' like '% offline_access %') \
               group by g.client_id, g.scope order by g.client_id, g.scope";
    REVOKE = "update grants set revoked_at = $3 where tenant = $1 and id = $2 and revoked_at is null";
    REVOKE_OF_ACCOUNT = "update grants set revoked_at = $3 \
                         where tenant = $1 and account = $2 and revoked_at is null";
    REVOKE_OF_CLIENT = "update grants set revoked_at = $4 \
                        where tenant = $1 and account = $2 and client_id = $3 and revoked_at is null";
}

/// [`INSERT`] for PostgreSQL with a setting that holds for this one transaction: its end does not wait for the disk.
pub(crate) const INSERT_SOON: &str =
    insert!("case when set_config('synchronous_commit', 'off', true) = 'off' then cast($19 as bigint) end");

/// A code with all that its redemption is decided by.
#[derive(Debug, Clone)]
pub struct CodeStanding {
    /// The grant that it was given with.
    pub grant: Grant,
    /// The account that gave the grant, as it is now.
    pub account: Account,
    /// When the account was last changed.
    pub updated_at: Timestamp,
}

/// What a client can still get by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGrant {
    /// Whose it is.
    pub client_id: String,
    /// Scope tokens, sorted, space-separated.
    pub scope: String,
    /// When it last got a token.
    pub used_at: Timestamp,
}

/// The grants of a tenant.
pub struct Grants<'a>(pub(crate) Scope<'a>);

impl Grants<'_> {
    /// Keeps a new grant with its code; outside a transaction without waiting for the disk, as a code that a power cut
    /// takes away is only one to be asked for again. `expires_at`: not before then may the sweep remove it, and not
    /// before its last token is gone.
    pub async fn insert(&mut self, grant: &Grant, expires_at: Timestamp) -> Result<(), StoreError> {
        let values = params![
            &grant.id,
            &grant.client_id,
            &grant.account,
            grant.account_generation,
            &grant.session,
            &grant.scope,
            grant.nonce.as_deref(),
            grant.claims.as_deref(),
            grant.authentication.acr.as_str(),
            grant.authentication.at,
            i64::from(grant.auth_time_requested),
            &grant.redirect_uri,
            grant.code_challenge.as_deref(),
            grant.enrolment.as_ref(),
            &grant.code_hash,
            grant.code_expires_at,
            grant.created_at,
            expires_at
        ];
        self.0.insert_soon(INSERT, INSERT_SOON, values).await
    }

    /// The grant of a code and its account, whatever their state.
    pub async fn by_code(&mut self, code_hash: &TokenHash) -> Result<Option<CodeStanding>, StoreError> {
        let read = |row: &mut Row| {
            Ok(CodeStanding { grant: joined_grant(row)?, updated_at: row.time()?, account: accounts::read(row)? })
        };
        self.0.one(BY_CODE, params![code_hash], read).await
    }

    /// Grants of an account that have a refresh token that is good at `now`, by client.
    pub async fn live_of(&mut self, account: &AccountId, now: Timestamp) -> Result<Vec<LiveGrant>, StoreError> {
        let read = |row: &mut Row| Ok(LiveGrant { client_id: row.text()?, scope: row.text()?, used_at: row.time()? });
        self.0.all(LIVE_OF, params![account, now], read).await
    }

    /// Ends a grant with all its tokens; whether it was alive.
    pub async fn revoke(&mut self, id: &GrantId, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(REVOKE, params![id, now]).await
    }

    /// Ends all grants of an account; how many.
    pub async fn revoke_of_account(&mut self, account: &AccountId, now: Timestamp) -> Result<u64, StoreError> {
        self.0.write(REVOKE_OF_ACCOUNT, params![account, now]).await
    }

    /// Ends all grants of an account to one client; how many.
    pub async fn revoke_of_client(
        &mut self,
        account: &AccountId,
        client_id: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.0.write(REVOKE_OF_CLIENT, params![account, client_id, now]).await
    }
}

/// The grant of a joined row.
pub(super) fn joined_grant(row: &mut Row) -> Result<Grant, StoreError> {
    let id = GrantId::known(row.text()?);
    let client_id = row.text()?;
    let account = AccountId::known(row.text()?);
    let account_generation = row.int()?;
    let session = SessionId::known(row.text()?);
    let scope = row.text()?;
    let nonce = row.opt_text()?;
    let claims = row.opt_text()?;
    let acr = row.known("grants.acr", Acr::from_value)?;
    let at = row.time()?;
    Ok(Grant {
        id,
        client_id,
        account,
        account_generation,
        session,
        scope,
        nonce,
        claims,
        authentication: Authentication { at, acr },
        auth_time_requested: row.int()? != 0,
        redirect_uri: row.text()?,
        code_challenge: row.opt_text()?,
        enrolment: row.opt_text()?.map(EnrolmentId::known),
        code_hash: row.hash()?,
        code_expires_at: row.time()?,
        code_used_at: row.opt_time()?,
        created_at: row.time()?,
        revoked_at: row.opt_time()?,
    })
}
