//! What OpenID Connect keeps: clients, signing keys, parked requests, grants, tokens, consents.

/// Every statement of these repositories.
pub(crate) const STATEMENTS: &[&str] = &[];
