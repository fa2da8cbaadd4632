//! The queue, and what a hashing thread does.

use super::{HashingError, MAX_PASSWORD_BYTES, Pepper, phc::Parsed, phc::StoredHash};
use argon2::{Algorithm, Argon2, Block, Version};
use madoguchi_domain::Secret;
use metrics::gauge;
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// A buffer is given back after so long without work.
const IDLE: Duration = Duration::from_secs(2);

/// The room that is asked for, in blocks of 1 KiB, though only the cost's part of it is touched. Beyond 32 MiB the C
/// library maps memory directly and unmaps it when freed; less may stay in its heap for good.
const ROOM: usize = 33 * 1024;

/// One argon2 run.
pub(super) struct Work {
    password: Zeroizing<Vec<u8>>,
    target: StoredHash,
}

impl Work {
    /// A password that is too long is replaced by one character of it: the work is the same, and the caller refuses it.
    pub(super) fn new(password: &Secret, target: StoredHash) -> Self {
        let bytes = password.expose().as_bytes();
        let kept = if bytes.len() > MAX_PASSWORD_BYTES { &b"-"[..] } else { bytes };
        Self { password: Zeroizing::new(kept.to_vec()), target }
    }
}

/// One argon2 run, and who waits for it.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: oneshot::Sender<Result<Parsed, HashingError>>,
}

/// Jobs that wait.
pub(super) struct Queue {
    state: Mutex<State>,
    bell: Condvar,
    capacity: usize,
}

struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

enum Next {
    Job(Box<Job>),
    Idle,
    Closed,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State { jobs: VecDeque::new(), closed: false }),
            bell: Condvar::new(),
            capacity: capacity.max(2),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts all jobs in, or none.
    pub(super) fn push_all(&self, jobs: Vec<Job>) -> Result<(), HashingError> {
        let mut state = self.lock();
        if state.closed {
            return Err(HashingError::Failed);
        }
        if state.jobs.len() + jobs.len() > self.capacity {
            metrics::counter!("password_hashing_refused_total").increment(1);
            return Err(HashingError::Busy { retry_after: Duration::from_secs(1) });
        }
        state.jobs.extend(jobs);
        gauge!("argon2_queue_depth").set(state.jobs.len() as f64);
        drop(state);
        self.bell.notify_all();
        Ok(())
    }

    /// No more jobs; the threads end when they have done what waits.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_all();
    }

    /// The next job. `holding` says whether the thread has a buffer to give back when nothing comes for a while.
    fn next(&self, holding: bool) -> Next {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                gauge!("argon2_queue_depth").set(state.jobs.len() as f64);
                return Next::Job(Box::new(job));
            }
            if state.closed {
                return Next::Closed;
            }
            if holding {
                let (woken, timeout) = self.bell.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                if timeout.timed_out() && state.jobs.is_empty() {
                    return Next::Idle;
                }
            } else {
                state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// The life of a hashing thread.
pub(super) fn run(queue: &Queue, pepper: Option<&Pepper>) {
    let mut buffer: Vec<Block> = Vec::new();
    loop {
        match queue.next(buffer.capacity() > 0) {
            Next::Closed => return,
            Next::Idle => buffer = Vec::new(),
            Next::Job(job) => {
                let Job { work, reply } = *job;
                if reply.is_closed() {
                    continue;
                }
                gauge!("argon2_slots_in_use").increment(1.0);
                let result = compute(&work, pepper, &mut buffer);
                gauge!("argon2_slots_in_use").decrement(1.0);
                // Nobody waits any more: nothing to do about it.
                let _ = reply.send(result);
            }
        }
    }
}

fn compute(work: &Work, pepper: Option<&Pepper>, buffer: &mut Vec<Block>) -> Result<Parsed, HashingError> {
    let hash = &work.target;
    let params = hash.cost.params().map_err(|_| HashingError::Failed)?;
    let key: &[u8] = match (&hash.pepper, pepper) {
        (None, _) => &[],
        (Some(name), Some(pepper)) if *name == pepper.name => &pepper.key,
        (Some(name), _) => {
            tracing::error!(pepper = %name, "a password was hashed with a pepper that is not configured");
            &[]
        }
    };
    let blocks = params.block_count();
    if buffer.len() < blocks {
        if buffer.capacity() < blocks {
            *buffer = Vec::new();
            buffer.try_reserve_exact(blocks.max(ROOM)).map_err(|_| HashingError::Failed)?;
        }
        buffer.resize(blocks, Block::default());
    }
    let mut output = Zeroizing::new(vec![0u8; hash.output.len()]);
    let argon2 = if key.is_empty() {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    } else {
        Argon2::new_with_secret(key, Algorithm::Argon2id, Version::V0x13, params).map_err(|_| HashingError::Failed)?
    };
    argon2
        .hash_password_into_with_memory(&work.password, &hash.salt, &mut output, buffer.as_mut_slice())
        .map_err(|_| HashingError::Failed)?;
    Ok(output)
}
