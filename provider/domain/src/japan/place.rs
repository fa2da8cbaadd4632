//! Prefectures and municipalities (JIS X 0401 and 0402).

use super::{fold, search_key};

static MUNICIPALITIES: &str = include_str!(concat!(env!("OUT_DIR"), "/municipalities.tsv"));

/// A prefecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefecture {
    /// Two digits (JIS X 0401).
    pub code: &'static str,
    /// 東京都; the value that forms send and that is kept.
    pub name: &'static str,
    /// Tokyo.
    pub roman: &'static str,
}

/// A municipality: city, ward, town or village.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Municipality {
    /// Five digits (JIS X 0402).
    pub code: &'static str,
    /// Of which prefecture.
    pub prefecture: &'static Prefecture,
    /// 札幌市中央区.
    pub name: &'static str,
    /// サッポロシチュウオウク.
    pub kana: &'static str,
    /// Chuo-ku, Sapporo-shi.
    pub roman: &'static str,
}

/// The 47, from north to south.
pub static PREFECTURES: [Prefecture; 47] = [
    Prefecture { code: "01", name: "北海道", roman: "Hokkaido" },
    Prefecture { code: "02", name: "青森県", roman: "Aomori" },
    Prefecture { code: "03", name: "岩手県", roman: "Iwate" },
    Prefecture { code: "04", name: "宮城県", roman: "Miyagi" },
    Prefecture { code: "05", name: "秋田県", roman: "Akita" },
    Prefecture { code: "06", name: "山形県", roman: "Yamagata" },
    Prefecture { code: "07", name: "福島県", roman: "Fukushima" },
    Prefecture { code: "08", name: "茨城県", roman: "Ibaraki" },
    Prefecture { code: "09", name: "栃木県", roman: "Tochigi" },
    Prefecture { code: "10", name: "群馬県", roman: "Gunma" },
    Prefecture { code: "11", name: "埼玉県", roman: "Saitama" },
    Prefecture { code: "12", name: "千葉県", roman: "Chiba" },
    Prefecture { code: "13", name: "東京都", roman: "Tokyo" },
    Prefecture { code: "14", name: "神奈川県", roman: "Kanagawa" },
    Prefecture { code: "15", name: "新潟県", roman: "Niigata" },
    Prefecture { code: "16", name: "富山県", roman: "Toyama" },
    Prefecture { code: "17", name: "石川県", roman: "Ishikawa" },
    Prefecture { code: "18", name: "福井県", roman: "Fukui" },
    Prefecture { code: "19", name: "山梨県", roman: "Yamanashi" },
    Prefecture { code: "20", name: "長野県", roman: "Nagano" },
    Prefecture { code: "21", name: "岐阜県", roman: "Gifu" },
    Prefecture { code: "22", name: "静岡県", roman: "Shizuoka" },
    Prefecture { code: "23", name: "愛知県", roman: "Aichi" },
    Prefecture { code: "24", name: "三重県", roman: "Mie" },
    Prefecture { code: "25", name: "滋賀県", roman: "Shiga" },
    Prefecture { code: "26", name: "京都府", roman: "Kyoto" },
    Prefecture { code: "27", name: "大阪府", roman: "Osaka" },
    Prefecture { code: "28", name: "兵庫県", roman: "Hyogo" },
    Prefecture { code: "29", name: "奈良県", roman: "Nara" },
    Prefecture { code: "30", name: "和歌山県", roman: "Wakayama" },
    Prefecture { code: "31", name: "鳥取県", roman: "Tottori" },
    Prefecture { code: "32", name: "島根県", roman: "Shimane" },
    Prefecture { code: "33", name: "岡山県", roman: "Okayama" },
    Prefecture { code: "34", name: "広島県", roman: "Hiroshima" },
    Prefecture { code: "35", name: "山口県", roman: "Yamaguchi" },
    Prefecture { code: "36", name: "徳島県", roman: "Tokushima" },
    Prefecture { code: "37", name: "香川県", roman: "Kagawa" },
    Prefecture { code: "38", name: "愛媛県", roman: "Ehime" },
    Prefecture { code: "39", name: "高知県", roman: "Kochi" },
    Prefecture { code: "40", name: "福岡県", roman: "Fukuoka" },
    Prefecture { code: "41", name: "佐賀県", roman: "Saga" },
    Prefecture { code: "42", name: "長崎県", roman: "Nagasaki" },
    Prefecture { code: "43", name: "熊本県", roman: "Kumamoto" },
    Prefecture { code: "44", name: "大分県", roman: "Oita" },
    Prefecture { code: "45", name: "宮崎県", roman: "Miyazaki" },
    Prefecture { code: "46", name: "鹿児島県", roman: "Kagoshima" },
    Prefecture { code: "47", name: "沖縄県", roman: "Okinawa" },
];

/// The prefecture that somebody names: `東京都`, `東京`, `Tokyo`, `tokyo-to`, `13`.
pub fn prefecture(named: &str) -> Option<&'static Prefecture> {
    let key = search_key(named);
    let bare = |name: &str| search_key(name.strip_suffix(['都', '府', '県']).unwrap_or(name));
    PREFECTURES.iter().find(|p| {
        let roman = p.roman.to_lowercase();
        let suffix = key.strip_prefix(&roman).map(|rest| rest.trim_start_matches(fold::is_hyphen));
        p.code == key
            || search_key(p.name) == key
            || (p.name != "北海道" && bare(p.name) == key)
            || suffix.is_some_and(|s| matches!(s, "" | "to" | "fu" | "ken" | "prefecture"))
    })
}

/// All municipalities, by code.
pub fn municipalities() -> impl Iterator<Item = Municipality> {
    MUNICIPALITIES.lines().filter_map(read)
}

/// The municipalities of a prefecture (by its code of two digits).
pub fn municipalities_of(prefecture: &str) -> impl Iterator<Item = Municipality> + use<'_> {
    MUNICIPALITIES.lines().filter(move |line| prefecture.len() == 2 && line.starts_with(prefecture)).filter_map(read)
}

/// The municipality of that code of five digits.
pub fn municipality(code: &str) -> Option<Municipality> {
    MUNICIPALITIES.lines().find(|line| code.len() == 5 && line.starts_with(code)).and_then(read)
}

fn read(line: &'static str) -> Option<Municipality> {
    let mut cells = line.split('\t');
    let (code, name, kana, roman) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let prefecture = PREFECTURES.iter().find(|p| code.starts_with(p.code))?;
    Some(Municipality { code, prefecture, name, kana, roman })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_47_prefectures_and_every_municipality_is_in_one() {
        let all: Vec<_> = municipalities().collect();
        assert_eq!(all.len(), MUNICIPALITIES.lines().count());
        assert!(all.len() > 1_800, "{}", all.len());
        let prefectures: BTreeSet<_> = all.iter().map(|m| m.prefecture.code).collect();
        assert_eq!(prefectures.len(), 47);
        assert!(all.iter().all(|m| !m.name.is_empty() && !m.roman.is_empty()));
    }

    #[test]
    fn a_prefecture_is_known_by_any_of_its_names() {
        for named in ["東京都", "東京", "Tokyo", "ＴＯＫＹＯ", "tokyo-to", "13", "Tokyo Prefecture"] {
            assert_eq!(prefecture(named).map(|p| p.name), Some("東京都"), "{named}");
        }
        assert_eq!(prefecture("京都").map(|p| p.name), Some("京都府"));
        assert_eq!(prefecture("Kyoto").map(|p| p.name), Some("京都府"));
        for bad in ["", "都", "Tok", "48", "00"] {
            assert_eq!(prefecture(bad), None, "{bad}");
        }
    }

    #[test]
    fn municipalities_are_listed_by_prefecture() {
        let tokyo: Vec<_> = municipalities_of("13").collect();
        assert!(tokyo.iter().any(|m| m.name == "千代田区") && tokyo.iter().all(|m| m.prefecture.name == "東京都"));
        assert_eq!(municipalities_of("").count() + municipalities_of("1").count(), 0);
        assert_eq!(municipality("13101").map(|m| m.roman), Some("Chiyoda-ku"));
    }
}
