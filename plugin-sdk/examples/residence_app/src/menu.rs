//! The menu. Every text from outside goes through [`escape`].

use crate::may_use;
use example_shell::{Language, Page, name};
use madoguchi_plugin_sdk::relying_party::{SignedIn, escape};
use std::fmt::Write;

/// A function that some kinds of user have.
pub(crate) struct Function {
    /// The key of the tenant's tile.
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

const FUNCTIONS: [Function; 4] = [
    Function {
        key: "enter_individually",
        name: ("申請情報入力（個別）", "Enter application information (individually)"),
        text: ("1件ずつ申請を作成します。", "Fill out applications one by one."),
        icon: "M9 4h15l7 7v25H9zM24 4v7h7M14 19h12M14 25h12",
    },
    Function {
        key: "enter_multiple",
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
    Function {
        key: "certificate",
        name: ("電子証明書の受け取り", "Receive the electronic certificate"),
        text: (
            "窓口で申請した在留資格認定証明書を受け取ります。",
            "Receive the certificate of eligibility that you applied for at the counter.",
        ),
        icon: "M8 5h24v20H8zM13 12h14M13 17h9M16 25v10l4-3 4 3V25",
    },
];

const ACCOUNT_ICON: &str = "M20 5a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM5 36c1-8 7-11 15-11s14 3 15 11";

pub(crate) fn find(key: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.key == key)
}

/// What people call a kind of user; one that this app does not know by its key.
fn kind_name(key: &str, language: Language) -> &str {
    match key {
        "counter_applicant" => language.say(
            "在留資格認定証明書の電子交付を希望する方（窓口で申請）",
            "Applicant for an electronically issued certificate of residency eligibility (apply at the office counter)",
        ),
        "organization_staff" => language.say("所属機関の職員の方", "Staff member of an affiliated organization"),
        other => other,
    }
}

/// Why a function is not for this person.
pub(crate) fn why_not(language: Language) -> &'static str {
    language.say("お客様の利用者の区分では使えません。", "Not for your kind of user.")
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
            "ユーザーIDがない方は、ログインのページから登録してください。",
            "If you have no user ID, register from the login page.",
        ),
        two = say(
            "一定の時間操作がないと、自動的にログアウトします。",
            "You are logged out by itself after a time without operation.",
        ),
    )
}

pub(crate) fn menu(page: &Page<'_>, user: &SignedIn, client_id: &str) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let mut tiles = String::new();
    for Function { key, name, text, icon: path } in &FUNCTIONS {
        let (name, text, icon) = (language.say(name.0, name.1), language.say(text.0, text.1), icon(path));
        let _ = match may_use(user, key) {
            true => write!(
                tiles,
                "<li><a class=\"tile\" id=\"{key}\" href=\"/function/{key}\">{icon}<b>{name}</b><span>{text}</span></a></li>"
            ),
            // a link without an address: not to be followed, and said to be so
            false => write!(
                tiles,
                "<li><a class=\"tile off\" id=\"{key}\" role=\"link\" aria-disabled=\"true\">{icon}<b>{name}</b><span>{text}</span><span class=\"why\"><b>{off}</b> {why}</span></a></li>",
                off = say("使用できません", "Not available"),
                why = why_not(language),
            ),
        };
    }
    let _ = write!(
        tiles,
        "<li><a class=\"tile\" id=\"account\" href=\"{}?client_id={}\">{}<b>{}</b><span>{}</span></a></li>",
        page.site.account(),
        escape(client_id),
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
    row(say("氏名", "Name"), name(user, language));
    row(say("フリガナ", "Name in katakana"), user.text("name#ja-Kana-JP").unwrap_or_default());
    row(say("メールアドレス", "E-mail"), user.text("email").unwrap_or_default());
    row(say("利用者の区分", "Kind of user"), kind_name(user.text("kind_of_user").unwrap_or_default(), language));
    format!(
        "<h1>{}</h1><ul class=\"tiles\">{tiles}</ul><section class=\"notes\"><h2>{}</h2><dl>{facts}</dl></section>",
        say("メニュー", "Menu"),
        say("ログイン中の利用者", "Who is logged in"),
    )
}
