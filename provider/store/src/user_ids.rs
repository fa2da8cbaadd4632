//! User IDs that were given out. A number is given once in a tenant's life, whatever becomes of its account.

use crate::{Scope, StoreError, statements, value::params};
use madoguchi_domain::Timestamp;

statements! {
    GIVE = "insert into user_ids (tenant, pattern, number, given_at) values ($1, $2, $3, $4) on conflict do nothing";
    GIVEN = "select number from user_ids where tenant = $1 and pattern = $2 and number = $3";
    AFTER = "select min(g.number) + 1 from user_ids g where g.tenant = $1 and g.pattern = $2 and g.number >= $3 \
             and not exists (select 1 from user_ids n where n.tenant = $1 and n.pattern = $2 and n.number = g.number + 1)";
}

/// The user IDs of a tenant, by pattern and number.
pub struct UserIds<'a>(pub(crate) Scope<'a>);

impl UserIds<'_> {
    /// Gives a number out; false when it was given before.
    pub async fn give(&mut self, pattern: &str, number: u64, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(GIVE, params![pattern, signed(number), now]).await
    }

    /// The first number from `from` on that was not given out; it may be larger than the pattern's largest.
    pub async fn free_from(&mut self, pattern: &str, from: u64) -> Result<u64, StoreError> {
        if self.0.one(GIVEN, params![pattern, signed(from)], |row| row.int()).await?.is_none() {
            return Ok(from);
        }
        let after = self.0.one(AFTER, params![pattern, signed(from)], |row| row.opt_int()).await?.flatten();
        Ok(after.and_then(|n| u64::try_from(n).ok()).unwrap_or(from))
    }
}

/// Numbers have twelve digits at most.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
