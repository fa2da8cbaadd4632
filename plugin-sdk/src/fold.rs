//! Search keys: what two spellings of one thing have in common. Never shown, never stored in place of what was typed.

use unicode_normalization::UnicodeNormalization;

/// Characters of names that people and registers write in more than one way, each with the one to compare by.
const VARIANTS: &[(&str, char)] = &[
    ("髙", '高'),
    ("﨑嵜碕", '崎'),
    ("邊邉", '辺'),
    ("齋齊斉", '斎'),
    ("濵濱", '浜'),
    ("𠮷", '吉'),
    ("澤", '沢'),
    ("廣", '広'),
    ("櫻", '桜'),
    ("國", '国'),
    ("嶋嶌", '島'),
    ("圓", '円'),
    ("惠", '恵'),
    ("淸", '清'),
    ("德", '徳'),
    ("眞", '真'),
    ("龍", '竜'),
    ("壽", '寿'),
    ("榮", '栄'),
    ("縣", '県'),
    ("冨", '富'),
    ("渕淵", '渊'),
    ("條", '条'),
    ("檜", '桧'),
    ("瀨", '瀬'),
    ("祐", '祐'),
    ("黑", '黒'),
    ("曾", '曽'),
    ("邨", '村'),
    ("館", '舘'),
    ("隆", '隆'),
    ("來", '来'),
];

/// Compatibility forms united, variation selectors and all spaces gone, letters small: `ＡＢ c` → `abc`.
pub(crate) fn plain(text: &str) -> String {
    text.nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// As [`plain`], and variants of kanji united.
pub(crate) fn name(text: &str) -> String {
    plain(text)
        .chars()
        .map(|c| VARIANTS.iter().find(|(variants, _)| variants.contains(c)).map_or(c, |(_, one)| *one))
        .collect()
}

/// As [`plain`], hiragana as katakana, anything like a long-vowel mark as one, no middle dots.
pub(crate) fn kana(text: &str) -> String {
    plain(text)
        .chars()
        .filter(|c| *c != '・')
        .map(|c| match c {
            'ぁ'..='ゖ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
            c if is_hyphen(c) => 'ー',
            c => c,
        })
        .collect()
}

/// As [`plain`], without hyphens: numbers of students and cards.
pub(crate) fn id(text: &str) -> String {
    plain(text).chars().filter(|c| !is_hyphen(*c)).collect()
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '－' | 'ー' | 'ｰ' | '〜' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kana_is_compared_by_sound() {
        assert_eq!(kana("ﾔﾏﾀﾞ　たろう"), "ヤマダタロウ");
        assert_eq!(kana("ジョ−ジ・ル―カス"), "ジョージルーカス");
    }

    #[test]
    fn variants_of_a_name_fold_into_one() {
        assert_eq!(name("渡邉 葛\u{E0100}城"), name("渡辺葛城"));
        assert_ne!(plain("髙橋"), plain("高橋"));
    }
}
