//! The few pages that belong to logging in and out. An app gives them its own look with [`Pages`].

use super::SignInError;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// A page of the relying party.
#[derive(Debug)]
#[non_exhaustive]
pub enum Page<'a> {
    /// Nobody was logged in, and why.
    Error(&'a SignInError),
    /// Asks whether to log out: a form that posts to `{home}logout`.
    ConfirmLogout,
    /// Logged out.
    LoggedOut {
        /// Whether the provider said that it ended its session too.
        at_provider: bool,
    },
}

/// How the pages look, and which language a request is in.
pub trait Pages: Send + Sync + 'static {
    /// Renders a page. `home` is the path of the app's first page, with a slash at its end. The status is set by the
    /// caller for errors; headers that forbid caching are added.
    fn render(&self, page: &Page<'_>, headers: &HeaderMap, home: &str) -> Response;

    /// What to pass on to the provider as `ui_locales`: language tags parted by spaces, `ja` or `en ja`.
    fn ui_locales(&self, _headers: &HeaderMap) -> Option<String> {
        None
    }
}

/// Plain pages in Japanese and English.
pub(super) struct PlainPages;

impl Pages for PlainPages {
    fn render(&self, page: &Page<'_>, headers: &HeaderMap, home: &str) -> Response {
        let japanese = prefers_japanese(headers);
        let say = |ja: &'static str, en: &'static str| if japanese { ja } else { en };
        let home = escape(home);
        let (title, body) = match page {
            Page::Error(error) => (
                say("ログインできませんでした", "You are not logged in"),
                format!(
                    "<p id=\"error\" data-error-code=\"{code}\">{}</p><p><a href=\"{home}login\">{}</a> · <a href=\"{home}\">{}</a></p><p><small>{code}</small></p>",
                    error.message(japanese),
                    say("もう一度ログインする", "Log in again"),
                    say("最初のページへ", "First page"),
                    code = error.code(),
                ),
            ),
            Page::ConfirmLogout => (
                say("ログアウトしますか", "Log out?"),
                format!(
                    "<form method=\"post\" action=\"{home}logout\"><button id=\"logout\">{}</button></form><p><a href=\"{home}\">{}</a></p>",
                    say("ログアウトする", "Log out"),
                    say("最初のページへ", "First page"),
                ),
            ),
            Page::LoggedOut { .. } => (
                say("ログアウトしました", "You are logged out"),
                format!("<p id=\"logged_out\"><a href=\"{home}\">{}</a></p>", say("最初のページへ", "First page")),
            ),
        };
        let lang = say("ja", "en");
        let html = format!(
            "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"
        );
        let policy = "default-src 'none'; form-action 'self' https: http:; frame-ancestors 'none'; base-uri 'none'";
        ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
    }
}

/// Whether Japanese stands before English in what the browser asks for. Absent: yes.
pub(super) fn prefers_japanese(headers: &HeaderMap) -> bool {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or("ja");
    let first = wanted.split(',').map(str::trim).find(|tag| tag.starts_with("ja") || tag.starts_with("en"));
    first.is_some_and(|tag| tag.starts_with("ja"))
}

/// No page of a login may be kept or shown again from a cache.
pub(super) fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}

impl super::RelyingParty {
    /// The page for an error, which is logged here once.
    pub(super) fn error_page(&self, error: &SignInError, headers: &HeaderMap) -> Response {
        tracing::warn!(code = error.code(), reason = %error, client = self.0.client_id.as_str(), "login failed");
        let mut response = self.page(&Page::Error(error), headers);
        *response.status_mut() = error.status();
        if let SignInError::ProviderUnavailable { retry_after, .. } = error {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

/// A redirect that a browser follows with GET, whatever it did before.
pub(super) fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => finish((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()),
        Err(_) => finish(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

/// Text for HTML, in element content and in quoted attributes.
///
/// ```
/// # use madoguchi_plugin_sdk::relying_party::escape;
/// assert_eq!(escape("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
/// ```
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
