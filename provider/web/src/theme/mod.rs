//! How everything looks and what it says: themes, texts, assets, and the renderer of pages and mails.
//!
//! A theme is a folder:
//!
//! ```text
//! theme.toml    name, parent, title, colours in light and dark
//! templates/    Tera templates of pages and parts; templates/mail/*.txt for mails
//! styles/       CSS, joined in the order of their names after the parent's
//! images/       served as they are
//! scripts/      served as they are
//! locales/      ja.toml, en.toml, … : texts; only what differs from the parent
//! ```
//!
//! A file replaces the parent's file of the same name, so one template or one text is enough to change every page.
//! `base` holds every page. The shipped themes are embedded in the program; a folder given to [`Themes::load`] adds
//! themes or replaces shipped ones. Everything that can be wrong with a theme is found at load: template errors, a
//! missing page, an unknown colour, too little contrast.

mod assets;
mod brand;
mod colour;
mod contrast;
mod functions;
mod gallery;
mod load;
mod manifest;
mod render;
mod source;
mod texts;

pub use assets::Asset;
pub use brand::{Brand, BrandImage, Branding};
pub use colour::Colour;
pub use contrast::Requirement;
pub use gallery::{Rendered, render_all, write_all};
pub use load::{Theme, ThemeError, Themes};
pub use manifest::Palette;
pub use render::{MailContext, RenderError, RenderedMail, Renderer};
pub use texts::{Layer, Layers, translate};

#[cfg(test)]
mod tests;
