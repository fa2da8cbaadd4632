//! Configurations: each change of a tenant is a new version of all its files; old ones stay for a way back.
//!
//! A tenant's *generation* grows with every change of configuration, clients or keys. Nodes read all generations every
//! few seconds ([`Tenants::generations`]) and reload what moved.

use crate::{Database, Row, Scope, StoreError, statements, value::json, value::params};
use base64::{Engine, engine::general_purpose::STANDARD};
use madoguchi_domain::{TenantSlug, Timestamp};
use std::collections::BTreeMap;

statements! {
    NEXT = "insert into tenants (slug, version, generation, created_at) values ($1, 1, 1, $2) \
            on conflict (slug) do update set version = tenants.version + 1, generation = tenants.generation + 1 \
            returning version";
    KEEP = "insert into tenant_versions (tenant, version, files, applied_at, applied_by) values ($1, $2, $3, $4, $5) \
            on conflict do nothing";
    CURRENT = "select t.version, t.generation, v.files, v.applied_at, v.applied_by from tenants t \
            join tenant_versions v on v.tenant = t.slug and v.version = t.version where t.slug = $1";
    VERSION = "select v.version, t.generation, v.files, v.applied_at, v.applied_by from tenants t \
            join tenant_versions v on v.tenant = t.slug where t.slug = $1 and v.version = $2";
    VERSIONS = "select version, applied_at, applied_by from tenant_versions where tenant = $1 order by version desc limit $2";
    GENERATION = "select generation from tenants where slug = $1";
    ANNOUNCE = "update tenants set generation = generation + 1 where slug = $1 returning generation";
}

const GENERATIONS: &str = "select slug, generation from tenants order by slug";
const LIST: &str = "select t.slug, t.version, t.generation, v.applied_at, v.applied_by from tenants t \
            join tenant_versions v on v.tenant = t.slug and v.version = t.version order by t.slug";
const SETTING: &str = "select value from settings where name = $1";
const KEEP_SETTING: &str = "insert into settings (name, value) values ($1, $2) on conflict do nothing";

/// Statements over all tenants.
pub(crate) const DEPLOYMENT_STATEMENTS: &[&str] = &[GENERATIONS, LIST, SETTING, KEEP_SETTING];

/// A tenant's files by path, as [`madoguchi_domain::tenant`] reads them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A version of a tenant with its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantVersion {
    /// Counts changes of configuration, from 1.
    pub version: i64,
    /// The tenant's generation when this was read.
    pub generation: i64,
    /// The files.
    pub files: Files,
    /// When it was applied.
    pub applied_at: Timestamp,
    /// By whom.
    pub applied_by: String,
}

/// A tenant in the list of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantEntry {
    /// Which.
    pub slug: TenantSlug,
    /// Its version.
    pub version: i64,
    /// Its generation.
    pub generation: i64,
    /// When the version was applied.
    pub applied_at: Timestamp,
    /// By whom.
    pub applied_by: String,
}

/// The configuration of one tenant.
pub struct Configuration<'a>(pub(crate) Scope<'a>);

impl Configuration<'_> {
    /// Makes these files the tenant's next version, its first if there was none; its number. In a transaction, with
    /// whatever else follows from the files (the clients, the audit event).
    pub async fn apply(&mut self, files: &Files, applied_by: &str, now: Timestamp) -> Result<i64, StoreError> {
        let encoded: BTreeMap<&str, String> =
            files.iter().map(|(path, bytes)| (path.as_str(), STANDARD.encode(bytes))).collect();
        let version = self
            .0
            .returning(NEXT, params![now], |row| row.int())
            .await?
            .ok_or(StoreError::unreadable("tenants.version"))?;
        self.0.insert(KEEP, params![version, json(&encoded)?, now, applied_by]).await?;
        Ok(version)
    }

    /// The version in force; `None` when there is no such tenant.
    pub async fn current(&mut self) -> Result<Option<TenantVersion>, StoreError> {
        self.0.one(CURRENT, params![], read).await
    }

    /// An earlier version.
    pub async fn version(&mut self, version: i64) -> Result<Option<TenantVersion>, StoreError> {
        self.0.one(VERSION, params![version], read).await
    }

    /// Number, time and author of the latest versions, newest first.
    pub async fn versions(&mut self, limit: u32) -> Result<Vec<(i64, Timestamp, String)>, StoreError> {
        self.0.all(VERSIONS, params![limit], |row| Ok((row.int()?, row.time()?, row.text()?))).await
    }

    /// The generation as it stands in the database; `None` for a tenant that was never applied.
    pub async fn generation(&mut self) -> Result<Option<i64>, StoreError> {
        self.0.one(GENERATION, params![], Row::int).await
    }

    /// Makes the generation grow, so that every node reads clients and keys again; the new one.
    pub async fn announce(&mut self) -> Result<Option<i64>, StoreError> {
        self.0.returning(ANNOUNCE, params![], Row::int).await
    }
}

/// All tenants of a deployment.
pub struct Tenants<'a>(&'a Database);

impl Database {
    /// All tenants.
    pub fn tenants(&self) -> Tenants<'_> {
        Tenants(self)
    }

    /// A deployment-wide value.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        match self.conn().read(SETTING, None, params![name]).await?.first_mut() {
            Some(row) => row.text().map(Some),
            None => Ok(None),
        }
    }

    /// Keeps a deployment-wide value unless there is one; the one that counts from now on.
    pub async fn setting_or(&self, name: &str, value: &str) -> Result<String, StoreError> {
        self.conn().write(KEEP_SETTING, None, params![name, value]).await?;
        self.setting(name).await?.ok_or(StoreError::unreadable("settings.value"))
    }
}

impl Tenants<'_> {
    /// Every tenant's generation.
    pub async fn generations(&self) -> Result<Vec<(TenantSlug, i64)>, StoreError> {
        let rows = self.0.conn().read(GENERATIONS, None, &[]).await?;
        rows.into_iter().map(|mut row| Ok((slug(&mut row)?, row.int()?))).collect()
    }

    /// Every tenant with its version.
    pub async fn list(&self) -> Result<Vec<TenantEntry>, StoreError> {
        let rows = self.0.conn().read(LIST, None, &[]).await?;
        let read = |mut row: Row| {
            Ok(TenantEntry {
                slug: slug(&mut row)?,
                version: row.int()?,
                generation: row.int()?,
                applied_at: row.time()?,
                applied_by: row.text()?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// The version in force of a tenant.
    pub async fn current(&self, slug: &TenantSlug) -> Result<Option<TenantVersion>, StoreError> {
        self.0.tenant(slug).configuration().current().await
    }
}

fn slug(row: &mut Row) -> Result<TenantSlug, StoreError> {
    row.text()?.parse().map_err(|_| StoreError::unreadable("tenants.slug"))
}

fn read(row: &mut Row) -> Result<TenantVersion, StoreError> {
    let (version, generation) = (row.int()?, row.int()?);
    let encoded: BTreeMap<String, String> = row.json("tenant_versions.files")?;
    let decode = |(path, text): (String, String)| {
        let bytes = STANDARD.decode(text).map_err(|_| StoreError::unreadable("tenant_versions.files"))?;
        Ok((path, bytes))
    };
    Ok(TenantVersion {
        version,
        generation,
        files: encoded.into_iter().map(decode).collect::<Result<_, StoreError>>()?,
        applied_at: row.time()?,
        applied_by: row.text()?,
    })
}
