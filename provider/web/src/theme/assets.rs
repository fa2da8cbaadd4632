//! What the browser fetches beside the page: one style sheet, the scripts, the images.
//!
//! A theme's files stand under one content hash, `/assets/{theme}/{hash}/{file}`, so that they may be kept for ever
//! and relative addresses inside the style sheet work.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One file, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The bytes.
    pub body: Bytes,
    /// `Content-Type`.
    pub content_type: &'static str,
}

impl Asset {
    /// A file whose type its name tells.
    pub(super) fn named(name: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), content_type: content_type(name) }
    }
}

/// A theme's files under their common hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Assets {
    hash: String,
    files: BTreeMap<String, Asset>,
}

impl Assets {
    pub(super) fn new(files: BTreeMap<String, Asset>) -> Self {
        Self { hash: hash(files.iter().map(|(name, asset)| (name.as_str(), asset.body.as_ref()))), files }
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    pub(super) fn get(&self, hash: &str, file: &str) -> Option<&Asset> {
        (hash == self.hash).then(|| self.files.get(file)).flatten()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.files.iter().map(|(name, asset)| (name.as_str(), asset))
    }
}

/// 16 hexadecimal digits over names and contents.
pub(super) fn hash<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut digest = Sha256::new();
    for (name, body) in files {
        digest.update(name.as_bytes());
        digest.update([0]);
        digest.update(Sha256::digest(body));
    }
    digest.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
