//! Relying parties: registration, the cache, and their public keys.

use crate::{
    Oidc, OidcError, TenantView,
    jws::{Jws, JwsError, VerificationKey},
};
use madoguchi_domain::{
    Secret, TenantSlug, Timestamp, Token, TokenHash,
    audit::{Action, Actor, AuditEvent},
    client::{self, Client, ClientAuthentication, ClientMetadata, SigningAlgorithm},
};
use madoguchi_store::oidc::clients::ClientSource;
use serde_json::{Map, Value};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

/// A client just registered.
#[derive(Debug)]
pub struct Registered {
    /// What is stored.
    pub client: Arc<Client>,
    /// The secret, made here or given; it is not kept and can be told only now.
    pub secret: Option<Secret>,
}

impl Registered {
    /// The client information response (RFC 7591 §3.2.1).
    pub fn document(&self) -> Value {
        let mut document = serde_json::to_value(&self.client.metadata).unwrap_or_default();
        if let (Some(secret), Some(members)) = (&self.secret, document.as_object_mut()) {
            members.insert("client_secret".into(), secret.expose().into());
            members.insert("client_secret_expires_at".into(), 0.into());
        }
        document
    }
}

/// All clients of a tenant at a generation.
pub(crate) struct ClientSet {
    generation: i64,
    by_id: HashMap<String, Arc<Client>>,
}

impl Oidc {
    /// Registers a client from RFC 7591 metadata, or replaces the one of the same `client_id`. A `client_id` and a
    /// `client_secret` in it are kept, otherwise made.
    ///
    /// # Errors
    /// [`OidcError::ClientMetadata`] says which member is wrong.
    pub async fn register_client(
        &self,
        tenant: &TenantSlug,
        metadata: Value,
        actor: Actor,
    ) -> Result<Registered, OidcError> {
        let registered = self.prepare_client(metadata)?;
        self.check_sector(&registered.client.metadata).await?;
        let now = self.0.clock.now();
        let event = AuditEvent {
            at: now,
            actor,
            action: Action::ClientRegistered,
            subject: registered.client.metadata.client_id.clone(),
            detail: Value::Null,
            source_ip: None,
        };
        let mut tx = self.0.database.tenant(tenant).begin().await?;
        tx.clients().upsert(&registered.client, ClientSource::Registered, now).await?;
        tx.configuration().announce().await?;
        tx.audit().append(&event).await?;
        tx.commit().await?;
        Ok(registered)
    }

    /// Validates metadata and makes what is missing, without storing anything.
    pub fn prepare_client(&self, mut metadata: Value) -> Result<Registered, OidcError> {
        let wrong = |what: String| OidcError::ClientMetadata(what);
        let members = metadata.as_object_mut().ok_or_else(|| wrong("expected a JSON object".into()))?;
        let given = match members.remove("client_secret") {
            None | Some(Value::Null) => None,
            Some(Value::String(secret)) if (8..=512).contains(&secret.len()) => Some(Secret::new(secret)),
            Some(_) => return Err(wrong("client_secret: expected 8 to 512 characters".into())),
        };
        for answer_only in ["client_secret_expires_at", "client_id_issued_at"] {
            members.remove(answer_only);
        }
        let mut metadata: ClientMetadata = serde_json::from_value(metadata).map_err(|e| wrong(e.to_string()))?;
        if metadata.client_id.is_empty() {
            let alphabet = madoguchi_domain::id::ALPHABET;
            metadata.client_id = madoguchi_domain::random::text(&*self.0.entropy, alphabet, 25);
        }
        let problems: Vec<String> =
            client::validate(&metadata).iter().map(|p| format!("{}: {}", p.member, p.message)).collect();
        if !problems.is_empty() {
            return Err(wrong(problems.join("; ")));
        }
        let secret = match metadata.token_endpoint_auth_method {
            ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => {
                Some(given.unwrap_or_else(|| Secret::new(Token::new(&*self.0.entropy).expose())))
            }
            ClientAuthentication::PrivateKeyJwt | ClientAuthentication::None if given.is_some() => {
                return Err(wrong("client_secret: this authentication method has none".into()));
            }
            ClientAuthentication::PrivateKeyJwt | ClientAuthentication::None => None,
        };
        let secret_hash = secret.as_ref().map(|s| TokenHash::of(s.expose().as_bytes()));
        Ok(Registered { client: Arc::new(Client { metadata, secret_hash }), secret })
    }

    /// A registered client, from memory where it is. For one that is not, the database is asked whether there is a
    /// newer generation, which is one row by its key: a client works as soon as its registration was answered.
    pub async fn client(&self, tenant: &TenantView, client_id: &str) -> Result<Option<Arc<Client>>, OidcError> {
        let held = self.0.clients.get(tenant.slug()).filter(|set| set.generation >= tenant.generation);
        let set = match held {
            Some(set) => set,
            None => self.read_clients(tenant, tenant.generation).await?,
        };
        if let Some(client) = set.by_id.get(client_id) {
            return Ok(Some(Arc::clone(client)));
        }
        let current = self.0.database.tenant(tenant.slug()).configuration().generation().await?.unwrap_or(0);
        if current <= set.generation {
            return Ok(None);
        }
        let set = self.read_clients(tenant, current).await?;
        Ok(set.by_id.get(client_id).cloned())
    }

    async fn read_clients(&self, tenant: &TenantView, at_least: i64) -> Result<Arc<ClientSet>, OidcError> {
        let _alone = self.0.clients.loading().await;
        if let Some(set) = self.0.clients.get(tenant.slug()).filter(|set| set.generation >= at_least) {
            return Ok(set);
        }
        let all = self.0.database.tenant(tenant.slug()).clients().all().await?;
        let by_id = all.into_iter().map(|c| (c.metadata.client_id.clone(), Arc::new(c))).collect();
        let set = Arc::new(ClientSet { generation: at_least, by_id });
        self.0.clients.put(tenant.slug(), Arc::clone(&set));
        Ok(set)
    }
}

/// How long a fetched key set is used without asking again.
const KEYS_FRESH: Duration = Duration::from_secs(600);
/// How soon a set may be fetched again for a key that it lacks.
const KEYS_PAUSE: Duration = Duration::from_secs(10);
/// The most key sets that are kept.
const MOST_SETS: usize = 256;

/// Key sets fetched from clients' `jwks_uri`.
#[derive(Default)]
pub(crate) struct FetchedKeys {
    sets: AsyncMutex<HashMap<Url, FetchedSet>>,
}

/// When a set was fetched, or should have been, and its keys.
type FetchedSet = (Timestamp, Arc<[VerificationKey]>);

impl Oidc {
    /// The claims of a JWT that this client signed, with its keys as they are now.
    pub(crate) async fn signed_by(
        &self,
        client: &Client,
        text: &str,
        allowed: &[SigningAlgorithm],
        types: &[&str],
    ) -> Result<Map<String, Value>, JwsError> {
        let verify = |keys: &[_]| Jws::parse(text)?.verify(keys, allowed, types);
        match verify(&self.client_keys(client, false).await) {
            Err(JwsError::UnknownKey) => verify(&self.client_keys(client, true).await),
            verified => verified,
        }
    }

    /// A client's public keys. `renew`: a signature names a key that the set at hand lacks; fetch it again, unless that
    /// was done moments ago.
    pub(crate) async fn client_keys(&self, client: &Client, renew: bool) -> Arc<[VerificationKey]> {
        let metadata = &client.metadata;
        if let Some(set) = &metadata.jwks {
            return VerificationKey::from_set(set).into();
        }
        let Some(uri) = &metadata.jwks_uri else { return Arc::new([]) };
        let now = self.0.clock.now();
        let longest = if renew { KEYS_PAUSE } else { KEYS_FRESH };
        if let Some((at, keys)) = self.0.fetched.sets.lock().await.get(uri)
            && now.since(*at) < longest
        {
            return Arc::clone(keys);
        }
        let fetched = match self.0.outbound.get(uri).await {
            Ok(body) => serde_json::from_slice::<Value>(&body).map(|set| VerificationKey::from_set(&set)).ok(),
            Err(error) => {
                tracing::warn!(client = %metadata.client_id, %error, "the client's key set could not be fetched");
                None
            }
        };
        let mut sets = self.0.fetched.sets.lock().await;
        // A failure is remembered as well, so that it is not repeated with every request; keys once known stay.
        let keys: Arc<[VerificationKey]> = match fetched {
            Some(keys) => keys.into(),
            None => sets.get(uri).map_or_else(|| Arc::new([]) as Arc<[_]>, |(_, known)| Arc::clone(known)),
        };
        if sets.len() >= MOST_SETS && !sets.contains_key(uri) {
            sets.clear();
        }
        sets.insert(uri.clone(), (now, Arc::clone(&keys)));
        keys
    }
}
