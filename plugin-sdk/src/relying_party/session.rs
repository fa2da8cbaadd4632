//! Who is logged in, kept on the server.

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::{Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Text that Debug does not show. It is written out for session stores, which have to keep it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hidden(pub(super) String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// One login of one person at this app. Serializes with its tokens: whoever stores it elsewhere guards it as such.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    pub(super) subject: String,
    pub(super) claims: Map<String, Value>,
    pub(super) userinfo: Map<String, Value>,
    pub(super) id_token: Hidden,
    pub(super) access_token: Hidden,
    pub(super) refresh_token: Option<Hidden>,
    pub(super) access_token_expires_at: Option<Timestamp>,
    pub(super) form_key: Hidden,
    pub(super) seen_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) ends_at: Timestamp,
}

impl Session {
    /// Who: the provider's `sub`, the same for ever.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it ends unless something happens before. A store may drop it then.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at.min(self.ends_at)
    }

    pub(super) fn form_token(&self, form: &str) -> String {
        URL_SAFE_NO_PAD
            .encode(Sha256::new().chain_update(&self.form_key.0).chain_update([0]).chain_update(form).finalize())
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("subject", &self.subject)
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

/// Keeps sessions. The key is a hash of the cookie's value: who can read the store cannot log in with it.
///
/// Time limits are checked by the relying party; a store need only forget what [`Session::expires_at`] allows.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a session, in place of an earlier one of this key.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the store cannot.
    async fn put(&self, key: &TokenHash, session: Session, now: Timestamp) -> Result<(), SessionStoreError>;

    /// The session of this key.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the store cannot say.
    async fn get(&self, key: &TokenHash) -> Result<Option<Arc<Session>>, SessionStoreError>;

    /// Forgets a session.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the store cannot.
    async fn remove(&self, key: &TokenHash) -> Result<(), SessionStoreError>;
}

/// The store failed. For the log; no personal data.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SessionStoreError(pub String);

/// Sessions in this process's memory: right for one process; a restart logs everybody out.
///
/// It holds at most as many as it is told; when full, the ones that would end first go first.
#[derive(Debug)]
pub struct MemorySessions {
    most: usize,
    sessions: Mutex<HashMap<TokenHash, Arc<Session>>>,
}

impl MemorySessions {
    /// For at most `most` sessions.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), sessions: Mutex::default() }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TokenHash, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemorySessions {
    fn default() -> Self {
        Self::new(10_000)
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn put(&self, key: &TokenHash, session: Session, now: Timestamp) -> Result<(), SessionStoreError> {
        let mut sessions = self.lock();
        if sessions.len() >= self.most && !sessions.contains_key(key) {
            sessions.retain(|_, session| session.expires_at() > now);
            // Room for a tenth at once, so that a full store does not sort itself at every login.
            let surplus = (sessions.len() + 1).saturating_sub(self.most);
            if surplus > 0 {
                let mut ends: Vec<(Timestamp, TokenHash)> =
                    sessions.iter().map(|(key, session)| (session.expires_at(), key.clone())).collect();
                ends.sort_by_key(|(at, _)| *at);
                for (_, key) in ends.iter().take(surplus.max(self.most / 10)) {
                    sessions.remove(key);
                }
            }
        }
        sessions.insert(key.clone(), Arc::new(session));
        Ok(())
    }

    async fn get(&self, key: &TokenHash) -> Result<Option<Arc<Session>>, SessionStoreError> {
        Ok(self.lock().get(key).cloned())
    }

    async fn remove(&self, key: &TokenHash) -> Result<(), SessionStoreError> {
        self.lock().remove(key);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn session(ends: i64) -> Session {
        Session {
            subject: "s-1".into(),
            claims: Map::new(),
            userinfo: Map::new(),
            id_token: Hidden("secret-id-token".into()),
            access_token: Hidden("secret-access-token".into()),
            refresh_token: Some(Hidden("secret-refresh-token".into())),
            access_token_expires_at: None,
            form_key: Hidden("secret-form-key".into()),
            seen_at: Timestamp(0),
            expires_at: Timestamp(ends),
            ends_at: Timestamp(ends + 1000),
        }
    }

    #[tokio::test]
    async fn memory_is_bounded_and_forgets_what_ends_first() {
        let store = MemorySessions::new(3);
        let key = |n: i64| TokenHash::of(&n.to_be_bytes());
        for n in 1..=10 {
            store.put(&key(n), session(100 + n), Timestamp(0)).await.unwrap();
            assert!(store.len() <= 3);
        }
        assert!(store.get(&key(1)).await.unwrap().is_none());
        assert!(store.get(&key(10)).await.unwrap().is_some());
        store.remove(&key(10)).await.unwrap();
        assert!(store.get(&key(10)).await.unwrap().is_none());
    }

    #[test]
    fn tokens_stay_out_of_debug() {
        let shown = format!("{:?} {:?}", session(1), session(1).id_token);
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn form_tokens_differ_by_form_and_session() {
        let one = session(1);
        let other = Session { form_key: Hidden("another".into()), ..session(1) };
        assert_eq!(one.form_token("a"), one.form_token("a"));
        assert_ne!(one.form_token("a"), one.form_token("b"));
        assert_ne!(one.form_token("a"), other.form_token("a"));
    }
}
