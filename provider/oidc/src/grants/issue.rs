//! What is handed out: an opaque access token, a refresh token, an ID token.

use super::token::Refusal;
use crate::{
    Oidc, OidcError, TenantView,
    claims::{self, Person},
    claims_request::ClaimsRequest,
};
use madoguchi_domain::{
    Timestamp, Token, TokenHash,
    account::{Account, Enrolment},
    client::Client,
    grant::Grant,
};
use madoguchi_store::oidc::tokens::FreshToken;
use openidconnect::{
    AccessToken, AdditionalClaims, Audience, AuthenticationContextClass, AuthenticationMethodReference,
    AuthorizationCode, IdToken, IdTokenClaims, IssuerUrl, Nonce, StandardClaims, SubjectIdentifier,
    core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A successful token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Debug, Serialize)]
pub(super) struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

/// What tokens are made from.
pub(super) struct Issue<'a> {
    pub(super) tenant: &'a TenantView,
    pub(super) client: &'a Client,
    pub(super) grant: &'a Grant,
    pub(super) account: &'a Account,
    pub(super) updated_at: Timestamp,
    /// The account's enrolments, where they were read already.
    pub(super) enrolments: Option<&'a [Enrolment]>,
    /// Scope of the access token: the grant's or a narrower one.
    pub(super) scope: &'a str,
    /// Whether this is the code's redemption; an ID token from a refresh has no nonce (OpenID Connect Core §12.2).
    pub(super) first: bool,
}

/// Tokens made, not yet kept.
pub(super) struct Issued {
    pub(super) response: TokenResponse,
    access: TokenHash,
    access_expires: Timestamp,
    refresh: Option<(TokenHash, Timestamp)>,
    grant_scope: String,
}

impl Issued {
    /// The access token as it is kept.
    pub(super) fn access(&self) -> FreshToken<'_> {
        FreshToken { hash: &self.access, scope: &self.response.scope, expires_at: self.access_expires }
    }

    /// The refresh token, where there is one. It has the grant's whole scope, whatever its access token has.
    pub(super) fn refresh(&self) -> Option<FreshToken<'_>> {
        let (hash, expires_at) = self.refresh.as_ref()?;
        Some(FreshToken { hash, scope: &self.grant_scope, expires_at: *expires_at })
    }
}

/// Claims beyond the standard's own members of an ID token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Further {
    sid: String,
    #[serde(flatten)]
    asked_for: Map<String, Value>,
}
impl AdditionalClaims for Further {}

type Signed = IdToken<Further, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

impl Oidc {
    /// Makes the tokens of a grant that may give them. Nothing is kept yet.
    pub(super) async fn issue(&self, issue: &Issue<'_>, now: Timestamp) -> Result<Issued, Refusal> {
        let tokens = issue.tenant.tokens();
        let access = Token::new(&*self.0.entropy);
        let may_refresh = issue.client.metadata.grant_types.iter().any(|g| g == "refresh_token");
        let refresh = may_refresh.then(|| Token::new(&*self.0.entropy));
        let openid = issue.scope.split(' ').any(|s| s == "openid");
        let id_token = if openid { Some(self.id_token(issue, Some(&access), None, now).await?) } else { None };
        let lifetime = tokens.access_token_lifetime;
        Ok(Issued {
            access: access.hash(),
            access_expires: now + lifetime.duration(),
            refresh: refresh.as_ref().map(|t| (t.hash(), now + tokens.refresh_token_lifetime.duration())),
            grant_scope: issue.grant.scope.clone(),
            response: TokenResponse {
                access_token: access.expose().to_owned(),
                token_type: "Bearer",
                expires_in: lifetime.seconds(),
                scope: issue.scope.to_owned(),
                refresh_token: refresh.map(|t| t.expose().to_owned()),
                id_token,
            },
        })
    }

    /// OpenID Connect Core §2, with the hashes of the access token and code that travel beside it (§3.1.3.6, §3.3.2.11).
    /// Where neither does, nobody can ask userinfo, and the claims of the scopes are in it (§5.4).
    pub(super) async fn id_token(
        &self,
        issue: &Issue<'_>,
        access: Option<&Token>,
        code: Option<&Token>,
        now: Timestamp,
    ) -> Result<String, OidcError> {
        let Issue { tenant, client, grant, account, .. } = *issue;
        let asked = ClaimsRequest::stored(grant.claims.as_deref());
        let read;
        let enrolments = match issue.enrolments {
            Some(enrolments) => enrolments,
            None if claims::asks_for_one_student_id(&grant.scope, &asked)
                || claims::needs_enrolments(asked.id_token.keys().map(String::as_str))
                || claims::needs_enrolments(asked.verified_id_token.names().into_iter()) =>
            {
                read = self.0.database.tenant(tenant.slug()).enrolments().of(&account.id).await?;
                &read
            }
            None => &[],
        };
        let person = Person {
            account,
            updated_at: issue.updated_at,
            enrolments,
            chosen: grant.enrolment.as_ref(),
            config: &tenant.config,
            now,
        };
        let mut asked_for = claims::for_id_token(&person, &grant.scope, &asked);
        if access.is_none() && code.is_none() {
            asked_for.extend(claims::for_userinfo(&person, &grant.scope, &asked));
        }
        let further = Further { sid: grant.session.as_str().to_owned(), asked_for };
        let issuer = IssuerUrl::new(tenant.issuer.to_string());
        let issuer = issuer.map_err(|e| OidcError::Corrupt(format!("the issuer {}: {e}", tenant.issuer)))?;
        let acr = grant.authentication.acr;
        let methods = acr.amr().iter().map(|m| AuthenticationMethodReference::new((*m).to_owned())).collect();
        let expires = now + tenant.tokens().id_token_lifetime.duration();
        let id_claims = IdTokenClaims::<Further, CoreGenderClaim>::new(
            issuer,
            vec![Audience::new(client.metadata.client_id.clone())],
            expires.to_utc(),
            now.to_utc(),
            StandardClaims::new(SubjectIdentifier::new(self.subject(tenant, client, account).await?)),
            further,
        )
        .set_auth_time(Some(grant.authentication.at.to_utc()))
        .set_auth_context_ref(Some(AuthenticationContextClass::new(acr.as_str().to_owned())))
        .set_auth_method_refs(Some(methods))
        .set_nonce(grant.nonce.clone().filter(|_| issue.first).map(Nonce::new));
        let ring = self.ring(tenant).await?;
        let algorithm = client.metadata.id_token_signed_response_alg;
        let key = ring
            .signer(algorithm)
            .ok_or_else(|| OidcError::Keys(format!("{} has no {} key", tenant.slug(), algorithm.as_str())))?;
        let access = access.map(|token| AccessToken::new(token.expose().to_owned()));
        let code = code.map(|token| AuthorizationCode::new(token.expose().to_owned()));
        let token = Signed::new(id_claims, key, key.core_algorithm(), access.as_ref(), code.as_ref())
            .map_err(|e| OidcError::Keys(format!("the key {}: {e}", key.kid)))?;
        Ok(token.to_string())
    }
}
