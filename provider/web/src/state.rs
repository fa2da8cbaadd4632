//! What all handlers share: the use cases, the protocol, the themes, and a tenant's looks kept ready.

use crate::{
    client_address::Network,
    csrf::CsrfKey,
    theme::{Brand, Branding, Layer, Renderer, ThemeError, Themes},
};
use arc_swap::ArcSwap;
use madoguchi_domain::TenantSlug;
use madoguchi_oidc::Oidc;
use madoguchi_service::{Service, Tenant};
use std::{collections::BTreeMap, sync::Arc};
use url::Url;

/// What the web is made of.
pub struct WebParts {
    /// The use cases.
    pub service: Service,
    /// The protocol.
    pub oidc: Oidc,
    /// The themes.
    pub themes: Themes,
    /// The address that people and applications use.
    pub public_url: Url,
    /// 32 bytes, the same on every node, for the values that protect forms.
    pub csrf_key: [u8; 32],
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// The demo's pages; `None` outside the demo.
    pub demo: Option<crate::pages::DemoFront>,
}

/// Everything a handler needs. Cheap to clone.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

struct Inner {
    parts: WebParts,
    csrf: CsrfKey,
    secure: bool,
    looks: ArcSwap<BTreeMap<TenantSlug, (i64, Arc<Looks>)>>,
}

/// A tenant's looks, made ready once per version of its configuration.
pub(crate) struct Looks {
    /// Pages and mails in the tenant's theme with the tenant's texts.
    pub renderer: Renderer,
    /// Name, logo and colours of its own.
    pub brand: Brand,
}

impl Looks {
    fn prepare(themes: &Themes, tenant: &Tenant) -> Result<Self, ThemeError> {
        Self::of(themes, &tenant.config)
    }

    fn of(themes: &Themes, config: &madoguchi_domain::tenant::TenantConfig) -> Result<Self, ThemeError> {
        let settings = &config.settings;
        let theme = themes.get(&settings.theme).ok_or_else(|| ThemeError::unknown(&settings.theme))?;
        let texts = Layer::of_tenant(&config.texts);
        let logo = config.logo.as_ref().map(|(bytes, media_type)| {
            let extension = if *media_type == "image/svg+xml" { "svg" } else { "png" };
            (format!("logo.{extension}"), bytes.clone())
        });
        let accent = settings.branding.accent.iter().map(|colour| ("accent".to_owned(), colour.clone()));
        let branding = Branding {
            tenant: settings.slug.to_string(),
            primary: settings.branding.primary.clone(),
            light: accent.collect(),
            logo,
            ..Branding::default()
        };
        let brand = Brand::prepare(&theme, &branding)?;
        Ok(Self { renderer: Renderer::new(theme, texts, offset_minutes(&settings.utc_offset)), brand })
    }
}

/// `+09:00` in minutes; validated when the tenant was read.
pub(crate) fn offset_minutes(offset: &str) -> i32 {
    let (sign, rest) = match offset.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, offset.trim_start_matches('+')),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    sign * (hours.parse::<i32>().unwrap_or(0) * 60 + minutes.parse::<i32>().unwrap_or(0))
}

impl Web {
    /// Puts it together.
    pub fn new(parts: WebParts) -> Self {
        let csrf = CsrfKey::new(&parts.csrf_key);
        let secure = parts.public_url.scheme() == "https";
        Self(Arc::new(Inner { parts, csrf, secure, looks: ArcSwap::default() }))
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.parts.service
    }

    pub(crate) fn oidc(&self) -> &Oidc {
        &self.0.parts.oidc
    }

    /// The themes.
    pub fn themes(&self) -> &Themes {
        &self.0.parts.themes
    }

    pub(crate) fn public_url(&self) -> &Url {
        &self.0.parts.public_url
    }

    pub(crate) fn csrf(&self) -> &CsrfKey {
        &self.0.csrf
    }

    pub(crate) fn secure(&self) -> bool {
        self.0.secure
    }

    pub(crate) fn trusted_proxies(&self) -> &[Network] {
        &self.0.parts.trusted_proxies
    }

    pub(crate) fn demo(&self) -> Option<&crate::pages::DemoFront> {
        self.0.parts.demo.as_ref()
    }

    /// The path below which everything stands: empty, or the prefix of a host application.
    pub(crate) fn prefix(&self) -> &str {
        self.public_url().path().trim_end_matches('/')
    }

    /// The tenant whose issuer is a host of its own, for a request's `Host`.
    pub(crate) fn tenant_of_host(&self, host: &str) -> Option<TenantSlug> {
        let tenants = self.service().tenants();
        let own = tenants.iter().find(|t| {
            let issuer = t.config.settings.issuer.as_ref();
            issuer.is_some_and(|url| {
                url.as_str().split("://").nth(1).map(|rest| rest.trim_end_matches('/')) == Some(host)
            })
        })?;
        Some(own.slug.clone())
    }

    /// The tenant's looks, prepared at the first request after its configuration changed. A tenant whose looks cannot
    /// be prepared (its theme was taken away) is shown in the base theme; the log says why.
    pub(crate) fn looks(&self, tenant: &Tenant) -> Arc<Looks> {
        if let Some((generation, looks)) = self.0.looks.load().get(&tenant.slug)
            && *generation == tenant.generation
        {
            return Arc::clone(looks);
        }
        let looks = Arc::new(Looks::prepare(self.themes(), tenant).unwrap_or_else(|e| {
            tracing::error!(tenant = %tenant.slug, error = %e, "the tenant's theme or branding cannot be used");
            let theme = self.themes().base();
            let brand = Brand::none(&theme);
            Looks { renderer: Renderer::new(theme, None, 540), brand }
        }));
        self.0.looks.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.insert(tenant.slug.clone(), (tenant.generation, Arc::clone(&looks)));
            all
        });
        looks
    }
}

/// Writes mails in the words of the tenant's theme; given to the use cases.
pub struct ThemedMails(Themes);

impl ThemedMails {
    /// With these themes.
    pub fn new(themes: Themes) -> Self {
        Self(themes)
    }
}

impl madoguchi_service::MailRenderer for ThemedMails {
    fn render(
        &self,
        tenant: &Tenant,
        locale: &madoguchi_domain::Locale,
        mail: &madoguchi_domain::mail::MailKind,
    ) -> Result<madoguchi_service::Rendered, madoguchi_service::MailRenderError> {
        let settings = &tenant.config.settings;
        let looks = Looks::prepare(&self.0, tenant)
            .map_err(|e| madoguchi_service::MailRenderError { mail: mail.name(), cause: e.to_string() })?;
        let desk = &settings.help_desk;
        let contact: Vec<&str> =
            [desk.name.get(locale), &desk.phone, &desk.email, desk.hours.get(locale), settings.mail.footer.get(locale)]
                .into_iter()
                .filter(|line| !line.is_empty())
                .collect();
        let about = crate::theme::MailContext {
            institution: settings.name.get(locale).to_owned(),
            service: settings.service_name.get(locale).to_owned(),
            contact: contact.join("\n"),
            counter: desk.counter.get(locale).to_owned(),
            home_url: format!("{}/", tenant.issuer),
        };
        let rendered = looks
            .renderer
            .mail(locale.as_str(), mail, &about)
            .map_err(|e| madoguchi_service::MailRenderError { mail: mail.name(), cause: e.to_string() })?;
        Ok(madoguchi_service::Rendered { subject: rendered.subject, body: rendered.body })
    }
}

/// Why a tenant cannot be shown as it wants to be: its theme or its colours.
pub fn looks_problem(themes: &Themes, config: &madoguchi_domain::tenant::TenantConfig) -> Option<String> {
    Looks::of(themes, config).err().map(|e| e.to_string())
}
