//! Tokens that the authorization response itself carries: the implicit and hybrid types (OpenID Connect Core §3.2, §3.3).

use super::{issue::Issue, policy};
use crate::{ErrorCode, Oidc, OidcError, TenantView, error::ProtocolError};
use madoguchi_domain::{
    Timestamp, Token,
    client::{Client, ResponseType},
};
use madoguchi_store::{Tx, oidc::tokens::FreshToken};

/// Parameters for the authorization response, or why there are none.
pub(crate) type Carried = Result<Vec<(&'static str, String)>, ProtocolError>;

impl Oidc {
    /// The tokens of a grant that was just written with `code`, in its transaction. The access token is a bearer token,
    /// and there is no refresh token: what holds it is a browser.
    pub(crate) async fn carried(
        &self,
        tx: &mut Tx,
        tenant: &TenantView,
        client: &Client,
        code: &Token,
        response_type: ResponseType,
        now: Timestamp,
    ) -> Result<Carried, OidcError> {
        let Some(found) = tx.grants().by_code(&code.hash()).await? else {
            return Err(OidcError::Corrupt("a grant that was just written is gone".into()));
        };
        if policy::may_give(&found.grant, &found.account, Some(client)).is_err() {
            return Ok(Err(ProtocolError::new(ErrorCode::AccessDenied, "the account may not be used")));
        }
        let enrolments = tx.enrolments().of(&found.account.id).await?;
        let issue = Issue {
            tenant,
            client,
            grant: &found.grant,
            account: &found.account,
            updated_at: found.updated_at,
            enrolments: Some(&enrolments),
            scope: &found.grant.scope,
            first: true,
        };
        let mut fields = Vec::new();
        let access = response_type.token.then(|| Token::new(&*self.0.entropy));
        if let Some(access) = &access {
            let lifetime = tenant.tokens().access_token_lifetime;
            let hash = access.hash();
            let fresh = FreshToken { hash: &hash, scope: issue.scope, expires_at: now + lifetime.duration() };
            tx.tokens().give(&found.grant.id, fresh, now).await?;
            fields.push(("access_token", access.expose().to_owned()));
            fields.push(("token_type", "Bearer".to_owned()));
            fields.push(("expires_in", lifetime.seconds().to_string()));
            fields.push(("scope", issue.scope.to_owned()));
        }
        if response_type.id_token {
            let beside = code_beside(code, response_type);
            fields.push(("id_token", self.id_token(&issue, access.as_ref(), beside, now).await?));
        }
        Ok(Ok(fields))
    }
}

/// The code, where the response carries it too.
fn code_beside(code: &Token, response_type: ResponseType) -> Option<&Token> {
    Some(code).filter(|_| response_type.code)
}
