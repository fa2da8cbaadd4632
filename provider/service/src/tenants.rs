//! Tenants: their configuration as versions in the database, and a cache of it that every node keeps fresh.
//!
//! A folder of files is validated as a whole and stored as a new version, or refused with every problem named. Each
//! change of configuration, clients or keys makes the tenant's *generation* grow; nodes compare generations each second
//! and re-read what changed, so a cached tenant is at most that old.

use crate::{Service, ServiceError};
use madoguchi_domain::{
    TenantSlug,
    audit::{Action, Actor},
    tenant::{Problem, TenantConfig, TenantFiles},
};
use madoguchi_store::StoreError;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

mod clients;
mod diff;

pub use diff::FileDiff;

/// A tenant as it is now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name.
    pub slug: TenantSlug,
    /// Its configuration.
    pub config: Arc<TenantConfig>,
    /// Version of the configuration, from 1.
    pub version: i64,
    /// Grows with each change of configuration, clients or keys.
    pub generation: i64,
    /// Issuer and base of all its links; no trailing slash.
    pub issuer: String,
}

impl Tenant {
    /// A link to one of its pages: `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}

type All = BTreeMap<TenantSlug, Arc<Tenant>>;

/// What every request looks its tenant up in.
#[derive(Default)]
pub(crate) struct TenantCache(RwLock<Arc<All>>);

impl TenantCache {
    fn all(&self) -> Arc<All> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, all: All) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(all);
    }
}

/// What came of an application of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Whose.
    pub slug: TenantSlug,
    /// The version that is in force now.
    pub version: i64,
    /// False when the files were in force already.
    pub changed: bool,
}

/// Why files are not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// What is wrong with them; nothing was changed.
    #[error("the tenant's files have {} problems", .0.len())]
    Invalid(Vec<Problem>),
    /// Another change was made at the same moment; look at the difference again.
    #[error("another change of this tenant came first")]
    Conflict,
    /// The provider cannot now.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Conflict) { Self::Conflict } else { Self::Service(error.into()) }
    }
}

impl Service {
    /// The tenant of that name.
    pub fn tenant(&self, slug: &TenantSlug) -> Option<Arc<Tenant>> {
        self.0.tenants.all().get(slug).cloned()
    }

    /// All tenants, by name.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.0.tenants.all().values().cloned().collect()
    }

    /// Re-reads what changed since the last look. One statement when nothing did.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; the cache stays as it was. A configuration that this version cannot read keeps
    /// the one before in force, and is logged.
    pub async fn poll_tenants(&self) -> Result<(), ServiceError> {
        let generations = self.database().tenants().generations().await?;
        let known = self.0.tenants.all();
        let same = generations.len() == known.len()
            && generations.iter().all(|(slug, now)| known.get(slug).is_some_and(|t| t.generation == *now));
        if same {
            return Ok(());
        }
        let mut fresh = All::new();
        for row in self.database().tenants().list().await? {
            let before = known.get(&row.slug);
            let config = match before.filter(|t| t.version == row.version) {
                Some(unchanged) => Some(unchanged.config.clone()),
                None => self.load(&row.slug, row.version).await?,
            };
            let Some(config) = config.or_else(|| before.map(|t| t.config.clone())) else { continue };
            self.vault().prepare(&row.slug).await?;
            let issuer = config.issuer(self.public_url());
            let tenant =
                Tenant { slug: row.slug.clone(), config, version: row.version, generation: row.generation, issuer };
            fresh.insert(row.slug, Arc::new(tenant));
        }
        self.0.tenants.replace(fresh);
        Ok(())
    }

    async fn load(&self, slug: &TenantSlug, version: i64) -> Result<Option<Arc<TenantConfig>>, ServiceError> {
        let stored = self.database().tenant(slug).configuration().version(version).await?;
        let Some(stored) = stored else { return Ok(None) };
        match TenantConfig::from_files(&stored.files) {
            Ok(config) => Ok(Some(Arc::new(config))),
            Err(problems) => {
                for problem in problems {
                    tracing::error!(tenant = %slug, version, %problem, "a stored configuration cannot be read");
                }
                Ok(None)
            }
        }
    }

    /// Validates files and puts them in force as a new version, with the clients that they name.
    ///
    /// # Errors
    /// [`ApplyError::Invalid`] with every problem; nothing is changed then.
    pub async fn apply_tenant(&self, files: &TenantFiles, by: &Actor) -> Result<Applied, ApplyError> {
        let config = TenantConfig::from_files(files).map_err(ApplyError::Invalid)?;
        let slug = config.settings.slug.clone();
        let now = self.now();
        let mut tx = self.database().tenant(&slug).begin().await?;
        let current = tx.configuration().current().await?;
        if let Some(current) = &current
            && current.files == *files
        {
            tx.rollback().await?;
            self.poll_tenants().await?;
            return Ok(Applied { slug, version: current.version, changed: false });
        }
        let changed: Vec<String> = changed_files(current.as_ref().map(|c| &c.files), files);
        let version = tx.configuration().apply(files, &name_of(by), now).await?;
        let clients = clients::replace(&mut tx, &config, now).await?;
        let detail = json!({ "version": version, "files": changed, "clients": clients });
        self.record(&mut tx, by.clone(), Action::TenantApplied, slug.as_str(), detail, None).await?;
        self.commit(tx).await?;
        self.poll_tenants().await?;
        Ok(Applied { slug, version, changed: true })
    }

    /// What [`Service::apply_tenant`] would change, file by file; of an unknown tenant, everything is new.
    ///
    /// # Errors
    /// [`ApplyError::Invalid`] when it would refuse.
    pub async fn diff_tenant(&self, files: &TenantFiles) -> Result<Vec<FileDiff>, ApplyError> {
        let config = TenantConfig::from_files(files).map_err(ApplyError::Invalid)?;
        let current = self.export_tenant(&config.settings.slug).await?.unwrap_or_default();
        Ok(diff::between(&current, files))
    }

    /// The files in force.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn export_tenant(&self, slug: &TenantSlug) -> Result<Option<TenantFiles>, ServiceError> {
        let current = self.database().tenant(slug).configuration().current().await?;
        Ok(current.map(|c| c.files))
    }
}

fn name_of(actor: &Actor) -> String {
    match actor {
        Actor::Visitor => "visitor".to_owned(),
        Actor::Account(id) => id.to_string(),
        Actor::Operator(name) => name.clone(),
        Actor::System => "system".to_owned(),
    }
}

fn changed_files(old: Option<&TenantFiles>, new: &TenantFiles) -> Vec<String> {
    let empty = TenantFiles::new();
    let old = old.unwrap_or(&empty);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}
