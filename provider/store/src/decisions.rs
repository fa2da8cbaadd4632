//! Decisions: one for each version of an application, because the primary key says so.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{
    Timestamp,
    application::{Decision, Verdict},
    id::{AccountId, ApplicationId},
};

statements! {
    RECORD = "insert into decisions (tenant, application, version, verdict, reviewer, reason, notes, at) \
              values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
    OF = "select application, version, verdict, reviewer, reason, notes, at from decisions \
              where tenant = $1 and application = $2 order by version";
    APPROVE = "insert into approvals (tenant, application, version, reviewer, at) values ($1, $2, $3, $4, $5) \
              on conflict do nothing";
    APPROVALS = "select reviewer, at from approvals where tenant = $1 and application = $2 and version = $3 order by at";
}

/// The decisions on a tenant's applications.
pub struct Decisions<'a>(pub(crate) Scope<'a>);

impl Decisions<'_> {
    /// Writes one down.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when that version is decided: somebody was first.
    pub async fn record(&mut self, decision: &Decision) -> Result<(), StoreError> {
        let values = params![
            &decision.application,
            decision.version,
            decision.verdict.as_str(),
            &decision.reviewer,
            &decision.reason,
            json(&decision.notes)?,
            decision.at,
        ];
        self.0.insert(RECORD, values).await
    }

    /// All on an application, by version.
    pub async fn of(&mut self, application: &ApplicationId) -> Result<Vec<Decision>, StoreError> {
        self.0.all(OF, params![application], read).await
    }

    /// Notes that one of several reviewers said yes; false when they had said so.
    pub async fn approve(
        &mut self,
        application: &ApplicationId,
        version: i64,
        reviewer: &AccountId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(APPROVE, params![application, version, reviewer, at]).await
    }

    /// Who said yes to a version so far, where several must.
    pub async fn approvals(
        &mut self,
        application: &ApplicationId,
        version: i64,
    ) -> Result<Vec<(AccountId, Timestamp)>, StoreError> {
        let read = |row: &mut Row| Ok((AccountId::known(row.text()?), row.time()?));
        self.0.all(APPROVALS, params![application, version], read).await
    }
}

fn read(row: &mut Row) -> Result<Decision, StoreError> {
    let verdict = |text: &str| {
        [Verdict::Approve, Verdict::Reject, Verdict::RequestCorrection].into_iter().find(|v| v.as_str() == text)
    };
    Ok(Decision {
        application: ApplicationId::known(row.text()?),
        version: row.int()?,
        verdict: row.known("decisions.verdict", verdict)?,
        reviewer: AccountId::known(row.text()?),
        reason: row.text()?,
        notes: row.json("decisions.notes")?,
        at: row.time()?,
    })
}
