//! The way from a mail address to a reference number, except the form itself.

use super::{Choice, ImageView, Link, Page, Problem, SAMPLE_NOW, Say, Steps, Task, by};
use serde::Serialize;

/// Mail address setting (C-REG-1). Posts to `{base}/register`.
#[derive(Debug, Clone, Serialize)]
pub struct Register {
    /// The kind of user that registers, as hidden input `kind`, and its name; none where there is one kind only, or it
    /// is chosen here.
    pub kind: Option<(String, String)>,
    /// The kinds to choose from, as radio buttons `kind`; none where it is known.
    pub kinds: Vec<Choice>,
    /// As typed.
    pub mail: String,
    /// As typed.
    pub mail_confirm: String,
    /// The domain that mails come from, shown before the first is sent.
    pub sender_domain: String,
    /// How long the link works.
    pub lifetime_minutes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Back.
    pub back_url: String,
}

impl Page for Register {
    const TEMPLATE: &'static str = "register.html";
    const NAME: &'static str = "register";
    const FOR_ANYBODY: bool = true;
    const FORM: Option<&'static str> = Some("register-form");
    fn steps(&self) -> Option<Steps> {
        Some(Steps::registration(1))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let applicant = by(
            locale,
            "在留資格認定証明書の電子交付を希望する方（窓口で申請）",
            "Applicant for an electronically issued certificate of residency eligibility (apply at the office counter)",
        );
        let staff = by(locale, "所属機関の職員の方", "Staff member of an affiliated organization");
        let usual = Self {
            kind: None,
            kinds: Vec::new(),
            mail: String::new(),
            mail_confirm: String::new(),
            sender_domain: "certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            problems: vec![],
            back_url: "/t/certificate/".into(),
        };
        let error = Self {
            mail: "taro@example".into(),
            mail_confirm: "taro@example.jp".into(),
            problems: vec![
                Problem::at("mail", Say::key("error.email.malformed")),
                Problem::at("mail_confirm", Say::key("error.email.mismatch")),
            ],
            ..usual.clone()
        };
        let chosen = Self { kind: Some(("counter_applicant".into(), applicant.clone())), ..usual.clone() };
        let kinds = Self {
            kinds: vec![
                Choice::new("counter_applicant", applicant, false),
                Choice::new("organization_staff", staff, false),
            ],
            problems: vec![Problem::at("kind", Say::key("register.kind_missing"))],
            ..usual.clone()
        };
        vec![("usual", usual), ("error", error), ("chosen", chosen), ("kinds", kinds)]
    }
}

/// A mail was sent; the same for known and unknown addresses (C-REG-2).
#[derive(Debug, Clone, Serialize)]
pub struct RegisterSent {
    /// Where to.
    pub mail: String,
    /// From where.
    pub sender: String,
    /// How long the link works.
    pub lifetime_minutes: u64,
    /// Start again with another address.
    pub restart_url: String,
    /// The demo's mailbox.
    pub mailbox_url: Option<String>,
}

impl Page for RegisterSent {
    const TEMPLATE: &'static str = "register_sent.html";
    const NAME: &'static str = "register-sent";
    fn steps(&self) -> Option<Steps> {
        Some(Steps::registration(1))
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            mail: "taro@example.jp".into(),
            sender: "no-reply@certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            restart_url: "/t/certificate/register".into(),
            mailbox_url: None,
        };
        let long = Self {
            mail: "a-very-long-mail-address-of-a-former-exchange-student@students.international.example.ac.jp".into(),
            mailbox_url: Some("/dev/mail".into()),
            ..usual.clone()
        };
        vec![("usual", usual), ("long", long)]
    }
}

/// What is wrong with a one-time link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTrouble {
    /// Too late.
    Expired,
    /// Was used.
    Used,
    /// A newer one was sent.
    Superseded,
    /// Not one of ours; often cut off in the mail program.
    Unknown,
}

/// A one-time link that does not work (any more), and how to start again (C-REG-3).
#[derive(Debug, Clone, Serialize)]
pub struct LinkProblem {
    /// Why.
    pub trouble: LinkTrouble,
    /// Starts again; none where only the help desk can (a link for a correction).
    pub restart_url: Option<String>,
    /// Login, for somebody who finished already.
    pub login_url: String,
}

impl Page for LinkProblem {
    const TEMPLATE: &'static str = "link_problem.html";
    const NAME: &'static str = "link-problem";
    fn title(&self) -> Say {
        Say::key(match self.trouble {
            LinkTrouble::Expired => "link_problem.expired.title",
            LinkTrouble::Used => "link_problem.used.title",
            LinkTrouble::Superseded => "link_problem.superseded.title",
            LinkTrouble::Unknown => "link_problem.unknown.title",
        })
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let with = |trouble| Self {
            trouble,
            restart_url: Some("/t/certificate/register".into()),
            login_url: "/t/certificate/login".into(),
        };
        vec![
            ("expired", with(LinkTrouble::Expired)),
            ("used", with(LinkTrouble::Used)),
            ("superseded", with(LinkTrouble::Superseded)),
            ("unknown", Self { restart_url: None, ..with(LinkTrouble::Unknown) }),
        ]
    }
}

/// A one-time link was opened: what will happen, and one button that does it. Opening changed nothing.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmLink {
    /// The heading.
    pub heading: Say,
    /// What will happen.
    pub message: Say,
    /// Where the button posts to.
    pub action: String,
    /// Name and id of the button.
    pub button: String,
    /// Its words.
    pub label: Say,
    /// The process that goes on with it, where it is one of several steps.
    pub steps: Option<Steps>,
}

impl Page for ConfirmLink {
    const TEMPLATE: &'static str = "confirm_link.html";
    const NAME: &'static str = "confirm-link";
    const FOR_ANYBODY: bool = true;
    fn title(&self) -> Say {
        self.heading.clone()
    }
    fn steps(&self) -> Option<Steps> {
        self.steps.clone()
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            heading: Say::key("resubmit_link.title"),
            message: Say::key("resubmit_link.message").with("reference", "K7Q2-M9XD-4T"),
            action: "/t/certificate/resubmit/link/x".into(),
            button: "open".into(),
            label: Say::key("resubmit_link.button"),
            steps: None,
        };
        let step = Self {
            heading: Say::key("confirm_mail.title"),
            message: Say::key("confirm_mail.message").with("mail", "taro@example.com"),
            action: "/t/certificate/account/mail/confirm".into(),
            button: "confirm".into(),
            label: Say::key("confirm_mail.button"),
            steps: Some(Steps::mail(3)),
        };
        vec![("usual", usual), ("step", step)]
    }
}

/// Permission for use (C-REG-4). Posts to `{base}/register/terms`.
#[derive(Debug, Clone, Serialize)]
pub struct Terms {
    /// Version as shown.
    pub version: String,
    /// Rendered Markdown, safe; headings begin at h2.
    pub html: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for Terms {
    const TEMPLATE: &'static str = "terms.html";
    const NAME: &'static str = "terms";
    const FOR_ANYBODY: bool = true;
    fn steps(&self) -> Option<Steps> {
        Some(Steps::registration(2))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let html = by(
            locale,
            "<h2>1. 取得する情報</h2><p>氏名、生年月日、在学時の情報、連絡先、本人確認書類の画像を取得します。</p><h2>2. 利用目的</h2><p>本人確認と証明書の発行のためにのみ利用します。</p><h2>3. 保存期間</h2><p>本人確認書類の画像は、審査の完了から30日で消去します。</p>",
            "<h2>1. What we collect</h2><p>Your name, date of birth, details of your enrolment, contact details and an image of an identification document.</p><h2>2. What for</h2><p>Only to make sure who you are and to issue certificates.</p><h2>3. How long</h2><p>The image is deleted 30 days after the check.</p>",
        );
        let usual = Self { version: "2026-04-01".into(), html, problems: vec![] };
        let error = Self { problems: vec![Problem::at("agree_yes", Say::key("terms.missing"))], ..usual.clone() };
        vec![("usual", usual), ("error", error)]
    }
}

/// Everything entered, before it is submitted (C-REG-10). Posts `submit` or `back` to `action`.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What it is for.
    pub task: Task,
    /// Where it is posted.
    pub action: String,
    /// What the person has to know before.
    pub notices: Vec<Say>,
    /// The sections of the form.
    pub sections: Vec<CheckSection>,
    /// Whether every item carries a mark: what was entered does not match somebody's records, and which item differs is
    /// not said.
    pub all_marked: bool,
    /// What went wrong on submitting.
    pub problems: Vec<Problem>,
    /// The form.
    pub form_url: String,
}

/// A section.
#[derive(Debug, Clone, Serialize)]
pub struct CheckSection {
    /// Key.
    pub key: String,
    /// Heading.
    pub title: String,
    /// Its rows.
    pub rows: Vec<CheckRow>,
}

/// A row.
#[derive(Debug, Clone, Serialize)]
pub struct CheckRow {
    /// The field's label.
    pub label: String,
    /// The value, a line each; empty when nothing was entered.
    pub lines: Vec<String>,
    /// What it was, a line each, where own data change; empty otherwise.
    pub before: Vec<String>,
    /// When it changes: at once, or after approval.
    pub mark: Option<Say>,
    /// How it was read: "1990年（平成2年）", the half-width kana widened.
    pub read_as: Option<String>,
    /// The image.
    pub image: Option<ImageView>,
    /// Back to this field; none where it cannot be changed.
    pub change_url: Option<String>,
}

impl Page for Check {
    const TEMPLATE: &'static str = "check.html";
    const NAME: &'static str = "check";
    const FOR_ANYBODY: bool = true;
    fn title(&self) -> Say {
        match self.task {
            Task::Profile | Task::FillIn => Say::key("check.profile_title"),
            Task::Registration | Task::Correction | Task::Enrolment => Say::key("check.title"),
        }
    }
    fn steps(&self) -> Option<Steps> {
        Some(self.task.steps("check"))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let row = |ja: &str, en: &str, value: &str, field: &str| CheckRow {
            label: by(locale, ja, en),
            lines: value.lines().map(str::to_owned).collect(),
            before: vec![],
            mark: None,
            read_as: None,
            image: None,
            change_url: Some(format!("/t/certificate/register/form#{field}")),
        };
        let sections = vec![
            CheckSection {
                key: "applicant".into(),
                title: by(locale, "申請者", "Applicant"),
                rows: vec![
                    row("氏名", "Name", "山田 太郎", "name"),
                    CheckRow {
                        read_as: Some("ヤマダ タロウ".into()),
                        ..row("氏名（カタカナ）", "Name in katakana", "ﾔﾏﾀﾞ ﾀﾛｳ", "name_kana")
                    },
                    CheckRow {
                        read_as: Some(by(locale, "1990年（平成2年）4月1日", "1 April 1990")),
                        ..row("生年月日", "Date of birth", "平成2-4-1", "birth_date_year")
                    },
                    CheckRow {
                        change_url: None, ..row("メールアドレス", "Mail address", "taro@example.jp", "mail")
                    },
                ],
            },
            CheckSection {
                key: "address".into(),
                title: by(locale, "現住所", "Current address"),
                rows: vec![
                    row("住所", "Address", "〒100-0001\n東京都千代田区千代田1-1\nパレスハイツ 101", "postal_code"),
                    row("勤務先", "Employer", "", "employer_name"),
                ],
            },
            CheckSection {
                key: "document".into(),
                title: by(locale, "本人確認書類", "Identification document"),
                rows: vec![
                    row("書類の種類", "Type of document", "運転免許証", "document_type"),
                    CheckRow {
                        image: Some(ImageView::sample(locale)),
                        ..row("画像（おもて面）", "Image of the front", "", "document_front")
                    },
                ],
            },
        ];
        let usual = Self {
            task: Task::Registration,
            action: "/t/certificate/register/check".into(),
            notices: vec![],
            sections,
            all_marked: false,
            problems: vec![],
            form_url: "/t/certificate/register/form".into(),
        };
        let correction = Self {
            task: Task::Correction,
            problems: vec![Problem::at(
                "document_front",
                Say::key("error.required_image").with("label", by(locale, "画像（おもて面）", "Image of the front")),
            )],
            ..usual.clone()
        };
        let mismatch = Self {
            all_marked: true,
            problems: vec![Problem::at("name", Say::key("error.verification.card-not-matched"))],
            ..usual.clone()
        };
        let mut profile = Self {
            task: Task::Profile,
            notices: vec![Say::key("check.profile_unverified").with("label", by(locale, "氏名", "Name"))],
            form_url: "/t/certificate/account/profile".into(),
            ..usual.clone()
        };
        profile.sections.truncate(1);
        for section in &mut profile.sections {
            section.rows.truncate(1);
        }
        for row in profile.sections.iter_mut().flat_map(|s| &mut s.rows) {
            row.before = vec![by(locale, "佐藤 太郎", "SATO TARO")];
            row.mark = Some(Say::key("check.profile_after_approval"));
        }
        vec![("usual", usual), ("correction", correction), ("mismatch", mismatch), ("profile", profile)]
    }
}

/// The application was received (C-REG-10).
#[derive(Debug, Clone, Serialize)]
pub struct Reception {
    /// Reference number.
    pub reference: String,
    /// Unix seconds.
    pub submitted_at: i64,
    /// Expected working days.
    pub expected_days: u32,
    /// The day by which they have passed, `YYYY-MM-DD`.
    pub expected_on: String,
    /// Where the result is sent.
    pub mail: String,
    /// From where.
    pub sender: String,
    /// What it was for.
    pub task: Task,
    /// Whether the first password is set by a URL in the mail, and not given in it.
    pub by_setting_url: bool,
    /// Back to where the person came from.
    pub next: Option<Link>,
}

impl Page for Reception {
    const TEMPLATE: &'static str = "reception.html";
    const NAME: &'static str = "reception";
    fn steps(&self) -> Option<Steps> {
        Some(self.task.steps("done"))
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            reference: "K7Q2-M9XD-4T".into(),
            submitted_at: SAMPLE_NOW,
            expected_days: 2,
            expected_on: "2026-11-25".into(),
            mail: "taro@example.jp".into(),
            sender: "no-reply@certificate.example.ac.jp".into(),
            task: Task::Registration,
            by_setting_url: false,
            next: Some(Link::new(by(locale, "ホームへ", "Go to the home page"), "/t/certificate/")),
        };
        let correction = Self { task: Task::Correction, expected_days: 1, next: None, ..usual.clone() };
        let enrolment = Self { task: Task::Enrolment, ..usual.clone() };
        let setting_url = Self { by_setting_url: true, ..usual.clone() };
        vec![("usual", usual), ("correction", correction), ("enrolment", enrolment), ("setting-url", setting_url)]
    }
}
