//! Colours as themes write them, and how well two of them can be told apart (WCAG 2.2, relative luminance).

use std::{fmt, str::FromStr};

/// An opaque sRGB colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    /// Black.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };

    /// Relative luminance, 0 (black) to 1 (white).
    pub fn luminance(self) -> f64 {
        fn linear(channel: u8) -> f64 {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        }
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Contrast ratio, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour with `percent` (0–100) of `other` mixed in.
    pub fn mix(self, other: Self, percent: u8) -> Self {
        let part = u16::from(percent.min(100));
        let channel = |a: u8, b: u8| {
            let mixed = (u16::from(a) * (100 - part) + u16::from(b) * part + 50) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self {
            red: channel(self.red, other.red),
            green: channel(self.green, other.green),
            blue: channel(self.blue, other.blue),
        }
    }

    /// The nearest mixture with `towards` that has at least `ratio` against each of `backgrounds`.
    pub fn readable_on(self, backgrounds: &[Self], ratio: f64, towards: Self) -> Self {
        (0..=100)
            .map(|percent| self.mix(towards, percent))
            .find(|c| backgrounds.iter().all(|b| c.contrast(*b) >= ratio))
            .unwrap_or(towards)
    }
}

impl FromStr for Colour {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a colour such as #12284c, found {text:?}");
        let hex = text.strip_prefix('#').filter(|h| h.len() == 6).ok_or_else(expected)?;
        let value = u32::from_str_radix(hex, 16).map_err(|_| expected())?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}
