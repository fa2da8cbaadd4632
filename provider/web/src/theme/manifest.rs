//! `theme.toml`.

use super::colour::Colour;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The tokens that every theme's palette has; `base` sets them all.
pub(super) const TOKENS: &[&str] = &[
    "paper",
    "surface",
    "field",
    "ink",
    "quiet",
    "line",
    "control",
    "primary",
    "primary-strong",
    "on-primary",
    "link",
    "accent",
    "focus",
    "error",
    "error-surface",
    "notice",
    "success",
    "positive",
    "marked",
    "header",
    "on-header",
    "footer",
    "on-footer",
];

/// The file as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The folder's name.
    pub name: String,
    /// The theme that it builds on; none for `base` only.
    #[serde(default)]
    pub parent: Option<String>,
    /// What people call it, by language; for lists of themes.
    #[serde(default)]
    #[expect(dead_code, reason = "for whoever reads the file; nothing lists themes yet")]
    pub title: BTreeMap<String, String>,
    /// Colours in light surroundings.
    #[serde(default)]
    pub light: BTreeMap<String, String>,
    /// Colours in dark surroundings.
    #[serde(default)]
    pub dark: BTreeMap<String, String>,
    /// Measures: `radius`, …; any custom property without its `--`.
    #[serde(default)]
    pub shape: BTreeMap<String, String>,
}

/// Colours by token: the parent's with the theme's own on top.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Palette(BTreeMap<&'static str, Colour>);

impl Palette {
    /// The colour of a token.
    pub fn get(&self, token: &str) -> Option<Colour> {
        self.0.get(token).copied()
    }

    /// Sets one; an unknown token is an error that names it.
    ///
    /// # Errors
    /// Unknown token, or not a colour.
    pub fn set(&mut self, token: &str, value: &str) -> Result<(), String> {
        let colour = value.parse().map_err(|e| format!("{token}: {e}"))?;
        self.put(token, colour)
    }

    pub(super) fn put(&mut self, token: &str, colour: Colour) -> Result<(), String> {
        let token = TOKENS
            .iter()
            .find(|known| **known == token)
            .ok_or_else(|| format!("{token:?} is not a colour of a theme; those are {}", TOKENS.join(", ")))?;
        self.0.insert(token, colour);
        Ok(())
    }

    /// The first token without a colour.
    pub(super) fn missing(&self) -> Option<&'static str> {
        TOKENS.iter().copied().find(|token| !self.0.contains_key(token))
    }

    /// As CSS declarations.
    pub(super) fn css(&self) -> String {
        self.0.iter().fold(String::new(), |mut css, (token, colour)| {
            let _ = write!(css, "--{token}:{colour};");
            css
        })
    }
}
