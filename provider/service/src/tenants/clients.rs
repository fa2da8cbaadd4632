//! The relying parties that a tenant's files name.

use madoguchi_domain::{Timestamp, client::Client, tenant::TenantConfig};
use madoguchi_store::{StoreError, Tx, oidc::clients::ClientSource};
use serde_json::{Value, json};

/// Puts the files' clients in place and removes those that the files no longer name. A client keeps the secret that it
/// was given; one that is registered otherwise is left alone unless the files name it too.
pub(super) async fn replace(tx: &mut Tx, config: &TenantConfig, now: Timestamp) -> Result<Value, StoreError> {
    let before = tx.clients().of_source(ClientSource::File).await?;
    let named: Vec<&str> = config.clients.iter().map(|c| c.client_id.as_str()).collect();
    let mut removed = Vec::new();
    for gone in before.iter().filter(|id| !named.contains(&id.as_str())) {
        tx.clients().delete(gone).await?;
        removed.push(gone.clone());
    }
    let mut written = Vec::new();
    for metadata in &config.clients {
        let kept = tx.clients().find(&metadata.client_id).await?;
        if kept.as_ref().is_some_and(|c| c.metadata == *metadata) && before.contains(&metadata.client_id) {
            continue;
        }
        let secret_hash = kept.and_then(|c| c.secret_hash).filter(|_| !metadata.is_public());
        let client = Client { metadata: metadata.clone(), secret_hash };
        tx.clients().upsert(&client, ClientSource::File, now).await?;
        written.push(metadata.client_id.clone());
    }
    Ok(json!({ "written": written, "removed": removed }))
}
