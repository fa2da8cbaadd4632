//! What every text has in common: hidden characters, length, width.

use super::{Field, FieldKind};
use crate::japan::fold;

/// A text without what pasting brings along unseen (zero-width characters, byte-order marks); line ends as `\n`, tabs as
/// spaces. `None` when it has control or direction characters that are no accident.
pub(super) fn clean(typed: &str, lines: bool) -> Option<String> {
    let unified = typed.replace("\r\n", "\n").replace('\r', "\n").replace('\t', " ");
    let mut out = String::with_capacity(unified.len());
    for c in unified.chars() {
        match c {
            '\n' if lines => out.push(c),
            '\u{00AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' => {}
            c if fold::is_hidden(c) => return None,
            c => out.push(c),
        }
    }
    Some(out.trim().to_owned())
}

/// A line of any text: letters and digits half-width, and hyphens between digits plain (`１−２ー３` → `1-2-3`). Other signs stay
/// as they are.
pub(super) fn tidy(text: &str) -> String {
    let chars: Vec<char> = text
        .chars()
        .map(|c| match c {
            '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => {
                fold::half_width(c.encode_utf8(&mut [0; 4])).chars().next().unwrap_or(c)
            }
            c => c,
        })
        .collect();
    let digit = |at: Option<usize>| at.and_then(|i| chars.get(i)).is_some_and(char::is_ascii_digit);
    chars
        .iter()
        .enumerate()
        .map(|(i, c)| if fold::is_hyphen(*c) && digit(i.checked_sub(1)) && digit(Some(i + 1)) { '-' } else { *c })
        .collect()
}

/// Several lines: no white space at the ends of lines, no more than one empty line in a row.
pub(super) fn tidy_lines(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && out.last().is_none_or(|l| l.is_empty())) {
            out.push(line);
        }
    }
    out.join("\n").trim().to_owned()
}

impl Field {
    /// The most characters that may be typed.
    pub fn max_characters(&self) -> usize {
        self.max_length.unwrap_or(match self.kind {
            FieldKind::Text => 100,
            FieldKind::Textarea => 1000,
            FieldKind::Name | FieldKind::Kana | FieldKind::Roman => 100,
            FieldKind::StudentId | FieldKind::Phone => 32,
            FieldKind::ConfirmedEmail => 254,
            FieldKind::PostalCode | FieldKind::ResidenceCard => 20,
            FieldKind::Date | FieldKind::YearMonth => 10,
            FieldKind::Choice | FieldKind::Affiliation | FieldKind::Prefecture | FieldKind::Image => 64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accidents_of_pasting_are_dropped_and_tricks_refused() {
        assert_eq!(clean("\u{FEFF} 山田\u{200B}太郎\t", false).as_deref(), Some("山田太郎"));
        assert_eq!(clean("a\r\nb", true).as_deref(), Some("a\nb"));
        assert_eq!(clean("a\r\nBcc: x@y.example", false), None);
        assert_eq!(clean("abc\u{202E}cba", false), None);
        assert_eq!(clean("a\0b", true), None);
        assert_eq!(clean("葛\u{E0100}城", false).as_deref(), Some("葛\u{E0100}城"));
    }

    #[test]
    fn house_numbers_become_plain_and_names_of_houses_stay() {
        assert_eq!(tidy("千代田１−２ー３"), "千代田1-2-3");
        assert_eq!(tidy("コーポ・エース（Ａ棟）"), "コーポ・エース（A棟）");
        assert_eq!(tidy_lines("a \n\n\n b\n\n"), "a\n\n b");
    }

    proptest! {
        #[test]
        fn tidying_twice_is_tidying_once(text in "[０-９0-9Ａ-Ｚー−\\- a\n山]{0,30}") {
            let once = tidy(&text);
            prop_assert_eq!(tidy(&once), once);
            let once = tidy_lines(&text);
            prop_assert_eq!(tidy_lines(&once), once);
            if let Some(once) = clean(&text, true) {
                prop_assert_eq!(clean(&once, true), Some(once));
            }
        }
    }
}
