//! The forms in which an authorization request reaches us. Whatever the form, from here on only the parameters in
//! [`Received`] count.

use super::{AuthorizeOutcome, outcome::page, pushed};
use crate::{Oidc, OidcError, Params, TenantView};
use madoguchi_domain::TokenHash;

/// An authorization request, and how it came.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) params: Params,
    /// The name under which it was pushed; used up with the answer.
    pub(super) pushed: Option<TokenHash>,
}

impl Received {
    /// As plain parameters.
    pub(super) fn plain(params: Params) -> Self {
        Self { params, pushed: None }
    }
}

impl Oidc {
    /// What is asked for at the authorization endpoint. With the name of a pushed request it is that request, and
    /// nothing else of what came counts but `client_id` (RFC 9126 §4, RFC 9101 §5).
    pub(super) async fn receive(
        &self,
        tenant: &TenantView,
        params: &Params,
    ) -> Result<Result<Received, AuthorizeOutcome>, OidcError> {
        match params.get("request_uri").and_then(pushed::name) {
            Some(name) => Ok(self.pushed(tenant, params, name).await?.map_err(page)),
            None => Ok(Ok(Received::plain(params.clone()))),
        }
    }
}
