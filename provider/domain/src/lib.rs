//! What a tenant, application, account, enrolment, credential, session, client and grant *is* and may become.
//!
//! This crate is pure: it does no I/O, has no clock and no random source of its own. Time and randomness come in
//! as arguments ([`Clock`], [`Entropy`]); what is stored and how, is the business of `madoguchi-store`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)
)]

pub mod account;
pub mod application;
pub mod audit;
pub mod client;
pub mod duty;
pub mod email;
pub mod form;
pub mod grant;
pub mod id;
pub mod japan;
pub mod locale;
pub mod mail;
pub mod one_time;
pub mod password;
pub mod random;
pub mod secret;
pub mod session;
pub mod tenant;
pub mod time;
pub mod verification;

pub use email::EmailAddress;
pub use id::TenantSlug;
pub use locale::{LocalText, Locale};
pub use random::Entropy;
pub use secret::{Secret, Token, TokenHash};
pub use time::{Clock, Timestamp};
