//! User IDs made by a tenant's pattern.

use crate::{Entropy, japan::fold};
use std::fmt;

/// A pattern such as `RZ00000000`: letters stand for themselves, one run of `0` for a number of as many digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserIdPattern {
    before: String,
    digits: usize,
    after: String,
}

impl std::str::FromStr for UserIdPattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = |what: &str| format!("expected a pattern such as RZ00000000: {what}; found {text:?}");
        if !text.chars().all(|c| c.is_ascii_uppercase() || c == '0' || c == '-') {
            return Err(expected("capital letters, hyphens and one run of 0"));
        }
        let start = text.find('0').ok_or_else(|| expected("a run of 0 is missing"))?;
        let (before, rest) = text.split_at(start);
        let after = rest.trim_start_matches('0');
        let digits = rest.len() - after.len();
        if after.contains('0') {
            return Err(expected("only one run of 0"));
        }
        if !(6..=12).contains(&digits) {
            return Err(expected("6 to 12 times 0"));
        }
        if text.len() > 32 {
            return Err(expected("at most 32 characters"));
        }
        Ok(Self { before: before.to_owned(), digits, after: after.to_owned() })
    }
}

impl UserIdPattern {
    /// The user ID of that number; `None` when it has too many digits, or is 0.
    pub fn numbered(&self, number: u64) -> Option<String> {
        let text = format!("{number:0width$}", width = self.digits);
        (number > 0 && text.len() == self.digits).then(|| format!("{}{text}{}", self.before, self.after))
    }

    /// A random number for a user ID: it tells nothing about how many there are or who came before. The store refuses
    /// one that was given out.
    pub fn random(&self, entropy: &dyn Entropy) -> u64 {
        let digits = crate::random::text(entropy, b"0123456789", self.digits);
        digits.parse().unwrap_or(1u64).max(1)
    }

    /// The largest number that has a user ID.
    pub fn largest(&self) -> u64 {
        10u64.saturating_pow(u32::try_from(self.digits).unwrap_or(12)) - 1
    }

    /// The number in a user ID, as people type it; `None` when it is none of this pattern.
    pub fn number(&self, typed: &str) -> Option<u64> {
        let text = self.parse(typed)?;
        text.strip_prefix(&self.before)?.strip_suffix(&self.after)?.parse().ok()
    }

    /// The user ID that somebody typed, in its one form; `None` when it cannot be one.
    pub fn parse(&self, typed: &str) -> Option<String> {
        let text = fold::hyphens(&fold::half_width(typed)).trim().to_uppercase();
        let digits = text.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        (digits.len() == self.digits && digits.chars().all(|c| c.is_ascii_digit())).then_some(text)
    }
}

impl fmt::Display for UserIdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.before, "0".repeat(self.digits), self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_user_ids_are_made() {
        let pattern: UserIdPattern = "RZ00000000".parse().unwrap();
        assert_eq!(pattern.numbered(1).as_deref(), Some("RZ00000001"));
        assert_eq!(pattern.numbered(0), None);
        assert_eq!(pattern.numbered(100_000_000), None);
        assert_eq!(pattern.parse(" ｒｚ0０000001 ").as_deref(), Some("RZ00000001"));
        assert_eq!((pattern.number("rz00000042"), pattern.number("XX00000042")), (Some(42), None));
        assert_eq!(pattern.largest(), 99_999_999);
        assert_eq!(pattern.parse("RZ1"), None);
        assert_eq!(pattern.parse("taro@example.jp"), None);
        assert_eq!(pattern.to_string(), "RZ00000000");
    }

    #[test]
    fn other_patterns_are_refused_with_what_was_expected() {
        for (bad, said) in [
            ("", "missing"),
            ("RZ", "missing"),
            ("rz00000000", "capital"),
            ("R000000Z000000", "one run"),
            ("R0", "6 to 12"),
            ("R0000000000000", "6 to 12"),
        ] {
            let error = bad.parse::<UserIdPattern>().unwrap_err();
            assert!(error.contains(said), "{bad}: {error}");
        }
    }
}
