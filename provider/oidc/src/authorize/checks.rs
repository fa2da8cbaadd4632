//! Which checks an authorization request passes, in reading order. This table is the only place that says so.
//!
//! Before them come the client and its redirect URI ([`super::endpoint`]): until both are known to be good, whatever is
//! wrong is shown on a page. After that an error goes to the client. The checks of [`OF_THE_REQUEST`] look at the request
//! alone; those of [`OF_THE_PERSON`] at who is signed in, and may find that the person has to do something first.

use super::{Need, ask, demand, person::Standing, request::Request};
use crate::{Params, TenantView, error::ProtocolError, keys::Ring};
use madoguchi_domain::Timestamp;

/// What the checks of a request may look at.
pub(super) struct Incoming<'a> {
    pub(super) tenant: &'a TenantView,
    pub(super) params: &'a Params,
    pub(super) ring: &'a Ring,
    pub(super) now: Timestamp,
}

/// A check of the request: an error for the client, or it fills in its part.
pub(super) type RequestCheck = fn(&Incoming<'_>, &mut Request) -> Result<(), ProtocolError>;

/// A check of the person: an error for the client, something to do for the person, or nothing.
pub(super) type PersonCheck = fn(&Standing<'_>) -> Result<Option<Need>, ProtocolError>;

/// Where a request is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The authorization endpoint, whatever form the request came in.
    Authorization,
    /// The pushed authorization request endpoint (RFC 9126 §2.1).
    Pushed,
}

const BOTH: &[Endpoint] = &[Endpoint::Authorization, Endpoint::Pushed];
const PUSHED: &[Endpoint] = &[Endpoint::Pushed];
const AUTHORIZATION: &[Endpoint] = &[Endpoint::Authorization];

/// What is asked of every authorization request, and where.
pub(super) const OF_THE_REQUEST: &[(RequestCheck, &[Endpoint])] = &[
    (ask::response_mode, BOTH), // first, as errors travel by it too
    (ask::parameters_once, BOTH),
    (ask::no_request_uri, PUSHED),
    (ask::pushed, AUTHORIZATION),
    (ask::signed, BOTH),
    (ask::response_type, BOTH),
    (ask::grant_type, BOTH),
    (ask::pkce, BOTH),
    (ask::scope, BOTH),
    (ask::nonce, BOTH),
    (ask::prompt, BOTH),
    (ask::offline_access, BOTH),
    (ask::max_age, BOTH),
    (ask::claims, BOTH),
    (ask::acr_values, BOTH),
    (ask::id_token_hint, BOTH),
    (ask::hints, BOTH),
];

/// What is asked of the person, once the request is good. The first that needs something stops.
pub(super) const OF_THE_PERSON: &[PersonCheck] = &[
    demand::session,
    demand::fresh_login,
    demand::max_age,
    demand::account,
    demand::acr,
    demand::duty,
    demand::enrolment,
    demand::consent,
];
