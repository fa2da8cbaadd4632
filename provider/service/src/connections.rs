//! Applications that somebody lets see something: what they agreed to, and what can still be fetched without them.

use crate::{ActiveSession, Service, ServiceError, Source, Tenant};
use madoguchi_domain::{
    Timestamp,
    account::Account,
    audit::{Action, Actor},
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// An application that is connected to an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// The client.
    pub client_id: String,
    /// Scope tokens that it may see.
    pub scopes: BTreeSet<String>,
    /// Single claims beyond them.
    pub claims: BTreeSet<String>,
    /// When the person agreed; none for the institution's own applications, which are not asked for.
    pub agreed_at: Option<Timestamp>,
    /// When it last got a token that it can renew by itself; none when it has none.
    pub used_at: Option<Timestamp>,
}

impl Service {
    /// The connected applications, by client.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn connections_of(&self, tenant: &Tenant, account: &Account) -> Result<Vec<Connection>, ServiceError> {
        let store = self.store(tenant);
        let mut found: BTreeMap<String, Connection> = BTreeMap::new();
        let tokens = |scope: &str| scope.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (client, consent) in store.consents().of(&account.id).await? {
            let connection = found.entry(client).or_default();
            connection.scopes.extend(tokens(&consent.scope));
            connection.claims.extend(consent.claims);
            connection.agreed_at = Some(consent.granted_at);
        }
        for grant in store.grants().live_of(&account.id, self.now()).await? {
            let connection = found.entry(grant.client_id).or_default();
            connection.scopes.extend(tokens(&grant.scope));
            connection.used_at = connection.used_at.max(Some(grant.used_at));
        }
        Ok(found.into_iter().map(|(client_id, connection)| Connection { client_id, ..connection }).collect())
    }

    /// Takes back what a client may see: the consent is forgotten, its grants end with all their tokens. Whether there
    /// was anything to take back.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn disconnect(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        client_id: &str,
        source: &Source,
    ) -> Result<bool, ServiceError> {
        let account = &active.account.id;
        let mut tx = self.store(tenant).begin().await?;
        let agreed = tx.consents().forget(account, client_id).await?;
        let grants = tx.grants().revoke_of_client(account, client_id, self.now()).await?;
        let ended = agreed || grants > 0;
        if ended {
            let detail = json!({ "client": client_id, "grants": grants });
            let actor = Actor::Account(account.clone());
            self.record(&mut tx, actor, Action::ApplicationDisconnected, account.as_str(), detail, Some(source))
                .await?;
        }
        self.commit(tx).await?;
        Ok(ended)
    }
}
