//! Mail addresses: kept as typed, compared in one canonical form, sent in the form that SMTP accepts.

use serde::{Deserialize, Serialize};

/// Domains of Japanese carriers that handed out addresses outside RFC 5321's grammar (`a..b@`, `a.@`); they are sent
/// with a quoted local part.
const LENIENT_DOMAINS: &[&str] =
    &["docomo.ne.jp", "ezweb.ne.jp", "au.com", "t.vodafone.ne.jp", "softbank.ne.jp", "i.softbank.jp"];

/// A mail address that passed [`EmailAddress::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// Why a text is not a mail address that we send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing was typed.
    #[error("empty")]
    Empty,
    /// Longer than 254 characters.
    #[error("longer than 254 characters")]
    TooLong,
    /// Not of the form name@domain.example.
    #[error("not of the form name@domain")]
    Malformed,
}

impl EmailAddress {
    /// Reads an address as people type it: outer white space is dropped and full-width forms are folded to half-width.
    ///
    /// Refused are address literals, domains without a dot, a leading hyphen, several addresses, and control characters.
    pub fn parse(typed: &str) -> Result<Self, EmailError> {
        use unicode_normalization::UnicodeNormalization;
        let folded: String = typed.trim().nfkc().collect();
        if folded.is_empty() {
            return Err(EmailError::Empty);
        }
        if folded.len() > 254 {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = folded.rsplit_once('@').ok_or(EmailError::Malformed)?;
        let domain = domain.to_ascii_lowercase();
        let lenient = LENIENT_DOMAINS.contains(&domain.as_str());
        let local_ok = (1..=64).contains(&local.len())
            && !local.starts_with('-')
            && local.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
            && (lenient || !(local.starts_with('.') || local.ends_with('.') || local.contains("..")));
        let labels: Vec<&str> = domain.split('.').collect();
        let domain_ok = labels.len() >= 2
            && labels.iter().all(|l| {
                (1..=63).contains(&l.len())
                    && !l.starts_with('-')
                    && !l.ends_with('-')
                    && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            })
            && labels.last().is_some_and(|l| l.len() >= 2 && !l.chars().all(|c| c.is_ascii_digit()));
        if local_ok && domain_ok { Ok(Self(format!("{local}@{domain}"))) } else { Err(EmailError::Malformed) }
    }

    /// One that was stored.
    pub fn known(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As typed, its domain in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that two addresses are compared in: lower case ASCII.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The form for SMTP: the local part quoted where RFC 5321 asks for it.
    pub fn for_smtp(&self) -> String {
        match self.0.rsplit_once('@') {
            Some((local, domain)) if local.starts_with('.') || local.ends_with('.') || local.contains("..") => {
                format!("\"{local}\"@{domain}")
            }
            Some(_) | None => self.0.clone(),
        }
    }
}

impl std::fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_typing_and_outer_spaces_are_forgiven() {
        let a = EmailAddress::parse("　Ｔａｒｏ＠Ｅｘａｍｐｌｅ．ＪＰ ").map(|a| a.as_str().to_owned());
        assert_eq!(a, Ok("Taro@example.jp".to_owned()));
    }

    #[test]
    fn old_carrier_addresses_are_accepted_and_quoted_for_smtp() {
        let a = EmailAddress::parse("a..b.@docomo.ne.jp").map(|a| a.for_smtp());
        assert_eq!(a, Ok("\"a..b.\"@docomo.ne.jp".to_owned()));
        assert_eq!(EmailAddress::parse("a..b@example.jp"), Err(EmailError::Malformed));
    }

    #[test]
    fn what_no_mail_server_should_see_is_refused() {
        for bad in [
            "",
            "a",
            "a@b",
            "a@[127.0.0.1]",
            "-oQ/tmp@d.test",
            "a@d.test\r\nBcc: x@y.test",
            "a@d.test,b@d.test",
            "a b@d.test",
            "a@1.2.3.4",
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
