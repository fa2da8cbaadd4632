//! Where a request came from: the peer, or whom a trusted proxy names.

use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// The peer of the connection; the listener puts it among a request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// A network of trusted proxies: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    prefix: u32,
}

impl Network {
    /// Reads one; `None` for what is neither an address nor a network.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let ip: IpAddr = address.trim().parse().ok()?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(width);
        (length <= width).then(|| Self { address: bits(ip), prefix: 128 - width + length })
    }

    /// Whether the address belongs to it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let shift = 128 - self.prefix;
        bits(ip).checked_shr(shift) == self.address.checked_shr(shift)
    }
}

/// Both families in one space: IPv4 as IPv4-mapped IPv6.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The address to log and count: the last one in `X-Forwarded-For` that is not itself a trusted proxy, if the peer is
/// one; else the peer. A header that cannot be read counts as none.
pub fn client_address(peer: Option<Peer>, headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let peer = peer?.0.ip().to_canonical();
    let is_proxy = |ip: IpAddr| trusted.iter().any(|n| n.contains(ip));
    if !is_proxy(peer) {
        return Some(peer);
    }
    let forwarded: Option<Vec<IpAddr>> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|item| item.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical()))
        .collect();
    Some(forwarded.and_then(|list| list.into_iter().rev().find(|ip| !is_proxy(*ip))).unwrap_or(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted = [Network::parse("10.0.0.0/8").unwrap(), Network::parse("::1").unwrap()];
        client_address(Some(Peer(peer.parse().unwrap())), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_header_from_anybody_else_does_not_count() {
        assert_eq!(from("192.0.2.1:5", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        assert_eq!(from("10.1.1.1:5", &["1.1.1.1, 203.0.113.9, 10.2.2.2"]), "203.0.113.9");
        assert_eq!(from("[::1]:5", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn what_cannot_be_read_counts_as_none() {
        assert_eq!(from("10.1.1.1:5", &["evil, 203.0.113.9"]), "10.1.1.1");
        assert_eq!(from("10.1.1.1:5", &[]), "10.1.1.1");
    }

    #[test]
    fn networks_are_read_strictly() {
        for bad in ["", "10.0.0.0/33", "10.0.0", "example.jp", "::/129"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
        assert!(Network::parse("::ffff:10.0.0.0/104").unwrap().contains("10.9.9.9".parse().unwrap()));
    }
}
