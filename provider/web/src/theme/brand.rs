//! A tenant's own name, logo and colours on top of a theme, without a template.
//!
//! Colours become a small style sheet of their own under `/assets/tenant-{slug}/{hash}/brand.css`; nothing is written
//! into the page. They are checked like a theme's: a tenant whose colours cannot be read is refused.

use super::{
    assets::{Asset, Assets},
    colour::Colour,
    load::{Theme, ThemeError, check_contrast, colours_css},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a tenant's file says about its looks.
#[derive(Debug, Clone, Default)]
pub struct Branding {
    /// The tenant's slug.
    pub tenant: String,
    /// One colour for all: buttons, links and accents are made from it where `light` and `dark` do not say otherwise.
    pub primary: Option<String>,
    /// Colours by token in light surroundings.
    pub light: BTreeMap<String, String>,
    /// Colours by token in dark surroundings.
    pub dark: BTreeMap<String, String>,
    /// The logo's file name and contents.
    pub logo: Option<(String, Vec<u8>)>,
}

/// A logo on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrandImage {
    /// Its address.
    pub url: String,
}

/// A tenant's looks, ready to serve.
#[derive(Debug, Clone)]
pub struct Brand {
    name: String,
    assets: Assets,
    logo: Option<String>,
    has_colours: bool,
}

impl Brand {
    /// Prepares and checks.
    ///
    /// # Errors
    /// An unknown token, something that is not a colour, or too little contrast; named as `tenant …`.
    pub fn prepare(theme: &Theme, branding: &Branding) -> Result<Self, ThemeError> {
        let whose = format!("{} (colours of tenant {})", theme.name(), branding.tenant);
        let wrong = |problem: String| ThemeError::File { theme: whose.clone(), file: "branding".into(), problem };
        let (mut light, mut dark) = (theme.light.clone(), theme.dark.clone());
        if let Some(primary) = &branding.primary {
            let colour: Colour = primary.parse().map_err(wrong)?;
            for (palette, towards) in [(&mut light, Colour::BLACK), (&mut dark, Colour::WHITE)] {
                let backs: Vec<Colour> = ["paper", "surface"].iter().filter_map(|t| palette.get(t)).collect();
                let texts: Vec<Colour> = backs.iter().copied().chain(palette.get("notice")).collect();
                let button = colour.readable_on(&backs, 4.5, towards);
                let word = if button.contrast(Colour::WHITE) >= 4.5 { Colour::WHITE } else { Colour::BLACK };
                let strong = button.mix(if word == Colour::WHITE { Colour::BLACK } else { Colour::WHITE }, 18);
                for (token, value) in [
                    ("primary", button),
                    ("primary-strong", strong),
                    ("on-primary", word),
                    ("accent", button),
                    ("link", colour.readable_on(&texts, 7.0, towards)),
                ] {
                    palette.put(token, value).map_err(wrong)?;
                }
            }
        }
        for (palette, own) in [(&mut light, &branding.light), (&mut dark, &branding.dark)] {
            for (token, value) in own {
                palette.set(token, value).map_err(wrong)?;
            }
        }
        check_contrast(&whose, &light, &dark)?;
        let has_colours = light != theme.light || dark != theme.dark;
        let mut files = BTreeMap::new();
        if has_colours {
            files.insert("brand.css".to_owned(), Asset::named("brand.css", colours_css(&light, &dark, "")));
        }
        if let Some((name, body)) = &branding.logo {
            files.insert(name.clone(), Asset::named(name, body.clone()));
        }
        let logo = branding.logo.as_ref().map(|(name, _)| name.clone());
        Ok(Self { name: format!("tenant-{}", branding.tenant), assets: Assets::new(files), logo, has_colours })
    }

    /// No looks of its own: those of the theme.
    pub fn none(_: &Theme) -> Self {
        Self { name: String::new(), assets: Assets::default(), logo: None, has_colours: false }
    }

    /// The file behind `/assets/{folder}/{hash}/{file}`.
    pub fn asset(&self, folder: &str, hash: &str, file: &str) -> Option<Asset> {
        (folder == self.name).then(|| self.assets.get(hash, file)).flatten().cloned()
    }

    /// The address of the style sheet, where there are colours.
    pub fn stylesheet(&self, prefix: &str) -> Option<String> {
        self.has_colours.then(|| format!("{prefix}/assets/{}/{}/brand.css", self.name, self.assets.hash()))
    }

    /// The logo, where there is one.
    pub fn logo(&self, prefix: &str) -> Option<BrandImage> {
        let name = self.logo.as_ref()?;
        Some(BrandImage { url: format!("{prefix}/assets/{}/{}/{name}", self.name, self.assets.hash()) })
    }
}
