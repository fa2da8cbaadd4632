//! Whether a redirect URI is registered: byte for byte, before anything parses it (RFC 9700 §2.1). Only the port of a
//! loopback IP address of a native client may vary (RFC 8252 §7.3).

use madoguchi_domain::client::{ApplicationType, ClientMetadata};

/// Whether `presented` is one of the client's redirect URIs.
pub(crate) fn is_registered(client: &ClientMetadata, presented: &str) -> bool {
    client.redirect_uris.iter().any(|registered| {
        registered == presented
            || (client.application_type == ApplicationType::Native && same_but_port(registered, presented))
    })
}

fn same_but_port(registered: &str, presented: &str) -> bool {
    match (split_loopback(registered), split_loopback(presented)) {
        (Some(registered), Some(presented)) => registered == presented,
        _ => false,
    }
}

/// Host and what follows the port of a loopback IP URI; `None` for any other URI.
fn split_loopback(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let after = match rest.strip_prefix(':') {
        None => rest,
        Some(with_port) => {
            let after = with_port.trim_start_matches(|c: char| c.is_ascii_digit());
            let port = with_port.strip_suffix(after)?;
            port.parse::<u16>().ok().filter(|p| *p > 0 && !port.starts_with('0'))?;
            after
        }
    };
    (after.is_empty() || after.starts_with('/') || after.starts_with('?')).then_some((host, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(application_type: &str, uri: &str) -> ClientMetadata {
        serde_json::from_value(serde_json::json!({
            "client_id": "c", "application_type": application_type, "redirect_uris": [uri]
        }))
        .unwrap()
    }

    /// Mutations of a registered URI that a parser would call the same, or nearly.
    const MUTATIONS: &[&str] = &[
        "https://rp.example/cb/",
        "https://rp.example/cb/extra",
        "https://rp.example/cb?x=1",
        "https://rp.example/cb?",
        "https://rp.example/cb#f",
        "https://rp.example/cb#",
        "https://rp.example/x/../cb",
        "https://rp.example/./cb",
        "https://rp.example/%2e%2e/cb",
        "https://rp.example/%63b",
        "https://rp.example/%2563b",
        "https://rp.example/CB",
        "https://RP.example/cb",
        "HTTPS://rp.example/cb",
        "https://rp.example:443/cb",
        "https://rp.example:8443/cb",
        "https://rp@evil.example/cb",
        "https://rp.example@evil.example/cb",
        "https://rp.example\\@evil.example/cb",
        "https://rp.example/\\cb",
        "https://rp.example\t/cb",
        "https://rp.example/cb\n",
        " https://rp.example/cb",
        "https://rp.example./cb",
        "https://sub.rp.example/cb",
        "https://rp.example.evil.example/cb",
        "https://xn--rp-.example/cb",
        "https://ｒｐ.example/cb",
        "http://rp.example/cb",
        "//rp.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://rp.example/c",
        "",
    ];

    #[test]
    fn no_mutation_of_a_registered_uri_is_registered() {
        for kind in ["web", "native"] {
            let client = client(kind, "https://rp.example/cb");
            assert!(is_registered(&client, "https://rp.example/cb"));
            for mutation in MUTATIONS {
                assert!(!is_registered(&client, mutation), "{kind} {mutation:?}");
            }
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_of_a_native_client_varies() {
        let native = client("native", "http://127.0.0.1/cb");
        for good in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"] {
            assert!(is_registered(&native, good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:080/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:80a/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:8080/other",
            "http://[::1]:8080/cb",
            "http://localhost:8080/cb",
            "https://127.0.0.1:8080/cb",
            "http://127.1:8080/cb",
        ] {
            assert!(!is_registered(&native, bad), "{bad}");
        }
        assert!(!is_registered(&client("web", "http://127.0.0.1/cb"), "http://127.0.0.1:8080/cb"));
        assert!(is_registered(&client("native", "http://[::1]:1/cb"), "http://[::1]:2/cb"));
        assert!(!is_registered(&client("native", "http://localhost/cb"), "http://localhost:2/cb"));
    }
}
