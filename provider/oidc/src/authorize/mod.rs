//! The authorization endpoint (RFC 6749 §4.1, OpenID Connect Core §3.1.2).
//!
//! [`received`] finds out what is asked for, whatever form it came in: [`request_object`] opens those that the client
//! signed, [`pushed`] keeps those that come beforehand.
//! [`checks`] is the table of what is checked where; [`ask`] looks at the request, [`demand`] at the person, [`endpoint`]
//! runs them and keeps what has to wait, [`answer`] writes the grant and tells the client.

mod answer;
mod ask;
mod checks;
mod demand;
mod endpoint;
mod outcome;
mod person;
mod pushed;
mod received;
pub(crate) mod redirect_uri;
mod request;
mod request_object;

pub use endpoint::PendingInteraction;
pub use outcome::*;
