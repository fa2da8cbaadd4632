//! Whether applications may register themselves (RFC 7591).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dynamic client registration: off unless the tenant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientRegistrationPolicy {
    /// Whether there is a registration endpoint, for those who hold an initial access token.
    pub enabled: bool,
    /// Whether confidential clients that register themselves have to use PKCE; public ones always have to.
    pub require_pkce: bool,
}

impl Default for ClientRegistrationPolicy {
    fn default() -> Self {
        Self { enabled: false, require_pkce: true }
    }
}
