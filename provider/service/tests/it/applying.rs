//! What applying and reviewing tests have in common: a tenant with a form, an applicant who fills it in, a clerk.

use crate::support::{World, source};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use madoguchi_domain::{Locale, Token, account::Account, application::Application, form::Answers, id::ApplicationId};
use madoguchi_service::{Desk, DraftState, OpenDraft, RegistrationRequest, ReviewerOf, SignedIn, Submitted, Tenant};
use std::{io::Cursor, sync::Arc};

const FORM: &str = r#"
[[section]]
key = "applicant"
title = { ja = "申請者", en = "Applicant" }
[[section.field]]
key = "application_type"
type = "choice"
required = true
options = [{ value = "new" }, { value = "reapplication" }]
[[section.field]]
key = "name"
type = "name"
required = true
[[section.field]]
key = "name_kana"
type = "kana"
required = true
[[section.field]]
key = "birth_date"
type = "date"
required = true
[[section.field]]
key = "student_id"
type = "student_id"
[[section.field]]
key = "graduation"
type = "year_month"
[[section.field]]
key = "email"
type = "confirmed_email"
[[section.field]]
key = "document_front"
type = "image"
required = true
label = { ja = "本人確認書類（表）", en = "Document (front)" }
[[section.field]]
key = "document_back"
type = "image"
[[section.field]]
key = "remarks"
type = "textarea"
"#;

/// The certificate tenant with a form; `change` sets its policy.
pub(crate) fn with_form(tenant: &Tenant, change: impl FnOnce(&mut madoguchi_domain::tenant::TenantConfig)) -> Tenant {
    let mut config = (*tenant.config).clone();
    config.form = toml::from_str(FORM).unwrap();
    config.settings.registration.terms_version = "2026-04".into();
    change(&mut config);
    Tenant { config: Arc::new(config), ..tenant.clone() }
}

pub(crate) fn request(mail: &str) -> RegistrationRequest {
    RegistrationRequest {
        mail: mail.into(),
        mail_confirm: mail.into(),
        locale: Locale::ja(),
        kind_of_user: String::new(),
        return_client: None,
        interaction: None,
        source: source(),
    }
}

pub(crate) fn answers(name: &str, kana: &str) -> Answers {
    [
        ("application_type", "new"),
        ("name", name),
        ("name_kana", kana),
        ("birth_date_year", "1990"),
        ("birth_date_month", "4"),
        ("birth_date_day", "2"),
        ("student_id", "06a-1234"),
        ("graduation_year", "2013"),
        ("graduation_month", "3"),
        ("remarks", ""),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into()
}

/// A photograph: no two pixels alike.
pub(crate) fn photo(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image =
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, ((x * y) % 251) as u8]));
    let mut out = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut out, format).unwrap();
    out.into_inner()
}

impl World {
    /// The mails to an address, oldest first: name of the template and what it says.
    pub(crate) async fn mails(&self, to: &str) -> Vec<serde_json::Value> {
        let mut mails = self.service.recent_mails(200).await.unwrap();
        mails.reverse();
        mails.iter().filter(|m| m.to == to).map(|m| serde_json::from_str(&m.text).unwrap()).collect()
    }

    /// The latest mail of that kind to an address.
    pub(crate) async fn mail(&self, to: &str, kind: &str) -> serde_json::Value {
        let mails = self.mails(to).await;
        let found = mails.iter().rfind(|m| m["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} to {to} among {mails:?}")).clone()
    }

    /// The token at the end of the link in the latest mail of that kind.
    pub(crate) async fn mailed_token(&self, to: &str, kind: &str) -> Token {
        let mail = self.mail(to, kind).await;
        let url = mail["url"].as_str().unwrap();
        Token::parse(url.rsplit('/').next().unwrap()).unwrap()
    }

    /// The token of the latest registration link to an address.
    pub(crate) async fn link_token(&self, to: &str) -> Token {
        self.mailed_token(to, "verify_address").await
    }

    /// From the mail address to a draft.
    pub(crate) async fn begin(&self, tenant: &Tenant, mail: &str) -> (OpenDraft, Token) {
        self.service.request_registration(tenant, request(mail)).await.unwrap();
        let token = self.link_token(mail).await;
        let link = self.service.open_link(tenant, &token).await.unwrap();
        let opened = self.service.accept_terms(tenant, &link, "2026-04", &source()).await.unwrap();
        (opened.draft, opened.browser)
    }

    /// The draft of a browser.
    pub(crate) async fn draft(&self, tenant: &Tenant, browser: &Token) -> OpenDraft {
        match self.service.draft_for_browser(tenant, browser).await.unwrap() {
            Some(DraftState::Open(draft)) => *draft,
            other => panic!("no open draft: {other:?}"),
        }
    }

    /// A filled draft with one picture.
    pub(crate) async fn filled(&self, tenant: &Tenant, mail: &str, typed: &Answers) -> (OpenDraft, Token) {
        let (draft, browser) = self.begin(tenant, mail).await;
        let draft = self.service.save_draft(tenant, draft, typed, &Locale::ja(), None).await.unwrap();
        let picture = photo(60, 40, ImageFormat::Jpeg);
        self.service.upload_document(tenant, &draft, "document_front", picture).await.unwrap();
        (draft, browser)
    }

    /// The whole way to the reception page.
    pub(crate) async fn apply(&self, tenant: &Tenant, mail: &str, typed: &Answers) -> Submitted {
        let (draft, _) = self.filled(tenant, mail, typed).await;
        self.service.submit(tenant, draft, &source()).await.unwrap()
    }

    pub(crate) async fn application(&self, tenant: &Tenant, id: &ApplicationId) -> Application {
        self.database.tenant(&tenant.slug).applications().find(id).await.unwrap().unwrap()
    }

    pub(crate) async fn account_of(&self, tenant: &Tenant, mail: &str) -> Option<Account> {
        self.database.tenant(&tenant.slug).accounts().by_email(mail).await.unwrap()
    }

    /// A clerk at the certificate tenant who has signed in.
    pub(crate) async fn clerk(&self, tenant: &Tenant, mail: &str) -> ReviewerOf {
        let json = format!(
            r#"{{"login_id":"{mail}","email":"{mail}","password":"Counter2024","second_password":"Register2024",
                 "staff_roles":["reviewer"]}}"#
        );
        self.account(tenant, &json).await;
        let signed_in = self.sign_in(tenant, mail, "Counter2024", "Register2024").await.unwrap();
        let SignedIn::Session { token, .. } = signed_in else { panic!("no session") };
        let active = self.service.session(tenant, &token).await.unwrap().unwrap();
        self.service.reviewer(tenant, &active).await.unwrap().expect("a reviewer")
    }

    pub(crate) fn desk<'a>(&'a self, tenant: &'a Tenant, reviewer: &ReviewerOf) -> Desk<'a> {
        self.service.review(tenant, reviewer.clone()).unwrap()
    }
}
