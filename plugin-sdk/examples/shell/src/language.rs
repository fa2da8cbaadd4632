//! Japanese and English.

use axum::http::{HeaderMap, header};

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Japanese.
    Japanese,
    /// English.
    English,
}

/// The cookie that keeps the choice; the same for all example apps of a host.
pub(crate) const COOKIE: &str = "example-app-lang";

impl Language {
    /// What was chosen, else what the browser prefers, else Japanese.
    pub fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let chosen = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)
            .and_then(|(_, tag)| Self::from_tag(tag));
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|line| line.to_str().ok()).unwrap_or_default();
        chosen
            .or_else(|| wanted.split(',').find_map(|tag| Self::from_tag(tag.trim().get(..2)?)))
            .unwrap_or(Self::Japanese)
    }

    /// By its tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag {
            "ja" => Some(Self::Japanese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// Its tag.
    pub fn tag(self) -> &'static str {
        self.say("ja", "en")
    }

    /// The text in this language.
    pub fn say<'t>(self, japanese: &'t str, english: &'t str) -> &'t str {
        match self {
            Self::Japanese => japanese,
            Self::English => english,
        }
    }
}
