//! The difference between two sets of files, for people.

use madoguchi_domain::tenant::TenantFiles;
use std::collections::BTreeSet;

/// How one file differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// The file's path below the tenant's folder.
    pub file: String,
    /// A unified diff; one line saying so for what is not text.
    pub text: String,
}

/// Every file that differs, by name.
pub(super) fn between(old: &TenantFiles, new: &TenantFiles) -> Vec<FileDiff> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| FileDiff { file: name.clone(), text: file(name, old.get(name), new.get(name)) })
        .collect()
}

fn file(name: &str, old: Option<&Vec<u8>>, new: Option<&Vec<u8>>) -> String {
    let text = |bytes: Option<&Vec<u8>>| std::str::from_utf8(bytes.map_or(&[], Vec::as_slice)).map(str::to_owned);
    match (text(old), text(new)) {
        (Ok(before), Ok(after)) => {
            let label = |present: bool, side: &str| if present { format!("{side}/{name}") } else { "/dev/null".into() };
            similar::TextDiff::from_lines(&before, &after)
                .unified_diff()
                .context_radius(3)
                .header(&label(old.is_some(), "in force"), &label(new.is_some(), "given"))
                .to_string()
        }
        (Err(_), _) | (_, Err(_)) => {
            let size = |bytes: Option<&Vec<u8>>| bytes.map_or("absent".to_owned(), |b| format!("{} bytes", b.len()));
            format!("{name}: not text; {} in force, {} given\n", size(old), size(new))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_an_added_and_a_removed_file_are_shown_and_equal_ones_are_not() {
        let files = |pairs: &[(&str, &[u8])]| -> TenantFiles {
            pairs.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect()
        };
        let old =
            files(&[("a.toml", b"x = 1\ny = 2\n"), ("gone.md", b"bye\n"), ("same", b"s"), ("logo.png", b"\xff1")]);
        let new = files(&[("a.toml", b"x = 1\ny = 3\n"), ("new.md", b"hi\n"), ("same", b"s"), ("logo.png", b"\xff22")]);
        let diffs = between(&old, &new);
        assert_eq!(
            diffs.iter().map(|d| d.file.as_str()).collect::<Vec<_>>(),
            ["a.toml", "gone.md", "logo.png", "new.md"]
        );
        assert!(diffs[0].text.contains("-y = 2\n+y = 3\n"), "{}", diffs[0].text);
        assert!(diffs[1].text.contains("+++ /dev/null"), "{}", diffs[1].text);
        assert!(diffs[2].text.contains("2 bytes in force, 3 bytes given"), "{}", diffs[2].text);
    }
}
