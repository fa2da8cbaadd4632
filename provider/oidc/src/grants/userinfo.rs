//! Userinfo (OpenID Connect Core §5.3): one read.

use super::{policy, token::EndpointRequest, token::Refusal};
use crate::{
    ErrorCode, Oidc, Params, Reply, TenantView,
    claims::{self, Person},
    claims_request::ClaimsRequest,
    error::ProtocolError,
};
use madoguchi_domain::{Token, grant::TokenKind};
use serde_json::{Map, Value, json};

impl Oidc {
    /// GET and POST userinfo, the token in the header or in a posted form (RFC 6750 §2.1, §2.2); never in the query.
    pub async fn userinfo(&self, tenant: &TenantView, request: EndpointRequest<'_>) -> Reply {
        match self.claims_of_token(tenant, &request).await {
            Ok(claims) => Reply::json(200, &claims),
            Err(Refusal::Protocol(error)) => refusal(tenant, &error, !request.authorization.is_empty()),
            Err(failure @ Refusal::Failure(_)) => failure.reply(tenant),
        }
    }

    async fn claims_of_token(
        &self,
        tenant: &TenantView,
        request: &EndpointRequest<'_>,
    ) -> Result<Map<String, Value>, Refusal> {
        let invalid = || ProtocolError::new(ErrorCode::InvalidToken, "the access token is not good");
        let token = Token::parse(&presented(request)?).ok_or_else(invalid)?;
        let store = self.0.database.tenant(tenant.slug());
        let found = store.tokens().standing(&token.hash(), TokenKind::Access).await?.ok_or_else(invalid)?;
        let now = self.0.clock.now();
        if now >= found.expires_at {
            return Err(invalid().into());
        }
        let client = self.client(tenant, &found.grant.client_id).await?;
        policy::may_give(&found.grant, &found.account, client.as_deref()).map_err(|_| invalid())?;
        if !found.scope.split(' ').any(|s| s == "openid") {
            return Err(ProtocolError::new(ErrorCode::InsufficientScope, "the scope openid is needed").into());
        }
        let person = Person {
            account: &found.account,
            updated_at: found.updated_at,
            enrolments: &found.enrolments,
            chosen: found.grant.enrolment.as_ref(),
            config: &tenant.config,
            now,
        };
        let asked = ClaimsRequest::stored(found.grant.claims.as_deref());
        let mut claims = claims::for_userinfo(&person, &found.scope, &asked);
        let client = client.ok_or_else(invalid)?;
        claims.insert("sub".into(), self.subject(tenant, &client, &found.account).await?.into());
        Ok(claims)
    }
}

/// The token, presented in exactly one way.
fn presented(request: &EndpointRequest<'_>) -> Result<String, ProtocolError> {
    let invalid = |what| ProtocolError::new(ErrorCode::InvalidRequest, what);
    if request.query.is_some_and(|q| Params::read(Some(q), None).pairs().any(|(name, _)| name == "access_token")) {
        return Err(invalid("the access token does not belong into the URL"));
    }
    let form = Params::read(None, request.body);
    form.check()?;
    let in_header = match request.authorization.as_slice() {
        [] => None,
        [one] => {
            let text = std::str::from_utf8(one).map_err(|_| invalid("the Authorization header is malformed"))?;
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(invalid("the Authorization header must be Bearer"));
            }
            Some(token.trim().to_owned())
        }
        _ => return Err(invalid("more than one Authorization header")),
    };
    match (in_header, form.get("access_token")) {
        (Some(token), None) => Ok(token),
        (None, Some(token)) => Ok(token.to_owned()),
        (Some(_), Some(_)) => Err(invalid("the access token is there twice")),
        (None, None) => Err(ProtocolError::new(ErrorCode::InvalidToken, "no access token")),
    }
}

/// RFC 6750 §3: the error in the header too, and nothing but the scheme for a request that had no token at all.
fn refusal(tenant: &TenantView, error: &ProtocolError, presented: bool) -> Reply {
    let body = json!({"error": error.code.as_str(), "error_description": error.description});
    let status = if error.code == ErrorCode::InvalidRequest {
        400
    } else if error.code == ErrorCode::InsufficientScope {
        403
    } else {
        401
    };
    let realm = format!("Bearer realm=\"{}\"", tenant.issuer);
    let challenge = if presented {
        format!("{realm}, error=\"{}\", error_description=\"{}\"", error.code.as_str(), error.description)
    } else {
        realm
    };
    Reply::json(status, &body).with("www-authenticate", challenge)
}
