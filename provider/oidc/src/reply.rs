//! An HTTP answer without a framework: what the endpoints for clients return.

use bytes::Bytes;
use serde::Serialize;

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// JSON that must not be kept (RFC 6749 §5.1).
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self {
                status,
                headers: vec![
                    ("content-type", "application/json".into()),
                    ("cache-control", "no-store".into()),
                    ("pragma", "no-cache".into()),
                ],
                body: body.into(),
            },
            Err(_) => Self { status: 500, headers: Vec::new(), body: Bytes::new() },
        }
    }

    /// Text of another type that must not be kept.
    pub(crate) fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.into()), ("cache-control", "no-store".into())],
            body: body.into(),
        }
    }

    /// A rendered JSON document that may be kept for `seconds`.
    pub(crate) fn document(body: Bytes, content_type: &'static str, seconds: u32) -> Self {
        Self {
            status: 200,
            headers: vec![
                ("content-type", content_type.into()),
                ("cache-control", format!("public, max-age={seconds}")),
                ("access-control-allow-origin", "*".into()),
            ],
            body,
        }
    }

    /// The same with one header more.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
