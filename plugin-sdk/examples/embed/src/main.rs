//! A host application with a provider inside: its own routes and state, and a university's login beneath `/id`.

use axum::{Router, extract::State, routing::get};
use madoguchi::{BuildError, Provider};
use std::{path::Path, sync::Arc};

/// The host and its provider. `tenant` is a tenant's folder, `data` an empty one for whatever has to be kept.
pub(crate) async fn host(
    public_url: &str,
    tenant: &Path,
    data: &Path,
) -> Result<(Router, Provider), Box<dyn std::error::Error>> {
    let provider = Provider::builder(format!("{public_url}/id").parse()?)
        .database(format!("sqlite:{}", data.join("host.db").display()))
        .master_key_file(data.join("master.key"))
        .tenant_folder(tenant)
        .mail(format!("file:{}", data.join("mails").display()))
        .build()
        .await
        .map_err(|error: BuildError| error.report())?;
    let app = Router::new()
        .route("/", get(|State(name): State<Arc<str>>| async move { format!("{name}'s own page; log in at /id") }))
        .with_state(Arc::from("the host"))
        .nest("/id", provider.router());
    Ok((app, provider))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all("data")?;
    let (app, provider) = host("http://localhost:3000", "tenants/certificate".as_ref(), "data".as_ref()).await?;
    let workers = provider.start_workers();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await?;
    workers.stop().await;
    Ok(())
}
