//! The protocol on real databases: SQLite always, PostgreSQL where `MADOGUCHI_TEST_POSTGRES` names a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![allow(unreachable_pub, reason = "the modules of one test program")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects; all else fails it")]

mod academic;
mod authorize;
mod client_auth;
mod code_flow;
mod keys;
mod logout;
mod pairwise;
mod properties;
mod refresh;
mod support;
mod token_state;
mod verified_claims;
