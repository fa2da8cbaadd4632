//! Accounts. Unique in a tenant are `sub`, the login ID and the mail address, the last two in their folded forms.

use crate::{
    Row, Scope, StoreError, credentials, enrolments, oidc::logouts::Notices, statements, value::json, value::params,
};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp,
    account::{Account, AccountState, Credential, Enrolment, Profile},
    form::SearchKeys,
    id::AccountId,
};

/// The columns that [`read`] reads; `a` is the table.
macro_rules! columns {
    () => {
        "a.id, a.sub, a.login_id, a.email, a.state, a.locale, a.profile, a.staff_roles, a.generation, a.created_at"
    };
}
pub(crate) use columns;

statements! {
    INSERT = "insert into accounts (tenant, id, sub, login_id, login_id_key, email, email_key, state, locale, profile, \
              staff_roles, generation, name_key, kana_key, birth_date, created_at, updated_at) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16) on conflict do nothing";
    FIND = concat!("select ", columns!(), " from accounts a where a.tenant = $1 and a.id = $2");
    BY_LOGIN = concat!("select ", columns!(), " from accounts a where a.tenant = $1 and a.login_id_key = $2");
    BY_EMAIL = concat!("select ", columns!(), " from accounts a where a.tenant = $1 and a.email_key = $2");
    FOR_LOGIN = concat!("select ", columns!(), ", ", credentials::columns!(), " from accounts a \
              left join credentials c on c.tenant = a.tenant and c.account = a.id \
              where a.tenant = $1 and a.login_id_key = $2");
    WITH_CREDENTIALS = concat!("select ", columns!(), ", ", credentials::columns!(), " from accounts a \
              left join credentials c on c.tenant = a.tenant and c.account = a.id \
              where a.tenant = $1 and a.id = $2");
    WITH_ENROLMENTS = concat!("select ", columns!(), ", ", enrolments::columns!(), " from accounts a \
              left join enrolments e on e.tenant = a.tenant and e.account = a.id and e.ended_at is null \
              where a.tenant = $1 and a.id = $2 order by e.created_at, e.id");
    SIMILAR = concat!("select ", columns!(), ", ", enrolments::columns!(), " from accounts a \
              left join enrolments e on e.tenant = a.tenant and e.account = a.id and e.ended_at is null \
              where a.tenant = $1 and a.id in (\
                select s.id from accounts s where s.tenant = $1 and s.birth_date = $2 and $2 <> '' \
                  and (s.name_key = $3 and $3 <> '' or s.kana_key = $4 and $4 <> '') \
                union select s.account from enrolments s \
                  where s.tenant = $1 and s.student_id_key = $5 and $5 <> '' and s.ended_at is null \
                union select s.id from accounts s where s.tenant = $1 and s.email_key = $6) \
              order by a.created_at, a.id, e.created_at, e.id limit 100");
    // $2 login ID, $3 mail address, $4 and $5 patterns of a name and of kana, $6 birth date; empty ones find nothing
    AT_COUNTER = concat!("select ", columns!(), " from accounts a where a.tenant = $1 \
              and ($6 = '' or a.birth_date = $6) \
              and ($2 = '' and $6 <> '' or $2 <> '' and (a.login_id_key = $2 or a.email_key = $3 \
                or $4 <> '' and a.name_key like $4 escape '\\' or $5 <> '' and a.kana_key like $5 escape '\\')) \
              order by a.kana_key, a.name_key, a.id limit $7");
    ALL = concat!("select ", columns!(), " from accounts a where a.tenant = $1 and a.id > $2 order by a.id limit $3");
    SET_STATE = "update accounts set state = $4, updated_at = $5 where tenant = $1 and id = $2 and state = $3";
    END = "update accounts set generation = generation + 1 where tenant = $1 and id = $2 returning generation";
    SET_PROFILE = "update accounts set profile = $3, name_key = $4, kana_key = $5, birth_date = $6, updated_at = $7 \
              where tenant = $1 and id = $2";
    HOLD = "update accounts set updated_at = $3 where tenant = $1 and id = $2 returning \
              id, sub, login_id, email, state, locale, profile, staff_roles, generation, created_at";
    SET_LOCALE = "update accounts set locale = $3 where tenant = $1 and id = $2";
    SET_STAFF = "update accounts set staff_roles = $3, updated_at = $4 where tenant = $1 and id = $2";
    MOVE = "update accounts set email = $3, email_key = $4, login_id = $5, login_id_key = $6, \
              generation = generation + 1, updated_at = $7 \
              where tenant = $1 and id = $2 and not exists (\
                select 1 from accounts o where o.tenant = $1 and o.id <> $2 and (o.email_key = $4 or o.login_id_key = $6)) \
              returning generation";
}

/// An account and what it may be opened with.
#[derive(Debug, Clone)]
pub struct AccountWithCredentials {
    /// The account.
    pub account: Account,
    /// Its credentials, at most one of a kind.
    pub credentials: Vec<Credential>,
}

impl AccountWithCredentials {
    /// The credential of that kind.
    pub fn credential(&self, kind: madoguchi_domain::account::CredentialKind) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.kind == kind)
    }
}

/// An account and its stays at the institution.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountWithEnrolments {
    /// The account.
    pub account: Account,
    /// Its enrolments, oldest first.
    pub enrolments: Vec<Enrolment>,
}

/// What somebody at a counter is looked for by; empty members find nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CounterSearch {
    /// The folded login ID.
    pub login_key: String,
    /// The canonical mail address.
    pub email_key: String,
    /// A part of the name's search key.
    pub name_key: String,
    /// A part of the kana's.
    pub kana_key: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
}

/// The accounts of a tenant.
pub struct Accounts<'a>(pub(crate) Scope<'a>);

impl Accounts<'_> {
    /// A new one. `login_key` is the folded login ID; `keys.student_id_key` is not used (it belongs to an enrolment).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when `sub`, login ID or mail address is taken.
    pub async fn insert(&mut self, account: &Account, login_key: &str, keys: &SearchKeys) -> Result<(), StoreError> {
        let values = params![
            &account.id,
            &account.sub,
            &account.login_id,
            login_key,
            &account.email,
            account.email.canonical(),
            account.state.as_str(),
            &account.locale,
            json(&account.profile)?,
            json(&account.staff_roles)?,
            account.generation,
            &keys.name_key,
            &keys.kana_key,
            &keys.birth_date,
            account.created_at,
        ];
        self.0.insert(INSERT, values).await
    }

    /// By its id.
    pub async fn find(&mut self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        self.0.one(FIND, params![id], read).await
    }

    /// By the folded login ID.
    pub async fn by_login(&mut self, login_key: &str) -> Result<Option<Account>, StoreError> {
        self.0.one(BY_LOGIN, params![login_key], read).await
    }

    /// By the canonical mail address.
    pub async fn by_email(&mut self, email_key: &str) -> Result<Option<Account>, StoreError> {
        self.0.one(BY_EMAIL, params![email_key], read).await
    }

    /// By the folded login ID, with the credentials, in one statement.
    pub async fn for_login(&mut self, login_key: &str) -> Result<Option<AccountWithCredentials>, StoreError> {
        let rows = self.0.all(FOR_LOGIN, params![login_key], with_credential).await?;
        Ok(gather(rows).map(|(account, credentials)| AccountWithCredentials { account, credentials }))
    }

    /// By its id, with the credentials, in one statement.
    pub async fn with_credentials(&mut self, id: &AccountId) -> Result<Option<AccountWithCredentials>, StoreError> {
        let rows = self.0.all(WITH_CREDENTIALS, params![id], with_credential).await?;
        Ok(gather(rows).map(|(account, credentials)| AccountWithCredentials { account, credentials }))
    }

    /// By its id, with the enrolments, in one statement: what claims are made from.
    pub async fn with_enrolments(&mut self, id: &AccountId) -> Result<Option<AccountWithEnrolments>, StoreError> {
        let rows = self.0.all(WITH_ENROLMENTS, params![id], with_enrolment).await?;
        Ok(gather(rows).map(|(account, enrolments)| AccountWithEnrolments { account, enrolments }))
    }

    /// Accounts that may be the same person: the birth date with the name in either writing, the student ID number, or
    /// the mail address.
    pub async fn similar(
        &mut self,
        keys: &SearchKeys,
        email_key: &str,
    ) -> Result<Vec<AccountWithEnrolments>, StoreError> {
        let values = params![&keys.birth_date, &keys.name_key, &keys.kana_key, &keys.student_id_key, email_key];
        let mut found: Vec<AccountWithEnrolments> = Vec::new();
        for (account, enrolment) in self.0.all(SIMILAR, values, with_enrolment).await? {
            match found.last_mut() {
                Some(last) if last.account.id == account.id => last.enrolments.extend(enrolment),
                Some(_) | None => {
                    found.push(AccountWithEnrolments { account, enrolments: enrolment.into_iter().collect() });
                }
            }
        }
        Ok(found)
    }

    /// Accounts as people at a counter are looked for: by login ID, mail address, a part of the name or of the name in
    /// kana, all of one thing that was typed; by birth date; or by both together.
    pub async fn at_counter(&mut self, wanted: &CounterSearch, limit: u32) -> Result<Vec<Account>, StoreError> {
        let name = crate::search::contains(&wanted.name_key);
        let kana = crate::search::contains(&wanted.kana_key);
        let values = params![&wanted.login_key, &wanted.email_key, &name, &kana, &wanted.birth_date, limit];
        self.0.all(AT_COUNTER, values, read).await
    }

    /// A page of all, in the order of their ids, after the given one (`""` for the first page).
    pub async fn page(&mut self, after: &str, limit: u32) -> Result<Vec<Account>, StoreError> {
        self.0.all(ALL, params![after, limit], read).await
    }

    /// From one state to another; false when it was not in the first.
    pub async fn set_state(
        &mut self,
        id: &AccountId,
        from: AccountState,
        to: AccountState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(SET_STATE, params![id, from.as_str(), to.as_str(), now]).await
    }

    /// Ends all sessions and tokens by the next generation, which is returned; `None` when there is no such account.
    pub async fn end_everything(&mut self, id: &AccountId) -> Result<Option<i64>, StoreError> {
        Notices(&mut self.0).of_account(id).await?;
        self.0.returning(END, params![id], |row| row.int()).await
    }

    /// Reads an account for a change of it, as part of a transaction: nobody else changes it until that ends.
    pub async fn hold(&mut self, id: &AccountId, now: Timestamp) -> Result<Option<Account>, StoreError> {
        self.0.returning(HOLD, params![id, now], read).await
    }

    /// Replaces the profile.
    pub async fn set_profile(
        &mut self,
        id: &AccountId,
        profile: &Profile,
        keys: &SearchKeys,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = params![id, json(profile)?, &keys.name_key, &keys.kana_key, &keys.birth_date, now];
        self.0.changed(SET_PROFILE, values).await
    }

    /// The language of its mails.
    pub async fn set_locale(&mut self, id: &AccountId, locale: &Locale) -> Result<bool, StoreError> {
        self.0.changed(SET_LOCALE, params![id, locale]).await
    }

    /// What it may do as staff.
    pub async fn set_staff_roles(
        &mut self,
        id: &AccountId,
        roles: &[madoguchi_domain::account::StaffRole],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(SET_STAFF, params![id, json(roles)?, now]).await
    }

    /// To another mail address and login ID; all sessions and tokens end. The new generation, which is returned.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another account has the address or login ID, or there is no such account. Two
    /// that move to one address at the same instant are told apart by the unique index; the loser's transaction is lost.
    pub async fn move_to(
        &mut self,
        id: &AccountId,
        email: &EmailAddress,
        login_id: &str,
        login_key: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        Notices(&mut self.0).of_account(id).await?;
        let values = params![id, email, email.canonical(), login_id, login_key, now];
        self.0.returning(MOVE, values, |row| row.int()).await?.ok_or(StoreError::Conflict)
    }
}

/// Reads [`columns`].
pub(crate) fn read(row: &mut Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId::known(row.text()?),
        sub: row.text()?,
        login_id: row.text()?,
        email: EmailAddress::known(row.text()?),
        state: row.known("accounts.state", AccountState::from_stored)?,
        locale: row.locale()?,
        profile: row.json("accounts.profile")?,
        staff_roles: row.json("accounts.staff_roles")?,
        generation: row.int()?,
        created_at: row.time()?,
    })
}

fn with_credential(row: &mut Row) -> Result<(Account, Option<Credential>), StoreError> {
    Ok((read(row)?, credentials::read_optional(row)?))
}

fn with_enrolment(row: &mut Row) -> Result<(Account, Option<Enrolment>), StoreError> {
    Ok((read(row)?, enrolments::read_optional(row)?))
}

/// Rows of one account, each with one of its many things or none.
fn gather<T>(rows: Vec<(Account, Option<T>)>) -> Option<(Account, Vec<T>)> {
    let mut rows = rows.into_iter();
    let (account, first) = rows.next()?;
    Some((account, first.into_iter().chain(rows.filter_map(|(_, thing)| thing)).collect()))
}
