//! An authorization request that passed its checks, and one that waits.

use super::{ResponseMode, received::Received};
use crate::{Params, claims_request::ClaimsRequest};
use madoguchi_domain::{
    Timestamp, TokenHash,
    client::{Client, ResponseType},
    id::{AccountId, EnrolmentId, SessionId},
    session::{Acr, Session},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// What the client asks for, in our own types. Filled in by the checks, in their order.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) client: Arc<Client>,
    /// The name under which it was pushed.
    pub(super) pushed: Option<TokenHash>,
    /// Whether the client signed it.
    pub(super) signed: bool,
    /// As presented; registered.
    pub(super) redirect_uri: String,
    pub(super) response_type: ResponseType,
    pub(super) mode: ResponseMode,
    /// Whether the response is signed (JARM).
    pub(super) signed_response: bool,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    /// Sorted, space-separated.
    pub(super) scope: String,
    pub(super) code_challenge: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<Duration>,
    pub(super) claims: ClaimsRequest,
    /// The `claims` parameter as it came, for the grant.
    pub(super) claims_text: Option<String>,
    /// Classes asked for, in order of preference.
    pub(super) acr_values: Vec<String>,
    /// Whether one of them must be reached.
    pub(super) acr_essential: bool,
    /// Who must be signed in, by `id_token_hint` and `claims`.
    pub(super) named: Vec<Named>,
    pub(super) login_hint: Option<String>,
    pub(super) ui_locales: Vec<String>,
}

/// A person as the tokens of a client call them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) client_id: String,
    pub(super) sub: String,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) none: bool,
    pub(super) login: bool,
    pub(super) consent: bool,
    pub(super) select_account: bool,
}

impl Request {
    pub(super) fn new(client: Arc<Client>, redirect_uri: String, received: &Received) -> Self {
        Self {
            client,
            pushed: received.pushed.clone(),
            signed: received.signed,
            redirect_uri,
            response_type: ResponseType::CODE,
            mode: ResponseMode::Query,
            signed_response: false,
            state: received.params.get("state").map(str::to_owned),
            nonce: None,
            scope: String::new(),
            code_challenge: None,
            prompt: Prompt::default(),
            max_age: None,
            claims: ClaimsRequest::default(),
            claims_text: None,
            acr_values: Vec::new(),
            acr_essential: false,
            named: Vec::new(),
            login_hint: None,
            ui_locales: Vec::new(),
        }
    }

    /// The class to tell the client: of those it asked for the first that this authentication reaches, else the one
    /// that took place. True either way: who typed two passwords typed one.
    pub(super) fn told_acr(&self, actual: Acr) -> Acr {
        let reached = |value: &String| Acr::from_value(value).filter(|asked| *asked <= actual);
        self.acr_values.iter().find_map(reached).unwrap_or(actual)
    }

    /// Whether this authentication reaches one of the classes asked for.
    pub(super) fn reaches(&self, acr: Acr) -> bool {
        self.acr_values.iter().filter_map(|v| Acr::from_value(v)).any(|asked| asked <= acr)
    }
}

/// A request that waits in the database while the person does something. The browser holds its name only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Parked {
    params: Vec<(String, String)>,
    /// The name under which the request was pushed, as a hash.
    #[serde(default)]
    pushed: Option<String>,
    /// Whether the client signed it.
    #[serde(default)]
    signed: bool,
    /// The session at that time, to recognise a new one.
    pub(super) session: Option<SessionId>,
    pub(super) authenticated_at: Option<Timestamp>,
    /// Who was shown the consent page.
    pub(super) asked: Option<AccountId>,
    /// Which student ID was chosen, and by whom.
    pub(super) enrolment: Option<(AccountId, EnrolmentId)>,
}

impl Parked {
    pub(super) fn new(received: &Received, session: Option<&Session>) -> Self {
        Self {
            params: received.params.pairs().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            pushed: received.pushed.as_ref().map(|hash| hash.as_str().to_owned()),
            signed: received.signed,
            session: session.map(|s| s.id.clone()),
            authenticated_at: session.map(|s| s.authentication.at),
            asked: None,
            enrolment: None,
        }
    }

    /// The request as it was received.
    pub(super) fn received(&self) -> Received {
        Received {
            params: Params::from_pairs(self.params.clone()),
            pushed: self.pushed.clone().map(TokenHash::from_stored),
            signed: self.signed,
        }
    }

    /// Whether somebody signed in since the request was parked.
    pub(super) fn signed_in_since(&self, session: &Session) -> bool {
        self.session.as_ref() != Some(&session.id)
            || self.authenticated_at.is_none_or(|then| session.authentication.at > then)
    }
}
