//! The log and the metrics of the program.

use crate::config::{LogFormat, LogSettings};
use axum::{Router, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Sends the log to standard error. `RUST_LOG` wins over the settings.
pub(crate) fn start_log(settings: &LogSettings) -> Result<(), String> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => text,
        Ok(_) | Err(_) => settings.filter.clone(),
    };
    let filter = EnvFilter::try_new(&filter).map_err(|e| format!("log.filter: {e}"))?;
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Text => base.try_init(),
        LogFormat::Json => base.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| format!("the log cannot be started: {e}"))
}

/// Collects metrics from now on.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, String> {
    PrometheusBuilder::new()
        .set_buckets(&[0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0])
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|e| format!("metrics cannot be started: {e}"))
}

/// `/metrics` in the text format of Prometheus.
pub(crate) fn metrics_router(handle: PrometheusHandle) -> Router {
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
            upkeep.run_upkeep();
        }
    });
    Router::new().route("/metrics", get(move || async move { handle.render() }))
}
