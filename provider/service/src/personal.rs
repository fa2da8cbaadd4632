//! Personal settings: people change what the tenant lets them change of themselves.
//!
//! What is typed is kept in a draft, as with applications; the session is the key to it. Free fields change when it is
//! handed in. Those with approval become an application with what stood before beside it; until that is decided the
//! account says what it said, but the facts in question count as verified no more.

use crate::{
    OpenDraft, Origin, Service, ServiceError, Source, SubmitError, Tenant, accounts::person_keys, drafts::context,
};
use madoguchi_domain::{
    Token, TokenHash,
    account::{Account, Profile},
    application::{Application, ApplicationKind, KIND_OF_USER, Lifecycle, new_reference},
    audit::{Action, Actor},
    form::{
        Answers, Context,
        personal::{self, PersonalChanges, PersonalForm},
    },
    id::{ApplicationId, DraftId},
    mail::MailKind,
    tenant::ChangeManner,
};
use madoguchi_store::{
    StoreError, Tx,
    drafts::{Draft, DraftKind},
    retry,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Input of a new mail address typed again, beside the form's field of the confirmed address.
pub const MAIL_CONFIRM: &str = "mail_confirm";

/// What stands of somebody who changes their own data.
#[derive(Debug, Clone)]
pub struct Standing {
    pub(crate) form: PersonalForm,
    pub(crate) before: Answers,
    pub(crate) profile: Profile,
    /// Names what stands; another value means that it changed.
    pub(crate) seen: String,
    /// Reference number of a change that is not decided: no other with approval meanwhile.
    pending: Option<String>,
    /// Whether there is a draft in the database.
    stored: bool,
}

impl Standing {
    /// Which fields there are, and how each may be changed.
    pub fn form(&self) -> &PersonalForm {
        &self.form
    }
    /// What stands, as answers of the form.
    pub fn before(&self) -> &Answers {
        &self.before
    }
    /// Names what stands; tells whether that changed meanwhile.
    pub fn seen(&self) -> &str {
        &self.seen
    }
    /// Reference number of a change that waits for a decision.
    pub fn pending(&self) -> Option<&str> {
        self.pending.as_deref()
    }
    /// Whether a fact is verified now.
    pub fn is_verified(&self, key: &str) -> bool {
        self.profile.verified(key).is_some()
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileChanged {
    /// Whether anything changed at once.
    pub at_once: bool,
    /// Reference number of the application, where something needs approval.
    pub reference: Option<String>,
}

enum Attempt {
    Done(ProfileChanged),
    /// The reference number was taken: try another.
    ReferenceTaken,
    /// The draft is not as it was read.
    Closed,
}

impl Service {
    /// The change that the account has not yet handed in, or the beginning of one. Writes nothing.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn profile_form(&self, tenant: &Tenant, account: &Account) -> Result<OpenDraft, ServiceError> {
        let store = self.store(tenant);
        // what the session read may be old
        let account = store.accounts().find(&account.id).await?.unwrap_or_else(|| account.clone());
        let found = store.drafts().open_of_account(&account.id, DraftKind::ProfileChange, self.now()).await?;
        let seen = digest(&account.profile);
        let pending = store.applications().pending(&account.id, ApplicationKind::ProfileChange).await?;
        let mut open = match found.filter(|draft| seen_of(draft) == Some(seen.as_str())) {
            Some(draft) => self.personal_draft(tenant, &account, draft),
            None => {
                let mut open = self.personal_draft(tenant, &account, self.new_personal_draft(tenant, &account, &seen));
                if let Some(standing) = &mut open.personal {
                    standing.stored = false;
                }
                open
            }
        };
        if let Some(standing) = &mut open.personal {
            standing.pending = pending.map(|a| a.reference);
        }
        Ok(open)
    }

    /// The same to be written to: writes down the beginning of a change. Other drafts pass through.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn begin_profile_change(&self, tenant: &Tenant, mut open: OpenDraft) -> Result<OpenDraft, ServiceError> {
        let (Some(standing), Some(account)) = (&mut open.personal, &open.draft.account) else { return Ok(open) };
        if !standing.stored {
            let now = self.now();
            let mut tx = self.store(tenant).begin().await?;
            tx.drafts().end_of_account(account, DraftKind::ProfileChange, now).await?;
            tx.drafts().insert(&open.draft).await?;
            tx.commit().await?;
            standing.stored = true;
        }
        Ok(open)
    }

    fn new_personal_draft(&self, tenant: &Tenant, account: &Account, seen: &str) -> Draft {
        let now = self.now();
        let policy = &tenant.config.settings;
        Draft {
            id: DraftId::new(self.entropy()),
            email: account.email.clone(),
            // no link leads here
            link_hash: Token::new(self.entropy()).hash(),
            application: None,
            kind: DraftKind::ProfileChange,
            account: Some(account.id.clone()),
            locale: account.locale.clone(),
            answers: match policy.self_service.manner {
                ChangeManner::Edit => personal::answers_of(&account.profile),
                ChangeManner::FillIn => Answers::new(),
            },
            terms: None,
            interaction: Some(json!({ "seen": seen })),
            revision: 0,
            created_at: now,
            updated_at: now,
            expires_at: now + policy.registration.draft_lifetime.duration(),
            submitted_at: None,
        }
    }

    /// A draft beside what stands.
    pub(crate) fn personal_draft(&self, tenant: &Tenant, account: &Account, draft: Draft) -> OpenDraft {
        let form = tenant.config.personal(&account.profile.kind_of_user);
        let before = personal::answers_of(&account.profile);
        let none = BTreeSet::new();
        let context = Context {
            affiliations: &tenant.config.affiliations,
            today: tenant.config.settings.today(self.now()),
            confirmed_email: &account.email,
            documents: &none,
            kind_of_user: "",
        };
        let wanted = form.wants_approval(&before, &draft.answers, &context);
        let shown = if wanted { form.form().clone() } else { form.without_evidence() };
        let seen = seen_of(&draft).unwrap_or_default().to_owned();
        let profile = account.profile.clone();
        let standing = Standing { form, before, profile, seen, pending: None, stored: true };
        OpenDraft {
            draft: Draft { email: account.email.clone(), ..draft },
            origin: Origin::default(),
            correction: None,
            kind: ApplicationKind::ProfileChange,
            form: shown,
            personal: Some(standing),
        }
    }

    /// What a draft would change.
    ///
    /// # Errors
    /// [`SubmitError::Invalid`], [`SubmitError::Service`].
    pub async fn profile_changes(&self, tenant: &Tenant, open: &OpenDraft) -> Result<PersonalChanges, SubmitError> {
        let Some(standing) = &open.personal else { return Err(SubmitError::Closed) };
        let documents = self.store(tenant).documents().of_draft(&open.draft.id).await?;
        let slots: BTreeSet<String> = documents.into_iter().map(|d| d.slot).collect();
        let context = context(tenant, open, &slots, self.now());
        standing.form.examine(&standing.before, &open.draft.answers, &context).map_err(SubmitError::Invalid)
    }

    /// Hands a change in, once: pressed twice, the second press gets the first one's result.
    ///
    /// # Errors
    /// [`SubmitError`]; `Stale` when another window or a decision changed what stands meanwhile.
    pub async fn change_profile(
        &self,
        tenant: &Tenant,
        open: OpenDraft,
        source: &Source,
    ) -> Result<ProfileChanged, SubmitError> {
        let changes = self.profile_changes(tenant, &open).await?;
        if changes.is_empty() {
            return Ok(ProfileChanged { at_once: false, reference: None });
        }
        for _ in 0..4 {
            match retry(|| self.try_change(tenant, &open, &changes, source)).await? {
                Attempt::Done(changed) => return Ok(changed),
                Attempt::ReferenceTaken => {}
                Attempt::Closed => return self.changed_before(tenant, &open).await,
            }
        }
        Err(ServiceError::bug("no free reference number was found").into())
    }

    /// What an earlier press did, if one did.
    ///
    /// # Errors
    /// [`SubmitError::Stale`], [`SubmitError::Service`].
    async fn changed_before(&self, tenant: &Tenant, open: &OpenDraft) -> Result<ProfileChanged, SubmitError> {
        let store = self.store(tenant);
        let draft = store.drafts().find(&open.draft.id).await?.filter(|d| d.submitted_at.is_some());
        let Some(draft) = draft else { return Err(SubmitError::Stale) };
        let application = match &draft.application {
            Some(id) => store.applications().find(id).await?,
            None => None,
        };
        Ok(ProfileChanged { at_once: application.is_none(), reference: application.map(|a| a.reference) })
    }

    async fn try_change(
        &self,
        tenant: &Tenant,
        open: &OpenDraft,
        changes: &PersonalChanges,
        source: &Source,
    ) -> Result<Attempt, SubmitError> {
        let (Some(standing), Some(id)) = (&open.personal, &open.draft.account) else { return Err(SubmitError::Closed) };
        let now = self.now();
        let draft = &open.draft;
        let application = (!changes.with_approval.is_empty()).then(|| ApplicationId::new(self.entropy()));
        let mut tx = self.store(tenant).begin().await?;
        if !tx.drafts().submit(&draft.id, draft.revision, application.as_ref(), now).await? {
            return Ok(Attempt::Closed);
        }
        let account = tx.accounts().hold(id, now).await?.ok_or(SubmitError::Closed)?;
        if digest(&account.profile) != standing.seen {
            return Err(SubmitError::Stale);
        }
        let form = tenant.config.form_of(&account.profile.kind_of_user);
        let mut profile = personal::with_answers(&account.profile, form, &changes.free, &changes.answers);
        let mut reference = None;
        if let Some(application) = application {
            let handed_in = self.application_for_change(tenant, &mut tx, open, &account, changes, application).await?;
            let mut keys = person_keys(&account.profile);
            let wanted = person_keys(&personal::with_answers(&profile, form, &changes.with_approval, &changes.answers));
            keys.name_key = wanted.name_key;
            keys.kana_key = wanted.kana_key;
            match tx.applications().insert(&handed_in, &keys).await {
                Ok(()) => {}
                Err(StoreError::Conflict) => {
                    let kind = ApplicationKind::ProfileChange;
                    return match tx.applications().pending(&account.id, kind).await? {
                        Some(pending) => Err(SubmitError::AlreadyPending { reference: pending.reference }),
                        None => Ok(Attempt::ReferenceTaken),
                    };
                }
                Err(error) => return Err(error.into()),
            }
            self.announce_change(&mut tx, tenant, &handed_in, &standing.before, source).await?;
            profile.suspend(changes.with_approval.iter().map(String::as_str), &handed_in.id);
            reference = Some(handed_in.reference);
        }
        tx.accounts().set_profile(&account.id, &profile, &person_keys(&profile), now).await?;
        if !changes.free.is_empty() {
            let detail = json!({ "fields": changes.free });
            let actor = Actor::Account(account.id.clone());
            let subject = account.id.as_str();
            self.record(&mut tx, actor, Action::ProfileChanged, subject, detail, Some(source)).await?;
        }
        self.commit(tx).await?;
        Ok(Attempt::Done(ProfileChanged { at_once: !changes.free.is_empty(), reference }))
    }

    /// The application that a change with approval makes; the draft's images become its own.
    async fn application_for_change(
        &self,
        tenant: &Tenant,
        tx: &mut Tx,
        open: &OpenDraft,
        account: &Account,
        changes: &PersonalChanges,
        id: ApplicationId,
    ) -> Result<Application, SubmitError> {
        let now = self.now();
        let documents = tx.documents().of_draft(&open.draft.id).await?;
        let documents: BTreeMap<_, _> = documents.into_iter().map(|d| (d.slot, d.id)).collect();
        tx.documents().adopt(&open.draft.id, &id, now).await?;
        let kind_of_user = &account.profile.kind_of_user;
        let reviewed = tenant.config.personal(kind_of_user).reviewed();
        let mut answers: Answers = reviewed
            .inputs()
            .into_iter()
            .filter_map(|input| changes.answers.get(&input).map(|answer| (input.clone(), answer.clone())))
            .collect();
        if !kind_of_user.is_empty() {
            answers.insert(KIND_OF_USER.into(), kind_of_user.clone());
        }
        Ok(Application {
            id,
            reference: new_reference(self.entropy()),
            kind: ApplicationKind::ProfileChange,
            lifecycle: Lifecycle::submitted(),
            email: account.email.clone(),
            locale: open.draft.locale.clone(),
            answers,
            documents,
            account: Some(account.id.clone()),
            return_client: None,
            terms: (String::new(), now),
            created_at: now,
            submitted_at: now,
            decided_at: None,
        })
    }

    /// Keeps what stood, tells the person that it was received, and notes it.
    async fn announce_change(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        application: &Application,
        before: &Answers,
        source: &Source,
    ) -> Result<(), ServiceError> {
        tx.applications().keep_before(&application.id, before, self.now()).await?;
        let mail = MailKind::ApplicationReceived {
            reference: application.reference.clone(),
            expected_days: tenant.config.settings.registration.expected_days,
            expected_on: tenant.config.settings.expected_on(self.now()).to_string(),
        };
        self.enqueue_mail(tx, tenant, &application.email, &application.locale, mail).await?;
        let detail = json!({
            "reference": application.reference, "kind": application.kind.as_str(),
            "version": application.lifecycle.version,
        });
        let actor = application.account.clone().map_or(Actor::Visitor, Actor::Account);
        let subject = application.id.as_str();
        self.record(tx, actor, Action::ApplicationSubmitted, subject, detail, Some(source)).await
    }
}

/// Names what a profile says; what was verified of it is not part of that.
fn digest(profile: &Profile) -> String {
    let text = serde_json::to_string(&personal::answers_of(profile)).unwrap_or_default();
    TokenHash::of(text.as_bytes()).as_str().to_owned()
}

fn seen_of(draft: &Draft) -> Option<&str> {
    draft.interaction.as_ref()?.get("seen")?.as_str()
}
