//! The way from a forgotten password to new ones.

use super::{LinkTrouble, Page, Problem, Say, Steps, by, counter};
use serde::Serialize;

/// Reset password: where the link goes (C-FORGOT-1, R-FORGOT-1). Posts to `{base}/forgot`.
#[derive(Debug, Clone, Serialize)]
pub struct Forgot {
    /// Whether people log in by user ID; both are asked for then.
    pub by_user_id: bool,
    /// The user ID as typed.
    pub login_id: String,
    /// The mail address as typed.
    pub mail: String,
    /// The domain that mails come from.
    pub sender_domain: String,
    /// How long the link works.
    pub lifetime_minutes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Back to the login page.
    pub back_url: String,
    /// Whether the first password is set by a URL, and not given.
    pub by_setting_url: bool,
    /// What only staff can mend.
    pub staff_help: Option<Say>,
    /// Where staff help.
    pub counter: String,
    /// Applying again, for those whose mailbox is lost; none where nobody can.
    pub reapply_url: Option<String>,
}

impl Page for Forgot {
    const TEMPLATE: &'static str = "forgot.html";
    const NAME: &'static str = "forgot";
    const FOR_ANYBODY: bool = true;
    const FORM: Option<&'static str> = Some("forgot-form");
    fn steps(&self) -> Option<Steps> {
        Some(Steps::recovery(1))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            by_user_id: false,
            login_id: String::new(),
            mail: String::new(),
            sender_domain: "certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            problems: vec![],
            back_url: "/t/certificate/login".into(),
            by_setting_url: false,
            staff_help: None,
            counter: counter(locale),
            reapply_url: Some("/t/certificate/register".into()),
        };
        let error = Self {
            mail: "taro@example".into(),
            problems: vec![Problem::at("mail", Say::key("error.email.malformed"))],
            ..usual.clone()
        };
        let user_id = Self {
            by_user_id: true,
            by_setting_url: true,
            staff_help: Some(Say::key("staff_help.either").with("counter", counter(locale))),
            reapply_url: None,
            ..usual.clone()
        };
        let user_id_error = Self {
            problems: vec![
                Problem::at("login_id", Say::key("forgot.login_id_missing")),
                Problem::at("mail", Say::key("forgot.mail_missing")),
            ],
            ..user_id.clone()
        };
        vec![("usual", usual), ("error", error), ("user-id", user_id), ("user-id-error", user_id_error)]
    }
}

/// A mail was sent, if what was entered belongs to an account; the same page for everybody.
#[derive(Debug, Clone, Serialize)]
pub struct ForgotSent {
    /// Whether people log in by user ID.
    pub by_user_id: bool,
    /// From where the mail comes.
    pub sender: String,
    /// How long the link works.
    pub lifetime_minutes: u64,
    /// Back to the login page.
    pub login_url: String,
    /// Once more.
    pub restart_url: String,
    /// The demo's mailbox.
    pub mailbox_url: Option<String>,
}

impl Page for ForgotSent {
    const TEMPLATE: &'static str = "forgot_sent.html";
    const NAME: &'static str = "forgot-sent";
    fn steps(&self) -> Option<Steps> {
        Some(Steps::recovery(2))
    }
    fn title(&self) -> Say {
        Say::key(if self.by_user_id { "forgot_sent.title_user_id" } else { "forgot_sent.title" })
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            by_user_id: false,
            sender: "no-reply@certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            login_url: "/t/certificate/login".into(),
            restart_url: "/t/certificate/forgot".into(),
            mailbox_url: None,
        };
        let user_id = Self { by_user_id: true, mailbox_url: Some("/dev/mail".into()), ..usual.clone() };
        vec![("usual", usual), ("user-id", user_id)]
    }
}

/// New passwords by the link of the mail. Posts to `{base}/forgot/reset`.
#[derive(Debug, Clone, Serialize)]
pub struct ForgotReset {
    /// For the password manager.
    pub login_id: String,
    /// Whether there is a second password.
    pub second_password: bool,
    /// The rules in words.
    pub rules: Vec<Say>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for ForgotReset {
    const TEMPLATE: &'static str = "forgot_reset.html";
    const NAME: &'static str = "forgot-reset";
    const FOR_ANYBODY: bool = true;
    fn steps(&self) -> Option<Steps> {
        Some(Steps::recovery(3))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            login_id: "taro@example.jp".into(),
            second_password: true,
            rules: vec![
                Say::key("password.rule.length").with("count", 8),
                Say::key("password.rule.alphanumeric"),
                Say::key("password.rule.differ"),
                Say::key("password.rule.previous"),
            ],
            problems: vec![],
        };
        let error = Self {
            problems: vec![
                Problem::at(
                    "password",
                    Say::key("error.password.same_as_previous").with("label", by(locale, "パスワード", "Password")),
                ),
                Problem::at("second_password", Say::key("error.password.same_as_other")),
            ],
            ..usual.clone()
        };
        let single = Self { second_password: false, login_id: "RZ48201937".into(), ..usual.clone() };
        vec![("usual", usual), ("error", error), ("single", single)]
    }
}

/// The link of the mail does not work (any more), and how to get another.
#[derive(Debug, Clone, Serialize)]
pub struct ForgotProblem {
    /// Why.
    pub trouble: LinkTrouble,
    /// Asks for another.
    pub restart_url: String,
    /// Login, for somebody who finished already.
    pub login_url: String,
}

impl Page for ForgotProblem {
    const TEMPLATE: &'static str = "forgot_problem.html";
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
            restart_url: "/t/certificate/forgot".into(),
            login_url: "/t/certificate/login".into(),
        };
        vec![
            ("forgot-expired", with(LinkTrouble::Expired)),
            ("forgot-used", with(LinkTrouble::Used)),
            ("forgot-superseded", with(LinkTrouble::Superseded)),
            ("forgot-unknown", with(LinkTrouble::Unknown)),
        ]
    }
}
