//! Security profiles: demands that a client is held to as a whole, whatever single members of its metadata say.
//!
//! What a profile demands stands here; validation refuses metadata that cannot meet it, and the endpoints ask these
//! functions in place of the members.

use super::{ClientMetadata, SigningAlgorithm};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A profile of OAuth 2.0 for clients that have more to protect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProfile {
    /// FAPI 2.0 Security Profile.
    Fapi2Security,
    /// FAPI 2.0 Message Signing, with signed requests and responses: all of the security profile, and both signed.
    Fapi2MessageSigning,
}

impl SecurityProfile {
    /// Whether requests and responses are signed.
    pub fn signs_messages(self) -> bool {
        match self {
            Self::Fapi2Security => false,
            Self::Fapi2MessageSigning => true,
        }
    }
}

/// The longest life of a code under a profile (FAPI 2.0 Security Profile §5.3.2.1).
const CODE_LIFETIME: Duration = Duration::from_secs(60);

impl ClientMetadata {
    /// Whether its requests have to be pushed.
    pub fn must_push(&self) -> bool {
        self.require_pushed_authorization_requests || self.security_profile.is_some()
    }

    /// Whether its requests have to be signed.
    pub fn must_sign(&self) -> bool {
        self.require_signed_request_object || self.signs_messages()
    }

    /// Whether a profile has messages signed: request objects that tell until when they are good, and responses.
    pub fn signs_messages(&self) -> bool {
        self.security_profile.is_some_and(SecurityProfile::signs_messages)
    }

    /// Whether its codes have to be guarded by PKCE: always those of public clients (RFC 9700 §2.1.1).
    pub fn must_use_pkce(&self) -> bool {
        self.require_pkce || self.is_public() || self.security_profile.is_some()
    }

    /// What it may sign with (FAPI 2.0 Security Profile §5.4.1).
    pub fn may_sign_with(&self) -> &'static [SigningAlgorithm] {
        use SigningAlgorithm::{ES256, EdDSA, PS256};
        match self.security_profile {
            None => &SigningAlgorithm::ALL,
            Some(SecurityProfile::Fapi2Security | SecurityProfile::Fapi2MessageSigning) => &[PS256, ES256, EdDSA],
        }
    }

    /// How long its codes live, where the tenant's do for `lifetime`.
    pub fn code_lifetime(&self, lifetime: Duration) -> Duration {
        match self.security_profile {
            None => lifetime,
            Some(SecurityProfile::Fapi2Security | SecurityProfile::Fapi2MessageSigning) => lifetime.min(CODE_LIFETIME),
        }
    }
}
