//! `tenant`: apply, diff, export, list, schema.

use super::{Failure, Outcome, open, say, say_json, tenant_of};
use crate::{
    builder::{looks_problem, operator, read_tenant_folder},
    config::Settings,
};
use clap::Subcommand;
use madoguchi_domain::tenant::TenantFiles;
use madoguchi_service::tenants::ApplyError;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Validate a folder and make it the tenant's configuration.
    Apply {
        /// The folder.
        dir: PathBuf,
    },
    /// Show what applying a folder would change; exit 1 if anything would.
    Diff {
        /// The folder.
        dir: PathBuf,
    },
    /// Write the tenant's present files into a folder.
    Export {
        /// The tenant.
        slug: String,
        /// The folder; the slug when absent. Must be empty or not there.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// List tenants.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write JSON Schemas of the files, for editors.
    Schema {
        /// The folder to write into.
        dir: PathBuf,
    },
}

pub(super) async fn run(command: TenantCommand, settings: &Settings) -> Outcome {
    match command {
        TenantCommand::Apply { dir } => apply(&dir, settings).await,
        TenantCommand::Diff { dir } => diff(&dir, settings).await,
        TenantCommand::Export { slug, output } => export(&slug, output, settings).await,
        TenantCommand::List { json } => list(json, settings).await,
        TenantCommand::Schema { dir } => schema(&dir),
    }
}

fn read(dir: &Path) -> Result<TenantFiles, Failure> {
    read_tenant_folder(dir).map_err(|e| Failure::new(format!("{}: {e}", dir.display())))
}

async fn apply(dir: &Path, settings: &Settings) -> Outcome {
    let files = read(dir)?;
    let provider = open(settings).await?;
    if let Some(problem) = looks_problem(provider.themes(), &files) {
        return Err(Failure::new(format!("the tenant was not applied:\n{}/{problem}", dir.display())));
    }
    match provider.service.apply_tenant(&files, &operator()).await {
        Ok(applied) => {
            provider.ensure_keys().await?;
            if applied.changed {
                say(format_args!("{}: version {} is in force", applied.slug, applied.version));
            } else {
                say(format_args!("{}: nothing changed, version {} stays in force", applied.slug, applied.version));
            }
            Ok(())
        }
        Err(e) => Err(refused(dir, e)),
    }
}

/// Problems with the folder's own path before each file, so that an editor finds the line.
pub(super) fn refused(dir: &Path, error: ApplyError) -> Failure {
    match error {
        ApplyError::Invalid(problems) => {
            let lines: Vec<String> = problems.iter().map(|p| format!("{}/{p}", dir.display())).collect();
            Failure::new(format!("the tenant was not applied:\n{}", lines.join("\n")))
        }
        ApplyError::Conflict => Failure::of(&ApplyError::Conflict),
        ApplyError::Service(e) => Failure::of(&e),
    }
}

async fn diff(dir: &Path, settings: &Settings) -> Outcome {
    let files = read(dir)?;
    let provider = open(settings).await?;
    let changes = provider.service.diff_tenant(&files).await.map_err(|e| refused(dir, e))?;
    if changes.is_empty() {
        say("nothing would change");
        return Ok(());
    }
    for change in &changes {
        say(change.text.trim_end());
    }
    Err(Failure::new("applying this folder would change the tenant"))
}

async fn export(slug: &str, output: Option<PathBuf>, settings: &Settings) -> Outcome {
    let provider = open(settings).await?;
    let tenant = tenant_of(&provider, slug)?;
    let files = provider.service.export_tenant(&tenant.slug).await.map_err(|e| Failure::of(&e))?;
    let Some(files) = files else { return Err(Failure::new(format!("{slug} has no files"))) };
    let dir = output.unwrap_or_else(|| PathBuf::from(slug));
    let fail = |path: &Path, e: &dyn std::fmt::Display| Failure::new(format!("{}: {e}", path.display()));
    if std::fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(fail(&dir, &"is not empty"));
    }
    for (name, bytes) in &files {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| fail(parent, &e))?;
        }
        std::fs::write(&path, bytes).map_err(|e| fail(&path, &e))?;
    }
    say(format_args!("{} files of {slug}, version {}, are in {}", files.len(), tenant.version, dir.display()));
    Ok(())
}

async fn list(json: bool, settings: &Settings) -> Outcome {
    let provider = open(settings).await?;
    let tenants = provider.service.tenants();
    if json {
        let rows: Vec<_> = tenants
            .iter()
            .map(|t| serde_json::json!({ "slug": t.slug, "version": t.version, "issuer": t.issuer }))
            .collect();
        return say_json(&rows);
    }
    if tenants.is_empty() {
        say("there is no tenant yet; see `madoguchi tenant apply`");
    }
    for tenant in tenants {
        say(format_args!("{:<20} version {:<5} {}", tenant.slug.as_str(), tenant.version, tenant.issuer));
    }
    Ok(())
}

fn schema(dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).map_err(|e| Failure::of(&e))?;
    for (name, schema) in madoguchi_domain::tenant::load::json_schemas() {
        let path = dir.join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).map_err(|e| Failure::of(&e))?;
        std::fs::write(&path, text + "\n").map_err(|e| Failure::new(format!("{}: {e}", path.display())))?;
        say(path.display());
    }
    Ok(())
}
