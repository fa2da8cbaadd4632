//! The one way out to other hosts: what clients publish is fetched (key sets, request objects, sector documents), and they
//! are told of logouts.
//!
//! What is fetched is chosen by clients' metadata, so the guard is strict: https only, public addresses only after
//! resolution, the resolved address pinned for the connection, no redirects, few seconds, few bytes. An operator may
//! name hosts that are allowed to be private, and a further certification authority.

use async_trait::async_trait;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use url::{Host, Url};

/// Fetches documents from other hosts, and posts to them.
#[async_trait]
pub trait Outbound: Send + Sync + 'static {
    /// The body of a successful GET.
    async fn get(&self, url: &Url) -> Result<Vec<u8>, OutboundError>;
    /// Posts a form; whether the answer is 200 or 204, whatever it says.
    async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<(), OutboundError>;
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The URL is not one that we follow.
    #[error("not an https URL of another host")]
    Refused,
    /// The name does not resolve, or only to addresses that are not public.
    #[error("no public address")]
    Address,
    /// No answer, not 200, or too large.
    #[error("no usable answer: {0}")]
    Answer(String),
}

/// The longest that a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// What we know to read: documents, and request objects (RFC 9101 §10.2).
const ACCEPTED: &str = "application/json, application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1";
/// The largest body.
const MOST_BYTES: usize = 64 * 1024;

/// The guarded way out.
#[derive(Debug, Clone, Default)]
pub struct GuardedOutbound {
    allow_private: BTreeSet<String>,
    extra_ca: Vec<reqwest::Certificate>,
}

impl GuardedOutbound {
    /// A way out on which the hosts of `allow_private` (names or literal addresses, without port) may resolve to
    /// private addresses, and certificates of `extra_ca` (PEM, several in a row) are trusted beside the public ones.
    pub fn new(
        allow_private: impl IntoIterator<Item = String>,
        extra_ca: Option<&[u8]>,
    ) -> Result<Self, OutboundError> {
        let extra_ca = match extra_ca {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| OutboundError::Answer("the extra certificates are not PEM".into()))?,
            None => Vec::new(),
        };
        Ok(Self { allow_private: allow_private.into_iter().map(|h| h.to_ascii_lowercase()).collect(), extra_ca })
    }

    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, OutboundError> {
        let port = url.port_or_known_default().ok_or(OutboundError::Refused)?;
        let host = url.host().ok_or(OutboundError::Refused)?;
        let private_ok = self.allow_private.contains(url.host_str().unwrap_or_default().trim_matches(['[', ']']));
        let found: Vec<SocketAddr> = match host {
            Host::Ipv4(ip) => vec![(ip, port).into()],
            Host::Ipv6(ip) => vec![(ip, port).into()],
            Host::Domain(name) => {
                tokio::net::lookup_host((name, port)).await.map_err(|_| OutboundError::Address)?.collect()
            }
        };
        // All must be public: a name that also resolves to a private address is not to be trusted at all.
        if found.is_empty() || !(private_ok || found.iter().all(|a| is_public(a.ip()))) {
            return Err(OutboundError::Address);
        }
        Ok(found)
    }

    /// A connection to the URL's host and to no other.
    async fn client(&self, url: &Url) -> Result<reqwest::Client, OutboundError> {
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Refused);
        }
        let addresses = self.addresses(url).await?;
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent("madoguchi");
        if let Some(Host::Domain(name)) = url.host() {
            builder = builder.resolve_to_addrs(name, &addresses);
        }
        for certificate in &self.extra_ca {
            builder = builder.add_root_certificate(certificate.clone());
        }
        builder.build().map_err(failed)
    }

    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, OutboundError> {
        let client = self.client(url).await?;
        let mut answer = client.get(url.clone()).header("accept", ACCEPTED).send().await.map_err(failed)?;
        if answer.status() != 200 {
            return Err(OutboundError::Answer(format!("status {}", answer.status().as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(OutboundError::Answer("too large".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn failed(error: reqwest::Error) -> OutboundError {
    OutboundError::Answer(error.without_url().to_string())
}

async fn in_time<T>(work: impl Future<Output = Result<T, OutboundError>>) -> Result<T, OutboundError> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| OutboundError::Answer("too slow".into()))?
}

#[async_trait]
impl Outbound for GuardedOutbound {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, OutboundError> {
        in_time(self.fetch(url)).await
    }

    async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<(), OutboundError> {
        let send = async {
            let client = self.client(url).await?;
            client.post(url.clone()).form(form).send().await.map_err(failed)
        };
        match in_time(send).await?.status().as_u16() {
            200 | 204 => Ok(()),
            status => Err(OutboundError::Answer(format!("status {status}"))),
        }
    }
}

/// Whether an address is one of the open internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !reserved
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Only global unicast; and of it neither documentation, Teredo, ORCHID nor 6to4, which can carry an IPv4 address.
    let global = (first & 0xe000) == 0x2000;
    let special = first == 0x2002 || first == 0x3fff || (first == 0x2001 && (second < 0x0200 || second == 0x0db8));
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_open_internet_are_public() {
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.5.5",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "203.0.114.1", "2606:4700::1111", "2400:8500::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn http_private_hosts_and_disguised_loopback_are_refused_before_a_connection() {
        let out = GuardedOutbound::default();
        for url in [
            "http://example.org/jwks",
            "https://user:pw@example.org/jwks",
            "https://127.1/jwks",
            "https://0x7f.1/jwks",
            "https://2130706433/jwks",
            "https://[::ffff:127.0.0.1]/jwks",
            "https://169.254.169.254/latest",
            "https://localhost/jwks",
            "file:///etc/passwd",
        ] {
            let refused = out.get(&Url::parse(url).unwrap()).await;
            assert!(matches!(refused, Err(OutboundError::Refused | OutboundError::Address)), "{url}: {refused:?}");
        }
    }
}
