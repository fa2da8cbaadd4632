//! The forms in which an authorization request reaches us. Whatever the form, from here on only the parameters in
//! [`Received`] count.

use super::{
    ask,
    checks::{Endpoint, Incoming},
    endpoint::Refused,
    pushed, request_object,
};
use crate::{Oidc, OidcError, PageReason, Params, TenantView, error::ProtocolError};
use madoguchi_domain::TokenHash;

/// An authorization request, and how it came.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) params: Params,
    /// The name under which it was pushed; used up with the answer.
    pub(super) pushed: Option<TokenHash>,
    /// Whether the client signed it.
    pub(super) signed: bool,
}

impl Received {
    /// As plain parameters.
    pub(super) fn plain(params: Params) -> Self {
        Self { params, pushed: None, signed: false }
    }

    /// As an object that the client signed.
    pub(super) fn signed(params: Params) -> Self {
        Self { params, pushed: None, signed: true }
    }
}

impl Oidc {
    /// What is asked for at the authorization endpoint. With the name of a pushed request it is that request, with a
    /// request object what stands in it, and nothing else of what came counts (RFC 9126 §4, RFC 9101 §5).
    pub(super) async fn receive(
        &self,
        tenant: &TenantView,
        params: &Params,
    ) -> Result<Result<Received, Refused>, OidcError> {
        if let Some(name) = params.get("request_uri").and_then(pushed::name) {
            return Ok(self.pushed(tenant, params, name).await?.map_err(Refused::Page));
        }
        if !request_object::is_there(params) {
            return Ok(Ok(Received::plain(params.clone())));
        }
        let client = match self.named_client(tenant, params).await? {
            Ok(client) => client,
            Err(reason) => return Ok(Err(Refused::Page(reason))),
        };
        match self.open(tenant, &client, params, Endpoint::Authorization).await {
            Ok(inside) => Ok(Ok(Received::signed(inside))),
            Err(error) => Ok(Err(self.unopened(tenant, params, error).await?)),
        }
    }

    /// Why an object was not opened: told to the client, where the request outside names a registered address.
    async fn unopened(&self, tenant: &TenantView, params: &Params, error: ProtocolError) -> Result<Refused, OidcError> {
        let outside = Received::plain(params.clone());
        let Ok(mut request) = self.addressed(tenant, &outside).await? else {
            return Ok(Refused::Page(PageReason::RequestObject));
        };
        let ring = self.ring(tenant).await?;
        let incoming = Incoming { tenant, params, ring: &ring, now: self.0.clock.now() };
        let error = ask::response_mode(&incoming, &mut request).err().unwrap_or(error);
        Ok(Refused::Client(Box::new(request), error))
    }
}
