//! The files of a theme, wherever they come from.

use include_dir::{Dir, include_dir};
use std::{borrow::Cow, collections::BTreeMap, io, path::Path};

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../themes");

/// Files by path relative to the theme's folder, `/` between the parts.
pub(super) type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// The embedded themes, by name.
pub(super) fn shipped() -> BTreeMap<String, Files> {
    fn collect(dir: &'static Dir<'static>, root: &str, files: &mut Files) {
        for file in dir.files() {
            if let Some(path) = file.path().to_str().and_then(|p| p.strip_prefix(root)) {
                files.insert(path.trim_start_matches('/').to_owned(), Cow::Borrowed(file.contents()));
            }
        }
        for inner in dir.dirs() {
            collect(inner, root, files);
        }
    }
    SHIPPED
        .dirs()
        .filter_map(|dir| {
            let name = dir.path().to_str()?;
            let mut files = Files::new();
            collect(dir, name, &mut files);
            files.contains_key("theme.toml").then(|| (name.to_owned(), files))
        })
        .collect()
}

/// The themes below a folder: every folder in it that has a `theme.toml`.
pub(super) fn in_folder(folder: &Path) -> io::Result<BTreeMap<String, Files>> {
    fn collect(folder: &Path, prefix: &str, files: &mut Files) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                collect(&entry.path(), &format!("{path}/"), files)?;
            } else {
                files.insert(path, Cow::Owned(std::fs::read(entry.path())?));
            }
        }
        Ok(())
    }
    let mut themes = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("theme.toml").is_file() {
            let mut files = Files::new();
            collect(&entry.path(), "", &mut files)?;
            themes.insert(entry.file_name().to_string_lossy().into_owned(), files);
        }
    }
    Ok(themes)
}
