//! What a plugin of Madoguchi, or an app that logs in with it, sees.
//!
//! Two audiences share this crate:
//!
//! * **Plugins** extend the provider: a [`Directory`] tells the review desk who is on the institution's roster, an
//!   [`ApplicantVerifier`] checks an applicant's answers with an outside authority. Both are traits with one method
//!   that does the work; [`CsvDirectory`], [`CsvVerifier`] and `HttpVerifier` ship. A plugin is handed to the provider's builder.
//! * **Apps** log people in: [`relying_party`] is all of OpenID Connect that an axum app needs, with Madoguchi or any
//!   other provider (feature `relying-party`, on by default).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod csv_file;
mod csv_plugins;
mod directory;
#[cfg(feature = "http-verifier")]
mod http_verifier;
#[cfg(feature = "relying-party")]
pub mod relying_party;
mod verifier;

pub use csv_file::{CsvEncoding, CsvError, CsvProblem, RosterFile, decode, read_roster};
pub use csv_plugins::{CsvDirectory, CsvVerifier, open_roster};
pub use directory::{
    Agreement, DIRECTORY_TIME_LIMIT, Directory, DirectoryError, DirectoryQuery, DirectoryRecord, MatchDetails, Outcome,
    YearMonth, find_in_time,
};
#[cfg(feature = "http-verifier")]
pub use http_verifier::{HttpVerifier, HttpVerifierError, HttpVerifierOptions};
pub use verifier::{ApplicantAnswers, ApplicantVerifier, VERIFY_TIME_LIMIT, Verification, verify_in_time};
