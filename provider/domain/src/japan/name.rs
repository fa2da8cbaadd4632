//! Names: kept as people write them, with the family name first and a space between; a mononym is a name too.

use super::fold;

/// A name as it is shown and kept: one ordinary space between its parts, Latin letters half-width, kana full-width. Kanji
/// stay exactly as typed, old and rare forms included.
pub fn tidy(typed: &str) -> String {
    let joined: String = fold::half_width(typed)
        .chars()
        .map(|c| if matches!(c, '\u{FF65}'..='\u{FF9F}') { fold::katakana(&c.to_string()) } else { c.to_string() })
        .collect();
    fold::spaces(&rejoin_sound_marks(&joined))
}

/// A name in katakana as it is shown and kept.
pub fn tidy_kana(typed: &str) -> String {
    fold::spaces(&fold::katakana(&fold::half_width(typed)))
}

/// A name in Latin letters as it is shown and kept: half-width, composed, typographic apostrophes and hyphens plain.
pub fn tidy_roman(typed: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let plain: String = fold::half_width(typed)
        .nfc()
        .map(|c| match c {
            '’' | '‘' | 'ʼ' | '´' | '`' | '′' => '\'',
            c if fold::is_hyphen(c) => '-',
            c => c,
        })
        .collect();
    fold::spaces(&plain)
}

/// Half-width sound marks, folded one by one, join the kana before them.
fn rejoin_sound_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let mark = match c {
            '\u{309B}' => Some('\u{3099}'),
            '\u{309C}' => Some('\u{309A}'),
            _ => None,
        };
        let joined = mark.zip(out.chars().last()).and_then(|(m, last)| unicode_normalization::char::compose(last, m));
        match joined {
            Some(kana) => {
                out.pop();
                out.push(kana);
            }
            None => out.push(c),
        }
    }
    out
}

/// Family and given name of a tidy name; a mononym has no family name.
pub fn split(name: &str) -> (Option<&str>, &str) {
    match name.split_once(' ') {
        Some((family, given)) => (Some(family), given),
        None => (None, name),
    }
}

/// The first character that no name has: digits, brackets, signs of mail and markup.
pub fn stranger(name: &str) -> Option<char> {
    name.chars().find(|c| {
        c.is_numeric()
            && !matches!(c, '一'..='鿿' | '〇' | '〻' | '㐀'..='䶿')
            && !('\u{3007}'..='\u{3029}').contains(c)
            || "<>[]{}|\\^~@#$%&*+=_:;\"!?/".contains(*c)
    })
}

/// Whether a tidy name is in Latin letters: letters with or without marks, spaces, apostrophes, hyphens, dots, commas, and
/// at least one letter.
pub fn is_roman(name: &str) -> bool {
    let latin = |c: char| {
        c.is_ascii_alphabetic() || matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ɏ' | '\u{0300}'..='\u{036F}' | 'Ḁ'..='ỿ')
    };
    name.chars().any(latin) && name.chars().all(|c| latin(c) || " '-.,()".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied_without_touching_kanji() {
        assert_eq!(tidy("　髙橋　　太郎 "), "髙橋 太郎");
        assert_eq!(tidy("\u{FA10}田 葛\u{E0100}"), "\u{FA10}田 葛\u{E0100}");
        assert_eq!(tidy("ＹＡＭＡＤＡ　Ｔaro"), "YAMADA Taro");
        assert_eq!(tidy("ｶﾞﾙｼｱ"), "ガルシア");
        assert_eq!(tidy_kana("やまだ　ﾀﾛｳ"), "ヤマダ タロウ");
        assert_eq!(tidy_roman("O’ＢＲＩＥＮ　José"), "O'BRIEN José");
    }

    #[test]
    fn a_mononym_has_no_family_name() {
        assert_eq!(split("スハルト"), (None, "スハルト"));
        assert_eq!(split("MARIA DA SILVA"), (Some("MARIA"), "DA SILVA"));
    }

    #[test]
    fn what_no_name_has_is_found() {
        assert_eq!(stranger("山田 太郎"), None);
        assert_eq!(stranger("三好 二郎・々木〆"), None);
        assert_eq!(stranger("<b>"), Some('<'));
        assert_eq!(stranger("山田1"), Some('1'));
        assert!(is_roman("Müller-Lüdenscheidt") && is_roman("NGUYỄN VĂN") && !is_roman("山田") && !is_roman(" "));
    }
}
