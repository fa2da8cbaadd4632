//! What is kept in memory of each tenant, under the generation that it was read at.

use arc_swap::ArcSwap;
use madoguchi_domain::TenantSlug;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{Mutex, MutexGuard};

/// One value for each tenant. Reading takes no lock.
pub(crate) struct PerTenant<T> {
    held: ArcSwap<HashMap<TenantSlug, Arc<T>>>,
    loading: Mutex<()>,
}

impl<T> PerTenant<T> {
    pub(crate) fn new() -> Self {
        Self { held: ArcSwap::default(), loading: Mutex::new(()) }
    }

    pub(crate) fn get(&self, tenant: &TenantSlug) -> Option<Arc<T>> {
        self.held.load().get(tenant).cloned()
    }

    pub(crate) fn put(&self, tenant: &TenantSlug, value: Arc<T>) {
        self.held.rcu(|held| {
            let mut next = HashMap::clone(held);
            next.insert(tenant.clone(), Arc::clone(&value));
            next
        });
    }

    /// Held while a value is read, so that many requests at once read it once: look again after getting it.
    pub(crate) async fn loading(&self) -> MutexGuard<'_, ()> {
        self.loading.lock().await
    }
}
