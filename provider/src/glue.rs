//! Where rooms that do not know each other meet.

use madoguchi_domain::TenantSlug;
use madoguchi_oidc::{SealError, Sealer};
use madoguchi_service::Vault;
use zeroize::Zeroizing;

/// The vault of the use cases seals the protocol's signing keys.
pub(crate) struct VaultSealer(pub(crate) Vault);

#[async_trait::async_trait]
impl Sealer for VaultSealer {
    async fn seal(&self, tenant: &TenantSlug, purpose: &str, id: &str, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.seal(tenant, purpose, id, bytes).await.map_err(|e| SealError(e.to_string()))
    }

    async fn open(
        &self,
        tenant: &TenantSlug,
        purpose: &str,
        id: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.0.open_sealed(tenant, purpose, id, sealed).await.map_err(|e| SealError(e.to_string()))
    }
}
