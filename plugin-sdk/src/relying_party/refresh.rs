//! Access tokens that stay fresh.

use super::{RelyingParty, SignedIn, session::Hidden, tokens::TokenError};
use madoguchi_domain::{Secret, TokenHash};
use openidconnect::{OAuth2TokenResponse, TokenResponse};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

/// Renewed when less than this is left.
const MARGIN: Duration = Duration::from_secs(30);

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// It has run out and cannot be renewed, or the login has ended: send the person to [`RelyingParty::login_path`].
    #[error("the person has to log in again")]
    LogInAgain,
    /// The provider or the session store cannot be reached; the old token has run out.
    #[error("the access token cannot be renewed now: {0}")]
    Unavailable(String),
}

impl RelyingParty {
    /// An access token that is good for half a minute at least, for calling an API of the provider or one that trusts it.
    /// Renewed with the refresh token when needed (scope `offline_access`); many requests at once renew it once.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn access_token(&self, user: &SignedIn) -> Result<Secret, RefreshError> {
        let enough =
            |session: &super::Session| session.access_token_expires_at.is_none_or(|at| at > self.now() + MARGIN);
        if enough(&user.session) {
            return Ok(Secret::new(&user.session.access_token.0));
        }
        let lock = self.renewal(&user.key);
        let _alone = lock.lock().await;

        let store = |error: super::SessionStoreError| RefreshError::Unavailable(error.0);
        let session = self.0.sessions.get(&user.key).await.map_err(store)?.ok_or(RefreshError::LogInAgain)?;
        if enough(&session) {
            return Ok(Secret::new(&session.access_token.0));
        }
        let refresh_token = session.refresh_token.clone().ok_or(RefreshError::LogInAgain)?;
        let unavailable = |reason: String| RefreshError::Unavailable(reason);
        let known = self.0.provider.known().await.map_err(|error| unavailable(error.to_string()))?;
        let tokens = match self.renew(&known, refresh_token.0).await {
            Ok(tokens) => tokens,
            Err(TokenError::Refused(code)) => {
                tracing::info!(code, "a refresh token was refused; the session ends");
                self.0.sessions.remove(&user.key).await.map_err(store)?;
                return Err(RefreshError::LogInAgain);
            }
            Err(TokenError::Unreachable(reason) | TokenError::Invalid(reason)) => return Err(unavailable(reason)),
        };
        let mut renewed = (*session).clone();
        if tokens.id_token().is_some() {
            let verified = self.verified(known, &tokens, None).await.map_err(|error| unavailable(error.to_string()))?;
            // OpenID Connect Core 1.0 §12.2: still the same person.
            if verified.subject != session.subject {
                self.0.sessions.remove(&user.key).await.map_err(store)?;
                return Err(RefreshError::LogInAgain);
            }
            renewed.claims = verified.claims;
            renewed.id_token = Hidden(verified.id_token);
        }
        let now = self.now();
        renewed.access_token = Hidden(tokens.access_token().secret().clone());
        renewed.access_token_expires_at = tokens.expires_in().map(|span| now + span);
        if let Some(token) = tokens.refresh_token() {
            renewed.refresh_token = Some(Hidden(token.secret().clone()));
        }
        self.0.sessions.put(&user.key, renewed, now).await.map_err(store)?;
        Ok(Secret::new(tokens.access_token().secret()))
    }

    fn renewal(&self, key: &TokenHash) -> Arc<tokio::sync::Mutex<()>> {
        let mut renewing = self.0.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        renewing.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = renewing.get(key).and_then(std::sync::Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        renewing.insert(key.clone(), Arc::downgrade(&lock));
        lock
    }
}
