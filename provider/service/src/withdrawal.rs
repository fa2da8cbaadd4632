//! People withdraw an application of their account while it is not decided.

use crate::{Service, ServiceError, Source, Tenant};
use madoguchi_domain::{
    account::Account,
    application::{Application, ApplicationKind, parse_reference},
    audit::{Action, Actor},
    one_time::Purpose,
};
use madoguchi_store::StoreError;
use serde_json::json;

/// Why an application was not withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// The account has none of that number.
    #[error("there is no such application")]
    NotFound,
    /// It is decided, or was withdrawn, or handed in again meanwhile.
    #[error("the application is not open any more")]
    TooLate(Box<Application>),
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for WithdrawError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Service {
    /// The account's application of that reference number, if it may be withdrawn.
    ///
    /// # Errors
    /// [`WithdrawError`].
    pub async fn withdrawable(
        &self,
        tenant: &Tenant,
        account: &Account,
        reference: &str,
    ) -> Result<Application, WithdrawError> {
        let reference = parse_reference(reference).ok_or(WithdrawError::NotFound)?;
        let found = self.store(tenant).applications().by_reference(&reference).await?;
        let own = found.filter(|a| a.account.as_ref() == Some(&account.id)).ok_or(WithdrawError::NotFound)?;
        match own.lifecycle.clone().withdraw() {
            Ok(_) => Ok(own),
            Err(_) => Err(WithdrawError::TooLate(Box::new(own))),
        }
    }

    /// Withdraws it: the row changes only while it is the submission that was seen and nobody decided it.
    ///
    /// # Errors
    /// [`WithdrawError`].
    pub async fn withdraw(
        &self,
        tenant: &Tenant,
        account: &Account,
        reference: &str,
        source: &Source,
    ) -> Result<Application, WithdrawError> {
        let application = self.withdrawable(tenant, account, reference).await?;
        let (id, version, now) = (&application.id, application.lifecycle.version, self.now());
        let mut tx = self.store(tenant).begin().await?;
        if !tx.applications().withdraw(id, version, &account.id, now).await? {
            drop(tx);
            let stands = self.store(tenant).applications().find(id).await?;
            return Err(stands.map_or(WithdrawError::NotFound, |a| WithdrawError::TooLate(Box::new(a))));
        }
        tx.one_time().revoke(Purpose::Resubmission, id.as_str(), now).await?;
        if application.kind == ApplicationKind::ProfileChange {
            self.release_facts(&mut tx, &application).await?;
        }
        let detail = json!({ "reference": application.reference, "version": version });
        let actor = Actor::Account(account.id.clone());
        self.record(&mut tx, actor, Action::ApplicationWithdrawn, id.as_str(), detail, Some(source)).await?;
        self.commit(tx).await?;
        Ok(application)
    }
}
