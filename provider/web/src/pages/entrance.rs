//! The way in and out: home, login, first passwords, logout.

use super::{ClientView, Link, Page, Problem, SAMPLE_NOW, Say, Steps, by, counter};
use serde::Serialize;

/// The home page of somebody who is not signed in (R-HOME-1).
#[derive(Debug, Clone, Serialize)]
pub struct Home {
    /// A sentence or two of the institution.
    pub introduction: Option<String>,
    /// The kinds of user, each with its doors.
    pub kinds: Vec<KindOfUser>,
    /// Notices, the newest few first.
    pub notices: Vec<NoticeItem>,
    /// Whether there are further ones.
    pub more_notices: bool,
}

/// A kind of user.
#[derive(Debug, Clone, Serialize)]
pub struct KindOfUser {
    /// Key, for ids.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Who that is.
    pub description: Option<String>,
    /// Login.
    pub login_url: String,
    /// Registration, where open to them.
    pub register_url: Option<String>,
}

/// A notice of the institution.
#[derive(Debug, Clone, Serialize)]
pub struct NoticeItem {
    /// Day, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Headline.
    pub title: String,
    /// Rendered Markdown, safe.
    pub html: String,
}

impl NoticeItem {
    pub(super) fn sample(locale: &str) -> Vec<Self> {
        vec![
            Self {
                date: Some("2026-11-16".into()),
                title: by(locale, "年末年始の審査について", "Checks over the New Year"),
                html: by(
                    locale,
                    "<p>12月26日から1月5日までに受け付けた申請は、1月6日以降に確認します。</p>",
                    "<p>Applications received from 26 December to 5 January are checked from 6 January.</p>",
                ),
            },
            Self {
                date: Some("2026-10-01".into()),
                title: by(locale, "マイナンバーカードで申請する方へ", "If you use an Individual Number Card"),
                html: by(
                    locale,
                    "<p>おもて面だけを撮影してください。うら面の画像は受け付けません。</p>",
                    "<p>Take a picture of the front only. Images of the back are not accepted.</p>",
                ),
            },
        ]
    }
}

impl Page for Home {
    const TEMPLATE: &'static str = "home.html";
    const NAME: &'static str = "home";
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let one = KindOfUser {
            key: "graduate".into(),
            name: by(locale, "卒業生・修了生の方", "Graduates"),
            description: Some(by(
                locale,
                "学部・大学院を卒業、修了または退学された方",
                "You graduated from, completed or left a school of this university",
            )),
            login_url: "/t/certificate/login".into(),
            register_url: Some("/t/certificate/register".into()),
        };
        let staff = KindOfUser {
            key: "staff".into(),
            name: by(locale, "審査を担当する職員の方", "Staff who check applications"),
            description: None,
            login_url: "/t/certificate/login?to=desk".into(),
            register_url: None,
        };
        let introduction = by(
            locale,
            "卒業証明書・成績証明書などを、来校せずに申し込めます。初めての方は、先に利用登録をしてください。登録は10分ほどで終わります。",
            "Order certificates of graduation, transcripts and more without coming to the campus. If this is your first time, register first; it takes about ten minutes.",
        );
        vec![
            (
                "usual",
                Self {
                    introduction: Some(introduction),
                    kinds: vec![one.clone(), staff],
                    notices: NoticeItem::sample(locale),
                    more_notices: true,
                },
            ),
            ("empty", Self { introduction: None, kinds: vec![one], notices: vec![], more_notices: false }),
        ]
    }
}

/// The home page of somebody who is signed in (C-MENU-2).
#[derive(Debug, Clone, Serialize)]
pub struct Top {
    /// The person's name.
    pub name: String,
    /// The door to the review desk, for those who work there.
    pub desk: Option<Tile>,
    /// What people came for.
    pub tiles: Vec<Tile>,
    /// Applications that are not decided yet, newest first.
    pub current: Vec<ApplicationLine>,
    /// Those that are.
    pub past: Vec<ApplicationLine>,
    /// Shown once after something was done.
    pub done: Option<Say>,
}

/// A door to another service.
#[derive(Debug, Clone, Serialize)]
pub struct Tile {
    /// Its name.
    pub title: String,
    /// A line of what it does.
    pub description: String,
    /// The address; none where this kind of user may not.
    pub url: Option<String>,
}

/// An application as its owner sees it.
#[derive(Debug, Clone, Serialize)]
pub struct ApplicationLine {
    /// Reference number.
    pub reference: String,
    /// What for.
    pub kind: Say,
    /// `submitted`, `correction_requested`, `approved`, `rejected`.
    pub state: String,
    /// Unix seconds.
    pub submitted_at: i64,
    /// What comes next.
    pub next: Say,
    /// The day by which the result is expected, `YYYY-MM-DD`, while it is waited for.
    pub expected_on: Option<String>,
    /// What the person can do now.
    pub action: Option<Link>,
}

impl ApplicationLine {
    pub(super) fn sample(state: &str) -> Self {
        Self {
            reference: "K7Q2-M9XD-4T".into(),
            kind: Say::key("application.kind.new"),
            state: state.into(),
            submitted_at: SAMPLE_NOW,
            next: Say::key(format!("application.next.{state}")),
            expected_on: (state == "submitted").then(|| "2026-11-25".to_owned()),
            action: None,
        }
    }
}

impl Page for Top {
    const TEMPLATE: &'static str = "top.html";
    const NAME: &'static str = "top";
    const SIGNED_IN: bool = true;
    fn title(&self) -> Say {
        Say::key("top.title").with("name", &self.name)
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let tile = |ja: &str, en: &str, dja: &str, den: &str, open: bool| Tile {
            title: by(locale, ja, en),
            description: by(locale, dja, den),
            url: open.then(|| "https://certificate.example.ac.jp/".to_owned()),
        };
        vec![
            (
                "usual",
                Self {
                    name: by(locale, "山田 太郎", "YAMADA Taro"),
                    desk: None,
                    tiles: vec![
                        tile(
                            "コンビニで受け取る",
                            "Collect at a convenience store",
                            "最短10分で、お近くの店舗で印刷できます。",
                            "Print at a shop near you, in as little as ten minutes.",
                            true,
                        ),
                        tile(
                            "郵送で受け取る",
                            "Receive by post",
                            "国内・海外の住所へお送りします。",
                            "Sent to an address in Japan or abroad.",
                            true,
                        ),
                        tile(
                            "英文証明書",
                            "Certificates in English",
                            "学部長の署名が必要な証明書です。",
                            "Those that need the dean's signature.",
                            false,
                        ),
                    ],
                    current: vec![ApplicationLine::sample("submitted")],
                    past: ["approved", "rejected"].map(ApplicationLine::sample).to_vec(),
                    done: None,
                },
            ),
            (
                "empty",
                Self {
                    name: by(locale, "山田 太郎", "YAMADA Taro"),
                    desk: Some(tile(
                        "審査デスク",
                        "Review desk",
                        "届いた申請を確認します。",
                        "Check the applications that came in.",
                        true,
                    )),
                    tiles: vec![],
                    current: vec![],
                    past: vec![],
                    done: Some(Say::key("password_setting.done")),
                },
            ),
            (
                "correction",
                Self {
                    name: "MARIA DA CONCEIÇÃO FERNANDES DE OLIVEIRA E SILVA".into(),
                    desk: None,
                    tiles: vec![tile(
                        "コンビニで受け取る",
                        "Collect at a convenience store",
                        "最短10分で、お近くの店舗で印刷できます。",
                        "Print at a shop near you, in as little as ten minutes.",
                        true,
                    )],
                    past: vec![],
                    current: vec![ApplicationLine {
                        action: Some(Link::new(
                            by(locale, "申請内容を直す", "Correct the application"),
                            "/t/certificate/register/form",
                        )),
                        ..ApplicationLine::sample("correction_requested")
                    }],
                    done: None,
                },
            ),
        ]
    }
}

/// What people log in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginBy {
    /// Their mail address.
    Mail,
    /// Their user ID.
    UserId,
    /// Some with the one, some with the other.
    Either,
}

/// Login (C-LOGIN-1, R-LOGIN-1). Posts to `{base}/login`.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// Who asks.
    pub client: Option<ClientView>,
    /// What was typed before.
    pub login_id: String,
    /// What people log in with.
    pub by: LoginBy,
    /// The kind of user whose door was taken: key and name.
    pub kind: Option<(String, String)>,
    /// The page that was asked for, below the tenant's base.
    pub to: Option<String>,
    /// Whether there is a second password.
    pub second_password: bool,
    /// Why the person is here: the session ended, passwords were set.
    pub reason: Option<Say>,
    /// The one message for whatever was wrong.
    pub problems: Vec<Problem>,
    /// Registration, where open.
    pub register_url: Option<String>,
    /// Where somebody who forgot goes.
    pub forgot_url: Option<String>,
    /// Whether giving up leads back to the client; a form posts `deny` to `{base}/login`.
    pub can_deny: bool,
    /// Another site of the institution.
    pub site: Option<Link>,
    /// Minutes without operation until the session ends.
    pub idle_minutes: u64,
    /// What only staff can mend.
    pub staff_help: Option<Say>,
}

impl Page for Login {
    const TEMPLATE: &'static str = "login.html";
    const NAME: &'static str = "login";
    const FOR_ANYBODY: bool = true;
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            client: Some(ClientView::sample(locale)),
            login_id: String::new(),
            by: LoginBy::Mail,
            kind: None,
            to: None,
            second_password: true,
            reason: None,
            problems: vec![],
            register_url: Some("/t/certificate/register".into()),
            forgot_url: Some("/t/certificate/forgot".into()),
            can_deny: true,
            site: None,
            idle_minutes: 30,
            staff_help: None,
        };
        let either =
            Self { by: LoginBy::Either, client: None, can_deny: false, second_password: false, ..usual.clone() };
        vec![
            ("either", either),
            ("usual", usual.clone()),
            (
                "error",
                Self {
                    login_id: "taro@example.jp".into(),
                    problems: vec![Problem::at("login_id", Say::key("login.failed_second"))],
                    ..usual.clone()
                },
            ),
            (
                "plain",
                Self {
                    client: None,
                    to: Some("/account".into()),
                    by: LoginBy::UserId,
                    kind: Some((
                        "counter_applicant".into(),
                        by(
                            locale,
                            "在留資格認定証明書の電子交付を希望する方（窓口で申請）",
                            "Applicant for an electronically issued certificate of residency eligibility (apply at the office counter)",
                        ),
                    )),
                    second_password: false,
                    can_deny: false,
                    register_url: None,
                    reason: Some(Say::key("session_ended.reason").with("minutes", 30)),
                    staff_help: Some(Say::key("staff_help.either").with("counter", counter(locale))),
                    site: Some(Link::new(
                        by(locale, "庁のホームページ", "The office's website"),
                        "https://www.example.go.jp/",
                    )),
                    ..usual
                },
            ),
        ]
    }
}

/// The first login's duty: set the own passwords (C-LOGIN-2). Posts to `{base}/password-setting`.
#[derive(Debug, Clone, Serialize)]
pub struct PasswordSetting {
    /// For the password manager.
    pub login_id: String,
    /// Whether there is a second password.
    pub second_password: bool,
    /// Whether a URL led here, and not an initial password.
    pub by_setting_url: bool,
    /// The rules in words.
    pub rules: Vec<Say>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for PasswordSetting {
    const TEMPLATE: &'static str = "password_setting.html";
    const NAME: &'static str = "password-setting";
    const FOR_ANYBODY: bool = true;
    fn steps(&self) -> Option<Steps> {
        Some(Steps::first_passwords(2))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            login_id: "taro@example.jp".into(),
            second_password: true,
            by_setting_url: false,
            rules: vec![
                Say::key("password.rule.length").with("count", 8),
                Say::key("password.rule.upper"),
                Say::key("password.rule.lower"),
                Say::key("password.rule.digit"),
                Say::key("password.rule.alphanumeric"),
                Say::key("password.rule.differ"),
                Say::key("password.rule.previous"),
            ],
            problems: vec![],
        };
        vec![
            ("usual", usual.clone()),
            (
                "error",
                Self {
                    problems: vec![
                        Problem::at(
                            "password",
                            Say::key("error.password.too_short")
                                .with("min", 8)
                                .with("label", by(locale, "パスワード", "Password")),
                        ),
                        Problem::at("second_password", Say::key("error.password.same_as_other")),
                        Problem::at(
                            "second_password_confirm",
                            Say::key("error.password.confirmation_differs")
                                .with("label", by(locale, "第二パスワード（確認）", "Second password (again)")),
                        ),
                    ],
                    ..usual.clone()
                },
            ),
            (
                "single",
                Self {
                    second_password: false,
                    by_setting_url: true,
                    rules: vec![Say::key("password.rule.length").with("count", 15), Say::key("password.rule.common")],
                    ..usual
                },
            ),
        ]
    }
}

/// Asks before logging out.
#[derive(Debug, Clone, Serialize)]
pub struct Logout {
    /// Where the form posts to: `{base}/logout`, or `{base}/end-session` when a client asked.
    pub action: String,
    /// The client that asked, by name.
    pub client: Option<String>,
    /// Further hidden inputs that the post needs (`id_token_hint`, …), name and value.
    pub fields: Vec<(String, String)>,
    /// Back.
    pub back_url: String,
}

impl Page for Logout {
    const TEMPLATE: &'static str = "logout.html";
    const NAME: &'static str = "logout";
    const SIGNED_IN: bool = true;
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        vec![
            (
                "usual",
                Self {
                    action: "/t/certificate/logout".into(),
                    client: None,
                    fields: vec![],
                    back_url: "/t/certificate/".into(),
                },
            ),
            (
                "client",
                Self {
                    action: "/t/certificate/end-session".into(),
                    client: Some(by(locale, "証明書発行サービス", "Certificate ordering")),
                    fields: vec![("state".into(), "x".into())],
                    back_url: "/t/certificate/".into(),
                },
            ),
        ]
    }
}

/// After logging out.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedOut {
    /// Login again.
    pub login_url: String,
    /// Pages of applications that end their sessions when they are loaded (Front-Channel Logout §2).
    pub frames: Vec<String>,
    /// Where it goes on, where an application asked for that.
    pub next_url: Option<String>,
}

impl Page for LoggedOut {
    const TEMPLATE: &'static str = "logged_out.html";
    const NAME: &'static str = "logged-out";
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self { login_url: "/t/certificate/login".into(), frames: Vec::new(), next_url: None };
        let next_url = Some("https://app.example.jp/goodbye".to_owned());
        vec![("goes-on", Self { next_url, ..usual.clone() }), ("usual", usual)]
    }
}

/// New terms, before anything else goes on. Posts to `{base}/terms`.
#[derive(Debug, Clone, Serialize)]
pub struct NewTerms {
    /// Version as shown.
    pub version: String,
    /// Rendered Markdown, safe; headings begin at h2.
    pub html: String,
    /// The page that was asked for, below the tenant's base.
    pub to: String,
    /// For whoever does not agree.
    pub logout_url: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for NewTerms {
    const TEMPLATE: &'static str = "new_terms.html";
    const NAME: &'static str = "new-terms";
    const SIGNED_IN: bool = true;
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let html = by(
            locale,
            "<h2>1. 取得する情報</h2><p>氏名、生年月日、連絡先を取得します。</p><h2>2. 利用目的</h2><p>本人確認と証明書の発行のためにのみ利用します。</p>",
            "<h2>1. What we collect</h2><p>Your name, date of birth and contact details.</p><h2>2. What for</h2><p>Only to make sure who you are and to issue certificates.</p>",
        );
        let usual = Self {
            version: "2027-04-01".into(),
            html,
            to: "/account".into(),
            logout_url: "/t/certificate/logout".into(),
            problems: vec![],
        };
        let error = Self { problems: vec![Problem::at("agree_yes", Say::key("terms.missing"))], ..usual.clone() };
        vec![("usual", usual), ("error", error)]
    }
}

/// The session goes on (R-PAGE-5), in a window of its own.
#[derive(Debug, Clone, Serialize)]
pub struct SessionKept {
    /// Until when without operation.
    pub until: i64,
    /// Whether that is its last end, whatever is done.
    pub is_final: bool,
    /// The top page.
    pub back_url: String,
}

impl Page for SessionKept {
    const TEMPLATE: &'static str = "session_kept.html";
    const NAME: &'static str = "session-kept";
    const SIGNED_IN: bool = true;
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self { until: SAMPLE_NOW, is_final: false, back_url: "/t/certificate/".into() };
        vec![("usual", usual.clone()), ("final", Self { is_final: true, ..usual })]
    }
}

/// The session ended by itself (C-LOGIN-4).
#[derive(Debug, Clone, Serialize)]
pub struct SessionEnded {
    /// After how many minutes.
    pub minutes: u64,
    /// Login again.
    pub login_url: String,
    /// Whether what was typed is kept as a draft.
    pub kept: bool,
}

impl Page for SessionEnded {
    const TEMPLATE: &'static str = "session_ended.html";
    const NAME: &'static str = "session-ended";
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![
            ("usual", Self { minutes: 30, login_url: "/t/certificate/login".into(), kept: false }),
            ("kept", Self { minutes: 30, login_url: "/t/certificate/login".into(), kept: true }),
        ]
    }
}
