//! Texts that a tenant gives: manual, notices, statements.

use super::{NoticeItem, Page, Say, by};
use serde::Serialize;

/// The operating manual (C-MENU-3).
#[derive(Debug, Clone, Serialize)]
pub struct Manual {
    /// Rendered Markdown, safe; headings begin at h2.
    pub html: String,
    /// Headings: id and text.
    pub contents: Vec<(String, String)>,
    /// The same as PDF.
    pub pdf_url: Option<String>,
}

impl Page for Manual {
    const TEMPLATE: &'static str = "manual.html";
    const NAME: &'static str = "manual";
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let html = by(
            locale,
            "<h2 id=\"register\">1. 利用登録</h2><p>メールアドレスを入力し、届いたメールのURLを開きます。</p><ol><li>規約を読みます。</li><li>申請内容を入力します。</li></ol><h2 id=\"login\">2. ログイン</h2><p>パスワードと第二パスワードを入力します。</p><table><thead><tr><th scope=\"col\">項目</th><th scope=\"col\">内容</th></tr></thead><tbody><tr><td>初期パスワード</td><td>7日間有効です。</td></tr></tbody></table>",
            "<h2 id=\"register\">1. Registration</h2><p>Enter your mail address and open the URL in the mail.</p><ol><li>Read the terms.</li><li>Enter your details.</li></ol><h2 id=\"login\">2. Login</h2><p>Enter the password and the second password.</p><table><thead><tr><th scope=\"col\">Item</th><th scope=\"col\">What it is</th></tr></thead><tbody><tr><td>Initial password</td><td>Works for 7 days.</td></tr></tbody></table>",
        );
        let contents = vec![
            ("register".to_owned(), by(locale, "1. 利用登録", "1. Registration")),
            ("login".to_owned(), by(locale, "2. ログイン", "2. Login")),
        ];
        vec![
            ("usual", Self { html, contents, pdf_url: Some("/t/certificate/manual.pdf".into()) }),
            ("empty", Self { html: String::new(), contents: vec![], pdf_url: None }),
        ]
    }
}

/// The list of messages (R-ERR-1).
#[derive(Debug, Clone, Serialize)]
pub struct Messages {
    /// By what they are about.
    pub groups: Vec<MessageGroup>,
}

/// Messages about one thing.
#[derive(Debug, Clone, Serialize)]
pub struct MessageGroup {
    /// `form`, `password`, …
    pub key: &'static str,
    /// Code and text.
    pub messages: Vec<(String, String)>,
}

impl Page for Messages {
    const TEMPLATE: &'static str = "messages.html";
    const NAME: &'static str = "messages";
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let message = |code: &str, ja: &str, en: &str| (code.to_owned(), by(locale, ja, en));
        let form = vec![
            message("required", "○○を入力してください。", "Enter this item: (item)."),
            message("required_choice", "○○を選択してください。", "Choose one: (item)."),
        ];
        let login = vec![message("link_expired", "このURLは有効期限が切れています。", "This URL has expired.")];
        vec![(
            "usual",
            Self {
                groups: vec![
                    MessageGroup { key: "form", messages: form },
                    MessageGroup { key: "login", messages: login },
                ],
            },
        )]
    }
}

/// All notices.
#[derive(Debug, Clone, Serialize)]
pub struct Notices {
    /// Newest first.
    pub notices: Vec<NoticeItem>,
}

impl Page for Notices {
    const TEMPLATE: &'static str = "notices.html";
    const NAME: &'static str = "notices";
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        vec![("usual", Self { notices: NoticeItem::sample(locale) }), ("empty", Self { notices: vec![] })]
    }
}

/// A statement: privacy, accessibility, any other text of the tenant.
#[derive(Debug, Clone, Serialize)]
pub struct Statement {
    /// The heading.
    pub heading: String,
    /// Rendered Markdown, safe; headings begin at h2.
    pub html: String,
}

impl Page for Statement {
    const TEMPLATE: &'static str = "statement.html";
    const NAME: &'static str = "statement";
    fn title(&self) -> Say {
        Say::text(&self.heading)
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        vec![(
            "usual",
            Self {
                heading: by(locale, "アクセシビリティ方針", "Accessibility statement"),
                html: by(
                    locale,
                    "<p>このサービスは、JIS X 8341-3:2016 の適合レベルAAに準拠することを目標としています。</p><h2>お気づきの点</h2><p>使いにくいところがありましたら、お問い合わせ先へご連絡ください。</p>",
                    "<p>This service aims to meet WCAG 2.2 level AA.</p><h2>Tell us</h2><p>If something is hard to use, contact the help desk.</p>",
                ),
            },
        )]
    }
}
