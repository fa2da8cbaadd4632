//! Doing what is owed before anything else goes on ([`madoguchi_domain::duty`]): agreeing to new terms. Own passwords are
//! set in [`crate::credentials`].

use crate::{ActiveSession, Service, ServiceError, Source, Tenant};
use madoguchi_domain::audit::{Action, Actor};
use madoguchi_store::{Retryable, StoreError, retry};
use serde_json::json;

/// Why new terms were not agreed to.
#[derive(Debug, thiserror::Error)]
pub enum NewTermsError {
    /// The tenant's terms are of another version than the one that was shown; show them again.
    #[error("the terms have changed")]
    Changed,
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for NewTermsError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Retryable for NewTermsError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Service(error) => error.is_busy(),
            Self::Changed => false,
        }
    }
}

impl Service {
    /// Notes that the person who is signed in agrees to the version in force, which was shown to them. All their sessions
    /// go on. Agreeing once more changes nothing.
    ///
    /// # Errors
    /// [`NewTermsError`].
    pub async fn agree_to_terms(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        shown_version: &str,
        source: &Source,
    ) -> Result<(), NewTermsError> {
        if tenant.config.terms_in_force() != Some(shown_version) {
            return Err(NewTermsError::Changed);
        }
        retry(|| async {
            let id = &active.account.id;
            let mut tx = self.store(tenant).begin().await?;
            let first = tx.terms().accept(id, shown_version, self.now()).await?;
            tx.sessions().terms_accepted(id).await?;
            if first {
                let actor = Actor::Account(id.clone());
                let detail = json!({ "version": shown_version });
                self.record(&mut tx, actor, Action::TermsAccepted, id.as_str(), detail, Some(source)).await?;
            }
            self.commit(tx).await?;
            Ok(())
        })
        .await
    }
}
