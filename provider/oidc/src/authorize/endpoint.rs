//! The authorization endpoint: from parameters to an outcome, and from a parked request to the next one.

use super::{
    Answer, AuthorizeOutcome, Display, Interact, Need,
    checks::{Endpoint, Incoming, OF_THE_PERSON, OF_THE_REQUEST},
    outcome::page,
    person::Standing,
    received::Received,
    redirect_uri,
    request::{Parked, Request},
};
use crate::{AuthSession, ErrorCode, Oidc, OidcError, PageReason, Params, TenantView, claims, error::ProtocolError};
use madoguchi_domain::{Timestamp, Token, TokenHash, account::Enrolment, client::Client, id::EnrolmentId};
use madoguchi_store::oidc::{consents::Consent, interactions::StoredInteraction};
use std::{sync::Arc, time::Duration};

/// How long a request waits for the person; a login with a forgotten password fits in.
pub(super) const PATIENCE: Duration = Duration::from_secs(3600);

/// A parked authorization request, for the pages on the way.
#[derive(Debug, Clone)]
pub struct PendingInteraction {
    /// For the page.
    pub display: Display,
    /// When it was parked.
    pub created_at: Timestamp,
}

/// Why a request is refused, and who is told.
pub(super) enum Refused {
    /// The person, on a page: nothing tells yet where to answer.
    Page(PageReason),
    /// The client.
    Client(Box<Request>, ProtocolError),
}

/// What a good request comes to.
enum Decision {
    Refuse(ProtocolError),
    Ask(Need),
    Grant(Box<Granted>),
}

/// A grant to be written.
pub(super) struct Granted {
    pub(super) enrolment: Option<EnrolmentId>,
    pub(super) consent: Option<Consent>,
}

impl Oidc {
    /// The authorization endpoint, GET and POST (OpenID Connect Core §3.1.2). `browser` is the hash of the browser
    /// cookie's value: a request that has to wait is bound to it.
    ///
    /// With somebody signed in this is at most one read (the consent) and one insert (the grant with its code).
    pub async fn authorize(
        &self,
        tenant: &TenantView,
        params: &Params,
        browser: &TokenHash,
        session: Option<AuthSession<'_>>,
    ) -> Result<AuthorizeOutcome, OidcError> {
        let received = match self.receive(tenant, params).await? {
            Ok(received) => received,
            Err(refused) => return self.turn_away(tenant, refused).await,
        };
        let request = match self.check(tenant, &received, Endpoint::Authorization).await? {
            Ok(request) => request,
            Err(refused) => return self.turn_away(tenant, refused).await,
        };
        let now = self.0.clock.now();
        match self.decide(tenant, &request, session, None, None).await? {
            Decision::Refuse(error) => self.refuse_once(tenant, &request, None, error, now).await,
            Decision::Grant(granted) => match session {
                Some(session) => self.grant(tenant, &request, session, *granted, None, now).await,
                None => Err(OidcError::Corrupt("a grant without a session".into())),
            },
            Decision::Ask(need) => {
                let mut parked = Parked::new(&received, session.map(|s| s.session));
                if let (Need::Consent { .. }, Some(session)) = (&need, session) {
                    parked.asked = Some(session.account.id.clone());
                }
                let flow = Token::new(&*self.0.entropy);
                let stored = StoredInteraction {
                    browser_hash: browser.clone(),
                    request: text(&parked)?,
                    created_at: now,
                    expires_at: now + PATIENCE,
                    finished_at: None,
                };
                self.0.database.tenant(tenant.slug()).interactions().insert(&flow.hash(), &stored).await?;
                Ok(AuthorizeOutcome::Interact(Interact { flow, need, display: display(&request) }))
            }
        }
    }

    /// A parked request of this browser, for the pages on the way; `None` when it is unknown, answered, too old or
    /// another browser's, or when it would no longer be accepted.
    pub async fn interaction(
        &self,
        tenant: &TenantView,
        flow: &Token,
        browser: &TokenHash,
    ) -> Result<Option<PendingInteraction>, OidcError> {
        let Ok((stored, parked)) = self.parked(tenant, flow, browser).await? else { return Ok(None) };
        Ok(self
            .check(tenant, &parked.received(), Endpoint::Authorization)
            .await?
            .ok()
            .map(|request| PendingInteraction { display: display(&request), created_at: stored.created_at }))
    }

    /// Goes on with a parked request: after a login, or with the person's answer. All checks run again, as the client
    /// or the account may have changed meanwhile; the answer is given once.
    pub async fn resume(
        &self,
        tenant: &TenantView,
        flow: &Token,
        browser: &TokenHash,
        session: Option<AuthSession<'_>>,
        answer: Option<Answer>,
    ) -> Result<AuthorizeOutcome, OidcError> {
        let (_, mut parked) = match self.parked(tenant, flow, browser).await? {
            Ok(found) => found,
            Err(reason) => return Ok(page(reason)),
        };
        let request = match self.check(tenant, &parked.received(), Endpoint::Authorization).await? {
            Ok(request) => request,
            Err(refused) => return self.turn_away(tenant, refused).await,
        };
        let now = self.0.clock.now();
        let flow_hash = flow.hash();
        let before = text(&parked)?;
        match (&answer, session) {
            (Some(Answer::Deny), _) => {
                return self.refuse_once(tenant, &request, Some(&flow_hash), DENIED, now).await;
            }
            (Some(Answer::Enrolment(id)), Some(session)) => {
                parked.enrolment = Some((session.account.id.clone(), id.clone()));
            }
            (Some(Answer::Enrolment(_)), None) | (Some(Answer::Allow) | None, _) => {}
        }
        match self.decide(tenant, &request, session, Some(&parked), answer.as_ref()).await? {
            Decision::Refuse(error) => self.refuse_once(tenant, &request, Some(&flow_hash), error, now).await,
            Decision::Grant(granted) => match session {
                Some(session) => self.grant(tenant, &request, session, *granted, Some(&flow_hash), now).await,
                None => Err(OidcError::Corrupt("a grant without a session".into())),
            },
            Decision::Ask(need) => {
                if let (Need::Consent { .. }, Some(session)) = (&need, session) {
                    parked.asked = Some(session.account.id.clone());
                }
                let after = text(&parked)?;
                if after != before {
                    let store = self.0.database.tenant(tenant.slug());
                    if !store.interactions().update(&flow_hash, &after).await? {
                        return Ok(page(PageReason::FinishedFlow));
                    }
                }
                Ok(AuthorizeOutcome::Interact(Interact { flow: flow.clone(), need, display: display(&request) }))
            }
        }
    }

    /// The client, its redirect URI, then the table's checks for this endpoint.
    pub(super) async fn check(
        &self,
        tenant: &TenantView,
        received: &Received,
        endpoint: Endpoint,
    ) -> Result<Result<Request, Refused>, OidcError> {
        let mut request = match self.addressed(tenant, received).await? {
            Ok(request) => request,
            Err(reason) => return Ok(Err(Refused::Page(reason))),
        };
        let params = &received.params;
        let ring = self.ring(tenant).await?;
        let incoming = Incoming { tenant, params, ring: &ring, now: self.0.clock.now() };
        for (check, _) in OF_THE_REQUEST.iter().filter(|(_, places)| places.contains(&endpoint)) {
            if let Err(error) = check(&incoming, &mut request) {
                return Ok(Err(Refused::Client(Box::new(request), error)));
            }
        }
        Ok(Ok(request))
    }

    /// The client and its redirect URI: until both are known to be good, nobody but the person is told anything.
    pub(super) async fn addressed(
        &self,
        tenant: &TenantView,
        received: &Received,
    ) -> Result<Result<Request, PageReason>, OidcError> {
        let params = &received.params;
        if params.is_repeated("redirect_uri") {
            return Ok(Err(PageReason::MalformedRequest));
        }
        let client = match self.named_client(tenant, params).await? {
            Ok(client) => client,
            Err(reason) => return Ok(Err(reason)),
        };
        let uri = params.get("redirect_uri").filter(|uri| redirect_uri::is_registered(&client.metadata, uri));
        Ok(match uri.map(str::to_owned) {
            Some(uri) => Ok(Request::new(client, uri, received)),
            None => Err(PageReason::RedirectUri),
        })
    }

    /// The client that `client_id` names.
    pub(super) async fn named_client(
        &self,
        tenant: &TenantView,
        params: &Params,
    ) -> Result<Result<Arc<Client>, PageReason>, OidcError> {
        if params.is_repeated("client_id") {
            return Ok(Err(PageReason::MalformedRequest));
        }
        let Some(client_id) = params.get("client_id") else { return Ok(Err(PageReason::UnknownClient)) };
        Ok(self.client(tenant, client_id).await?.ok_or(PageReason::UnknownClient))
    }

    /// Reads what the checks of the person need, and runs them.
    async fn decide(
        &self,
        tenant: &TenantView,
        request: &Request,
        session: Option<AuthSession<'_>>,
        parked: Option<&Parked>,
        answer: Option<&Answer>,
    ) -> Result<Decision, OidcError> {
        let store = self.0.database.tenant(tenant.slug());
        let first_party = request.client.metadata.first_party && !request.prompt.consent;
        let (mut enrolments, mut remembered, mut is_named) = (Vec::<Enrolment>::new(), None, true);
        if let Some(session) = session {
            for named in &request.named {
                is_named &= self.is_subject(tenant, &named.client_id, &named.sub, session.account).await?;
            }
            if claims::asks_for_one_student_id(&request.scope, &request.claims) {
                enrolments = store.enrolments().of(&session.account.id).await?;
                enrolments.retain(|e| !e.student_id.is_empty());
            }
            if !first_party {
                let client_id = &request.client.metadata.client_id;
                remembered = store.consents().find(&session.account.id, client_id).await?;
            }
        }
        let asked = parked.and_then(|p| p.asked.as_ref());
        let allowed = matches!(answer, Some(Answer::Allow)) && session.is_some_and(|s| asked == Some(&s.account.id));
        let standing = Standing {
            tenant,
            request,
            session,
            is_named,
            parked,
            now: self.0.clock.now(),
            enrolments,
            remembered,
            allowed,
        };
        for check in OF_THE_PERSON {
            match check(&standing) {
                Ok(None) => {}
                Ok(Some(need)) if request.prompt.none => return Ok(Decision::Refuse(unasked(&need))),
                Ok(Some(need)) => return Ok(Decision::Ask(need)),
                Err(error) => return Ok(Decision::Refuse(error)),
            }
        }
        let only = standing.enrolments.first().filter(|_| standing.enrolments.len() == 1).map(|e| e.id.clone());
        Ok(Decision::Grant(Box::new(Granted {
            enrolment: standing.chosen().cloned().or(only),
            consent: allowed.then(|| agreed(request, standing.remembered.as_ref(), standing.now)),
        })))
    }

    /// Tells whoever is to be told.
    async fn turn_away(&self, tenant: &TenantView, refused: Refused) -> Result<AuthorizeOutcome, OidcError> {
        match refused {
            Refused::Page(reason) => Ok(page(reason)),
            Refused::Client(request, error) => self.refused(tenant, &request, &error).await,
        }
    }

    async fn parked(
        &self,
        tenant: &TenantView,
        flow: &Token,
        browser: &TokenHash,
    ) -> Result<Result<(StoredInteraction, Parked), PageReason>, OidcError> {
        let found = self.0.database.tenant(tenant.slug()).interactions().find(&flow.hash()).await?;
        let now = self.0.clock.now();
        let Some(stored) = found.filter(|s| s.browser_hash == *browser && now < s.expires_at) else {
            return Ok(Err(PageReason::UnknownFlow));
        };
        if stored.finished_at.is_some() {
            return Ok(Err(PageReason::FinishedFlow));
        }
        let parked =
            serde_json::from_str(&stored.request).map_err(|e| OidcError::Corrupt(format!("a parked request: {e}")))?;
        Ok(Ok((stored, parked)))
    }
}

const DENIED: ProtocolError = ProtocolError::new(ErrorCode::AccessDenied, "the person said no");

/// `prompt=none` and something would have to be shown (OpenID Connect Core §3.1.2.6).
fn unasked(need: &Need) -> ProtocolError {
    match need {
        Need::Login { .. } => ProtocolError::new(ErrorCode::LoginRequired, "somebody has to sign in"),
        Need::Consent { .. } => ProtocolError::new(ErrorCode::ConsentRequired, "the person has to agree"),
        Need::Duty(_) => ProtocolError::new(ErrorCode::InteractionRequired, "the person has something to do first"),
        Need::ChooseEnrolment { .. } => {
            ProtocolError::new(ErrorCode::InteractionRequired, "the person has to choose a student ID")
        }
    }
}

/// What is remembered after a yes: what was agreed to before, and this.
fn agreed(request: &Request, before: Option<&Consent>, now: Timestamp) -> Consent {
    let earlier = before.map_or("", |c| c.scope.as_str());
    let mut scopes: Vec<&str> = earlier.split(' ').chain(request.scope.split(' ')).filter(|s| !s.is_empty()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let mut claims = claims::beyond_scopes(&request.claims, &request.scope);
    claims.extend(before.into_iter().flat_map(|c| c.claims.iter().cloned()));
    claims.sort_unstable();
    claims.dedup();
    Consent { scope: scopes.join(" "), claims, granted_at: now }
}

fn display(request: &Request) -> Display {
    Display {
        client: std::sync::Arc::clone(&request.client),
        login_hint: request.login_hint.clone(),
        ui_locales: request.ui_locales.clone(),
        redirect_origin: super::outcome::origin(&request.redirect_uri),
    }
}

fn text(parked: &Parked) -> Result<String, OidcError> {
    serde_json::to_string(parked).map_err(|e| OidcError::Corrupt(e.to_string()))
}
