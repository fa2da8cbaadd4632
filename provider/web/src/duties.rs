//! Whoever owes something ([`madoguchi_domain::duty`]) can do that, log out, and nothing else.
//!
//! A handler that takes a [`Visit`] is never called for such a person: they are led to what they owe, and from there back.
//! The few that they may use take [`BeforeDuties`] instead; so what is forgotten is closed.

use crate::{state::Web, visit::Visit};
use axum::{extract::FromRequestParts, response::Response};
use http::request::Parts;
use madoguchi_domain::duty::Duty;

/// A visit of somebody who may owe something.
pub(crate) struct BeforeDuties(pub(crate) Visit);

impl FromRequestParts<Web> for BeforeDuties {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        Visit::read(parts, web).await.map(Self)
    }
}

impl FromRequestParts<Web> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        let visit = Visit::read(parts, web).await?;
        match visit.duty() {
            None => Ok(visit),
            Some(duty) => Err(visit.lead_to(duty)),
        }
    }
}

impl Visit {
    /// What whoever is signed in owes first.
    pub(crate) fn duty(&self) -> Option<Duty> {
        let active = self.session.as_ref()?;
        Duty::of(&active.account, &active.session, &self.tenant.config)
    }

    /// To the page where that is done, and from there back.
    pub(crate) fn lead_to(&self, duty: Duty) -> Response {
        let page = match duty {
            Duty::SetCredentials => "/password-setting",
            Duty::AcceptTerms => "/terms",
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        match (&self.flow, self.way_back()) {
            (Some(flow), _) => drop(query.append_pair("flow", flow)),
            (None, Some(path)) if path != "/" => drop(query.append_pair("to", path)),
            (None, Some(_) | None) => {}
        }
        let query = query.finish();
        let joint = if query.is_empty() { "" } else { "?" };
        self.redirect(&self.to(&format!("{page}{joint}{query}")))
    }
}
