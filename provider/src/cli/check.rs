//! `check`: everything that can be wrong before it is served. What is allowed and seldom meant is said, and is no problem.

use super::{Failure, Outcome, say};
use crate::{
    builder::{looks_problem, mail_transport, read_optional, read_tenant_folder},
    config::Settings,
    verifiers::Verifiers,
};
use madoguchi_domain::tenant::TenantConfig;
use madoguchi_store::Database;
use madoguchi_web::theme::Themes;
use std::path::PathBuf;

pub(super) async fn check(settings: &Settings, folders: &[PathBuf]) -> Outcome {
    let mut problems: Vec<String> = settings.unsafe_settings().iter().map(ToString::to_string).collect();
    let mut said = |what: &str, found: Vec<String>| {
        say(format_args!("{} {what}", if found.is_empty() { "ok     " } else { "problem" }));
        problems.extend(found);
    };
    let themes = match Themes::load(settings.themes.dir.as_deref()) {
        Ok(themes) => {
            said("themes", Vec::new());
            Some(themes)
        }
        Err(e) => {
            said("themes", vec![Failure::of(&e).0]);
            None
        }
    };
    let extra_ca = read_optional(settings.outbound.extra_ca.as_deref());
    let verifiers = match Verifiers::of(&settings.verifiers, extra_ca.as_ref().ok().and_then(|ca| ca.as_deref())) {
        Ok(verifiers) => {
            said("verifiers", Vec::new());
            Some(verifiers)
        }
        Err(e) => {
            said("verifiers", vec![Failure::of(&e).0]);
            None
        }
    };
    for folder in settings.tenants.folders.iter().chain(folders) {
        let found = match read_tenant_folder(folder) {
            Err(e) => vec![format!("{}: {e}", folder.display())],
            Ok(files) => match TenantConfig::from_files(&files) {
                Err(found) => found.iter().map(|p| format!("{}/{p}", folder.display())).collect(),
                Ok(config) => {
                    for warning in config.warnings() {
                        say(format_args!("warning {}/{warning}", folder.display()));
                    }
                    let looks = themes.as_ref().and_then(|themes| looks_problem(themes, &files));
                    let slug = &config.settings.slug;
                    let missing =
                        config.settings.verifies_anybody() && verifiers.as_ref().is_some_and(|v| !v.has(slug));
                    let unverified = missing.then(|| {
                        format!("tenant.toml: applicants are to be verified, and [verifiers.{slug}] is missing in the settings")
                    });
                    looks.into_iter().chain(unverified).map(|p| format!("{}/{p}", folder.display())).collect()
                }
            },
        };
        said(&format!("tenant {}", folder.display()), found);
    }
    if let (Some(cert), Some(key)) = (&settings.server.tls.cert, &settings.server.tls.key) {
        said("certificate", crate::server::tls_config(cert, key).err().map(|e| e.to_string()).into_iter().collect());
    }
    let database = match Database::connect(&settings.database_url()).await {
        Ok(database) => database.ping().await.err(),
        Err(e) => Some(e),
    };
    said("database", database.map(|e| format!("database.url: {}", Failure::of(&e).0)).into_iter().collect());
    said(
        "extra certificate authorities",
        extra_ca.as_ref().err().map(|e| format!("outbound.extra_ca: {e}")).into_iter().collect(),
    );
    let extra_ca = extra_ca.ok().flatten();
    let mail = match mail_transport(settings.mail.url.as_deref(), extra_ca.as_deref()) {
        Ok(transport) => transport.probe().await.err().map(|e| format!("mail.url: {e}")),
        Err(e) => Some(format!("mail.url: {e}")),
    };
    said("mail", mail.into_iter().collect());
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(problems.join("\nmadoguchi: ")))
}
