//! Japanese and English.

use axum::http::{HeaderMap, header};

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Japanese,
    English,
}

pub(crate) const COOKIE: &str = "certificate-app-lang";

impl Language {
    /// What was chosen, else what the browser prefers, else Japanese.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
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

    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        match tag {
            "ja" => Some(Self::Japanese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    pub(crate) fn tag(self) -> &'static str {
        self.say("ja", "en")
    }

    /// The text in this language.
    pub(crate) fn say<'t>(self, japanese: &'t str, english: &'t str) -> &'t str {
        match self {
            Self::Japanese => japanese,
            Self::English => english,
        }
    }
}
