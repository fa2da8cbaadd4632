//! The keys that tokens are signed with, sealed. The public half stays readable for the key set.

use crate::{Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{Timestamp, client::SigningAlgorithm};

statements! {
    INSERT = "insert into signing_keys \
              (tenant, kid, alg, state, public_jwk, sealed_private, created_at, activated_at) \
              values ($1, $2, $3, 'active', $4, $5, $6, $6) on conflict do nothing";
    ALL = "select kid, alg, state, public_jwk, sealed_private, created_at, retired_at, remove_after \
           from signing_keys where tenant = $1 order by created_at, kid";
    RETIRE = "update signing_keys set state = 'retired', retired_at = $3, remove_after = $4 \
              where tenant = $1 and kid = $2 and state = 'active'";
    DELETE = "delete from signing_keys where tenant = $1 and state = 'retired' and remove_after <= $2";
}

/// A signing key as stored.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The one algorithm it signs with.
    pub algorithm: SigningAlgorithm,
    /// Whether it signs; else it only verifies.
    pub active: bool,
    /// The public half as a JWK.
    pub public_jwk: serde_json::Value,
    /// The private half, PKCS#8, sealed.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When another took its place.
    pub retired_at: Option<Timestamp>,
    /// From when on nobody needs it any more.
    pub remove_after: Option<Timestamp>,
}

/// The signing keys of a tenant.
pub struct SigningKeys<'a>(pub(crate) Scope<'a>);

impl SigningKeys<'_> {
    /// Keeps a new, active key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there already.
    pub async fn insert(&mut self, key: &StoredKey) -> Result<(), StoreError> {
        let values =
            params![&key.kid, key.algorithm.as_str(), key.public_jwk.to_string(), &key.sealed_private, key.created_at];
        self.0.insert(INSERT, values).await
    }

    /// All of them, oldest first.
    pub async fn all(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        self.0.all(ALL, params![], read).await
    }

    /// Ends its signing; it verifies until `remove_after`. Whether it was active.
    pub async fn retire(&mut self, kid: &str, now: Timestamp, remove_after: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(RETIRE, params![kid, now, remove_after]).await
    }

    /// Removes retired keys whose tokens have all expired; how many.
    pub async fn delete_expired(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        self.0.write(DELETE, params![now]).await
    }
}

fn read(row: &mut Row) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        kid: row.text()?,
        algorithm: row.known("signing_keys.alg", SigningAlgorithm::from_name)?,
        active: row.text()? == "active",
        public_jwk: row.json("signing_keys.public_jwk")?,
        sealed_private: row.bytes()?,
        created_at: row.time()?,
        retired_at: row.opt_time()?,
        remove_after: row.opt_time()?,
    })
}
