//! The vault: what is encrypted in the database, and by which key (envelope encryption).
//!
//! The **master key** comes from outside and encrypts nothing but **data keys**, one for each tenant, random, stored
//! wrapped. A data key encrypts the tenant's signing keys and document images with AES-256-GCM. What a piece of
//! ciphertext is (tenant, purpose, id) is authenticated with it, so that one put in another's place does not open.
//!
//! A check value, sealed with the master key when the database is first used, tells a wrong master key at the start;
//! new keys are never made over ones that cannot be opened.

use base64::{Engine, engine::general_purpose::STANDARD};
use madoguchi_domain::{Clock, Entropy, TenantSlug, TokenHash, random};
use madoguchi_store::{Database, StoreError};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use zeroize::Zeroizing;

/// First byte of everything sealed: the form that follows is a key number (4 bytes, big endian), a nonce (12), the
/// ciphertext with its tag (16).
const FORM: u8 = 1;

/// Number of a tenant's data key. More will come with rotation; each piece says its own.
const DATA_KEY: u32 = 1;

/// The key that wraps all others: 32 bytes from a file or the environment.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// From its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::from_bytes(random::bytes(entropy))
    }

    /// From text as [`MasterKey::to_text`] writes it: base64 of 32 bytes, with white space around.
    ///
    /// # Errors
    /// [`VaultError::BadMasterKey`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, VaultError> {
        let decoded = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| VaultError::BadMasterKey)?);
        let bytes: [u8; 32] = decoded.as_slice().try_into().map_err(|_| VaultError::BadMasterKey)?;
        Ok(Self::from_bytes(bytes))
    }

    /// A key of 32 bytes for another use, named by `label`; the same on every node.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        use ring::hmac::{HMAC_SHA256, Key, sign};
        let tag = sign(&Key::new(HMAC_SHA256, self.0.as_slice()), format!("madoguchi/{label}").as_bytes());
        let mut key = [0; 32];
        key.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        key
    }

    /// The text for a file that only the provider may read.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }
}

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Not base64 of 32 bytes.
    #[error("a master key is 32 bytes in base64 (44 characters)")]
    BadMasterKey,
    /// The database was set up with another master key.
    #[error(
        "the master key is not the one that this database's keys were wrapped with; put the right one in place, \
         nothing was changed"
    )]
    WrongMasterKey,
    /// The master key is right, but this does not open: changed, or put in another's place.
    #[error("sealed data of {tenant} ({purpose}) does not open: it was changed, or belongs elsewhere")]
    Damaged {
        /// Whose.
        tenant: String,
        /// What for.
        purpose: String,
    },
    /// The encryption itself failed.
    #[error("encryption failed")]
    Crypto,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<VaultError> for crate::ServiceError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(store) => store.into(),
            VaultError::BadMasterKey | VaultError::WrongMasterKey | VaultError::Damaged { .. } | VaultError::Crypto => {
                Self::bug(error)
            }
        }
    }
}

/// Seals and opens. Clones share the keys.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    database: Database,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    master: LessSafeKey,
    pseudonyms: ring::hmac::Key,
    keys: RwLock<HashMap<TenantSlug, Arc<LessSafeKey>>>,
}

impl Vault {
    /// Opens the vault with the master key, and checks that it is the right one.
    ///
    /// # Errors
    /// [`VaultError::WrongMasterKey`] when the check value in the database does not open with it.
    pub async fn open(
        database: &Database,
        master: &MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let vault = Self(Arc::new(Inner {
            database: database.clone(),
            entropy,
            clock,
            master: aead_key(master.0.as_slice())?,
            pseudonyms: derived(master, b"madoguchi/pseudonyms"),
            keys: RwLock::default(),
        }));
        vault.check_master().await?;
        Ok(vault)
    }

    async fn check_master(&self) -> Result<(), VaultError> {
        const NAME: &str = "master_key_check";
        const PLAIN: &[u8] = b"madoguchi";
        let aad = b"madoguchi/master-key-check";
        let stored = match self.0.database.setting(NAME).await? {
            Some(stored) => stored,
            None => {
                let fresh = seal(&self.0.master, 0, self.0.entropy.as_ref(), aad, PLAIN)?;
                // Another node may have been first; what stands counts.
                self.0.database.setting_or(NAME, &STANDARD.encode(fresh)).await?
            }
        };
        let sealed = STANDARD.decode(stored).map_err(|_| VaultError::WrongMasterKey)?;
        let opened = unseal(&self.0.master, 0, aad, &sealed).ok_or(VaultError::WrongMasterKey)?;
        if opened.as_slice() == PLAIN { Ok(()) } else { Err(VaultError::WrongMasterKey) }
    }

    /// Encrypts `plain` as the tenant's, for a purpose (`signing_key`, `document`, …) and under an id; the same three
    /// are needed to open it.
    ///
    /// # Errors
    /// When the tenant's data key cannot be read or made.
    pub async fn seal(
        &self,
        tenant: &TenantSlug,
        purpose: &str,
        id: &str,
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let key = self.data_key(tenant).await?;
        seal(&key, DATA_KEY, self.0.entropy.as_ref(), &identity(tenant, purpose, id), plain)
    }

    /// Decrypts what [`Vault::seal`] made with the same tenant, purpose and id.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] when it was changed or is another's.
    pub async fn open_sealed(
        &self,
        tenant: &TenantSlug,
        purpose: &str,
        id: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let key = self.data_key(tenant).await?;
        unseal(&key, DATA_KEY, &identity(tenant, purpose, id), sealed)
            .ok_or_else(|| VaultError::Damaged { tenant: tenant.to_string(), purpose: purpose.to_owned() })
    }

    /// A name for `text` that says nothing about it without the master key, and is always the same: what counters of
    /// typed identifiers are kept under.
    pub fn pseudonym(&self, tenant: &TenantSlug, purpose: &str, text: &str) -> TokenHash {
        let tag = ring::hmac::sign(&self.0.pseudonyms, &identity(tenant, purpose, text));
        TokenHash::of(tag.as_ref())
    }

    /// Reads a tenant's data key, or makes it, so that sealing inside a transaction needs no other connection.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn prepare(&self, tenant: &TenantSlug) -> Result<(), VaultError> {
        self.data_key(tenant).await.map(drop)
    }

    async fn data_key(&self, tenant: &TenantSlug) -> Result<Arc<LessSafeKey>, VaultError> {
        if let Some(key) = self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return Ok(key.clone());
        }
        let name = format!("k{DATA_KEY}");
        let aad = identity(tenant, "data_key", &name);
        let wrapped = match self.wrapped(tenant, &name).await? {
            Some(wrapped) => wrapped,
            None => {
                let fresh = Zeroizing::new(random::bytes::<32>(self.0.entropy.as_ref()));
                let wrapped = seal(&self.0.master, 0, self.0.entropy.as_ref(), &aad, fresh.as_slice())?;
                match self.0.database.tenant(tenant).data_keys().insert(&name, &wrapped, self.0.clock.now()).await {
                    Ok(()) => wrapped,
                    // Another node was first; its key counts.
                    Err(StoreError::Conflict) => self.wrapped(tenant, &name).await?.ok_or(VaultError::Crypto)?,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let plain = unseal(&self.0.master, 0, &aad, &wrapped)
            .ok_or_else(|| VaultError::Damaged { tenant: tenant.to_string(), purpose: "data_key".to_owned() })?;
        let key = Arc::new(aead_key(&plain)?);
        self.0.keys.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), key.clone());
        Ok(key)
    }
}

impl Vault {
    async fn wrapped(&self, tenant: &TenantSlug, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let keys = self.0.database.tenant(tenant).data_keys().all().await?;
        Ok(keys.into_iter().find(|k| k.id == name).map(|k| k.wrapped))
    }
}

/// A key for another use, derived from the master key.
fn derived(master: &MasterKey, label: &[u8]) -> ring::hmac::Key {
    use ring::hmac::{HMAC_SHA256, Key, sign};
    Key::new(HMAC_SHA256, sign(&Key::new(HMAC_SHA256, master.0.as_slice()), label).as_ref())
}

/// What a piece of ciphertext is, unambiguously: each part with its length before it.
fn identity(tenant: &TenantSlug, purpose: &str, id: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    for part in ["madoguchi", tenant.as_str(), purpose, id] {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text
}

fn aead_key(bytes: &[u8]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| VaultError::Crypto)
}

fn seal(
    key: &LessSafeKey,
    number: u32,
    entropy: &dyn Entropy,
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let nonce = random::bytes::<NONCE_LEN>(entropy);
    let mut body = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body)
        .map_err(|_| VaultError::Crypto)?;
    let mut sealed = Vec::with_capacity(1 + 4 + NONCE_LEN + body.len());
    sealed.push(FORM);
    sealed.extend_from_slice(&number.to_be_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    Ok(sealed)
}

fn unseal(key: &LessSafeKey, number: u32, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (form, rest) = sealed.split_first()?;
    let (found, rest) = rest.split_first_chunk::<4>()?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
    if *form != FORM || u32::from_be_bytes(*found) != number {
        return None;
    }
    let mut body = Zeroizing::new(body.to_vec());
    let length = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}
