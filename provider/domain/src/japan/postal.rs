//! Postal codes and the places behind them, without asking anybody.
//!
//! The table is compiled in as compressed blocks (see `build.rs` and `data/README.md`); a lookup inflates one of them. One
//! code may stand for several towns, municipalities, even prefectures: the caller offers the choice and never picks one.

use super::{fold, place};
use flate2::read::DeflateDecoder;
use serde::Serialize;
use std::io::Read;

static BLOCKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/postal.blocks"));
/// For each block its first code and its offset, both `u32` little-endian.
static INDEX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/postal.index"));

/// A place that a postal code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostalPlace {
    /// 東京都.
    pub prefecture: &'static str,
    /// 千代田区.
    pub city: &'static str,
    /// 千代田; empty where the code is the whole municipality's.
    pub town: String,
    /// Tokyo.
    pub prefecture_roman: &'static str,
    /// Chiyoda-ku.
    pub city_roman: &'static str,
    /// The municipality's code of JIS X 0402, five digits.
    pub city_code: &'static str,
}

/// The seven digits of a postal code as people type it: `〒１００−０００１`, `100 0001`, `1000001`.
pub fn parse(typed: &str) -> Option<String> {
    let digits: String =
        fold::half_width(typed).chars().filter(|c| !(c.is_whitespace() || *c == '〒' || fold::is_hyphen(*c))).collect();
    (digits.len() == 7 && digits.chars().all(|c| c.is_ascii_digit())).then_some(digits)
}

/// As people read it: `100-0001`. Anything but seven digits stays as it is.
pub fn display(code: &str) -> String {
    match (code.get(..3), code.get(3..)) {
        (Some(area), Some(rest)) if code.len() == 7 => format!("{area}-{rest}"),
        _ => code.to_owned(),
    }
}

/// The places of a postal code of seven digits; none when the table does not have it. Codes of single large businesses
/// are not in it, so "not found" is no error in what was typed.
pub fn lookup(code: &str) -> Vec<PostalPlace> {
    let seven = code.len() == 7 && code.chars().all(|c| c.is_ascii_digit());
    let Some(wanted) = code.parse().ok().filter(|_| seven) else { return Vec::new() };
    let rows = block_of(wanted).and_then(inflate).unwrap_or_default();
    Rows::of(&rows)
        .skip_while(|row| row.code < wanted)
        .take_while(|row| row.code == wanted)
        .filter_map(|row| {
            let municipality = place::municipality(row.municipality)?;
            Some(PostalPlace {
                prefecture: municipality.prefecture.name,
                city: municipality.name,
                town: row.town.to_owned(),
                prefecture_roman: municipality.prefecture.roman,
                city_roman: municipality.roman,
                city_code: municipality.code,
            })
        })
        .collect()
}

fn inflate(block: &[u8]) -> Option<String> {
    let mut rows = String::new();
    DeflateDecoder::new(block).read_to_string(&mut rows).ok()?;
    Some(rows)
}

/// The rows of a block: each says how much its code is above the one before, and its municipality when that changes.
struct Rows<'a> {
    lines: std::str::Lines<'a>,
    code: u32,
    municipality: &'a str,
}

struct Row<'a> {
    code: u32,
    municipality: &'a str,
    town: &'a str,
}

impl<'a> Rows<'a> {
    fn of(block: &'a str) -> Self {
        Self { lines: block.lines(), code: 0, municipality: "" }
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;
    fn next(&mut self) -> Option<Row<'a>> {
        let mut cells = self.lines.next()?.split('\t');
        self.code = self.code.saturating_add(cells.next()?.parse().unwrap_or(0));
        if let Some(changed) = cells.next().filter(|c| !c.is_empty()) {
            self.municipality = changed;
        }
        Some(Row { code: self.code, municipality: self.municipality, town: cells.next().unwrap_or_default() })
    }
}

/// The compressed block that has `code`, if any has.
fn block_of(code: u32) -> Option<&'static [u8]> {
    let entries = INDEX.len() / 8;
    let number = |at: usize| INDEX.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let (mut low, mut high) = (0, entries);
    while low < high {
        let middle = low + (high - low) / 2;
        if number(middle * 8)? <= code { low = middle + 1 } else { high = middle }
    }
    let entry = low.checked_sub(1)?;
    let start = usize::try_from(number(entry * 8 + 4)?).ok()?;
    let end = number(entry * 8 + 12).and_then(|n| usize::try_from(n).ok()).unwrap_or(BLOCKS.len());
    BLOCKS.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn postal_codes_are_read_as_people_type_them() {
        for typed in ["1000001", "100-0001", "〒１００－０００１", "100ー0001", " 100 0001 ", "〒 100‐0001"]
        {
            assert_eq!(parse(typed).as_deref(), Some("1000001"), "{typed}");
        }
        for bad in ["", "100-001", "10000011", "abc-defg", "１００−０００"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(display("1000001"), "100-0001");
        assert_eq!(display("12"), "12");
    }

    #[test]
    fn the_palace_is_in_chiyoda() {
        let places = lookup("1000001");
        assert_eq!(places.len(), 1);
        assert_eq!((places[0].prefecture, places[0].city, &*places[0].town), ("東京都", "千代田区", "千代田"));
        assert_eq!((places[0].prefecture_roman, places[0].city_roman), ("Tokyo", "Chiyoda-ku"));
    }

    #[test]
    fn a_code_of_two_prefectures_gives_both() {
        let prefectures: BTreeSet<_> = lookup("4980000").into_iter().map(|p| p.prefecture).collect();
        assert_eq!(prefectures, BTreeSet::from(["三重県", "愛知県"]));
    }

    #[test]
    fn what_is_no_code_finds_nothing() {
        for code in ["", "0000000", "9999999", "100-0001", "100000", "abcdefg", "+100001"] {
            assert!(lookup(code).is_empty(), "{code}");
        }
    }

    #[test]
    fn every_block_can_be_read_and_every_first_and_last_code_found() {
        let (mut rows, mut codes) = (0, BTreeSet::new());
        for entry in 0..INDEX.len() / 8 {
            let first = u32::from_le_bytes(INDEX[entry * 8..entry * 8 + 4].try_into().unwrap());
            let text = inflate(block_of(first).unwrap()).unwrap();
            let found: Vec<u32> = Rows::of(&text).map(|row| row.code).collect();
            rows += found.len();
            codes.extend(found.iter().copied());
            for code in [found[0], found[found.len() - 1]] {
                assert!(!lookup(&format!("{code:07}")).is_empty(), "{code}");
            }
        }
        assert_eq!((rows, codes.len()), (124_187, 120_720));
    }
}
