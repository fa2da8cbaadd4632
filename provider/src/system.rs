//! The only place that looks at the real clock and the real random source.

use madoguchi_domain::{Clock, Entropy, Timestamp};

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "here the argument that everything else takes is made")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::panic, reason = "without randomness nothing may go on")]
    fn fill(&self, bytes: &mut [u8]) {
        use ring::rand::SecureRandom;
        if ring::rand::SystemRandom::new().fill(bytes).is_err() {
            panic!("the operating system gives no random bytes");
        }
    }
}
