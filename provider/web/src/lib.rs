//! What the outside sees: axum routers, one for each audience, and the pages in the tenant's theme and language.
//!
//! Handlers read a request, call a use case of `madoguchi-service` or the protocol of `madoguchi-oidc`, and fill a page.
//! They decide nothing themselves. [`router`] gives everything to serve or to nest below a host's prefix.
#![allow(clippy::result_large_err, reason = "an error here is an answer to the browser, as axum means it")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

rust_i18n::i18n!("../../themes/base/locales", backend = crate::theme::Layers);

pub mod client_address;
mod cookies;
mod csrf;
mod device;
mod duties;
mod headers;
mod markdown;
mod messages;
pub mod pages;
mod passwords;
mod routes;
mod staff_help;
pub mod state;
mod steps;
pub mod theme;
mod visit;

pub use routes::{health::management as management_router, router};
pub use state::{Web, WebParts, looks_problem};
