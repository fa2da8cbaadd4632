//! The roster of a tenant: whom the institution knows, as imported. What a record holds is the directory's business.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{Timestamp, form::SearchKeys};

statements! {
    EMPTY = "delete from roster where tenant = $1";
    ADD = "insert into roster (tenant, line, student_id_key, name_key, kana_key, birth_date, record, imported_at) \
           values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
    SIMILAR = "select r.record from roster r where r.tenant = $1 and r.line in (\
             select s.line from roster s where s.tenant = $1 and s.student_id_key = $2 and $2 <> '' \
             union select s.line from roster s where s.tenant = $1 and s.birth_date = $3 and $3 <> '' \
             union select s.line from roster s where s.tenant = $1 and s.name_key = $4 and $4 <> '' \
             union select s.line from roster s where s.tenant = $1 and s.kana_key = $5 and $5 <> '') \
           order by case when r.student_id_key = $2 then 0 when r.birth_date = $3 and r.name_key = $4 then 1 \
             when r.birth_date = $3 and r.kana_key = $5 then 2 when r.name_key = $4 then 3 else 4 end, r.line limit $6";
    PAGE = "select line, record from roster where tenant = $1 and line > $2 order by line limit $3";
    COUNT = "select count(*), max(imported_at) from roster where tenant = $1";
}

/// A line to import.
#[derive(Debug, Clone)]
pub struct RosterLine {
    /// What it is found by.
    pub keys: SearchKeys,
    /// The record.
    pub record: serde_json::Value,
}

/// The roster of a tenant.
pub struct Roster<'a>(pub(crate) Scope<'a>);

impl Roster<'_> {
    /// Puts these in place of all that was there. In a transaction, or readers see it half done.
    pub async fn replace(
        &mut self,
        lines: impl IntoIterator<Item = RosterLine>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.0.write(EMPTY, params![]).await?;
        let mut count = 0u64;
        for (line, number) in lines.into_iter().zip(1i64..) {
            let keys = &line.keys;
            let values = params![
                number,
                &keys.student_id_key,
                &keys.name_key,
                &keys.kana_key,
                &keys.birth_date,
                json(&line.record)?,
                now,
            ];
            self.0.insert(ADD, values).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Records that have any of the keys, those that have the most telling ones first.
    pub async fn similar(&mut self, keys: &SearchKeys, limit: u32) -> Result<Vec<serde_json::Value>, StoreError> {
        let values = params![&keys.student_id_key, &keys.birth_date, &keys.name_key, &keys.kana_key, limit];
        self.0.all(SIMILAR, values, |row| row.json("roster.record")).await
    }

    /// A page of all records by line, after the given line (0 for the first page).
    pub async fn page(&mut self, after: i64, limit: u32) -> Result<Vec<(i64, serde_json::Value)>, StoreError> {
        let read = |row: &mut Row| Ok((row.int()?, row.json("roster.record")?));
        self.0.all(PAGE, params![after, limit], read).await
    }

    /// How many records there are, and when they were imported.
    pub async fn count(&mut self) -> Result<(i64, Option<Timestamp>), StoreError> {
        let found = self.0.one(COUNT, params![], |row| Ok((row.int()?, row.opt_time()?))).await?;
        Ok(found.unwrap_or((0, None)))
    }
}
