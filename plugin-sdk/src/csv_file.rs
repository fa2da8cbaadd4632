//! CSV files as offices make them: UTF-8 or CP932 (Windows-31J), with or without a byte order mark, with headings in
//! Japanese or English, and with the damage a spreadsheet program does.

use crate::directory::{DirectoryRecord, Outcome, YearMonth};
use chrono::NaiveDate;
use std::borrow::Cow;

/// How a file's bytes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvEncoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, as a spreadsheet's "Unicode text".
    Utf16,
    /// Windows-31J, what spreadsheets call Shift_JIS.
    Cp932,
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvProblem {
    /// The line in the file, from 1.
    pub line: u64,
    /// The column's heading; empty when the whole line is meant.
    pub column: String,
    /// What is wrong and what was expected. Holds no cell's text.
    pub message: String,
}

impl std::fmt::Display for CsvProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.message),
            column => write!(f, "line {}, {column}: {}", self.line, self.message),
        }
    }
}

/// A file that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsvError {
    /// Neither UTF-8 nor CP932.
    #[error("line {line}: neither UTF-8 nor CP932 (Shift_JIS)")]
    Encoding {
        /// The first line that is neither.
        line: usize,
    },
    /// No line of headings, or one without the columns that are needed.
    #[error("the first line must name the columns; missing: {missing}")]
    Headings {
        /// The columns that are missing.
        missing: String,
    },
    /// The file could not be opened.
    #[error("cannot read {path}")]
    Open {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The text of a file: by its byte order mark, else as UTF-8 if it is that without fault, else as CP932.
///
/// # Errors
/// [`CsvError::Encoding`] with the first line that is neither.
pub fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, CsvEncoding), CsvError> {
    let (encoding, name, body) = match encoding_rs::Encoding::for_bom(bytes) {
        Some((found, length)) => {
            let name = if found == encoding_rs::UTF_8 { CsvEncoding::Utf8 } else { CsvEncoding::Utf16 };
            (found, name, bytes.get(length..).unwrap_or_default())
        }
        None if std::str::from_utf8(bytes).is_ok() => (encoding_rs::UTF_8, CsvEncoding::Utf8, bytes),
        None => (encoding_rs::SHIFT_JIS, CsvEncoding::Cp932, bytes),
    };
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
        return Ok((text, name));
    }
    let clean = |line: &[u8]| encoding.decode_without_bom_handling_and_without_replacement(line).is_some();
    let line = body.split(|b| *b == b'\n').position(|line| !clean(line)).unwrap_or_default() + 1;
    Err(CsvError::Encoding { line })
}

/// A table with headings.
pub(crate) struct Table {
    pub(crate) headings: Vec<String>,
    /// Line in the file, cells.
    pub(crate) rows: Vec<(u64, Vec<String>)>,
    pub(crate) problems: Vec<CsvProblem>,
    pub(crate) encoding: CsvEncoding,
}

pub(crate) fn table(bytes: &[u8]) -> Result<Table, CsvError> {
    let (text, encoding) = decode(bytes)?;
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains('\t') && !first.contains(',') { b'\t' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let headings: Vec<String> = match reader.headers() {
        Ok(headings) => headings.iter().map(str::to_owned).collect(),
        Err(_) => Vec::new(),
    };
    let mut table = Table { headings, rows: Vec::new(), problems: Vec::new(), encoding };
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                table.problems.push(CsvProblem { line, column: String::new(), message: "not a line of CSV".into() });
                continue;
            }
        };
        let line = row.position().map_or(0, csv::Position::line);
        if row.iter().all(str::is_empty) {
            continue;
        }
        if row.len() != table.headings.len() {
            let message = format!("{} cells under {} headings", row.len(), table.headings.len());
            table.problems.push(CsvProblem { line, column: String::new(), message });
            continue;
        }
        table.rows.push((line, row.iter().map(str::to_owned).collect()));
    }
    Ok(table)
}

/// A roster read from a file: the records that were good, and what was wrong with the others.
#[derive(Debug)]
pub struct RosterFile {
    /// The good records, in the file's order, each with its line.
    pub records: Vec<(u64, DirectoryRecord)>,
    /// What was wrong, by line. A line with a problem gave no record.
    pub problems: Vec<CsvProblem>,
    /// How the bytes were read.
    pub encoding: CsvEncoding,
}

/// The columns a roster may have, with the headings they are known by.
const COLUMNS: &[(&str, &[&str])] = &[
    ("student_id", &["学籍番号", "学生番号"]),
    ("name", &["氏名", "漢字氏名", "氏名漢字"]),
    ("name_kana", &["氏名カナ", "カナ氏名", "フリガナ", "ふりがな", "氏名（カナ）"]),
    ("name_roman", &["英字氏名", "ローマ字氏名", "氏名（英字）"]),
    ("former_names", &["旧姓", "旧氏名"]),
    ("birth_date", &["生年月日"]),
    ("graduation", &["卒業年月", "卒業年月日", "修了年月"]),
    ("outcome", &["卒業区分", "異動区分", "学籍区分"]),
    ("affiliation_1", &["学部", "研究科", "学部・研究科"]),
    ("affiliation_2", &["学科", "専攻", "学科・専攻"]),
    ("affiliation_3", &["コース", "課程"]),
];

/// Reads a roster. The first line names the columns, in any order: `student_id` and `name` are needed; `name_kana`,
/// `name_roman`, `former_names` (several parted by `/`), `birth_date`, `graduation`, `outcome`, `affiliation_1` to
/// `affiliation_3` are understood, in their Japanese names too; every other column is kept as it is.
///
/// ```
/// let file = "学籍番号,氏名,フリガナ,生年月日,卒業年月\n06A1234,窓口 花子,マドグチ ハナコ,1990/4/2,2013年3月\n";
/// let roster = madoguchi_plugin_sdk::read_roster(file.as_bytes())?;
/// assert_eq!(roster.records.len(), 1);
/// assert!(roster.problems.is_empty());
/// # Ok::<(), madoguchi_plugin_sdk::CsvError>(())
/// ```
///
/// # Errors
/// [`CsvError`] when nothing of the file can be used. A single bad line is a [`CsvProblem`] instead.
pub fn read_roster(bytes: &[u8]) -> Result<RosterFile, CsvError> {
    let Table { headings, rows, mut problems, encoding } = table(bytes)?;
    let keys: Vec<&str> = headings.iter().map(|heading| column(heading)).collect();
    let missing: Vec<&str> = ["student_id", "name"].into_iter().filter(|needed| !keys.contains(needed)).collect();
    if !missing.is_empty() {
        return Err(CsvError::Headings { missing: missing.join(", ") });
    }
    let mut records: Vec<(u64, DirectoryRecord)> = Vec::with_capacity(rows.len());
    let mut seen = std::collections::BTreeMap::new();
    for (line, cells) in rows {
        let mut record = DirectoryRecord::default();
        let before = problems.len();
        for ((key, heading), cell) in keys.iter().zip(&headings).zip(cells) {
            if let Err(message) = set(&mut record, key, heading, cell) {
                problems.push(CsvProblem { line, column: heading.clone(), message });
            }
        }
        let key = madoguchi_domain::japan::id_key(&record.student_id);
        if key.is_empty() || record.name.is_empty() {
            let message = "the student ID number and the name must not be empty".into();
            problems.push(CsvProblem { line, column: String::new(), message });
        } else if let Some(first) = seen.insert(key, line) {
            let message = format!("the same student ID number stands in line {first}");
            problems.push(CsvProblem { line, column: "student_id".into(), message });
        }
        if problems.len() == before {
            records.push((line, record));
        }
    }
    flag_lost_zeros(&records, &mut problems);
    problems.sort_by_key(|problem| problem.line);
    Ok(RosterFile { records, problems, encoding })
}

fn column(heading: &str) -> &str {
    COLUMNS.iter().find(|(key, names)| *key == heading || names.contains(&heading)).map_or(heading, |(key, _)| key)
}

fn set(record: &mut DirectoryRecord, key: &str, heading: &str, cell: String) -> Result<(), String> {
    match key {
        "student_id" => record.student_id = cell,
        "name" => record.name = cell,
        "name_kana" => record.name_kana = cell,
        "name_roman" => record.name_roman = cell,
        "former_names" => {
            record.former_names =
                cell.split(['/', '／']).map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect()
        }
        "birth_date" => record.birth_date = optional(&cell, date)?,
        "graduation" => record.graduation = optional(&cell, month)?,
        "outcome" => record.outcome = optional(&cell, outcome)?,
        "affiliation_1" | "affiliation_2" | "affiliation_3" => {
            record.affiliation.extend(Some(cell).filter(|c| !c.is_empty()))
        }
        _ => {
            record.more.insert(heading.to_owned(), cell);
        }
    }
    Ok(())
}

fn optional<T>(cell: &str, read: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if cell.is_empty() { Ok(None) } else { read(cell).map(Some) }
}

fn numbers(cell: &str) -> Vec<u32> {
    let plain = madoguchi_domain::japan::fold::half_width(cell);
    plain.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn date(cell: &str) -> Result<NaiveDate, String> {
    let found = match numbers(cell).as_slice() {
        [year, month, day] => NaiveDate::from_ymd_opt(i32::try_from(*year).unwrap_or(0), *month, *day),
        [day @ 10_000_000..=99_999_999] => NaiveDate::from_ymd_opt((day / 10_000) as i32, day / 100 % 100, day % 100),
        [1..=99_999] => {
            return Err("looks like a spreadsheet's day number; format the column as text, 1990-04-02".into());
        }
        _ => None,
    };
    found
        .filter(|d| chrono::Datelike::year(d) >= 1868)
        .ok_or_else(|| "expected a date such as 1990-04-02, 1990/4/2 or 19900402".into())
}

fn month(cell: &str) -> Result<YearMonth, String> {
    let found = match numbers(cell).as_slice() {
        [year, month] | [year, month, _] => YearMonth::new(i32::try_from(*year).unwrap_or(0), *month),
        [day @ 10_000_000..=99_999_999] => YearMonth::new((day / 10_000) as i32, day / 100 % 100),
        [month @ 186_800..=220_012] => YearMonth::new((month / 100) as i32, month % 100),
        _ => None,
    };
    found.ok_or_else(|| "expected a month such as 2013-03, 2013年3月 or 201303".into())
}

fn outcome(cell: &str) -> Result<Outcome, String> {
    match cell.to_lowercase().as_str() {
        "graduated" | "completed" | "卒業" | "修了" => Ok(Outcome::Graduated),
        "withdrawn" | "removed" | "退学" | "除籍" | "満期退学" | "単位取得退学" => Ok(Outcome::Withdrawn),
        "enrolled" | "在学" => Ok(Outcome::Enrolled),
        _ => Err("expected graduated (卒業, 修了), withdrawn (退学, 除籍) or enrolled (在学)".into()),
    }
}

/// Spreadsheets turn `0123456` into `123456`. Where nearly all numbers are digits of one length, a shorter one was hurt.
fn flag_lost_zeros(records: &[(u64, DirectoryRecord)], problems: &mut Vec<CsvProblem>) {
    let length = |record: &DirectoryRecord| {
        let id = &record.student_id;
        id.bytes().all(|b| b.is_ascii_digit()).then_some(id.len())
    };
    let lengths: Vec<usize> = records.iter().filter_map(|(_, record)| length(record)).collect();
    let Some(longest) = lengths.iter().copied().max() else { return };
    let usual = lengths.iter().filter(|l| **l == longest).count();
    if records.len() < 10 || usual * 10 < records.len() * 9 {
        return;
    }
    for (line, record) in records {
        if length(record).is_some_and(|l| l < longest) {
            let message =
                format!("shorter than the others' {longest} digits: leading zeros may have been lost; kept as it is");
            problems.push(CsvProblem { line: *line, column: "student_id".into(), message });
        }
    }
}
