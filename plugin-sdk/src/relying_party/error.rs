//! What can go wrong between pressing "log in" and being logged in.

use axum::http::StatusCode;
use std::time::Duration;

/// Why somebody is not logged in. What a page shows is [`SignInError::code`] and a message; the reason is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The answer belongs to no login that this browser started, or to one started too long ago.
    #[error("no login under way in this browser")]
    Expired,
    /// The person, or the provider for them, said no.
    #[error("access denied")]
    Denied,
    /// The provider refused the request, with this error code of OAuth 2.0 or OpenID Connect.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The provider's answer does not hold: a wrong issuer, signature, nonce, time, audience.
    #[error("the provider's answer is not valid: {0}")]
    InvalidAnswer(String),
    /// Whoever sent the browser to the login page sent it wrongly: another issuer, a target outside this app.
    #[error("not a valid login request: {0}")]
    InvalidRequest(&'static str),
    /// The provider cannot be reached.
    #[error("the provider is unavailable: {reason}")]
    ProviderUnavailable {
        /// What failed.
        reason: String,
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The app's own session store failed.
    #[error("the session store is unavailable: {0}")]
    SessionsUnavailable(String),
}

impl SignInError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expired => "login-expired",
            Self::Denied => "access-denied",
            Self::Refused(_) => "login-refused",
            Self::InvalidAnswer(_) => "invalid-answer",
            Self::InvalidRequest(_) => "invalid-request",
            Self::ProviderUnavailable { .. } => "provider-unavailable",
            Self::SessionsUnavailable(_) => "sessions-unavailable",
        }
    }

    /// The status of the page that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Expired | Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Refused(_) | Self::InvalidAnswer(_) => StatusCode::BAD_GATEWAY,
            Self::ProviderUnavailable { .. } | Self::SessionsUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What to tell the person, in Japanese or English: what happened and what to do.
    pub fn message(&self, japanese: bool) -> &'static str {
        let (ja, en) = match self {
            Self::Expired => (
                "ログインの手続きが見つかりません。時間がたちすぎたか、別のブラウザーで始めたものです。もう一度ログインしてください。",
                "This login is not known here. It took too long, or was started in another browser. Log in again.",
            ),
            Self::Denied => (
                "ログインは取り消されました。続けるには、もう一度ログインしてください。",
                "The login was cancelled. Log in again to go on.",
            ),
            Self::Refused(_) => (
                "ログインの窓口がこの依頼を受け付けませんでした。もう一度お試しいただき、続くようでしたらこのアプリの担当者にお知らせください。",
                "The login service did not accept the request. Try again, and tell the people who run this app if it goes on.",
            ),
            Self::InvalidAnswer(_) => (
                "ログインの窓口からの返事を確認できませんでした。安全のためログインしていません。もう一度お試しください。",
                "The login service's answer could not be verified. To be safe, you were not logged in. Try again.",
            ),
            Self::InvalidRequest(_) => (
                "このリンクではログインを始められません。このアプリの最初のページから始めてください。",
                "This link cannot start a login. Begin at the first page of this app.",
            ),
            Self::ProviderUnavailable { .. } => (
                "ログインの窓口につながりません。しばらくしてからもう一度お試しください。",
                "The login service cannot be reached. Try again in a little while.",
            ),
            Self::SessionsUnavailable(_) => (
                "ただいまログインできません。しばらくしてからもう一度お試しください。",
                "Login is not possible right now. Try again in a little while.",
            ),
        };
        if japanese { ja } else { en }
    }
}
