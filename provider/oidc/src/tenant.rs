//! What the protocol needs to know of a tenant. The caller makes one from the tenant's current version.

use madoguchi_domain::{
    TenantSlug,
    account::Account,
    session::{Acr, Session},
    tenant::{TenantConfig, TokenPolicy},
};
use std::sync::Arc;

/// A tenant as the protocol sees it; cheap to clone.
#[derive(Debug, Clone)]
pub struct TenantView {
    /// Its configuration.
    pub config: Arc<TenantConfig>,
    /// Its issuer, without a trailing slash; every endpoint lies below it.
    pub issuer: Arc<str>,
    /// Its generation: grows with every change of configuration, clients or keys.
    pub generation: i64,
}

impl TenantView {
    /// Its name.
    pub fn slug(&self) -> &TenantSlug {
        &self.config.settings.slug
    }
    /// Lifetimes and algorithms.
    pub fn tokens(&self) -> &TokenPolicy {
        &self.config.settings.tokens
    }
    /// An endpoint's URL; `path` begins with a slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
    /// The strongest authentication that its login page can give.
    pub fn attainable(&self) -> Acr {
        if self.config.settings.login.second_password { Acr::TwoPasswords } else { Acr::Password }
    }
}

/// Somebody who is signed in: a session that counts, and its account in use. The caller has checked both.
#[derive(Debug, Clone, Copy)]
pub struct AuthSession<'a> {
    /// The session.
    pub session: &'a Session,
    /// Whose it is.
    pub account: &'a Account,
}
