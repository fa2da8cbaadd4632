//! A grant: one authorization by one account for one client; codes and tokens are its family.

use crate::{
    Timestamp, TokenHash,
    id::{AccountId, GrantId, SessionId},
    session::Authentication,
};

/// A grant as stored.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// For whom.
    pub client_id: String,
    /// By whom.
    pub account: AccountId,
    /// The account's generation when it was given; a later generation ends it.
    pub account_generation: i64,
    /// In which session.
    pub session: SessionId,
    /// Scope tokens, sorted, space-separated.
    pub scope: String,
    /// To be repeated in the ID token.
    pub nonce: Option<String>,
    /// The `claims` parameter as it came (JSON), already validated.
    pub claims: Option<String>,
    /// How and when the person authenticated.
    pub authentication: Authentication,
    /// The exact redirect URI of the request.
    pub redirect_uri: String,
    /// The S256 challenge.
    pub code_challenge: Option<String>,
    /// The enrolment that was chosen, where the request asked for one.
    pub enrolment: Option<crate::id::EnrolmentId>,
    /// Whether the request asked for `max_age` or `auth_time` (then the ID token must have it).
    pub auth_time_requested: bool,
    /// Hash of the code.
    pub code_hash: TokenHash,
    /// When the code dies.
    pub code_expires_at: Timestamp,
    /// When it was redeemed.
    pub code_used_at: Option<Timestamp>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When the whole family ended.
    pub revoked_at: Option<Timestamp>,
}

/// Which of a grant's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// For userinfo and resource servers.
    Access,
    /// For new tokens; each once.
    Refresh,
}

impl TokenKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            TokenKind::Access => "access",
            TokenKind::Refresh => "refresh",
        }
    }
}
