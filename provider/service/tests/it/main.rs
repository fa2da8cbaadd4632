//! The use cases on real databases: SQLite always, PostgreSQL where `MADOGUCHI_TEST_POSTGRES` names one.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

mod accounts;
mod applying;
mod credential_states;
mod credentials;
mod images;
mod limits;
mod mail;
mod mail_change;
mod password_change;
mod people;
mod recovery;
mod registration;
mod review;
mod sessions;
mod sign_in;
mod tenants;
mod vault;
mod verifying;
