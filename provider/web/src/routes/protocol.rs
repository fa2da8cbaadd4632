//! For relying parties: authorization, pushed requests, token, userinfo, introspection, revocation, keys, metadata, logout.

use crate::{
    client_address::{Peer, client_address},
    cookies::Jar,
    duties::BeforeDuties,
    pages::{ClientView, Consent, ConsentItem, EnrolmentChoice, FormPost, LoggedOut, Logout, Problem, Say},
    state::Web,
    visit::{Answer as Answered, Visit, see_other},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{FromRequestParts, Path, RawForm, RawQuery},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use madoguchi_domain::{TenantSlug, Token, id::EnrolmentId, japan::postal};
use madoguchi_oidc::{
    AfterLogout, Answer, AuthSession, AuthorizeOutcome, Display, EndpointRequest, Interact, LoginReason, LogoutOutcome,
    Management, Need, OidcError, PageError, PageReason, Params, Reply, ResponseMode, TenantView,
};
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};
use url::Url;

/// Below the tenant's issuer.
pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/authorize", get(authorize).post(authorize_posted))
        .route("/authorize/resume", get(resume))
        .route("/authorize/consent", post(consent))
        .route("/par", post(push).options(preflight))
        .route("/token", post(token).options(preflight))
        .route("/introspect", post(introspect))
        .route("/revoke", post(revoke).options(preflight))
        .route("/userinfo", get(userinfo).post(userinfo).options(preflight))
        .route("/jwks", get(jwks))
        .route("/connect/register", post(register_client))
        .route("/connect/register/{client}", get(read_client).put(replace_client).delete(delete_client))
        .route("/end-session", get(end_session).post(end_session_posted))
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/oauth-authorization-server", get(discovery))
}

/// RFC 8414 §3.1: the well-known part stands before the issuer's path.
pub(super) fn well_known() -> Router<Web> {
    Router::new().route("/.well-known/oauth-authorization-server/t/{tenant}", get(discovery))
}

/// The tenant of a request that is not for a person.
struct OfTenant {
    view: TenantView,
    web: Web,
}

impl FromRequestParts<Web> for OfTenant {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let Path(path) = Path::<BTreeMap<String, String>>::from_request_parts(parts, web)
            .await
            .map_err(IntoResponse::into_response)?;
        let slug = path.get("tenant").and_then(|s| s.parse::<TenantSlug>().ok());
        let tenant = slug.and_then(|slug| web.service().tenant(&slug)).ok_or(StatusCode::NOT_FOUND.into_response())?;
        Ok(Self { view: view_of(&tenant), web: web.clone() })
    }
}

pub(super) fn view_of(tenant: &madoguchi_service::Tenant) -> TenantView {
    TenantView {
        config: Arc::clone(&tenant.config),
        issuer: tenant.issuer.as_str().into(),
        generation: tenant.generation,
    }
}

impl Visit {
    /// The tenant as the protocol sees it.
    pub(crate) fn view(&self) -> TenantView {
        view_of(&self.tenant)
    }

    fn auth_session(&self) -> Option<AuthSession<'_>> {
        self.session.as_ref().map(|s| AuthSession { session: &s.session, account: &s.account })
    }

    /// The parked request's handle.
    pub(super) fn flow_token(&self) -> Option<Token> {
        self.flow.as_deref().and_then(Token::parse)
    }

    /// The parked request that this page is part of, if it is of this browser and still open. Its origin becomes a
    /// target of the page's forms.
    pub(super) async fn interaction(&self) -> Result<Option<Display>, Response> {
        let Some(flow) = self.flow_token() else { return Ok(None) };
        let found = self.web.oidc().interaction(&self.view(), &flow, &self.browser.hash()).await;
        let display = found.map_err(|e| self.protocol_fault(&e))?.map(|pending| pending.display);
        if let Some(origin) = display.as_ref().and_then(|d| d.redirect_origin.as_deref()) {
            self.allow_form_target(origin);
        }
        Ok(display)
    }

    pub(super) fn protocol_fault(&self, error: &OidcError) -> Response {
        if let Some(seconds) = retry_after(error) {
            tracing::warn!(tenant = %self.tenant.slug, error = %crate::visit::report(error), "not available");
            return self.busy(seconds);
        }
        tracing::error!(tenant = %self.tenant.slug, error = %crate::visit::report(error), "the protocol failed");
        self.error_page(StatusCode::INTERNAL_SERVER_ERROR, "server_error", None)
    }

    /// What to show of a client.
    pub(super) fn client_view(&self, display: &Display) -> ClientView {
        let metadata = display.metadata();
        let tagged = |member: &str, plain: Option<&url::Url>| {
            let tagged = metadata.tagged.get(&format!("{member}#{}", self.locale)).cloned();
            tagged.or_else(|| plain.map(ToString::to_string)).filter(|u| u.starts_with("http"))
        };
        let name = metadata.name(&self.locale);
        ClientView {
            name: if name.is_empty() { metadata.client_id.clone() } else { name.to_owned() },
            logo: tagged("logo_uri", metadata.logo_uri.as_ref()),
            policy: tagged("policy_uri", metadata.policy_uri.as_ref()),
            tos: tagged("tos_uri", metadata.tos_uri.as_ref()),
        }
    }

    /// Carries out what an authorization request came to.
    pub(super) async fn conclude(&self, outcome: Result<AuthorizeOutcome, OidcError>) -> Answered {
        match outcome.map_err(|e| self.protocol_fault(&e))? {
            AuthorizeOutcome::Redirect(answer) => Ok(match answer.mode {
                ResponseMode::Query | ResponseMode::Fragment => self.seal(see_other(&answer.location())),
                ResponseMode::FormPost => {
                    if let Some(origin) = answer.origin() {
                        self.allow_form_target(&origin);
                    }
                    let fields = answer.fields.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
                    self.page(&FormPost { action: answer.redirect_uri, fields })
                }
            }),
            // the answer was given before: this step is over
            AuthorizeOutcome::ErrorPage(PageError { reason: PageReason::FinishedFlow, .. }) => {
                Ok(self.invalid_operation(self.to("/")).await)
            }
            AuthorizeOutcome::ErrorPage(error) => Ok(self.request_refused(&error)),
            AuthorizeOutcome::Interact(interact) => self.interact(interact).await,
        }
    }

    fn request_refused(&self, error: &PageError) -> Response {
        let page = crate::pages::ErrorPage {
            code: error.code.as_str().to_owned(),
            description: Say::key(format!("error.oidc.{}", error.reason.key())),
            request_id: None,
            next: Some(crate::pages::Link::new(self.text("error.to_home", &[]), self.to("/"))),
        };
        self.page_with(StatusCode::BAD_REQUEST, &page)
    }

    async fn interact(&self, interact: Interact) -> Answered {
        let flow = interact.flow.expose();
        match interact.need {
            Need::Login { reason } => {
                let reason = match reason {
                    LoginReason::NoSession => "",
                    LoginReason::Prompt | LoginReason::SelectAccount => "&reason=again",
                    LoginReason::MaxAge => "&reason=too_long_ago",
                    LoginReason::OtherAccount => "&reason=other_account",
                    LoginReason::Acr => "&reason=stronger",
                };
                let asked: Vec<&str> = interact.display.ui_locales.iter().map(String::as_str).collect();
                if !asked.is_empty() {
                    let locale = self.tenant.config.locale(asked.iter().copied()).clone();
                    self.keep_locale(&locale);
                }
                Ok(self.redirect(&self.to(&format!("/login?flow={flow}{reason}"))))
            }
            Need::Duty(duty) => Ok(self.in_flow(flow).lead_to(duty)),
            Need::Consent { scopes, claims } => {
                self.in_flow(flow).consent_page(&interact.display, &scopes, &claims).await
            }
            Need::ChooseEnrolment { enrolments } => {
                let visit = self.in_flow(flow);
                if let Some(origin) = &interact.display.redirect_origin {
                    visit.allow_form_target(origin);
                }
                let enrolments = enrolments.iter().map(|e| super::account::enrolment_view(&visit, e)).collect();
                let client = visit.client_view(&interact.display);
                Ok(visit.page(&EnrolmentChoice { client, enrolments, missing: Vec::new() }))
            }
        }
    }

    async fn consent_page(&self, display: &Display, scopes: &[String], claims: &[String]) -> Answered {
        if let Some(origin) = &display.redirect_origin {
            self.allow_form_target(origin);
        }
        let enrolments = match self.account() {
            Some(account) if scopes.iter().any(|s| s == "student_ids") => {
                self.web.service().enrolments_of(&self.tenant, account).await.map_err(|e| self.fault(&e))?
            }
            _ => Vec::new(),
        };
        let values = |what: &str| -> Vec<String> {
            let Some(account) = self.account() else { return Vec::new() };
            let profile = &account.profile;
            let claim = |name: &str| profile.claims.get(name).and_then(|v| v.as_str()).map(str::to_owned);
            let found: Vec<String> = match what {
                "profile" => vec![
                    profile.name.clone(),
                    profile.name_kana.clone(),
                    profile.name_roman.clone(),
                    claim("name").unwrap_or_default(),
                    super::registration::calendar_words(self, &profile.birth_date),
                ],
                "student_ids" => enrolments.iter().map(|e| e.student_id.clone()).collect(),
                "email" => vec![account.email.to_string()],
                "phone" => vec![profile.phone.clone(), profile.cell_phone.clone()],
                "address" => {
                    let a = &profile.address;
                    vec![
                        format!(
                            "{} {}{}{} {}",
                            postal::display(&a.postal_code),
                            a.prefecture,
                            a.city,
                            a.street,
                            a.building
                        )
                        .trim()
                        .to_owned(),
                    ]
                }
                _ => Vec::new(),
            };
            let mut shown = Vec::new();
            for value in found {
                if !value.is_empty() && !shown.contains(&value) {
                    shown.push(value);
                }
            }
            shown
        };
        let mut items: Vec<ConsentItem> = scopes_to_tell(scopes)
            .into_iter()
            .map(|scope| ConsentItem { label: self.scope_label(scope), values: values(scope) })
            .collect();
        items.extend(claims.iter().map(|claim| ConsentItem { label: self.claim_label(claim), values: Vec::new() }));
        let host = display.redirect_origin.as_deref().and_then(|o| o.split_once("://")).map(|(_, host)| host);
        Ok(self.page(&Consent {
            client: self.client_view(display),
            client_host: host.unwrap_or_default().to_owned(),
            items,
            offline: scopes.iter().any(|s| s.as_str() == "offline_access"),
        }))
    }

    /// What a client may see, in words.
    pub(super) fn shared_items<'a>(
        &self,
        scopes: impl IntoIterator<Item = &'a String>,
        claims: impl IntoIterator<Item = &'a String>,
    ) -> Vec<Say> {
        let scopes = scopes_to_tell(scopes).into_iter().map(|scope| self.scope_label(scope));
        scopes.chain(claims.into_iter().map(|claim| self.claim_label(claim))).collect()
    }

    fn scope_label(&self, scope: &str) -> Say {
        let key = format!("consent.scope.{scope}");
        if self.knows(&key) { Say::key(key) } else { Say::text(scope) }
    }

    fn claim_label(&self, claim: &str) -> Say {
        let key = format!("consent.claim.{claim}");
        if self.knows(&key) { Say::key(key) } else { Say::text(claim) }
    }
}

/// Scopes that give a client something to see: what is known of a person first, the mere identifier last.
fn scopes_to_tell<'a>(scopes: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    const ORDER: [&str; 6] = ["profile", "student_ids", "email", "address", "phone", "staff"];
    let mut scopes: Vec<&str> = scopes.into_iter().map(String::as_str).filter(|s| *s != "offline_access").collect();
    scopes.sort_by_key(|scope| ORDER.iter().position(|known| known == scope).unwrap_or(ORDER.len()));
    scopes
}

async fn authorize(BeforeDuties(visit): BeforeDuties, RawQuery(query): RawQuery) -> Answered {
    let params = Params::read(query.as_deref(), None);
    let outcome = visit.web.oidc().authorize(&visit.view(), &params, &visit.browser.hash(), visit.auth_session()).await;
    visit.conclude(outcome).await
}

/// OpenID Connect Core §3.1.2.1: the request may be posted, from the relying party's own page.
async fn authorize_posted(BeforeDuties(visit): BeforeDuties, RawQuery(query): RawQuery, body: Bytes) -> Answered {
    let params = Params::read(query.as_deref(), Some(&body));
    let outcome = visit.web.oidc().authorize(&visit.view(), &params, &visit.browser.hash(), visit.auth_session()).await;
    visit.conclude(outcome).await
}

/// Back from login or registration.
async fn resume(BeforeDuties(visit): BeforeDuties) -> Answered {
    let Some(flow) = visit.flow_token() else { return Ok(visit.not_found()) };
    let (view, browser) = (visit.view(), visit.browser.hash());
    let outcome = visit.web.oidc().resume(&view, &flow, &browser, visit.auth_session(), None).await;
    visit.conclude(outcome).await
}

/// The answer to the consent page or to the choice of a student ID.
async fn consent(BeforeDuties(mut visit): BeforeDuties, RawForm(body): RawForm) -> Answered {
    let form = Params::read(None, Some(&body));
    visit.flow = form.get("flow").filter(|f| Token::parse(f).is_some()).map(str::to_owned);
    let choosing = form.get("choose").is_some() || form.get("enrolment").is_some();
    let page = if choosing { "enrolment-choice" } else { "consent" };
    visit.check_form(page, form.get("csrf").unwrap_or_default())?;
    let Some(flow) = visit.flow_token() else { return Ok(visit.not_found()) };
    let answer = if form.get("deny").is_some() {
        Answer::Deny
    } else if choosing {
        match form.get("enrolment") {
            Some(id) => Answer::Enrolment(EnrolmentId::known(id)),
            None => return choose_again(&visit).await,
        }
    } else if form.get("allow").is_some() {
        Answer::Allow
    } else {
        return Ok(visit.error_page(StatusCode::BAD_REQUEST, "malformed_form", None));
    };
    let outcome =
        visit.web.oidc().resume(&visit.view(), &flow, &visit.browser.hash(), visit.auth_session(), Some(answer)).await;
    visit.conclude(outcome).await
}

/// The choice page once more, saying what is missing.
async fn choose_again(visit: &Visit) -> Answered {
    let Some(flow) = visit.flow_token() else { return Ok(visit.not_found()) };
    let outcome =
        visit.web.oidc().resume(&visit.view(), &flow, &visit.browser.hash(), visit.auth_session(), None).await;
    match outcome {
        Ok(AuthorizeOutcome::Interact(Interact { need: Need::ChooseEnrolment { enrolments }, display, flow })) => {
            let visit = visit.in_flow(flow.expose());
            if let Some(origin) = &display.redirect_origin {
                visit.allow_form_target(origin);
            }
            let page = EnrolmentChoice {
                client: visit.client_view(&display),
                enrolments: enrolments.iter().map(|e| super::account::enrolment_view(&visit, e)).collect(),
                missing: vec![Problem::at("enrolment", Say::key("enrolment_choice.missing"))],
            };
            Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        other => visit.conclude(other).await,
    }
}

fn endpoint_request<'a>(
    web: &Web,
    headers: &'a HeaderMap,
    query: Option<&'a str>,
    body: &'a Bytes,
    peer: Option<Peer>,
) -> EndpointRequest<'a> {
    let is_form = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|t| {
        t.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    EndpointRequest {
        authorization: headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect(),
        query,
        body: is_form.then_some(body.as_ref()),
        accept: headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()),
        source_ip: client_address(peer, headers, web.trusted_proxies()).map(|ip| ip.to_string()),
    }
}

/// The peer's address, where the listener gave one.
struct MaybePeer(Option<Peer>);

impl<S: Sync> FromRequestParts<S> for MaybePeer {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Peer>().copied()))
    }
}

async fn push(
    of: OfTenant,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let request = endpoint_request(&of.web, &headers, query.as_deref(), &body, peer);
    cross_origin(answer(of.web.oidc().push(&of.view, request).await))
}

async fn token(
    of: OfTenant,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let request = endpoint_request(&of.web, &headers, query.as_deref(), &body, peer);
    cross_origin(answer(of.web.oidc().token(&of.view, request).await))
}

/// For servers, not for browsers: no other origin may read it.
async fn introspect(
    of: OfTenant,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let request = endpoint_request(&of.web, &headers, query.as_deref(), &body, peer);
    answer(of.web.oidc().introspect(&of.view, request).await)
}

async fn revoke(
    of: OfTenant,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let request = endpoint_request(&of.web, &headers, query.as_deref(), &body, peer);
    cross_origin(answer(of.web.oidc().revoke(&of.view, request).await))
}

async fn userinfo(
    of: OfTenant,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let request = endpoint_request(&of.web, &headers, query.as_deref(), &body, peer);
    cross_origin(answer(of.web.oidc().userinfo(&of.view, request).await))
}

/// Browser applications call token, userinfo and revocation from their own origin; no cookies are involved, so any may.
fn cross_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate"));
    response
}

async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// A request about a client's registration: its body is JSON, read whatever type it says that it has.
fn registration_request<'a>(
    web: &Web,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    peer: Option<Peer>,
) -> EndpointRequest<'a> {
    EndpointRequest { body: Some(body.as_ref()), ..endpoint_request(web, headers, None, body, peer) }
}

/// RFC 7591 §3.
async fn register_client(of: OfTenant, MaybePeer(peer): MaybePeer, headers: HeaderMap, body: Bytes) -> Response {
    answer(of.web.oidc().register(&of.view, registration_request(&of.web, &headers, &body, peer)).await)
}

/// RFC 7592 §2.
async fn manage_client(
    of: OfTenant,
    path: BTreeMap<String, String>,
    what: Management,
    peer: Option<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let client = path.get("client").map(String::as_str).unwrap_or_default();
    let request = registration_request(&of.web, &headers, &body, peer);
    answer(of.web.oidc().manage(&of.view, client, what, request).await)
}

type PathParts = Path<BTreeMap<String, String>>;

async fn read_client(of: OfTenant, Path(path): PathParts, MaybePeer(peer): MaybePeer, headers: HeaderMap) -> Response {
    manage_client(of, path, Management::Read, peer, headers, Bytes::new()).await
}

async fn replace_client(
    of: OfTenant,
    Path(path): PathParts,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    manage_client(of, path, Management::Replace, peer, headers, body).await
}

async fn delete_client(
    of: OfTenant,
    Path(path): PathParts,
    MaybePeer(peer): MaybePeer,
    headers: HeaderMap,
) -> Response {
    manage_client(of, path, Management::Delete, peer, headers, Bytes::new()).await
}

async fn jwks(of: OfTenant) -> Response {
    document(&of, of.web.oidc().jwks(&of.view).await)
}

async fn discovery(of: OfTenant) -> Response {
    document(&of, of.web.oidc().discovery(&of.view).await)
}

fn document(of: &OfTenant, reply: Result<Reply, OidcError>) -> Response {
    match reply {
        Ok(reply) => answer(reply),
        Err(e) => {
            tracing::error!(tenant = %of.view.slug(), error = %crate::visit::report(&e), "the document could not be made");
            let retry = [(header::RETRY_AFTER, "2")];
            (StatusCode::SERVICE_UNAVAILABLE, retry).into_response()
        }
    }
}

fn answer(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2).
async fn end_session(BeforeDuties(visit): BeforeDuties, RawQuery(query): RawQuery) -> Answered {
    logout_by(visit, Params::read(query.as_deref(), None), false).await
}

async fn end_session_posted(BeforeDuties(visit): BeforeDuties, RawQuery(query): RawQuery, body: Bytes) -> Answered {
    let params = Params::read(query.as_deref(), Some(&body));
    let confirmed = params.get("logout").is_some();
    if confirmed {
        visit.check_form("logout", params.get("csrf").unwrap_or_default())?;
    }
    logout_by(visit, params, confirmed).await
}

async fn logout_by(visit: Visit, params: Params, confirmed: bool) -> Answered {
    let outcome = visit.web.oidc().logout(&visit.view(), &params, visit.auth_session(), confirmed).await;
    match outcome.map_err(|e| visit.protocol_fault(&e))? {
        LogoutOutcome::Confirm { client, fields, .. } => {
            if let Some((_, uri)) = fields.iter().find(|(name, _)| name == "post_logout_redirect_uri") {
                visit.allow_form_target(uri);
            }
            let client = client.map(|c| c.metadata.name(&visit.locale).to_owned());
            Ok(visit.page(&Logout { action: visit.to("/end-session"), client, fields, back_url: visit.to("/") }))
        }
        LogoutOutcome::End(after) => {
            let frames = visit.end_session().await?;
            Ok(match after {
                AfterLogout::Redirect(to) if frames.is_empty() => visit.redirect(&to),
                AfterLogout::Redirect(to) => logged_out(&visit, &frames, Some(to)),
                AfterLogout::LoggedOut => logged_out(&visit, &frames, None),
            })
        }
    }
}

impl Visit {
    /// Ends the session behind the cookie and takes the cookie back. The pages of clients that are to be loaded in frames.
    pub(crate) async fn end_session(&self) -> Result<Vec<Url>, Response> {
        let mut frames = Vec::new();
        if let Some(session) = &self.session {
            let pages = self.web.oidc().frontchannel_logouts(&self.view(), &session.session.id).await;
            frames = pages.map_err(|e| self.protocol_fault(&e))?;
            let ended = self.web.service().end_session(&self.tenant, session, &self.source).await;
            ended.map_err(|e| self.fault(&e))?;
        }
        if self.session_token.is_some() {
            self.clear_cookie(Jar::Session);
        }
        Ok(frames)
    }
}

/// The page after a logout; the browser's cache of our pages goes too.
pub(super) fn logged_out(visit: &Visit, frames: &[Url], next: Option<String>) -> Response {
    let visit = visit.signed_out();
    for frame in frames {
        visit.allow_frame(frame);
    }
    let frames = frames.iter().map(ToString::to_string).collect();
    let page = LoggedOut { login_url: visit.to("/login"), frames, next_url: next };
    let mut response = visit.page(&page);
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    // the clients' pages get a moment to load
    if let Some(Ok(refresh)) = page.next_url.map(|url| HeaderValue::try_from(format!("3; url={url}"))) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

/// Seconds until another try makes sense, where the error is of that kind.
fn retry_after(error: &OidcError) -> Option<u64> {
    error.is_transient().then_some(2)
}
