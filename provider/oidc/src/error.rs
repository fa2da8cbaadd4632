//! How requests fail: towards the client as a registered error code, towards the person as a page, inside as a cause.

use madoguchi_store::StoreError;

/// Error codes of RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6, RFC 6750 §3.1 and
/// OpenID Connect Core Unmet Authentication Requirements §2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Malformed, repeated or missing parameter.
    InvalidRequest,
    /// Client authentication failed.
    InvalidClient,
    /// The code or refresh token is not (or no longer) good for this client.
    InvalidGrant,
    /// The scope is unknown, malformed or wider than granted.
    InvalidScope,
    /// The client may not use this grant type or response type.
    UnauthorizedClient,
    /// We do not know the grant type.
    UnsupportedGrantType,
    /// We do not know the response type.
    UnsupportedResponseType,
    /// The person (or we on their behalf) said no.
    AccessDenied,
    /// Nobody is signed in and nothing may be shown.
    LoginRequired,
    /// Consent is missing and nothing may be shown.
    ConsentRequired,
    /// Something else would have to be shown.
    InteractionRequired,
    /// Such a `request` is not supported.
    RequestNotSupported,
    /// Such a `request_uri` is not supported.
    RequestUriNotSupported,
    /// The request object is not good (RFC 9101 §6.2, §7).
    InvalidRequestObject,
    /// `request_uri` names nothing that may be used (RFC 9101 §7).
    InvalidRequestUri,
    /// An essential `acr` cannot be reached.
    UnmetAuthenticationRequirements,
    /// The access token is not good.
    InvalidToken,
    /// The access token's scope does not reach.
    InsufficientScope,
    /// Something is out of order here.
    ServerError,
}

impl ErrorCode {
    /// As it stands in the answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::ServerError => "server_error",
        }
    }
}

/// An error for the client: a code and a sentence for its developer (ASCII, RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolError {
    /// The code.
    pub code: ErrorCode,
    /// For the client's developer; never what was sent.
    pub description: &'static str,
}

impl ProtocolError {
    /// An error.
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description }
    }
}

/// An error that must not travel to a redirect URI: shown to the person, with status 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageError {
    /// The code, as `data-error-code`.
    pub code: ErrorCode,
    /// Which sentence to show: a key below `error.oidc.` in the locale files.
    pub reason: PageReason,
}

/// Why a page is shown in place of an answer to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageReason {
    /// A parameter of the request is missing, malformed or there twice.
    MalformedRequest,
    /// No client has this identifier.
    UnknownClient,
    /// The redirect URI is missing or not registered.
    RedirectUri,
    /// The request object cannot be read, and nothing outside it tells where to answer.
    RequestObject,
    /// The pushed request is unknown, used, too old or another client's.
    PushedRequest,
    /// The flow is unknown, too old, or belongs to another browser.
    UnknownFlow,
    /// The flow was answered before.
    FinishedFlow,
}

impl PageReason {
    /// Key of its sentence below `error.oidc.`.
    pub fn key(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed_request",
            Self::UnknownClient => "unknown_client",
            Self::RedirectUri => "redirect_uri",
            Self::RequestObject => "request_object",
            Self::PushedRequest => "pushed_request",
            Self::UnknownFlow => "unknown_flow",
            Self::FinishedFlow => "finished_flow",
        }
    }
}

impl OidcError {
    /// Whether another try may do: the database is busy or does not answer. 503 with `Retry-After`.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(e) if e.is_unavailable())
    }
}

/// Something is out of order on our side; nothing of it is for the client's or the person's eyes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// A signing key could not be unsealed, or there is none.
    #[error("signing keys: {0}")]
    Keys(String),
    /// A client's metadata was refused at registration.
    #[error("client metadata: {0}")]
    ClientMetadata(String),
    /// What is stored does not make sense.
    #[error("stored data: {0}")]
    Corrupt(String),
}
