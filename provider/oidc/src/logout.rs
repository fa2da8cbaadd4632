//! RP-Initiated Logout 1.0: what a request to end the session comes to. The session itself is ended by the caller.

use crate::{AuthSession, Oidc, OidcError, Params, TenantView, jws::Jws};
use madoguchi_domain::client::{Client, SigningAlgorithm};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a logout request comes to.
#[derive(Debug)]
pub enum LogoutOutcome {
    /// Ask the person. The page's form posts `fields` back to this endpoint; then call again with `confirmed`.
    Confirm {
        /// Who asks, when that is known.
        client: Option<Arc<Client>>,
        /// Hidden inputs of the form.
        fields: Vec<(String, String)>,
        /// Preferred languages of the page, in order.
        ui_locales: Vec<String>,
    },
    /// End the session, if there is one, then do this.
    End(AfterLogout),
}

/// Where a finished logout leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterLogout {
    /// 303 to a registered URI of the client.
    Redirect(String),
    /// The page that says so.
    LoggedOut,
}

/// Parameters that a confirmation carries on.
const CARRIED: &[&str] = &["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

impl Oidc {
    /// The end-session endpoint, GET and POST. `confirmed`: the person pressed the button of the page that
    /// [`LogoutOutcome::Confirm`] asked for.
    ///
    /// A good `id_token_hint` of the person who is signed in ends the session at once; everything else is asked about
    /// first (§2, §6). A redirect is followed only to an exactly registered URI of a client that is proven by a hint or
    /// named by `client_id`; otherwise there is none, whatever the request says.
    pub async fn logout(
        &self,
        tenant: &TenantView,
        params: &Params,
        session: Option<AuthSession<'_>>,
        confirmed: bool,
    ) -> Result<LogoutOutcome, OidcError> {
        let sound = params.check().is_ok();
        let hint = match params.get("id_token_hint").filter(|_| sound) {
            Some(text) => self.hint(tenant, text).await?,
            None => None,
        };
        let hint_good = hint.is_some() || params.get("id_token_hint").is_none();
        let client = match (&hint, params.get("client_id").filter(|_| sound && hint_good)) {
            (Some(hint), named) if named.is_none_or(|id| audience(hint, id)) => {
                let id = named.or_else(|| only_audience(hint));
                match id {
                    Some(id) => self.client(tenant, id).await?,
                    None => None,
                }
            }
            (None, Some(named)) => self.client(tenant, named).await?,
            (Some(_) | None, _) => None,
        };
        let after = match (&client, params.get("post_logout_redirect_uri")) {
            (Some(client), Some(uri)) if client.metadata.post_logout_redirect_uris.iter().any(|r| r == uri) => {
                AfterLogout::Redirect(with_state(uri, params.get("state")))
            }
            _ => AfterLogout::LoggedOut,
        };
        let hinted = hint.as_ref().and_then(|claims| claims.get("sub")).and_then(Value::as_str);
        let same_person = match (session, hinted) {
            (Some(session), Some(sub)) => {
                let hinted_client = hint.as_ref().and_then(only_audience).unwrap_or_default();
                self.is_subject(tenant, hinted_client, sub, session.account).await?
            }
            (Some(_), None) => false,
            (None, _) => true,
        };
        // Without a session there is nothing to ask about; but a redirect needs more than a bare client_id then.
        let unproven = hint.is_none() && matches!(after, AfterLogout::Redirect(_));
        if confirmed || (same_person && !unproven) {
            return Ok(LogoutOutcome::End(after));
        }
        let carried = CARRIED.iter().filter_map(|name| Some(((*name).to_owned(), params.get(name)?.to_owned())));
        let locales = params.get("ui_locales").unwrap_or_default();
        Ok(LogoutOutcome::Confirm {
            client,
            fields: carried.collect(),
            ui_locales: locales.split(' ').filter(|l| !l.is_empty()).take(16).map(str::to_owned).collect(),
        })
    }

    /// The claims of one of our own ID tokens, expired or not; `None` for anything else.
    async fn hint(&self, tenant: &TenantView, text: &str) -> Result<Option<Map<String, Value>>, OidcError> {
        let ring = self.ring(tenant).await?;
        let claims =
            Jws::parse(text).and_then(|jws| jws.verify(&ring.verification, &SigningAlgorithm::ALL, &["JWT"])).ok();
        Ok(claims.filter(|claims| claims.get("iss").and_then(Value::as_str) == Some(&*tenant.issuer)))
    }
}

fn audiences(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn audience(claims: &Map<String, Value>, client_id: &str) -> bool {
    audiences(claims).contains(&client_id)
}

/// Whom an ID token is for, where that is one client.
pub(crate) fn only_audience(claims: &Map<String, Value>) -> Option<&str> {
    match audiences(claims).as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    match state {
        None => uri.to_owned(),
        Some(state) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("state", state);
            let joint = if uri.contains('?') { '&' } else { '?' };
            format!("{uri}{joint}{}", query.finish())
        }
    }
}
