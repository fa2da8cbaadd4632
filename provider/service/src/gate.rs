//! One at a time for one name, and so many in all: sign-ins of the same identifier are judged one after the other.
//!
//! Failures are counted before passwords are verified. Were several logins of one person under way at once, each would
//! be counted as a failure until it is judged, and the person locked out by their own right passwords. Here they wait
//! for each other. Across nodes only the count in the database rules, which errs on the strict side.

use crate::ServiceError;
use madoguchi_domain::TokenHash;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore, SemaphorePermit};

/// The gate.
pub(crate) struct Gate {
    places: Semaphore,
    names: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
}

/// Somebody is inside; dropped when they leave.
pub(crate) struct Inside<'a> {
    gate: &'a Gate,
    name: String,
    turn: Option<OwnedMutexGuard<()>>,
    _place: SemaphorePermit<'a>,
}

impl Gate {
    /// A gate for so many at once, waiting ones included.
    pub(crate) fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places), names: Mutex::default() }
    }

    /// Waits for the name's turn.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] at once when all places are taken.
    pub(crate) async fn enter(&self, name: &TokenHash) -> Result<Inside<'_>, ServiceError> {
        let busy = || ServiceError::Busy { retry_after: Duration::from_secs(1) };
        let place = self.places.try_acquire().map_err(|_| busy())?;
        let name = name.as_str().to_owned();
        let lock = {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            names.entry(name.clone()).or_default().clone()
        };
        // Built before waiting, so that somebody who goes away while waiting tidies up as well.
        let mut inside = Inside { gate: self, name, turn: None, _place: place };
        inside.turn = Some(lock.lock_owned().await);
        Ok(inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.turn = None;
        let mut names = self.gate.names.lock().unwrap_or_else(PoisonError::into_inner);
        // One reference is the map's own: nobody waits.
        if names.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            names.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_name_waits_others_do_not_and_nothing_is_left_behind() {
        let gate = Gate::new(3);
        let (a, b) = (TokenHash::of(b"a"), TokenHash::of(b"b"));
        let first = gate.enter(&a).await.unwrap();
        let _other = gate.enter(&b).await.unwrap();
        let second = gate.enter(&a);
        tokio::pin!(second);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut second).await.is_err());
        assert!(matches!(gate.enter(&b).await, Err(ServiceError::Busy { .. })));
        drop(first);
        drop(second.await.unwrap());
        drop(_other);
        assert!(gate.names.lock().unwrap().is_empty());
    }
}
