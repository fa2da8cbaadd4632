//! Public holidays of Japan (国民の祝日, substitute holidays and the days between), from `data/jp-holidays.csv`.

use chrono::NaiveDate;
use std::{collections::BTreeMap, sync::LazyLock};

const DATA: &str = include_str!("../../data/jp-holidays.csv");

static HOLIDAYS: LazyLock<BTreeMap<NaiveDate, &'static str>> = LazyLock::new(|| {
    DATA.lines()
        .filter_map(|line| line.split_once(','))
        .filter_map(|(day, name)| Some((day.parse().ok()?, name)))
        .collect()
});

/// The holiday's Japanese name, if the day is one. Years that the data does not have (before 2024, after 2050) have none.
pub fn holiday(day: NaiveDate) -> Option<&'static str> {
    HOLIDAYS.get(&day).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_a_holiday_and_each_year_has_its_sixteen_at_least() {
        assert_eq!(HOLIDAYS.len(), DATA.lines().count() - 1, "one line for each day, in dates that exist");
        for year in 2024..=2050 {
            let count = HOLIDAYS.keys().filter(|d| d.format("%Y").to_string() == year.to_string()).count();
            assert!((16..=22).contains(&count), "{year}: {count}");
        }
        let name = |day: &str| holiday(day.parse().unwrap());
        assert_eq!(name("2026-11-23"), Some("勤労感謝の日"));
        assert_eq!(name("2026-09-22"), Some("国民の休日"));
        assert_eq!(name("2026-05-06"), Some("憲法記念日 振替休日"));
        assert_eq!(name("2026-11-24"), None);
    }
}
