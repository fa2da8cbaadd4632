//! The frame around every page.

use crate::{Config, language::Language, menu};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use madoguchi_plugin_sdk::relying_party::{SignedIn, escape};
use std::sync::Arc;

pub(crate) const STYLE: &str = include_str!("../assets/style.css");

/// What every page needs to know.
#[derive(Clone)]
pub(crate) struct Site(Arc<Inner>);

struct Inner {
    /// Where the person's account is kept.
    account: String,
    policy: String,
    style: String,
}

impl Site {
    pub(crate) fn new(config: &Config) -> Self {
        // Logging out is a form that ends up at the provider, so the policy must allow forms to go there.
        let origin: String = config.issuer.split('/').take(3).collect::<Vec<_>>().join("/");
        let origin = origin.replace([';', ',', ' '], "");
        let checksum = STYLE.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Self(Arc::new(Inner {
            account: format!("{}/account", config.issuer.trim_end_matches('/')),
            policy: format!(
                "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {origin}; \
                 frame-ancestors 'none'; base-uri 'none'"
            ),
            style: format!("/assets/style.css?v={checksum:08x}"),
        }))
    }

    pub(crate) fn account(&self) -> String {
        escape(&self.0.account)
    }
}

/// One page.
pub(crate) struct Page<'a> {
    pub(crate) site: &'a Site,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) user: Option<&'a SignedIn>,
    /// The path to come back to after a change of language.
    pub(crate) path: &'a str,
    pub(crate) title: &'a str,
    pub(crate) status: StatusCode,
}

impl Page<'_> {
    pub(crate) fn language(&self) -> Language {
        Language::of(self.headers)
    }

    /// The page with this content, which must be HTML already.
    pub(crate) fn with(&self, main: &str) -> Response {
        let language = self.language();
        let say = |ja, en| language.say(ja, en);
        let brand = say("在留手続オンライン（見本）", "Residence Procedures Online (example)");
        let choices: String = [(Language::Japanese, "日本語"), (Language::English, "English")]
            .into_iter()
            .map(|(choice, name)| {
                let tag = choice.tag();
                let selected = if choice == language { " selected" } else { "" };
                format!("<option value=\"{tag}\" lang=\"{tag}\"{selected}>{name}</option>")
            })
            .collect();
        let person = self.user.map_or(String::new(), |user| {
            format!(
                "<nav class=\"person\" aria-label=\"{label}\"><p>{label} <b>{name}</b></p><form method=\"post\" action=\"/logout\"><button id=\"logout\">{out}</button></form></nav>",
                label = say("利用者", "User"),
                name = escape(menu::name(user, language)),
                out = say("ログアウト", "Log out"),
            )
        });
        let html = format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} – {brand}</title>\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"{style}\">\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">{skip}</a>\n\
             <header><div class=\"bar\"><a class=\"brand\" href=\"/\">{brand}</a>\
             <form method=\"post\" action=\"/language\" class=\"language\"><input type=\"hidden\" name=\"next\" value=\"{path}\">\
             <label for=\"lang\"><span lang=\"ja\">言語</span> / <span lang=\"en\">Language</span></label> \
             <select id=\"lang\" name=\"lang\">{choices}</select> <button>{change}</button></form></div></header>\n\
             {person}\n<main id=\"main\">\n{main}\n</main>\n\
             <footer><div class=\"bar\"><p>{note}</p><p><a href=\"/developer\">{developer}</a></p></div></footer>\n</body>\n</html>\n",
            lang = language.tag(),
            title = escape(self.title),
            style = self.site.0.style,
            skip = say("本文へ", "Skip to content"),
            path = escape(self.path),
            change = say("変更", "Change"),
            note = say(
                "これは見本のアプリです。申請はどこにも届きません。",
                "This is an example app. No application goes anywhere."
            ),
            developer = say("開発者向け：受け取った情報", "For developers: the claims received"),
        );
        let mut response = (self.status, Html(html)).into_response();
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, self.site.0.policy.as_str()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "same-origin"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
