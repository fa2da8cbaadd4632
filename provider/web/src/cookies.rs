//! Our cookies: opaque values, one set for each tenant.
//!
//! Over https they carry the `__Host-` prefix. On a loopback address without TLS, where browsers differ about what
//! counts as secure, they go without prefix and `Secure`.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};
use madoguchi_domain::{TenantSlug, Token};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jar {
    /// Somebody is signed in.
    Session,
    /// The browser before anybody is: forms and parked requests are bound to it.
    Browser,
    /// A one-time link that was opened.
    Link,
    /// A draft of an application.
    Draft,
    /// The duty to set credentials.
    Duty,
}

impl Jar {
    fn name(self) -> &'static str {
        match self {
            Jar::Session => "session",
            Jar::Browser => "browser",
            Jar::Link => "link",
            Jar::Draft => "draft",
            Jar::Duty => "duty",
        }
    }
}

/// The cookie that keeps the chosen language; no secret, the same for all tenants.
pub(crate) const LOCALE: &str = "locale";

/// The mail address that was typed last on the registration page, encoded; for the page after it.
pub(crate) const ADDRESS: &str = "address";

/// The client that sent a person to the account pages, where they lead back to.
pub(crate) const CLIENT: &str = "client";

/// The value of a cookie of a tenant that is no token.
pub(crate) fn read_plain(headers: &HeaderMap, secure: bool, tenant: &TenantSlug, name: &str) -> Option<String> {
    plain(headers, &named(secure, tenant, name)).filter(|value| value.len() <= 512)
}

/// A `Set-Cookie` line for such a value; an hour.
pub(crate) fn set_plain(secure: bool, tenant: &TenantSlug, name: &str, value: &str) -> HeaderValue {
    line(named(secure, tenant, name), value.to_owned(), secure, Some(3600))
}

fn named(secure: bool, tenant: &TenantSlug, name: &str) -> String {
    let prefix = if secure { "__Host-" } else { "" };
    format!("{prefix}{tenant}-{name}")
}

fn full_name(secure: bool, tenant: &TenantSlug, jar: Jar) -> String {
    named(secure, tenant, jar.name())
}

/// The value of one of our cookies; `None` when it is absent, stands twice, or does not have the shape of a token.
pub(crate) fn read(headers: &HeaderMap, secure: bool, tenant: &TenantSlug, jar: Jar) -> Option<Token> {
    plain(headers, &full_name(secure, tenant, jar)).and_then(|value| Token::parse(&value))
}

/// The value of a cookie by its whole name; `None` when it stands more than once.
pub(crate) fn plain(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| Cookie::split_parse(line.to_owned()))
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name);
    let first = found.next()?;
    found.next().is_none().then(|| first.value().to_owned())
}

/// A `Set-Cookie` line that hands a token to the browser.
pub(crate) fn set(secure: bool, tenant: &TenantSlug, jar: Jar, token: &Token) -> HeaderValue {
    line(full_name(secure, tenant, jar), token.expose().to_owned(), secure, None)
}

/// A `Set-Cookie` line that takes it back.
pub(crate) fn clear(secure: bool, tenant: &TenantSlug, jar: Jar) -> HeaderValue {
    line(full_name(secure, tenant, jar), String::new(), secure, Some(0))
}

/// A `Set-Cookie` line that keeps the language for a year.
pub(crate) fn set_locale(secure: bool, locale: &str) -> HeaderValue {
    line(LOCALE.to_owned(), locale.to_owned(), secure, Some(365 * 86_400))
}

fn line(name: String, value: String, secure: bool, max_age: Option<i64>) -> HeaderValue {
    let mut cookie = Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax);
    if secure {
        cookie = cookie.secure(true);
    }
    let mut text = cookie.build().to_string();
    if let Some(seconds) = max_age {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_stands_twice_is_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; b=2; a=3".parse().unwrap());
        assert_eq!(plain(&headers, "a"), None);
        assert_eq!(plain(&headers, "b").as_deref(), Some("2"));
        headers.append(header::COOKIE, "b=2".parse().unwrap());
        assert_eq!(plain(&headers, "b"), None);
    }

    #[test]
    fn over_https_cookies_are_host_bound() {
        let tenant = "certificate".parse().unwrap();
        let token = Token::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let line = set(true, &tenant, Jar::Session, &token);
        let line = line.to_str().unwrap();
        assert!(line.starts_with("__Host-certificate-session="), "{line}");
        for part in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains("Domain"));
    }
}
