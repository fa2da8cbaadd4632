//! The listener: accepts connections, speaks TLS where it is told to, and closes those that are too slow.
//!
//! `axum::serve` gives hyper no timer, so its header time-out would do nothing; this loop is our own for that reason.

use axum::{Router, extract::Request};
use hyper::server::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use madoguchi_web::client_address::Peer;
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Headers, and the TLS handshake, must be there within so long.
    pub(crate) header_timeout: Duration,
    /// How long requests under way may take after a stop.
    pub(crate) shutdown_timeout: Duration,
    /// Connections at a time.
    pub(crate) max_connections: usize,
}

/// HTTP/1.1, and HTTP/2 where TLS agreed on it: which of the two is never guessed from the first bytes, for which a
/// silent client could let us wait.
struct Http {
    one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
}

impl Http {
    fn new(bounds: &Bounds) -> Self {
        let mut one = http1::Builder::new();
        one.timer(TokioTimer::new())
            .header_read_timeout(bounds.header_timeout)
            .max_buf_size(64 * 1024)
            .keep_alive(true);
        let mut two = http2::Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new())
            .max_header_list_size(32 * 1024)
            .max_concurrent_streams(100)
            .keep_alive_interval(Duration::from_secs(30));
        Self { one, two }
    }
}

/// Serves `router` until `stop` is cancelled, then lets requests under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let slots = Arc::new(Semaphore::new(bounds.max_connections));
    let graceful = Arc::new(GracefulShutdown::new());
    let http = Arc::new(Http::new(&bounds));
    loop {
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = stop.cancelled() => break,
        };
        let Ok(slot) = slot else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // out of file descriptors, most likely: wait for some to be closed
                    tracing::warn!(error = %e, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!(error = %e, "no TCP_NODELAY");
        }
        let (router, acceptor, http, watcher) =
            (router.clone(), acceptor.clone(), Arc::clone(&http), graceful.watcher());
        tokio::spawn(async move {
            let _slot = slot;
            let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let mut request: Request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(Peer(peer));
                router.clone().oneshot(request)
            });
            let ended = match acceptor {
                None => match tokio::time::timeout(bounds.header_timeout, stream.peek(&mut [0])).await {
                    Ok(Ok(n)) if n > 0 => watcher.watch(http.one.serve_connection(TokioIo::new(stream), service)).await,
                    // gone again, or silent for too long
                    Ok(_) | Err(_) => Ok(()),
                },
                Some(acceptor) => match tokio::time::timeout(bounds.header_timeout, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                        watcher.watch(http.two.serve_connection(TokioIo::new(stream), service)).await
                    }
                    Ok(Ok(stream)) => watcher.watch(http.one.serve_connection(TokioIo::new(stream), service)).await,
                    Ok(Err(e)) => {
                        tracing::debug!(%peer, error = %e, "TLS handshake failed");
                        Ok(())
                    }
                    Err(_) => Ok(()),
                },
            };
            if let Err(e) = ended {
                tracing::debug!(%peer, error = %e, "connection ended");
            }
        });
    }
    drop(listener);
    let Some(graceful) = Arc::into_inner(graceful) else { return };
    if tokio::time::timeout(bounds.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way when the time to stop was over");
    }
}

/// Binds an address; the error names it.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|e| io::Error::new(e.kind(), format!("{address} cannot be listened on: {e}")))
}

/// Reads a certificate chain and its key (PEM).
pub(crate) fn tls_config(cert: &Path, key: &Path) -> io::Result<Arc<rustls::ServerConfig>> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let say = |path: &Path, e: &dyn std::fmt::Display| io::Error::other(format!("{}: {e}", path.display()));
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| say(cert, &e))?;
    if chain.is_empty() {
        return Err(say(cert, &"there is no certificate in it"));
    }
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|e| say(key, &e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| say(cert, &e))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|e| say(cert, &e))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
