//! The only place that knows oxide-auth: its state machines for the authorization code and the refresh grant decide,
//! this module asks them.
//!
//! Everything that a machine could ask for is looked up before (the client from its cache, the grant from the
//! database), so driving one needs no `await`. Client authentication, the exact redirect URI, one-time use and
//! lifetimes are ours and happen outside; of a machine's errors only the kind is used.

use crate::{
    Params,
    error::{ErrorCode, ProtocolError},
};
use chrono::{DateTime, Utc};
use oxide_auth::{
    code_grant::{
        accesstoken::{self, AccessToken},
        authorization::{self, Authorization},
        error::{AccessTokenErrorType, AuthorizationErrorType},
        extensions::Pkce,
        refresh::{self, Refresh},
    },
    primitives::{
        grant::{Extensions, Grant, GrantExtension, Value},
        registrar::{BoundClient, ClientUrl, ExactUrl, PreGrant, RegisteredUrl, Registrar, RegistrarError},
        scope::Scope,
    },
};
use std::borrow::Cow;

/// What an authorization request negotiates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// Scope tokens, sorted, space-separated.
    pub(crate) scope: String,
    /// The S256 challenge, where there is one.
    pub(crate) code_challenge: Option<String>,
}

/// The client of one request, with the redirect URI that our own check found registered.
pub(crate) struct Bound<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// Scopes that may be granted.
    pub(crate) allowed: &'a [&'a str],
    /// Whether a challenge is demanded.
    pub(crate) require_pkce: bool,
}

impl Registrar for Bound<'_> {
    fn bound_redirect<'a>(&self, bound: ClientUrl<'a>) -> Result<BoundClient<'a>, RegistrarError> {
        let asked = bound.redirect_uri.ok_or(RegistrarError::Unspecified)?;
        if bound.client_id != self.client_id || asked.as_str() != self.redirect_uri {
            return Err(RegistrarError::Unspecified);
        }
        let redirect_uri = Cow::Owned(RegisteredUrl::Exact(asked.into_owned()));
        Ok(BoundClient { client_id: bound.client_id, redirect_uri })
    }

    /// Scopes that we do not know are left out (OpenID Connect Core §3.1.2.1); nothing left is an error.
    fn negotiate(&self, client: BoundClient<'_>, scope: Option<Scope>) -> Result<PreGrant, RegistrarError> {
        let scope = scope.ok_or(RegistrarError::Unspecified)?;
        let mut granted: Vec<&str> = scope.iter().filter(|s| self.allowed.contains(s)).collect();
        granted.sort_unstable();
        if granted.is_empty() {
            return Err(RegistrarError::Unspecified);
        }
        Ok(PreGrant {
            client_id: client.client_id.into_owned(),
            redirect_uri: client.redirect_uri.into_owned(),
            scope: granted.join(" ").parse().map_err(|_| RegistrarError::Unspecified)?,
        })
    }

    /// Clients are authenticated before a machine runs.
    fn check(&self, client_id: &str, _: Option<&[u8]>) -> Result<(), RegistrarError> {
        if client_id == self.client_id { Ok(()) } else { Err(RegistrarError::Unspecified) }
    }
}

struct AuthorizationRequest<'a>(&'a Params);

impl authorization::Request for AuthorizationRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        self.0.get("client_id").map(Cow::Borrowed)
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.0.get("scope").map(Cow::Borrowed)
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.0.get("redirect_uri").map(Cow::Borrowed)
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        self.0.get("state").map(Cow::Borrowed)
    }
    /// Our own check knows more types than the machine, to which all are a code.
    fn response_type(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("code"))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0.get(key).map(Cow::Borrowed)
    }
}

fn pkce(required: bool) -> Pkce {
    if required { Pkce::required() } else { Pkce::optional() }
}

/// Drives an authorization request to what is to be granted. The client and its redirect URI are known to be good.
pub(crate) fn negotiate(params: &Params, bound: &Bound<'_>) -> Result<Negotiated, ProtocolError> {
    use authorization::{Input, Output};
    let wrong = |what| ProtocolError::new(ErrorCode::InvalidRequest, what);
    let no_scope =
        || ProtocolError::new(ErrorCode::InvalidScope, "scope is missing or has nothing this client may ask for");
    let request = AuthorizationRequest(params);
    let mut machine = Authorization::new(&request);
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Bind { client_id, redirect_uri } => {
                let url = ClientUrl { client_id: client_id.into(), redirect_uri: redirect_uri.map(Cow::Owned) };
                let bound_client = bound.bound_redirect(url).map_err(|_| wrong("redirect_uri is not registered"))?;
                Input::Bound { request: &request, bound_client }
            }
            Output::Extend => {
                let method = params.get("code_challenge_method").map(Cow::Borrowed);
                let challenge = params.get("code_challenge").map(Cow::Borrowed);
                let encoded = pkce(bound.require_pkce)
                    .challenge(method, challenge)
                    .map_err(|()| wrong("code_challenge with code_challenge_method=S256 is required"))?;
                let mut extensions = Extensions::new();
                if let Some(encoded) = encoded {
                    extensions.set_raw(pkce(true).identifier().to_owned(), encoded);
                }
                Input::Extended(extensions)
            }
            Output::Negotiate { bound_client, scope } => {
                let pre_grant = bound.negotiate(bound_client.clone(), scope).map_err(|_| no_scope())?;
                Input::Negotiated { pre_grant, state: None }
            }
            Output::Ok { pre_grant, .. } => {
                return Ok(Negotiated {
                    scope: sorted(&pre_grant.scope),
                    code_challenge: params.get("code_challenge").map(str::to_owned),
                });
            }
            Output::Err(mut error) => {
                return Err(match error.description().map(|d| d.kind()) {
                    Some(AuthorizationErrorType::UnsupportedResponseType) => {
                        ProtocolError::new(ErrorCode::UnsupportedResponseType, "response_type must be code")
                    }
                    Some(AuthorizationErrorType::InvalidScope) => no_scope(),
                    Some(_) | None => wrong("the authorization request is malformed"),
                });
            }
        };
    }
}

fn sorted(scope: &Scope) -> String {
    let mut tokens: Vec<&str> = scope.iter().collect();
    tokens.sort_unstable();
    tokens.join(" ")
}

/// Our own grant in the machine's words. Lifetimes are checked outside with our clock, so the machine is told "always".
fn in_machine_words(grant: &madoguchi_domain::grant::Grant) -> Option<Box<Grant>> {
    let mut extensions = Extensions::new();
    if let Some(challenge) = &grant.code_challenge {
        let encoded = pkce(true).challenge(Some("S256".into()), Some(challenge.into())).ok().flatten()?;
        extensions.set_raw(pkce(true).identifier().to_owned(), encoded);
    }
    Some(Box::new(Grant {
        owner_id: grant.account.as_str().to_owned(),
        client_id: grant.client_id.clone(),
        scope: grant.scope.parse().ok()?,
        redirect_uri: ExactUrl::new(grant.redirect_uri.clone()).ok()?.to_url(),
        until: DateTime::<Utc>::MAX_UTC,
        extensions,
    }))
}

struct CodeRequest<'a> {
    params: &'a Params,
    client_id: &'a str,
    redirect_uri: &'a str,
}

impl accesstoken::Request for CodeRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.params.get("code").map(Cow::Borrowed)
    }
    fn authorization(&self) -> accesstoken::Authorization<'_> {
        accesstoken::Authorization::Username(Cow::Borrowed(self.client_id))
    }
    /// The client is authenticated already; the machine shall not find a second credential.
    fn client_id(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.redirect_uri))
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.params.get("grant_type").map(Cow::Borrowed)
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.params.get(key).map(Cow::Borrowed)
    }
}

/// Whether the code of `grant` may be redeemed by this request of an authenticated client: client binding, redirect
/// URI (byte for byte) and PKCE.
pub(crate) fn redeem(
    params: &Params,
    client_id: &str,
    grant: &madoguchi_domain::grant::Grant,
) -> Result<(), ProtocolError> {
    use accesstoken::{Input, Output};
    let no = |what| ProtocolError::new(ErrorCode::InvalidGrant, what);
    // A request with a verifier may leave the redirect URI out (OAuth 2.1); one without may not.
    let redirect_uri = match (params.get("redirect_uri"), &grant.code_challenge) {
        (Some(presented), _) => presented,
        (None, Some(_)) => grant.redirect_uri.as_str(),
        (None, None) => return Err(ProtocolError::new(ErrorCode::InvalidRequest, "redirect_uri is missing")),
    };
    if redirect_uri != grant.redirect_uri {
        return Err(no("redirect_uri is not that of the authorization request"));
    }
    let mut machine = AccessToken::new(&CodeRequest { params, client_id, redirect_uri });
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Authenticate { .. } => Input::Authenticated,
            Output::Recover { .. } => Input::Recovered(in_machine_words(grant)),
            Output::Extend { extensions } => {
                verify_pkce(grant, extensions.remove(&pkce(true)), params.get("code_verifier"))?;
                Input::Extended { access_extensions: Extensions::new() }
            }
            Output::Issue { .. } | Output::Ok(_) => return Ok(()),
            Output::Err(mut error) => return Err(token_error(error.description().map(|d| d.kind()))),
        };
    }
}

/// RFC 7636 §4.6, and what the machine's extension leaves out: the verifier's shape, and that there is none where no
/// challenge was given (RFC 9700 §2.1.1, the downgrade).
fn verify_pkce(
    grant: &madoguchi_domain::grant::Grant,
    challenge: Option<Value>,
    verifier: Option<&str>,
) -> Result<(), ProtocolError> {
    let no = |what| ProtocolError::new(ErrorCode::InvalidGrant, what);
    match (&grant.code_challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(no("code_verifier without a code_challenge")),
        (Some(_), None) => Err(no("code_verifier is missing")),
        (Some(_), Some(verifier)) => {
            let shaped = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            if !shaped {
                return Err(no("code_verifier is malformed"));
            }
            pkce(true).verify(challenge, Some(Cow::Borrowed(verifier))).map_err(|()| no("code_verifier is wrong"))
        }
    }
}

struct RefreshRequest<'a> {
    params: &'a Params,
    client_id: &'a str,
}

impl refresh::Request for RefreshRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.params.get("refresh_token").map(Cow::Borrowed)
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.params.get("scope").map(Cow::Borrowed)
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.params.get("grant_type").map(Cow::Borrowed)
    }
    /// Always, so that the token is bound to its client, public ones too.
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&[])))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.params.get(key).map(Cow::Borrowed)
    }
}

/// The scope of the tokens that a refresh gives: that of the grant or the narrower one asked for.
pub(crate) fn refresh_scope(
    params: &Params,
    client_id: &str,
    grant: &madoguchi_domain::grant::Grant,
) -> Result<String, ProtocolError> {
    use refresh::{Input, Output};
    let scope = || params.get("scope").map(Cow::Borrowed);
    let mut machine = Refresh::new(&RefreshRequest { params, client_id });
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Unauthenticated { .. } => Input::Authenticated { scope: scope() },
            Output::RecoverRefresh { .. } => Input::Recovered { scope: scope(), grant: in_machine_words(grant) },
            Output::Refresh { grant, .. } => return Ok(sorted(&grant.scope)),
            Output::Ok(_) => return Err(token_error(None)),
            Output::Err(mut error) => return Err(token_error(error.description().map(|d| d.kind()))),
        };
    }
}

fn token_error(kind: Option<AccessTokenErrorType>) -> ProtocolError {
    match kind {
        Some(AccessTokenErrorType::InvalidRequest) => {
            ProtocolError::new(ErrorCode::InvalidRequest, "a parameter is missing or malformed")
        }
        Some(AccessTokenErrorType::InvalidScope) => {
            ProtocolError::new(ErrorCode::InvalidScope, "the scope is malformed or wider than granted")
        }
        Some(AccessTokenErrorType::UnsupportedGrantType) => {
            ProtocolError::new(ErrorCode::UnsupportedGrantType, "the grant type is not supported")
        }
        Some(
            AccessTokenErrorType::InvalidClient
            | AccessTokenErrorType::InvalidGrant
            | AccessTokenErrorType::UnauthorizedClient,
        )
        | None => ProtocolError::new(ErrorCode::InvalidGrant, "the grant is not good for this client"),
    }
}
