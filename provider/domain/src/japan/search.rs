//! Search keys: what two spellings of one thing have in common. Never shown, never kept in place of what was typed.

use super::fold;
use std::{collections::HashMap, sync::LazyLock};
use unicode_normalization::UnicodeNormalization;

/// Shapes of kanji that people and registers use for one another. Each line of the file: the one to compare by, a tab, the
/// others.
static VARIANTS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    include_str!("../../data/name-variants.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .flat_map(|(one, others)| {
            let one = one.chars().next();
            others.chars().filter_map(move |other| one.map(|one| (other, one)))
        })
        .collect()
});

/// The key of a name or any text: compatibility forms united, spaces, variation selectors and hidden characters gone, old
/// and variant kanji as one (髙 and 高, 邊 and 辺), letters small.
pub fn search_key(text: &str) -> String {
    settle(text, |c| VARIANTS.get(&c).copied().unwrap_or(c))
}

/// The key of a name in kana: katakana, long-vowel marks and hyphens as one, middle dots gone.
pub fn kana_key(text: &str) -> String {
    let plain = settle(&fold::katakana(text), |c| c);
    fold::katakana(&plain)
        .chars()
        .filter(|c| *c != '・')
        .map(|c| if fold::is_hyphen(c) || matches!(c, '〜' | '~') { 'ー' } else { c })
        .collect()
}

/// The key of a student's or card's number: `Ａ１２−３４` and `a1234` are one.
pub fn id_key(text: &str) -> String {
    settle(text, |c| c).chars().filter(|c| !fold::is_hyphen(*c)).collect()
}

/// Normalises until nothing changes: taking a space away can bring two characters together that compose.
fn settle(text: &str, one: impl Fn(char) -> char) -> String {
    let mut key = text.to_owned();
    for _ in 0..4 {
        let next: String = key
            .nfkc()
            .filter(|c| !c.is_whitespace() && !fold::is_hidden(*c) && !fold::is_variation_selector(*c))
            .map(&one)
            .flat_map(char::to_lowercase)
            .nfkc()
            .collect();
        if next == key {
            break;
        }
        key = next;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variants_of_a_name_have_one_key() {
        for (a, b) in [
            ("髙橋　太郎", "高橋太郎"),
            ("渡邉 花子", "渡辺花子"),
            ("渡邊 花子", "渡邉花子"),
            ("齋藤", "斉藤"),
            ("濵﨑", "浜崎"),
            ("\u{20BB7}田", "吉田"),
            ("葛\u{E0100}城", "葛城"),
            ("\u{FA10}本", "塚本"),
            ("ＹＡＭＡＤＡ Taro", "yamada  taro"),
        ] {
            assert_eq!(search_key(a), search_key(b), "{a} {b}");
        }
        assert_ne!(search_key("山田太郎"), search_key("山田次郎"));
    }

    #[test]
    fn kana_are_compared_by_sound() {
        assert_eq!(kana_key("ﾔﾏﾀﾞ　たろう"), "ヤマダタロウ");
        assert_eq!(kana_key("ジョ−ジ・ル―カス"), "ジョージルーカス");
        assert_eq!(id_key("Ａ１２−３４ "), "a1234");
    }

    #[test]
    fn no_variant_leads_to_another_variant() {
        for (from, to) in VARIANTS.iter() {
            assert!(!VARIANTS.contains_key(to), "{from} → {to} is not the end");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,24}|[一-龠ぁ-ヶ髙﨑邊Ａ-Ｚ ー\u{3099}\u{E0100}]{0,16}") {
            let key = search_key(&text);
            prop_assert_eq!(search_key(&key), key);
            let key = kana_key(&text);
            prop_assert_eq!(kana_key(&key), key);
            let key = id_key(&text);
            prop_assert_eq!(id_key(&key), key);
        }

        #[test]
        fn spaces_and_widths_do_not_change_a_key(family in "[一-龠]{1,3}", given in "[一-龠]{1,3}") {
            let key = search_key(&format!("{family}{given}"));
            let spaced = format!(" {family}　{given}");
            prop_assert_eq!(search_key(&spaced), key.clone());
            let selected = format!("{family}\u{E0100}{given}");
            prop_assert_eq!(search_key(&selected), key);
        }
    }
}
