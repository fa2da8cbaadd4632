//! The clock of an app that brings none.

use madoguchi_domain::{Clock, Timestamp};

/// The machine's clock. An app has no provider to take one from; tests give theirs to the builder.
pub(super) struct MachineClock;

impl Clock for MachineClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where an app's time comes from, unless it brings its own"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}
