//! The pages. Every text from outside goes through [`escape`].

use crate::{
    language::Language,
    layout::{Page, Site},
};
use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use madoguchi_plugin_sdk::relying_party::{self, SignedIn, escape};
use std::fmt::Write;

/// A function that only some kinds of user have.
pub(crate) struct Function {
    key: &'static str,
    name: (&'static str, &'static str),
    text: (&'static str, &'static str),
    icon: &'static str,
}

impl Function {
    pub(crate) fn name(&self, language: Language) -> &'static str {
        language.say(self.name.0, self.name.1)
    }
}

const FUNCTIONS: [Function; 3] = [
    Function {
        key: "individual",
        name: ("申請情報入力（個別）", "Enter application information (individually)"),
        text: ("1件ずつ申請を作成します。", "Fill out applications one by one."),
        icon: "M9 4h15l7 7v25H9zM24 4v7h7M14 19h12M14 25h12",
    },
    Function {
        key: "multiple",
        name: ("申請情報入力（一括）", "Enter application information (multiple)"),
        text: ("複数の申請をまとめて作成します。", "Fill out several applications at once."),
        icon: "M6 9h19v27H6zM12 9V4h22v26h-9M11 18h9M11 24h9",
    },
    Function {
        key: "search",
        name: ("申請情報検索", "Application information search"),
        text: ("作成した申請の状況を調べます。", "Look up the applications you have made."),
        icon: "M17 6a11 11 0 1 0 0 22 11 11 0 0 0 0-22zM25 25l10 10",
    },
];

const ACCOUNT_ICON: &str = "M20 5a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM5 36c1-8 7-11 15-11s14 3 15 11";

pub(crate) fn find(key: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.key == key)
}

/// Why a function is not for this person.
pub(crate) fn why_not(language: Language) -> &'static str {
    language.say(
        "窓口で申請し、証明書を電子で受け取る方は使えません。",
        "Not for people who apply at a counter and receive their certificate electronically.",
    )
}

/// The name to show: in roman letters on English pages, where there are any.
pub(crate) fn name(user: &SignedIn, language: Language) -> &str {
    let kanji = user.text_in("name", &["ja-Hani-JP", "ja"]);
    let name = match language {
        Language::Japanese => kanji,
        Language::English => user.text("name").or(kanji),
    };
    name.or_else(|| user.text("preferred_username")).or_else(|| user.text("email")).unwrap_or_else(|| user.subject())
}

fn icon(path: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 40 40\" width=\"36\" height=\"36\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" stroke-linejoin=\"round\"><path d=\"{path}\"/></svg>"
    )
}

pub(crate) fn welcome(page: &Page<'_>) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    format!(
        "<h1>{title}</h1><p class=\"lead\">{lead}</p><p class=\"actions\"><a class=\"button\" id=\"login\" href=\"/login?next=%2F\">{login}</a></p>\
         <section class=\"notes\"><h2>{notes}</h2><ul><li>{one}</li><li>{two}</li></ul></section>",
        title = say("在留手続オンライン", "Residence Procedures Online"),
        lead = say(
            "申請の作成、状況の確認、利用者情報の変更ができます。",
            "Make applications, see how they stand, and keep your user information up to date.",
        ),
        login = say("ログイン", "Log in"),
        notes = say("ご利用の前に", "Before you begin"),
        one = say(
            "利用者IDがない方は、ログインのページの「利用者登録」から登録してください。",
            "If you have no user ID, register from the login page.",
        ),
        two = say(
            "一定の時間操作がないと、自動的にログアウトします。",
            "You are logged out by itself after a time without operation.",
        ),
    )
}

pub(crate) fn menu(page: &Page<'_>, user: &SignedIn, may_apply: bool) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let mut tiles = String::new();
    for Function { key, name, text, icon: path } in &FUNCTIONS {
        let (name, text, icon) = (language.say(name.0, name.1), language.say(text.0, text.1), icon(path));
        let _ = match may_apply {
            true => write!(
                tiles,
                "<li><a class=\"tile\" id=\"{key}\" href=\"/function/{key}\">{icon}<b>{name}</b><span>{text}</span></a></li>"
            ),
            false => write!(
                tiles,
                "<li><div class=\"tile off\" id=\"{key}\">{icon}<b>{name}</b><span>{text}</span><span class=\"why\"><b>{off}</b> {why}</span></div></li>",
                off = say("使用できません", "Not available"),
                why = why_not(language),
            ),
        };
    }
    let _ = write!(
        tiles,
        "<li><a class=\"tile\" id=\"account\" href=\"{}\">{}<b>{}</b><span>{}</span></a></li>",
        page.site.account(),
        icon(ACCOUNT_ICON),
        say("利用者情報変更", "User information update"),
        say(
            "住所、連絡先、メールアドレス、パスワードを変更します。",
            "Change your address, contact number, e-mail address or password."
        ),
    );
    let mut facts = String::new();
    let mut row = |term: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(facts, "<div><dt>{term}</dt><dd>{}</dd></div>", escape(value));
        }
    };
    row(say("利用者ID", "User ID"), user.text("preferred_username").unwrap_or_default());
    row(say("氏名", "Name"), name(user, language));
    row(say("フリガナ", "Name in katakana"), user.text("name#ja-Kana-JP").unwrap_or_default());
    row(say("メールアドレス", "E-mail"), user.text("email").unwrap_or_default());
    row(say("利用者の種類", "Kind of user"), &user.texts("kind_of_user").join(" "));
    let way = match user.text("acr") {
        Some("urn:madoguchi:acr:password") => say("パスワード", "Password"),
        Some(other) => other,
        None => "",
    };
    row(say("認証の方法", "Logged in with"), way);
    format!(
        "<h1>{}</h1><ul class=\"tiles\">{tiles}</ul><section class=\"notes\"><h2>{}</h2><dl>{facts}</dl></section>",
        say("メニュー", "Menu"),
        say("ログイン中の利用者", "Who is logged in"),
    )
}

/// The claims as they came.
pub(crate) fn developer(page: &Page<'_>, user: &SignedIn, issuer: &str) -> String {
    let say = |ja, en| page.language().say(ja, en);
    let pretty = |claims| escape(&serde_json::to_string_pretty(claims).unwrap_or_default());
    format!(
        "<h1>{title}</h1><p class=\"lead\">{lead}</p><dl><div><dt>issuer</dt><dd>{issuer}</dd></div><div><dt>sub</dt><dd>{sub}</dd></div>\
         <div><dt>acr</dt><dd>{acr}</dd></div><div><dt>amr</dt><dd>{amr}</dd></div></dl>\
         <h2>ID token</h2><pre tabindex=\"0\">{id}</pre><h2>UserInfo</h2><pre tabindex=\"0\">{userinfo}</pre>",
        title = say("受け取った情報", "The claims received"),
        lead = say(
            "ログインの窓口がこのアプリに渡した情報です。アプリを接続する方のためのページです。",
            "What the login service told this app; for people who connect an app of their own.",
        ),
        issuer = escape(issuer),
        sub = escape(user.subject()),
        acr = escape(user.text("acr").unwrap_or("–")),
        amr = escape(&user.texts("amr").join(" ")),
        id = pretty(user.id_token_claims()),
        userinfo = pretty(user.userinfo_claims()),
    )
}

/// A title and a sentence.
pub(crate) fn message(page: &Page<'_>, text: &str) -> String {
    let home = page.language().say("メニューへ", "Back to the menu");
    format!(
        "<h1>{}</h1><p class=\"lead\" id=\"message\">{}</p><p class=\"actions\"><a class=\"button\" href=\"/\">{home}</a></p>",
        escape(page.title),
        escape(text)
    )
}

/// The pages of logging in and out, in this app's look.
pub(crate) struct LoginPages(pub(crate) Site);

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
                    "<p class=\"lead\" id=\"error\" data-error-code=\"{code}\">{message}</p><p class=\"actions\"><a class=\"button\" href=\"/login?next=%2F\">{again}</a> <a href=\"/\">{home}</a></p><p>{code}</p>"
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
            relying_party::Page::LoggedOut { .. } => {
                let text = say(
                    "ログアウトしました。共用のパソコンではブラウザーも閉じてください。",
                    "You are logged out. On a shared computer, close the browser too.",
                );
                let body = format!(
                    "<p class=\"lead\" id=\"logged_out\">{text}</p><p class=\"actions\"><a class=\"button\" href=\"/\">{home}</a></p>"
                );
                (say("ログアウトしました", "You are logged out"), body)
            }
            _ => ("", String::new()),
        };
        let page = Page { site: &self.0, headers, user: None, path: "/", title, status: StatusCode::OK };
        page.with(&format!("<h1>{title}</h1>{body}"))
    }

    fn ui_locales(&self, headers: &HeaderMap) -> Option<String> {
        Some(Language::of(headers).tag().to_owned())
    }
}
