//! A form with files: every text kept, every file read up to its bound and no further.

use crate::visit::Visit;
use axum::{
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    response::Response,
};
use http::StatusCode;
use madoguchi_domain::form::Answers;
use std::collections::BTreeMap;

/// The most parts of a form.
const MOST_PARTS: usize = 400;
/// The most bytes of one text.
const LONGEST_TEXT: usize = 32 * 1024;

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Texts by input.
    pub texts: Answers,
    /// Files by input; those that nobody chose are left out. One byte more than allowed is kept, so that the use case
    /// sees that it is too large.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Sent {
    /// Reads a `multipart/form-data` or an ordinary form.
    pub(super) async fn read(visit: &Visit, request: Request) -> Result<Self, Response> {
        let refuse = |e: &MultipartError| {
            let code = if e.status() == StatusCode::PAYLOAD_TOO_LARGE { "upload_too_large" } else { "malformed_form" };
            visit.error_page(e.status(), code, Some(visit.path.clone()))
        };
        let malformed = || visit.error_page(StatusCode::BAD_REQUEST, "malformed_form", Some(visit.path.clone()));
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| malformed())?;
        let most = visit.tenant.config.settings.documents.max_bytes;
        let mut sent = Self::default();
        let mut count = 0;
        while let Some(mut part) = parts.next_field().await.map_err(|e| refuse(&e))? {
            count += 1;
            let Some(name) = part.name().map(str::to_owned) else { return Err(malformed()) };
            let is_file = part.file_name().is_some();
            let bound = if is_file { most + 1 } else { LONGEST_TEXT };
            if count > MOST_PARTS || sent.texts.contains_key(&name) || sent.files.contains_key(&name) {
                return Err(malformed());
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = part.chunk().await.map_err(|e| refuse(&e))? {
                let room = bound.saturating_sub(bytes.len());
                bytes.extend(chunk.iter().take(room));
            }
            if !is_file {
                sent.texts.insert(name, String::from_utf8(bytes).map_err(|_| malformed())?);
            } else if !bytes.is_empty() || part.file_name().is_some_and(|f| !f.is_empty()) {
                sent.files.insert(name, bytes);
            }
        }
        Ok(sent)
    }

    /// Whether that button was pressed.
    pub(super) fn pressed(&self, button: &str) -> bool {
        self.texts.contains_key(button)
    }

    /// A button whose name begins so: the rest of its name.
    pub(super) fn pressed_with<'a>(&'a self, prefix: &'a str) -> Option<&'a str> {
        self.texts.keys().find_map(|name| name.strip_prefix(prefix))
    }
}
