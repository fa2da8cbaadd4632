//! Pages of the demo only: the list of addresses and accounts, and the mailbox.

use super::{Page, SAMPLE_NOW, Say, by};
use serde::Serialize;
use std::collections::BTreeMap;

/// `/dev/mail`.
#[derive(Debug, Clone, Serialize)]
pub struct Mailbox {
    /// Newest first.
    pub mails: Vec<MailLine>,
}

/// A mail in the list.
#[derive(Debug, Clone, Serialize)]
pub struct MailLine {
    /// Where it can be read.
    pub url: String,
    /// The tenant.
    pub tenant: String,
    /// The recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// Unix seconds.
    pub sent_at: i64,
}

impl Page for Mailbox {
    const TEMPLATE: &'static str = "mailbox.html";
    const NAME: &'static str = "mailbox";
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let line = |ja: &str, en: &str, to: &str| MailLine {
            url: "/dev/mail/eml_1".into(),
            tenant: "certificate".into(),
            to: to.into(),
            subject: by(locale, ja, en),
            sent_at: SAMPLE_NOW,
        };
        vec![
            (
                "usual",
                Self {
                    mails: vec![
                        line(
                            "【みなと大学】利用登録が承認されました",
                            "[Minato University] Your registration was accepted",
                            "taro@example.jp",
                        ),
                        line(
                            "【みなと大学】メールアドレスの確認",
                            "[Minato University] Confirm your mail address",
                            "taro@example.jp",
                        ),
                    ],
                },
            ),
            ("empty", Self { mails: vec![] }),
        ]
    }
}

/// `/dev/mail/{id}`.
#[derive(Debug, Clone, Serialize)]
pub struct MailboxMessage {
    /// Back to the list.
    pub list_url: String,
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Unix seconds.
    pub sent_at: i64,
    /// Body, in pieces: text, and addresses to open.
    pub pieces: Vec<MailPiece>,
}

/// A piece of a mail's body.
#[derive(Debug, Clone, Serialize)]
pub struct MailPiece {
    /// The text.
    pub text: String,
    /// Whether it is an address to open.
    pub link: bool,
}

impl MailPiece {
    /// Cuts a body where addresses begin and end.
    pub fn pieces(body: &str) -> Vec<Self> {
        let mut pieces: Vec<Self> = Vec::new();
        let mut add = |text: &str, link: bool| match pieces.last_mut() {
            Some(last) if !link && !last.link => last.text.push_str(text),
            _ => pieces.push(Self { text: text.to_owned(), link }),
        };
        for part in body.split_inclusive(char::is_whitespace) {
            let word = part.trim_end();
            if word.starts_with("https://") || word.starts_with("http://") {
                add(word, true);
                add(part.strip_prefix(word).unwrap_or_default(), false);
            } else {
                add(part, false);
            }
        }
        pieces
    }
}

impl Page for MailboxMessage {
    const TEMPLATE: &'static str = "mailbox_message.html";
    const NAME: &'static str = "mailbox-message";
    fn title(&self) -> Say {
        Say::text(&self.subject)
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        vec![(
            "usual",
            Self {
                list_url: "/dev/mail".into(),
                from: "no-reply@certificate.example.ac.jp".into(),
                to: "taro@example.jp".into(),
                subject: by(
                    locale,
                    "【みなと大学】メールアドレスの確認",
                    "[Minato University] Confirm your mail address",
                ),
                sent_at: SAMPLE_NOW,
                pieces: MailPiece::pieces(&by(
                    locale,
                    "次のURLを開いて、利用登録を続けてください。\n\nhttp://localhost:8080/t/certificate/register/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM\n\n有効期限：2026年11月22日（日）13:05（日本時間）\n",
                    "Open this address to go on with your registration.\n\nhttp://localhost:8080/t/certificate/register/link/7Hn2cQ0cV6v0Z0mJr3yF1x8sKp4tUe9wGdLbNaQoXiM\n\nIt works until 22 November 2026, 13:05 (Japan time).\n",
                )),
            },
        )]
    }
}

/// The first page of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct DemoFront {
    /// The tenants.
    pub tenants: Vec<DemoTenant>,
    /// The mailbox.
    pub mailbox_url: String,
    /// The same in other languages, by their tags.
    #[serde(skip)]
    pub others: BTreeMap<&'static str, DemoFront>,
}

impl DemoFront {
    /// The page in `locale`, or as it stands.
    pub fn in_language(&self, locale: &str) -> &Self {
        self.others.get(locale).unwrap_or(self)
    }
}

/// A tenant of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct DemoTenant {
    /// Its name.
    pub name: String,
    /// Its service.
    pub service: String,
    /// Addresses: what and where.
    pub places: Vec<(String, String)>,
    /// Accounts.
    pub accounts: Vec<DemoAccount>,
}

/// An account of the demo.
#[derive(Debug, Clone, Serialize)]
pub struct DemoAccount {
    /// Who that is.
    pub role: String,
    /// Login ID.
    pub login_id: String,
    /// Password.
    pub password: String,
    /// Second password, where there is one.
    pub second_password: Option<String>,
}

impl Page for DemoFront {
    const TEMPLATE: &'static str = "demo.html";
    const NAME: &'static str = "demo";
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let account = |ja: &str, en: &str, id: &str, password: &str, second: Option<&str>| DemoAccount {
            role: by(locale, ja, en),
            login_id: id.into(),
            password: password.into(),
            second_password: second.map(str::to_owned),
        };
        vec![(
            "usual",
            Self {
                tenants: vec![
                    DemoTenant {
                        name: by(locale, "みなと大学", "Minato University"),
                        service: by(locale, "証明書発行サービス", "Certificate Issuance Service"),
                        places: vec![
                            (by(locale, "ホーム", "Home page"), "http://localhost:8080/t/certificate/".into()),
                            (
                                by(
                                    locale,
                                    "証明書の申込み（連携アプリ）",
                                    "Certificate ordering (an app that uses the login)",
                                ),
                                "http://localhost:8090/".into(),
                            ),
                            (
                                by(locale, "審査デスク", "Review desk"),
                                "http://localhost:8080/t/certificate/desk".into(),
                            ),
                        ],
                        accounts: vec![
                            account(
                                "卒業生",
                                "Graduate",
                                "graduate@example.jp",
                                "Graduate2024",
                                Some("Certificate2024"),
                            ),
                            account(
                                "初回ログイン前",
                                "Before the first login",
                                "newcomer@example.jp",
                                "Initial2024",
                                None,
                            ),
                            account("審査担当", "Reviewer", "clerk@example.jp", "Counter2024", Some("Register2024")),
                        ],
                    },
                    DemoTenant {
                        name: by(locale, "在留管理庁", "Residence Services Office"),
                        service: by(locale, "在留申請オンラインシステム", "Online Residence Application System"),
                        places: vec![(by(locale, "ホーム", "Home page"), "http://localhost:8080/t/residence/".into())],
                        accounts: vec![account("申請者", "Applicant", "RZ00000001", "Residence2024", None)],
                    },
                ],
                mailbox_url: "/dev/mail".into(),
                others: BTreeMap::new(),
            },
        )]
    }
}
