//! `affiliations.csv`: the tree of schools, departments and subjects. Columns `code`, `parent` and one for each language;
//! an empty parent is the first level.

use super::{AFFILIATIONS, Problems, TenantFiles, utf8};
use crate::{Locale, tenant::Affiliation};
use std::collections::{BTreeMap, HashMap};

/// The levels that a form asks for.
const DEPTH: usize = 3;

/// A node and its line.
pub(super) struct Row {
    pub node: Affiliation,
    line: usize,
}

pub(super) fn read(files: &TenantFiles, locales: &[Locale], problems: &mut Problems) -> Vec<Row> {
    let Some(text) = utf8(files, AFFILIATIONS, problems) else { return Vec::new() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let head: Vec<String> = match reader.headers() {
        Ok(head) => head.iter().map(str::to_owned).collect(),
        Err(error) => {
            problems.add(AFFILIATIONS, Some(1), format!("not CSV: {error}"));
            return Vec::new();
        }
    };
    check_head(&head, locales, problems);

    let mut rows: Vec<Row> = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().and_then(|p| usize::try_from(p.line()).ok());
                problems.add(AFFILIATIONS, line, format!("not CSV: {error}"));
                continue;
            }
        };
        let line = record.position().and_then(|p| usize::try_from(p.line()).ok()).unwrap_or(1);
        let mut wrong = |message: String| problems.add(AFFILIATIONS, Some(line), message);
        if record.len() != head.len() {
            wrong(format!("expected {} columns, found {}", head.len(), record.len()));
        }
        let cell =
            |name: &str| head.iter().position(|h| h == name).and_then(|i| record.get(i)).unwrap_or_default().to_owned();
        let (code, parent) = (cell("code"), cell("parent"));
        let legal =
            (1..=40).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !legal {
            wrong(format!("code: expected 1 to 40 of A-Z a-z 0-9 . _ -, found {code:?}"));
        }
        if let Some(earlier) = rows.iter().find(|row| row.node.code == code) {
            wrong(format!("code: {code} stands already in line {}", earlier.line));
        }
        let mut name = BTreeMap::new();
        for locale in locales {
            let text = cell(locale.as_str());
            if text.is_empty() && head.iter().any(|h| h == locale.as_str()) {
                wrong(format!("{locale}: the name is missing"));
            }
            name.insert(locale.clone(), text);
        }
        rows.push(Row { node: Affiliation { code, parent, name }, line });
    }
    if rows.is_empty() {
        problems.add(AFFILIATIONS, Some(1), "the file has no rows");
    }
    check_tree(&rows, problems);
    rows
}

fn check_head(head: &[String], locales: &[Locale], problems: &mut Problems) {
    let wanted: Vec<&str> = ["code", "parent"].into_iter().chain(locales.iter().map(Locale::as_str)).collect();
    for (i, column) in head.iter().enumerate() {
        // without the settings nobody knows the languages
        if !locales.is_empty() && !wanted.contains(&column.as_str()) {
            let message = format!("unknown column {column:?}; expected {}", wanted.join(","));
            problems.add(AFFILIATIONS, Some(1), message);
        }
        if head.iter().take(i).any(|earlier| earlier == column) {
            problems.add(AFFILIATIONS, Some(1), format!("the column {column} stands here twice"));
        }
    }
    for column in wanted.iter().filter(|w| head.iter().all(|h| h != **w)) {
        problems.add(AFFILIATIONS, Some(1), format!("the column {column} is missing"));
    }
}

fn check_tree(rows: &[Row], problems: &mut Problems) {
    let parents: HashMap<&str, &str> =
        rows.iter().map(|row| (row.node.code.as_str(), row.node.parent.as_str())).collect();
    for Row { node, line } in rows {
        if !node.parent.is_empty() && !parents.contains_key(node.parent.as_str()) {
            let message = format!("parent: there is no row with the code {}", node.parent);
            problems.add(AFFILIATIONS, Some(*line), message);
            continue;
        }
        let mut above = node.parent.as_str();
        let mut level = 1;
        while !above.is_empty() && level <= DEPTH {
            level += 1;
            above = parents.get(above).copied().unwrap_or_default();
        }
        if level > DEPTH {
            let message = format!("parent: {} is deeper than {DEPTH} levels, or below itself", node.code);
            problems.add(AFFILIATIONS, Some(*line), message);
        }
    }
}
