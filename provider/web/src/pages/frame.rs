//! What every page has around it.

use super::{Link, Say, by};
use crate::theme::BrandImage;
use serde::Serialize;

/// Header, footer and addresses of a page.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// The tenant's base address as a path, `/t/certificate`; below a host's prefix with that prefix.
    pub base: String,
    /// Where the theme's files stand, from [`Theme::assets_url`](crate::theme::Theme::assets_url).
    pub assets: String,
    /// The tenant's colours, from [`Brand::stylesheet`](crate::theme::Brand::stylesheet).
    pub brand_stylesheet: Option<String>,
    /// The tenant's logo, from [`Brand::logo`](crate::theme::Brand::logo); the theme's own otherwise.
    pub logo: Option<BrandImage>,
    /// The institution in the page's language.
    pub institution: String,
    /// The service in the page's language.
    pub service: String,
    /// The page's language.
    pub locale: String,
    /// All languages of the tenant.
    pub locales: Vec<LocaleChoice>,
    /// The value of the hidden input `csrf` in every form.
    pub csrf: String,
    /// The parked authorization request, in forms as hidden input `flow`.
    pub flow: Option<String>,
    /// What ties a form to the thing that it is a step of; in forms as hidden input `step`.
    pub step: Option<String>,
    /// Where the page's script tells that the browser's Back was used, at institutions that do not allow it.
    pub went_back_url: Option<String>,
    /// The present address as a path with query, where the language switch comes back to.
    pub path: String,
    /// Who is signed in.
    pub user: Option<SignedInUser>,
    /// The help desk: the first thing of the footer, the same on every page.
    pub help: Option<HelpDesk>,
    /// Further links of the footer: manual, privacy, accessibility.
    pub footer: Vec<Link>,
    /// Something that all must know now: maintenance, a closure.
    pub notice: Option<Say>,
    /// Back to the app that sent a signed-in person here.
    pub back: Option<Link>,
    /// When the session ends by itself, for the warning before it.
    pub session: Option<SessionTiming>,
}

/// A language of the tenant, under its own name.
#[derive(Debug, Clone, Serialize)]
pub struct LocaleChoice {
    /// Language tag.
    pub tag: String,
    /// 日本語, English, …
    pub name: String,
}

/// Who is signed in, and where they may go.
#[derive(Debug, Clone, Serialize)]
pub struct SignedInUser {
    /// The person's name.
    pub name: String,
    /// The menu; log out is added by the page.
    pub menu: Vec<Link>,
}

/// Whom to ask.
#[derive(Debug, Clone, Serialize)]
pub struct HelpDesk {
    /// Its name.
    pub name: String,
    /// Telephone number.
    pub phone: Option<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// Opening hours, in words.
    pub hours: Option<String>,
}

/// For the warning that a session ends (WCAG 2.2 §2.2.1).
#[derive(Debug, Clone, Serialize)]
pub struct SessionTiming {
    /// Seconds until it ends without an operation.
    pub idle_seconds: u64,
    /// Seconds until it ends in any case.
    pub absolute_seconds: u64,
    /// How many seconds before that to warn.
    pub warning_seconds: u64,
    /// When it ends without an operation, for people without script.
    pub until: i64,
    /// Whether no operation can move that end.
    pub is_final: bool,
    /// A GET here with the session's cookie keeps the session.
    pub extend_url: String,
    /// Where to go when it has ended without an operation.
    pub ended_url: String,
    /// Where to go when it has ended in any case.
    pub expired_url: String,
}

impl HelpDesk {
    /// The tenant's, in `locale`; none when it names neither office nor way.
    pub fn of(desk: &madoguchi_domain::tenant::HelpDesk, locale: &madoguchi_domain::Locale) -> Option<Self> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let here = Self {
            name: desk.name.get(locale).to_owned(),
            phone: given(&desk.phone),
            mail: given(&desk.email),
            hours: given(desk.hours.get(locale)),
        };
        (!here.name.is_empty() || here.phone.is_some() || here.mail.is_some()).then_some(here)
    }
}

impl Frame {
    /// A frame for pages that belong to no tenant.
    pub fn bare(locale: &str, assets: String) -> Self {
        Self {
            base: String::new(),
            assets,
            brand_stylesheet: None,
            logo: None,
            institution: "Madoguchi".into(),
            service: String::new(),
            locale: locale.to_owned(),
            locales: Vec::new(),
            csrf: String::new(),
            flow: None,
            step: None,
            went_back_url: None,
            path: String::new(),
            user: None,
            help: None,
            footer: Vec::new(),
            notice: None,
            back: None,
            session: None,
        }
    }

    /// A frame for samples.
    pub fn sample(theme: &str, locale: &str, assets: &str, signed_in: bool) -> Self {
        let (institution, service) = match theme {
            "certificate" => (
                by(locale, "みなと大学", "Minato University"),
                by(locale, "証明書発行サービス", "Certificate Issuance Service"),
            ),
            "residence" => (
                by(locale, "在留管理庁", "Residence Services Office"),
                by(locale, "在留申請オンラインシステム", "Online Residence Application System"),
            ),
            _ => (by(locale, "青葉市役所", "Aoba City"), by(locale, "オンライン窓口", "Online Services")),
        };
        Self {
            base: format!("/t/{theme}"),
            assets: assets.to_owned(),
            brand_stylesheet: None,
            logo: None,
            institution,
            service,
            locale: locale.to_owned(),
            locales: vec![
                LocaleChoice { tag: "ja".into(), name: "日本語".into() },
                LocaleChoice { tag: "en".into(), name: "English".into() },
            ],
            csrf: "sample-csrf".into(),
            flow: None,
            step: None,
            went_back_url: (theme == "residence").then(|| "/t/residence/back".to_owned()),
            path: format!("/t/{theme}/"),
            user: signed_in.then(|| SignedInUser {
                name: by(locale, "山田 太郎", "YAMADA Taro"),
                menu: vec![
                    Link::new(by(locale, "トップページ", "Top page"), format!("/t/{theme}/")),
                    Link::new(by(locale, "登録情報", "Your account"), format!("/t/{theme}/account")),
                ],
            }),
            help: Some(HelpDesk {
                name: by(locale, "教務課 証明書係", "Academic Affairs, Certificates Desk"),
                phone: Some("03-0000-0000".into()),
                mail: Some("help@example.ac.jp".into()),
                hours: Some(by(locale, "平日 9:00〜17:00", "Monday to Friday, 9:00–17:00")),
            }),
            footer: vec![
                Link::new(by(locale, "操作マニュアル", "Manual"), format!("/t/{theme}/manual")),
                Link::new(by(locale, "個人情報の取扱い", "Privacy"), format!("/t/{theme}/privacy")),
                Link::new(
                    by(locale, "アクセシビリティ方針", "Accessibility statement"),
                    format!("/t/{theme}/accessibility"),
                ),
            ],
            notice: None,
            back: signed_in.then(|| {
                Link::new(by(locale, "在留申請", "Residence Applications"), "https://residence.example.go.jp/")
            }),
            session: signed_in.then(|| SessionTiming {
                idle_seconds: 1800,
                absolute_seconds: 43_200,
                warning_seconds: 120,
                until: super::SAMPLE_NOW,
                is_final: false,
                extend_url: format!("/t/{theme}/session"),
                ended_url: format!("/t/{theme}/login?ended=idle"),
                expired_url: format!("/t/{theme}/login?ended=expired"),
            }),
        }
    }
}
