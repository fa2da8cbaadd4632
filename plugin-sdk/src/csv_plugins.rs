//! A directory and a verifier that work from CSV files: enough for a small institution, for demonstrations and tests.

use crate::{
    csv_file::{self, CsvError, CsvProblem, RosterFile, Table},
    directory::{Directory, DirectoryError, DirectoryQuery, DirectoryRecord},
    verifier::{ApplicantAnswers, ApplicantVerifier, Verification},
};
use async_trait::async_trait;
use madoguchi_domain::{TenantSlug, japan::id_key};
use std::{collections::BTreeMap, path::Path};

/// A [`Directory`] held in memory, a roster for each tenant.
///
/// ```
/// # use madoguchi_plugin_sdk::{CsvDirectory, Directory, DirectoryQuery};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let roster = madoguchi_plugin_sdk::read_roster("student_id,name\n06A1234,窓口 花子\n".as_bytes())?;
/// let directory = CsvDirectory::default().with("certificate".parse()?, roster);
///
/// let query = DirectoryQuery { student_id: Some("０６ａ１２３４".into()), ..Default::default() };
/// let found = directory.find(&"certificate".parse()?, &query).await?;
/// assert_eq!(found[0].name, "窓口 花子");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct CsvDirectory {
    rosters: BTreeMap<TenantSlug, Vec<DirectoryRecord>>,
}

impl CsvDirectory {
    /// With a tenant's roster, in place of an earlier one. Lines with problems are not in it: show
    /// [`RosterFile::problems`] to somebody first.
    pub fn with(mut self, tenant: TenantSlug, roster: RosterFile) -> Self {
        self.rosters.insert(tenant, roster.records.into_iter().map(|(_, record)| record).collect());
        self
    }
}

#[async_trait]
impl Directory for CsvDirectory {
    async fn find(&self, tenant: &TenantSlug, query: &DirectoryQuery) -> Result<Vec<DirectoryRecord>, DirectoryError> {
        self.rosters.get(tenant).map(|records| query.pick(records)).ok_or(DirectoryError::NoRecords)
    }
}

/// Reads a roster's file; see [`crate::read_roster`].
///
/// # Errors
/// [`CsvError`].
pub fn open_roster(path: &Path) -> Result<RosterFile, CsvError> {
    csv_file::read_roster(&read(path)?)
}

fn read(path: &Path) -> Result<Vec<u8>, CsvError> {
    std::fs::read(path).map_err(|source| CsvError::Open { path: path.to_owned(), source })
}

/// An [`ApplicantVerifier`] over a CSV file whose headings are the form's keys: an applicant is verified when one line
/// agrees with their answers in every column, but for width, spaces and hyphens.
///
/// ```
/// # use madoguchi_plugin_sdk::{ApplicantAnswers, ApplicantVerifier, CsvVerifier, Verification};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cards = "card_number,birth_date_year,nationality\nAB12345678CD,1990,VN\n";
/// let verifier = CsvVerifier::read("residence-card", "card-not-matched", cards.as_bytes())?;
///
/// let typed: ApplicantAnswers =
///     [("card_number", "ab12345678cd"), ("birth_date_year", "1990"), ("nationality", "VN")].into_iter().collect();
/// assert_eq!(verifier.verify(&"residence".parse()?, &typed).await, Verification::Verified);
/// # Ok(())
/// # }
/// ```
pub struct CsvVerifier {
    name: String,
    code: String,
    keys: Vec<String>,
    rows: Vec<Vec<String>>,
    problems: Vec<CsvProblem>,
}

impl CsvVerifier {
    /// A verifier of this name that answers with the message `code` when nothing agrees.
    ///
    /// # Errors
    /// [`CsvError`] when the file cannot be read. Single bad lines are left out; see [`CsvVerifier::problems`].
    pub fn read(name: impl Into<String>, code: impl Into<String>, bytes: &[u8]) -> Result<Self, CsvError> {
        let Table { headings: keys, rows, problems, .. } = csv_file::table(bytes)?;
        if keys.iter().all(String::is_empty) {
            return Err(CsvError::Headings { missing: "all".into() });
        }
        let rows = rows.into_iter().map(|(_, cells)| cells.iter().map(|cell| id_key(cell)).collect()).collect();
        Ok(Self { name: name.into(), code: code.into(), keys, rows, problems })
    }

    /// As [`CsvVerifier::read`], from a file.
    ///
    /// # Errors
    /// [`CsvError`].
    pub fn open(name: impl Into<String>, code: impl Into<String>, path: &Path) -> Result<Self, CsvError> {
        Self::read(name, code, &read(path)?)
    }

    /// The lines that were left out, and why.
    pub fn problems(&self) -> &[CsvProblem] {
        &self.problems
    }
}

impl std::fmt::Debug for CsvVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvVerifier").field("name", &self.name).field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ApplicantVerifier for CsvVerifier {
    fn name(&self) -> &str {
        &self.name
    }

    async fn verify(&self, _tenant: &TenantSlug, answers: &ApplicantAnswers) -> Verification {
        let typed: Vec<String> = self.keys.iter().map(|key| id_key(answers.get(key).unwrap_or_default())).collect();
        // Every line is looked at, so that the time does not tell how far down a near match stands.
        let agreeing = self.rows.iter().filter(|row| **row == typed).count();
        match agreeing {
            0 => Verification::NotMatched { code: self.code.clone() },
            _ => Verification::Verified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv_file::{CsvEncoding, read_roster};

    const ROSTER: &str = "学籍番号,氏名,フリガナ,生年月日,卒業年月,卒業区分,学部,備考\n\
        06A1234,髙橋 花子,タカハシ ハナコ,1990/4/2,2013年3月,卒業,文学部,～①\n\
        06A1235,山田 太郎,ヤマダ タロウ,19891201,201303,退学,法学部,\n";

    fn tenant() -> TenantSlug {
        "certificate".parse().unwrap()
    }

    #[tokio::test]
    async fn one_roster_reads_alike_in_utf8_with_and_without_mark_utf16_and_cp932() {
        let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(ROSTER);
        assert!(!lossy);
        let marked = [b"\xEF\xBB\xBF".as_slice(), ROSTER.as_bytes()].concat();
        let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(ROSTER.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let files = [
            (ROSTER.as_bytes(), CsvEncoding::Utf8),
            (&marked, CsvEncoding::Utf8),
            (&utf16, CsvEncoding::Utf16),
            (&cp932, CsvEncoding::Cp932),
        ];
        for (bytes, encoding) in files {
            let roster = read_roster(bytes).unwrap();
            assert_eq!(roster.encoding, encoding);
            assert_eq!(roster.problems, []);
            let directory = CsvDirectory::default().with(tenant(), roster);
            let query = DirectoryQuery { name_kana: Some("たかはし はなこ".into()), ..Default::default() };
            let found = directory.find(&tenant(), &query).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].name, "髙橋 花子");
            assert_eq!(found[0].affiliation, ["文学部"]);
            assert_eq!(found[0].more["備考"], "～①");
        }
    }

    #[test]
    fn problems_are_counted_with_line_and_column_and_do_not_show_what_was_in_the_cell() {
        let file = "student_id,name,birth_date\nA1,秘密 一,32965\nA2,秘密 二,1990-02-30\n,秘密 三,\nA4,秘密 四\nA5,秘密 五,1990-01-01\nA5,秘密 六,\n";
        let roster = read_roster(file.as_bytes()).unwrap();
        let lines: Vec<(u64, &str)> = roster.problems.iter().map(|p| (p.line, p.column.as_str())).collect();
        assert_eq!(lines, [(2, "birth_date"), (3, "birth_date"), (4, ""), (5, ""), (7, "student_id")]);
        assert!(roster.problems[0].message.contains("spreadsheet"));
        assert!(roster.problems.iter().all(|p| !p.to_string().contains("秘密")));
        assert_eq!(roster.records.len(), 1);
    }

    #[test]
    fn a_student_id_that_lost_its_zeros_is_pointed_out() {
        let mut file = String::from("student_id,name\n");
        for n in 0..20 {
            file.push_str(&format!("10{n:03},氏名\n"));
        }
        file.push_str("123,氏名\n");
        let roster = read_roster(file.as_bytes()).unwrap();
        assert_eq!(roster.records.len(), 21);
        assert_eq!(roster.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [22]);
    }

    #[test]
    fn what_is_neither_utf8_nor_cp932_is_refused_with_its_line() {
        let bytes = b"student_id,name\nA1,x\nA2,\xFF\xFF\n";
        assert!(matches!(read_roster(bytes), Err(CsvError::Encoding { line: 3 })));
        assert!(matches!(read_roster(b"a,b\n1,2\n"), Err(CsvError::Headings { .. })));
        assert!(matches!(read_roster(b""), Err(CsvError::Headings { .. })));
    }

    #[tokio::test]
    async fn a_tenant_without_a_roster_has_no_records_rather_than_no_match() {
        let error = CsvDirectory::default().find(&tenant(), &DirectoryQuery::default()).await.unwrap_err();
        assert!(matches!(error, DirectoryError::NoRecords));
    }

    #[tokio::test]
    async fn a_verifier_needs_every_column_of_one_line() {
        let cards = "card_number,birth_date_year\nAB12345678CD,1990\nEF12345678GH,1991\n";
        let verifier = CsvVerifier::read("residence-card", "card-not-matched", cards.as_bytes()).unwrap();
        let verdict = async |number: &str, year: &str| {
            let answers = [("card_number", number), ("birth_date_year", year)].into_iter().collect();
            verifier.verify(&tenant(), &answers).await
        };
        assert_eq!(verdict("ＡＢ１２３４５６７８ＣＤ", "1990").await, Verification::Verified);
        let refused = Verification::NotMatched { code: "card-not-matched".into() };
        assert_eq!(verdict("AB12345678CD", "1991").await, refused);
        assert_eq!(verdict("AB12345678CD", "").await, refused);
    }
}
