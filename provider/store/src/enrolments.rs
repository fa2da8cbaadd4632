//! Stays at the institution that were checked, each with its student ID number.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{
    Timestamp,
    account::Enrolment,
    id::{AccountId, ApplicationId, EnrolmentId},
    verification::Verification,
};

/// The columns that [`read_optional`] reads; `e` is the table.
macro_rules! columns {
    () => {
        "e.id, e.account, e.student_id, e.facts, e.application, e.verified, e.created_at, e.ended_at"
    };
}
pub(crate) use columns;

statements! {
    INSERT = "insert into enrolments (tenant, id, account, student_id, student_id_key, facts, application, verified, \
              created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing";
    OF = concat!("select ", columns!(), " from enrolments e \
              where e.tenant = $1 and e.account = $2 and e.ended_at is null order by e.created_at, e.id");
    BY_STUDENT_ID = concat!("select ", columns!(), " from enrolments e \
              where e.tenant = $1 and e.student_id_key = $2 and e.ended_at is null order by e.created_at, e.id");
    END = "update enrolments set ended_at = $3 where tenant = $1 and id = $2 and ended_at is null";
    END_SINCE = "update enrolments set ended_at = $4 where tenant = $1 and account = $2 \
              and (created_at > $3 and application is not null or application = $5) and ended_at is null";
}

/// The enrolments of a tenant's accounts.
pub struct Enrolments<'a>(pub(crate) Scope<'a>);

impl Enrolments<'_> {
    /// A new one, with the folded student ID number that it is found by.
    pub async fn insert(&mut self, enrolment: &Enrolment, student_id_key: &str) -> Result<(), StoreError> {
        let values = params![
            &enrolment.id,
            &enrolment.account,
            &enrolment.student_id,
            student_id_key,
            json(&enrolment.facts)?,
            enrolment.application.as_ref(),
            enrolment.verified.as_ref().map(json).transpose()?,
            enrolment.created_at,
        ];
        self.0.insert(INSERT, values).await
    }

    /// Those of an account, oldest first.
    pub async fn of(&mut self, account: &AccountId) -> Result<Vec<Enrolment>, StoreError> {
        let rows = self.0.all(OF, params![account], read_optional).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Those of a folded student ID number.
    pub async fn by_student_id(&mut self, student_id_key: &str) -> Result<Vec<Enrolment>, StoreError> {
        let rows = self.0.all(BY_STUDENT_ID, params![student_id_key], read_optional).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Ends one.
    pub async fn end(&mut self, id: &EnrolmentId, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(END, params![id, now]).await
    }

    /// Ends those that `application` added to an account at `since`, and others later; how many there were.
    pub async fn end_since(
        &mut self,
        account: &AccountId,
        application: &ApplicationId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.0.write(END_SINCE, params![account, since, now, application]).await
    }
}

fn verification(row: &mut Row) -> Result<Option<Verification>, StoreError> {
    let stored = row.opt_json("enrolments.verified")?;
    stored.map(|v| serde_json::from_value(v).map_err(|_| StoreError::unreadable("enrolments.verified"))).transpose()
}

/// Reads [`columns`], all absent where an outer join found none.
pub(crate) fn read_optional(row: &mut Row) -> Result<Option<Enrolment>, StoreError> {
    let Some(id) = row.opt_text()? else {
        row.skip(7);
        return Ok(None);
    };
    Ok(Some(Enrolment {
        id: EnrolmentId::known(id),
        account: AccountId::known(row.text()?),
        student_id: row.text()?,
        facts: row.json("enrolments.facts")?,
        application: row.opt_text()?.map(ApplicationId::known),
        verified: verification(row)?,
        created_at: row.time()?,
        ended_at: row.opt_time()?,
    }))
}
