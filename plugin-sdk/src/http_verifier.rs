//! An [`ApplicantVerifier`] that asks another service over HTTP.
//!
//! ```text
//! POST {url}
//! Authorization: Bearer {secret}
//! Content-Type: application/json
//!
//! { "tenant": "residence", "answers": { "residence_card_number": "AB12345678CD", "birth_date_year": "1990" } }
//!
//! 200 OK
//! Content-Type: application/json
//!
//! { "result": "verified" }
//! { "result": "not_matched", "code": "card-not-matched" }
//! ```
//!
//! Anything else – another status, another body, one that is too large, a redirect, no answer in time – counts as an
//! authority that cannot tell now: the applicant keeps what they typed and comes again. The service is asked again with
//! the same answers; it must have no effect. The connection is TLS, except to this machine itself.

use crate::verifier::{ApplicantAnswers, ApplicantVerifier, VERIFY_TIME_LIMIT, Verification};
use async_trait::async_trait;
use madoguchi_domain::{Secret, TenantSlug};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use url::{Host, Url};

/// No answer is larger than this.
const MOST_BYTES: usize = 16 * 1024;
/// Longest stable code of a message.
const LONGEST_CODE: usize = 40;

/// What an [`HttpVerifier`] has to be told.
#[derive(Debug, Clone)]
pub struct HttpVerifierOptions {
    /// Its name in the log: lower-case letters, digits and hyphens.
    pub name: String,
    /// Where to ask: https, or http on a loopback address.
    pub url: Url,
    /// Sent as a bearer token (RFC 6750 §2.1); none when empty.
    pub secret: Secret,
    /// The answers that are sent, by the names of the form's inputs; all when empty. Fewer is better.
    pub fields: Vec<String>,
    /// How long to wait, at most [`VERIFY_TIME_LIMIT`].
    pub timeout: Duration,
    /// Certificates to trust beside the usual ones, PEM.
    pub extra_ca: Option<Vec<u8>>,
}

/// Why there is no verifier.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpVerifierError {
    /// The address is not one to send personal data to.
    #[error("expected an https URL (http on this machine only) without user name or fragment, found {0}")]
    Url(String),
    /// The certificates cannot be read, or TLS cannot be had.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// Asks another service; see the module.
pub struct HttpVerifier {
    name: String,
    url: Url,
    secret: Secret,
    fields: Vec<String>,
    client: reqwest::Client,
}

impl std::fmt::Debug for HttpVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpVerifier")
            .field("name", &self.name)
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl HttpVerifier {
    /// A verifier; nothing is asked yet.
    ///
    /// # Errors
    /// [`HttpVerifierError`].
    pub fn new(options: HttpVerifierOptions) -> Result<Self, HttpVerifierError> {
        let HttpVerifierOptions { name, url, secret, fields, timeout, extra_ca } = options;
        if !may_be_told(&url) {
            return Err(HttpVerifierError::Url(url.into()));
        }
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(3))
            .timeout(timeout.min(VERIFY_TIME_LIMIT))
            .user_agent(concat!("madoguchi/", env!("CARGO_PKG_VERSION")));
        let failed = |error: reqwest::Error| HttpVerifierError::Client(error.to_string());
        let bundle = extra_ca.as_deref().map(reqwest::Certificate::from_pem_bundle).transpose().map_err(failed)?;
        for certificate in bundle.unwrap_or_default() {
            builder = builder.add_root_certificate(certificate);
        }
        Ok(Self { name, url, secret, fields, client: builder.build().map_err(failed)? })
    }

    async fn ask(&self, tenant: &TenantSlug, answers: &ApplicantAnswers) -> Result<Verification, String> {
        let told: BTreeMap<&str, &str> = answers
            .keys()
            .filter(|key| self.fields.is_empty() || self.fields.iter().any(|field| field == key))
            .filter_map(|key| Some((key, answers.get(key)?)))
            .collect();
        let body = serde_json::json!({ "tenant": tenant.as_str(), "answers": told }).to_string();
        let mut request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body);
        if !self.secret.is_empty() {
            request = request.bearer_auth(self.secret.expose());
        }
        // an error of reqwest may name the address, which has no answers in it
        let mut response = request.send().await.map_err(|error| reason(&error).to_owned())?;
        let status = response.status();
        if status != reqwest::StatusCode::OK {
            return Err(format!("status {}", status.as_u16()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error).to_owned())? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err("the answer is too large".to_owned());
            }
            bytes.extend_from_slice(&chunk);
        }
        match serde_json::from_slice(&bytes) {
            Ok(Answer::Verified) => Ok(Verification::Verified),
            Ok(Answer::NotMatched { code }) => Ok(Verification::NotMatched { code: known_code(code) }),
            Err(_) => Err("the answer is not of the form that was agreed".to_owned()),
        }
    }
}

/// What the service answers; members beside these are passed over.
#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Answer {
    Verified,
    NotMatched {
        #[serde(default)]
        code: String,
    },
}

/// Personal data go over TLS, or stay on this machine.
fn may_be_told(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let safe = match url.scheme() {
        "https" => url.has_host(),
        "http" => loopback,
        _ => false,
    };
    safe && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

/// A code as texts are named by; another one is no code, and the general message stands in.
fn known_code(code: String) -> String {
    let legal = (1..=LONGEST_CODE).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if legal { code } else { "generic".to_owned() }
}

fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}

#[async_trait]
impl ApplicantVerifier for HttpVerifier {
    fn name(&self) -> &str {
        &self.name
    }

    async fn verify(&self, tenant: &TenantSlug, answers: &ApplicantAnswers) -> Verification {
        self.ask(tenant, answers).await.unwrap_or_else(|reason| Verification::Unavailable { reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// Answers one request with these bytes; gives what was asked.
    async fn service(answer: String) -> (Url, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/verify", listener.local_addr().unwrap()).parse().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let mut length = 0;
            loop {
                length += stream.read(&mut request[length..]).await.unwrap();
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                if text.ends_with(r#""tenant":"residence"}"#) || length == request.len() {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    return text;
                }
            }
        });
        (url, asked)
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    fn verifier(url: Url, fields: &[&str]) -> HttpVerifier {
        HttpVerifier::new(HttpVerifierOptions {
            name: "card-office".into(),
            url,
            secret: Secret::new("s3cret"),
            fields: fields.iter().map(|f| (*f).to_owned()).collect(),
            timeout: Duration::from_millis(500),
            extra_ca: None,
        })
        .unwrap()
    }

    async fn verdict(answer: String) -> Verification {
        let (url, _asked) = service(answer).await;
        let answers = [("card", "AB12345678CD"), ("name", "X")].into_iter().collect();
        verifier(url, &[]).verify(&"residence".parse().unwrap(), &answers).await
    }

    #[tokio::test]
    async fn it_sends_what_it_may_with_the_secret_and_reads_the_answer() {
        let (url, asked) = service(http("200 OK", r#"{"result":"verified","since":2024}"#)).await;
        let answers = [("card", "AB12345678CD"), ("name", "X"), ("note", " ")].into_iter().collect();
        let verdict = verifier(url, &["card", "note"]).verify(&"residence".parse().unwrap(), &answers).await;
        assert_eq!(verdict, Verification::Verified);
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /verify HTTP/1.1"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: bearer s3cret"), "{asked}");
        assert!(asked.ends_with(r#"{"answers":{"card":"AB12345678CD"},"tenant":"residence"}"#), "{asked}");
    }

    #[tokio::test]
    async fn a_mismatch_has_a_code_or_the_general_one() {
        let code = async |body: &str| match verdict(http("200 OK", body)).await {
            Verification::NotMatched { code } => code,
            other @ (Verification::Verified | Verification::Unavailable { .. }) => panic!("{other:?}"),
        };
        assert_eq!(code(r#"{"result":"not_matched","code":"card-not-matched"}"#).await, "card-not-matched");
        assert_eq!(code(r#"{"result":"not_matched"}"#).await, "generic");
        assert_eq!(code(r#"{"result":"not_matched","code":"<b>../x"}"#).await, "generic");
    }

    #[tokio::test]
    async fn whatever_else_comes_nobody_is_verified() {
        let large = format!(r#"{{"result":"verified","x":"{}"}}"#, "x".repeat(MOST_BYTES));
        for answer in [
            http("500 Internal Server Error", r#"{"result":"verified"}"#),
            http("201 Created", r#"{"result":"verified"}"#),
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_owned(),
            http("200 OK", r#"{"result":"yes"}"#),
            http("200 OK", "verified"),
            http("200 OK", ""),
            http("200 OK", &large),
            "no HTTP at all".to_owned(),
        ] {
            let verdict = verdict(answer.clone()).await;
            assert!(matches!(verdict, Verification::Unavailable { .. }), "{answer}: {verdict:?}");
        }
    }

    #[tokio::test]
    async fn who_does_not_answer_in_time_or_at_all_is_unavailable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let answers = [("card", "AB12345678CD")].into_iter().collect();
        let slow = verifier(url.clone(), &[]).verify(&"residence".parse().unwrap(), &answers).await;
        assert_eq!(slow, Verification::Unavailable { reason: "no answer in time".into() });
        drop(listener);
        let gone = verifier(url, &[]).verify(&"residence".parse().unwrap(), &answers).await;
        assert_eq!(gone, Verification::Unavailable { reason: "no connection".into() });
    }

    #[test]
    fn personal_data_go_over_tls_or_stay_here() {
        let told = |url: &str| may_be_told(&url.parse().unwrap());
        assert!(told("https://cards.example.go.jp/verify") && told("http://127.0.0.1:9/") && told("http://[::1]:9/"));
        for bad in ["http://cards.example.go.jp/", "https://user:pw@cards.example.go.jp/", "ftp://127.0.0.1/"] {
            assert!(!told(bad), "{bad}");
        }
    }
}
