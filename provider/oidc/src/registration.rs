//! Dynamic client registration (RFC 7591, OpenID Connect Dynamic Client Registration 1.0) and its management (RFC 7592):
//! only where the tenant allows it, only with a token that an operator made, by the rules that every client is held to.

use crate::{EndpointRequest, Oidc, OidcError, Registered, Reply, TenantView};
use madoguchi_domain::{
    Secret, TenantSlug, Timestamp, Token, TokenHash,
    audit::{Action, Actor, AuditEvent},
    client::{self, Client, ClientAuthentication},
    one_time::{OneTime, Purpose},
};
use madoguchi_store::{Tx, oidc::clients::ClientSource};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// Members that only an operator sets: they take rights away from people or ask less of the client.
const OPERATORS: &[&str] = &["first_party", "require_pkce", "tile"];
/// How often one initial access token is good in an hour.
const MOST_AN_HOUR: u32 = 100;
const HOUR: Duration = Duration::from_secs(3_600);
/// A client's own token lives as long as the client.
const FOR_GOOD: Duration = Duration::from_secs(100 * 366 * 86_400);
/// The longest metadata, in bytes.
const LONGEST: usize = 64 * 1024;

/// What is done with a registered client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Management {
    /// RFC 7592 §2.1.
    Read,
    /// RFC 7592 §2.2.
    Replace,
    /// RFC 7592 §2.3.
    Delete,
}

/// Why a request is refused (RFC 7591 §3.2.2, RFC 6750 §3.1).
enum Refused {
    Disabled,
    Token,
    Often,
    Metadata(String),
    Failure(OidcError),
}

impl<E: Into<OidcError>> From<E> for Refused {
    fn from(error: E) -> Self {
        match error.into() {
            OidcError::ClientMetadata(what) => Self::Metadata(what),
            other @ (OidcError::Store(_) | OidcError::Keys(_) | OidcError::Corrupt(_)) => Self::Failure(other),
        }
    }
}

impl Refused {
    fn reply(self, tenant: &TenantView) -> Reply {
        match self {
            Self::Disabled => Reply::json(404, &json!({"error": "not_found"})),
            Self::Token => Reply::json(401, &json!({"error": "invalid_token"}))
                .with("www-authenticate", format!("Bearer realm=\"{}\", error=\"invalid_token\"", tenant.issuer)),
            Self::Often => {
                Reply::json(429, &json!({"error": "temporarily_unavailable"})).with("retry-after", "3600".into())
            }
            Self::Metadata(what) => {
                let redirect = what.starts_with("redirect_uris");
                let code = if redirect { "invalid_redirect_uri" } else { "invalid_client_metadata" };
                let what: String =
                    what.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
                Reply::json(400, &json!({"error": code, "error_description": what.replace(['"', '\\'], "'")}))
            }
            Self::Failure(error) => {
                tracing::error!(tenant = %tenant.slug(), %error, "a registration could not be answered");
                Reply::json(503, &json!({"error": "server_error"})).with("retry-after", "5".into())
            }
        }
    }
}

impl Oidc {
    /// A token that clients may be registered with until it expires (RFC 7591 §1.2).
    ///
    /// # Errors
    /// [`OidcError::Store`].
    pub async fn initial_access_token(
        &self,
        tenant: &TenantSlug,
        lifetime: Duration,
        actor: &Actor,
    ) -> Result<(Token, Timestamp), OidcError> {
        let (token, now) = (Token::new(&*self.0.entropy), self.0.clock.now());
        let subject = match actor {
            Actor::Operator(name) => name.clone(),
            Actor::Visitor | Actor::Account(_) | Actor::System => String::new(),
        };
        let kept = one_time(Purpose::InitialAccess, &token, subject, now, now + lifetime);
        self.0.database.tenant(tenant).one_time().insert(&kept).await?;
        Ok((token, kept.expires_at))
    }

    /// POST registration (RFC 7591 §3.1); the body is JSON.
    pub async fn register(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        match self.registered(tenant, &request).await {
            Ok(document) => Reply::json(201, &document),
            Err(refused) => refused.reply(tenant),
        }
    }

    /// GET, PUT and DELETE of a client's own address (RFC 7592 §2).
    pub async fn manage(
        &self,
        tenant: &TenantView,
        client_id: &str,
        what: Management,
        request: EndpointRequest<'_>,
    ) -> Reply {
        match self.managed(tenant, client_id, what, &request).await {
            Ok(Some(document)) => Reply::json(200, &document),
            Ok(None) => Reply::text(204, "application/json", String::new()),
            Err(refused) => refused.reply(tenant),
        }
    }

    async fn registered(&self, tenant: &TenantView, request: &EndpointRequest<'_>) -> Result<Value, Refused> {
        if !tenant.config.settings.client_registration.enabled {
            return Err(Refused::Disabled);
        }
        let (store, now) = (self.0.database.tenant(tenant.slug()), self.0.clock.now());
        let initial = bearer(request).ok_or(Refused::Token)?.hash();
        let found = store.one_time().find(Purpose::InitialAccess, &initial).await?;
        if found.is_none_or(|token| token.revoked_at.is_some() || now >= token.expires_at) {
            return Err(Refused::Token);
        }
        let key = TokenHash::of(format!("client-registration\0{}", initial.as_str()).as_bytes());
        if store.rates().hit(&key, now, HOUR).await? > MOST_AN_HOUR {
            return Err(Refused::Often);
        }
        let registered = self.prepared(tenant, metadata(request)?).await?;
        let (token, client) = (Token::new(&*self.0.entropy), &registered.client);
        let id = client.metadata.client_id.clone();
        let own = one_time(Purpose::ClientManagement, &token, id.clone(), now, now + FOR_GOOD);
        let mut tx = store.begin().await?;
        tx.clients().upsert(client, ClientSource::Registered, now).await?;
        tx.one_time().insert(&own).await?;
        changed(&mut tx, &id, "registered", now, request).await?;
        tx.commit().await?;
        let mut document = self.information(tenant, &registered, &token);
        if let Value::Object(members) = &mut document {
            members.insert("client_id_issued_at".into(), now.seconds().into());
        }
        Ok(document)
    }

    async fn managed(
        &self,
        tenant: &TenantView,
        client_id: &str,
        what: Management,
        request: &EndpointRequest<'_>,
    ) -> Result<Option<Value>, Refused> {
        if !tenant.config.settings.client_registration.enabled {
            return Err(Refused::Disabled);
        }
        let (store, now) = (self.0.database.tenant(tenant.slug()), self.0.clock.now());
        let token = bearer(request).ok_or(Refused::Token)?;
        let found = store.one_time().find(Purpose::ClientManagement, &token.hash()).await?;
        if found.is_none_or(|own| own.subject != client_id || own.revoked_at.is_some()) {
            return Err(Refused::Token);
        }
        let Some(client) = store.clients().find(client_id).await? else { return Err(Refused::Token) };
        match what {
            Management::Read => {
                Ok(Some(self.information(tenant, &Registered { client: Arc::new(client), secret: None }, &token)))
            }
            Management::Replace => {
                let mut asked = metadata(request)?;
                if asked.get("client_id").and_then(Value::as_str) != Some(client_id) {
                    return Err(Refused::Metadata("client_id: expected the client's own".into()));
                }
                let presented = asked.remove("client_secret");
                if presented.is_some_and(|secret| !is_secret(&client, &secret)) {
                    return Err(Refused::Metadata("client_secret: expected the client's own".into()));
                }
                asked.remove("client_id");
                let registered = self.replaced(client, self.prepared(tenant, asked).await?);
                let mut tx = store.begin().await?;
                tx.clients().upsert(&registered.client, ClientSource::Registered, now).await?;
                changed(&mut tx, client_id, "replaced", now, request).await?;
                tx.commit().await?;
                Ok(Some(self.information(tenant, &registered, &token)))
            }
            Management::Delete => {
                let mut tx = store.begin().await?;
                tx.clients().delete(client_id).await?;
                tx.one_time().revoke(Purpose::ClientManagement, client_id, now).await?;
                changed(&mut tx, client_id, "deleted", now, request).await?;
                tx.commit().await?;
                Ok(None)
            }
        }
    }

    /// A client from metadata that came from outside: what we do not know is ignored (RFC 7591 §2), what is not the
    /// client's to say is refused.
    async fn prepared(&self, tenant: &TenantView, asked: Map<String, Value>) -> Result<Registered, Refused> {
        if let Some(member) = OPERATORS.iter().find(|member| asked.contains_key(**member)) {
            return Err(Refused::Metadata(format!("{member}: only an operator sets this")));
        }
        let known = client::members();
        let mut kept: Map<String, Value> = asked
            .into_iter()
            .filter(|(member, value)| !value.is_null() && known.contains(member.split('#').next().unwrap_or(member)))
            .filter(|(member, _)| member != "client_id")
            .collect();
        kept.insert("require_pkce".into(), tenant.config.settings.client_registration.require_pkce.into());
        if kept.get("token_endpoint_auth_method").is_some_and(|method| method == "none") {
            kept.insert("require_pkce".into(), true.into());
        }
        let registered = self.prepare_client(kept.into())?;
        let metadata = &registered.client.metadata;
        if !tenant.tokens().algorithms.contains(&metadata.id_token_signed_response_alg) {
            let what = "id_token_signed_response_alg: the provider has no such key";
            return Err(Refused::Metadata(what.into()));
        }
        self.check_sector(metadata).await?;
        Ok(registered)
    }

    /// New metadata for a known client. Its secret stays, unless it had none and needs one now.
    fn replaced(&self, before: Client, after: Registered) -> Registered {
        let mut metadata = after.client.metadata.clone();
        metadata.client_id = before.metadata.client_id;
        let has_secret = match metadata.token_endpoint_auth_method {
            ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => true,
            ClientAuthentication::PrivateKeyJwt | ClientAuthentication::None => false,
        };
        match before.secret_hash.filter(|_| has_secret) {
            Some(kept) => Registered { client: Arc::new(Client { metadata, secret_hash: Some(kept) }), secret: None },
            None => {
                let secret_hash = after.client.secret_hash.clone();
                Registered { client: Arc::new(Client { metadata, secret_hash }), secret: after.secret }
            }
        }
    }

    /// The client information response (RFC 7591 §3.2.1, RFC 7592 §3). A secret is told once, as only its hash is kept.
    fn information(&self, tenant: &TenantView, registered: &Registered, token: &Token) -> Value {
        let mut document = registered.document();
        if let Value::Object(members) = &mut document {
            for member in OPERATORS {
                members.remove(*member);
            }
            let id: String =
                url::form_urlencoded::byte_serialize(registered.client.metadata.client_id.as_bytes()).collect();
            let address = tenant.endpoint(&format!("/connect/register/{id}"));
            members.insert("registration_client_uri".into(), address.into());
            members.insert("registration_access_token".into(), token.expose().into());
        }
        document
    }
}

/// The body as an object.
fn metadata(request: &EndpointRequest<'_>) -> Result<Map<String, Value>, Refused> {
    let body = request.body.filter(|body| body.len() <= LONGEST).unwrap_or_default();
    serde_json::from_slice(body).map_err(|_| Refused::Metadata("expected a JSON object".into()))
}

fn is_secret(client: &Client, presented: &Value) -> bool {
    let hash = presented.as_str().map(|text| TokenHash::of(Secret::new(text.to_owned()).expose().as_bytes()));
    hash.is_some() && hash == client.secret_hash
}

/// RFC 6750 §2.1, the only way in which a token is taken here.
fn bearer(request: &EndpointRequest<'_>) -> Option<Token> {
    let [one] = request.authorization.as_slice() else { return None };
    let (scheme, token) = std::str::from_utf8(one).ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { Token::parse(token.trim()) } else { None }
}

fn one_time(purpose: Purpose, token: &Token, subject: String, now: Timestamp, expires_at: Timestamp) -> OneTime {
    OneTime {
        purpose,
        token_hash: token.hash(),
        subject,
        payload: Value::Null,
        created_at: now,
        expires_at,
        consumed_at: None,
        revoked_at: None,
    }
}

/// Tells every node and the log.
async fn changed(
    tx: &mut Tx,
    client_id: &str,
    what: &str,
    now: Timestamp,
    request: &EndpointRequest<'_>,
) -> Result<(), OidcError> {
    let event = AuditEvent {
        at: now,
        actor: Actor::Visitor,
        action: Action::ClientRegistered,
        subject: client_id.to_owned(),
        detail: json!({"dynamic": what}),
        source_ip: request.source_ip.clone(),
    };
    tx.configuration().announce().await?;
    tx.audit().append(&event).await?;
    Ok(())
}
