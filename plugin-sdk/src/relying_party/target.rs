//! Where to go after login: only ever a page of this app.

use url::Url;

/// The path and query of `wanted` when it lies in the app at `origin`; it may be a path or a whole URL.
pub(super) fn local(wanted: &str, origin: &Url) -> Option<String> {
    if wanted.len() > 2000 || wanted.chars().any(|c| c.is_control() || c == '\\') {
        return None;
    }
    let url = if wanted.starts_with('/') { origin.join(wanted) } else { Url::parse(wanted) }.ok()?;
    let ours = url.origin() == origin.origin() && url.username().is_empty() && url.password().is_none();
    // A path of two slashes would be read as another host.
    (ours && !url.path().starts_with("//")).then(|| match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_home(wanted: &str) -> Option<String> {
        local(wanted, &Url::parse("https://app.example.jp").unwrap())
    }

    #[test]
    fn paths_and_urls_of_the_app_are_taken() {
        assert_eq!(at_home("/").as_deref(), Some("/"));
        assert_eq!(at_home("/orders?page=2&q=a b").as_deref(), Some("/orders?page=2&q=a%20b"));
        assert_eq!(at_home("https://app.example.jp/orders").as_deref(), Some("/orders"));
        assert_eq!(at_home("https://app.example.jp:443/orders").as_deref(), Some("/orders"));
    }

    #[test]
    fn everything_else_is_refused() {
        for elsewhere in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/..//evil.example",
            "https://evil.example/",
            "http://app.example.jp/",
            "https://app.example.jp:8443/",
            "https://app.example.jp@evil.example/",
            "https://user@app.example.jp/",
            "https://app.example.jp.evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "orders",
            "",
        ] {
            assert_eq!(at_home(elsewhere), None, "{elsewhere:?}");
        }
    }
}
