//! What somebody who is signed in sees of themselves.

use crate::{Service, ServiceError, Tenant};
use madoguchi_domain::{
    account::{Account, Enrolment},
    application::Application,
};

impl Service {
    /// The account's applications, newest first, fifty at most.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn applications_of(&self, tenant: &Tenant, account: &Account) -> Result<Vec<Application>, ServiceError> {
        Ok(self.store(tenant).applications().of_account(&account.id).await?)
    }

    /// The account's enrolments, oldest first.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn enrolments_of(&self, tenant: &Tenant, account: &Account) -> Result<Vec<Enrolment>, ServiceError> {
        Ok(self.store(tenant).enrolments().of(&account.id).await?)
    }
}
