//! An account that applied itself gets what it applied for: another enrolment, or other data.

use super::{DecideError, Decided, Prepared};
use crate::{Service, Tenant, accounts::person_keys};
use madoguchi_domain::{
    account::Account,
    application::Application,
    form::{
        Answers,
        personal::{self, Change},
    },
    id::AccountId,
    verification::Verification,
};
use madoguchi_store::{StoreError, Tx};

impl Service {
    /// Adds the enrolment.
    pub(super) async fn extend_account(
        &self,
        tx: &mut Tx,
        account: &Account,
        prepared: &Prepared,
        how: &Verification,
    ) -> Result<Decided, DecideError> {
        self.add_enrolment(tx, &account.id, prepared, how).await?;
        Ok(Decided::EnrolmentAdded { account: account.id.clone() })
    }

    /// Takes the new data over, and marks the reviewed facts among them.
    pub(super) async fn change_account(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        account: &AccountId,
        application: &Application,
        how: &Verification,
    ) -> Result<Decided, DecideError> {
        let now = self.now();
        let changed = changed_keys(tenant, application, &before(tx, application).await?);
        let held = tx.accounts().hold(account, now).await?.ok_or(DecideError::NotFound)?;
        let mut profile = personal::with_answers(
            &held.profile,
            tenant.config.form_of(&held.profile.kind_of_user),
            &changed,
            &application.answers,
        );
        profile.release(&application.id);
        profile.verify(changed.iter().map(String::as_str), how);
        tx.accounts().set_profile(account, &profile, &person_keys(&profile), now).await?;
        Ok(Decided::ProfileChanged { account: account.clone() })
    }

    /// The facts that waited for a decision are as they were before.
    pub(crate) async fn release_facts(&self, tx: &mut Tx, application: &Application) -> Result<(), StoreError> {
        let Some(account) = &application.account else { return Ok(()) };
        let now = self.now();
        let Some(held) = tx.accounts().hold(account, now).await? else { return Ok(()) };
        let mut profile = held.profile;
        if profile.release(&application.id) {
            tx.accounts().set_profile(account, &profile, &person_keys(&profile), now).await?;
        }
        Ok(())
    }
}

/// What stood before the change.
async fn before(tx: &mut Tx, application: &Application) -> Result<Answers, StoreError> {
    let kept = tx.applications().submissions(&application.id).await?;
    Ok(kept.into_iter().find(|s| s.version == 0).map(|s| s.answers).unwrap_or_default())
}

/// The fields that an application for a change wants changed.
pub(super) fn changed_keys(tenant: &Tenant, application: &Application, before: &Answers) -> Vec<String> {
    let personal = tenant.config.personal(application.kind_of_user());
    let answer = |answers: &Answers, input: &str| answers.get(input).cloned().unwrap_or_default();
    let reviewed = personal.reviewed();
    reviewed
        .fields()
        .filter(|f| personal.change(&f.key) == Change::WithApproval)
        .filter(|f| f.inputs().iter().any(|i| answer(&application.answers, i) != answer(before, i)))
        .map(|f| f.key.clone())
        .collect()
}
