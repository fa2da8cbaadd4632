//! The mails of decisions, and what they would look like before one is made.

use super::{
    super::{ReviewerOf, evidence::Claimed},
    Admission, DecideError, Decider, DecisionForm, Effect, Prepared, Ruling,
    admission::setting_url,
    changes::changed_keys,
    prepare::texts,
};
use crate::{Rendered, Service, ServiceError, Tenant};
use madoguchi_domain::{
    Locale, Timestamp,
    application::{Application, ApplicationKind},
    form::Field,
    mail::{FirstEntry, MailKind},
    tenant::{InitialCredential, LoginIdentifier},
};
use madoguchi_store::applications::Submission;

impl Service {
    /// The mail that a decision would send: placeholders stand for what does not exist yet.
    pub(in super::super) async fn preview(
        &self,
        tenant: &Tenant,
        reviewer: &ReviewerOf,
        form: &DecisionForm,
    ) -> Result<Rendered, DecideError> {
        let (application, claimed, state) = self.admissible(tenant, Decider::Reviewer(reviewer), form).await?;
        let (reason, notes) = texts(tenant, &application, &form.ruling)?;
        let verdict = form.ruling.verdict();
        let prepared = Prepared { application, claimed, state, verdict, reason, notes, effect: Effect::Nothing };
        let mail = match &form.ruling {
            Ruling::Approve { .. } => self.approval_in_sight(tenant, &prepared).await?,
            Ruling::Reject { .. } => rejected(&prepared),
            Ruling::RequestCorrection { .. } => {
                let lifetime = tenant.config.settings.one_time_links.resubmission_lifetime.duration();
                correction(tenant, &prepared, tenant.url("/resubmit/link/…"), self.now() + lifetime)
            }
        };
        let locale = tenant.config.locale([prepared.application.locale.as_str()]);
        self.0.mail_renderer.render(tenant, locale, &mail).map_err(|e| ServiceError::bug(e).into())
    }

    async fn approval_in_sight(&self, tenant: &Tenant, prepared: &Prepared) -> Result<MailKind, DecideError> {
        let Prepared { application, claimed, .. } = prepared;
        let settings = &tenant.config.settings;
        Ok(match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => MailKind::Accepted {
                name: claimed.name(),
                reference: application.reference.clone(),
                login_id: match settings.identifier_of(application.kind_of_user()) {
                    LoginIdentifier::UserId => "••••••••".into(),
                    LoginIdentifier::MailAddress => application.email.as_str().to_owned(),
                },
                entry: match settings.initial_credential.kind {
                    InitialCredential::Password => FirstEntry::InitialPassword("••••••••••••".into()),
                    InitialCredential::SettingUrl => FirstEntry::SettingUrl(setting_url(tenant, "…")),
                },
                expires_at: self.now() + settings.initial_credential.lifetime.duration(),
                login_url: self.login_url(tenant, application).await?,
                second_password: settings.login.second_password,
            },
            ApplicationKind::Enrolment => enrolment_added(tenant, claimed, application),
            ApplicationKind::ProfileChange => {
                let before = self.store(tenant).applications().submissions(&application.id).await?;
                profile_changed(tenant, claimed, application, &before)
            }
        })
    }
}

/// How a field is called in a mail. Standard keys are labelled by the locale files; the mail's renderer knows them.
fn label(field: &Field, locale: &Locale) -> String {
    let own = field.label.get(locale);
    if own.is_empty() { format!("field.{}.label", field.key) } else { own.to_owned() }
}

pub(super) fn accepted(tenant: &Tenant, prepared: &Prepared, admission: &Admission) -> MailKind {
    MailKind::Accepted {
        name: prepared.claimed.name(),
        reference: prepared.application.reference.clone(),
        login_id: admission.account.login_id.clone(),
        entry: admission.entry.told(tenant),
        expires_at: admission.entry.expires_at,
        login_url: admission.login_url.clone(),
        second_password: tenant.config.settings.login.second_password,
    }
}

pub(super) fn enrolment_added(tenant: &Tenant, claimed: &Claimed, application: &Application) -> MailKind {
    MailKind::EnrolmentAdded {
        name: claimed.name(),
        reference: application.reference.clone(),
        student_id: claimed.student_id.clone(),
        login_url: tenant.url("/login"),
    }
}

pub(super) fn profile_changed(
    tenant: &Tenant,
    claimed: &Claimed,
    application: &Application,
    kept: &[Submission],
) -> MailKind {
    let locale = tenant.config.locale([application.locale.as_str()]);
    let before = kept.iter().find(|s| s.version == 0).map(|s| s.answers.clone()).unwrap_or_default();
    let changed = changed_keys(tenant, application, &before);
    let items = changed
        .iter()
        .filter_map(|key| Some(label(tenant.config.form_of(application.kind_of_user()).field(key)?, locale)))
        .collect();
    MailKind::ProfileChanged { name: claimed.name(), reference: application.reference.clone(), items }
}

pub(super) fn rejected(prepared: &Prepared) -> MailKind {
    MailKind::Rejected {
        name: prepared.claimed.name(),
        reference: prepared.application.reference.clone(),
        reason: prepared.reason.clone(),
    }
}

pub(super) fn correction(tenant: &Tenant, prepared: &Prepared, url: String, expires_at: Timestamp) -> MailKind {
    let locale = tenant.config.locale([prepared.application.locale.as_str()]);
    let items = tenant
        .config
        .form_of(prepared.application.kind_of_user())
        .fields()
        .filter_map(|field| {
            let note = prepared.notes.get(&field.key)?;
            Some((label(field, locale), note.clone()))
        })
        .collect();
    MailKind::Resubmission {
        name: prepared.claimed.name(),
        reference: prepared.application.reference.clone(),
        reason: prepared.reason.clone(),
        items,
        url,
        expires_at,
    }
}
