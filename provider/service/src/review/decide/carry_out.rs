//! The transaction of a decision.

use super::{Attempt, DecideError, Decided, Decider, Effect, Prepared, letters};
use crate::{Service, Source, Tenant};
use madoguchi_domain::{
    EmailAddress, Timestamp, Token,
    application::{Application, ApplicationKind, Decision, Verdict},
    audit::Action,
    mail::MailKind,
    one_time::{OneTime, Purpose},
};
use madoguchi_store::{StoreError, Tx};

impl Service {
    pub(super) async fn carry_out(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        prepared: &Prepared,
        source: Option<&Source>,
    ) -> Result<Attempt, DecideError> {
        let now = self.now();
        let Prepared { application, verdict, effect, .. } = prepared;
        let version = application.lifecycle.version;
        let mut tx = self.store(tenant).begin().await?;

        if matches!(effect, Effect::FirstApproval) {
            return self.note_approval(tx, decider, application, source).await;
        }
        let account = effect.account();
        // The row changes only if it is the submission that was seen and nobody decided it.
        if !tx.applications().decide(&application.id, version, prepared.state, account, now).await? {
            drop(tx);
            return Err(self.lost(tenant, application).await?);
        }
        let decision = Decision {
            application: application.id.clone(),
            version,
            verdict: *verdict,
            reviewer: decider.id(),
            reason: prepared.reason.clone(),
            notes: prepared.notes.clone(),
            at: now,
        };
        match tx.decisions().record(&decision).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => {
                drop(tx);
                return Err(self.lost(tenant, application).await?);
            }
            Err(error) => return Err(error.into()),
        }
        let (decided, mail) = match (effect, verdict) {
            (Effect::Admit(admission, how), _) => match self.admit(&mut tx, tenant, prepared, admission, how).await? {
                Some(decided) => (decided, letters::accepted(tenant, prepared, admission)),
                None => return Ok(Attempt::LoginTaken),
            },
            (Effect::AddEnrolment(account, how), _) => {
                let decided = self.extend_account(&mut tx, account, prepared, how).await?;
                (decided, letters::enrolment_added(tenant, &prepared.claimed, application))
            }
            (Effect::ChangeProfile(account, how), _) => {
                let decided = self.change_account(&mut tx, tenant, &account.id, application, how).await?;
                let before = tx.applications().submissions(&application.id).await?;
                (decided, letters::profile_changed(tenant, &prepared.claimed, application, &before))
            }
            (Effect::FirstApproval | Effect::Nothing, Verdict::Approve | Verdict::Reject) => {
                if application.kind == ApplicationKind::ProfileChange {
                    self.release_facts(&mut tx, application).await?;
                }
                (Decided::Rejected, letters::rejected(prepared))
            }
            (Effect::FirstApproval | Effect::Nothing, Verdict::RequestCorrection) => {
                let (token, expires_at) = self.resubmission_link(&mut tx, tenant, application, now).await?;
                let url = tenant.url(&format!("/resubmit/link/{}", token.expose()));
                (Decided::CorrectionRequested, letters::correction(tenant, prepared, url, expires_at))
            }
        };
        let to = self.address_of(&mut tx, application).await?;
        self.enqueue_mail(&mut tx, tenant, &to, &application.locale, mail).await?;
        if let Effect::Admit(admission, _) = effect
            && let Some(old) = &admission.moves
        {
            let notice = MailKind::AddressMoved { at: now, reference: application.reference.clone() };
            self.enqueue_mail(&mut tx, tenant, &old.email, &old.locale, notice).await?;
        }
        let detail = serde_json::json!({
            "reference": application.reference, "kind": application.kind.as_str(), "version": version,
            "verdict": verdict.as_str(), "account": account, "moved": matches!(decided, Decided::Moved { .. }),
        });
        let subject = application.id.as_str();
        self.record(&mut tx, decider.actor(), Action::ApplicationDecided, subject, detail, source).await?;
        self.commit(tx).await?;
        Ok(Attempt::Done(decided))
    }

    /// Where the result goes: to the address that the account has by now, where one applied.
    async fn address_of(&self, tx: &mut Tx, application: &Application) -> Result<EmailAddress, StoreError> {
        let by_account = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => None,
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => application.account.as_ref(),
        };
        let account = match by_account {
            Some(id) => tx.accounts().find(id).await?,
            None => None,
        };
        Ok(account.map_or_else(|| application.email.clone(), |account| account.email))
    }

    /// Notes the first of two approvals.
    async fn note_approval(
        &self,
        mut tx: Tx,
        decider: Decider<'_>,
        application: &Application,
        source: Option<&Source>,
    ) -> Result<Attempt, DecideError> {
        let version = application.lifecycle.version;
        if !tx.decisions().approve(&application.id, version, &decider.id(), self.now()).await? {
            return Err(DecideError::AlreadyApprovedByYou);
        }
        let detail = serde_json::json!({
            "reference": application.reference, "version": version, "verdict": "first_approval",
        });
        let subject = application.id.as_str();
        self.record(&mut tx, decider.actor(), Action::ApplicationDecided, subject, detail, source).await?;
        self.commit(tx).await?;
        Ok(Attempt::Done(Decided::FirstApproval))
    }

    /// A fresh link to correct the application; older ones end.
    async fn resubmission_link(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        application: &Application,
        now: Timestamp,
    ) -> Result<(Token, Timestamp), DecideError> {
        let token = Token::new(self.entropy());
        let expires_at = now + tenant.config.settings.one_time_links.resubmission_lifetime.duration();
        let link = OneTime {
            purpose: Purpose::Resubmission,
            token_hash: token.hash(),
            subject: application.id.as_str().to_owned(),
            payload: serde_json::json!({ "version": application.lifecycle.version }),
            created_at: now,
            expires_at,
            consumed_at: None,
            revoked_at: None,
        };
        tx.one_time().revoke(Purpose::Resubmission, &link.subject, now).await?;
        tx.one_time().insert(&link).await?;
        Ok((token, expires_at))
    }
}
