//! OAuth 2.0 and OpenID Connect: what a request means, and what is answered.
//!
//! The web crate reads requests and writes answers; this crate decides. It knows nothing of axum and of pages: the
//! authorization endpoint returns an [`AuthorizeOutcome`], logout a [`LogoutOutcome`], the others a [`Reply`]. Time,
//! randomness, the vault and the way out to other hosts are given to [`Oidc::new`].
//!
//! * `authorize`: the table of checks, and the request that waits for the person
//! * `grants`: client authentication, codes, refresh tokens, userinfo, and the one policy behind them
//! * `machine`: oxide-auth's state machines, and nothing else of it
//! * `academic`, `subject`: what academic federations are told, and what a person is called
//! * `verified_claims`: facts together with how they were checked
//! * `keys`, `jws`, `claims`, `discovery`, `clients`, `logout`, `outbound`: one thing each
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod academic;
mod authorize;
mod cache;
mod claims;
mod claims_request;
mod clients;
mod discovery;
mod error;
mod grants;
mod jws;
mod keys;
mod logout;
mod logouts;
mod machine;
mod outbound;
mod params;
mod registration;
mod reply;
mod subject;
mod tenant;
mod verified_claims;

pub use authorize::{
    Answer, AuthorizeOutcome, AuthorizeResponse, Display, Interact, LoginReason, Need, PendingInteraction, ResponseMode,
};
pub use clients::Registered;
pub use error::{ErrorCode, OidcError, PageError, PageReason, ProtocolError};
pub use grants::EndpointRequest;
pub use keys::{KeyReport, SealError, Sealer};
pub use logout::{AfterLogout, LogoutOutcome};
pub use outbound::{GuardedOutbound, Outbound, OutboundError};
pub use params::Params;
pub use registration::Management;
pub use reply::Reply;
pub use tenant::{AuthSession, TenantView};

use madoguchi_domain::{Clock, Entropy};
use madoguchi_store::Database;
use std::{ops::Deref, sync::Arc};

/// The protocol's side of the provider. Cheap to clone; one for each provider.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

/// What [`Oidc`] is built from.
pub struct Parts {
    /// Where everything is kept.
    pub database: Database,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Seals private keys.
    pub sealer: Arc<dyn Sealer>,
    /// Fetches clients' key sets.
    pub outbound: Arc<dyn Outbound>,
}

/// The parts, and what is remembered of each tenant under its generation.
struct Inner {
    parts: Parts,
    rings: cache::PerTenant<keys::Ring>,
    clients: cache::PerTenant<clients::ClientSet>,
    documents: cache::PerTenant<discovery::Document>,
    fetched: clients::FetchedKeys,
    pairwise: cache::PerTenant<subject::PairwiseSecret>,
}

impl Oidc {
    /// One from its parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            rings: cache::PerTenant::new(),
            clients: cache::PerTenant::new(),
            documents: cache::PerTenant::new(),
            fetched: clients::FetchedKeys::default(),
            pairwise: cache::PerTenant::new(),
        }))
    }
}

impl Deref for Inner {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}
