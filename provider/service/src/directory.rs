//! The roster that a tenant imported, as the [`Directory`] of its review desk.
//!
//! A file is UTF-8, UTF-16 or CP932 with a line of headings (see [`read_roster`]). An import replaces the whole roster
//! in one transaction or does nothing; a dry run says what it would do.

use crate::{Service, ServiceError, Tenant};
use async_trait::async_trait;
use madoguchi_domain::{
    TenantSlug,
    audit::{Action, Actor},
    form::SearchKeys,
    japan::{id_key, kana_key, search_key},
};
use madoguchi_plugin_sdk::{
    CsvEncoding, CsvError, CsvProblem, Directory, DirectoryError, DirectoryQuery, DirectoryRecord, read_roster,
};
use madoguchi_store::{Database, TenantStore, roster::RosterLine};
use std::collections::{BTreeMap, BTreeSet};

/// Records that share a key with the person asked for; of these the likeliest are picked.
const MOST_CANDIDATES: u32 = 200;

/// Whether an import is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RosterImport {
    /// Only says what would change.
    DryRun,
    /// Replaces the roster.
    Replace,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterReport {
    /// How the file's bytes were read.
    pub encoding: CsvEncoding,
    /// Records in the file.
    pub records: usize,
    /// Student ID numbers that were not in the roster.
    pub new: usize,
    /// Records that differ from those of the same number.
    pub changed: usize,
    /// Records that are the same.
    pub unchanged: usize,
    /// Student ID numbers of the roster that are not in the file.
    pub removed: usize,
    /// What looks like damage that a spreadsheet program did, by line; the records are good to be imported.
    pub hints: Vec<CsvProblem>,
    /// Lines that cannot be read; while there is one, nothing is imported.
    pub problems: Vec<CsvProblem>,
    /// Whether the roster was replaced.
    pub imported: bool,
}

/// Why a roster was not imported.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The file as a whole cannot be read.
    #[error(transparent)]
    File(#[from] CsvError),
    /// Some of its lines cannot be read.
    #[error("{} lines of the roster cannot be read; nothing was imported", .0.problems.len())]
    Lines(Box<RosterReport>),
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Service {
    /// Imports a tenant's roster from a CSV file, or says what that would change.
    ///
    /// # Errors
    /// [`RosterError`]; a dry run reports bad lines in its [`RosterReport`] instead.
    pub async fn import_roster(
        &self,
        tenant: &Tenant,
        file: &[u8],
        mode: RosterImport,
        actor: Actor,
    ) -> Result<RosterReport, RosterError> {
        let read = read_roster(file)?;
        let used: BTreeSet<u64> = read.records.iter().map(|(line, _)| *line).collect();
        let (hints, problems) = read.problems.into_iter().partition(|problem| used.contains(&problem.line));
        let store = self.store(tenant);
        let before = by_student_id(&store).await?;

        let mut report = RosterReport {
            encoding: read.encoding,
            records: read.records.len(),
            new: 0,
            changed: 0,
            unchanged: 0,
            removed: 0,
            hints,
            problems,
            imported: false,
        };
        let mut lines = Vec::with_capacity(read.records.len());
        for (_, record) in &read.records {
            let line = line_of(record)?;
            match before.get(&line.keys.student_id_key) {
                None => report.new += 1,
                Some(kept) if *kept == line.record => report.unchanged += 1,
                Some(_) => report.changed += 1,
            }
            lines.push(line);
        }
        let kept = report.changed + report.unchanged;
        report.removed = before.len().saturating_sub(kept);

        match mode {
            RosterImport::DryRun => return Ok(report),
            RosterImport::Replace if !report.problems.is_empty() => return Err(RosterError::Lines(Box::new(report))),
            RosterImport::Replace => {}
        }
        let detail = serde_json::json!({
            "records": report.records, "new": report.new, "changed": report.changed, "removed": report.removed,
        });
        let mut tx = store.begin().await.map_err(ServiceError::from)?;
        tx.roster().replace(lines, self.now()).await.map_err(ServiceError::from)?;
        self.record(&mut tx, actor, Action::RosterImported, tenant.slug.as_str(), detail, None).await?;
        self.commit(tx).await?;
        report.imported = true;
        Ok(report)
    }

    /// Who the tenant's institution knows: the plugin's directory, or else the imported roster.
    pub(crate) fn roster(&self) -> RosterSource<'_> {
        match self.directory() {
            Some(plugin) => RosterSource::Plugin(plugin.as_ref()),
            None => RosterSource::Imported(ImportedRoster::new(self.database().clone())),
        }
    }
}

/// The directory that answers the desk.
pub(crate) enum RosterSource<'a> {
    Plugin(&'a dyn Directory),
    Imported(ImportedRoster),
}

impl RosterSource<'_> {
    pub(crate) fn get(&self) -> &dyn Directory {
        match self {
            RosterSource::Plugin(plugin) => *plugin,
            RosterSource::Imported(roster) => roster,
        }
    }
}

fn line_of(record: &DirectoryRecord) -> Result<RosterLine, ServiceError> {
    Ok(RosterLine {
        keys: SearchKeys {
            student_id_key: id_key(&record.student_id),
            name_key: search_key(&record.name),
            kana_key: kana_key(&record.name_kana),
            birth_date: record.birth_date.map(|d| d.to_string()).unwrap_or_default(),
        },
        record: serde_json::to_value(record).map_err(ServiceError::bug)?,
    })
}

/// The roster as it stands, by the folded student ID number.
async fn by_student_id(store: &TenantStore) -> Result<BTreeMap<String, serde_json::Value>, ServiceError> {
    const PAGE: u32 = 1_000;
    let mut all = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.roster().page(after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = *last;
        for (_, record) in page {
            let number = record.get("student_id").and_then(serde_json::Value::as_str).unwrap_or_default();
            all.insert(id_key(number), record);
        }
    }
}

/// A [`Directory`] over the rosters in the database.
#[derive(Clone)]
pub struct ImportedRoster {
    database: Database,
}

impl ImportedRoster {
    /// Over that database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Directory for ImportedRoster {
    async fn find(&self, tenant: &TenantSlug, query: &DirectoryQuery) -> Result<Vec<DirectoryRecord>, DirectoryError> {
        let unavailable = |_: madoguchi_store::StoreError| DirectoryError::Unavailable("the database".into());
        let store = self.database.tenant(tenant);
        let text = |value: &Option<String>, fold: fn(&str) -> String| value.as_deref().map(fold).unwrap_or_default();
        let keys = SearchKeys {
            student_id_key: text(&query.student_id, id_key),
            name_key: text(&query.name, search_key),
            kana_key: text(&query.name_kana, kana_key),
            birth_date: query.birth_date.map(|d| d.to_string()).unwrap_or_default(),
        };
        let found = store.roster().similar(&keys, MOST_CANDIDATES).await.map_err(unavailable)?;
        if found.is_empty() && store.roster().count().await.map_err(unavailable)?.0 == 0 {
            return Err(DirectoryError::NoRecords);
        }
        let records: Vec<DirectoryRecord> =
            found.into_iter().filter_map(|record| serde_json::from_value(record).ok()).collect();
        Ok(query.pick(&records))
    }
}
