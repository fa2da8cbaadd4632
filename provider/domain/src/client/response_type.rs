//! What an authorization response carries (OAuth 2.0 Multiple Response Types §3 and §5).

/// One of the response types that we know: a code, tokens in the front channel, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseType {
    /// A code for the token endpoint.
    pub code: bool,
    /// An ID token.
    pub id_token: bool,
    /// An access token.
    pub token: bool,
}

impl ResponseType {
    /// The one that RFC 9700 §2.1.2 recommends.
    pub const CODE: Self = Self { code: true, id_token: false, token: false };

    /// All that we know. `token` alone is none of them: nothing binds it to the person who signed in.
    pub const ALL: [Self; 6] = [
        Self::CODE,
        Self { code: false, id_token: true, token: false },
        Self { code: false, id_token: true, token: true },
        Self { code: true, id_token: true, token: false },
        Self { code: true, id_token: false, token: true },
        Self { code: true, id_token: true, token: true },
    ];

    /// Reads the space-separated form; the order means nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut found = Self { code: false, id_token: false, token: false };
        for word in text.split(' ') {
            let part = match word {
                "code" => &mut found.code,
                "id_token" => &mut found.id_token,
                "token" => &mut found.token,
                _ => return None,
            };
            if std::mem::replace(part, true) {
                return None;
            }
        }
        Self::ALL.contains(&found).then_some(found)
    }

    /// The space-separated form as registered with IANA.
    pub fn as_str(self) -> &'static str {
        match (self.code, self.id_token, self.token) {
            (true, true, true) => "code id_token token",
            (true, true, false) => "code id_token",
            (true, false, true) => "code token",
            (true, false, false) => "code",
            (false, true, true) => "id_token token",
            (false, true, false) => "id_token",
            (false, false, _) => "token",
        }
    }

    /// Whether tokens travel through the browser: the implicit and the hybrid types.
    pub fn is_front_channel(self) -> bool {
        self.id_token || self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_in_any_order_and_nothing_else_does() {
        for known in ResponseType::ALL {
            assert_eq!(ResponseType::parse(known.as_str()), Some(known));
            let turned: Vec<&str> = known.as_str().split(' ').rev().collect();
            assert_eq!(ResponseType::parse(&turned.join(" ")), Some(known));
        }
        for unknown in ["", "token", "none", "code code", "code  id_token", "Code", "code id_token token code"] {
            assert_eq!(ResponseType::parse(unknown), None, "{unknown}");
        }
    }
}
