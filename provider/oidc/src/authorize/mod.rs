//! The authorization endpoint.

mod outcome;

pub use outcome::*;
