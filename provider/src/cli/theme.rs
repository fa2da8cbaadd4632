//! `theme`: render.

use super::{Failure, Outcome, say};
use crate::config::Settings;
use clap::Subcommand;
use madoguchi_web::theme::{Themes, write_all};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum ThemeCommand {
    /// Write every page in every theme and language, with sample values, into a folder to look at.
    Render {
        /// The folder.
        dir: PathBuf,
    },
}

pub(super) fn run(command: ThemeCommand, settings: &Settings) -> Outcome {
    match command {
        ThemeCommand::Render { dir } => {
            let themes = Themes::load(settings.themes.dir.as_deref()).map_err(|e| Failure::of(&e))?;
            let pages = write_all(&themes, &dir).map_err(|e| Failure::of(&e))?;
            say(format_args!("{pages} pages are in {}", dir.display()));
            Ok(())
        }
    }
}
