//! Languages, and texts that a tenant gives in several.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A BCP 47 language tag as catalogues are named: `ja`, `en`, `ja-x-easy`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Locale(String);

impl Locale {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Japanese.
    pub fn ja() -> Self {
        Self("ja".into())
    }
    /// English.
    pub fn en() -> Self {
        Self("en".into())
    }
}

impl std::str::FromStr for Locale {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let ok = (2..=35).contains(&s.len())
            && s.split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
        ok.then(|| Self(s.to_owned())).ok_or_else(|| format!("expected a language tag such as ja or en, found {s:?}"))
    }
}

impl std::fmt::Display for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One text in several languages: `{ ja = "大学", en = "University" }`, or a plain string that serves for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum LocalText {
    /// Nothing was given.
    #[default]
    None,
    /// The same in every language.
    Same(String),
    /// One for each language.
    Each(BTreeMap<Locale, String>),
}

impl LocalText {
    /// The text in `locale`, else in its parent language, else in any; empty when there is none.
    pub fn get(&self, locale: &Locale) -> &str {
        match self {
            LocalText::None => "",
            LocalText::Same(text) => text,
            LocalText::Each(texts) => {
                let parent = locale.as_str().split('-').next().unwrap_or_default();
                texts
                    .get(locale)
                    .or_else(|| texts.iter().find(|(l, _)| l.as_str() == parent).map(|(_, t)| t))
                    .or_else(|| texts.values().next())
                    .map_or("", String::as_str)
            }
        }
    }
    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        match self {
            LocalText::None => true,
            LocalText::Same(text) => text.is_empty(),
            LocalText::Each(texts) => texts.values().all(String::is_empty),
        }
    }
}
