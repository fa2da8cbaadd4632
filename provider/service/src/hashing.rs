//! Password hashing: argon2id in one bounded queue.
//!
//! A few threads of their own (as many as cores) take jobs from a queue that holds a fixed number; what does not fit
//! is refused with [`HashingError::Busy`], so a storm of logins costs neither memory nor the async threads' time. Each
//! thread works in one buffer that it keeps between jobs and gives back after two idle seconds.
//!
//! Verifying gives a proof ([`PasswordVerified`]) or an error, nothing between. An account that does not exist costs
//! the same work as one that does: [`Hashing::verify`] takes `None` for the hash and computes all the same.

mod phc;
mod worker;

pub use phc::HashCost;
use phc::{Parsed, StoredHash};

use madoguchi_domain::{Entropy, Secret};
use metrics::{counter, gauge};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use worker::{Job, Queue, Work};
use zeroize::Zeroizing;

/// The longest password in bytes that is hashed; a longer one is wrong, at the same cost.
pub const MAX_PASSWORD_BYTES: usize = 512;

/// How passwords are hashed.
#[derive(Clone)]
pub struct HashingOptions {
    /// Threads; 0 means one for each core.
    pub threads: usize,
    /// Jobs that may wait.
    pub queue: usize,
    /// The cost of a new hash.
    pub cost: HashCost,
    /// A secret from outside the database that every hash is made with; none when absent.
    pub pepper: Option<Arc<Pepper>>,
}

impl Default for HashingOptions {
    fn default() -> Self {
        Self { threads: 0, queue: 64, cost: HashCost::default(), pepper: None }
    }
}

/// A secret that passwords are hashed with, besides their salt. Its name is recorded in each hash, so that hashes of
/// the time before it still verify, and are renewed at the next login.
pub struct Pepper {
    /// Its name: 1 to 8 letters and digits.
    pub name: String,
    /// Its value, 32 bytes or more.
    pub key: Zeroizing<Vec<u8>>,
}

/// Proof that a password was right. Only [`Hashing`] makes one.
#[derive(Debug)]
#[must_use]
pub struct PasswordVerified {
    /// The stored hash is of an older cost or pepper: hash the password anew and store that.
    pub rehash: bool,
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// Not the password, or there is none to compare with.
    #[error("the password is wrong")]
    Wrong,
    /// The queue is full.
    #[error("too many passwords are waiting to be hashed")]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// The hashing itself failed: no memory, or the threads have stopped.
    #[error("the password could not be hashed")]
    Failed,
}

impl From<HashingError> for crate::ServiceError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy { retry_after } => Self::Busy { retry_after },
            HashingError::Wrong | HashingError::Failed => Self::bug(error),
        }
    }
}

/// The queue and its threads. Clones share them; they end with the last clone.
#[derive(Clone)]
pub struct Hashing(Arc<Shared>);

struct Shared {
    queue: Arc<Queue>,
    options: HashingOptions,
    entropy: Arc<dyn Entropy>,
    /// What an account without a hash is verified against: a hash of the present cost that no password has.
    dummy: StoredHash,
    runs: AtomicU64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Hashing {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the operating system gives no thread, or the cost is out of argon2's bounds.
    pub fn start(options: HashingOptions, entropy: Arc<dyn Entropy>) -> Result<Self, crate::StartError> {
        let failed = |e: &dyn std::fmt::Display| crate::StartError::Hashing(e.to_string());
        options.cost.params().map_err(|e| failed(&e))?;
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            n => n,
        };
        let queue = Arc::new(Queue::new(options.queue));
        for number in 0..threads {
            let (queue, pepper) = (queue.clone(), options.pepper.clone());
            std::thread::Builder::new()
                .name(format!("argon2-{number}"))
                .spawn(move || worker::run(&queue, pepper.as_deref()))
                .map_err(|e| failed(&e))?;
        }
        let dummy = StoredHash::unmatchable(options.cost, options.pepper.as_deref(), entropy.as_ref());
        Ok(Self(Arc::new(Shared { queue, options, entropy, dummy, runs: AtomicU64::new(0) })))
    }

    /// Hashes a password with a new salt; a PHC string.
    ///
    /// # Errors
    /// [`HashingError::Busy`], [`HashingError::Failed`]; [`HashingError::Wrong`] for one that is too long.
    pub async fn hash(&self, password: &Secret) -> Result<String, HashingError> {
        let mut hashes = self.hash_all(&[password]).await?;
        hashes.pop().ok_or(HashingError::Failed)
    }

    /// Hashes several passwords at once, all or none.
    ///
    /// # Errors
    /// As [`Hashing::hash`].
    pub async fn hash_all(&self, passwords: &[&Secret]) -> Result<Vec<String>, HashingError> {
        if passwords.iter().any(|p| p.expose().len() > MAX_PASSWORD_BYTES) {
            return Err(HashingError::Wrong);
        }
        let options = &self.0.options;
        let fresh: Vec<StoredHash> = passwords
            .iter()
            .map(|_| StoredHash::unmatchable(options.cost, options.pepper.as_deref(), self.0.entropy.as_ref()))
            .collect();
        let work = passwords.iter().zip(&fresh).map(|(p, target)| Work::new(p, target.clone())).collect();
        let outputs = self.compute(work).await?;
        let mut texts = Vec::with_capacity(fresh.len());
        for (mut hash, output) in fresh.into_iter().zip(outputs) {
            hash.output = output?.to_vec();
            texts.push(hash.to_string());
        }
        Ok(texts)
    }

    /// Verifies a password against a PHC string; against nothing, at the same cost, when there is none.
    ///
    /// # Errors
    /// [`HashingError::Wrong`] and the others.
    pub async fn verify(&self, password: &Secret, phc: Option<&str>) -> Result<PasswordVerified, HashingError> {
        let mut results = self.verify_all(&[(password, phc)]).await?;
        results.pop().unwrap_or(Err(HashingError::Failed))
    }

    /// Verifies several passwords, every one of them whatever comes of the others. All fit into the queue or none does.
    ///
    /// # Errors
    /// [`HashingError::Busy`] for the whole; each result has its own otherwise, in the order given.
    pub async fn verify_all(
        &self,
        checks: &[(&Secret, Option<&str>)],
    ) -> Result<Vec<Result<PasswordVerified, HashingError>>, HashingError> {
        let targets: Vec<(StoredHash, bool)> = checks
            .iter()
            .map(|(password, phc)| {
                let real = phc.and_then(|text| StoredHash::parse(text).map_err(|e| report_unreadable(&e)).ok());
                let comparable = real.is_some() && password.expose().len() <= MAX_PASSWORD_BYTES;
                (real.unwrap_or_else(|| self.0.dummy.clone()), comparable)
            })
            .collect();
        let work = checks.iter().zip(&targets).map(|((p, _), (target, _))| Work::new(p, target.clone())).collect();
        let outputs = self.compute(work).await?;
        counter!("password_verifications_total").increment(outputs.len() as u64);
        Ok(outputs
            .into_iter()
            .zip(targets)
            .map(|(output, (target, comparable))| {
                let output = output?;
                if subtle::ConstantTimeEq::ct_eq(output.as_slice(), target.output.as_slice()).into() && comparable {
                    Ok(PasswordVerified { rehash: self.is_outdated(&target) })
                } else {
                    Err(HashingError::Wrong)
                }
            })
            .collect())
    }

    /// How many times argon2 has run, for tests that count work.
    pub fn runs(&self) -> u64 {
        self.0.runs.load(Ordering::Relaxed)
    }

    fn is_outdated(&self, hash: &StoredHash) -> bool {
        let options = &self.0.options;
        hash.cost != options.cost || hash.pepper != options.pepper.as_ref().map(|p| p.name.clone())
    }

    async fn compute(&self, work: Vec<Work>) -> Result<Vec<Result<Parsed, HashingError>>, HashingError> {
        let count = work.len();
        let mut replies = Vec::with_capacity(count);
        let mut jobs = Vec::with_capacity(count);
        for work in work {
            let (send, receive) = oneshot::channel();
            jobs.push(Job { work, reply: send });
            replies.push(receive);
        }
        self.0.queue.push_all(jobs)?;
        let mut outputs = Vec::with_capacity(count);
        for reply in replies {
            outputs.push(reply.await.unwrap_or(Err(HashingError::Failed)));
            self.0.runs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(outputs)
    }
}

/// A hash in the database that is no PHC string of ours matches nothing; whoever operates the provider is told.
fn report_unreadable(error: &phc::PhcError) {
    tracing::error!(%error, "a stored password hash cannot be read");
    gauge!("password_hashes_unreadable").increment(1.0);
}

#[cfg(test)]
mod tests;
