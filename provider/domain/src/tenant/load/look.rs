//! What a tenant looks like: its logo and colours.

use super::{Problems, TenantFiles, utf8};

/// Largest logo, in bytes.
const MAX_LOGO: usize = 256 * 1024;

/// The logo's bytes and media type.
pub(super) fn logo(files: &TenantFiles, problems: &mut Problems) -> Option<(Vec<u8>, &'static str)> {
    if files.contains_key("logo.svg") && files.contains_key("logo.png") {
        problems.add("logo.png", None, "expected logo.svg or logo.png, not both");
    }
    let (file, media_type) = match (files.contains_key("logo.svg"), files.contains_key("logo.png")) {
        (true, _) => ("logo.svg", "image/svg+xml"),
        (false, true) => ("logo.png", "image/png"),
        (false, false) => return None,
    };
    let bytes = files.get(file)?;
    if bytes.len() > MAX_LOGO {
        problems.add(file, None, format!("expected at most {MAX_LOGO} bytes, found {}", bytes.len()));
    }
    if media_type == "image/png" {
        if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            problems.add(file, None, "expected a PNG image");
        }
    } else {
        let text = utf8(files, file, problems)?;
        if !text.contains("<svg") {
            problems.add(file, None, "expected an SVG image");
        }
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_ascii_lowercase();
            for active in ["<script", "<!entity", "<foreignobject", "javascript:", "<iframe", "@import"] {
                if lower.contains(active) {
                    problems.add(file, Some(number + 1), format!("{active} is not allowed in a logo"));
                }
            }
            if has_handler(&lower) {
                problems.add(file, Some(number + 1), "event handlers are not allowed in a logo");
            }
        }
    }
    Some((bytes.clone(), media_type))
}

/// ` onload=` and its like.
fn has_handler(line: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || c == '"' || c == '\'').any(|word| {
        word.split_once('=').is_some_and(|(name, _)| {
            name.strip_prefix("on").is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_lowercase()))
        })
    })
}

/// Whether a text is a colour `#rrggbb`.
pub(super) fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()))
}
