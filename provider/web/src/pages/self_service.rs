//! What somebody who is signed in does with the account: passwords, mail address, where they are signed in, who may
//! see what, a copy of everything.

use super::{Page, Problem, SAMPLE_NOW, Say, Steps, by};
use serde::Serialize;

/// Another password, or another second password (C-SELF-3, R-SELF-3). Posts to `{base}/account/password` or
/// `{base}/account/second-password`.
#[derive(Debug, Clone, Serialize)]
pub struct ChangePassword {
    /// For the password manager.
    pub login_id: String,
    /// Whether it is the second password.
    pub second: bool,
    /// The rules in words.
    pub rules: Vec<Say>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for ChangePassword {
    const TEMPLATE: &'static str = "change_password.html";
    const NAME: &'static str = "change-password";
    const SIGNED_IN: bool = true;
    fn title(&self) -> Say {
        Say::key(if self.second { "change_password.title_second" } else { "change_password.title" })
    }
    fn steps(&self) -> Option<Steps> {
        Some(Steps::password(self.second, 1))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            login_id: "taro@example.jp".into(),
            second: false,
            rules: vec![
                Say::key("password.rule.length").with("count", 8),
                Say::key("password.rule.upper"),
                Say::key("password.rule.digit"),
                Say::key("password.rule.differ"),
                Say::key("password.rule.previous"),
            ],
            problems: vec![],
        };
        let error = Self {
            problems: vec![Problem::at(
                "current",
                Say::key("error.password.wrong_current")
                    .with("label", by(locale, "今のパスワード", "present password")),
            )],
            ..usual.clone()
        };
        let second = Self {
            second: true,
            problems: vec![
                Problem::at(
                    "second_password",
                    Say::key("error.password.too_short")
                        .with("min", 8)
                        .with("label", by(locale, "第二パスワード", "second password")),
                ),
                Problem::at(
                    "second_password_confirm",
                    Say::key("error.password.confirmation_differs")
                        .with("label", by(locale, "第二パスワード（確認）", "second password (again)")),
                ),
            ],
            ..usual.clone()
        };
        vec![("usual", usual), ("error", error), ("second", second)]
    }
}

/// Another mail address (C-SELF-2). Posts to `{base}/account/mail`.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeMail {
    /// The address in force.
    pub current: String,
    /// The new one as typed.
    pub mail: String,
    /// The same again.
    pub mail_confirm: String,
    /// Whether people log in with it.
    pub logs_in: bool,
    /// Whether it must be proved by a link first.
    pub confirm: bool,
    /// The domain that mails come from.
    pub sender_domain: String,
    /// How long the link works.
    pub lifetime_minutes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for ChangeMail {
    const TEMPLATE: &'static str = "change_mail.html";
    const NAME: &'static str = "change-mail";
    const FORM: Option<&'static str> = Some("change-mail-form");
    const SIGNED_IN: bool = true;
    fn steps(&self) -> Option<Steps> {
        Some(if self.confirm { Steps::mail(1) } else { Steps::mail_at_once(1) })
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            current: "taro@example.jp".into(),
            mail: String::new(),
            mail_confirm: String::new(),
            logs_in: true,
            confirm: true,
            sender_domain: "certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            problems: vec![],
        };
        let error = Self {
            mail: "taro@example.com".into(),
            mail_confirm: "taro@example.co".into(),
            problems: vec![Problem::at("mail_confirm", Say::key("error.email.mismatch"))],
            ..usual.clone()
        };
        let plain = Self {
            current: "a-very-long-mail-address-of-a-former-exchange-student@students.international.example.ac.jp"
                .into(),
            logs_in: false,
            confirm: false,
            ..usual.clone()
        };
        vec![("usual", usual), ("error", error), ("plain", plain)]
    }
}

/// A mail was sent to the new address; the same page whether or not another account has it.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeMailSent {
    /// Where to.
    pub mail: String,
    /// From where.
    pub sender: String,
    /// How long the link works.
    pub lifetime_minutes: u64,
    /// With another address.
    pub restart_url: String,
    /// The demo's mailbox.
    pub mailbox_url: Option<String>,
}

impl Page for ChangeMailSent {
    const TEMPLATE: &'static str = "change_mail_sent.html";
    const NAME: &'static str = "change-mail-sent";
    const SIGNED_IN: bool = true;
    fn steps(&self) -> Option<Steps> {
        Some(Steps::mail(2))
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            mail: "taro@example.com".into(),
            sender: "no-reply@certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            restart_url: "/t/certificate/account/mail".into(),
            mailbox_url: None,
        };
        let demo = Self { mailbox_url: Some("/dev/mail".into()), ..usual.clone() };
        vec![("usual", usual), ("demo", demo)]
    }
}

/// Where somebody is signed in. Posts to `{base}/account/sessions`.
#[derive(Debug, Clone, Serialize)]
pub struct Sessions {
    /// Latest seen first.
    pub sessions: Vec<SessionRow>,
    /// What was just done.
    pub done: Option<Say>,
}

/// A session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    /// Its id, sent to end it.
    pub id: String,
    /// Browser and system in words.
    pub device: Say,
    /// Whether it is this one.
    pub this: bool,
    /// Unix seconds.
    pub begun_at: i64,
    /// Unix seconds.
    pub seen_at: i64,
    /// The address that it was begun from.
    pub address: Option<String>,
}

impl Page for Sessions {
    const TEMPLATE: &'static str = "sessions.html";
    const NAME: &'static str = "sessions";
    const SIGNED_IN: bool = true;
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let row = |id: &str, this: bool| SessionRow {
            id: id.into(),
            device: Say::key("sessions.device").with("browser", "Firefox").with("system", "Windows"),
            this,
            begun_at: SAMPLE_NOW,
            seen_at: SAMPLE_NOW,
            address: Some("2001:db8:1234:5678:9abc:def0:1234:5678".into()),
        };
        let unknown =
            SessionRow { device: Say::key("sessions.unknown_device"), address: None, ..row("ses_three", false) };
        vec![
            ("usual", Self { sessions: vec![row("ses_one", true), row("ses_two", false), unknown], done: None }),
            ("one", Self { sessions: vec![row("ses_one", true)], done: Some(Say::key("sessions.ended")) }),
        ]
    }
}

/// Applications that may see something of the account. Posts to `{base}/account/applications`.
#[derive(Debug, Clone, Serialize)]
pub struct Connections {
    /// By name.
    pub connections: Vec<ConnectionRow>,
    /// What was just done.
    pub done: Option<Say>,
}

/// A connected application.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionRow {
    /// Sent to disconnect it.
    pub client_id: String,
    /// What people know it as.
    pub name: String,
    /// What it may see.
    pub items: Vec<Say>,
    /// Whether it may do so when nobody is there.
    pub offline: bool,
    /// When the person agreed, Unix seconds.
    pub agreed_at: Option<i64>,
    /// When it last got a token that it can renew, Unix seconds.
    pub used_at: Option<i64>,
}

impl Page for Connections {
    const TEMPLATE: &'static str = "connections.html";
    const NAME: &'static str = "connections";
    const SIGNED_IN: bool = true;
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let row = ConnectionRow {
            client_id: "alumni-app".into(),
            name: by(locale, "校友会アプリ", "Alumni app"),
            items: vec![Say::key("consent.scope.profile"), Say::key("consent.scope.email")],
            offline: true,
            agreed_at: Some(SAMPLE_NOW),
            used_at: Some(SAMPLE_NOW),
        };
        let own = ConnectionRow {
            client_id: "certificate-app".into(),
            name: by(locale, "証明書発行サービス", "Certificate ordering"),
            items: vec![Say::key("consent.scope.openid")],
            offline: false,
            agreed_at: None,
            used_at: Some(SAMPLE_NOW),
        };
        vec![
            ("usual", Self { connections: vec![row, own], done: None }),
            ("empty", Self { connections: vec![], done: Some(Say::key("connections.disconnected")) }),
        ]
    }
}

/// A copy of one's data. Posts to `{base}/account/data`.
#[derive(Debug, Clone, Serialize)]
pub struct OwnDataPage {}

impl Page for OwnDataPage {
    const TEMPLATE: &'static str = "own_data.html";
    const NAME: &'static str = "own-data";
    const SIGNED_IN: bool = true;
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![("usual", Self {})]
    }
}
