//! `check`: everything that can be wrong before it is served.

use super::{Failure, Outcome, say};
use crate::{
    builder::{looks_problem, mail_transport, read_optional, read_tenant_folder},
    config::Settings,
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
    for folder in settings.tenants.folders.iter().chain(folders) {
        let found = match read_tenant_folder(folder) {
            Err(e) => vec![format!("{}: {e}", folder.display())],
            Ok(files) => match TenantConfig::from_files(&files) {
                Err(found) => found.iter().map(|p| format!("{}/{p}", folder.display())).collect(),
                Ok(_) => themes
                    .as_ref()
                    .and_then(|themes| looks_problem(themes, &files))
                    .map(|p| format!("{}/{p}", folder.display()))
                    .into_iter()
                    .collect(),
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
    let extra_ca = read_optional(settings.outbound.extra_ca.as_deref());
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
