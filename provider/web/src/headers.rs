//! Headers that every answer has.

use http::{HeaderMap, HeaderName, HeaderValue, header};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob: https:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Adds what an answer does not have already.
pub(crate) fn add(https: bool, headers: &mut HeaderMap) {
    let mut put = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    if https {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    put(header::CONTENT_SECURITY_POLICY, POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::CACHE_CONTROL, "no-store");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()");
}

/// Lets a page's forms lead to further origins, and frames show some; each list may be empty.
pub(crate) fn allow(headers: &mut HeaderMap, form_targets: &str, frames: &str) {
    let mut policy = POLICY.replace("form-action 'self'", format!("form-action 'self' {form_targets}").trim_end());
    if !frames.is_empty() {
        policy = format!("{policy}; frame-src {frames}");
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}
