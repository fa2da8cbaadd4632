//! Names of things: opaque, unique over all time, never reused.

use crate::Entropy;
use serde::{Deserialize, Serialize};

/// A tenant's name in URLs, files and cookies: 1–40 of `a–z 0–9 -`, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct TenantSlug(String);

impl TenantSlug {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TenantSlug {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let ok = (1..=40).contains(&s.len())
            && s.starts_with(|c: char| c.is_ascii_lowercase())
            && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        ok.then(|| Self(s.to_owned())).ok_or_else(|| {
            format!("a tenant's slug is 1 to 40 of a-z, 0-9 and hyphen, beginning with a letter; found {s:?}")
        })
    }
}

impl std::fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantSlug {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A fresh one: a prefix that says what it names, and 125 random bits in 25 characters.
            pub fn new(entropy: &dyn Entropy) -> Self {
                Self(format!(concat!($prefix, "_{}"), crate::random::text(entropy, ALPHABET, 25)))
            }
            /// One that was stored or presented. Whether it exists, only the store knows.
            pub fn known(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

/// Crockford's base 32 in lower case: no i, l, o, u.
pub const ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";

ids! {
    /// An account, for life. Its `sub` is another value.
    AccountId "acc";
    /// An application.
    ApplicationId "app";
    /// A draft of an application.
    DraftId "drf";
    /// A stored document image.
    DocumentId "doc";
    /// An enrolment.
    EnrolmentId "enr";
    /// A session, as it may be shown and logged; the cookie's value is another.
    SessionId "ses";
    /// A parked authorization request.
    InteractionId "itx";
    /// A grant: one authorization, the family of its tokens.
    GrantId "grt";
    /// A mail in the outbox.
    MailId "eml";
}
