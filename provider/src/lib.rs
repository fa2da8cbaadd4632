//! # Madoguchi
//!
//! An OpenID Connect provider where people *become known*: an applicant proves a mail address, fills in an application
//! with an image of an identity document, a clerk decides, and only then is there an account.
//!
//! This crate is both: a library to embed into an axum application, and the program `madoguchi`, which is one user of
//! the library.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use madoguchi::Provider;
//!
//! # async fn host() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = Provider::builder("http://localhost:3000/id".parse()?)
//!     .database("sqlite:host.db")
//!     .master_key_file("host.key")
//!     .tenant_folder("tenants/certificate")
//!     .mail("file:mails")
//!     .build()
//!     .await?;
//! let workers = provider.start_workers();
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "the host's own page" }))
//!     .nest("/id", provider.router());
//! # let _ = app;
//! workers.stop().await;
//! # Ok(()) }
//! ```
//!
//! Nothing is global: two providers live in one process, each with its database, tenants and workers.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod builder;
pub mod cli;
pub mod config;
mod demo;
mod glue;
mod server;
pub mod system;
mod telemetry;
mod verifiers;

pub use builder::{BuildError, Provider, ProviderBuilder, Workers};
pub use madoguchi_domain as domain;
pub use madoguchi_plugin_sdk as plugin_sdk;
