//! A request to a tenant's page: whose, in which language, by whom, and how to answer it.

use crate::{
    client_address::{Peer, client_address},
    cookies::{self, Jar},
    csrf,
    pages::{Busy, ErrorPage, Frame, Link, LocaleChoice, NotFound, Page, Say, SessionTiming, SignedInUser},
    state::{Looks, Web},
};
use axum::{
    extract::{FromRequestParts, OriginalUri, RawPathParams},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use madoguchi_domain::{
    Locale, Token,
    session::{SEEN_GRAIN, SessionEnd},
    tenant::{BackButton, ChangeManner, MenuEntry},
};
use madoguchi_service::{ActiveSession, ServiceError, SessionState, Source, Tenant};
use std::sync::{Arc, Mutex};

/// A request to a page of a tenant.
pub(crate) struct Visit {
    pub web: Web,
    pub tenant: Arc<Tenant>,
    looks: Arc<Looks>,
    pub locale: Locale,
    /// The browser's own cookie; made at the first visit.
    pub browser: Token,
    /// The value of the session's cookie, whether or not a session is behind it.
    pub session_token: Option<Token>,
    /// Who is signed in.
    pub session: Option<ActiveSession>,
    /// Why the session of the cookie no longer counts, where it ended by itself.
    pub ended: Option<SessionEnd>,
    pub method: Method,
    pub source: Source,
    pub headers: HeaderMap,
    /// Path and query as the browser sees them.
    pub path: String,
    /// The parked authorization request's handle.
    pub flow: Option<String>,
    set_cookies: Mutex<Vec<HeaderValue>>,
    /// Origins that a form of the page may lead to, besides our own.
    form_targets: Mutex<Vec<String>>,
    frame_sources: Mutex<Vec<String>>,
    /// Said in the bar above the page.
    notice: Mutex<Option<Say>>,
    /// What the page's form is a step of, see [`crate::steps`].
    pub(crate) step: Mutex<Option<String>>,
    /// Back to the app that sent a signed-in person here.
    back: Option<Link>,
}

/// What a handler answers; an error is an answer too.
pub(crate) type Answer = Result<Response, Response>;

impl Visit {
    /// Reads who visits what. Handlers take a `Visit`, or, if somebody with open duties may use them, a
    /// [`BeforeDuties`](crate::duties::BeforeDuties).
    pub(crate) async fn read(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let params = RawPathParams::from_request_parts(parts, web).await.map_err(IntoResponse::into_response)?;
        let slug = params.iter().find(|(name, _)| *name == "tenant").map(|(_, value)| value.to_owned());
        let tenant = slug.and_then(|s| s.parse().ok()).and_then(|slug| web.service().tenant(&slug));
        let Some(tenant) = tenant else { return Err(unknown_tenant(web, parts)) };
        let looks = web.looks(&tenant);
        let headers = parts.headers.clone();
        let secure = web.secure();
        let kept = cookies::read(&headers, secure, &tenant.slug, Jar::Browser);
        let mut set_cookies = Vec::new();
        let browser = kept.unwrap_or_else(|| {
            let fresh = Token::new(web.service().entropy());
            set_cookies.push(cookies::set(secure, &tenant.slug, Jar::Browser, &fresh));
            fresh
        });
        let session_token = cookies::read(&headers, secure, &tenant.slug, Jar::Session);
        let original = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |o| &o.0);
        let path = original.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let query = parts.uri.query().unwrap_or_default();
        let parameter = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v.into_owned())
        };
        let locale = wanted_locale(&tenant, &headers, parameter("ui_locales").or_else(|| parameter("lang")));
        let source = Source {
            ip: client_address(parts.extensions.get::<Peer>().copied(), &headers, web.trusted_proxies()),
            user_agent: headers
                .get(header::USER_AGENT)
                .and_then(|v| v.to_str().ok())
                .map(|s| s.chars().take(256).collect())
                .unwrap_or_default(),
        };
        let flow = parameter("flow").filter(|f| Token::parse(f).is_some());
        let mut visit = Self {
            web: web.clone(),
            tenant,
            looks,
            locale,
            browser,
            session_token,
            session: None,
            ended: None,
            method: parts.method.clone(),
            source,
            headers,
            path,
            flow,
            set_cookies: Mutex::new(set_cookies),
            form_targets: Mutex::default(),
            frame_sources: Mutex::default(),
            notice: Mutex::default(),
            step: Mutex::default(),
            back: None,
        };
        if let Some(token) = visit.session_token.clone() {
            let found = web.service().session_state(&visit.tenant, &token).await;
            match found.map_err(|e| visit.fault(&e))? {
                SessionState::Active(active) => visit.session = Some(*active),
                SessionState::Ended(end) => visit.ended = Some(end),
                SessionState::Unknown => {}
            }
        }
        if visit.session.is_some() {
            let asked = parameter("client_id").filter(|_| parts.uri.path().ends_with("/account"));
            visit.back = visit.back_to_app(asked).await;
        }
        Ok(visit)
    }
}

/// `ui_locales` > cookie > `Accept-Language` > the tenant's default.
fn wanted_locale(tenant: &Tenant, headers: &HeaderMap, asked: Option<String>) -> Locale {
    let cookie = cookies::plain(headers, cookies::LOCALE);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let asked = asked.unwrap_or_default();
    let wanted = asked.split_whitespace().chain(cookie.as_deref()).chain(accept_language(accepted));
    tenant.config.locale(wanted).clone()
}

/// The tags of `Accept-Language` (RFC 9110 §12.5.4), best first.
fn accept_language(header: &str) -> impl Iterator<Item = &str> {
    let mut tags: Vec<(&str, f32)> = header
        .split(',')
        .take(20)
        .filter_map(|item| {
            let mut parts = item.split(';');
            let tag = parts.next()?.trim();
            let quality = parts.find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            (quality > 0.0 && !tag.is_empty() && tag != "*").then_some((tag, quality))
        })
        .collect();
    tags.sort_by(|a, b| b.1.total_cmp(&a.1));
    tags.into_iter().map(|(tag, _)| tag)
}

fn unknown_tenant(web: &Web, parts: &Parts) -> Response {
    bare(web, &parts.headers, StatusCode::NOT_FOUND, &NotFound { home_url: format!("{}/", web.prefix()) })
}

/// A page that belongs to no tenant, in the base theme and the browser's language.
pub(crate) fn bare<P: Page>(web: &Web, headers: &HeaderMap, status: StatusCode, page: &P) -> Response {
    let renderer = crate::theme::Renderer::new(web.themes().base(), None, 540);
    let frame = Frame::bare(bare_locale(headers), renderer.theme().assets_url(web.prefix()));
    match renderer.page(&frame, page) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(e) => {
            tracing::error!(error = %e, "the page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The language of a page that belongs to no tenant.
pub(crate) fn bare_locale(headers: &HeaderMap) -> &'static str {
    let cookie = cookies::plain(headers, cookies::LOCALE);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let wanted = cookie.as_deref().or_else(|| accept_language(accepted).next()).unwrap_or("ja");
    if wanted.starts_with("ja") { "ja" } else { "en" }
}

impl Visit {
    /// The tenant's base as a path, without a slash at its end.
    pub(crate) fn base(&self) -> String {
        // everything after the authority
        let issuer = &self.tenant.issuer;
        let after = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest);
        after.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default()
    }

    /// A path below the tenant's base.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// The same, with the parked authorization request carried along.
    pub(crate) fn to_in_flow(&self, path: &str) -> String {
        match &self.flow {
            Some(flow) => format!("{}{path}{}flow={flow}", self.base(), if path.contains('?') { '&' } else { '?' }),
            None => self.to(path),
        }
    }

    /// The account that is signed in.
    pub(crate) fn account(&self) -> Option<&madoguchi_domain::account::Account> {
        self.session.as_ref().map(|s| &s.account)
    }

    /// A text of the theme or the tenant.
    pub(crate) fn text(&self, key: &str, args: &[(&str, &str)]) -> String {
        self.looks.renderer.text(self.locale.as_str(), key, args)
    }

    /// The texts and pages of the tenant.
    pub(crate) fn renderer(&self) -> &crate::theme::Renderer {
        &self.looks.renderer
    }

    /// Whether there is a text of that key.
    pub(crate) fn knows(&self, key: &str) -> bool {
        self.looks.renderer.optional_text(self.locale.as_str(), key).is_some()
    }

    /// Goes on in another language, and keeps it.
    pub(crate) fn speak(&mut self, locale: Locale) {
        self.keep_locale(&locale);
        self.locale = locale;
    }

    /// The same visit as part of a parked authorization request.
    pub(crate) fn in_flow(&self, flow: &str) -> Self {
        Self { flow: Some(flow.to_owned()), ..self.again() }
    }

    /// The same visit with nobody signed in, as after a logout.
    pub(crate) fn signed_out(&self) -> Self {
        Self { session: None, session_token: None, ..self.again() }
    }

    /// The same visit; cookies to set go over to it.
    fn again(&self) -> Self {
        let taken =
            |lines: &Mutex<Vec<_>>| Mutex::new(lines.lock().map(|mut l| std::mem::take(&mut *l)).unwrap_or_default());
        Self {
            web: self.web.clone(),
            tenant: Arc::clone(&self.tenant),
            looks: Arc::clone(&self.looks),
            locale: self.locale.clone(),
            browser: self.browser.clone(),
            session_token: self.session_token.clone(),
            session: self.session.clone(),
            ended: self.ended,
            method: self.method.clone(),
            source: self.source.clone(),
            headers: self.headers.clone(),
            path: self.path.clone(),
            flow: self.flow.clone(),
            set_cookies: taken(&self.set_cookies),
            form_targets: Mutex::new(self.form_targets.lock().map(|t| t.clone()).unwrap_or_default()),
            frame_sources: Mutex::new(self.frame_sources.lock().map(|t| t.clone()).unwrap_or_default()),
            notice: Mutex::default(),
            step: Mutex::new(self.step.lock().ok().and_then(|step| step.clone())),
            back: self.back.clone(),
        }
    }

    /// The way back to the client that sent the person to their account: its own page, as registered. It is kept until
    /// the browser closes or another one does.
    async fn back_to_app(&self, asked: Option<String>) -> Option<Link> {
        let (secure, slug) = (self.web.secure(), &self.tenant.slug);
        let client_id = match &asked {
            Some(asked) => URL_SAFE_NO_PAD.encode(asked),
            None => cookies::read_plain(&self.headers, secure, slug, cookies::CLIENT)?,
        };
        let known = String::from_utf8(URL_SAFE_NO_PAD.decode(&client_id).ok()?).ok()?;
        // an app that cannot be looked up has no way back; the page itself does not need it
        let client = self.web.oidc().client(&self.view(), &known).await.ok()??;
        let url = client.metadata.client_uri.as_ref()?;
        if asked.is_some() {
            self.push_cookie(cookies::set_plain(secure, slug, cookies::CLIENT, &client_id));
        }
        Some(Link::new(client.metadata.name(&self.locale), url.as_str()))
    }

    /// Remembers the mail address that was typed last, for the page that says where the mail went.
    pub(crate) fn keep_address(&self, encoded: &str) {
        self.push_cookie(cookies::set_plain(self.web.secure(), &self.tenant.slug, cookies::ADDRESS, encoded));
    }

    /// The mail address that was typed last.
    pub(crate) fn kept_address(&self) -> Option<String> {
        cookies::read_plain(&self.headers, self.web.secure(), &self.tenant.slug, cookies::ADDRESS)
    }

    /// Hands a cookie to the browser with the answer.
    pub(crate) fn set_cookie(&self, jar: Jar, token: &Token) {
        self.push_cookie(cookies::set(self.web.secure(), &self.tenant.slug, jar, token));
    }

    /// Takes a cookie back with the answer.
    pub(crate) fn clear_cookie(&self, jar: Jar) {
        self.push_cookie(cookies::clear(self.web.secure(), &self.tenant.slug, jar));
    }

    /// Keeps the language.
    pub(crate) fn keep_locale(&self, locale: &Locale) {
        self.push_cookie(cookies::set_locale(self.web.secure(), locale.as_str()));
    }

    fn push_cookie(&self, line: HeaderValue) {
        if let Ok(mut lines) = self.set_cookies.lock() {
            lines.push(line);
        }
    }

    /// The value of one of our cookies.
    pub(crate) fn cookie(&self, jar: Jar) -> Option<Token> {
        cookies::read(&self.headers, self.web.secure(), &self.tenant.slug, jar)
    }

    /// Lets the page's forms lead to the origin of `url` as well: browsers apply `form-action` to redirects too.
    pub(crate) fn allow_form_target(&self, target: &str) {
        let Ok(parsed) = url::Url::parse(target) else { return };
        let source = policy_source(&parsed);
        if let Ok(mut targets) = self.form_targets.lock() {
            targets.push(source);
        }
    }

    /// Lets the page show the origin of `url` in a frame.
    pub(crate) fn allow_frame(&self, url: &url::Url) {
        if let Ok(mut sources) = self.frame_sources.lock() {
            sources.push(policy_source(url));
        }
    }

    /// Says something in the bar above the page.
    pub(crate) fn announce(&self, say: Option<Say>) {
        if let Ok(mut notice) = self.notice.lock() {
            *notice = say;
        }
    }

    fn frame(&self, page: &str, for_anybody: bool) -> Frame {
        let settings = &self.tenant.config.settings;
        let (locale, base) = (&self.locale, self.base());
        let session_token = self.session.as_ref().filter(|_| !for_anybody).and(self.session_token.as_ref());
        let text = |key: &str| self.text(key, &[]);
        let mut footer = Vec::new();
        if !self.tenant.config.manual.is_empty() {
            footer.push(Link::new(text("footer.manual"), self.to("/manual")));
        }
        footer.push(Link::new(text("footer.messages"), self.to("/messages")));
        if let Some(url) = &settings.links.privacy {
            footer.push(Link::new(text("footer.privacy"), url.as_str()));
        }
        if let Some(url) = &settings.links.accessibility {
            footer.push(Link::new(text("footer.accessibility"), url.as_str()));
        }
        let theme = self.looks.renderer.theme();
        Frame {
            assets: theme.assets_url(self.web.prefix()),
            brand_stylesheet: self.looks.brand.stylesheet(self.web.prefix()),
            logo: self.looks.brand.logo(self.web.prefix()),
            institution: settings.name.get(locale).to_owned(),
            service: settings.service_name.get(locale).to_owned(),
            locale: locale.to_string(),
            locales: settings
                .locales
                .iter()
                .map(|l| LocaleChoice {
                    tag: l.to_string(),
                    name: self.looks.renderer.text(l.as_str(), "language.name", &[]),
                })
                .collect(),
            csrf: self.web.csrf().value(&self.tenant.slug, page, &self.browser, session_token),
            flow: self.flow.clone(),
            step: self.step_value(page),
            went_back_url: (settings.session.back_button == BackButton::LogOut).then(|| self.to("/back")),
            path: self.path.clone(),
            user: self.account().map(|account| SignedInUser {
                name: display_name(account).to_owned(),
                // whoever owes something goes nowhere but out
                menu: if self.duty().is_some() { Vec::new() } else { self.menu(account) },
            }),
            help: crate::pages::HelpDesk::of(&settings.help_desk, locale),
            footer,
            notice: self.notice.lock().ok().and_then(|n| n.clone()),
            back: self.back.clone(),
            session: self.session.as_ref().map(|active| self.timing(&active.session)),
            base,
        }
    }

    /// When the session ends by itself. The page waits a little longer than the server, so that it never asks too early.
    pub(crate) fn timing(&self, session: &madoguchi_domain::session::Session) -> SessionTiming {
        let policy = &self.tenant.config.settings.session;
        let now = self.web.service().now();
        let idle_end = now + policy.idle.duration();
        let margin = SEEN_GRAIN.as_secs() + 1;
        SessionTiming {
            idle_seconds: policy.idle.seconds() + margin,
            absolute_seconds: session.expires_at.since(now).as_secs() + 1,
            warning_seconds: policy.warning.seconds(),
            until: idle_end.min(session.expires_at).seconds(),
            is_final: session.expires_at <= idle_end,
            extend_url: self.to("/session"),
            ended_url: self.to("/login?ended=idle"),
            expired_url: self.to("/login?ended=expired"),
        }
    }

    /// A point in time in words.
    pub(crate) fn moment(&self, at: madoguchi_domain::Timestamp) -> String {
        self.looks.renderer.moment(self.locale.as_str(), at)
    }

    fn menu(&self, account: &madoguchi_domain::account::Account) -> Vec<Link> {
        use madoguchi_domain::account::StaffRole;
        let mut menu = Vec::new();
        for role in &account.staff_roles {
            match role {
                StaffRole::Reviewer => menu.push(Link::new(self.text("menu.desk", &[]), self.to("/desk"))),
                StaffRole::Counter => menu.push(Link::new(self.text("menu.counter", &[]), self.to("/counter"))),
                StaffRole::TenantIt => {}
            }
        }
        menu.extend(self.tenant.config.menu().map(|entry| self.menu_link(entry)));
        menu
    }

    /// Where an entry of the menu leads.
    pub(crate) fn menu_link(&self, entry: MenuEntry) -> Link {
        let (name, path) = match entry {
            MenuEntry::Top => ("top", "/"),
            MenuEntry::Manual => ("manual", "/manual"),
            MenuEntry::Personal => {
                (personal_setting(self.tenant.config.settings.self_service.manner), "/account/profile")
            }
            MenuEntry::Mail => ("mail", "/account/mail"),
            MenuEntry::StudentId => ("student_id", "/account/student-id"),
            MenuEntry::Password => ("password", "/account/password"),
            MenuEntry::SecondPassword => ("second_password", "/account/second-password"),
            MenuEntry::Sessions => ("sessions", "/account/sessions"),
            MenuEntry::Applications => ("applications", "/account/applications"),
            MenuEntry::Data => ("data", "/account/data"),
        };
        Link::new(self.text(&format!("menu.{name}"), &[]), self.to(path))
    }

    /// Renders a page with 200.
    pub(crate) fn page<P: Page>(&self, page: &P) -> Response {
        self.page_with(StatusCode::OK, page)
    }

    /// Renders a page with another status: 422 for a form with errors.
    pub(crate) fn page_with<P: Page>(&self, status: StatusCode, page: &P) -> Response {
        match self.looks.renderer.page(&self.frame(P::NAME, P::FOR_ANYBODY), page) {
            Ok(html) => self.seal((status, Html(html)).into_response()),
            Err(e) => {
                tracing::error!(tenant = %self.tenant.slug, error = %e, "the page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// 303, as after every POST.
    pub(crate) fn redirect(&self, to: &str) -> Response {
        self.seal(see_other(to))
    }

    /// Puts the cookies and the page's policy on an answer.
    pub(crate) fn seal(&self, mut response: Response) -> Response {
        if let Ok(mut lines) = self.set_cookies.lock() {
            for line in lines.drain(..) {
                response.headers_mut().append(header::SET_COOKIE, line);
            }
        }
        let joined = |sources: &Mutex<Vec<String>>| sources.lock().map(|s| s.join(" ")).unwrap_or_default();
        let (targets, frames) = (joined(&self.form_targets), joined(&self.frame_sources));
        if !targets.is_empty() || !frames.is_empty() {
            crate::headers::allow(response.headers_mut(), &targets, &frames);
        }
        response
    }

    /// Whether a POST is from a page of ours, of this name, in this browser. If not: 403 and a page that says so.
    pub(crate) fn check_form(&self, page: &str, presented: &str) -> Result<(), Response> {
        self.check_either(&[page], presented)
    }

    /// The same where several pages post to one place.
    pub(crate) fn check_either(&self, pages: &[&str], presented: &str) -> Result<(), Response> {
        let session = self.session.as_ref().and(self.session_token.as_ref());
        if self.is_ours(pages, presented, session) || self.is_ours(pages, presented, None) {
            return Ok(());
        }
        // a page of a session that ended by itself: say that, and that nothing was done
        if self.ended.is_some() {
            return Err(self.to_login());
        }
        Err(self.error_page(StatusCode::FORBIDDEN, "form_outdated", Some(self.path.clone())))
    }

    /// Whether a form's value is of one of these pages as shown in that session or, for those that are for anybody, in
    /// none; and the browser does not say that it comes from elsewhere.
    fn is_ours(&self, pages: &[&str], presented: &str, session: Option<&Token>) -> bool {
        let own = [self.web.public_url().origin().ascii_serialization(), origin_of(&self.tenant.issuer)];
        let csrf_key = self.web.csrf();
        let genuine =
            pages.iter().any(|page| csrf_key.verify(&self.tenant.slug, page, &self.browser, session, presented));
        genuine && !csrf::is_foreign(&self.headers, &own)
    }

    /// A page with a stable code; its words are `error.{code}`.
    pub(crate) fn error_page(&self, status: StatusCode, code: &str, retry: Option<String>) -> Response {
        let next = match retry {
            Some(url) => Link::new(self.text("error.try_again", &[]), url),
            None => Link::new(self.text("error.to_home", &[]), self.to("/")),
        };
        let page = ErrorPage {
            code: code.to_owned(),
            description: Say::key(format!("error.{code}")),
            request_id: None,
            next: Some(next),
        };
        self.page_with(status, &page)
    }

    /// 404.
    pub(crate) fn not_found(&self) -> Response {
        self.page_with(StatusCode::NOT_FOUND, &NotFound { home_url: self.to("/") })
    }

    /// The answer to a use case that could not be carried out.
    pub(crate) fn fault(&self, error: &ServiceError) -> Response {
        if let Some(after) = error.retry_after() {
            tracing::warn!(tenant = %self.tenant.slug, error = %report(error), "not available");
            return self.busy(after.as_secs().max(1));
        }
        tracing::error!(tenant = %self.tenant.slug, error = %report(error), "a use case failed");
        self.error_page(StatusCode::INTERNAL_SERVER_ERROR, "server_error", None)
    }

    /// 503 with `Retry-After`.
    pub(crate) fn busy(&self, seconds: u64) -> Response {
        let page = Busy { retry_after: seconds, retry_url: self.path.clone() };
        let mut response = self.page_with(StatusCode::SERVICE_UNAVAILABLE, &page);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }

    /// 429 with `Retry-After` (RFC 6585 §4): too much from one address.
    pub(crate) fn too_many(&self, retry_after: std::time::Duration) -> Response {
        let mut response = self.error_page(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", Some(self.path.clone()));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        response
    }

    /// The session of a login that is recent enough for what a stolen session should not do, or the way to another
    /// login that comes back here.
    pub(crate) fn recently_signed_in(&self) -> Result<&ActiveSession, Response> {
        let session = self.signed_in()?;
        if self.web.service().is_recent(&self.tenant, session) { Ok(session) } else { Err(self.log_in_again()) }
    }

    /// The way to another login that comes back here.
    pub(crate) fn log_in_again(&self) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("reason", "too_long_ago")
            .append_pair("to", self.path.strip_prefix(&self.base()).unwrap_or("/"));
        self.redirect(&self.to(&format!("/login?{}", query.finish())))
    }

    /// The session, or a redirect to login that comes back here.
    pub(crate) fn signed_in(&self) -> Result<&ActiveSession, Response> {
        self.session.as_ref().ok_or_else(|| self.to_login())
    }

    /// To the login page, which says why, and then back here. What was posted is not carried out and not repeated.
    fn to_login(&self) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let ended = match self.ended {
            Some(SessionEnd::Idle) => Some("idle"),
            Some(SessionEnd::Expired) => Some("expired"),
            // signed out in another window, ended from elsewhere, or long forgotten
            None => self.session_token.as_ref().map(|_| "closed"),
        };
        query.extend_pairs(ended.map(|why| ("ended", why)));
        match self.way_back() {
            Some(path) => query.append_pair("to", path),
            None => query.append_pair("sent", "1"),
        };
        self.redirect(&self.to(&format!("/login?{}", query.finish())))
    }

    /// The present address below the tenant's base, if a browser may be sent to it again: pages, and no links of mails,
    /// whose secrets do not belong into addresses.
    pub(crate) fn way_back(&self) -> Option<&str> {
        let path = self.path.strip_prefix(&self.base()).unwrap_or("/");
        let is_page = self.method == Method::GET || self.method == Method::HEAD;
        (is_page && !path.contains("/link/")).then_some(path)
    }
}

/// Origin of a URL as browsers write it.
fn origin_of(url: &str) -> String {
    url::Url::parse(url).map(|u| u.origin().ascii_serialization()).unwrap_or_default()
}

/// What to call a person.
pub(crate) fn display_name(account: &madoguchi_domain::account::Account) -> &str {
    let claim = account.profile.claims.get("name").and_then(|v| v.as_str());
    [account.profile.name.as_str(), account.profile.name_roman.as_str(), claim.unwrap_or_default()]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(&account.login_id)
}

/// What the menu calls the page of personal settings: the same as the page itself.
fn personal_setting(manner: ChangeManner) -> &'static str {
    match manner {
        ChangeManner::Edit => "personal",
        ChangeManner::FillIn => "user_information",
    }
}

/// An error with its causes, for the log.
pub(crate) fn report(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        text.push_str(": ");
        text.push_str(&e.to_string());
        cause = e.source();
    }
    text
}

/// 303 to a place; the address must be ASCII, as all that we make or register is.
pub(crate) fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// An address in the words of a content security policy: its origin, or the scheme where there is no host.
fn policy_source(url: &url::Url) -> String {
    if url.has_host() { url.origin().ascii_serialization() } else { format!("{}:", url.scheme()) }
}
