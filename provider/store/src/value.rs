//! What goes into a statement and what comes out of a row: five kinds of value, the same for both databases.

use crate::StoreError;
use madoguchi_domain::{EmailAddress, Locale, Timestamp, TokenHash, id};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{ColumnIndex, Decode, Row as _, Type, postgres::PgRow, sqlite::SqliteRow};
use std::borrow::Cow;

/// A value for a placeholder. Absence keeps its type, as PostgreSQL wants to know it.
#[derive(Clone)]
pub enum Value<'a> {
    /// TEXT.
    Text(Option<Cow<'a, str>>),
    /// BIGINT.
    Int(Option<i64>),
    /// BYTEA or BLOB.
    Bytes(Option<&'a [u8]>),
}

/// The values of a statement's placeholders, in order: `params![&id, now, "text"]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::value::Value::from($value)),*] };
}
pub(crate) use params;

/// A type's structure as JSON text, for a column that holds it.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::unreadable("value to store"))
}

macro_rules! from {
    ($($type:ty => $kind:ident |$v:ident| $make:expr;)+) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from($v: $type) -> Self {
                Self::$kind($make)
            }
        }
    )+};
}

from! {
    &'a str => Text |v| Some(storable(v));
    &'a String => Text |v| Some(storable(v));
    String => Text |v| Some(storable_owned(v));
    Option<&'a str> => Text |v| v.map(storable);
    Option<String> => Text |v| v.map(storable_owned);
    i64 => Int |v| Some(v);
    u32 => Int |v| Some(i64::from(v));
    Option<i64> => Int |v| v;
    Timestamp => Int |v| Some(v.0);
    Option<Timestamp> => Int |v| v.map(|t| t.0);
    &'a [u8] => Bytes |v| Some(v);
    &'a Vec<u8> => Bytes |v| Some(v);
    Option<&'a [u8]> => Bytes |v| v;
    &'a EmailAddress => Text |v| Some(Cow::Borrowed(v.as_str()));
    &'a TokenHash => Text |v| Some(Cow::Borrowed(v.as_str()));
    Option<&'a TokenHash> => Text |v| v.map(|h| Cow::Borrowed(h.as_str()));
    &'a Locale => Text |v| Some(Cow::Borrowed(v.as_str()));
}

macro_rules! from_ids {
    ($($name:ident)+) => {$(
        impl<'a> From<&'a id::$name> for Value<'a> {
            fn from(v: &'a id::$name) -> Self {
                Self::Text(Some(storable(v.as_str())))
            }
        }
        impl<'a> From<Option<&'a id::$name>> for Value<'a> {
            fn from(v: Option<&'a id::$name>) -> Self {
                Self::Text(v.map(|v| storable(v.as_str())))
            }
        }
    )+};
}
from_ids! { AccountId ApplicationId DraftId DocumentId EnrolmentId SessionId InteractionId GrantId MailId }

/// A row, read from its first column to its last: each call takes the next column.
pub struct Row {
    from: From_,
    next: usize,
}

enum From_ {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn sqlite(row: SqliteRow) -> Self {
        Self { from: From_::Sqlite(row), next: 0 }
    }
    pub(crate) fn postgres(row: PgRow) -> Self {
        Self { from: From_::Postgres(row), next: 0 }
    }

    fn take<T>(&mut self) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite>,
        T: for<'r> Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
        usize: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        let column = self.next;
        self.next += 1;
        Ok(match &self.from {
            From_::Sqlite(row) => row.try_get(column)?,
            From_::Postgres(row) => row.try_get(column)?,
        })
    }

    /// The next column, text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        self.take()
    }
    /// The next column, text or nothing.
    pub fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        self.take()
    }
    /// The next column, a number.
    pub fn int(&mut self) -> Result<i64, StoreError> {
        self.take()
    }
    /// The next column, a number or nothing.
    pub fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.take()
    }
    /// The next column, a number that is never negative.
    pub fn count(&mut self) -> Result<u32, StoreError> {
        u32::try_from(self.int()?).map_err(|_| StoreError::unreadable("count"))
    }
    /// The next column, a time.
    pub fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp)
    }
    /// The next column, a time or nothing.
    pub fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(Timestamp))
    }
    /// The next column, bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.take()
    }
    /// The next column, bytes or nothing.
    pub fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.take()
    }
    /// The next column, the hash of a token.
    pub fn hash(&mut self) -> Result<TokenHash, StoreError> {
        self.text().map(TokenHash::from_stored)
    }
    /// The next column, a language.
    pub fn locale(&mut self) -> Result<Locale, StoreError> {
        self.text()?.parse().map_err(|_| StoreError::unreadable("locale"))
    }
    /// The next column, JSON.
    pub fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text()?).map_err(|_| StoreError::unreadable(column))
    }
    /// The next column, JSON or nothing.
    pub fn opt_json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<Option<T>, StoreError> {
        match self.opt_text()? {
            Some(text) => serde_json::from_str(&text).map(Some).map_err(|_| StoreError::unreadable(column)),
            None => Ok(None),
        }
    }
    /// The next column, one of an enumeration's stored names.
    pub fn known<T>(
        &mut self,
        column: &'static str,
        from_stored: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        from_stored(&self.text()?).ok_or(StoreError::unreadable(column))
    }
    /// Leaves out so many columns.
    pub fn skip(&mut self, columns: usize) {
        self.next += columns;
    }
}
/// Text as both databases take it: PostgreSQL's has no U+0000, so what somebody sends with one is kept, and looked up,
/// with the replacement character in its place.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn storable_owned(text: String) -> Cow<'static, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Owned(text) }
}
