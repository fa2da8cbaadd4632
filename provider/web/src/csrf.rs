//! Whether a POST comes from a page of ours, in this browser, of this step.
//!
//! Two checks. The browser's own word: `Sec-Fetch-Site`, else `Origin`. And a value in the form that only a page of
//! ours can know: a MAC over tenant, page, the browser's cookie and the session's. It needs no state, dies with either
//! cookie, and one of another page does not do.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use madoguchi_domain::{TenantSlug, Token};
use ring::hmac;

/// The key of all values; derived from the master key, so that every node has the same.
#[derive(Clone)]
pub(crate) struct CsrfKey(hmac::Key);

impl CsrfKey {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn message(tenant: &TenantSlug, page: &str, browser: &Token, session: Option<&Token>) -> String {
        let session = session.map_or("", Token::expose);
        format!("{tenant}\n{page}\n{}\n{session}", browser.expose())
    }

    /// The value for a form.
    pub(crate) fn value(&self, tenant: &TenantSlug, page: &str, browser: &Token, session: Option<&Token>) -> String {
        let tag = hmac::sign(&self.0, Self::message(tenant, page, browser, session).as_bytes());
        URL_SAFE_NO_PAD.encode(tag)
    }

    /// Whether `presented` is that value.
    pub(crate) fn verify(
        &self,
        tenant: &TenantSlug,
        page: &str,
        browser: &Token,
        session: Option<&Token>,
        presented: &str,
    ) -> bool {
        let message = Self::message(tenant, page, browser, session);
        URL_SAFE_NO_PAD.decode(presented).is_ok_and(|tag| hmac::verify(&self.0, message.as_bytes(), &tag).is_ok())
    }
}

impl CsrfKey {
    fn step_message(tenant: &TenantSlug, page: &str, browser: &Token, of: &str) -> String {
        format!("step\n{tenant}\n{page}\n{}\n{of}", browser.expose())
    }

    /// What ties a form to the thing that it is a step of: a link, a draft at a revision, a ticket.
    pub(crate) fn step(&self, tenant: &TenantSlug, page: &str, browser: &Token, of: &str) -> String {
        let tag = hmac::sign(&self.0, Self::step_message(tenant, page, browser, of).as_bytes());
        URL_SAFE_NO_PAD.encode(tag)
    }

    /// Whether `presented` is of that step.
    pub(crate) fn is_step(&self, tenant: &TenantSlug, page: &str, browser: &Token, of: &str, presented: &str) -> bool {
        let message = Self::step_message(tenant, page, browser, of);
        URL_SAFE_NO_PAD.decode(presented).is_ok_and(|tag| hmac::verify(&self.0, message.as_bytes(), &tag).is_ok())
    }
}

/// Whether the browser itself says that the request comes from another site. Without either header it does not say.
pub(crate) fn is_foreign(headers: &HeaderMap, own_origins: &[String]) -> bool {
    let text = |name: &header::HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = headers.get("sec-fetch-site") {
        return !matches!(site.to_str().unwrap_or("?"), "same-origin" | "none");
    }
    let Some(origin) = text(&header::ORIGIN) else { return false };
    let same_host = || {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some() && authority == text(&header::HOST)
    };
    !own_origins.iter().any(|own| own == origin) && !same_host()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (header::HeaderName::from_static(k), v.parse().unwrap())).collect()
    }

    #[test]
    fn the_browsers_word_counts() {
        let own = ["https://id.example.jp".to_owned()];
        assert!(!is_foreign(&headers(&[("sec-fetch-site", "same-origin")]), &own));
        assert!(is_foreign(&headers(&[("sec-fetch-site", "same-site"), ("origin", "https://id.example.jp")]), &own));
        assert!(is_foreign(&headers(&[("origin", "https://evil.example")]), &own));
        assert!(is_foreign(&headers(&[("origin", "null"), ("host", "null")]), &own));
        assert!(!is_foreign(&headers(&[("origin", "https://id.example.jp")]), &own));
        assert!(!is_foreign(&headers(&[]), &own));
    }

    #[test]
    fn a_value_is_of_one_page_browser_session_and_tenant() {
        let key = CsrfKey::new(b"k");
        let (a, b): (TenantSlug, TenantSlug) = ("a".parse().unwrap(), "b".parse().unwrap());
        let one = Token::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let two = Token::parse("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA").unwrap();
        let value = key.value(&a, "login", &one, None);
        assert!(key.verify(&a, "login", &one, None, &value));
        assert!(!key.verify(&b, "login", &one, None, &value));
        assert!(!key.verify(&a, "form", &one, None, &value));
        assert!(!key.verify(&a, "login", &two, None, &value));
        assert!(!key.verify(&a, "login", &one, Some(&two), &value));
        assert!(!key.verify(&a, "login", &one, None, ""));
    }

    #[test]
    fn a_step_is_of_one_thing_and_is_no_form_value() {
        let key = CsrfKey::new(b"k");
        let (a, b): (TenantSlug, TenantSlug) = ("a".parse().unwrap(), "b".parse().unwrap());
        let browser = Token::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let step = key.step(&a, "check", &browser, "draft:3");
        assert!(key.is_step(&a, "check", &browser, "draft:3", &step));
        assert!(!key.is_step(&a, "check", &browser, "draft:4", &step));
        assert!(!key.is_step(&a, "form", &browser, "draft:3", &step));
        assert!(!key.is_step(&b, "check", &browser, "draft:3", &step));
        assert!(!key.is_step(&a, "check", &browser, "draft:3", ""));
        assert!(!key.verify(&a, "check", &browser, None, &step));
    }
}
