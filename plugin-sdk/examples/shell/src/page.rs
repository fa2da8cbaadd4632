//! The frame around every page.

use crate::{language::Language, name};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use madoguchi_plugin_sdk::relying_party::{SignedIn, escape};
use std::sync::Arc;

/// What makes one app look different from another.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The app's name, in Japanese and in English.
    pub brand: (&'static str, &'static str),
    /// A sign before it, as SVG.
    pub mark: &'static str,
    /// Whose app it is, in both languages; may be empty.
    pub institution: (String, String),
    /// A sentence at the foot.
    pub note: (&'static str, &'static str),
    /// The style sheet.
    pub style: &'static str,
}

/// What every page needs to know.
#[derive(Debug, Clone)]
pub struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    look: Look,
    /// Where the person's account is kept.
    account: String,
    policy: String,
    style: String,
}

impl Site {
    /// For an app that logs in with the provider of that issuer identifier.
    pub fn new(look: Look, issuer: &str) -> Self {
        // Logging out is a form that ends up at the provider, so the policy must allow forms to go there.
        let origin: String = issuer.split('/').take(3).collect::<Vec<_>>().join("/");
        let origin = origin.replace([';', ',', ' '], "");
        let checksum = look.style.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Self(Arc::new(Inner {
            account: format!("{}/account", issuer.trim_end_matches('/')),
            policy: format!(
                "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {origin}; \
                 frame-ancestors 'none'; base-uri 'none'"
            ),
            style: format!("/assets/style.css?v={checksum:08x}"),
            look,
        }))
    }

    /// Where people look after their account, escaped.
    pub fn account(&self) -> String {
        escape(&self.0.account)
    }

    /// The style sheet.
    pub(crate) fn stylesheet(&self) -> &'static str {
        self.0.look.style
    }

    /// A page with status 200.
    pub fn page<'a>(
        &'a self,
        headers: &'a HeaderMap,
        user: Option<&'a SignedIn>,
        path: &'a str,
        title: &'a str,
    ) -> Page<'a> {
        Page { site: self, headers, user, path, title, status: StatusCode::OK }
    }
}

/// One page.
pub struct Page<'a> {
    /// What is the same on all pages.
    pub site: &'a Site,
    /// The request's.
    pub headers: &'a HeaderMap,
    /// Who is logged in.
    pub user: Option<&'a SignedIn>,
    /// The path to come back to after a change of language.
    pub path: &'a str,
    /// The title.
    pub title: &'a str,
    /// The answer's status.
    pub status: StatusCode,
}

impl Page<'_> {
    /// The language it is in.
    pub fn language(&self) -> Language {
        Language::of(self.headers)
    }

    /// The page with this content, which must be HTML already.
    pub fn with(&self, main: &str) -> Response {
        let language = self.language();
        let say = |ja, en| language.say(ja, en);
        let look = &self.site.0.look;
        let institution = escape(language.say(&look.institution.0, &look.institution.1));
        let options: String = [(Language::Japanese, "日本語"), (Language::English, "English")]
            .into_iter()
            .map(|(choice, name)| {
                let tag = choice.tag();
                let selected = if choice == language { " selected" } else { "" };
                format!("<option value=\"{tag}\" lang=\"{tag}\"{selected}>{name}</option>")
            })
            .collect();
        let person = self.user.map_or(String::new(), |user| {
            format!(
                "<span class=\"who\">{}</span><form method=\"post\" action=\"/logout\"><button class=\"quiet\" id=\"logout\">{}</button></form>",
                escape(name(user, language)),
                say("ログアウト", "Log out"),
            )
        });
        let html = format!(
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} – {brand}</title>\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"{style}\">\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">{skip}</a>\n\
             <header>\n<div class=\"bar\">\n<a class=\"brand\" href=\"/\">{mark}<span><b>{brand}</b>{institution}</span></a>\n\
             <div class=\"tools\">{person}\n\
             <form method=\"post\" action=\"/language\" class=\"language\"><input type=\"hidden\" name=\"next\" value=\"{path}\">\
             <label for=\"lang\"><span lang=\"ja\">言語</span> / <span lang=\"en\">Language</span></label>\
             <select id=\"lang\" name=\"lang\">{options}</select><button class=\"quiet\">{change}</button></form></div>\n</div>\n</header>\n\
             <main id=\"main\">\n{main}\n</main>\n\
             <footer><div class=\"bar\"><p>{note}</p><p><a href=\"/developer\">{developer}</a></p></div></footer>\n</body>\n</html>\n",
            lang = language.tag(),
            title = escape(self.title),
            brand = say(look.brand.0, look.brand.1),
            style = self.site.0.style,
            skip = say("本文へ", "Skip to content"),
            mark = look.mark,
            institution = if institution.is_empty() { String::new() } else { format!("<small>{institution}</small>") },
            path = escape(self.path),
            change = say("変更", "Change"),
            note = say(look.note.0, look.note.1),
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
