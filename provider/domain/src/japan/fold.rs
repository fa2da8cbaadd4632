//! Widths, hyphens, spaces and kana: the small foldings that everything else is made of. Each is idempotent.
//!
//! None of them touches kanji: even NFC changes some that stand in names (塚 U+FA10, 神 U+FA19), so what is shown and kept
//! is never normalised as a whole; only search keys are.

use unicode_normalization::{UnicodeNormalization, char::compose};

/// Full-width letters, digits and signs become ASCII, the ideographic space a space: `ＡＢ　１２` → `AB 12`.
pub fn half_width(text: &str) -> String {
    text.chars().map(half_width_char).collect()
}

fn half_width_char(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    }
}

/// Whether people type it for a hyphen: hyphens, dashes, the minus sign, the long-vowel mark.
pub fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '－' | 'ー' | 'ｰ' | '─' | '━' | '﹣' | '⁃')
}

/// Everything [`is_hyphen`] becomes `-`; for postal codes, phone and house numbers.
pub fn hyphens(text: &str) -> String {
    text.chars().map(|c| if is_hyphen(c) { '-' } else { c }).collect()
}

/// Outer white space goes, inner runs of it become one ordinary space.
pub fn spaces(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Hiragana and half-width kana become full-width katakana (`ﾔﾏﾀﾞ たろう` → `ヤマダ タロウ`), sound marks join their kana, and
/// a hyphen after a kana becomes the long-vowel mark. Everything else stays.
pub fn katakana(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(full_width_kana) {
        let mark = match c {
            '\u{3099}' | '\u{309B}' => Some('\u{3099}'),
            '\u{309A}' | '\u{309C}' => Some('\u{309A}'),
            _ => None,
        };
        let last = out.chars().last();
        match (mark, last) {
            (Some(mark), Some(last)) if compose(last, mark).is_some() => {
                out.pop();
                out.extend(compose(last, mark));
            }
            (Some('\u{3099}'), _) => out.push('\u{309B}'),
            (Some(_), _) => out.push('\u{309C}'),
            (None, Some(last)) if is_hyphen(c) && is_kana_letter(last) => out.push('ー'),
            (None, _) => out.push(c),
        }
    }
    out
}

/// One character's full-width katakana; half-width sound marks become combining ones.
fn full_width_kana(c: char) -> impl Iterator<Item = char> {
    let half = matches!(c, '\u{FF65}'..='\u{FF9F}');
    let folded = match c {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        c => c,
    };
    let wide = half.then(|| std::iter::once(c).nfkc());
    let same = (!half).then_some(folded);
    wide.into_iter().flatten().chain(same)
}

fn is_kana_letter(c: char) -> bool {
    matches!(c, 'ァ'..='ヺ' | 'ー')
}

/// Whether a folded text is a name in katakana: kana, the long-vowel mark, iteration marks, middle dots and spaces, and at least one kana.
pub fn is_katakana(text: &str) -> bool {
    text.chars().any(|c| matches!(c, 'ァ'..='ヺ'))
        && text.chars().all(|c| matches!(c, 'ァ'..='ヺ' | 'ー' | 'ヽ' | 'ヾ' | '・' | ' '))
}

/// Whether a character is invisible or turns the direction of text: control characters, bidirectional controls, joiners,
/// byte-order marks, tags. They have no place in what people type into a form. Variation selectors do: they choose the
/// shape of a kanji.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}'
                | '\u{061C}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF9}'..='\u{FFFC}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// Whether a character chooses a shape of the one before it.
pub fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{180B}'..='\u{180D}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn widths_and_hyphens_are_forgiven() {
        assert_eq!(half_width("ＹＡＭＡＤＡ　１－２"), "YAMADA 1-2");
        assert_eq!(hyphens("1‐2−3ー4―5"), "1-2-3-4-5");
        assert_eq!(spaces("　山田　 太郎 "), "山田 太郎");
    }

    #[test]
    fn every_kana_becomes_full_width_katakana() {
        assert_eq!(katakana("ﾔﾏﾀﾞ たろう"), "ヤマダ タロウ");
        assert_eq!(katakana("か\u{3099}ﾊﾟヴゔ"), "ガパヴヴ");
        assert_eq!(katakana("ジョ−ジ"), "ジョージ");
        assert_eq!(katakana("ｼﾞｮｰｼﾞ･ﾙｰｶｽ"), "ジョージ・ルーカス");
        assert_eq!(katakana("-A-"), "-A-");
    }

    #[test]
    fn a_name_in_katakana_has_kana_only() {
        assert!(is_katakana("ヤマダ タロウ"));
        assert!(is_katakana("ジョージ・ルーカス"));
        for bad in ["", " ", "・", "山田", "YAMADA", "ヤマダ1", "ヤマダ\u{309B}"] {
            assert!(!is_katakana(bad), "{bad:?}");
        }
    }

    #[test]
    fn hidden_characters_are_known() {
        assert!("\u{202E}\u{200B}\u{0}\n\u{FEFF}".chars().all(is_hidden));
        assert!(!"葛\u{E0100}々ー".chars().any(is_hidden));
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,24}|[ぁ-ゟ゠-ヿ･-ﾟ\u{3099}\u{309A}゛゜ -]{0,24}") {
            let kana = katakana(&text);
            prop_assert_eq!(katakana(&kana), kana);
            let half = half_width(&text);
            prop_assert_eq!(half_width(&half), half);
            let one = spaces(&text);
            prop_assert_eq!(spaces(&one), one);
            let dashes = hyphens(&text);
            prop_assert_eq!(hyphens(&dashes), dashes);
        }
    }
}
