//! How the app speaks to the provider.

use async_trait::async_trait;
use openidconnect::AsyncHttpClient;
use std::{pin::Pin, sync::Arc, time::Duration};

/// A request to the provider.
pub type HttpRequest = axum::http::Request<Vec<u8>>;
/// Its answer.
pub type HttpResponse = axum::http::Response<Vec<u8>>;

/// Sends requests to the provider. The default uses reqwest; an app may bring another: one that goes through a proxy,
/// one that calls a provider in the same process.
///
/// An implementation must not follow redirects, must end in bounded time, and must bound what it reads.
#[async_trait]
pub trait HttpClient: Send + Sync + 'static {
    /// Sends one request.
    ///
    /// # Errors
    /// [`HttpError`] when there is no answer. An answer with an error status is an answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// No answer; the text says why and holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HttpError(pub String);

/// A client as the openidconnect crate wants it. A named future instead of a closure's: the compiler cannot see that the
/// latter is `Send` for every lifetime.
pub(super) struct Carrier(pub(super) Arc<dyn HttpClient>);

impl<'c> AsyncHttpClient<'c> for Carrier {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.0.send(request)
    }
}

/// No answer of a provider is larger than this.
const MOST_BYTES: usize = 1024 * 1024;

pub(super) struct Network(reqwest::Client);

impl Network {
    /// A client that also trusts the certificates in `extra_ca`, PEM.
    pub(super) fn new(extra_ca: Option<&[u8]>) -> Result<Self, HttpError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(15))
            .user_agent(concat!("madoguchi-relying-party/", env!("CARGO_PKG_VERSION")));
        for certificate in
            extra_ca.map(reqwest::Certificate::from_pem_bundle).transpose().map_err(said)?.unwrap_or_default()
        {
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map(Self).map_err(said)
    }
}

#[async_trait]
impl HttpClient for Network {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut answer = self.0.execute(request.try_into().map_err(said)?).await.map_err(said)?;
        let mut response = HttpResponse::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        while let Some(chunk) = answer.chunk().await.map_err(said)? {
            if response.body().len() + chunk.len() > MOST_BYTES {
                return Err(HttpError("the answer is too large".into()));
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// The cause, without the URL: a query may hold what a log must not.
fn said(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    HttpError(text)
}
