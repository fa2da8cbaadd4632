//! `verified_claims` (OpenID Connect for Identity Assurance 1.0, OpenID Identity Assurance Schema Definition 1.0): facts
//! about a person together with how they were checked.
//!
//! * `request`: what a client asks for, read from the `claims` parameter
//! * `facts`: what there is, made from the approvals of applications
//! * `select`: the part of what there is that was asked for
//! * `metadata`: what the discovery document says of it

mod facts;
mod metadata;
mod request;
mod select;

pub(crate) use metadata::{Metadata, metadata};
pub(crate) use request::VerifiedRequest;

use crate::claims::Person;
use madoguchi_domain::Timestamp;
use serde_json::Value;

/// The claim's name.
pub(crate) const CLAIM: &str = "verified_claims";

/// The claim as asked for: an element, or several where facts were checked at different times or several sets were asked
/// for. Nothing where the tenant tells nothing of its checks, or no requirement is met; that is never an error
/// (Identity Assurance §5.7).
pub(crate) fn told(person: &Person<'_>, request: &VerifiedRequest, now: Timestamp) -> Option<Value> {
    if request.elements.is_empty() {
        return None;
    }
    let known = facts::known(person);
    let told =
        request.elements.iter().flat_map(|element| known.iter().filter_map(|fact| select::element(element, fact, now)));
    let mut told: Vec<Value> = told.collect();
    if told.len() == 1 && !request.is_array { told.pop() } else { (!told.is_empty()).then(|| told.into()) }
}
