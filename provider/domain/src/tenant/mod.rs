//! A tenant's configuration: everything that makes one institution differ from another. It is data, read from a folder.
//!
//! ```text
//! tenants/certificate/
//!   tenant.toml            everything but what follows
//!   form.toml              the application form
//!   forms/{kind}.toml      the form of a kind of user that has one of its own
//!   affiliations.csv       code,parent,ja,en
//!   clients.toml           relying parties
//!   reasons.toml           texts that reviewers start from
//!   terms.{locale}.md      permission for use          (version in tenant.toml)
//!   manual.{locale}.md     operating manual
//!   texts/{locale}.toml    overrides of the theme's texts
//!   logo.svg|png
//! ```

use crate::{
    LocalText, Locale, TenantSlug, Timestamp,
    application::ApplicationKind,
    client::{ClientMetadata, SigningAlgorithm},
    form::{Form, personal::PersonalForm},
    japan::search_key,
    time::Span,
};
use chrono::{FixedOffset, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

mod academic;
mod assurance;
mod calendar;
mod client_registration;
mod kinds;
pub mod load;
mod policy;
mod user_id;
pub use academic::AcademicPolicy;
pub use assurance::AssurancePolicy;
pub use calendar::{CalendarPolicy, Closure, Holidays, Weekday};
pub use client_registration::ClientRegistrationPolicy;
pub use kinds::{KindOfUser, LoginIds};
pub use load::{Problem, TenantFiles};
pub use policy::*;
pub use user_id::UserIdPattern;

/// What people are given at least before their session ends, where a tenant has no reason for less.
const SHORTEST_USUAL_IDLE: Span = Span::minutes(30);

/// A validated tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantConfig {
    /// `tenant.toml`.
    pub settings: TenantSettings,
    /// `form.toml`.
    pub form: Form,
    /// `forms/{kind}.toml`, by the kind of user that has a form of its own.
    pub forms: BTreeMap<String, Form>,
    /// `affiliations.csv`.
    pub affiliations: Vec<Affiliation>,
    /// `clients.toml`.
    pub clients: Vec<ClientMetadata>,
    /// `reasons.toml`.
    pub reasons: Vec<ReasonTemplate>,
    /// Markdown by locale.
    pub terms: BTreeMap<Locale, String>,
    /// Markdown by locale.
    pub manual: BTreeMap<Locale, String>,
    /// Overrides of texts by locale and key (dotted).
    pub texts: BTreeMap<Locale, BTreeMap<String, String>>,
    /// The logo's bytes and media type.
    pub logo: Option<(Vec<u8>, &'static str)>,
}

/// `tenant.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantSettings {
    /// Name in URLs.
    pub slug: TenantSlug,
    /// Name of the institution.
    pub name: LocalText,
    /// Name of the service.
    pub service_name: LocalText,
    /// Its own issuer URL, where it has a host of its own.
    #[serde(default)]
    pub issuer: Option<Url>,
    /// Languages, in the order they are offered.
    pub locales: Vec<Locale>,
    /// For those who ask for none of them.
    pub default_locale: Locale,
    /// Offset from UTC of the times that people read: `+09:00`.
    #[serde(default = "japan")]
    pub utc_offset: String,
    /// The theme's name.
    pub theme: String,
    /// Colours and logo without a template.
    #[serde(default)]
    pub branding: Branding,
    /// Whom to ask, at the foot of every page and mail.
    #[serde(default)]
    pub help_desk: HelpDesk,
    /// Links at the foot of every page.
    #[serde(default)]
    pub links: FooterLinks,
    /// What people log in with.
    #[serde(default)]
    pub login: LoginPolicy,
    /// What a password must be.
    #[serde(default)]
    pub password: PasswordPolicy,
    /// How a new account's first credential is handed over.
    #[serde(default)]
    pub initial_credential: InitialCredentialPolicy,
    /// One-time links.
    #[serde(default)]
    pub one_time_links: LinkPolicy,
    /// Sessions.
    #[serde(default)]
    pub session: SessionPolicy,
    /// Failed logins.
    #[serde(default)]
    pub lockout: LockoutPolicy,
    /// Applications.
    #[serde(default)]
    pub registration: RegistrationPolicy,
    /// The days on which nobody works.
    #[serde(default)]
    pub calendar: CalendarPolicy,
    /// Uploaded documents.
    #[serde(default)]
    pub documents: DocumentPolicy,
    /// What people may change themselves.
    #[serde(default)]
    pub self_service: SelfServicePolicy,
    /// Tokens.
    #[serde(default)]
    pub tokens: TokenPolicy,
    /// Whether applications may register themselves.
    #[serde(default)]
    pub client_registration: ClientRegistrationPolicy,
    /// What academic relying parties are told of the institution.
    #[serde(default)]
    pub academic: Option<AcademicPolicy>,
    /// What relying parties are told of reviews.
    #[serde(default)]
    pub assurance: AssurancePolicy,
    /// Mails.
    pub mail: MailPolicy,
    /// The home page.
    #[serde(default)]
    pub home: Home,
    /// How long things are kept.
    #[serde(default)]
    pub retention: RetentionPolicy,
}

fn japan() -> String {
    "+09:00".into()
}

impl TenantSettings {
    /// The offset of the times that people read; Japan's when it cannot be read (validation refuses that).
    pub fn offset(&self) -> FixedOffset {
        self.utc_offset.parse().unwrap_or(FixedOffset::east_opt(9 * 3600).unwrap_or(chrono::Offset::fix(&Utc)))
    }

    /// The day it is there.
    pub fn today(&self, now: Timestamp) -> NaiveDate {
        now.to_utc().with_timezone(&self.offset()).date_naive()
    }
}

/// Colours that replace the theme's, and the logo's alternative text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Branding {
    /// Main colour `#rrggbb`.
    pub primary: Option<String>,
    /// Accent colour `#rrggbb`.
    pub accent: Option<String>,
}

/// Whom to ask.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HelpDesk {
    /// Name of the office.
    pub name: LocalText,
    /// Phone number.
    pub phone: String,
    /// Mail address.
    pub email: String,
    /// Hours.
    pub hours: LocalText,
    /// Where staff unlock an account and tell a user ID after they have checked the person: a sentence that says what to
    /// do. The help desk itself when empty.
    pub counter: LocalText,
}

/// Links at the foot of every page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FooterLinks {
    /// The institution's own site.
    pub institution: Option<Url>,
    /// Privacy policy.
    pub privacy: Option<Url>,
    /// Accessibility statement.
    pub accessibility: Option<Url>,
}

/// A node of the affiliation tree (university or school → department → subject).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affiliation {
    /// Unique code.
    pub code: String,
    /// Code of the node above; empty for the first level.
    pub parent: String,
    /// Names by locale.
    pub name: BTreeMap<Locale, String>,
}

/// A text that reviewers start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonTemplate {
    /// Stable key.
    pub key: String,
    /// `reject` or `request_correction`.
    pub verdict: crate::application::Verdict,
    /// Short name in the list.
    pub title: LocalText,
    /// The text, by the applicant's language.
    pub text: LocalText,
}

/// The home page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Home {
    /// Kinds of user, each with its Login and Register buttons; empty means one kind without a name.
    pub kinds_of_user: Vec<KindOfUser>,
    /// Notices.
    pub notices: Vec<Notice>,
    /// Tiles of relying parties and functions.
    pub tiles: Vec<Tile>,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// First day it is no longer shown.
    #[serde(default)]
    pub until: Option<String>,
    /// Headline.
    pub title: LocalText,
    /// Text.
    #[serde(default)]
    pub text: LocalText,
}

/// A tile of the top page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    /// Stable key.
    pub key: String,
    /// What people read.
    pub title: LocalText,
    /// A line of what it does.
    #[serde(default)]
    pub text: LocalText,
    /// The client whose login it starts.
    #[serde(default)]
    pub client: Option<String>,
    /// A page to open instead.
    #[serde(default)]
    pub url: Option<String>,
    /// Kinds of user that may use it; all when absent. For the others it is shown disabled.
    #[serde(default)]
    pub kinds_of_user: Option<Vec<String>>,
}

impl TenantConfig {
    /// The issuer and base of all links: the tenant's own, or `{public_url}/t/{slug}`. No trailing slash.
    pub fn issuer(&self, public_url: &Url) -> String {
        match &self.settings.issuer {
            Some(own) => own.as_str().trim_end_matches('/').to_owned(),
            None => format!("{}/t/{}", public_url.as_str().trim_end_matches('/'), self.settings.slug),
        }
    }

    /// What is allowed and seldom meant, a sentence each, for whoever checks the files.
    pub fn warnings(&self) -> Vec<String> {
        let idle = self.settings.session.idle;
        let short = idle.seconds() < SHORTEST_USUAL_IDLE.seconds();
        let short = short.then(|| {
            format!(
                "tenant.toml: session.idle is {} minutes; with less than {} people are logged out while they read and fill in",
                idle.seconds() / 60,
                SHORTEST_USUAL_IDLE.seconds() / 60
            )
        });
        short.into_iter().collect()
    }

    /// The version of the terms that people have to agree to; `None` where the tenant has no terms.
    pub fn terms_in_force(&self) -> Option<&str> {
        let version = self.settings.registration.terms_version.trim();
        (!version.is_empty() && !self.terms.is_empty()).then_some(version)
    }

    /// The language to use when `wanted` was asked for.
    pub fn locale<'a>(&'a self, wanted: impl IntoIterator<Item = &'a str>) -> &'a Locale {
        for tag in wanted {
            let tag = tag.trim();
            let exact = self.settings.locales.iter().find(|l| l.as_str().eq_ignore_ascii_case(tag));
            let primary = tag.split('-').next().unwrap_or_default();
            let close = || self.settings.locales.iter().find(|l| l.as_str().eq_ignore_ascii_case(primary));
            if let Some(found) = exact.or_else(close) {
                return found;
            }
        }
        &self.settings.default_locale
    }

    /// The entries of the menu of somebody who is signed in: those that the tenant wants and that mean something there.
    pub fn menu(&self) -> impl Iterator<Item = MenuEntry> + '_ {
        let own = &self.settings.self_service;
        own.menu.iter().copied().filter(|entry| match entry {
            MenuEntry::Manual => !self.manual.is_empty(),
            MenuEntry::Personal => !own.free.is_empty() || !own.with_approval.is_empty(),
            MenuEntry::StudentId => self.form_of("").asks_for(ApplicationKind::Enrolment),
            MenuEntry::SecondPassword => self.settings.login.second_password,
            MenuEntry::Top
            | MenuEntry::Mail
            | MenuEntry::Password
            | MenuEntry::Sessions
            | MenuEntry::Applications
            | MenuEntry::Data => true,
        })
    }

    /// The form that a kind of user fills in; `""` where nobody was asked for a kind.
    pub fn form_of(&self, kind: &str) -> &Form {
        self.forms.get(kind).unwrap_or(&self.form)
    }

    /// Every form: `form.toml`, then those of kinds of user.
    pub fn all_forms(&self) -> impl Iterator<Item = &Form> {
        std::iter::once(&self.form).chain(self.forms.values())
    }

    /// The children of an affiliation; of the root for `""`.
    pub fn affiliations_under<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = &'a Affiliation> + 'a {
        self.affiliations.iter().filter(move |a| a.parent == parent)
    }

    /// What applications ask for, of people of that kind of user.
    pub fn form_for(&self, kind: ApplicationKind, kind_of_user: &str) -> Form {
        match kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication | ApplicationKind::Enrolment => {
                self.form_of(kind_of_user).asked_for(kind)
            }
            ApplicationKind::ProfileChange => self.personal(kind_of_user).reviewed(),
        }
    }

    /// What people of that kind of user change of themselves.
    pub fn personal(&self, kind_of_user: &str) -> PersonalForm {
        PersonalForm::new(self.form_of(kind_of_user), &self.settings.self_service)
    }

    /// The affiliation that is called so in any language.
    pub fn affiliation_called(&self, name: &str) -> Option<&Affiliation> {
        let wanted = search_key(name);
        let called = |a: &&Affiliation| a.name.values().any(|n| search_key(n) == wanted);
        self.affiliations.iter().find(called).filter(|_| !wanted.is_empty())
    }

    /// The affiliation of that code.
    pub fn affiliation(&self, code: &str) -> Option<&Affiliation> {
        self.affiliations.iter().find(|a| a.code == code)
    }
}

impl Affiliation {
    /// Its name in a language, or in any.
    pub fn label(&self, locale: &Locale) -> &str {
        self.name.get(locale).or_else(|| self.name.values().next()).map_or("", String::as_str)
    }
}

/// What the tenant signs ID tokens with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenPolicy {
    /// Algorithms to hold keys for.
    pub algorithms: Vec<SigningAlgorithm>,
    /// Whether clients may be registered for tokens in the authorization response: the implicit and hybrid response
    /// types, which RFC 9700 §2.1.2 discourages.
    pub implicit_and_hybrid: bool,
    /// Life of a code.
    pub code_lifetime: Span,
    /// Life of an access token.
    pub access_token_lifetime: Span,
    /// Life of an ID token.
    pub id_token_lifetime: Span,
    /// Life of a refresh token that is not used.
    pub refresh_token_lifetime: Span,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            algorithms: SigningAlgorithm::ALL.to_vec(),
            implicit_and_hybrid: false,
            code_lifetime: Span::minutes(1),
            access_token_lifetime: Span::minutes(10),
            id_token_lifetime: Span::minutes(10),
            refresh_token_lifetime: Span::days(30),
        }
    }
}
