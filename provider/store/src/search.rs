//! What is typed into a search box, as a pattern.

/// A `like` pattern that finds `text` anywhere; its own wildcards are escaped with a backslash. Nothing for nothing.
pub(crate) fn contains(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    #[test]
    fn wildcards_that_people_type_are_only_characters() {
        assert_eq!(super::contains(r"50%_\"), r"%50\%\_\\%");
        assert_eq!(super::contains(""), "");
    }
}
