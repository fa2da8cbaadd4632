//! `serve` and `demo`: the program as a server.

use super::{Failure, Outcome, say};
use crate::{
    builder::{Provider, ProviderBuilder, Workers},
    config::Settings,
    demo, server, telemetry,
};
use axum::Router;
use madoguchi_web::client_address::Network;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A builder with everything that the settings say.
pub(super) fn builder(settings: &Settings) -> ProviderBuilder {
    let proxies = settings.server.trusted_proxies.iter().filter_map(|p| Network::parse(p)).collect();
    let mut builder = Provider::builder(settings.server.public_url.clone())
        .database(settings.database_url())
        .database_connections(settings.database.max_connections)
        .master_key_file(settings.master_key_file())
        .trusted_proxies(proxies)
        .hashing(settings.limits.hashing_threads, settings.limits.hashing_queue)
        .limits(settings.limits.enabled)
        .outbound(settings.outbound.allow_private.clone(), settings.outbound.extra_ca.clone())
        .verifiers(settings.verifiers.clone());
    if let Some(url) = &settings.mail.url {
        builder = builder.mail(url.clone());
    }
    if let Some(folder) = &settings.themes.dir {
        builder = builder.themes(folder);
    }
    for folder in &settings.tenants.folders {
        builder = builder.tenant_folder(folder);
    }
    builder
}

pub(super) async fn serve(settings: Settings) -> Outcome {
    let problems = settings.unsafe_settings();
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(Failure::new(format!("these settings are not for production:\n  {}", lines.join("\n  "))));
    }
    let listeners = Listeners::bind(&settings).await?;
    let provider = builder(&settings).build().await?;
    if demo::was_here(&provider).await.map_err(Failure::new)? {
        return Err(Failure::new(
            "this database was filled by the demo, with passwords that everybody knows; give serve one of its own (database.url)",
        ));
    }
    if provider.service.tenants().is_empty() {
        tracing::warn!("there is no tenant yet: `madoguchi tenant apply DIR`");
    }
    tracing::info!(
        listen = %settings.server.listen,
        management = %settings.server.management_listen,
        public_url = %settings.server.public_url,
        tenants = provider.service.tenants().len(),
        "ready"
    );
    let stop = stop_signal();
    let workers = provider.start_workers();
    listeners.run(&settings, &provider, Vec::new(), stop).await?;
    finish(workers).await;
    Ok(())
}

pub(super) async fn demo(settings: Settings) -> Outcome {
    if !settings.is_local() || !settings.server.listen.ip().is_loopback() {
        return Err(Failure::new(
            "the demo has passwords that everybody knows, so it runs on this machine's own address only; say `serve`",
        ));
    }
    let wrong: Vec<String> = settings
        .unsafe_settings()
        .iter()
        .filter(|problem| !(settings.mail.url.is_none() && problem.place == "mail.url"))
        .map(ToString::to_string)
        .collect();
    if !wrong.is_empty() {
        return Err(Failure::new(wrong.join("\n  ")));
    }
    let listeners = Listeners::bind(&settings).await?;
    std::fs::create_dir_all(&settings.data_dir)
        .map_err(|e| Failure::new(format!("{}: {e}", settings.data_dir.display())))?;
    let mut apps = Vec::new();
    for app in demo::apps() {
        match server::bind(app.listen).await {
            Ok(listener) => apps.push((app, listener)),
            Err(e) => super::say_error(&format!("the example application is left out: {e}")),
        }
    }
    let mut builder = builder(&settings)
        .demo(demo::front(&settings.server.public_url))
        .demo_verifiers(demo::verifiers().map_err(Failure::new)?);
    for (name, files) in demo::tenants().map_err(Failure::new)? {
        builder = builder.tenant_files(name, files);
    }
    let provider = builder.build().await?;
    let secrets = demo::seed(&provider).await.map_err(Failure::new)?;
    say(demo::welcome(&settings.server.public_url));
    let apps = apps
        .into_iter()
        .map(|(app, listener)| Ok((listener, app.router(&provider, &secrets)?)))
        .collect::<Result<_, String>>()
        .map_err(Failure::new)?;
    let stop = stop_signal();
    let workers = provider.start_workers();
    listeners.run(&settings, &provider, apps, stop).await?;
    finish(workers).await;
    Ok(())
}

async fn finish(workers: Workers) {
    workers.stop().await;
    tracing::info!("stopped");
}

/// The sockets, bound before anything else is touched, so that a second start fails at once and changes nothing.
struct Listeners {
    public: TcpListener,
    management: TcpListener,
}

impl Listeners {
    async fn bind(settings: &Settings) -> Result<Self, Failure> {
        let public = server::bind(settings.server.listen).await.map_err(|e| Failure::of(&e))?;
        let management = server::bind(settings.server.management_listen).await.map_err(|e| Failure::of(&e))?;
        Ok(Self { public, management })
    }

    async fn run(
        self,
        settings: &Settings,
        provider: &Provider,
        apps: Vec<(TcpListener, Router)>,
        stop: CancellationToken,
    ) -> Outcome {
        let metrics = telemetry::start_metrics().map_err(Failure::new)?;
        let tls = match (&settings.server.tls.cert, &settings.server.tls.key) {
            (Some(cert), Some(key)) => Some(server::tls_config(cert, key).map_err(|e| Failure::of(&e))?),
            _ => None,
        };
        let bounds = server::Bounds {
            header_timeout: settings.server.header_timeout.duration(),
            shutdown_timeout: settings.server.shutdown_timeout.duration(),
            max_connections: settings.server.max_connections,
        };
        let body_timeout = tower_http::timeout::RequestBodyTimeoutLayer::new(settings.server.body_timeout.duration());
        let public = provider.router().layer(body_timeout);
        let management = provider.management_router().merge(telemetry::metrics_router(metrics));
        let tasks = TaskTracker::new();
        tasks.spawn(server::serve(self.public, tls, public, bounds, stop.clone()));
        tasks.spawn(server::serve(self.management, None, management, bounds, stop.clone()));
        for (listener, router) in apps {
            tasks.spawn(server::serve(listener, None, router, bounds, stop.clone()));
        }
        tasks.close();
        tasks.wait().await;
        Ok(())
    }
}

/// Cancelled by Ctrl-C or SIGTERM.
fn stop_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            if let Ok(mut terminate) = signal(SignalKind::terminate()) {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
                token.cancel();
                return;
            }
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
    });
    stop
}
