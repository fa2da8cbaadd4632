//! The strict front: parameters of a query or a form, before anything else looks at them.
//!
//! A parameter that comes twice is remembered as such and refused by whoever asks for it (RFC 6749 §3.1); unknown
//! ones are ignored, an empty one counts as absent (ibid.). Bounds: 256 parameters, 64 KiB in all, and by name as
//! in [`limit`].

use crate::error::{ErrorCode, ProtocolError};
use percent_encoding::percent_decode;
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

/// The most parameters that are read.
const MOST_PARAMETERS: usize = 256;
/// The most bytes that are read.
const MOST_BYTES: usize = 64 * 1024;

/// The longest value accepted for a parameter, in bytes.
fn limit(name: &str) -> usize {
    match name {
        "state" | "redirect_uri" | "post_logout_redirect_uri" => 2048,
        "scope" | "nonce" | "acr_values" | "ui_locales" | "claims_locales" => 1024,
        "client_id" | "login_hint" | "logout_hint" | "client_secret" | "code" | "refresh_token" => 512,
        "response_type"
        | "response_mode"
        | "prompt"
        | "display"
        | "max_age"
        | "code_challenge_method"
        | "code_challenge"
        | "code_verifier"
        | "grant_type"
        | "client_assertion_type" => 256,
        // claims, id_token_hint, client_assertion, request, and whatever we do not know
        _ => 16 * 1024,
    }
}

/// Parameters as they came.
#[derive(Debug, Clone, Default)]
pub struct Params {
    values: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
    malformed: Option<&'static str>,
}

impl Params {
    /// Reads a query and/or a body of type `application/x-www-form-urlencoded`. A parameter in both counts as
    /// repeated. Never fails: what is wrong is told by [`Params::check`], once it is known to whom.
    pub fn read(query: Option<&str>, body: Option<&[u8]>) -> Self {
        let mut params = Self::default();
        let total = query.map_or(0, str::len) + body.map_or(0, <[u8]>::len);
        if total > MOST_BYTES {
            params.malformed = Some("the request is too large");
            return params;
        }
        for source in [query.map(str::as_bytes), body].into_iter().flatten() {
            for pair in source.split(|b| *b == b'&').filter(|p| !p.is_empty()) {
                let mut halves = pair.splitn(2, |b| *b == b'=');
                let name = decode(halves.next().unwrap_or_default());
                let value = decode(halves.next().unwrap_or_default());
                match (name, value) {
                    (Some(name), Some(value)) => params.insert(name, value),
                    _ => params.malformed = Some("a parameter is not UTF-8"),
                }
            }
        }
        params
    }

    /// Parameters from pairs; for parked requests and tests.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut params = Self::default();
        for (name, value) in pairs {
            params.insert(name.into(), value.into());
        }
        params
    }

    /// The same without those of these names.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        Self::from_pairs(self.pairs().filter(|(name, _)| !names.contains(name)))
    }

    /// The same with this value for a parameter, whatever it had before.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.repeated.remove(name);
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The names that came, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    fn insert(&mut self, name: String, value: String) {
        if self.values.len() + self.repeated.len() >= MOST_PARAMETERS {
            self.malformed = Some("too many parameters");
            return;
        }
        if value.len() > limit(&name) {
            self.malformed = Some("a parameter is too long");
        }
        match self.values.entry(name) {
            Entry::Occupied(first) => {
                self.repeated.insert(first.key().clone());
            }
            Entry::Vacant(free) => {
                free.insert(value);
            }
        }
    }

    /// The value; `None` when absent, empty, or there twice.
    pub fn get(&self, name: &str) -> Option<&str> {
        if self.repeated.contains(name) {
            return None;
        }
        self.values.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// Whether it came more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.contains(name)
    }

    /// Whether nothing came at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// `invalid_request` when any parameter came twice, was too long or not readable.
    pub fn check(&self) -> Result<(), ProtocolError> {
        if !self.repeated.is_empty() {
            return Err(ProtocolError::new(ErrorCode::InvalidRequest, "a parameter is there more than once"));
        }
        match self.malformed {
            Some(what) => Err(ProtocolError::new(ErrorCode::InvalidRequest, what)),
            None => Ok(()),
        }
    }

    /// All parameters, each once.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

/// Decodes one half of a pair: `+` is a space, `%XX` a byte. `None` when the result is not UTF-8.
pub(crate) fn decode(half: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = half.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_neither_of_its_values() {
        for (query, body) in [("state=a&state=b", ""), ("state=a", "state=b"), ("state=a&%73tate=a", "")] {
            let params = Params::read(Some(query), Some(body.as_bytes()));
            assert_eq!(params.get("state"), None, "{query} {body}");
            assert_eq!(params.check().map_err(|e| e.code), Err(ErrorCode::InvalidRequest));
        }
    }

    #[test]
    fn values_arrive_byte_for_byte() {
        let params = Params::read(Some("state=a%26b+c%E3%81%82&unknown=1"), None);
        assert_eq!(params.get("state"), Some("a&b cあ"));
        assert!(params.check().is_ok());
    }

    #[test]
    fn long_values_bad_utf8_and_floods_are_refused() {
        let long = format!("state={}", "x".repeat(2049));
        let flood: Vec<String> = (0..257).map(|n| format!("p{n}=1")).collect();
        for bad in [long.as_str(), "state=%FF", flood.join("&").as_str()] {
            assert!(Params::read(Some(bad), None).check().is_err());
        }
        let fits = format!("state={}", "x".repeat(2048));
        assert!(Params::read(Some(&fits), None).check().is_ok());
    }

    #[test]
    fn an_empty_value_counts_as_absent() {
        assert_eq!(Params::read(Some("prompt=&nonce"), None).get("prompt"), None);
    }
}
