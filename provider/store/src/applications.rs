//! Applications as handed in. Where one stands changes by conditional updates only: of two clerks, or a clerk and the
//! applicant, one is first and the other is told.

use crate::{Row, Scope, StoreError, search::contains, statements, value::json, value::params};
use madoguchi_domain::{
    EmailAddress, Timestamp,
    application::{Application, ApplicationKind, ApplicationState, Lifecycle},
    form::{Answers, SearchKeys},
    id::{AccountId, ApplicationId},
};

/// The columns that [`read`] reads; `a` is the table.
macro_rules! columns {
    () => {
        "a.id, a.reference, a.kind, a.state, a.version, a.email, a.locale, a.answers, a.documents, a.account, a.return_client, \
         a.terms_version, a.terms_at, a.created_at, a.submitted_at, a.decided_at"
    };
}

/// The conditions of the queue: $2..$6 states, $7..$10 kinds, $11 whether to search, $12 name, $13 kana, $14 student ID,
/// $15 reference, $16 mail address (patterns), $17 and $18 where the page before ended.
macro_rules! queue {
    ($compare:literal, $order:literal) => {
        concat!(
            "select ", columns!(), " from applications a where a.tenant = $1 and a.state in ($2, $3, $4, $5, $6) \
             and a.kind in ($7, $8, $9, $10) and ($11 = '' \
             or $12 <> '' and a.name_key like $12 escape '\\' or $13 <> '' and a.kana_key like $13 escape '\\' \
             or $14 <> '' and a.student_id_key like $14 escape '\\' or $15 <> '' and a.reference like $15 escape '\\' \
             or $16 <> '' and a.email_key like $16 escape '\\') \
             and (a.submitted_at, a.id) ", $compare, " ($17, $18) \
             order by a.submitted_at ", $order, ", a.id ", $order, " limit $19"
        )
    };
}

statements! {
    INSERT = "insert into applications (tenant, id, reference, kind, state, version, email, email_key, locale, answers, \
              documents, name_key, kana_key, birth_date, student_id_key, account, return_client, terms_version, terms_at, \
              created_at, submitted_at, decided_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
              $15, $16, $17, $18, $19, $20, $21, $22) on conflict do nothing";
    FIND = concat!("select ", columns!(), " from applications a where a.tenant = $1 and a.id = $2");
    BY_REFERENCE = concat!("select ", columns!(), " from applications a where a.tenant = $1 and a.reference = $2");
    BY_EMAIL = concat!("select ", columns!(), " from applications a where a.tenant = $1 and a.email_key = $2 \
              order by a.submitted_at desc, a.id limit 50");
    OF_ACCOUNT = concat!("select ", columns!(), " from applications a where a.tenant = $1 and a.account = $2 \
              order by a.submitted_at desc, a.id limit 50");
    OLDEST_FIRST = queue!(">", "asc");
    NEWEST_FIRST = queue!("<", "desc");
    COUNTS = "select state, count(*) from applications where tenant = $1 group by state";
    PENDING = concat!("select ", columns!(), " from applications a where a.tenant = $1 and a.account = $2 and a.kind = $3 \
              and a.state in ('submitted', 'correction_requested')");
    KEEP = "insert into submissions (tenant, application, version, answers, at) \
              select tenant, id, version, answers, submitted_at from applications \
              where tenant = $1 and id = $2 and version = $3 and state in ('correction_requested', 'approved') \
              on conflict do nothing";
    KEEP_BEFORE = "insert into submissions (tenant, application, version, answers, at) values ($1, $2, 0, $3, $4) \
              on conflict do nothing";
    SUBMISSIONS = "select version, answers, at from submissions where tenant = $1 and application = $2 order by version";
    WITHDRAW = "update applications set state = 'withdrawn', decided_at = $5 where tenant = $1 and id = $2 \
              and version = $3 and account = $4 and state in ('submitted', 'correction_requested')";
    REOPEN = "update applications set state = 'submitted', version = version + 1, account = null, decided_at = null \
              where tenant = $1 and id = $2 and version = $3 and state = 'approved'";
    OVER = "select id from applications where tenant = $1 \
              and (state in ('approved', 'rejected', 'withdrawn') and decided_at <= $2 \
                or state = 'correction_requested' and decided_at <= $3) order by decided_at limit $4";
    REMOVE_DOCUMENTS = "delete from documents where tenant = $1 and application = $2";
    // the row is held before its documents go, so that nobody hands it in again in between
    HOLD = "update applications set decided_at = decided_at where tenant = $1 and id = $2 \
              and state in ('approved', 'rejected', 'withdrawn', 'correction_requested') and decided_at <= $3";
    REMOVE = "delete from applications where tenant = $1 and id = $2";
    SIMILAR = concat!("select ", columns!(), " from applications a where a.tenant = $1 and a.id in (\
                select s.id from applications s where s.tenant = $1 and s.birth_date = $2 and $2 <> '' \
                  and (s.name_key = $3 and $3 <> '' or s.kana_key = $4 and $4 <> '') \
                union select s.id from applications s where s.tenant = $1 and s.student_id_key = $5 and $5 <> '' \
                union select s.id from applications s where s.tenant = $1 and s.email_key = $6) \
              and a.id <> $7 order by a.submitted_at desc, a.id limit 20");
    DECIDE = "update applications set state = $4, account = coalesce($5, account), decided_at = $6 \
              where tenant = $1 and id = $2 and version = $3 and state = 'submitted'";
    RESUBMIT = "update applications set state = 'submitted', version = version + 1, answers = $4, documents = $5, \
              name_key = $6, kana_key = $7, birth_date = $8, student_id_key = $9, submitted_at = $10, kind = $11, \
              decided_at = null \
              where tenant = $1 and id = $2 and version = $3 and state = 'correction_requested' returning version";
}

/// Which applications a clerk wants to see.
#[derive(Debug, Clone, Default)]
pub struct QueueFilter {
    /// In which states; all when empty.
    pub states: Vec<ApplicationState>,
    /// Of which kinds; all when empty.
    pub kinds: Vec<ApplicationKind>,
    /// Containing any of these.
    pub search: Option<QueueSearch>,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
    /// The page after the one that ended with this.
    pub after: Option<(Timestamp, ApplicationId)>,
    /// How many at most.
    pub limit: u32,
}

/// What was typed into the search box, folded for each column; an empty text matches nothing.
#[derive(Debug, Clone, Default)]
pub struct QueueSearch {
    /// Part of the name's key.
    pub name_key: String,
    /// Part of the kana name's key.
    pub kana_key: String,
    /// Part of the student ID number's key.
    pub student_id_key: String,
    /// Part of the reference number.
    pub reference: String,
    /// Part of the canonical mail address.
    pub email_key: String,
}

/// What was handed in before.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Which version; 0 is what stood before a change of an account's data.
    pub version: i64,
    /// Its answers.
    pub answers: Answers,
    /// When it was handed in.
    pub at: Timestamp,
}

/// The applications of a tenant.
pub struct Applications<'a>(pub(crate) Scope<'a>);

impl Applications<'_> {
    /// A first submission.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id or reference number is taken, or the account has one of that kind that is not
    /// decided.
    pub async fn insert(&mut self, a: &Application, keys: &SearchKeys) -> Result<(), StoreError> {
        let values = params![
            &a.id,
            &a.reference,
            a.kind.as_str(),
            a.lifecycle.state.as_str(),
            a.lifecycle.version,
            &a.email,
            a.email.canonical(),
            &a.locale,
            json(&a.answers)?,
            json(&a.documents)?,
            &keys.name_key,
            &keys.kana_key,
            &keys.birth_date,
            &keys.student_id_key,
            a.account.as_ref(),
            a.return_client.as_deref(),
            &a.terms.0,
            a.terms.1,
            a.created_at,
            a.submitted_at,
            a.decided_at,
        ];
        self.0.insert(INSERT, values).await
    }

    /// By its id.
    pub async fn find(&mut self, id: &ApplicationId) -> Result<Option<Application>, StoreError> {
        self.0.one(FIND, params![id], read).await
    }

    /// By its reference number, as [`madoguchi_domain::application::parse_reference`] gives it.
    pub async fn by_reference(&mut self, reference: &str) -> Result<Option<Application>, StoreError> {
        self.0.one(BY_REFERENCE, params![reference], read).await
    }

    /// Those from a canonical mail address, newest first, fifty at most.
    pub async fn by_email(&mut self, email_key: &str) -> Result<Vec<Application>, StoreError> {
        self.0.all(BY_EMAIL, params![email_key], read).await
    }

    /// Those of an account, newest first, fifty at most.
    pub async fn of_account(&mut self, account: &AccountId) -> Result<Vec<Application>, StoreError> {
        self.0.all(OF_ACCOUNT, params![account], read).await
    }

    /// A page of the queue.
    pub async fn queue(&mut self, filter: &QueueFilter) -> Result<Vec<Application>, StoreError> {
        let wanted = |at: usize| {
            let states: &[ApplicationState] =
                if filter.states.is_empty() { &ApplicationState::ALL } else { &filter.states };
            states.get(at).or(states.first()).map_or("", |state| state.as_str())
        };
        let kind = |at: usize| {
            let kinds: &[ApplicationKind] = if filter.kinds.is_empty() { &ApplicationKind::ALL } else { &filter.kinds };
            kinds.get(at).or(kinds.first()).map_or("", |kind| kind.as_str())
        };
        let search = filter.search.as_ref();
        let part = |text: fn(&QueueSearch) -> &String| search.map_or(String::new(), |s| contains(text(s)));
        let (sql, beyond) = if filter.newest_first { (NEWEST_FIRST, i64::MAX) } else { (OLDEST_FIRST, i64::MIN) };
        let after = filter.after.as_ref().map_or((Timestamp(beyond), ""), |(at, id)| (*at, id.as_str()));
        let values = params![
            wanted(0),
            wanted(1),
            wanted(2),
            wanted(3),
            wanted(4),
            kind(0),
            kind(1),
            kind(2),
            kind(3),
            if search.is_some() { "search" } else { "" },
            part(|s| &s.name_key),
            part(|s| &s.kana_key),
            part(|s| &s.student_id_key),
            part(|s| &s.reference),
            part(|s| &s.email_key),
            after.0,
            after.1,
            filter.limit,
        ];
        self.0.all(sql, values, read).await
    }

    /// How many stand in each state; a state that none stands in is absent.
    pub async fn counts(&mut self) -> Result<Vec<(ApplicationState, i64)>, StoreError> {
        let read = |row: &mut Row| Ok((row.known("applications.state", ApplicationState::from_stored)?, row.int()?));
        self.0.all(COUNTS, params![], read).await
    }

    /// Other applications that may be by the same person: the birth date with the name in either writing, the student
    /// ID number, or the mail address. Newest first, twenty at most.
    pub async fn similar(
        &mut self,
        keys: &SearchKeys,
        email_key: &str,
        but: &ApplicationId,
    ) -> Result<Vec<Application>, StoreError> {
        let values =
            params![&keys.birth_date, &keys.name_key, &keys.kana_key, &keys.student_id_key, email_key, but.as_str()];
        self.0.all(SIMILAR, values, read).await
    }

    /// Moves version `version` from submitted to `to`; `account` is the one that it became or was added to. False when
    /// the application stands elsewhere by now, or at another version.
    pub async fn decide(
        &mut self,
        id: &ApplicationId,
        version: i64,
        to: ApplicationState,
        account: Option<&AccountId>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(DECIDE, params![id, version, to.as_str(), account, at]).await
    }

    /// The one of a kind that an account has applied for and that is not decided.
    pub async fn pending(
        &mut self,
        account: &AccountId,
        kind: ApplicationKind,
    ) -> Result<Option<Application>, StoreError> {
        self.0.one(PENDING, params![account, kind.as_str()], read).await
    }

    /// Keeps what stood before a change of an account's data, as version 0.
    pub async fn keep_before(
        &mut self,
        id: &ApplicationId,
        answers: &Answers,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.insert(KEEP_BEFORE, params![id, json(answers)?, at]).await
    }

    /// What was handed in before the present version, oldest first: version, answers, when.
    pub async fn submissions(&mut self, id: &ApplicationId) -> Result<Vec<Submission>, StoreError> {
        self.0.all(SUBMISSIONS, params![id], submission).await
    }

    /// Takes back version `version` of an application of that account; false when it is decided by now.
    pub async fn withdraw(
        &mut self,
        id: &ApplicationId,
        version: i64,
        account: &AccountId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(WITHDRAW, params![id, version, account, at]).await
    }

    /// An approved application waits again, as the next version and nobody's; false when it is not approved at `version`.
    pub async fn reopen(&mut self, id: &ApplicationId, version: i64) -> Result<bool, StoreError> {
        self.0.write(KEEP, params![id, version]).await?;
        self.0.changed(REOPEN, params![id, version]).await
    }

    /// Applications that nobody has to do anything about any more: decided or withdrawn at `over` or earlier, or sent
    /// back for a correction at `sent_back` or earlier and never handed in again.
    pub async fn over_since(
        &mut self,
        over: Timestamp,
        sent_back: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApplicationId>, StoreError> {
        self.0.all(OVER, params![over, sent_back, limit], |row| Ok(ApplicationId::known(row.text()?))).await
    }

    /// Deletes an application of [`Self::over_since`] that has stood so since `before`, with its decisions, submissions
    /// and documents; false when it is gone or stands elsewhere by now.
    pub async fn remove(&mut self, id: &ApplicationId, before: Timestamp) -> Result<bool, StoreError> {
        if !self.0.changed(HOLD, params![id, before]).await? {
            return Ok(false);
        }
        self.0.write(REMOVE_DOCUMENTS, params![id]).await?;
        self.0.changed(REMOVE, params![id]).await
    }

    /// The next version of one that waits for its correction; its number. What was handed in before is kept.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it does not wait for one, or is not at `version`.
    pub async fn resubmit(&mut self, version: i64, next: &Application, keys: &SearchKeys) -> Result<i64, StoreError> {
        self.0.write(KEEP, params![&next.id, version]).await?;
        let values = params![
            &next.id,
            version,
            json(&next.answers)?,
            json(&next.documents)?,
            &keys.name_key,
            &keys.kana_key,
            &keys.birth_date,
            &keys.student_id_key,
            next.submitted_at,
            next.kind.as_str(),
        ];
        self.0.returning(RESUBMIT, values, |row| row.int()).await?.ok_or(StoreError::Conflict)
    }
}

fn submission(row: &mut Row) -> Result<Submission, StoreError> {
    Ok(Submission { version: row.int()?, answers: row.json("submissions.answers")?, at: row.time()? })
}

fn read(row: &mut Row) -> Result<Application, StoreError> {
    Ok(Application {
        id: ApplicationId::known(row.text()?),
        reference: row.text()?,
        kind: row.known("applications.kind", ApplicationKind::from_stored)?,
        lifecycle: Lifecycle {
            state: row.known("applications.state", ApplicationState::from_stored)?,
            version: row.int()?,
        },
        email: EmailAddress::known(row.text()?),
        locale: row.locale()?,
        answers: row.json("applications.answers")?,
        documents: row.json("applications.documents")?,
        account: row.opt_text()?.map(AccountId::known),
        return_client: row.opt_text()?,
        terms: (row.text()?, row.time()?),
        created_at: row.time()?,
        submitted_at: row.time()?,
        decided_at: row.opt_time()?,
    })
}
