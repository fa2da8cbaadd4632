//! The answer to an authorization request: the grant written, and what goes to the client.

use super::{AuthorizeOutcome, AuthorizeResponse, endpoint::Granted, outcome::page, request::Request};
use crate::{AuthSession, Oidc, OidcError, PageReason, TenantView, error::ProtocolError, jws};
use madoguchi_domain::{
    Timestamp, Token, TokenHash,
    audit::{Action, Actor, AuditEvent},
    grant::Grant,
    id::GrantId,
    one_time::Purpose,
    session::Authentication,
};
use madoguchi_store::{StoreError, Tx, oidc::consents::Consent};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long a signed response is good (JARM §2.1 recommends at most ten minutes).
const SIGNED_RESPONSE: Duration = Duration::from_secs(600);

/// Parameters of a response.
type Fields = Vec<(&'static str, String)>;

impl Oidc {
    /// Writes the grant with its code, and tokens where the response itself carries some; for a parked or pushed request
    /// together with its end and the consent.
    pub(super) async fn grant(
        &self,
        tenant: &TenantView,
        request: &Request,
        session: AuthSession<'_>,
        granted: Granted,
        flow: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<AuthorizeOutcome, OidcError> {
        let code = Token::new(&*self.0.entropy);
        let tokens = tenant.tokens();
        let authentication = session.session.authentication.clone();
        let metadata = &request.client.metadata;
        let code_lifetime = metadata.code_lifetime(tokens.code_lifetime.duration());
        let grant = Grant {
            id: GrantId::new(&*self.0.entropy),
            client_id: metadata.client_id.clone(),
            account: session.account.id.clone(),
            account_generation: session.account.generation,
            session: session.session.id.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            claims: request.claims_text.clone(),
            authentication: Authentication { at: authentication.at, acr: request.told_acr(authentication.acr) },
            redirect_uri: request.redirect_uri.clone(),
            code_challenge: request.code_challenge.clone(),
            enrolment: granted.enrolment,
            auth_time_requested: request.max_age.is_some() || metadata.require_auth_time,
            code_hash: code.hash(),
            // Nobody is told the code of a response without one.
            code_expires_at: if request.response_type.code { now + code_lifetime } else { now },
            code_used_at: None,
            created_at: now,
            revoked_at: None,
        };
        let expires_at = now + code_lifetime.max(tokens.access_token_lifetime.duration());
        self.note_use(tenant, &request.client, &grant.session).await?;
        let store = self.0.database.tenant(tenant.slug());
        let mut fields = Vec::new();
        if request.response_type.code {
            fields.push(("code", code.expose().to_owned()));
        }
        if flow.is_none() && request.pushed.is_none() && !request.response_type.is_front_channel() {
            store.grants().insert(&grant, expires_at).await?;
            return self.answer(tenant, request, fields).await;
        }
        let mut tx = store.begin().await?;
        if !answered(&mut tx, flow, request.pushed.as_ref(), now).await? {
            return Ok(page(PageReason::FinishedFlow));
        }
        if let Some(consent) = &granted.consent {
            remember(&mut tx, &grant, consent, now).await?;
        }
        tx.grants().insert(&grant, expires_at).await?;
        if request.response_type.is_front_channel() {
            match self.carried(&mut tx, tenant, &request.client, &code, request.response_type, now).await? {
                Ok(carried) => fields.extend(carried),
                Err(error) => return self.refused(tenant, request, &error).await,
            }
        }
        tx.commit().await?;
        self.answer(tenant, request, fields).await
    }

    /// Answers a request with an error; one that was parked or pushed, once.
    pub(super) async fn refuse_once(
        &self,
        tenant: &TenantView,
        request: &Request,
        flow: Option<&TokenHash>,
        error: ProtocolError,
        now: Timestamp,
    ) -> Result<AuthorizeOutcome, OidcError> {
        if flow.is_some() || request.pushed.is_some() {
            let mut tx = self.0.database.tenant(tenant.slug()).begin().await?;
            if !answered(&mut tx, flow, request.pushed.as_ref(), now).await? {
                return Ok(page(PageReason::FinishedFlow));
            }
            tx.commit().await?;
        }
        self.refused(tenant, request, &error).await
    }

    /// An error for the client (RFC 6749 §4.1.2.1).
    pub(super) async fn refused(
        &self,
        tenant: &TenantView,
        request: &Request,
        error: &ProtocolError,
    ) -> Result<AuthorizeOutcome, OidcError> {
        let fields =
            vec![("error", error.code.as_str().to_owned()), ("error_description", error.description.to_owned())];
        self.answer(tenant, request, fields).await
    }

    /// Sends the parameters with `state` and who they are from: `iss` (RFC 9207), or all of it signed (JARM).
    async fn answer(
        &self,
        tenant: &TenantView,
        request: &Request,
        mut fields: Fields,
    ) -> Result<AuthorizeOutcome, OidcError> {
        fields.extend(request.state.iter().map(|state| ("state", state.clone())));
        let fields = if request.signed_response {
            vec![("response", self.signed_response(tenant, request, fields).await?)]
        } else {
            fields.push(("iss", tenant.issuer.to_string()));
            fields
        };
        let redirect_uri = request.redirect_uri.clone();
        Ok(AuthorizeOutcome::Redirect(AuthorizeResponse { redirect_uri, mode: request.mode, fields }))
    }

    /// JWT Secured Authorization Response Mode §2.1: by the algorithm that the client registered; where the tenant has no
    /// such key, by that of its ID tokens.
    async fn signed_response(
        &self,
        tenant: &TenantView,
        request: &Request,
        fields: Fields,
    ) -> Result<String, OidcError> {
        let metadata = &request.client.metadata;
        let ring = self.ring(tenant).await?;
        let key = ring
            .signer(metadata.authorization_signed_response_alg)
            .or_else(|| ring.signer(metadata.id_token_signed_response_alg))
            .ok_or_else(|| OidcError::Keys(format!("{} has no key to sign with", tenant.slug())))?;
        let mut claims: Map<String, Value> = fields.into_iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
        claims.insert("iss".into(), (&*tenant.issuer).into());
        claims.insert("aud".into(), metadata.client_id.as_str().into());
        claims.insert("exp".into(), (self.0.clock.now() + SIGNED_RESPONSE).seconds().into());
        jws::sign(key, "JWT", &Value::Object(claims))
    }
}

/// Uses up what waited for this answer: the parked request and the pushed one. Whether nobody did before.
async fn answered(
    tx: &mut Tx,
    flow: Option<&TokenHash>,
    pushed: Option<&TokenHash>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if let Some(flow) = flow
        && !tx.interactions().finish(flow, now).await?
    {
        return Ok(false);
    }
    match pushed {
        Some(name) => Ok(tx.one_time().consume(Purpose::PushedRequest, name, now).await?.is_some()),
        None => Ok(true),
    }
}

/// Keeps a yes, and says so in the log.
async fn remember(tx: &mut Tx, grant: &Grant, consent: &Consent, now: Timestamp) -> Result<(), StoreError> {
    tx.consents().remember(&grant.account, &grant.client_id, consent).await?;
    let event = AuditEvent {
        at: now,
        actor: Actor::Account(grant.account.clone()),
        action: Action::ConsentGiven,
        subject: grant.client_id.clone(),
        detail: serde_json::json!({"scope": consent.scope, "claims": consent.claims}),
        source_ip: None,
    };
    tx.audit().append(&event).await
}
