//! What the example apps have in common: pages in two languages, the pages of logging in and out, the claims as they came.
//!
//! An app says how it looks ([`Look`]), makes a [`Site`] of it, merges [`routes`] and gives its pages' content to
//! [`Page::with`]. Nothing here is about what the app is for.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod language;
mod page;

pub use language::Language;
pub use page::{Look, Page, Site};

use axum::{
    Form, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use language::COOKIE;
use madoguchi_plugin_sdk::relying_party::{self, RelyingParty, SignedIn, escape};
use std::collections::BTreeMap;

/// Change of language, style sheet, and the claims as they came; for the app to merge.
pub fn routes<S>(site: Site, login: RelyingParty) -> Router<S> {
    let language = login.clone();
    let style = site.stylesheet();
    Router::new()
        .route(
            "/developer",
            get(move |headers: HeaderMap, user: SignedIn| async move { developer(&site, &headers, &user) }),
        )
        .route(
            "/language",
            post(
                move |Form(fields): Form<BTreeMap<String, String>>| async move { change_language(&language, &fields) },
            ),
        )
        .route("/assets/style.css", get(move || async move { stylesheet(style) }))
        .with_state(login)
}

/// Remembers the language and goes back to where it was changed.
fn change_language(login: &RelyingParty, fields: &BTreeMap<String, String>) -> Response {
    let wanted = fields.get("lang").and_then(|tag| Language::from_tag(tag)).unwrap_or(Language::Japanese);
    let next = fields.get("next").and_then(|next| login.local_target(next)).unwrap_or_else(|| "/".into());
    let cookie = format!("{COOKIE}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", wanted.tag());
    ([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response()
}

fn stylesheet(style: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, style).into_response()
}

/// The name to greet with: in kanji for Japanese pages, in roman letters for English ones where there are any.
pub fn name(user: &SignedIn, language: Language) -> &str {
    let kanji = user.text_in("name", &["ja-Hani-JP", "ja"]);
    let name = match language {
        Language::Japanese => kanji,
        Language::English => user.text("name").or(kanji),
    };
    name.or_else(|| user.text("name"))
        .or_else(|| user.text("preferred_username"))
        .or_else(|| user.text("email"))
        .unwrap_or_else(|| user.subject())
}

/// A page with a title and a sentence.
pub fn message(page: &Page<'_>, text: &str) -> Response {
    let home = page.language().say("最初のページへ", "First page");
    page.with(&format!(
        "<h1>{}</h1><p class=\"lead\" id=\"message\">{}</p><p class=\"actions\"><a class=\"button\" href=\"/\">{home}</a></p>",
        escape(page.title),
        escape(text)
    ))
}

/// 404.
pub fn not_found(site: &Site, headers: &HeaderMap) -> Response {
    let language = Language::of(headers);
    let mut page = site.page(headers, None, "/", language.say("ページが見つかりません", "Page not found"));
    page.status = StatusCode::NOT_FOUND;
    let text = language
        .say("このページはないか、別の方のものです。", "This page does not exist, or belongs to somebody else.");
    message(&page, text)
}

/// The claims as they came, for those who connect an app.
fn developer(site: &Site, headers: &HeaderMap, user: &SignedIn) -> Response {
    let language = Language::of(headers);
    let say = |ja, en| language.say(ja, en);
    let title = say("受け取った情報", "The claims received");
    let pretty = |claims| escape(&serde_json::to_string_pretty(claims).unwrap_or_default());
    let page = site.page(headers, Some(user), "/developer", title);
    page.with(&format!(
        "<h1>{title}</h1><p class=\"lead\">{lead}</p><dl class=\"facts\"><div><dt>sub</dt><dd>{sub}</dd></div>\
         <div><dt>acr</dt><dd>{acr}</dd></div><div><dt>amr</dt><dd>{amr}</dd></div></dl>\
         <h2>ID token</h2><pre tabindex=\"0\">{id}</pre><h2>UserInfo</h2><pre tabindex=\"0\">{userinfo}</pre>",
        lead = say(
            "ログインの窓口がこのアプリに渡した情報です。アプリを接続する方のためのページです。",
            "What the login service told this app; for people who connect an app of their own.",
        ),
        sub = escape(user.subject()),
        acr = escape(user.text("acr").unwrap_or("–")),
        amr = escape(&user.texts("amr").join(" ")),
        id = pretty(user.id_token_claims()),
        userinfo = pretty(user.userinfo_claims()),
    ))
}

/// The pages of logging in and out, in the app's look.
pub struct LoginPages(pub Site);

impl relying_party::Pages for LoginPages {
    fn render(&self, what: &relying_party::Page<'_>, headers: &HeaderMap, _home: &str) -> Response {
        let language = Language::of(headers);
        let say = |ja, en| language.say(ja, en);
        let home = say("最初のページへ", "First page");
        let (title, body) = match what {
            relying_party::Page::Error(error) => {
                let message = error.message(language == Language::Japanese);
                let (again, code) = (say("もう一度ログインする", "Log in again"), error.code());
                let body = format!(
                    "<p class=\"lead\" id=\"error\" data-error-code=\"{code}\">{message}</p><p class=\"actions\"><a class=\"button\" href=\"/login?next=%2F\">{again}</a> <a href=\"/\">{home}</a></p><p class=\"hint\">{code}</p>"
                );
                (say("ログインできませんでした", "You are not logged in"), body)
            }
            relying_party::Page::ConfirmLogout => {
                let button = say("ログアウトする", "Log out");
                let form = format!(
                    "<form method=\"post\" action=\"/logout\"><p class=\"actions\"><button class=\"button\" id=\"logout\">{button}</button></p></form>"
                );
                (say("ログアウトしますか", "Log out?"), form)
            }
            relying_party::Page::LoggedOut { at_provider } => {
                let text = match at_provider {
                    true => say(
                        "このアプリとログインの窓口の両方からログアウトしました。共用のパソコンではブラウザーも閉じてください。",
                        "You are logged out of this app and of the login service. On a shared computer, close the browser too.",
                    ),
                    false => say(
                        "このアプリからログアウトしました。共用のパソコンではブラウザーも閉じてください。",
                        "You are logged out of this app. On a shared computer, close the browser too.",
                    ),
                };
                let body = format!(
                    "<p class=\"lead\" id=\"logged_out\">{text}</p><p class=\"actions\"><a class=\"button\" href=\"/\">{home}</a></p>"
                );
                (say("ログアウトしました", "You are logged out"), body)
            }
            _ => ("", String::new()),
        };
        self.0.page(headers, None, "/", title).with(&format!("<h1>{title}</h1>{body}"))
    }

    fn ui_locales(&self, headers: &HeaderMap) -> Option<String> {
        Some(Language::of(headers).tag().to_owned())
    }
}
