//! `roster`: import.

use super::{Failure, Outcome, open, say, tenant_of};
use crate::{builder::operator, config::Settings};
use clap::Subcommand;
use madoguchi_service::{RosterError, RosterImport, RosterReport};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum RosterCommand {
    /// Replace the tenant's roster by a CSV file (UTF-8 or CP932).
    Import {
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// The file.
        #[arg(long)]
        file: PathBuf,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(command: RosterCommand, settings: &Settings) -> Outcome {
    match command {
        RosterCommand::Import { tenant, file, dry_run } => {
            let bytes = std::fs::read(&file).map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
            let provider = open(settings).await?;
            let tenant = tenant_of(&provider, &tenant)?;
            let mode = if dry_run { RosterImport::DryRun } else { RosterImport::Replace };
            match provider.service.import_roster(&tenant, &bytes, mode, operator()).await {
                Ok(report) => {
                    tell(&file, &report);
                    if report.problems.is_empty() { Ok(()) } else { Err(Failure::new("the file has problems")) }
                }
                Err(RosterError::Lines(report)) => {
                    tell(&file, &report);
                    Err(Failure::new("the roster was not imported"))
                }
                Err(e) => Err(Failure::new(format!("{}: {}", file.display(), Failure::of(&e).0))),
            }
        }
    }
}

fn tell(file: &std::path::Path, report: &RosterReport) {
    for line in report.problems.iter().chain(&report.hints) {
        say(format_args!("{}: {line}", file.display()));
    }
    say(format_args!(
        "{} records: {} new, {} changed, {} unchanged; {} of the present roster are not in the file{}",
        report.records,
        report.new,
        report.changed,
        report.unchanged,
        report.removed,
        if report.imported { "" } else { "; nothing was imported" },
    ));
}
