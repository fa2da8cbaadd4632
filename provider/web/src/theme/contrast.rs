//! Which colours meet on a page, and how far apart they have to be.
//!
//! Text asks for 7:1 (WCAG 2.2 §1.4.6), large text and the words on controls for 4.5:1 (§1.4.3), the borders of
//! controls and the focus ring for 3:1 (§1.4.11).

use super::manifest::Palette;

/// A pair of tokens and the contrast that it needs.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// What is drawn.
    pub front: &'static str,
    /// What it is drawn on.
    pub back: &'static str,
    /// The least ratio.
    pub ratio: f64,
}

const fn pair(front: &'static str, back: &'static str, ratio: f64) -> Requirement {
    Requirement { front, back, ratio }
}

/// Every pair that the base styles put together.
pub(super) const REQUIREMENTS: &[Requirement] = &[
    pair("ink", "paper", 7.0),
    pair("ink", "surface", 7.0),
    pair("ink", "field", 7.0),
    pair("ink", "notice", 7.0),
    pair("ink", "success", 7.0),
    pair("ink", "error-surface", 7.0),
    pair("ink", "marked", 7.0),
    pair("quiet", "paper", 7.0),
    pair("quiet", "surface", 7.0),
    pair("link", "paper", 7.0),
    pair("link", "surface", 7.0),
    pair("link", "notice", 7.0),
    pair("error", "paper", 7.0),
    pair("error", "surface", 7.0),
    pair("error", "error-surface", 7.0),
    pair("on-header", "header", 7.0),
    pair("on-footer", "footer", 7.0),
    pair("on-primary", "primary", 4.5),
    pair("on-primary", "primary-strong", 4.5),
    pair("primary", "paper", 4.5),
    pair("primary", "surface", 4.5),
    pair("accent", "paper", 4.5),
    pair("accent", "surface", 4.5),
    pair("control", "paper", 3.0),
    pair("control", "surface", 3.0),
    pair("control", "field", 3.0),
    pair("focus", "paper", 3.0),
    pair("focus", "surface", 3.0),
    pair("focus", "header", 3.0),
    pair("positive", "paper", 4.5),
    pair("positive", "success", 4.5),
];

/// The first pair of `palette` that is too close, with its ratio.
pub(super) fn first_failure(palette: &Palette) -> Option<(Requirement, f64)> {
    REQUIREMENTS.iter().find_map(|needed| {
        let ratio = palette.get(needed.front)?.contrast(palette.get(needed.back)?);
        (ratio < needed.ratio).then_some((*needed, ratio))
    })
}
