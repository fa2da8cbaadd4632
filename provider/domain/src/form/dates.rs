//! Dates and months in boxes: the Western calendar, with help for eras.

use super::{
    Answers, Field,
    validate::{Check, Found},
};
use crate::japan::date;
use chrono::NaiveDate;

/// The first year that is taken for anybody's birth, matriculation or graduation.
const FIRST_YEAR: u32 = 1900;

impl Check<'_> {
    /// A date in three boxes.
    pub(super) fn date(&self, field: &Field) -> Found {
        self.boxes(field, &["_year", "_month", "_day"])
    }

    /// A year and a month in two boxes.
    pub(super) fn year_month(&self, field: &Field) -> Found {
        self.boxes(field, &["_year", "_month"])
    }

    fn boxes(&self, field: &Field, parts: &[&'static str]) -> Found {
        let name = |part: &str| format!("{}{part}", field.key);
        let typed: Vec<&str> = parts.iter().map(|part| self.typed(&name(part))).collect();
        if typed.iter().all(|t| t.is_empty()) {
            return if self.is_required(field) {
                Found::error(field, name("_year"), "required")
            } else {
                Found::Answers(parts.iter().map(|part| (name(part), String::new())).collect())
            };
        }
        let mut numbers = Vec::new();
        for (part, text) in parts.iter().zip(&typed) {
            let bounds = match *part {
                "_year" => ("date.year_missing", "date.year", FIRST_YEAR..=2999),
                "_month" => ("date.month_missing", "date.month", 1..=12),
                _ => ("date.day_missing", "date.day", 1..=31),
            };
            if text.is_empty() {
                return Found::error(field, name(part), bounds.0);
            }
            if let Some(year) = date::era_year(text).filter(|_| *part == "_year") {
                let params = [
                    ("era", year.to_string()),
                    ("year", year.western.to_string()),
                    ("both", format!("{}年（{year}）", year.western)),
                ];
                return Found::error_with(field, name(part), "date.era", params);
            }
            match date::number(text).filter(|n| bounds.2.contains(n)) {
                Some(number) => numbers.push(number),
                None => return Found::error(field, name(part), bounds.1),
            }
        }
        let at = |i: usize| numbers.get(i).copied();
        let (year, month) = (at(0).unwrap_or(FIRST_YEAR), at(1).unwrap_or(1));
        let year = i32::try_from(year).unwrap_or(i32::MAX);
        let Some(day) = NaiveDate::from_ymd_opt(year, month, at(2).unwrap_or(1)) else {
            return Found::error(field, name(parts.last().unwrap_or(&"_year")), "date.nonexistent");
        };
        if day > self.context.today {
            return Found::error(field, name("_year"), "date.future");
        }
        Found::Answers(parts.iter().zip(&numbers).map(|(part, n)| (name(part), n.to_string())).collect())
    }
}

/// `YYYY-MM-DD` or `YYYY-MM` of folded answers; empty where it was not answered.
pub(super) fn joined(answers: &Answers, key: &str, parts: &[&str]) -> String {
    let numbers: Option<Vec<String>> = parts
        .iter()
        .map(|part| {
            let number: u32 = answers.get(&format!("{key}{part}"))?.parse().ok()?;
            Some(if *part == "_year" { format!("{number:04}") } else { format!("{number:02}") })
        })
        .collect();
    numbers.map(|n| n.join("-")).unwrap_or_default()
}
