//! The institution's own register of people: who studied here, and when they graduated.
//!
//! The review desk shows what the directory says beside what an applicant typed. A [`Directory`] finds candidates;
//! how well one agrees with the query is worked out here, in [`DirectoryQuery::compare`], so that every directory is
//! judged by the same rules: an exact agreement may decide, a similar one only suggests.

use async_trait::async_trait;
use chrono::NaiveDate;
use madoguchi_domain::{
    TenantSlug,
    japan::{id_key, kana_key, search_key},
};
use std::collections::BTreeMap;

/// How long a caller waits for [`Directory::find`].
pub const DIRECTORY_TIME_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

/// A source of records about the people of an institution: a CSV file, the student system's database, a web service.
///
/// An implementation is called while a clerk waits. It must answer within [`DIRECTORY_TIME_LIMIT`]; the caller drops
/// the future after that and treats it as [`DirectoryError::Unavailable`], so it must be safe to drop at any `await`.
/// It must not log names or dates of birth.
///
/// ```
/// use madoguchi_plugin_sdk::{Directory, DirectoryError, DirectoryQuery, DirectoryRecord};
/// use madoguchi_domain::TenantSlug;
///
/// /// Asks the student system.
/// struct StudentSystem { /* a connection pool */ }
///
/// #[async_trait::async_trait]
/// impl Directory for StudentSystem {
///     async fn find(&self, _tenant: &TenantSlug, query: &DirectoryQuery) -> Result<Vec<DirectoryRecord>, DirectoryError> {
///         let Some(student_id) = &query.student_id else { return Ok(Vec::new()) };
///         let record = DirectoryRecord { student_id: student_id.clone(), name: "窓口 花子".into(), ..Default::default() };
///         Ok(vec![record])
///     }
/// }
/// ```
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The records that may be the person asked for, the best first, at most [`DirectoryQuery::limit`] of them.
    /// Nobody found is `Ok` and empty.
    ///
    /// # Errors
    /// [`DirectoryError`] when the directory cannot answer now, or holds no data for this tenant.
    async fn find(&self, tenant: &TenantSlug, query: &DirectoryQuery) -> Result<Vec<DirectoryRecord>, DirectoryError>;
}

/// [`Directory::find`] under its time limit.
///
/// # Errors
/// The directory's own, and [`DirectoryError::Unavailable`] when the time is over.
pub async fn find_in_time(
    directory: &dyn Directory,
    tenant: &TenantSlug,
    query: &DirectoryQuery,
) -> Result<Vec<DirectoryRecord>, DirectoryError> {
    tokio::time::timeout(DIRECTORY_TIME_LIMIT, directory.find(tenant, query))
        .await
        .unwrap_or_else(|_| Err(DirectoryError::Unavailable("no answer in time".into())))
}

/// What an applicant said about themself, as typed. Everything is optional; a directory uses what it can.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DirectoryQuery {
    /// The student ID number.
    pub student_id: Option<String>,
    /// The name in kanji, family name first.
    pub name: Option<String>,
    /// The name in katakana.
    pub name_kana: Option<String>,
    /// The date of birth, Western calendar.
    pub birth_date: Option<NaiveDate>,
    /// When they say they left.
    pub graduation: Option<YearMonth>,
    /// Most records wanted; 0 stands for 20.
    pub limit: usize,
}

impl std::fmt::Debug for DirectoryQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryQuery").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// One person's record, as the institution keeps it.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct DirectoryRecord {
    /// The student ID number; empty where none is kept.
    pub student_id: String,
    /// The name in kanji.
    pub name: String,
    /// The name in katakana.
    pub name_kana: String,
    /// The name in roman letters.
    pub name_roman: String,
    /// Names borne before, in kanji.
    pub former_names: Vec<String>,
    /// The date of birth.
    pub birth_date: Option<NaiveDate>,
    /// When they left.
    pub graduation: Option<YearMonth>,
    /// How they left.
    pub outcome: Option<Outcome>,
    /// School, department, subject; from the largest to the smallest.
    pub affiliation: Vec<String>,
    /// Whatever else the source keeps and a clerk may see, by its column's name.
    pub more: BTreeMap<String, String>,
}

impl std::fmt::Debug for DirectoryRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryRecord").finish_non_exhaustive()
    }
}

/// How somebody left the institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Graduated, or completed the course.
    Graduated,
    /// Withdrew, or was removed.
    Withdrawn,
    /// Still enrolled.
    Enrolled,
}

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct YearMonth {
    /// Western calendar.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl YearMonth {
    /// A month that exists: years 1868 to 2200.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        ((1868..=2200).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }
}

impl std::fmt::Display for YearMonth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// How one item of a record stands to what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Equal but for width, spaces and hyphens.
    Same,
    /// Equal once variants of characters are folded (髙 and 高), or one of the former names: a clerk decides.
    Similar,
    /// Not equal.
    Different,
    /// One of the two is missing.
    Unknown,
}

/// A record held against a query, item by item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchDetails {
    /// The student ID number.
    pub student_id: Agreement,
    /// The name in kanji.
    pub name: Agreement,
    /// The name in katakana.
    pub name_kana: Agreement,
    /// The date of birth.
    pub birth_date: Agreement,
    /// The month of leaving.
    pub graduation: Agreement,
}

impl MatchDetails {
    /// Every item, in the order people read them.
    pub fn items(&self) -> [(&'static str, Agreement); 5] {
        [
            ("student_id", self.student_id),
            ("name", self.name),
            ("name_kana", self.name_kana),
            ("birth_date", self.birth_date),
            ("graduation", self.graduation),
        ]
    }

    /// Whether this is certainly the person: date of birth and one of the names are the same, and nothing differs.
    pub fn is_exact(&self) -> bool {
        let nothing_against = self.items().iter().all(|(_, a)| matches!(a, Agreement::Same | Agreement::Unknown));
        let named = self.name == Agreement::Same || self.name_kana == Agreement::Same;
        nothing_against && named && self.birth_date == Agreement::Same
    }

    /// For ordering candidates; the larger, the likelier. No meaning beyond that.
    pub fn weight(&self) -> u32 {
        let weights = [40, 25, 20, 30, 5];
        self.items()
            .iter()
            .zip(weights)
            .map(|((_, agreement), weight)| match agreement {
                Agreement::Same => weight,
                Agreement::Similar => weight / 2,
                Agreement::Different | Agreement::Unknown => 0,
            })
            .sum()
    }
}

impl DirectoryQuery {
    /// Most records wanted.
    pub fn wanted(&self) -> usize {
        if self.limit == 0 { 20 } else { self.limit }
    }

    /// Holds a record against what was typed.
    pub fn compare(&self, record: &DirectoryRecord) -> MatchDetails {
        MatchDetails {
            student_id: same_text(self.student_id.as_deref(), &record.student_id, id_key),
            name: names(self.name.as_deref(), record),
            name_kana: same_text(self.name_kana.as_deref(), &record.name_kana, kana_key),
            birth_date: same_value(self.birth_date, record.birth_date),
            graduation: same_value(self.graduation, record.graduation),
        }
    }

    /// The records that could be meant, the likeliest first: for directories that hold all their records in memory.
    /// One is a candidate when its student ID number, one of its names or, with the kana, its date of birth agrees.
    pub fn pick<'a>(&self, records: impl IntoIterator<Item = &'a DirectoryRecord>) -> Vec<DirectoryRecord> {
        let agrees = |a: Agreement| matches!(a, Agreement::Same | Agreement::Similar);
        let mut found: Vec<(u32, &DirectoryRecord)> = records
            .into_iter()
            .filter_map(|record| {
                let details = self.compare(record);
                let candidate = agrees(details.student_id) || agrees(details.name) || agrees(details.name_kana);
                candidate.then(|| (details.weight(), record))
            })
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.student_id.cmp(&b.1.student_id)));
        found.into_iter().take(self.wanted()).map(|(_, record)| record.clone()).collect()
    }
}

fn same_text(typed: Option<&str>, kept: &str, fold: fn(&str) -> String) -> Agreement {
    let typed = fold(typed.unwrap_or_default());
    let kept = fold(kept);
    match (typed.is_empty() || kept.is_empty(), typed == kept) {
        (true, _) => Agreement::Unknown,
        (false, true) => Agreement::Same,
        (false, false) => Agreement::Different,
    }
}

fn names(typed: Option<&str>, record: &DirectoryRecord) -> Agreement {
    let exact = same_text(typed, &record.name, id_key);
    let Some(typed) = typed.filter(|_| exact == Agreement::Different) else { return exact };
    let key = search_key(typed);
    let mut known =
        std::iter::once(&record.name).chain(&record.former_names).chain(std::iter::once(&record.name_roman));
    if known.any(|name| !name.is_empty() && search_key(name) == key) { Agreement::Similar } else { exact }
}

fn same_value<T: PartialEq>(typed: Option<T>, kept: Option<T>) -> Agreement {
    match (typed, kept) {
        (Some(a), Some(b)) if a == b => Agreement::Same,
        (Some(_), Some(_)) => Agreement::Different,
        (None, _) | (_, None) => Agreement::Unknown,
    }
}

/// Why a directory gave no answer. Its text is for the log and must hold no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It cannot be reached, or is too slow. The desk says so and works on without it.
    #[error("the directory is unavailable: {0}")]
    Unavailable(String),
    /// It keeps nothing for this tenant.
    #[error("the directory has no records for this tenant")]
    NoRecords,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hanako() -> DirectoryRecord {
        DirectoryRecord {
            student_id: "06A1234".into(),
            name: "髙橋 花子".into(),
            name_kana: "タカハシ ハナコ".into(),
            name_roman: "TAKAHASHI Hanako".into(),
            former_names: vec!["山田 花子".into()],
            birth_date: NaiveDate::from_ymd_opt(1990, 4, 2),
            graduation: YearMonth::new(2013, 3),
            ..Default::default()
        }
    }

    fn typed(name: &str) -> DirectoryQuery {
        DirectoryQuery {
            name: Some(name.into()),
            name_kana: Some("ﾀｶﾊｼ　ﾊﾅｺ".into()),
            birth_date: NaiveDate::from_ymd_opt(1990, 4, 2),
            ..Default::default()
        }
    }

    #[test]
    fn width_and_spaces_do_not_make_a_difference() {
        let details =
            DirectoryQuery { student_id: Some("０６ａ１２３４".into()), ..typed("髙橋花子") }.compare(&hanako());
        assert_eq!(details.name, Agreement::Same);
        assert_eq!(details.name_kana, Agreement::Same);
        assert_eq!(details.student_id, Agreement::Same);
        assert_eq!(details.graduation, Agreement::Unknown);
        assert!(details.is_exact());
    }

    #[test]
    fn a_variant_character_or_a_former_name_only_suggests() {
        for name in ["高橋 花子", "山田花子"] {
            let details = typed(name).compare(&hanako());
            assert_eq!(details.name, Agreement::Similar, "{name}");
            assert!(!details.is_exact());
        }
        assert_eq!(typed("鈴木 花子").compare(&hanako()).name, Agreement::Different);
    }

    #[test]
    fn another_date_of_birth_is_never_exact() {
        let query = DirectoryQuery { birth_date: NaiveDate::from_ymd_opt(1990, 4, 3), ..typed("髙橋 花子") };
        assert!(!query.compare(&hanako()).is_exact());
    }

    #[test]
    fn the_likeliest_candidate_comes_first_and_strangers_stay_out() {
        let stranger = DirectoryRecord { name: "鈴木 一郎".into(), ..Default::default() };
        let namesake = DirectoryRecord { birth_date: NaiveDate::from_ymd_opt(1970, 1, 1), ..hanako() };
        let found = typed("髙橋 花子").pick(&[stranger, namesake.clone(), hanako()]);
        assert_eq!(found, [hanako(), namesake]);
    }

    #[test]
    fn personal_data_stays_out_of_debug() {
        let shown = format!("{:?} {:?}", hanako(), typed("髙橋 花子"));
        assert!(!shown.contains('髙') && !shown.contains("1990"), "{shown}");
    }
}
