//! Every page, in every theme and language, with its samples: for the tests, and as files to look at.

use super::{
    load::Themes,
    render::{RenderError, Renderer},
};
use crate::pages::{self, Frame, Page};
use std::{io, path::Path, sync::Arc};

/// One rendered sample.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The theme.
    pub theme: String,
    /// The language.
    pub locale: String,
    /// The page's name as in `data-page`.
    pub page: &'static str,
    /// The sample's name.
    pub sample: &'static str,
    /// The page.
    pub html: String,
}

struct Gallery<'a> {
    renderer: &'a Renderer,
    theme: &'a str,
    locale: &'a str,
    rendered: &'a mut Vec<Rendered>,
}

impl pages::Visitor for Gallery<'_> {
    type Error = RenderError;
    fn visit<P: Page>(&mut self) -> Result<(), RenderError> {
        for (sample, page) in P::samples(self.locale) {
            let assets = self.renderer.theme().assets_url("");
            let frame = Frame::sample(self.theme, self.locale, &assets, P::SIGNED_IN);
            self.rendered.push(Rendered {
                theme: self.theme.to_owned(),
                locale: self.locale.to_owned(),
                page: P::NAME,
                sample,
                html: self.renderer.page(&frame, &page)?,
            });
        }
        Ok(())
    }
}

/// Renders all.
///
/// # Errors
/// The first page that fails.
pub fn render_all(themes: &Themes) -> Result<Vec<Rendered>, RenderError> {
    let mut rendered = Vec::new();
    for name in themes.names() {
        let Some(theme) = themes.get(name) else { continue };
        let renderer = Renderer::new(Arc::clone(&theme), None, 540);
        for locale in ["ja", "en"] {
            pages::visit_all(&mut Gallery { renderer: &renderer, theme: name, locale, rendered: &mut rendered })?;
        }
    }
    Ok(rendered)
}

/// Writes all below `folder`: `{theme}/{locale}/{page}.{sample}.html`, the assets where the pages look for them when
/// `folder` is served as a site's root, and an `index.html` with a link to each.
///
/// # Errors
/// A page that fails, as an error of input; or the file system's.
pub fn write_all(themes: &Themes, folder: &Path) -> io::Result<usize> {
    let rendered = render_all(themes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    for name in themes.names() {
        let Some(theme) = themes.get(name) else { continue };
        let assets = folder.join(theme.assets_url("").trim_start_matches('/'));
        std::fs::create_dir_all(&assets)?;
        for (file, asset) in theme.assets() {
            std::fs::write(assets.join(file), &asset.body)?;
        }
    }
    let mut index = String::from("<!doctype html>\n<html lang=\"en\"><title>Pages</title><h1>Pages</h1>\n<ul>\n");
    for page in &rendered {
        let path = format!("{}/{}/{}.{}.html", page.theme, page.locale, page.page, page.sample);
        let file = folder.join(&path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(file, &page.html)?;
        index.push_str(&format!("<li><a href=\"{path}\">{path}</a>\n"));
    }
    index.push_str("</ul>\n");
    std::fs::write(folder.join("index.html"), index)?;
    Ok(rendered.len())
}
