//! Password rules: what a tenant asks of passwords, how each violation is named, and how initial passwords are made.
//!
//! The rules are checked on what was typed; what is hashed and verified is [`normalize`]d first, so that a password typed in
//! full-width letters still logs in. That a new password differs from earlier ones is for whoever has their hashes; the
//! codes for it stand here with the others.

use crate::{
    Entropy, Secret,
    tenant::{PasswordPolicy, PasswordPreset},
};
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

mod common;

/// The most characters of any password.
pub const MAX_LENGTH: usize = 128;
/// The fewest that a tenant may ask for.
pub const FLOOR: usize = 8;

/// Letters and digits that nobody mistakes for one another: no 0, O, o, 1, I, l.
const CLEAR_UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const CLEAR_LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const CLEAR_DIGIT: &[u8] = b"23456789";
const CLEAR: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// 14 of 56 symbols: 81 bits.
const INITIAL_LENGTH: usize = 14;

/// A tenant's rules, preset and replacements resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Fewest characters.
    pub min_length: usize,
    /// Most characters.
    pub max_length: usize,
    /// An upper-case letter, a lower-case letter and a digit.
    pub require_mixed: bool,
    /// Nothing but half-width letters and digits.
    pub alphanumeric_only: bool,
    /// Nothing that stands in the list of common passwords.
    pub blocklist: bool,
}

impl PasswordPolicy {
    /// The rules that hold.
    pub fn rules(&self) -> Rules {
        let (min_length, mixed, alphanumeric) = match self.preset {
            PasswordPreset::Standard => (15, false, false),
            PasswordPreset::Alphanumeric => (8, true, true),
        };
        Rules {
            min_length: self.min_length.unwrap_or(min_length).max(FLOOR),
            max_length: MAX_LENGTH,
            require_mixed: self.require_mixed.unwrap_or(mixed),
            alphanumeric_only: self.alphanumeric_only.unwrap_or(alphanumeric),
            blocklist: self.blocklist.unwrap_or(true),
        }
    }
}

/// One broken rule. The sentence is the locale file's: `error.password.{code}` with [`Violation::params`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Nothing was typed.
    Required,
    /// Fewer characters than the rules ask for.
    TooShort {
        /// Fewest.
        min: usize,
    },
    /// More characters than are taken.
    TooLong {
        /// Most.
        max: usize,
    },
    /// A control character.
    ControlCharacter,
    /// No half-width upper-case letter.
    NoUpper,
    /// No half-width lower-case letter.
    NoLower,
    /// No half-width digit.
    NoDigit,
    /// Something else than half-width letters and digits.
    NotAlphanumeric,
    /// Too easy to guess: a common password, a run of characters, or the login ID.
    Common,
    /// The repeated entry differs.
    ConfirmationDiffers,
    /// Password and second password are the same.
    SameAsOther,
    /// Password and second password are nearly the same.
    NearOther,
    /// The same as the one in force or the one before.
    SameAsPrevious,
    /// The same as the initial password.
    SameAsInitial,
    /// Not the password that is in force.
    WrongCurrent,
}

impl Violation {
    /// One of each, for tests of texts.
    pub const ALL: [Self; 15] = [
        Self::Required,
        Self::TooShort { min: FLOOR },
        Self::TooLong { max: MAX_LENGTH },
        Self::ControlCharacter,
        Self::NoUpper,
        Self::NoLower,
        Self::NoDigit,
        Self::NotAlphanumeric,
        Self::Common,
        Self::ConfirmationDiffers,
        Self::SameAsOther,
        Self::NearOther,
        Self::SameAsPrevious,
        Self::SameAsInitial,
        Self::WrongCurrent,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
            Self::NoUpper => "no_upper",
            Self::NoLower => "no_lower",
            Self::NoDigit => "no_digit",
            Self::NotAlphanumeric => "not_alphanumeric",
            Self::Common => "common",
            Self::ConfirmationDiffers => "confirmation_differs",
            Self::SameAsOther => "same_as_other",
            Self::NearOther => "near_other",
            Self::SameAsPrevious => "same_as_previous",
            Self::SameAsInitial => "same_as_initial",
            Self::WrongCurrent => "wrong_current",
        }
    }

    /// What the sentence mentions: `min` or `max`.
    pub fn params(self) -> BTreeMap<&'static str, String> {
        match self {
            Self::TooShort { min } => BTreeMap::from([("min", min.to_string())]),
            Self::TooLong { max } => BTreeMap::from([("max", max.to_string())]),
            Self::Required
            | Self::ControlCharacter
            | Self::NoUpper
            | Self::NoLower
            | Self::NoDigit
            | Self::NotAlphanumeric
            | Self::Common
            | Self::ConfirmationDiffers
            | Self::SameAsOther
            | Self::NearOther
            | Self::SameAsPrevious
            | Self::SameAsInitial
            | Self::WrongCurrent => BTreeMap::new(),
        }
    }
}

/// What a password is compared with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The other of password and second password, where there are two.
    pub other: Option<&'a Secret>,
    /// What everybody would try with this account: login ID, mail address.
    pub personal: &'a [&'a str],
}

impl Rules {
    /// Every rule that `password` breaks, in a fixed order; none when it may be set.
    pub fn violations(&self, password: &Secret, beside: &Beside<'_>) -> Vec<Violation> {
        let typed = password.expose();
        if typed.is_empty() {
            return vec![Violation::Required];
        }
        // four bytes are the most that one character takes: what is longer need not be looked at
        if typed.len() > self.max_length.saturating_mul(4) {
            return vec![Violation::TooLong { max: self.max_length }];
        }
        let normal = normalize(password);
        let length = normal.expose().chars().count();
        let none = |accepted: fn(&char) -> bool| !typed.chars().any(|c| accepted(&c));
        let mut broken = Vec::new();
        let mut rule = |is_broken: bool, violation: Violation| {
            if is_broken {
                broken.push(violation);
            }
        };
        rule(length < self.min_length, Violation::TooShort { min: self.min_length });
        rule(length > self.max_length, Violation::TooLong { max: self.max_length });
        rule(typed.chars().any(char::is_control), Violation::ControlCharacter);
        if self.require_mixed {
            rule(none(char::is_ascii_uppercase), Violation::NoUpper);
            rule(none(char::is_ascii_lowercase), Violation::NoLower);
            rule(none(char::is_ascii_digit), Violation::NoDigit);
        }
        if self.alphanumeric_only {
            rule(!typed.chars().all(|c| c.is_ascii_alphanumeric()), Violation::NotAlphanumeric);
        }
        let folded = fold(&normal);
        if self.blocklist {
            rule(
                common::is_common(folded.expose()) || is_personal(folded.expose(), beside.personal),
                Violation::Common,
            );
        }
        if let Some(other) = beside.other.filter(|o| !o.is_empty() && o.expose().len() <= self.max_length * 4) {
            let other = normalize(other);
            let same = other.expose() == normal.expose();
            rule(same, Violation::SameAsOther);
            rule(!same && nearly(folded.expose(), fold(&other).expose()), Violation::NearOther);
        }
        broken
    }
}

/// The form that is hashed and verified: NFKC (NIST SP 800-63B-4 §3.1.1.2), so that width and composition do not matter.
pub fn normalize(password: &Secret) -> Secret {
    Secret::new(password.expose().nfkc().collect::<String>())
}

/// A random password for the result mail: letters and digits without look-alikes, an upper-case letter, a lower-case letter
/// and a digit among them; at least 14, more where the rules ask for more.
pub fn generate_initial(entropy: &dyn Entropy, rules: &Rules) -> Secret {
    let length = INITIAL_LENGTH.max(rules.min_length);
    let has = |text: &str, class: &[u8]| text.bytes().any(|b| class.contains(&b));
    for _ in 0..64 {
        let text = crate::random::text(entropy, CLEAR, length);
        if has(&text, CLEAR_UPPER) && has(&text, CLEAR_LOWER) && has(&text, CLEAR_DIGIT) {
            return Secret::new(text);
        }
    }
    // one in 10^60 with a working source; a fixed one in a test still gets what the rules ask for
    let one = |class| crate::random::text(entropy, class, 1);
    let rest = crate::random::text(entropy, CLEAR, length.saturating_sub(3));
    Secret::new(format!("{}{}{}{rest}", one(CLEAR_UPPER), one(CLEAR_LOWER), one(CLEAR_DIGIT)))
}

/// What two passwords are compared by: small letters.
fn fold(normal: &Secret) -> Secret {
    Secret::new(normal.expose().to_lowercase())
}

/// Whether it is the login ID or the mail address, or the name part of it, with nothing or only digits added.
fn is_personal(folded: &str, personal: &[&str]) -> bool {
    let bare = folded.trim_matches(|c: char| c.is_ascii_digit());
    personal
        .iter()
        .flat_map(|p| {
            let p = p.nfkc().collect::<String>().to_lowercase();
            let local = p.split('@').next().unwrap_or_default().to_owned();
            [p, local]
        })
        .any(|p| {
            p.chars().count() >= 4
                && (folded == p || (!bare.is_empty() && bare == p.trim_matches(|c: char| c.is_ascii_digit())))
        })
}

/// Whether two folded passwords are one, or at most two insertions, deletions or replacements apart.
fn nearly(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(x != y);
            diagonal = *above;
            left = cost.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().is_some_and(|distance| *distance <= 2)
}

#[cfg(test)]
mod tests;
