//! What is known of the provider: its metadata and keys, fetched when needed and kept for an hour.

use super::{
    SignInError,
    http::{Carrier, HttpClient},
};
use madoguchi_domain::{Clock, Timestamp};
use openidconnect::{
    AdditionalProviderMetadata, IssuerUrl, JsonWebKeySet, ProviderMetadata,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
        CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use url::Url;

/// What discovery may say beyond the crate's own fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct More {
    pub(super) end_session_endpoint: Option<Url>,
    pub(super) authorization_response_iss_parameter_supported: Option<bool>,
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
}

impl AdditionalProviderMetadata for More {}

pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Signatures that this side accepts, if the provider announces them. Never `none`, never a shared secret.
const ACCEPTED: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
];

const KEEP: Duration = Duration::from_secs(3600);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const BETWEEN_KEY_FETCHES: Duration = Duration::from_secs(30);

/// One state of knowledge; replaced as a whole.
pub(super) struct Known {
    pub(super) metadata: Metadata,
    pub(super) algorithms: Vec<CoreJwsSigningAlgorithm>,
    learned_at: Timestamp,
    /// Counts the key sets seen, to tell whether somebody else has fetched a newer one.
    keys: u64,
}

pub(super) struct Provider {
    issuer: IssuerUrl,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    known: RwLock<Option<Arc<Known>>>,
    /// Held while asking, so that a crowd asks once.
    asking: tokio::sync::Mutex<Asking>,
}

#[derive(Default)]
struct Asking {
    failures: u32,
    not_before: Option<Timestamp>,
    keys_not_before: Option<Timestamp>,
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, http: Arc<dyn HttpClient>, clock: Arc<dyn Clock>) -> Self {
        Self { issuer, http, clock, known: RwLock::default(), asking: tokio::sync::Mutex::default() }
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    fn current(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        known
    }

    /// The provider's metadata and keys. What is older than an hour is fetched again; when that fails the old is used
    /// on. Failures are not repeated at once: 1, 2, 4 … 30 seconds must pass.
    pub(super) async fn known(&self) -> Result<Arc<Known>, SignInError> {
        let fresh = |known: &Arc<Known>| self.clock.now().since(known.learned_at) < KEEP;
        if let Some(known) = self.current().filter(fresh) {
            return Ok(known);
        }
        let mut asking = self.asking.lock().await;
        if let Some(known) = self.current().filter(fresh) {
            return Ok(known);
        }
        let now = self.clock.now();
        let pause = asking.not_before.filter(|at| *at > now).map(|at| at.since(now));
        let outcome = match pause {
            Some(retry_after) => {
                Err(SignInError::ProviderUnavailable { reason: "asked a moment ago".into(), retry_after })
            }
            None => self.discover().await.map_err(|reason| {
                asking.failures += 1;
                let retry_after = Duration::from_secs(1 << asking.failures.saturating_sub(1).min(5)).min(LONGEST_PAUSE);
                asking.not_before = Some(now + retry_after);
                SignInError::ProviderUnavailable { reason, retry_after }
            }),
        };
        match outcome {
            Ok(known) => {
                *asking = Asking::default();
                Ok(self.keep(known))
            }
            Err(error) => self.current().ok_or(error),
        }
    }

    async fn discover(&self) -> Result<Known, String> {
        let http = Carrier(self.http.clone());
        let metadata = Metadata::discover_async(self.issuer.clone(), &http)
            .await
            .map_err(|error| format!("discovery: {}", causes(&error)))?;
        self.check_endpoints(&metadata)?;
        let announced = metadata.id_token_signing_alg_values_supported();
        let algorithms: Vec<_> = ACCEPTED.into_iter().filter(|alg| announced.contains(alg)).collect();
        if algorithms.is_empty() {
            return Err("discovery: no signature algorithm in common".into());
        }
        let methods = metadata.additional_metadata().code_challenge_methods_supported.as_ref();
        if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err("discovery: the provider does not know PKCE S256".into());
        }
        Ok(Known { metadata, algorithms, learned_at: self.clock.now(), keys: 0 })
    }

    /// A provider on https must not send the code or the secret over plain http.
    fn check_endpoints(&self, metadata: &Metadata) -> Result<(), String> {
        if metadata.token_endpoint().is_none() {
            return Err("discovery: no token endpoint".into());
        }
        let endpoints = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(|e| e.url()),
            metadata.userinfo_endpoint().map(|e| e.url()),
            metadata.additional_metadata().end_session_endpoint.as_ref(),
        ];
        let schemes: &[&str] = if self.issuer.url().scheme() == "https" { &["https"] } else { &["https", "http"] };
        match endpoints.into_iter().flatten().find(|url| !schemes.contains(&url.scheme())) {
            Some(url) => Err(format!("discovery: {url} is not on https")),
            None => Ok(()),
        }
    }

    /// The keys again, after a token named one that `seen` does not hold. At most once in 30 seconds; `None` when it is
    /// too early or fails.
    pub(super) async fn newer_keys(&self, seen: &Known) -> Option<Arc<Known>> {
        let mut asking = self.asking.lock().await;
        let current = self.current()?;
        if current.keys > seen.keys || current.learned_at > seen.learned_at {
            return Some(current);
        }
        let now = self.clock.now();
        if asking.keys_not_before.is_some_and(|at| at > now) {
            return None;
        }
        asking.keys_not_before = Some(now + BETWEEN_KEY_FETCHES);
        let http = Carrier(self.http.clone());
        match JsonWebKeySet::fetch_async(current.metadata.jwks_uri(), &http).await {
            Ok(keys) => Some(self.keep(Known {
                metadata: current.metadata.clone().set_jwks(keys),
                algorithms: current.algorithms.clone(),
                learned_at: current.learned_at,
                keys: current.keys + 1,
            })),
            Err(error) => {
                tracing::warn!(reason = causes(&error), "the provider's keys could not be fetched");
                None
            }
        }
    }
}

/// An error with its causes in one line. The crate's errors show no secrets and no bodies.
pub(super) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
