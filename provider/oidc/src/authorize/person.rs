//! Who is signed in, and what is known of them, when a good request is decided on.

use super::request::{Parked, Request};
use crate::{AuthSession, TenantView};
use madoguchi_domain::{
    Timestamp,
    account::{AccountState, Enrolment},
    id::EnrolmentId,
    session::{Acr, Session},
};
use madoguchi_store::oidc::consents::Consent;

/// What the checks of the person may look at.
pub(super) struct Standing<'a> {
    pub(super) tenant: &'a TenantView,
    pub(super) request: &'a Request,
    pub(super) session: Option<AuthSession<'a>>,
    /// Whether that is whom the client named, if it named anybody.
    pub(super) is_named: bool,
    /// The parked request, when it is gone on with.
    pub(super) parked: Option<&'a Parked>,
    pub(super) now: Timestamp,
    /// The account's enrolments with a student ID; read only where the request asks for the choice of one.
    pub(super) enrolments: Vec<Enrolment>,
    /// What the person agreed to before; read only for clients that need consent.
    pub(super) remembered: Option<Consent>,
    /// The consent page was shown to this person, and the answer is yes.
    pub(super) allowed: bool,
}

impl Standing<'_> {
    /// The session, when its account may be used.
    pub(super) fn usable(&self) -> Option<AuthSession<'_>> {
        self.session.filter(|s| s.account.state == AccountState::Active)
    }

    /// Whether this session was begun for this request.
    pub(super) fn signed_in_for_this(&self, session: &Session) -> bool {
        self.parked.is_some_and(|parked| parked.signed_in_since(session))
    }

    /// Whether a new login could reach what is asked for.
    pub(super) fn attainable(&self) -> Acr {
        self.tenant.attainable()
    }

    /// The enrolment chosen by the person who is signed in.
    pub(super) fn chosen(&self) -> Option<&EnrolmentId> {
        let (by, id) = self.parked?.enrolment.as_ref()?;
        self.session.filter(|s| s.account.id == *by && self.enrolments.iter().any(|e| e.id == *id)).map(|_| id)
    }
}
