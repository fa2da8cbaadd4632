//! The relying party against a provider on the loopback interface that can be told to misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod browser;
mod login;
mod logout;
mod provider;
mod tokens;
