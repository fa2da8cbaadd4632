//! The unfinished application: kept on the server from the terms to the submission, so that nothing typed or uploaded
//! is lost by Back, a change of language, an error or a link opened again.
//!
//! A draft belongs to the link that began it and is reached by browser tokens given out for that link. Handing out a
//! token needs a [`LinkOpened`] (or a resubmission link, see [`crate::submission`]); working on a draft needs the
//! [`OpenDraft`] that a token was good for.

use crate::{
    LinkError, LinkOpened, LinkProblem, Origin, Service, ServiceError, Source, Tenant,
    personal::{MAIL_CONFIRM, Standing},
    registration::usable,
};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp, Token,
    application::{ApplicationKind, ApplicationState},
    audit::{Action, Actor},
    form::{Answers, Context, Correction, Field, FieldError, FieldKind, Form, Validated, personal::Change},
    id::{ApplicationId, DraftId},
    japan::id_key,
    one_time::Purpose,
};
use madoguchi_store::{
    StoreError,
    drafts::{Draft, DraftKind},
};
use std::collections::{BTreeMap, BTreeSet};

/// Most characters that are kept of one input; every kind of field accepts fewer.
const LONGEST_INPUT: usize = 4_000;

/// A draft that may be worked on by whoever presented its token.
#[derive(Debug, Clone)]
pub struct OpenDraft {
    pub(crate) draft: Draft,
    pub(crate) origin: Origin,
    pub(crate) correction: Option<CorrectionAsked>,
    /// What it will be, or is a correction of.
    pub(crate) kind: ApplicationKind,
    /// What is asked for.
    pub(crate) form: Form,
    /// What stands, where somebody changes their own data.
    pub(crate) personal: Option<Standing>,
}

/// What a reviewer asked to be corrected.
#[derive(Debug, Clone)]
pub struct CorrectionAsked {
    pub(crate) application: ApplicationId,
    /// The version that was looked at.
    pub(crate) version: i64,
    /// The answers as they were handed in.
    pub(crate) before: Answers,
    /// Reference number of the application.
    pub reference: String,
    /// The reviewer's sentence.
    pub reason: String,
    /// A note for each field to be corrected, by key.
    pub notes: BTreeMap<String, String>,
}

/// What a draft token is good for.
#[derive(Debug, Clone)]
pub enum DraftState {
    /// Work on it.
    Open(Box<OpenDraft>),
    /// It was handed in: the reception page, again.
    Submitted {
        /// Reference number of the application.
        reference: String,
        /// Its confirmed address.
        email: EmailAddress,
        /// When it was handed in last.
        submitted_at: Timestamp,
        /// Whether that was a correction.
        correction: bool,
        /// What it is for.
        kind: ApplicationKind,
        /// The relying party that the applicant came from.
        return_client: Option<String>,
    },
    /// Its time is over, or something ended it: a new link is needed.
    Ended,
}

/// A draft was begun, or found again.
#[derive(Debug)]
pub struct DraftOpened {
    /// The draft.
    pub draft: OpenDraft,
    /// For the browser's cookie.
    pub browser: Token,
}

/// Why terms were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// The tenant's terms are of another version than the one that was agreed to; show them again.
    #[error("the terms have changed")]
    Changed,
    /// The link cannot be used (any more).
    #[error(transparent)]
    Problem(#[from] LinkProblem),
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<LinkError> for TermsError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Problem(problem) => Self::Problem(problem),
            LinkError::Service(error) => Self::Service(error),
        }
    }
}

/// Why a draft was not saved.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// Another window saved it meanwhile.
    #[error("the draft is at another revision")]
    Stale,
    /// It was handed in, or its time is over.
    #[error("the draft is closed")]
    Closed,
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for DraftError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl OpenDraft {
    /// Its name, for logs.
    pub fn id(&self) -> &DraftId {
        &self.draft.id
    }
    /// The confirmed address.
    pub fn email(&self) -> &EmailAddress {
        &self.draft.email
    }
    /// The language that it was last worked on in.
    pub fn locale(&self) -> &Locale {
        &self.draft.locale
    }
    /// What was typed so far.
    pub fn answers(&self) -> &Answers {
        &self.draft.answers
    }
    /// When it was last saved.
    pub fn saved_at(&self) -> Timestamp {
        self.draft.updated_at
    }
    /// Grows with each save.
    pub fn revision(&self) -> i64 {
        self.draft.revision
    }
    /// Until when it is kept.
    pub fn expires_at(&self) -> Timestamp {
        self.draft.expires_at
    }
    /// Where the applicant came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
    /// What is to be corrected, for an application that was handed in before.
    pub fn correction(&self) -> Option<&CorrectionAsked> {
        self.correction.as_ref()
    }
    /// What it will be when it is handed in, or is a correction of.
    pub fn kind(&self) -> ApplicationKind {
        self.kind
    }
    /// What is asked for.
    pub fn form(&self) -> &Form {
        &self.form
    }
    /// What stands, where somebody changes their own data.
    pub fn personal(&self) -> Option<&Standing> {
        self.personal.as_ref()
    }
    /// Whether that field (by key) may be edited: all of a new application, the questioned ones of a correction, those
    /// of one's own data that the tenant lets one change.
    pub fn is_editable(&self, key: &str) -> bool {
        match (&self.correction, &self.personal) {
            (Some(asked), _) => Correction::new(&self.form, asked.notes.keys().map(String::as_str)).is_open(key),
            (None, Some(standing)) => match standing.form.change(key) {
                Change::Free => true,
                Change::WithApproval | Change::Evidence => standing.pending().is_none(),
                Change::Fixed => false,
            },
            (None, None) => self.form.field(key).is_some(),
        }
    }
    /// Where a new mail address is typed among one's own data: kept with the draft, and never an answer.
    fn new_mail_inputs(&self) -> Vec<String> {
        let taken = self.personal.as_ref().is_some_and(|standing| standing.form.takes_mail());
        let fields = self.form.fields().filter(|f| taken && f.kind == FieldKind::ConfirmedEmail);
        fields.flat_map(|f| [f.key.clone(), MAIL_CONFIRM.to_owned()]).collect()
    }
    pub(crate) fn application(&self) -> Option<&ApplicationId> {
        self.correction.as_ref().map(|c| &c.application)
    }
}

impl Service {
    /// Accepts the terms for a link: begins its draft, or finds the one it began before.
    ///
    /// # Errors
    /// [`TermsError`].
    pub async fn accept_terms(
        &self,
        tenant: &Tenant,
        link: &LinkOpened,
        agreed_version: &str,
        source: &Source,
    ) -> Result<DraftOpened, TermsError> {
        let policy = &tenant.config.settings.registration;
        if agreed_version != policy.terms_version {
            return Err(TermsError::Changed);
        }
        let store = self.store(tenant);
        let now = self.now();
        // The proof may be some minutes old.
        usable(&store, Purpose::Registration, &link.token_hash, now).await?;

        let browser = Token::new(self.entropy());
        let mut tx = store.begin().await.map_err(ServiceError::from)?;
        let draft = match tx.drafts().by_link(&link.token_hash).await.map_err(ServiceError::from)? {
            Some(draft) if draft.submitted_at.is_some() => return Err(LinkProblem::Used.into()),
            Some(draft) if draft.expires_at <= now => return Err(LinkProblem::Expired.into()),
            Some(mut draft) => {
                tx.drafts().accept_terms(&draft.id, agreed_version, now).await.map_err(ServiceError::from)?;
                draft.terms = Some((agreed_version.to_owned(), now));
                draft
            }
            None => {
                let draft = Draft {
                    id: DraftId::new(self.entropy()),
                    email: link.email.clone(),
                    link_hash: link.token_hash.clone(),
                    application: None,
                    kind: DraftKind::Registration,
                    account: None,
                    locale: link.locale.clone(),
                    answers: Answers::new(),
                    terms: Some((agreed_version.to_owned(), now)),
                    interaction: Some(serde_json::to_value(&link.origin).map_err(ServiceError::bug)?),
                    revision: 0,
                    created_at: now,
                    updated_at: now,
                    expires_at: now + policy.draft_lifetime.duration(),
                    submitted_at: None,
                };
                tx.drafts().insert(&draft).await.map_err(ServiceError::from)?;
                draft
            }
        };
        tx.drafts().add_browser(&browser.hash(), &draft.id, draft.expires_at).await.map_err(ServiceError::from)?;
        let detail = serde_json::json!({ "version": agreed_version });
        self.record(&mut tx, Actor::Visitor, Action::TermsAccepted, draft.id.as_str(), detail, Some(source)).await?;
        self.commit(tx).await?;
        match self.open_draft(tenant, draft).await? {
            DraftState::Open(draft) => Ok(DraftOpened { draft: *draft, browser }),
            DraftState::Submitted { .. } => Err(LinkProblem::Used.into()),
            DraftState::Ended => Err(LinkProblem::Expired.into()),
        }
    }

    /// What a browser's draft token is good for; `None` when it is nobody's.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn draft_for_browser(&self, tenant: &Tenant, token: &Token) -> Result<Option<DraftState>, ServiceError> {
        let found = self.store(tenant).drafts().by_browser(&token.hash(), self.now()).await?;
        match found {
            None => Ok(None),
            Some(draft) => self.open_draft(tenant, draft).await.map(Some),
        }
    }

    pub(crate) async fn open_draft(&self, tenant: &Tenant, draft: Draft) -> Result<DraftState, ServiceError> {
        let store = self.store(tenant);
        let application = match &draft.application {
            Some(id) => store.applications().find(id).await?,
            None => None,
        };
        if draft.submitted_at.is_some() {
            return Ok(match application {
                Some(a) => DraftState::Submitted {
                    correction: draft.kind == DraftKind::Correction,
                    kind: a.kind,
                    submitted_at: a.submitted_at,
                    reference: a.reference,
                    email: a.email,
                    return_client: a.return_client,
                },
                None => DraftState::Ended,
            });
        }
        if draft.expires_at <= self.now() {
            return Ok(DraftState::Ended);
        }
        let origin = match draft.interaction.clone() {
            Some(origin) => serde_json::from_value(origin).map_err(ServiceError::bug)?,
            None => Origin::default(),
        };
        let Some(application) = application else {
            return match draft.application {
                Some(_) => Ok(DraftState::Ended),
                None => self.open_first_draft(tenant, draft, origin).await,
            };
        };
        if application.lifecycle.state != ApplicationState::CorrectionRequested {
            return Ok(DraftState::Ended);
        }
        let version = application.lifecycle.version;
        let decisions = store.decisions().of(&application.id).await?;
        let Some(asked) = decisions.into_iter().find(|d| d.version == version) else {
            return Ok(DraftState::Ended);
        };
        let correction = CorrectionAsked {
            application: application.id,
            version,
            before: application.answers,
            reference: application.reference,
            reason: asked.reason,
            notes: asked.notes,
        };
        let kind = application.kind;
        let form = tenant.config.form_for(kind, &origin.kind_of_user);
        let open = OpenDraft { draft, origin, correction: Some(correction), kind, form, personal: None };
        Ok(DraftState::Open(Box::new(open)))
    }

    /// A draft of something that was never handed in.
    async fn open_first_draft(
        &self,
        tenant: &Tenant,
        draft: Draft,
        origin: Origin,
    ) -> Result<DraftState, ServiceError> {
        let kind = match draft.kind {
            DraftKind::Registration => ApplicationKind::of_answers(&draft.answers),
            DraftKind::Enrolment => ApplicationKind::Enrolment,
            DraftKind::ProfileChange => {
                let account = match &draft.account {
                    Some(id) => self.store(tenant).accounts().find(id).await?,
                    None => None,
                };
                let Some(account) = account else { return Ok(DraftState::Ended) };
                return Ok(DraftState::Open(Box::new(self.personal_draft(tenant, &account, draft))));
            }
            // of an application that is gone
            DraftKind::Correction => return Ok(DraftState::Ended),
        };
        let form = tenant.config.form_for(kind, &origin.kind_of_user);
        let open = OpenDraft { draft, origin, correction: None, kind, form, personal: None };
        Ok(DraftState::Open(Box::new(open)))
    }

    /// Keeps what was typed, right or wrong: inputs that the form has and that may be edited; each up to a bound.
    /// Inputs that were not sent keep what they had. With `revision`, only if nobody saved since.
    ///
    /// # Errors
    /// [`DraftError`].
    pub async fn save_draft(
        &self,
        tenant: &Tenant,
        open: OpenDraft,
        typed: &Answers,
        locale: &Locale,
        revision: Option<i64>,
    ) -> Result<OpenDraft, DraftError> {
        if revision.is_some_and(|seen| seen != open.draft.revision) {
            return Err(DraftError::Stale);
        }
        let mut open = open;
        let editable = |field: &&Field| takes_text(field) && open.is_editable(&field.key);
        let inputs: Vec<String> = open.form.fields().filter(editable).flat_map(Field::inputs).collect();
        for input in inputs.into_iter().chain(open.new_mail_inputs()) {
            if let Some(text) = typed.get(&input) {
                let kept = text.chars().filter(|c| *c != '\0').take(LONGEST_INPUT).collect();
                open.draft.answers.insert(input, kept);
            }
        }
        if open.draft.kind == DraftKind::Registration {
            open.kind = ApplicationKind::of_answers(&open.draft.answers);
        }
        open.draft.locale = locale.clone();
        open.draft.updated_at = self.now();
        let store = self.store(tenant);
        let mut tx = store.begin().await?;
        let draft = &open.draft;
        match tx.drafts().save(&draft.id, draft.revision, &draft.answers, draft.updated_at).await {
            Ok(revision) => {
                tx.drafts().set_locale(&draft.id, locale).await?;
                tx.commit().await?;
                open.draft.revision = revision;
                return Ok(open);
            }
            Err(StoreError::Conflict) => drop(tx),
            Err(error) => return Err(error.into()),
        }
        let stands = store.drafts().find(&open.draft.id).await?;
        match stands {
            Some(draft) if draft.submitted_at.is_none() => Err(DraftError::Stale),
            Some(_) | None => Err(DraftError::Closed),
        }
    }

    /// Holds a draft against the form. Errors stand in the form's order.
    ///
    /// # Errors
    /// [`ServiceError`]; what is wrong with the answers is the inner result.
    pub async fn check_draft(
        &self,
        tenant: &Tenant,
        open: &OpenDraft,
    ) -> Result<Result<Validated, Vec<FieldError>>, ServiceError> {
        let documents = self.store(tenant).documents().of_draft(&open.draft.id).await?;
        let slots: BTreeSet<String> = documents.into_iter().map(|d| d.slot).collect();
        let checked = validate(tenant, open, &slots, self.now());
        match (&checked, &open.draft.account) {
            (Ok(validated), Some(account)) if open.kind == ApplicationKind::Enrolment => {
                let wanted = validated.search_keys().student_id_key;
                let known = self.store(tenant).enrolments().of(account).await?;
                if !wanted.is_empty() && known.iter().any(|e| id_key(&e.student_id) == wanted) {
                    return Ok(Err(vec![FieldError::at("student_id", "student_id.known")]));
                }
            }
            (Ok(_) | Err(_), _) => {}
        }
        Ok(checked)
    }
}

/// The draft's answers, with these image fields filled, against the tenant's form.
pub(crate) fn validate(
    tenant: &Tenant,
    open: &OpenDraft,
    slots: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Validated, Vec<FieldError>> {
    let (form, answers) = (&open.form, &open.draft.answers);
    let context = context(tenant, open, slots, now);
    match (&open.correction, &open.personal) {
        (Some(asked), _) => {
            Correction::new(form, asked.notes.keys().map(String::as_str)).validate(&asked.before, answers, &context)
        }
        (None, Some(standing)) => {
            let changes = standing.form.examine(&standing.before, answers, &context)?;
            Ok(Validated::stored(changes.answers, ""))
        }
        (None, None) => form.validate(answers, &context),
    }
}

/// What a draft's answers are checked against.
pub(crate) fn context<'a>(
    tenant: &'a Tenant,
    open: &'a OpenDraft,
    slots: &'a BTreeSet<String>,
    now: Timestamp,
) -> Context<'a> {
    Context {
        affiliations: &tenant.config.affiliations,
        today: tenant.config.settings.today(now),
        confirmed_email: &open.draft.email,
        documents: slots,
        kind_of_user: &open.origin.kind_of_user,
    }
}

fn takes_text(field: &Field) -> bool {
    match field.kind {
        FieldKind::Image | FieldKind::ConfirmedEmail => false,
        FieldKind::Text
        | FieldKind::Textarea
        | FieldKind::Name
        | FieldKind::Kana
        | FieldKind::Roman
        | FieldKind::Date
        | FieldKind::YearMonth
        | FieldKind::Choice
        | FieldKind::Affiliation
        | FieldKind::StudentId
        | FieldKind::PostalCode
        | FieldKind::Prefecture
        | FieldKind::Phone
        | FieldKind::ResidenceCard => true,
    }
}
