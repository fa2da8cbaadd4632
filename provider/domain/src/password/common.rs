//! Passwords that are tried first.

use std::{collections::HashSet, sync::LazyLock};

/// One a line, in small letters.
static LIST: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("../../data/common-passwords.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect()
});

/// Rows of keyboards, walked in either direction.
const ROWS: &[&str] =
    &["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "1qaz2wsx3edc4rfv5tgb6yhn7ujm"];

/// Whether a folded password (NFKC, small letters) is one of the list, with or without digits and marks around it and
/// figures for letters in it, or a run of characters.
pub(super) fn is_common(folded: &str) -> bool {
    let mark = |c: char| c.is_ascii_digit() || c.is_ascii_punctuation();
    let core = folded.trim_matches(mark);
    let spelled: String = folded.trim_end_matches(mark).chars().map(letter).collect();
    LIST.contains(folded)
        || (core.len() >= 4 && LIST.contains(core))
        || (spelled.len() >= 4 && LIST.contains(spelled.as_str()))
        || is_run(folded)
}

/// The letter that a figure or sign stands for (`p@ssw0rd`).
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}

/// Whether it is one or two characters repeated, a few characters repeated, or a walk along a row.
fn is_run(folded: &str) -> bool {
    let chars: Vec<char> = folded.chars().collect();
    let repeats =
        (1..=4).any(|period| chars.len() > period && chars.iter().zip(chars.iter().skip(period)).all(|(a, b)| a == b));
    let walks = |row: &str| {
        let twice = format!("{row}{row}");
        let back: String = twice.chars().rev().collect();
        twice.contains(folded) || back.contains(folded)
    };
    repeats || ROWS.iter().any(|row| walks(row))
}
