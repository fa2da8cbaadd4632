//! Pushed authorization requests (RFC 9126): the client hands its request over beforehand and gets a name for it.
//!
//! The name may be opened as often as the person needs within [`LIFETIME`]; it is used up together with the answer, so
//! there is one answer at most.

use super::{
    checks::Endpoint,
    endpoint::{PATIENCE, Refused},
    received::Received,
};
use crate::{
    EndpointRequest, ErrorCode, Oidc, OidcError, PageReason, Params, Reply, TenantView, error::ProtocolError,
    grants::Refusal,
};
use madoguchi_domain::{
    Timestamp, Token,
    one_time::{OneTime, OneTimeState, Purpose},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// What all names begin with (RFC 9126 §2.2).
const NAMESPACE: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a name may be opened.
const LIFETIME: Duration = Duration::from_secs(90);
/// Parameters by which a client proves itself: no part of what it asks for, and not kept.
const CREDENTIALS: &[&str] = &["client_secret", "client_assertion", "client_assertion_type"];

/// A pushed request as kept. The row itself lives until the last login that it may have begun is over.
#[derive(Serialize, Deserialize)]
struct Kept {
    params: Vec<(String, String)>,
    signed: bool,
    opens_until: Timestamp,
}

/// The part of a `request_uri` that names a pushed request; `None` for a URI of another kind.
pub(super) fn name(request_uri: &str) -> Option<&str> {
    request_uri.strip_prefix(NAMESPACE)
}

impl Oidc {
    /// POST par (RFC 9126 §2): 201 with the name, or an error of RFC 6749 §5.2 by the same checks as at the authorization
    /// endpoint.
    pub async fn push(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        match self.keep(tenant, &request).await {
            Ok(reply) => reply,
            Err(refusal) => refusal.reply(tenant),
        }
    }

    async fn keep(&self, tenant: &TenantView, request: &EndpointRequest<'_>) -> Result<Reply, Refusal> {
        let (presented, client) = self.client_request(tenant, request).await?;
        let client_id = client.metadata.client_id.as_str();
        let params = presented.without(CREDENTIALS).with("client_id", client_id);
        let received = if params.get("request").is_some() {
            Received::signed(self.open(tenant, &client, &params, Endpoint::Pushed).await?)
        } else {
            Received::plain(params)
        };
        if let Err(refused) = self.check(tenant, &received, Endpoint::Pushed).await? {
            return Err(match refused {
                Refused::Client(_, error) => error.into(),
                Refused::Page(_) => {
                    let what = "redirect_uri is missing or not registered";
                    ProtocolError::new(ErrorCode::InvalidRequest, what).into()
                }
            });
        }
        let (now, name) = (self.0.clock.now(), Token::new(&*self.0.entropy));
        let opens_until = now + LIFETIME;
        let params = received.params.pairs().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let row = Kept { params, signed: received.signed, opens_until };
        let kept = OneTime {
            purpose: Purpose::PushedRequest,
            token_hash: name.hash(),
            subject: client_id.to_owned(),
            payload: serde_json::to_value(row).map_err(|e| OidcError::Corrupt(e.to_string()))?,
            created_at: now,
            expires_at: opens_until + PATIENCE,
            consumed_at: None,
            revoked_at: None,
        };
        self.0.database.tenant(tenant.slug()).one_time().insert(&kept).await?;
        let request_uri = format!("{NAMESPACE}{}", name.expose());
        Ok(Reply::json(201, &json!({"request_uri": request_uri, "expires_in": LIFETIME.as_secs()})))
    }

    /// The request that this client pushed under `name`; a page for every other name, as nothing tells where to answer.
    pub(super) async fn pushed(
        &self,
        tenant: &TenantView,
        params: &Params,
        name: &str,
    ) -> Result<Result<Received, PageReason>, OidcError> {
        if params.is_repeated("client_id") {
            return Ok(Err(PageReason::MalformedRequest));
        }
        let unknown = Ok(Err(PageReason::PushedRequest));
        let Some(hash) = Token::parse(name).map(|token| token.hash()) else { return unknown };
        let now = self.0.clock.now();
        let found = self.0.database.tenant(tenant.slug()).one_time().find(Purpose::PushedRequest, &hash).await?;
        let found = found.filter(|kept| kept.state(now) == OneTimeState::Usable);
        let Some(found) = found.filter(|kept| params.get("client_id") == Some(kept.subject.as_str())) else {
            return unknown;
        };
        let kept: Kept =
            serde_json::from_value(found.payload).map_err(|e| OidcError::Corrupt(format!("a pushed request: {e}")))?;
        if now >= kept.opens_until {
            return unknown;
        }
        Ok(Ok(Received { params: Params::from_pairs(kept.params), pushed: Some(hash), signed: kept.signed }))
    }
}
