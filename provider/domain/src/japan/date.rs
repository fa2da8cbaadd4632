//! The Western calendar with help for those who think in eras: `平成2年`, `H2` and `Ｓ５５` are understood and shown as what
//! they are.

use super::fold;
use chrono::{Datelike, NaiveDate};

/// An era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Era {
    /// 平成.
    pub name: &'static str,
    /// Heisei.
    pub roman: &'static str,
    /// `H`.
    pub letter: char,
    /// Its first day: year, month, day.
    begin: (i32, u32, u32),
    /// The Western year it ended in; none while it lasts.
    end: Option<i32>,
}

/// The eras that a living person may have been born in, newest first. Meiji counts from 1873, when the calendar became
/// the Western one.
pub const ERAS: [Era; 5] = [
    Era { name: "令和", roman: "Reiwa", letter: 'R', begin: (2019, 5, 1), end: None },
    Era { name: "平成", roman: "Heisei", letter: 'H', begin: (1989, 1, 8), end: Some(2019) },
    Era { name: "昭和", roman: "Showa", letter: 'S', begin: (1926, 12, 25), end: Some(1989) },
    Era { name: "大正", roman: "Taisho", letter: 'T', begin: (1912, 7, 30), end: Some(1926) },
    Era { name: "明治", roman: "Meiji", letter: 'M', begin: (1868, 1, 25), end: Some(1912) },
];

/// A year of an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraYear {
    /// The era.
    pub era: &'static Era,
    /// The year in it, from 1.
    pub year: i32,
    /// The Western year.
    pub western: i32,
}

impl std::fmt::Display for EraYear {
    /// `平成2年`, `令和元年`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.year {
            1 => write!(f, "{}元年", self.era.name),
            n => write!(f, "{}{n}年", self.era.name),
        }
    }
}

/// Reads a year of an era: `平成2年`, `平成元`, `H2`, `Ｓ５５`, `s.55`. `None` when it is none, or the era did not last so long.
pub fn era_year(typed: &str) -> Option<EraYear> {
    let text: String =
        fold::half_width(typed).chars().filter(|c| !c.is_whitespace() && *c != '.').collect::<String>().to_uppercase();
    ERAS.iter().find_map(|era| {
        let roman = era.roman.to_uppercase();
        let rest = [era.name, &roman].into_iter().find_map(|name| text.strip_prefix(name));
        let rest = rest.or_else(|| text.strip_prefix(era.letter))?;
        let number = rest.strip_suffix('年').unwrap_or(rest);
        let year: i32 = if number == "元" { 1 } else { number.parse().ok()? };
        let western = era.begin.0.checked_add(year)?.checked_sub(1)?;
        let lasted = era.end.is_none_or(|end| western <= end);
        (1..=150).contains(&year).then_some(())?;
        lasted.then_some(EraYear { era, year, western })
    })
}

/// The era's year of a day; `None` before 1873.
pub fn era_of(day: NaiveDate) -> Option<EraYear> {
    let began = |era: &Era| NaiveDate::from_ymd_opt(era.begin.0, era.begin.1, era.begin.2);
    let era = ERAS.iter().find(|era| began(era).is_some_and(|first| day >= first))?;
    (day.year() >= 1873).then(|| EraYear { era, year: day.year() - era.begin.0 + 1, western: day.year() })
}

/// A Western year with its eras, as a hint: `1990年（平成2年）`, `1989年（昭和64年・平成元年）`.
pub fn both_calendars(western: i32) -> String {
    let years: Vec<String> = ERAS
        .iter()
        .rev()
        .filter(|era| western >= era.begin.0 && era.end.is_none_or(|end| western <= end))
        .map(|era| EraYear { era, year: western - era.begin.0 + 1, western }.to_string())
        .collect();
    if years.is_empty() { format!("{western}年") } else { format!("{western}年（{}）", years.join("・")) }
}

/// A number in a box of a date: half- or full-width digits, with or without 年, 月, 日. `None` when it is no number.
pub fn number(typed: &str) -> Option<u32> {
    let text: String = fold::half_width(typed).chars().filter(|c| !c.is_whitespace()).collect();
    let digits = text.trim_end_matches(['年', '月', '日']);
    (digits.len() <= 6 && digits.chars().all(|c| c.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_of_eras_are_understood() {
        for (typed, western, shown) in [
            ("平成2年", 1990, "平成2年"),
            ("H2", 1990, "平成2年"),
            ("Ｓ５５", 1980, "昭和55年"),
            ("s.55", 1980, "昭和55年"),
            ("令和元年", 2019, "令和元年"),
            ("Ｒ１", 2019, "令和元年"),
            ("昭和６４年", 1989, "昭和64年"),
            ("Showa 30", 1955, "昭和30年"),
        ] {
            let read = era_year(typed).unwrap_or_else(|| panic!("{typed}"));
            assert_eq!((read.western, read.to_string().as_str()), (western, shown), "{typed}");
        }
        for bad in ["1990", "平成", "昭和65年", "H0", "X2", "平成2年4月", "H-2", ""] {
            assert_eq!(era_year(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_day_decides_the_era() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(era_of(day(1989, 1, 7)).unwrap().to_string(), "昭和64年");
        assert_eq!(era_of(day(1989, 1, 8)).unwrap().to_string(), "平成元年");
        assert_eq!(era_of(day(2019, 5, 1)).unwrap().to_string(), "令和元年");
        assert_eq!(era_of(day(1860, 1, 1)), None);
        assert_eq!(both_calendars(1990), "1990年（平成2年）");
        assert_eq!(both_calendars(1989), "1989年（昭和64年・平成元年）");
        assert_eq!(both_calendars(1700), "1700年");
    }

    #[test]
    fn boxes_take_any_width() {
        assert_eq!(number(" ０４月"), Some(4));
        assert_eq!(number("1990年"), Some(1990));
        for bad in ["", "四", "-1", "1.5", "9999999"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
