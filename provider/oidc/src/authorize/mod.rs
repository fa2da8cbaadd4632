//! The authorization endpoint (RFC 6749 §4.1, OpenID Connect Core §3.1.2).
//!
//! [`checks`] is the table of what is checked; [`ask`] looks at the request, [`demand`] at the person, [`endpoint`] runs
//! them and keeps what has to wait.

mod ask;
mod checks;
mod demand;
mod endpoint;
mod outcome;
mod person;
pub(crate) mod redirect_uri;
mod request;

pub use endpoint::PendingInteraction;
pub use outcome::*;
