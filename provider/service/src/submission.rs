//! Handing in: the moment a draft becomes an application, once, however often the button is pressed; and the same
//! again for a correction that a reviewer asked for.

use crate::{
    DraftOpened, DraftState, LinkError, LinkProblem, OpenDraft, Origin, Service, ServiceError, Source, Tenant,
    Unconfirmed, accounts::person_keys, drafts::CorrectionAsked, registration::usable,
};
use madoguchi_domain::{
    EmailAddress, Timestamp, Token, TokenHash,
    application::{Application, ApplicationKind, ApplicationState, KIND_OF_USER, Lifecycle, new_reference},
    audit::{Action, Actor},
    form::{FieldError, SearchKeys, Validated},
    id::{ApplicationId, DraftId},
    mail::MailKind,
    one_time::Purpose,
    tenant::Approval,
};
use madoguchi_store::{
    Retryable, StoreError, Tx,
    drafts::{Draft, DraftKind},
    retry,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// An application was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// Which.
    pub application: ApplicationId,
    /// Its reference number.
    pub reference: String,
    /// The address that the result goes to.
    pub email: EmailAddress,
    /// Working days until the result.
    pub expected_days: u32,
    /// Whether it had been handed in before: this is the first press's result again.
    pub repeated: bool,
}

/// Why an application was not handed in.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Something is missing or wrong, in the form's order.
    #[error("the answers are not complete")]
    Invalid(Vec<FieldError>),
    /// The outside authority that the tenant asks has no such person. It does not say which answer differed, and
    /// nobody else may: all items are to be marked. The draft stays as it is.
    #[error("the answers do not match the records: {code}")]
    NotMatched {
        /// Stable code of the message, `error.verification.{code}`.
        code: String,
    },
    /// That authority cannot tell now, or was asked too often for this draft. The draft stays as it is.
    #[error("the answers cannot be held against the records now")]
    NotVerifiable {
        /// When to come again.
        retry_after: Duration,
    },
    /// The account has applied for this already, and that is not decided.
    #[error("an application of this kind waits already: {reference}")]
    AlreadyPending {
        /// Its reference number.
        reference: String,
    },
    /// It was changed in another window meanwhile; show the check page again.
    #[error("the draft was changed meanwhile")]
    Stale,
    /// Its time is over, or the correction is no longer wanted.
    #[error("the draft is closed")]
    Closed,
    /// It could not be carried out; nothing was kept.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Retryable for SubmitError {
    fn is_busy(&self) -> bool {
        match self {
            Self::Service(error) => error.is_busy(),
            Self::Invalid(_)
            | Self::NotMatched { .. }
            | Self::NotVerifiable { .. }
            | Self::AlreadyPending { .. }
            | Self::Stale
            | Self::Closed => false,
        }
    }
}

impl From<Unconfirmed> for SubmitError {
    fn from(unconfirmed: Unconfirmed) -> Self {
        match unconfirmed {
            Unconfirmed::NotMatched { code } => Self::NotMatched { code },
            Unconfirmed::NotVerifiable { retry_after } => Self::NotVerifiable { retry_after },
        }
    }
}

impl From<StoreError> for SubmitError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// The proof that somebody holds a usable link to correct an application.
#[derive(Debug, Clone)]
pub struct ResubmissionLink {
    token_hash: TokenHash,
    application: Application,
    expires_at: Timestamp,
}

impl ResubmissionLink {
    /// Reference number of the application.
    pub fn reference(&self) -> &str {
        &self.application.reference
    }
    /// The language of its mails.
    pub fn locale(&self) -> &madoguchi_domain::Locale {
        &self.application.locale
    }
    /// Until when it can be opened.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

enum Attempt {
    Done(Submitted),
    /// The reference number was taken: try another.
    ReferenceTaken,
    /// The draft is not as it was read.
    Changed,
}

impl Service {
    /// Hands a draft in: everything is checked once more, then application, documents, mail and log are written
    /// together. Pressed twice, the second press gets the first one's result.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, tenant: &Tenant, open: OpenDraft, source: &Source) -> Result<Submitted, SubmitError> {
        let documents = self.store(tenant).documents().of_draft(&open.draft.id).await?;
        let slots: BTreeSet<String> = documents.into_iter().map(|d| d.slot).collect();
        let validated = match self.check_draft(tenant, &open).await? {
            Ok(validated) => validated,
            // The first press may have taken the documents along.
            Err(errors) => return self.submitted_before(tenant, &open.draft.id, SubmitError::Invalid(errors)).await,
        };
        let by_account = open.draft.account.is_some();
        if !by_account && let Err(refused) = self.ask_verifier(tenant, &open.draft.id, &validated).await? {
            return self.submitted_before(tenant, &open.draft.id, refused.into()).await;
        }
        for _ in 0..4 {
            match retry(|| self.try_submit(tenant, &open, &validated, &slots, source)).await? {
                Attempt::Done(submitted) => {
                    if open.correction.is_none() {
                        self.approve_if_certain(tenant, &submitted.application, &validated.kind_of_user).await;
                    }
                    return Ok(submitted);
                }
                Attempt::ReferenceTaken => {}
                Attempt::Changed => return self.submitted_before(tenant, &open.draft.id, SubmitError::Stale).await,
            }
        }
        Err(ServiceError::bug("no free reference number was found").into())
    }

    /// The result of an earlier press, or else what went wrong.
    async fn submitted_before(
        &self,
        tenant: &Tenant,
        draft: &DraftId,
        otherwise: SubmitError,
    ) -> Result<Submitted, SubmitError> {
        let store = self.store(tenant);
        let Some(draft) = store.drafts().find(draft).await? else { return Err(SubmitError::Closed) };
        let (Some(id), Some(_)) = (&draft.application, draft.submitted_at) else {
            return Err(if draft.expires_at <= self.now() { SubmitError::Closed } else { otherwise });
        };
        let application = store.applications().find(id).await?.ok_or(SubmitError::Closed)?;
        Ok(submitted(tenant, &application, true))
    }

    async fn try_submit(
        &self,
        tenant: &Tenant,
        open: &OpenDraft,
        validated: &Validated,
        slots: &BTreeSet<String>,
        source: &Source,
    ) -> Result<Attempt, SubmitError> {
        let now = self.now();
        let draft = &open.draft;
        let mut tx = self.store(tenant).begin().await?;
        let id = match open.application() {
            Some(id) => id.clone(),
            None => ApplicationId::new(self.entropy()),
        };
        // The first to change this row is the one who hands in.
        if !tx.drafts().submit(&draft.id, draft.revision, Some(&id), now).await? {
            return Ok(Attempt::Changed);
        }
        let documents = tx.documents().of_draft(&draft.id).await?;
        if documents.iter().map(|d| d.slot.clone()).collect::<BTreeSet<_>>() != *slots {
            return Ok(Attempt::Changed);
        }
        let documents: BTreeMap<_, _> = documents.into_iter().map(|d| (d.slot, d.id)).collect();
        let mut answers = validated.answers.clone();
        if !validated.kind_of_user.is_empty() {
            answers.insert(KIND_OF_USER.into(), validated.kind_of_user.clone());
        }
        let application = match &open.correction {
            None => {
                let application = Application {
                    id,
                    reference: new_reference(self.entropy()),
                    kind: open.kind,
                    lifecycle: Lifecycle::submitted(),
                    email: draft.email.clone(),
                    locale: draft.locale.clone(),
                    answers,
                    documents,
                    account: draft.account.clone(),
                    return_client: open.origin.return_client.clone(),
                    terms: draft.terms.clone().unwrap_or_else(|| (String::new(), now)),
                    created_at: now,
                    submitted_at: now,
                    decided_at: None,
                };
                let keys = self.keys_of(&mut tx, &application, validated).await?;
                match tx.applications().insert(&application, &keys).await {
                    Ok(()) => application,
                    Err(StoreError::Conflict) => return self.pending_instead(&mut tx, &application).await,
                    Err(error) => return Err(error.into()),
                }
            }
            Some(asked) => match self.resubmit(&mut tx, open, asked, validated, answers, documents).await? {
                Some(application) => application,
                None => return Err(SubmitError::Closed),
            },
        };
        tx.documents().adopt(&draft.id, &application.id, now).await?;
        let purpose = match draft.kind {
            DraftKind::Registration => Some(Purpose::Registration),
            DraftKind::Correction => Some(Purpose::Resubmission),
            DraftKind::Enrolment => Some(Purpose::Enrolment),
            DraftKind::ProfileChange => None,
        };
        // A link that expired while the form was filled in is over either way.
        if let Some(purpose) = purpose {
            tx.one_time().consume(purpose, &draft.link_hash, now).await?;
        }
        let mail = MailKind::ApplicationReceived {
            reference: application.reference.clone(),
            expected_days: tenant.config.settings.registration.expected_days,
            expected_on: tenant.config.settings.expected_on(now).to_string(),
        };
        self.enqueue_mail(&mut tx, tenant, &application.email, &application.locale, mail).await?;
        let detail = serde_json::json!({
            "reference": application.reference, "kind": application.kind.as_str(),
            "version": application.lifecycle.version,
        });
        let subject = application.id.as_str();
        let actor = draft.account.clone().map_or(Actor::Visitor, Actor::Account);
        self.record(&mut tx, actor, Action::ApplicationSubmitted, subject, detail, Some(source)).await?;
        self.commit(tx).await?;
        Ok(Attempt::Done(submitted(tenant, &application, false)))
    }

    /// What an application is searched by: an account's own by what is known of its person.
    async fn keys_of(
        &self,
        tx: &mut Tx,
        application: &Application,
        validated: &Validated,
    ) -> Result<SearchKeys, StoreError> {
        let own = validated.search_keys();
        let by_account = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => None,
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => application.account.as_ref(),
        };
        let account = match by_account {
            Some(id) => tx.accounts().find(id).await?,
            None => None,
        };
        let Some(account) = account else { return Ok(own) };
        let known = person_keys(&account.profile);
        let or = |own: String, known: String| if own.is_empty() { known } else { own };
        Ok(SearchKeys {
            name_key: or(own.name_key, known.name_key),
            kana_key: or(own.kana_key, known.kana_key),
            birth_date: or(own.birth_date, known.birth_date),
            student_id_key: own.student_id_key,
        })
    }

    /// Why a row was not taken: another application of the kind waits, or the reference number was in use.
    async fn pending_instead(&self, tx: &mut Tx, application: &Application) -> Result<Attempt, SubmitError> {
        let Some(account) = &application.account else { return Ok(Attempt::ReferenceTaken) };
        match tx.applications().pending(account, application.kind).await? {
            Some(pending) => Err(SubmitError::AlreadyPending { reference: pending.reference }),
            None => Ok(Attempt::ReferenceTaken),
        }
    }

    async fn resubmit(
        &self,
        tx: &mut Tx,
        open: &OpenDraft,
        asked: &CorrectionAsked,
        validated: &Validated,
        answers: madoguchi_domain::form::Answers,
        documents: BTreeMap<String, madoguchi_domain::id::DocumentId>,
    ) -> Result<Option<Application>, SubmitError> {
        let Some(mut application) = tx.applications().find(&asked.application).await? else { return Ok(None) };
        if application.lifecycle.version != asked.version {
            return Ok(None);
        }
        let Ok(next) = application.lifecycle.clone().resubmit() else { return Ok(None) };
        application.lifecycle = next;
        application.kind = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => ApplicationKind::of_answers(&answers),
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => application.kind,
        };
        application.answers = answers;
        application.documents = documents;
        application.locale = open.draft.locale.clone();
        application.submitted_at = self.now();
        let keys = self.keys_of(tx, &application, validated).await?;
        match tx.applications().resubmit(asked.version, &application, &keys).await {
            Ok(_) => Ok(Some(application)),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Approves without a reviewer where the tenant wants that, and the directory or the outside authority leaves no
    /// doubt. Whatever is in the way, the application stays in the queue.
    async fn approve_if_certain(&self, tenant: &Tenant, id: &ApplicationId, kind: &str) {
        let settings = &tenant.config.settings;
        let approved = match settings.approval_of(kind) {
            Approval::AutomaticWhenDirectoryMatches => self.approve_by_directory(tenant, id).await,
            Approval::AutomaticWhenVerified if settings.verifies(kind) => self.approve_by_verifier(tenant, id).await,
            Approval::AutomaticWhenVerified | Approval::Required | Approval::TwoReviewers => return,
        };
        if let Err(error) = approved {
            tracing::warn!(tenant = %tenant.slug, application = %id, %error, "not approved without a reviewer");
        }
    }

    /// Looks at a link to correct an application. Changes nothing.
    ///
    /// # Errors
    /// [`LinkError`]; a link to an application that was decided otherwise is [`LinkProblem::Superseded`].
    pub async fn open_resubmission(&self, tenant: &Tenant, token: &Token) -> Result<ResubmissionLink, LinkError> {
        let store = self.store(tenant);
        let token_hash = token.hash();
        let link = usable(&store, Purpose::Resubmission, &token_hash, self.now()).await?;
        let id = ApplicationId::known(link.subject);
        let application = store.applications().find(&id).await.map_err(ServiceError::from)?;
        let application = application.ok_or(LinkProblem::Unknown)?;
        let asked = link.payload.get("version").and_then(serde_json::Value::as_i64);
        let waits = application.lifecycle.state == ApplicationState::CorrectionRequested;
        if !waits || asked != Some(application.lifecycle.version) {
            return Err(LinkProblem::Superseded.into());
        }
        Ok(ResubmissionLink { token_hash, application, expires_at: link.expires_at })
    }

    /// Opens an application's form again, filled in as it was handed in; the same draft each time for one link.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn begin_resubmission(&self, tenant: &Tenant, link: &ResubmissionLink) -> Result<DraftOpened, LinkError> {
        let store = self.store(tenant);
        let now = self.now();
        let application = &link.application;
        usable(&store, Purpose::Resubmission, &link.token_hash, now).await?;
        let browser = Token::new(self.entropy());

        let mut tx = store.begin().await.map_err(ServiceError::from)?;
        let draft = match tx.drafts().by_link(&link.token_hash).await.map_err(ServiceError::from)? {
            Some(draft) => draft,
            None => {
                let origin = Origin {
                    return_client: application.return_client.clone(),
                    interaction: None,
                    kind_of_user: application.kind_of_user().to_owned(),
                };
                let longest = now + tenant.config.settings.registration.draft_lifetime.duration();
                let draft = Draft {
                    id: DraftId::new(self.entropy()),
                    email: application.email.clone(),
                    link_hash: link.token_hash.clone(),
                    application: Some(application.id.clone()),
                    kind: DraftKind::Correction,
                    account: application.account.clone(),
                    locale: application.locale.clone(),
                    answers: application.answers.clone(),
                    terms: Some(application.terms.clone()),
                    interaction: Some(serde_json::to_value(&origin).map_err(ServiceError::bug)?),
                    revision: 0,
                    created_at: now,
                    updated_at: now,
                    expires_at: longest.max(link.expires_at),
                    submitted_at: None,
                };
                tx.drafts().insert(&draft).await.map_err(ServiceError::from)?;
                tx.documents().lend(&application.id, &draft.id).await.map_err(ServiceError::from)?;
                draft
            }
        };
        tx.drafts().add_browser(&browser.hash(), &draft.id, draft.expires_at).await.map_err(ServiceError::from)?;
        self.commit(tx).await?;
        match self.open_draft(tenant, draft).await? {
            DraftState::Open(draft) => Ok(DraftOpened { draft: *draft, browser }),
            DraftState::Submitted { .. } => Err(LinkProblem::Used.into()),
            DraftState::Ended => Err(LinkProblem::Expired.into()),
        }
    }
}

fn submitted(tenant: &Tenant, application: &Application, repeated: bool) -> Submitted {
    Submitted {
        application: application.id.clone(),
        reference: application.reference.clone(),
        email: application.email.clone(),
        expected_days: tenant.config.settings.registration.expected_days,
        repeated,
    }
}
