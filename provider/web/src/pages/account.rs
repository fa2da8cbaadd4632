//! Pages of somebody who is signed in.

use super::{ApplicationLine, ClientView, Link, Page, SAMPLE_NOW, Say, by};
use serde::Serialize;

/// The account (first page of it).
#[derive(Debug, Clone, Serialize)]
pub struct AccountPage {
    /// The profile, beginning with what they log in with.
    pub profile: Vec<ProfileRow>,
    /// Enrolments.
    pub enrolments: Vec<EnrolmentView>,
    /// Applications, those that wait for something first.
    pub applications: Vec<ApplicationLine>,
    /// What can be changed, and where.
    pub ways: Vec<Link>,
}

/// One fact of the profile.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileRow {
    /// What it is.
    pub label: Say,
    /// What it says.
    pub value: String,
    /// Since when it is verified (Unix seconds), if it is.
    pub verified_at: Option<i64>,
}

impl ProfileRow {
    /// A fact that is labelled by this text.
    pub fn new(label: impl Into<String>, value: impl Into<String>, verified_at: Option<i64>) -> Self {
        Self { label: Say::key(label), value: value.into(), verified_at }
    }
}

/// An enrolment in a list.
#[derive(Debug, Clone, Serialize)]
pub struct EnrolmentView {
    /// Its id, the radio's value.
    pub id: String,
    /// The student ID number; may be empty.
    pub student_id: String,
    /// Affiliation, degree, years.
    pub description: String,
}

impl EnrolmentView {
    fn sample(locale: &str) -> Vec<Self> {
        vec![
            Self {
                id: "enr_1".into(),
                student_id: "B19-04217".into(),
                description: by(
                    locale,
                    "文学部 国文学科　2019年4月入学・2023年3月卒業",
                    "Faculty of Letters, Japanese Literature · April 2019 – March 2023",
                ),
            },
            Self {
                id: "enr_2".into(),
                student_id: "M23-00318".into(),
                description: by(
                    locale,
                    "大学院文学研究科 修士課程　2023年4月入学・2025年3月修了",
                    "Graduate School of Letters, Master's · April 2023 – March 2025",
                ),
            },
        ]
    }
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "account.html";
    const NAME: &'static str = "account";
    const SIGNED_IN: bool = true;
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            profile: vec![
                ProfileRow::new("login.user_id", "RZ48201937", None),
                ProfileRow::new("account.mail", "taro@example.jp", None),
                ProfileRow::new("field.name.label", "山田 太郎", Some(SAMPLE_NOW)),
                ProfileRow::new("field.name_kana.label", "ヤマダ タロウ", Some(SAMPLE_NOW)),
                ProfileRow::new("field.birth_date.label", by(locale, "1999年4月1日", "1 April 1999"), Some(SAMPLE_NOW)),
                ProfileRow::new("field.phone.label", "03-1234-5678", None),
            ],
            enrolments: EnrolmentView::sample(locale),
            applications: vec![ApplicationLine::sample("approved")],
            ways: vec![
                Link::new(by(locale, "メールアドレスの変更", "Change mail address"), "/t/certificate/account/mail"),
                Link::new(by(locale, "パスワードの変更", "Change password"), "/t/certificate/account/password"),
            ],
        };
        vec![
            ("usual", usual.clone()),
            ("empty", Self { profile: vec![], enrolments: vec![], applications: vec![], ..usual }),
        ]
    }
}

/// Which enrolment a relying party gets (C-STUDENT-2). Posts to `{base}/authorize/consent`.
#[derive(Debug, Clone, Serialize)]
pub struct EnrolmentChoice {
    /// Who asks.
    pub client: ClientView,
    /// The choices.
    pub enrolments: Vec<EnrolmentView>,
    /// Whether none was chosen.
    pub missing: Vec<super::Problem>,
}

impl Page for EnrolmentChoice {
    const TEMPLATE: &'static str = "enrolment_choice.html";
    const NAME: &'static str = "enrolment-choice";
    const SIGNED_IN: bool = true;
    fn problems(&self) -> &[super::Problem] {
        &self.missing
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual =
            Self { client: ClientView::sample(locale), enrolments: EnrolmentView::sample(locale), missing: vec![] };
        let error = Self {
            missing: vec![super::Problem::at("enrolment", Say::key("enrolment_choice.missing"))],
            ..usual.clone()
        };
        vec![("usual", usual), ("error", error)]
    }
}

/// What a relying party will get. Posts `allow` or `deny` to `{base}/authorize/consent`.
#[derive(Debug, Clone, Serialize)]
pub struct Consent {
    /// Who asks.
    pub client: ClientView,
    /// Its host, so that a name alone does not deceive.
    pub client_host: String,
    /// What it gets.
    pub items: Vec<ConsentItem>,
    /// Whether access stays when the person is not there (`offline_access`).
    pub offline: bool,
}

/// One thing that a relying party will get.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentItem {
    /// What: `consent.scope.email`.
    pub label: Say,
    /// The values that it will get.
    pub values: Vec<String>,
}

impl Page for Consent {
    const TEMPLATE: &'static str = "consent.html";
    const NAME: &'static str = "consent";
    const SIGNED_IN: bool = true;
    fn title(&self) -> Say {
        Say::key("consent.title").with("client", &self.client.name)
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            client: ClientView::sample(locale),
            client_host: "certificate.example.ac.jp".into(),
            items: vec![
                ConsentItem { label: Say::key("consent.scope.openid"), values: vec![] },
                ConsentItem {
                    label: Say::key("consent.scope.profile"),
                    values: vec!["山田 太郎".into(), "YAMADA Taro".into()],
                },
                ConsentItem { label: Say::key("consent.scope.email"), values: vec!["taro@example.jp".into()] },
                ConsentItem {
                    label: Say::key("consent.scope.student_ids"),
                    values: vec!["B19-04217".into(), "M23-00318".into()],
                },
            ],
            offline: true,
        };
        let least = Self {
            client: ClientView { policy: None, tos: None, ..ClientView::sample(locale) },
            items: vec![ConsentItem { label: Say::key("consent.scope.openid"), values: vec![] }],
            offline: false,
            ..usual.clone()
        };
        vec![("usual", usual), ("least", least)]
    }
}
