//! Secrets that cannot be printed, and what may be kept of them.

use crate::Entropy;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Text that must not reach a log, an error or a page: a typed password, a client secret. Wiped when dropped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }
    /// The text; name it only where it is verified, hashed or sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Secret::new)
    }
}

/// A 256-bit random value in 43 base64url characters: a link, a code, a session, an opaque token.
/// It exists in the answer that hands it out; only its [`TokenHash`] is kept.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// A fresh token.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(crate::random::bytes::<32>(entropy))))
    }

    /// A token as somebody presents it; `None` unless it has the exact shape of ours.
    pub fn parse(presented: &str) -> Option<Self> {
        let shaped = presented.len() == 43 && URL_SAFE_NO_PAD.decode(presented).is_ok_and(|b| b.len() == 32);
        shaped.then(|| Self(Zeroizing::new(presented.to_owned())))
    }

    /// The text to hand out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token, base64url: what the database keeps and looks up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of any bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
    }
    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// From the database.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}
