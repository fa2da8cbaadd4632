//! The signing keys of each tenant: made at first start, sealed at rest, rotated with overlap, published as a key set.

mod signing;

use crate::{Oidc, OidcError, Reply, TenantView, jws::VerificationKey};
use async_trait::async_trait;
use bytes::Bytes;
use madoguchi_domain::{
    TenantSlug, Timestamp,
    audit::{Action, Actor, AuditEvent},
    client::SigningAlgorithm,
};
use madoguchi_store::oidc::signing_keys::StoredKey;
use openidconnect::core::CoreJsonWebKeySet;
pub(crate) use signing::SigningKey;
pub(crate) use signing::core;
use signing::{Fresh, generate};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Seals private keys before they are stored. The service's vault implements it; tenant, purpose and id are bound into
/// what is sealed, so that a row moved elsewhere does not open.
#[async_trait]
pub trait Sealer: Send + Sync + 'static {
    /// Seals `plain`.
    async fn seal(&self, tenant: &TenantSlug, purpose: &str, id: &str, plain: &[u8]) -> Result<Vec<u8>, SealError>;
    /// Opens what was sealed under the same names.
    async fn open(
        &self,
        tenant: &TenantSlug,
        purpose: &str,
        id: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError>;
}

/// A key that could not be sealed or opened: another master key, or a damaged row.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SealError(pub String);

/// What is sealed here.
const PURPOSE: &str = "signing_key";
/// How long the key set may be kept by others, in seconds.
const JWKS_MAX_AGE: u32 = 300;
/// On top of the longest life of what a retired key signed: caches and clocks that differ.
const MARGIN: Duration = Duration::from_secs(3600);
/// How many keys are made at the same time; RSA keeps a core busy for a while.
const MAKERS: usize = 2;

/// A signing key as told to operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReport {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Algorithm.
    pub algorithm: SigningAlgorithm,
    /// Whether it signs.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on a retired one is no longer published.
    pub remove_after: Option<Timestamp>,
}

/// A tenant's keys in memory.
pub(crate) struct Ring {
    generation: i64,
    signing: Vec<SigningKey>,
    /// Active and retired ones, to verify what we signed.
    pub(crate) verification: Vec<VerificationKey>,
    jwks: Bytes,
    /// When a retired key's time is over and the ring has to be read again.
    until: Option<Timestamp>,
}

impl Ring {
    /// The key for an algorithm.
    pub(crate) fn signer(&self, algorithm: SigningAlgorithm) -> Option<&SigningKey> {
        self.signing.iter().find(|key| key.algorithm == algorithm)
    }
    /// Algorithms that there are keys for, in the order of the enumeration.
    pub(crate) fn algorithms(&self) -> Vec<SigningAlgorithm> {
        SigningAlgorithm::ALL.into_iter().filter(|a| self.signer(*a).is_some()).collect()
    }
}

impl Oidc {
    /// GET jwks (RFC 7517 §5).
    pub async fn jwks(&self, tenant: &TenantView) -> Result<Reply, OidcError> {
        let ring = self.ring(tenant).await?;
        Ok(Reply::document(ring.jwks.clone(), "application/jwk-set+json", JWKS_MAX_AGE))
    }

    /// Makes the keys that a tenant lacks, two at a time, and returns whether any was made. Slow (RSA): call it at
    /// start and after a tenant was applied. A key that is there but cannot be opened is an error, never replaced.
    pub async fn ensure_keys(&self, tenant: &TenantView) -> Result<bool, OidcError> {
        let store = self.0.database.tenant(tenant.slug());
        let lacking = |there: &[StoredKey]| -> Vec<SigningAlgorithm> {
            let mut wanted = tenant.tokens().algorithms.clone();
            wanted.sort_unstable();
            wanted.dedup();
            wanted.retain(|a| !there.iter().any(|key| key.active && key.algorithm == *a));
            wanted
        };
        let missing = lacking(&store.signing_keys().all().await?);
        if missing.is_empty() {
            return Ok(false);
        }
        let fresh = self.make(tenant.slug(), &missing).await?;
        let mut tx = store.begin().await?;
        // First, as it locks the tenant's row: of two nodes that start together, the second finds the first one's keys.
        tx.configuration().announce().await?;
        let missing = lacking(&tx.signing_keys().all().await?);
        for key in fresh.iter().filter(|key| missing.contains(&key.algorithm)) {
            tx.signing_keys().insert(key).await?;
        }
        tx.commit().await?;
        self.reload(tenant).await?;
        Ok(true)
    }

    /// New active keys, at once; the old ones stay published until whatever they signed has expired.
    pub async fn rotate_keys(&self, tenant: &TenantView, actor: Actor) -> Result<Vec<KeyReport>, OidcError> {
        let mut wanted = tenant.tokens().algorithms.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let fresh = self.make(tenant.slug(), &wanted).await?;
        let now = self.0.clock.now();
        let policy = tenant.tokens();
        let session = tenant.config.settings.session.absolute.duration();
        let longest = policy.id_token_lifetime.duration().max(policy.access_token_lifetime.duration()).max(session);
        let mut tx = self.0.database.tenant(tenant.slug()).begin().await?;
        tx.configuration().announce().await?;
        for old in tx.signing_keys().all().await?.iter().filter(|key| key.active) {
            tx.signing_keys().retire(&old.kid, now, now + longest + MARGIN).await?;
        }
        for key in &fresh {
            tx.signing_keys().insert(key).await?;
            let event = AuditEvent {
                at: now,
                actor: actor.clone(),
                action: Action::KeyRotated,
                subject: key.kid.clone(),
                detail: serde_json::json!({"alg": key.algorithm.as_str()}),
                source_ip: None,
            };
            tx.audit().append(&event).await?;
        }
        tx.commit().await?;
        self.reload(tenant).await?;
        self.keys(tenant).await
    }

    /// The keys of a tenant, oldest first.
    pub async fn keys(&self, tenant: &TenantView) -> Result<Vec<KeyReport>, OidcError> {
        let keys = self.0.database.tenant(tenant.slug()).signing_keys().all().await?;
        let report = |key: StoredKey| KeyReport {
            kid: key.kid,
            algorithm: key.algorithm,
            active: key.active,
            created_at: key.created_at,
            remove_after: key.remove_after,
        };
        Ok(keys.into_iter().map(report).collect())
    }

    /// The tenant's keys at its generation, from memory where they are.
    pub(crate) async fn ring(&self, tenant: &TenantView) -> Result<Arc<Ring>, OidcError> {
        if let Some(ring) = self.held_ring(tenant) {
            return Ok(ring);
        }
        let _alone = self.0.rings.loading().await;
        if let Some(ring) = self.held_ring(tenant) {
            return Ok(ring);
        }
        self.read_ring(tenant, tenant.generation).await
    }

    fn held_ring(&self, tenant: &TenantView) -> Option<Arc<Ring>> {
        let now = self.0.clock.now();
        self.0
            .rings
            .get(tenant.slug())
            .filter(|ring| ring.generation >= tenant.generation && ring.until.is_none_or(|until| now < until))
    }

    /// Reads the keys again after a change made here.
    async fn reload(&self, tenant: &TenantView) -> Result<(), OidcError> {
        let _alone = self.0.rings.loading().await;
        let generation = self.0.database.tenant(tenant.slug()).configuration().generation().await?;
        self.read_ring(tenant, generation.unwrap_or(tenant.generation)).await.map(drop)
    }

    async fn read_ring(&self, tenant: &TenantView, generation: i64) -> Result<Arc<Ring>, OidcError> {
        let now = self.0.clock.now();
        let mut stored = self.0.database.tenant(tenant.slug()).signing_keys().all().await?;
        stored.retain(|key| key.remove_after.is_none_or(|end| now < end));
        let until = stored.iter().filter_map(|key| key.remove_after).min();
        let mut ring = Ring { generation, signing: Vec::new(), verification: Vec::new(), jwks: Bytes::new(), until };
        let mut published = Vec::new();
        // The newest first: of two active keys of one algorithm the newer one signs.
        for key in stored.iter().rev() {
            let (public, verification) = signing::public(&key.public_jwk)
                .ok_or_else(|| OidcError::Keys(format!("the public key {} cannot be read", key.kid)))?;
            published.push(public);
            ring.verification.push(verification);
            if key.active {
                let opened = self.0.sealer.open(tenant.slug(), PURPOSE, &key.kid, &key.sealed_private).await;
                let private = opened.map_err(|e| OidcError::Keys(format!("the key {}: {e}", key.kid)))?;
                ring.signing.push(SigningKey::open(key.algorithm, &key.kid, &private)?);
            }
        }
        let set = CoreJsonWebKeySet::new(published);
        ring.jwks = serde_json::to_vec(&set).map_err(|e| OidcError::Keys(e.to_string()))?.into();
        let ring = Arc::new(ring);
        self.0.rings.put(tenant.slug(), Arc::clone(&ring));
        Ok(ring)
    }

    /// Makes one key for each algorithm and seals it.
    async fn make(&self, tenant: &TenantSlug, wanted: &[SigningAlgorithm]) -> Result<Vec<StoredKey>, OidcError> {
        let makers = Arc::new(Semaphore::new(MAKERS));
        let mut running = Vec::new();
        for algorithm in wanted.iter().copied() {
            let (makers, entropy) = (Arc::clone(&makers), Arc::clone(&self.0.entropy));
            running.push(tokio::spawn(async move {
                let _place = makers.acquire_owned().await;
                tokio::task::spawn_blocking(move || generate(algorithm, &*entropy)).await
            }));
        }
        let gone = |_| OidcError::Keys("the making of a key was interrupted".into());
        let mut made = Vec::new();
        for task in running {
            let Fresh { algorithm, kid, public_jwk, private } = task.await.map_err(gone)?.map_err(gone)??;
            let sealed = self.0.sealer.seal(tenant, PURPOSE, &kid, &private).await;
            made.push(StoredKey {
                sealed_private: sealed.map_err(|e| OidcError::Keys(format!("the key {kid}: {e}")))?,
                kid,
                algorithm,
                active: true,
                public_jwk,
                created_at: self.0.clock.now(),
                retired_at: None,
                remove_after: None,
            });
        }
        Ok(made)
    }
}
