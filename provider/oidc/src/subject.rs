//! Subject identifiers (OpenID Connect Core §8): the same for all clients, or another for each sector.

use crate::{Oidc, OidcError, TenantView};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use madoguchi_domain::{
    account::Account,
    client::{Client, ClientMetadata},
};
use ring::hmac;
use std::sync::Arc;

/// What is sealed, and under which name.
const PURPOSE: &str = "pairwise_secret";

/// The secret that a tenant's pairwise identifiers are made with. It never changes, as they would.
pub(crate) struct PairwiseSecret(hmac::Key);

impl Oidc {
    /// What tokens for this client call the account.
    pub(crate) async fn subject(
        &self,
        tenant: &TenantView,
        client: &Client,
        account: &Account,
    ) -> Result<String, OidcError> {
        let Some(sector) = client.metadata.sector() else { return Ok(account.sub.clone()) };
        let secret = self.pairwise_secret(tenant).await?;
        let tag = hmac::sign(&secret.0, format!("{sector}\0{}", account.sub).as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether `sub` is what tokens for the client of that identifier call the account. A client that is gone had the
    /// public one, as far as can be told.
    pub(crate) async fn is_subject(
        &self,
        tenant: &TenantView,
        client_id: &str,
        sub: &str,
        account: &Account,
    ) -> Result<bool, OidcError> {
        Ok(match self.client(tenant, client_id).await? {
            Some(client) => self.subject(tenant, &client, account).await? == sub,
            None => account.sub == sub,
        })
    }

    async fn pairwise_secret(&self, tenant: &TenantView) -> Result<Arc<PairwiseSecret>, OidcError> {
        if let Some(secret) = self.0.pairwise.get(tenant.slug()) {
            return Ok(secret);
        }
        let failed = |what: String| OidcError::Keys(format!("the secret of pairwise subjects: {what}"));
        let name = format!("{PURPOSE}/{}", tenant.slug());
        let stored = match self.0.database.setting(&name).await? {
            Some(stored) => stored,
            None => {
                let fresh: [u8; 32] = madoguchi_domain::random::bytes(&*self.0.entropy);
                let sealed = self.0.sealer.seal(tenant.slug(), PURPOSE, "1", &fresh).await;
                // another node may have been first; what stands counts
                self.0.database.setting_or(&name, &STANDARD.encode(sealed.map_err(|e| failed(e.0))?)).await?
            }
        };
        let sealed = STANDARD.decode(stored).map_err(|e| failed(e.to_string()))?;
        let opened = self.0.sealer.open(tenant.slug(), PURPOSE, "1", &sealed).await.map_err(|e| failed(e.0))?;
        let secret = Arc::new(PairwiseSecret(hmac::Key::new(hmac::HMAC_SHA256, &opened)));
        self.0.pairwise.put(tenant.slug(), Arc::clone(&secret));
        Ok(secret)
    }

    /// Fetches the document of a client's `sector_identifier_uri`, which has to name every redirect URI
    /// (Dynamic Client Registration §5).
    pub(crate) async fn check_sector(&self, metadata: &ClientMetadata) -> Result<(), OidcError> {
        let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
        let wrong = |what: String| OidcError::ClientMetadata(format!("sector_identifier_uri: {what}"));
        let body = self.0.outbound.get(uri).await.map_err(|e| wrong(format!("{uri} could not be fetched: {e}")))?;
        let listed: Vec<String> =
            serde_json::from_slice(&body).map_err(|_| wrong(format!("{uri} is not an array of redirect URIs")))?;
        match metadata.redirect_uris.iter().find(|registered| !listed.contains(registered)) {
            Some(missing) => Err(wrong(format!("{uri} does not name {missing}"))),
            None => Ok(()),
        }
    }
}
