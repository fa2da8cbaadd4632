//! The app's cookies: HttpOnly, SameSite=Lax, and on https Secure with the `__Host-` prefix.

use axum::http::{HeaderMap, HeaderValue, header};

/// How long a started login may take, in seconds.
pub(super) const ATTEMPT_SECONDS: u32 = 3600;

pub(super) struct Cookies {
    /// `__Host-certificate-app` or, on http, `certificate-app`: several apps may share a host.
    stem: String,
    secure: bool,
}

impl Cookies {
    pub(super) fn new(client_id: &str, secure: bool) -> Self {
        let name: String =
            client_id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(60).collect();
        Self { stem: format!("{}{name}", if secure { "__Host-" } else { "" }), secure }
    }

    pub(super) fn session(&self) -> String {
        format!("{}-session", self.stem)
    }

    pub(super) fn logout(&self) -> String {
        format!("{}-logout", self.stem)
    }

    /// One cookie for each login under way, so that two tabs do not disturb each other. The start of its `state`
    /// names it.
    pub(super) fn attempt(&self, state: &str) -> String {
        format!(
            "{}-login-{}",
            self.stem,
            state.chars().filter(|c| c.is_ascii_alphanumeric()).take(12).collect::<String>()
        )
    }

    /// The logins under way in this browser.
    pub(super) fn attempts(&self, headers: &HeaderMap) -> Vec<String> {
        let stem = format!("{}-login-", self.stem);
        pairs(headers).filter(|(name, _)| name.starts_with(&stem)).map(|(name, _)| name.to_owned()).collect()
    }

    /// A `Set-Cookie` value; without `max_age` it lives until the browser is closed.
    pub(super) fn set(&self, name: &str, value: &str, max_age: Option<u32>) -> Option<HeaderValue> {
        let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}")).ok()
    }

    /// A `Set-Cookie` value that takes the cookie away.
    pub(super) fn clear(&self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Some(0))
    }
}

/// The value of a cookie.
pub(super) fn get<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    pairs(headers).find(|(n, _)| *n == name).map(|(_, value)| value)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}
