//! The review desk: a queue, an application with the evidence beside it, one decision.
//!
//! [`ReviewerOf`] is the proof that somebody may sit here: an active session of an account of *this* tenant with the
//! reviewer's role. [`Service::review`] turns it into the [`Desk`]. Whoever looks at an application or a picture is
//! noted in the audit log first.

mod decide;
mod evidence;
mod undo;

pub use decide::{AccountChoice, BY_DIRECTORY, BY_VERIFIER, DecideError, Decided, DecisionForm, Ruling};
pub(crate) use evidence::Claimed;
pub use evidence::{AccountLike, ApplicationLike, ComparedItem, Resemblance, RosterAnswer, RosterRecord};

use crate::{ActiveSession, DocumentImage, Rendered, Rendition, Service, ServiceError, Source, Tenant};
use decide::stored;
use evidence::{duplicates, is_own};
use madoguchi_domain::{
    TenantSlug, Timestamp,
    account::{Account, StaffRole},
    application::{Application, ApplicationKind, ApplicationState, Decision, Verdict, parse_reference},
    audit::{Action, Actor},
    form::Validated,
    id::{AccountId, ApplicationId, DocumentId},
    japan::{id_key, kana_key, search_key},
};
use madoguchi_store::{
    accounts::AccountWithEnrolments,
    applications::{QueueSearch, Submission},
    documents::Document,
    moves::Move,
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
pub use undo::{UndoError, UndoForm};

/// The proof that somebody reviews applications of one tenant.
#[derive(Debug, Clone)]
pub struct ReviewerOf {
    tenant: TenantSlug,
    account: Account,
}

impl ReviewerOf {
    /// Who.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

/// The desk of a tenant, with a reviewer at it.
pub struct Desk<'a> {
    service: &'a Service,
    tenant: &'a Tenant,
    reviewer: ReviewerOf,
}

/// Which applications the queue shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// In these states; in all when empty.
    pub states: Vec<ApplicationState>,
    /// Of these kinds; of all when empty.
    pub kinds: Vec<ApplicationKind>,
    /// A reference number, name, kana, student ID number, mail address, or part of one.
    pub search: String,
    /// The newest first, instead of the longest waiting.
    pub newest_first: bool,
    /// The page after the one that said so: its [`Queue::next`].
    pub after: Option<(Timestamp, ApplicationId)>,
}

/// A page of the queue, the longest waiting first.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// The applications.
    pub items: Vec<QueueItem>,
    /// How many there are in each state, whatever the filter.
    pub counts: BTreeMap<&'static str, i64>,
    /// Where the next page begins, when there is one.
    pub next: Option<(Timestamp, ApplicationId)>,
}

/// An application in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueItem {
    /// The application.
    pub application: Application,
    /// The name in it.
    pub name: String,
    /// The name in kana.
    pub name_kana: String,
    /// How long it waits since it was last handed in.
    pub age: Duration,
    /// Whether it is the reviewer's own.
    pub own: bool,
}

/// An application with everything beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationView {
    /// As handed in.
    pub application: Application,
    /// Its answers, for typed reading.
    pub answers: Validated,
    /// Its pictures, without their pixels.
    pub documents: Vec<Document>,
    /// What the institution's roster says.
    pub roster: RosterAnswer,
    /// Accounts that may be the same person's.
    pub accounts: Vec<AccountLike>,
    /// Other applications that may be the same person's.
    pub applications: Vec<ApplicationLike>,
    /// What was decided so far, oldest first.
    pub history: Vec<PastDecision>,
    /// Reviewers who approved this version, where two are needed: names and times.
    pub approvals: Vec<(String, Timestamp)>,
    /// Whether it is the reviewer's own: it may be read, not decided.
    pub own: bool,
    /// What was handed in before, oldest first; version 0 is what stood before a change of an account's data.
    pub submissions: Vec<Submission>,
    /// The accounts that it moved, and whether that was taken back.
    pub moves: Vec<Move>,
    /// Who took each of the moves back, as people read it; empty for those that stand.
    pub undone_by: Vec<String>,
    /// The account that applies, where one does.
    pub applicant: Option<AccountWithEnrolments>,
    /// How long it waits since it was last handed in.
    pub age: Duration,
    /// Texts to start from, in the applicant's language.
    pub reasons: Vec<ReasonText>,
}

/// A decision of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct PastDecision {
    /// What was decided.
    pub decision: Decision,
    /// Who it was, as people read it; empty for a decision without a reviewer.
    pub reviewer: String,
}

/// A text that a reason may start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonText {
    /// Stable key.
    pub key: String,
    /// What it is for.
    pub verdict: Verdict,
    /// Short name, in the applicant's language.
    pub title: String,
    /// The text, in the applicant's language.
    pub text: String,
}

/// Applications on a page.
const PAGE: u32 = 50;

impl Service {
    /// The proof that the session's account reviews applications of `tenant`; `None` when it does not. The account is
    /// read anew: a role that was taken away counts no more.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn reviewer(&self, tenant: &Tenant, active: &ActiveSession) -> Result<Option<ReviewerOf>, ServiceError> {
        let account = self.store(tenant).accounts().find(&active.account.id).await?;
        Ok(account
            .filter(|account| account.may_act() && account.staff_roles.contains(&StaffRole::Reviewer))
            .map(|account| ReviewerOf { tenant: tenant.slug.clone(), account }))
    }

    /// The tenant's desk; `None` when the proof is of another tenant.
    pub fn review<'a>(&'a self, tenant: &'a Tenant, reviewer: ReviewerOf) -> Option<Desk<'a>> {
        (reviewer.tenant == tenant.slug).then_some(Desk { service: self, tenant, reviewer })
    }
}

impl Desk<'_> {
    fn actor(&self) -> Actor {
        Actor::Account(self.reviewer.account.id.clone())
    }

    /// A page of the queue.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn queue(&self, filter: &QueueFilter) -> Result<Queue, ServiceError> {
        let store = self.service.store(self.tenant);
        let search: String = filter.search.trim().chars().take(100).collect();
        let search = (!search.is_empty()).then(|| QueueSearch {
            reference: parse_reference(&search).unwrap_or_else(|| search.to_uppercase()),
            name_key: search_key(&search),
            kana_key: kana_key(&search),
            student_id_key: id_key(&search),
            email_key: search.to_lowercase(),
        });
        let stored_filter = madoguchi_store::applications::QueueFilter {
            states: filter.states.clone(),
            kinds: filter.kinds.clone(),
            search,
            newest_first: filter.newest_first,
            after: filter.after.clone(),
            limit: PAGE + 1,
        };
        let mut found = store.applications().queue(&stored_filter).await?;
        let more = found.len() > PAGE as usize;
        found.truncate(PAGE as usize);
        let next = found.last().filter(|_| more).map(|a| (a.submitted_at, a.id.clone()));
        let mut counts: BTreeMap<&'static str, i64> = ApplicationState::ALL.iter().map(|s| (s.as_str(), 0)).collect();
        counts.extend(store.applications().counts().await?.into_iter().map(|(state, n)| (state.as_str(), n)));
        let now = self.service.now();
        let items = found
            .into_iter()
            .map(|application| {
                let claimed = Claimed::of(&stored(&application));
                QueueItem {
                    name: first_answer(&application, &["name", "name_roman", "school_name"]),
                    name_kana: first_answer(&application, &["name_kana", "school_name_kana"]),
                    age: now.since(application.submitted_at),
                    own: is_own(&self.reviewer.account, &application, &claimed.keys),
                    application,
                }
            })
            .collect();
        Ok(Queue { items, counts, next })
    }

    /// An application with the evidence beside it; the look is noted. `None` when there is none of that id here.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]: what cannot be noted is not shown.
    pub async fn open(&self, id: &ApplicationId, source: &Source) -> Result<Option<ApplicationView>, ServiceError> {
        let store = self.service.store(self.tenant);
        let Some(application) = store.applications().find(id).await? else { return Ok(None) };
        let detail = json!({ "reference": application.reference, "version": application.lifecycle.version });
        self.note(Action::ApplicationViewed, id.as_str(), detail, source).await?;

        let answers = stored(&application);
        let claimed = self.service.claimed(self.tenant, &application).await?;
        let documents = store.documents().of_application(id).await?;
        let roster = self.service.ask_roster(self.tenant, &claimed).await;
        let (accounts, applications) = duplicates(&store, &application, &claimed).await?;
        let mut history = Vec::new();
        for decision in store.decisions().of(id).await? {
            let reviewer = self.name_of(&decision.reviewer).await?;
            history.push(PastDecision { decision, reviewer });
        }
        let mut approvals = Vec::new();
        for (reviewer, at) in store.decisions().approvals(id, application.lifecycle.version).await? {
            approvals.push((self.name_of(&reviewer).await?, at));
        }
        let moves = store.moves().of(id).await?;
        let mut undone_by = Vec::new();
        for made in &moves {
            undone_by.push(match &made.undone {
                Some((_, by, _)) => self.name_of(by).await?,
                None => String::new(),
            });
        }
        Ok(Some(ApplicationView {
            applicant: self.applicant(&application).await?,
            undone_by,
            own: is_own(&self.reviewer.account, &application, &claimed.keys),
            submissions: store.applications().submissions(id).await?,
            moves,
            age: self.service.now().since(application.submitted_at),
            reasons: self.reasons(&application),
            answers,
            documents: documents.into_iter().filter(|d| application.documents.values().any(|id| *id == d.id)).collect(),
            roster,
            accounts,
            applications,
            history,
            approvals,
            application,
        }))
    }

    /// The account that applied itself.
    async fn applicant(&self, application: &Application) -> Result<Option<AccountWithEnrolments>, ServiceError> {
        let by_account = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Reapplication => None,
            ApplicationKind::Enrolment | ApplicationKind::ProfileChange => application.account.as_ref(),
        };
        match by_account {
            Some(id) => Ok(self.service.store(self.tenant).accounts().with_enrolments(id).await?),
            None => Ok(None),
        }
    }

    /// A picture of an application that was handed in; the look is noted before it is decrypted. `None` when there is
    /// none, or it was deleted after its time.
    ///
    /// # Errors
    /// [`ServiceError`]; one that was put in another's place does not open.
    pub async fn document(
        &self,
        id: &DocumentId,
        rendition: Rendition,
        source: &Source,
    ) -> Result<Option<DocumentImage>, ServiceError> {
        let Some(document) = self.service.store(self.tenant).documents().find(id).await? else { return Ok(None) };
        let Some(application) = &document.application else { return Ok(None) };
        if document.deleted_at.is_some() {
            return Ok(None);
        }
        let size = match rendition {
            Rendition::Full => "full",
            Rendition::Thumbnail => "thumbnail",
        };
        let detail = json!({ "application": application, "slot": document.slot, "rendition": size });
        self.note(Action::DocumentViewed, id.as_str(), detail, source).await?;
        self.service.open_document(self.tenant, &document, rendition).await
    }

    /// Decides; see [`Ruling`].
    ///
    /// # Errors
    /// [`DecideError`].
    pub async fn decide(&self, form: &DecisionForm, source: &Source) -> Result<Decided, DecideError> {
        self.service.decide_as_reviewer(self.tenant, &self.reviewer, form, source).await
    }

    /// Takes back the match of a reapplication with an account; see [`UndoForm`].
    ///
    /// # Errors
    /// [`UndoError`].
    pub async fn undo(&self, form: &UndoForm, source: &Source) -> Result<(), UndoError> {
        self.service.undo_match(self.tenant, &self.reviewer, form, source).await
    }

    /// The mail that the decision would send, with placeholders for password and link.
    ///
    /// # Errors
    /// [`DecideError`], as the decision itself would give.
    pub async fn preview_mail(&self, form: &DecisionForm) -> Result<Rendered, DecideError> {
        self.service.preview(self.tenant, &self.reviewer, form).await
    }

    async fn note(
        &self,
        action: Action,
        subject: &str,
        detail: serde_json::Value,
        source: &Source,
    ) -> Result<(), ServiceError> {
        let mut tx = self.service.store(self.tenant).begin().await?;
        self.service.record(&mut tx, self.actor(), action, subject, detail, Some(source)).await?;
        self.service.commit(tx).await
    }

    /// What people call a member of staff.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn name_of(&self, id: &AccountId) -> Result<String, ServiceError> {
        if [BY_DIRECTORY, BY_VERIFIER].contains(&id.as_str()) {
            return Ok(String::new());
        }
        let account = self.service.store(self.tenant).accounts().find(id).await?;
        Ok(account.map_or_else(
            || id.as_str().to_owned(),
            |a| if a.profile.name.is_empty() { a.login_id } else { a.profile.name },
        ))
    }

    fn reasons(&self, application: &Application) -> Vec<ReasonText> {
        let locale = self.tenant.config.locale([application.locale.as_str()]);
        self.tenant
            .config
            .reasons
            .iter()
            .map(|reason| ReasonText {
                key: reason.key.clone(),
                verdict: reason.verdict,
                title: reason.title.get(locale).to_owned(),
                text: reason.text.get(locale).to_owned(),
            })
            .collect()
    }
}

/// The first of these that was answered.
fn first_answer(application: &Application, keys: &[&str]) -> String {
    let answers = keys.iter().filter_map(|key| application.answers.get(*key));
    answers.into_iter().find(|answer| !answer.is_empty()).cloned().unwrap_or_default()
}
