//! Texts of a tenant as HTML. Raw HTML in them is shown as text, so a tenant's file cannot put a script on a page.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A text whose headings begin at h2 (the page has its own h1).
pub(crate) fn to_html(text: &str) -> String {
    with_contents(text).0
}

/// The same, with the list of its headings: id and text.
#[allow(clippy::wildcard_enum_match_arm, reason = "the parser's many events; nothing is allowed or refused by them")]
pub(crate) fn with_contents(text: &str) -> (String, Vec<(String, String)>) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut contents: Vec<(String, String)> = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Html(raw) | Event::InlineHtml(raw) => events.push(Event::Text(raw)),
            Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
                heading = Some(String::new());
                let id = format!("section-{}", contents.len() + 1);
                events.push(Event::Start(Tag::Heading {
                    level: below(level),
                    id: Some(CowStr::from(id)),
                    classes,
                    attrs,
                }));
            }
            Event::End(TagEnd::Heading(level)) => {
                let id = format!("section-{}", contents.len() + 1);
                contents.push((id, heading.take().unwrap_or_default()));
                events.push(Event::End(TagEnd::Heading(below(level))));
            }
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let safe = ["https://", "http://", "mailto:", "tel:", "/", "#"].iter().any(|p| dest_url.starts_with(p));
                let dest_url = if safe { dest_url } else { CowStr::from("#") };
                events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
            }
            // no remote pictures: their alternative text stays
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            other => {
                if let (Some(text), Event::Text(words) | Event::Code(words)) = (&mut heading, &other) {
                    text.push_str(words);
                }
                events.push(other);
            }
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    (out, contents)
}

/// One level down: a text's h1 becomes the page's h2.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_begin_at_h2_and_are_listed() {
        let (html, contents) = with_contents("# One\n\ntext\n\n## Two *b*\n");
        assert!(html.contains("<h2 id=\"section-1\">One</h2>"), "{html}");
        assert!(html.contains("<h3 id=\"section-2\">"), "{html}");
        assert_eq!(contents, [("section-1".into(), "One".into()), ("section-2".into(), "Two b".into())]);
    }

    #[test]
    fn nothing_in_a_text_can_run() {
        let html = to_html(
            "<script>alert(1)</script>\n\nx <b onclick=x>y</b> [a](javascript:alert(1)) ![p](https://e.example/x.png)",
        );
        assert!(
            !html.contains("<script")
                && !html.contains("<b ")
                && !html.contains("javascript:")
                && !html.contains("<img"),
            "{html}"
        );
    }
}
