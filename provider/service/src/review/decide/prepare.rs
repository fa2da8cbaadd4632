//! Before the transaction: may this be decided so, on what does it rest, and what would follow.

use super::{
    super::evidence::{Claimed, RosterAnswer, is_own},
    AccountChoice, DecideError, Decider, DecisionForm, Effect, LONGEST_NOTE, LONGEST_REASON, Prepared, Ruling,
    already_decided,
};
use crate::{Service, Tenant};
use madoguchi_domain::{
    account::Account,
    application::{Application, ApplicationKind, ApplicationState, TransitionError},
    tenant::Approval,
    verification::{Evidence, Verification},
};
use std::collections::BTreeMap;

impl Service {
    /// The checks, in the order that a reviewer wants to hear of them.
    pub(super) async fn admissible(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        form: &DecisionForm,
    ) -> Result<(Application, Claimed, ApplicationState), DecideError> {
        let store = self.store(tenant);
        let application = store.applications().find(&form.application).await?.ok_or(DecideError::NotFound)?;
        let claimed = self.claimed(tenant, &application).await?;
        let own = match decider {
            Decider::Reviewer(reviewer) => is_own(&reviewer.account, &application, &claimed.keys),
            Decider::Directory | Decider::Verifier => false,
        };
        let verdict = form.ruling.verdict();
        match application.lifecycle.clone().decide(verdict, form.version, own) {
            Ok(next) => Ok((application, claimed, next.state)),
            Err(TransitionError::OwnApplication) => Err(DecideError::OwnApplication),
            Err(TransitionError::Stale { current, .. }) => Err(DecideError::Stale { current }),
            Err(TransitionError::WrongState(_)) => Err(already_decided(&store, &application).await?),
        }
    }

    pub(super) async fn prepare(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        form: &DecisionForm,
    ) -> Result<Prepared, DecideError> {
        let (application, claimed, state) = self.admissible(tenant, decider, form).await?;
        let (reason, notes) = texts(tenant, &application, &form.ruling)?;
        let effect = match &form.ruling {
            Ruling::Approve { account } if self.is_first_of_two(tenant, decider, &application).await? => {
                // what would be refused later is refused now
                self.effect(tenant, decider, &application, &claimed, account).await?;
                Effect::FirstApproval
            }
            Ruling::Approve { account } => self.effect(tenant, decider, &application, &claimed, account).await?,
            Ruling::Reject { .. } | Ruling::RequestCorrection { .. } => Effect::Nothing,
        };
        Ok(Prepared { application, claimed, state, verdict: form.ruling.verdict(), reason, notes, effect })
    }

    /// What an approval makes.
    async fn effect(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
        claimed: &Claimed,
        chosen: &AccountChoice,
    ) -> Result<Effect, DecideError> {
        let by_an_account = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => false,
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => true,
        };
        if by_an_account && *chosen != AccountChoice::Unsaid {
            return Err(DecideError::WrongAccount);
        }
        let how = self.verification(tenant, decider, application, claimed).await;
        Ok(match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => {
                let admission = self.admission(tenant, decider, application, claimed, chosen, &how).await?;
                Effect::Admit(Box::new(admission), how)
            }
            ApplicationKind::Enrolment => {
                Effect::AddEnrolment(Box::new(self.applicant(tenant, application).await?), how)
            }
            ApplicationKind::ProfileChange => {
                Effect::ChangeProfile(Box::new(self.applicant(tenant, application).await?), how)
            }
        })
    }

    /// The account that an application is of.
    async fn applicant(&self, tenant: &Tenant, application: &Application) -> Result<Account, DecideError> {
        let id = application.account.as_ref().ok_or(DecideError::NotFound)?;
        self.store(tenant).accounts().find(id).await?.ok_or(DecideError::NotFound)
    }

    /// Whether two reviewers are needed and this is the first.
    async fn is_first_of_two(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
    ) -> Result<bool, DecideError> {
        match tenant.config.settings.approval_of(application.kind_of_user()) {
            Approval::TwoReviewers => {}
            Approval::Required | Approval::AutomaticWhenDirectoryMatches | Approval::AutomaticWhenVerified => {
                return Ok(false);
            }
        }
        let version = application.lifecycle.version;
        let approvals = self.store(tenant).decisions().approvals(&application.id, version).await?;
        let me = decider.id();
        if !approvals.iter().all(|(reviewer, _)| *reviewer == me) {
            return Ok(false);
        }
        if approvals.is_empty() { Ok(true) } else { Err(DecideError::AlreadyApprovedByYou) }
    }

    /// What an approval would rest on.
    async fn verification(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
        claimed: &Claimed,
    ) -> Verification {
        let mut evidence = Vec::new();
        if !application.documents.is_empty() {
            evidence.push(Evidence::Document);
        }
        if let RosterAnswer::Records(records) = self.ask_roster(tenant, claimed).await
            && records.first().is_some_and(|record| record.exact)
        {
            evidence.push(Evidence::Roster);
        }
        let asked = matches!(application.kind, ApplicationKind::Registration | ApplicationKind::Reapplication);
        if asked && tenant.config.settings.verifies(application.kind_of_user()) {
            evidence.push(Evidence::Authority);
        }
        if evidence.is_empty() {
            evidence.push(Evidence::Counter);
        }
        Verification {
            evidence,
            document: application.answers.get("document_type").cloned().unwrap_or_default(),
            at: self.now(),
            application: Some(application.id.clone()),
            by: decider.person(),
            suspended_by: None,
        }
    }
}

/// Reason and notes, within their bounds and about fields that the form has.
pub(super) fn texts(
    tenant: &Tenant,
    application: &Application,
    ruling: &Ruling,
) -> Result<(String, BTreeMap<String, String>), DecideError> {
    let bounded = |text: &str, most: usize| {
        let text = text.trim();
        if text.chars().count() > most { Err(DecideError::TextTooLong) } else { Ok(text.to_owned()) }
    };
    match ruling {
        Ruling::Approve { .. } => Ok((String::new(), BTreeMap::new())),
        Ruling::Reject { reason } => {
            let reason = bounded(reason, LONGEST_REASON)?;
            if reason.is_empty() { Err(DecideError::ReasonMissing) } else { Ok((reason, BTreeMap::new())) }
        }
        Ruling::RequestCorrection { reason, notes } => {
            let mut kept = BTreeMap::new();
            for (key, note) in notes {
                if tenant.config.form_of(application.kind_of_user()).field(key).is_some() {
                    kept.insert(key.clone(), bounded(note, LONGEST_NOTE)?);
                }
            }
            if kept.is_empty() {
                return Err(DecideError::NothingChosen);
            }
            let reason = bounded(reason, LONGEST_REASON)?;
            if reason.is_empty() && kept.values().all(String::is_empty) {
                return Err(DecideError::ReasonMissing);
            }
            Ok((reason, kept))
        }
    }
}
