//! The use cases on real databases: SQLite always, PostgreSQL where `MADOGUCHI_TEST_POSTGRES` names one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

mod accounts;
mod credentials;
mod mail;
mod sessions;
mod recovery;
mod sign_in;
mod tenants;
mod vault;
mod applying;
mod images;
mod registration;
mod review;
