//! What an authorization request comes to.

use crate::error::{ErrorCode, PageError, PageReason};
use madoguchi_domain::{
    Token,
    account::Enrolment,
    client::{Client, ClientMetadata},
    duty::Duty,
    id::EnrolmentId,
};
use std::sync::Arc;
use url::Url;

/// What the caller does next.
#[derive(Debug)]
pub enum AuthorizeOutcome {
    /// Answer the client through the browser.
    Redirect(AuthorizeResponse),
    /// Show an error page with status 400; the client must not hear of it.
    ErrorPage(PageError),
    /// Ask the person something, then [`crate::Oidc::resume`] with the flow.
    Interact(Interact),
}

/// An error page with the code that belongs to its reason.
pub(super) fn page(reason: PageReason) -> AuthorizeOutcome {
    let code = match reason {
        PageReason::UnknownClient => ErrorCode::InvalidClient,
        PageReason::RequestObject => ErrorCode::InvalidRequestObject,
        PageReason::PushedRequest => ErrorCode::InvalidRequestUri,
        PageReason::MalformedRequest | PageReason::RedirectUri | PageReason::UnknownFlow | PageReason::FinishedFlow => {
            ErrorCode::InvalidRequest
        }
    };
    AuthorizeOutcome::ErrorPage(PageError { code, reason })
}

/// How the answer travels (OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the redirect URI's query: 303.
    #[default]
    Query,
    /// In its fragment: 303.
    Fragment,
    /// In a form that the browser posts.
    FormPost,
}

/// An answer to a registered redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeResponse {
    /// The exact redirect URI of the request.
    pub redirect_uri: String,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// `code`, tokens or `error`…, `state` as it came, `iss` (RFC 9207); or all of it signed in one `response` (JARM).
    pub fields: Vec<(&'static str, String)>,
}

impl AuthorizeResponse {
    /// The target of the 303: the redirect URI as registered, its own query kept, the answer behind it.
    pub fn location(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.fields);
        let joint = match self.mode {
            ResponseMode::Fragment => '#',
            ResponseMode::Query | ResponseMode::FormPost if self.redirect_uri.contains('?') => '&',
            ResponseMode::Query | ResponseMode::FormPost => '?',
        };
        format!("{}{joint}{}", self.redirect_uri, query.finish())
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// The redirect URI's origin, for `form-action` of the page that posts the form.
    pub fn origin(&self) -> Option<String> {
        origin(&self.redirect_uri)
    }
}

/// The origin of a URI; `None` for a private-use scheme, which has none.
pub(super) fn origin(uri: &str) -> Option<String> {
    let origin = Url::parse(uri).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// The person has to do something first.
#[derive(Debug)]
pub struct Interact {
    /// Names the parked request, as `?flow=`.
    pub flow: Token,
    /// What is missing.
    pub need: Need,
    /// For the page.
    pub display: Display,
}

/// What is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// To sign in.
    Login {
        /// Why.
        reason: LoginReason,
    },
    /// To agree.
    Consent {
        /// Scopes that it is about, in the order of the request.
        scopes: Vec<String>,
        /// Single claims asked for beyond the scopes.
        claims: Vec<String>,
    },
    /// To do what is owed before anything else goes on.
    Duty(Duty),
    /// To choose one of several student IDs.
    ChooseEnrolment {
        /// Those to choose from.
        enrolments: Vec<Enrolment>,
    },
}

/// Why somebody has to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginReason {
    /// Nobody is signed in.
    NoSession,
    /// The client asked for it (`prompt=login`).
    Prompt,
    /// The client asked for a choice of account (`prompt=select_account`).
    SelectAccount,
    /// The last authentication is too old (`max_age`).
    MaxAge,
    /// The client named another person (`id_token_hint`, `claims`).
    OtherAccount,
    /// The client asked for a stronger authentication.
    Acr,
}

/// What a page may show of the request.
#[derive(Debug, Clone)]
pub struct Display {
    /// The client: name, logo, policy and terms for the page, `initiate_login_uri` for the mails.
    pub client: Arc<Client>,
    /// What to put into the login name, where the request said so.
    pub login_hint: Option<String>,
    /// Preferred languages, in order.
    pub ui_locales: Vec<String>,
    /// Origin of the redirect URI, for `form-action`.
    pub redirect_origin: Option<String>,
}

impl Display {
    /// The client's registered metadata.
    pub fn metadata(&self) -> &ClientMetadata {
        &self.client.metadata
    }
}

/// What the person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes to the consent page.
    Allow,
    /// This student ID.
    Enrolment(EnrolmentId),
    /// No: on the login, consent or choice page.
    Deny,
}
