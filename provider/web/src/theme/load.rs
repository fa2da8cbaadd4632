//! Themes brought together from their files, checked as a whole.

use super::{
    assets::{Asset, Assets},
    contrast, functions,
    manifest::{Manifest, Palette},
    source::{self, Files},
    texts::Layer,
};
use crate::pages;
use std::{borrow::Cow, collections::BTreeMap, path::Path, sync::Arc};
use tera::Tera;

/// Why themes cannot be loaded. Every message names the theme and the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThemeError {
    /// The folder cannot be read.
    #[error("cannot read the themes in {folder}: {source}")]
    Unreadable {
        /// Where.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is wrong.
    #[error("theme {theme:?}, {file}: {problem}")]
    File {
        /// The theme.
        theme: String,
        /// Path within it.
        file: String,
        /// What is wrong, with the line where there is one.
        problem: String,
    },
    /// Two colours are too close to be read by everybody.
    #[error("theme {theme:?}, {mode}: {front} on {back} has a contrast of {ratio:.2}:1 and needs {needed}:1")]
    Contrast {
        /// The theme, or the tenant whose colours these are.
        theme: String,
        /// `light` or `dark`.
        mode: &'static str,
        /// The token drawn.
        front: &'static str,
        /// The token below it.
        back: &'static str,
        /// What it has.
        ratio: f64,
        /// What it needs.
        needed: f64,
    },
    /// No such theme.
    #[error("there is no theme {0:?}")]
    Unknown(String),
}

impl ThemeError {
    /// A tenant names a theme that does not exist.
    pub fn unknown(name: &str) -> Self {
        Self::Unknown(name.to_owned())
    }
}

/// One theme, ready to render.
pub struct Theme {
    pub(super) name: String,
    pub(super) tera: Tera,
    pub(super) layers: Vec<Arc<Layer>>,
    pub(super) light: Palette,
    pub(super) dark: Palette,
    pub(super) assets: Assets,
}

impl std::fmt::Debug for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Theme").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Theme {
    /// Its name: the folder's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its assets stand: `{prefix}/assets/{name}/{hash}`, without a slash at the end.
    pub fn assets_url(&self, prefix: &str) -> String {
        format!("{prefix}/assets/{}/{}", self.name, self.assets.hash())
    }

    /// The languages in which it has any text of its own, beside those compiled in.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().flat_map(|layer| layer.locales())
    }

    /// The file behind `/assets/{name}/{hash}/{file}`.
    pub fn asset(&self, hash: &str, file: &str) -> Option<Asset> {
        self.assets.get(hash, file).cloned()
    }

    /// All its assets by file name.
    pub fn assets(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.assets.iter()
    }
}

/// Every theme there is.
#[derive(Debug, Clone)]
pub struct Themes {
    by_name: BTreeMap<String, Arc<Theme>>,
    base: Arc<Theme>,
}

impl Themes {
    /// The shipped themes, and those of `external`: a folder of theme folders, each new or in place of a shipped one.
    ///
    /// # Errors
    /// Anything wrong in any theme.
    pub fn load(external: Option<&Path>) -> Result<Self, ThemeError> {
        let mut sources = source::shipped();
        let mut replaced_base = false;
        if let Some(folder) = external {
            let found = source::in_folder(folder)
                .map_err(|source| ThemeError::Unreadable { folder: folder.display().to_string(), source })?;
            for (name, files) in found {
                replaced_base |= name == "base";
                // A replacement may leave files out: what it does not have comes from the shipped one.
                sources.entry(name).or_default().extend(files);
            }
        }
        Self::assemble(&sources, replaced_base)
    }

    pub(super) fn assemble(sources: &BTreeMap<String, Files>, replaced_base: bool) -> Result<Self, ThemeError> {
        let mut parts = BTreeMap::new();
        for (name, files) in sources {
            parts.insert(name.as_str(), Part::read(name, files)?);
        }
        let mut by_name = BTreeMap::new();
        for name in sources.keys() {
            let chain = chain(name, &parts)?;
            by_name.insert(name.clone(), Arc::new(build(name, &chain, replaced_base)?));
        }
        let base = by_name.get("base").cloned().ok_or_else(|| ThemeError::unknown("base"))?;
        Ok(Self { by_name, base })
    }

    /// One theme.
    pub fn get(&self, name: &str) -> Option<Arc<Theme>> {
        self.by_name.get(name).cloned()
    }

    /// The theme for pages that belong to no tenant.
    pub fn base(&self) -> Arc<Theme> {
        Arc::clone(&self.base)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The file behind `/assets/{theme}/{hash}/{file}`.
    pub fn asset(&self, theme: &str, hash: &str, file: &str) -> Option<Asset> {
        self.by_name.get(theme)?.asset(hash, file)
    }
}

/// A theme's own files, read but not yet joined with its parents.
struct Part<'a> {
    manifest: Manifest,
    files: &'a Files,
    layer: Arc<Layer>,
}

fn wrong(theme: &str, file: &str, problem: impl ToString) -> ThemeError {
    ThemeError::File { theme: theme.to_owned(), file: file.to_owned(), problem: problem.to_string() }
}

fn utf8<'a>(theme: &str, path: &str, bytes: &'a [u8]) -> Result<&'a str, ThemeError> {
    std::str::from_utf8(bytes).map_err(|e| wrong(theme, path, format!("not UTF-8: {e}")))
}

impl<'a> Part<'a> {
    fn read(name: &str, files: &'a Files) -> Result<Self, ThemeError> {
        let text = files.get("theme.toml").ok_or_else(|| wrong(name, "theme.toml", "missing"))?;
        let manifest: Manifest =
            toml::from_str(utf8(name, "theme.toml", text)?).map_err(|e| wrong(name, "theme.toml", e))?;
        if manifest.name != name {
            let problem = format!("name is {:?}, the folder's name is {name:?}", manifest.name);
            return Err(wrong(name, "theme.toml", problem));
        }
        let mut layer = Layer::default();
        for (path, bytes) in files {
            if let Some(locale) = path.strip_prefix("locales/").and_then(|f| f.strip_suffix(".toml")) {
                layer.add_toml(locale, utf8(name, path, bytes)?).map_err(|e| wrong(name, path, e))?;
            }
        }
        Ok(Self { manifest, files, layer: Arc::new(layer) })
    }
}

/// The theme and its parents, itself first, `base` last.
fn chain<'p>(name: &str, parts: &'p BTreeMap<&str, Part<'_>>) -> Result<Vec<(&'p str, &'p Part<'p>)>, ThemeError> {
    let mut chain: Vec<(&str, &Part<'_>)> = Vec::new();
    let mut next = Some(name);
    while let Some(wanted) = next {
        let (key, part) = parts
            .get_key_value(wanted)
            .ok_or_else(|| wrong(name, "theme.toml", format!("its parent {wanted:?} does not exist")))?;
        if chain.iter().any(|(seen, _)| seen == key) {
            return Err(wrong(name, "theme.toml", format!("{wanted:?} is its own parent")));
        }
        chain.push((key, part));
        next = part.manifest.parent.as_deref();
    }
    Ok(chain)
}

fn build(name: &str, chain: &[(&str, &Part<'_>)], replaced_base: bool) -> Result<Theme, ThemeError> {
    let light = palette(chain, |m| &m.light)?;
    let dark = palette(chain, |m| &m.dark)?;
    check_contrast(name, &light, &dark)?;
    Ok(Theme {
        name: name.to_owned(),
        tera: templates(name, chain)?,
        // The shipped base is compiled in; it is a layer only when a folder replaced it.
        layers: chain
            .iter()
            .filter(|(theme, _)| *theme != "base" || replaced_base)
            .map(|(_, part)| part.layer.clone())
            .collect(),
        assets: assets(chain, &light, &dark)?,
        light,
        dark,
    })
}

/// Refuses colours that cannot be read; `name` says whose they are.
pub(super) fn check_contrast(name: &str, light: &Palette, dark: &Palette) -> Result<(), ThemeError> {
    for (mode, palette) in [("light", light), ("dark", dark)] {
        if let Some(token) = palette.missing() {
            return Err(wrong(name, "theme.toml", format!("[{mode}] has no colour {token:?}")));
        }
        if let Some((pair, ratio)) = contrast::first_failure(palette) {
            return Err(ThemeError::Contrast {
                theme: name.to_owned(),
                mode,
                front: pair.front,
                back: pair.back,
                ratio,
                needed: pair.ratio,
            });
        }
    }
    Ok(())
}

fn palette(
    chain: &[(&str, &Part<'_>)],
    of: impl Fn(&Manifest) -> &BTreeMap<String, String>,
) -> Result<Palette, ThemeError> {
    let mut palette = Palette::default();
    for (theme, part) in chain.iter().rev() {
        for (token, value) in of(&part.manifest) {
            palette.set(token, value).map_err(|e| wrong(theme, "theme.toml", e))?;
        }
    }
    Ok(palette)
}

fn templates(name: &str, chain: &[(&str, &Part<'_>)]) -> Result<Tera, ThemeError> {
    let mut tera = Tera::default();
    functions::register(&mut tera);
    let prefixes: Vec<String> = chain.iter().map(|(theme, _)| format!("{theme}/")).collect();
    tera.set_fallback_prefixes(prefixes).map_err(|e| wrong(name, "templates", e))?;
    let mut batch: Vec<(String, String)> = Vec::new();
    for (theme, part) in chain {
        for (path, bytes) in part.files {
            if let Some(template) = path.strip_prefix("templates/") {
                let text = utf8(theme, path, bytes)?;
                // The indentation of a page's template is for its author; lines stay, so that errors name the right one.
                let text = if template.ends_with(".html") {
                    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
                } else {
                    text.to_owned()
                };
                batch.push((format!("{theme}/{template}"), text));
            }
        }
    }
    tera.add_raw_templates(batch).map_err(|e| wrong(name, "templates", e))?;
    for template in pages::TEMPLATES.iter().copied().chain(super::render::MAILS.iter().copied()) {
        if !tera.contains_template(template) {
            return Err(wrong(name, &format!("templates/{template}"), "missing, also in its parents"));
        }
    }
    Ok(tera)
}

fn assets(chain: &[(&str, &Part<'_>)], light: &Palette, dark: &Palette) -> Result<Assets, ThemeError> {
    let mut files = BTreeMap::new();
    let mut shape = BTreeMap::new();
    let mut styles = String::new();
    for (theme, part) in chain.iter().rev() {
        shape.extend(part.manifest.shape.iter());
        for (path, bytes) in part.files {
            if let Some(file) = path.strip_prefix("images/").or_else(|| path.strip_prefix("scripts/")) {
                let body = match bytes {
                    Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
                    Cow::Owned(bytes) => bytes::Bytes::copy_from_slice(bytes),
                };
                files.insert(file.to_owned(), Asset::named(file, body));
            }
            if path.starts_with("styles/") && path.ends_with(".css") {
                styles.push_str(utf8(theme, path, bytes)?);
                styles.push('\n');
            }
        }
    }
    let shape: String = shape.into_iter().map(|(name, value)| format!("--{name}:{value};")).collect();
    let style = format!("{}\n{styles}", colours_css(light, dark, &shape));
    files.insert("style.css".to_owned(), Asset::named("style.css", style));
    Ok(Assets::new(files))
}

/// Custom properties for both surroundings. Print is always light.
pub(super) fn colours_css(light: &Palette, dark: &Palette, shape: &str) -> String {
    format!(
        ":root{{color-scheme:light dark;{shape}{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
        light.css(),
        dark.css()
    )
}
