//! The days on which a tenant works: the week, public holidays, days of its own. What is promised in working days becomes
//! a date here.

use crate::{Timestamp, japan::holidays, tenant::TenantSettings};
use chrono::{Datelike, Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The days on which nobody works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarPolicy {
    /// Closed days of every week.
    pub weekend: Vec<Weekday>,
    /// Whose public holidays.
    pub holidays: Holidays,
    /// Days of its own: the turn of the year, summer, a festival.
    pub closed: Vec<Closure>,
}

impl Default for CalendarPolicy {
    fn default() -> Self {
        Self { weekend: vec![Weekday::Saturday, Weekday::Sunday], holidays: Holidays::Japan, closed: Vec::new() }
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    fn of(day: NaiveDate) -> Self {
        match day.weekday() {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

/// Whose public holidays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holidays {
    /// Japan's.
    Japan,
    /// Nobody's.
    None,
}

/// Days on which the tenant is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// The first, `YYYY-MM-DD`.
    pub from: String,
    /// The last; the same as the first when absent.
    #[serde(default)]
    pub through: Option<String>,
}

impl Closure {
    /// First and last day; `None` when they cannot be read (validation refuses that).
    pub(super) fn days(&self) -> Option<(NaiveDate, NaiveDate)> {
        let day = |text: &str| text.parse::<NaiveDate>().ok().filter(|_| text.len() == 10);
        let from = day(&self.from)?;
        let through = match &self.through {
            Some(text) => day(text)?,
            None => from,
        };
        (from <= through).then_some((from, through))
    }
}

/// Further than this no date is looked for: a calendar that is closed all the time ends there.
const FURTHEST: u64 = 3660;

impl CalendarPolicy {
    /// Whether somebody works on that day.
    pub fn is_open(&self, day: NaiveDate) -> bool {
        let holiday = match self.holidays {
            Holidays::Japan => holidays::holiday(day).is_some(),
            Holidays::None => false,
        };
        let closed =
            || self.closed.iter().filter_map(Closure::days).any(|(from, through)| from <= day && day <= through);
        !self.weekend.contains(&Weekday::of(day)) && !holiday && !closed()
    }

    /// The working day by which `days` of them have passed since `day`, itself not counted; with none, `day` or the next
    /// working day.
    pub fn after(&self, day: NaiveDate, days: u32) -> NaiveDate {
        let open = (u64::from(days > 0)..FURTHEST).filter_map(|n| day.checked_add_days(Days::new(n)));
        let skip = usize::try_from(days.saturating_sub(1)).unwrap_or(usize::MAX);
        open.filter(|day| self.is_open(*day)).nth(skip).unwrap_or(day)
    }
}

impl TenantSettings {
    /// The day by which the result of an application that was handed in at `at` is expected.
    pub fn expected_on(&self, at: Timestamp) -> NaiveDate {
        self.calendar.after(self.today(at), self.registration.expected_days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn university() -> CalendarPolicy {
        let closure = Closure { from: "2026-12-26".into(), through: Some("2027-01-05".into()) };
        CalendarPolicy { closed: vec![closure], ..CalendarPolicy::default() }
    }

    #[test]
    fn weekends_holidays_and_own_days_are_not_counted() {
        let calendar = university();
        for (from, days, expected) in [
            // Sunday; Monday is a holiday
            ("2026-11-22", 2, "2026-11-25"),
            ("2026-11-20", 1, "2026-11-24"),
            ("2026-11-24", 2, "2026-11-26"),
            ("2026-12-25", 1, "2027-01-06"),
            ("2026-12-24", 2, "2027-01-06"),
            // the week of holidays in May
            ("2026-05-01", 1, "2026-05-07"),
            ("2026-11-24", 0, "2026-11-24"),
            ("2026-11-21", 0, "2026-11-24"),
        ] {
            assert_eq!(calendar.after(day(from), days), day(expected), "{days} after {from}");
        }
        let always = CalendarPolicy { weekend: Vec::new(), holidays: Holidays::None, closed: Vec::new() };
        assert_eq!(always.after(day("2026-11-22"), 2), day("2026-11-24"));
    }

    #[test]
    fn a_calendar_that_never_opens_comes_to_an_end() {
        let closure = Closure { from: "2000-01-01".into(), through: Some("2100-01-01".into()) };
        let closed = CalendarPolicy { closed: vec![closure], ..CalendarPolicy::default() };
        assert_eq!(closed.after(day("2026-11-22"), 3), day("2026-11-22"));
    }

    proptest! {
        #[test]
        fn the_day_is_a_working_day_and_so_many_of_them_have_passed(offset in 0u64..9000, days in 0u32..60) {
            let calendar = university();
            let from = day("2024-01-01").checked_add_days(Days::new(offset)).unwrap();
            let on = calendar.after(from, days);
            prop_assert!(calendar.is_open(on));
            let passed = from.iter_days().skip(1).take_while(|d| *d <= on).filter(|d| calendar.is_open(*d)).count();
            if days > 0 {
                prop_assert_eq!(passed, days as usize);
            } else {
                prop_assert!(passed <= 1 && on >= from);
            }
            let later = calendar.after(from.succ_opt().unwrap(), days);
            prop_assert!(later >= on, "who comes later is not served sooner");
        }
    }
}
