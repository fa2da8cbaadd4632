//! One decision for each submission, whoever else clicks.
//!
//! Everything that takes time (the roster, the hash of the initial password) happens before the transaction; inside it
//! the application's row is changed on the condition that it is still the submission that was seen. What follows from
//! the decision (account, enrolment, credential, mail, log) is written together with it or not at all.

use super::{
    ReviewerOf,
    evidence::{Claimed, RosterAnswer, account_keys, duplicates, is_own},
};
use crate::{
    Rendered, Service, ServiceError, Source, Tenant,
    accounts::{draw_initial_password, draw_user_id, login_key, new_sub},
    submission::KIND_OF_USER,
};
use madoguchi_domain::{
    Secret, Timestamp, Token,
    account::{Account, AccountState, Credential, CredentialKind, Enrolment, EnrolmentFacts},
    application::{Application, ApplicationState, Decision, TransitionError, Verdict},
    audit::{Action, Actor},
    form::Validated,
    id::{AccountId, ApplicationId, EnrolmentId},
    japan::id_key,
    mail::{FirstEntry, MailKind},
    one_time::{OneTime, Purpose},
    password,
    tenant::{Approval, InitialCredential},
};
use madoguchi_store::{Retryable, StoreError, TenantStore, Tx, retry};
use std::collections::BTreeMap;

/// Most characters of a reason.
const LONGEST_REASON: usize = 2_000;
/// Most characters of a note on one item.
const LONGEST_NOTE: usize = 500;

/// Who decides when no reviewer does; stands in the decision's place for a reviewer.
pub const BY_DIRECTORY: &str = "directory";

/// A decision as a reviewer makes it.
#[derive(Debug, Clone)]
pub struct DecisionForm {
    /// On which application.
    pub application: ApplicationId,
    /// The version that the reviewer saw.
    pub version: i64,
    /// What.
    pub ruling: Ruling,
}

/// What a reviewer decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// The person is who they say.
    Approve {
        /// For a reapplication: the account that moves to the new address, one of those shown beside it. Otherwise a
        /// new account is made.
        account: Option<AccountId>,
    },
    /// No.
    Reject {
        /// Why, in the applicant's language.
        reason: String,
    },
    /// Chosen items are to be corrected.
    RequestCorrection {
        /// A sentence, in the applicant's language.
        reason: String,
        /// A note (which may be empty) for each field to correct, by key.
        notes: BTreeMap<String, String>,
    },
}

impl Ruling {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        match self {
            Ruling::Approve { .. } => Verdict::Approve,
            Ruling::Reject { .. } => Verdict::Reject,
            Ruling::RequestCorrection { .. } => Verdict::RequestCorrection,
        }
    }
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// There is a new account.
    Approved {
        /// The account.
        account: AccountId,
    },
    /// The account moved to the new address.
    Moved {
        /// The account.
        account: AccountId,
    },
    /// One of two needed approvals is noted.
    FirstApproval,
    /// It was turned down.
    Rejected,
    /// It waits for its applicant.
    CorrectionRequested,
}

/// Why a decision was not made.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// There is no such application here.
    #[error("there is no such application")]
    NotFound,
    /// Nobody decides on their own application.
    #[error("nobody decides on their own application")]
    OwnApplication,
    /// The applicant handed in again meanwhile; look again.
    #[error("the application was handed in again meanwhile")]
    Stale {
        /// The version that stands now.
        current: i64,
    },
    /// Somebody was first.
    #[error("the application is decided")]
    AlreadyDecided(Option<Box<Decision>>),
    /// Two different reviewers must approve, and this one did.
    #[error("a second reviewer must approve")]
    AlreadyApprovedByYou,
    /// An account has the address (or login ID) meanwhile.
    #[error("an account has this address")]
    EmailTaken,
    /// The chosen account is none of those that resemble the applicant, is switched off, or no reapplication was made.
    #[error("that account cannot be moved to this application's address")]
    WrongAccount,
    /// A rejection or a request for correction says why.
    #[error("a reason is needed")]
    ReasonMissing,
    /// Too long a reason or note.
    #[error("the text is too long")]
    TextTooLong,
    /// A request for correction names what to correct.
    #[error("no item was chosen")]
    NothingChosen,
    /// It could not be carried out; nothing was kept.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl DecideError {
    /// The stable code of its message.
    pub fn code(&self) -> &'static str {
        match self {
            DecideError::NotFound => "application_not_found",
            DecideError::OwnApplication => "decision_own_application",
            DecideError::Stale { .. } => "decision_stale",
            DecideError::AlreadyDecided(_) => "decision_already_made",
            DecideError::AlreadyApprovedByYou => "decision_second_reviewer_needed",
            DecideError::EmailTaken => "decision_email_taken",
            DecideError::WrongAccount => "decision_wrong_account",
            DecideError::ReasonMissing => "decision_reason_missing",
            DecideError::TextTooLong => "decision_text_too_long",
            DecideError::NothingChosen => "decision_nothing_chosen",
            DecideError::Service(_) => "unavailable",
        }
    }
}

impl From<StoreError> for DecideError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Retryable for DecideError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Service(error) if error.is_busy())
    }
}

/// Who decides.
#[derive(Debug, Clone, Copy)]
enum Decider<'a> {
    Reviewer(&'a ReviewerOf),
    Directory,
}

impl Decider<'_> {
    fn id(&self) -> AccountId {
        match self {
            Decider::Reviewer(reviewer) => reviewer.account.id.clone(),
            Decider::Directory => AccountId::known(BY_DIRECTORY),
        }
    }
    fn actor(&self) -> Actor {
        match self {
            Decider::Reviewer(reviewer) => Actor::Account(reviewer.account.id.clone()),
            Decider::Directory => Actor::System,
        }
    }
}

/// Everything of a decision that is worked out before the transaction.
struct Prepared {
    application: Application,
    claimed: Claimed,
    /// What the application becomes.
    state: ApplicationState,
    verdict: Verdict,
    reason: String,
    notes: BTreeMap<String, String>,
    approval: Option<Admission>,
}

/// How an approved applicant gets in.
struct Admission {
    account: Account,
    /// Whether `account` exists and moves, and from which state.
    moves: Option<Account>,
    entry: Entry,
    expires_at: Timestamp,
    login_url: String,
}

/// What opens the setting of the own passwords, made before the transaction.
enum Entry {
    /// A password for the first login, and its hash.
    Password { initial: Secret, phc: String },
    /// The secret of a one-time URL.
    Link(Token),
}

/// Whether the transaction found everything as it was prepared.
enum Attempt {
    Done(Decided),
    /// A generated user ID was taken.
    LoginTaken,
}

impl Service {
    /// Decides as a reviewer.
    pub(super) async fn decide_as_reviewer(
        &self,
        tenant: &Tenant,
        reviewer: &ReviewerOf,
        form: &DecisionForm,
        source: &Source,
    ) -> Result<Decided, DecideError> {
        self.decide(tenant, Decider::Reviewer(reviewer), form, Some(source)).await
    }

    /// Approves a fresh application where the directory leaves no doubt: exactly one record, which agrees, and nobody
    /// else who may be the person. Whether it did.
    pub(crate) async fn approve_by_directory(
        &self,
        tenant: &Tenant,
        id: &ApplicationId,
        validated: &Validated,
    ) -> Result<bool, DecideError> {
        let claimed = Claimed::of(validated);
        let application = self.store(tenant).applications().find(id).await?.ok_or(DecideError::NotFound)?;
        let certain = match self.ask_roster(tenant, &claimed).await {
            RosterAnswer::Records(records) => matches!(records.as_slice(), [only] if only.exact),
            RosterAnswer::NoRoster | RosterAnswer::Unavailable => false,
        };
        if is_reapplication(&application) || !certain {
            return Ok(false);
        }
        let (accounts, applications) = duplicates(&self.store(tenant), &application, &claimed).await?;
        if !accounts.is_empty() || !applications.is_empty() {
            return Ok(false);
        }
        let form = DecisionForm {
            application: id.clone(),
            version: application.lifecycle.version,
            ruling: Ruling::Approve { account: None },
        };
        self.decide(tenant, Decider::Directory, &form, None).await.map(|_| true)
    }

    async fn decide(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        form: &DecisionForm,
        source: Option<&Source>,
    ) -> Result<Decided, DecideError> {
        for _ in 0..4 {
            let prepared = self.prepare(tenant, decider, form).await?;
            match retry(|| self.carry_out(tenant, decider, &prepared, source)).await? {
                Attempt::Done(decided) => return Ok(decided),
                Attempt::LoginTaken => {}
            }
        }
        Err(ServiceError::bug("no free user ID was found").into())
    }

    /// The checks, in the order that a reviewer wants to hear of them.
    async fn admissible(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        form: &DecisionForm,
    ) -> Result<(Application, Claimed, ApplicationState), DecideError> {
        let store = self.store(tenant);
        let application = store.applications().find(&form.application).await?.ok_or(DecideError::NotFound)?;
        let claimed = Claimed::of(&stored(&application));
        let own = match decider {
            Decider::Reviewer(reviewer) => is_own(&reviewer.account, &application, &claimed.keys),
            Decider::Directory => false,
        };
        let verdict = form.ruling.verdict();
        match application.lifecycle.clone().decide(verdict, form.version, own) {
            Ok(next) => Ok((application, claimed, next.state)),
            Err(TransitionError::OwnApplication) => Err(DecideError::OwnApplication),
            Err(TransitionError::Stale { current, .. }) => Err(DecideError::Stale { current }),
            Err(TransitionError::WrongState(_)) => Err(already_decided(&store, &application).await?),
        }
    }

    async fn prepare(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        form: &DecisionForm,
    ) -> Result<Prepared, DecideError> {
        let (application, claimed, state) = self.admissible(tenant, decider, form).await?;
        let (reason, notes) = texts(tenant, &form.ruling)?;
        let approval = match &form.ruling {
            Ruling::Approve { account } => {
                self.admission(tenant, decider, &application, &claimed, account.as_ref()).await?
            }
            Ruling::Reject { .. } | Ruling::RequestCorrection { .. } => None,
        };
        Ok(Prepared { application, claimed, state, verdict: form.ruling.verdict(), reason, notes, approval })
    }

    /// What an approval makes; `None` when it is the first of two.
    async fn admission(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
        claimed: &Claimed,
        chosen: Option<&AccountId>,
    ) -> Result<Option<Admission>, DecideError> {
        let store = self.store(tenant);
        let settings = &tenant.config.settings;
        let moves = match chosen {
            Some(id) => Some(self.movable(tenant, decider, application, claimed, id).await?),
            None => None,
        };
        match store.accounts().by_email(&application.email.canonical()).await? {
            Some(other) if moves.as_ref().is_none_or(|m| m.id != other.id) => {
                // It may be the account that somebody else's approval has just made.
                let stands = store.applications().find(&application.id).await?;
                return match stands {
                    Some(stands) if stands.lifecycle == application.lifecycle => Err(DecideError::EmailTaken),
                    Some(_) | None => Err(self.lost(tenant, application).await?),
                };
            }
            Some(_) | None => {}
        }
        if settings.registration.approval == Approval::TwoReviewers {
            let approvals = store.decisions().approvals(&application.id, application.lifecycle.version).await?;
            let me = decider.id();
            if approvals.iter().all(|(reviewer, _)| *reviewer == me) {
                return if approvals.is_empty() { Ok(None) } else { Err(DecideError::AlreadyApprovedByYou) };
            }
        }
        let now = self.now();
        let entry = match settings.initial_credential.kind {
            InitialCredential::Password => {
                let initial = draw_initial_password(self.entropy(), tenant);
                let phc = self.hashing().hash(&password::normalize(&initial)).await.map_err(ServiceError::from)?;
                Entry::Password { initial, phc }
            }
            InitialCredential::SettingUrl => Entry::Link(Token::new(self.entropy())),
        };
        let expires_at = now + settings.initial_credential.lifetime.duration();
        let account = match &moves {
            None => {
                let mut profile = claimed.profile.clone();
                if let Some(kind) = application.answers.get(KIND_OF_USER) {
                    profile.kind_of_user.clone_from(kind);
                }
                Account {
                    id: AccountId::new(self.entropy()),
                    sub: new_sub(self.entropy()),
                    login_id: draw_user_id(self.entropy(), tenant)
                        .unwrap_or_else(|| application.email.as_str().to_owned()),
                    email: application.email.clone(),
                    state: AccountState::Provisioned,
                    locale: application.locale.clone(),
                    profile,
                    staff_roles: Vec::new(),
                    generation: 1,
                    created_at: now,
                }
            }
            Some(old) => Account {
                login_id: match draw_user_id(self.entropy(), tenant) {
                    Some(_) => old.login_id.clone(),
                    None => application.email.as_str().to_owned(),
                },
                email: application.email.clone(),
                state: AccountState::Provisioned,
                locale: application.locale.clone(),
                ..old.clone()
            },
        };
        let login_url = self.login_url(tenant, application).await?;
        Ok(Some(Admission { account, moves, entry, expires_at, login_url }))
    }

    /// The account that a reapplication may move.
    async fn movable(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: &Application,
        claimed: &Claimed,
        id: &AccountId,
    ) -> Result<Account, DecideError> {
        if !is_reapplication(application) {
            return Err(DecideError::WrongAccount);
        }
        let (accounts, _) = duplicates(&self.store(tenant), application, claimed).await?;
        let account = accounts.into_iter().map(|a| a.account).find(|a| a.id == *id).ok_or(DecideError::WrongAccount)?;
        match account.state {
            AccountState::Disabled => return Err(DecideError::WrongAccount),
            AccountState::Active | AccountState::Provisioned => {}
        }
        // Staff accounts do not change hands by an application.
        if !account.staff_roles.is_empty() {
            return Err(DecideError::WrongAccount);
        }
        if decider.id() == account.id {
            return Err(DecideError::OwnApplication);
        }
        Ok(account)
    }

    /// Where *log in here* leads: to the login of the application that the applicant came from (OpenID Connect Core
    /// §4), or to the tenant's own.
    async fn login_url(&self, tenant: &Tenant, application: &Application) -> Result<String, ServiceError> {
        let own = tenant.url("/login");
        let Some(client_id) = &application.return_client else { return Ok(own) };
        let client = self.store(tenant).clients().find(client_id).await?;
        Ok(match client.and_then(|c| c.metadata.initiate_login_uri) {
            Some(mut url) => {
                url.query_pairs_mut().append_pair("iss", &tenant.issuer);
                url.into()
            }
            None => own,
        })
    }

    async fn carry_out(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        prepared: &Prepared,
        source: Option<&Source>,
    ) -> Result<Attempt, DecideError> {
        let now = self.now();
        let Prepared { application, verdict, .. } = prepared;
        let version = application.lifecycle.version;
        let mut tx = self.store(tenant).begin().await?;

        if *verdict == Verdict::Approve && prepared.approval.is_none() {
            return self.note_approval(tx, decider, application, source).await;
        }
        let account = prepared.approval.as_ref().map(|a| a.account.id.clone());
        // The row changes only if it is the submission that was seen and nobody decided it.
        if !tx.applications().decide(&application.id, version, prepared.state, account.as_ref(), now).await? {
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
        let (decided, mail) = match (&prepared.approval, verdict) {
            (Some(admission), _) => match self.admit(&mut tx, tenant, prepared, admission).await? {
                Some(decided) => (decided, accepted(tenant, prepared, admission)),
                None => return Ok(Attempt::LoginTaken),
            },
            (None, Verdict::Approve | Verdict::Reject) => (Decided::Rejected, rejected(prepared)),
            (None, Verdict::RequestCorrection) => {
                let (token, expires_at) = self.resubmission_link(&mut tx, tenant, application, now).await?;
                let url = tenant.url(&format!("/resubmit/link/{}", token.expose()));
                (Decided::CorrectionRequested, correction(tenant, prepared, url, expires_at))
            }
        };
        self.enqueue_mail(&mut tx, tenant, &application.email, &application.locale, mail).await?;
        if let Some(old) = prepared.approval.as_ref().and_then(|admission| admission.moves.as_ref()) {
            let notice = MailKind::AddressMoved { at: now, reference: application.reference.clone() };
            self.enqueue_mail(&mut tx, tenant, &old.email, &old.locale, notice).await?;
        }
        let detail = serde_json::json!({
            "reference": application.reference, "version": version, "verdict": verdict.as_str(),
            "account": account, "moved": matches!(decided, Decided::Moved { .. }),
        });
        let subject = application.id.as_str();
        self.record(&mut tx, decider.actor(), Action::ApplicationDecided, subject, detail, source).await?;
        self.commit(tx).await?;
        Ok(Attempt::Done(decided))
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

    /// Makes the account, or moves it; `None` when a generated login ID was taken.
    async fn admit(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        prepared: &Prepared,
        admission: &Admission,
    ) -> Result<Option<Decided>, DecideError> {
        let Admission { account, moves, entry, expires_at, .. } = admission;
        let now = self.now();
        let key = login_key(tenant, &account.login_id);
        let enrolments = match moves {
            None => {
                match tx.accounts().insert(account, &key, &account_keys(&account.profile)).await {
                    Ok(()) => {}
                    Err(StoreError::Conflict) => {
                        let taken = tx.accounts().by_email(&account.email.canonical()).await?.is_some();
                        return if taken { Err(DecideError::EmailTaken) } else { Ok(None) };
                    }
                    Err(error) => return Err(error.into()),
                }
                Vec::new()
            }
            Some(old) => {
                match tx.accounts().move_to(&old.id, &account.email, &account.login_id, &key, now).await {
                    Ok(_) => {}
                    Err(StoreError::Conflict) => return Err(DecideError::EmailTaken),
                    Err(error) => return Err(error.into()),
                }
                if old.state != AccountState::Provisioned
                    && !tx.accounts().set_state(&old.id, old.state, AccountState::Provisioned, now).await?
                {
                    return Err(DecideError::WrongAccount);
                }
                tx.accounts().set_locale(&old.id, &account.locale).await?;
                for kind in [CredentialKind::Password, CredentialKind::SecondPassword, CredentialKind::Initial] {
                    tx.credentials().remove(&old.id, kind).await?;
                }
                // links that its former owner may hold, to take a change of the address back among them
                for purpose in [Purpose::SetCredentials, Purpose::Recovery, Purpose::MailChange, Purpose::MailUndo] {
                    tx.one_time().revoke(purpose, old.id.as_str(), now).await?;
                }
                tx.enrolments().of(&old.id).await?
            }
        };
        let (terms_version, agreed_at) = &prepared.application.terms;
        if !terms_version.is_empty() {
            tx.terms().accept(&account.id, terms_version, *agreed_at).await?;
        }
        match entry {
            Entry::Password { phc, .. } => {
                let credential = Credential {
                    kind: CredentialKind::Initial,
                    phc: phc.clone(),
                    previous_phc: None,
                    set_at: now,
                    expires_at: Some(*expires_at),
                    consumed_at: None,
                };
                tx.credentials().put(&account.id, &credential).await?;
            }
            Entry::Link(token) => {
                let link = OneTime {
                    purpose: Purpose::SetCredentials,
                    token_hash: token.hash(),
                    subject: account.id.to_string(),
                    payload: serde_json::json!({}),
                    created_at: now,
                    expires_at: *expires_at,
                    consumed_at: None,
                    revoked_at: None,
                };
                tx.one_time().insert(&link).await?;
            }
        }
        let Claimed { student_id, facts, keys, .. } = &prepared.claimed;
        let known = enrolments.iter().any(|e| {
            let number = id_key(&e.student_id);
            (!number.is_empty() && number == keys.student_id_key) || e.facts == *facts
        });
        let has_facts = !student_id.is_empty() || *facts != EnrolmentFacts::default();
        if has_facts && !known {
            let enrolment = Enrolment {
                id: EnrolmentId::new(self.entropy()),
                account: account.id.clone(),
                student_id: student_id.clone(),
                facts: facts.clone(),
                application: Some(prepared.application.id.clone()),
                created_at: now,
            };
            tx.enrolments().insert(&enrolment, &keys.student_id_key).await?;
        }
        Ok(Some(match moves {
            None => Decided::Approved { account: account.id.clone() },
            Some(_) => Decided::Moved { account: account.id.clone() },
        }))
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

    /// Why the row was not as it had been seen.
    async fn lost(&self, tenant: &Tenant, seen: &Application) -> Result<DecideError, ServiceError> {
        let store = self.store(tenant);
        let Some(stands) = store.applications().find(&seen.id).await? else { return Ok(DecideError::NotFound) };
        if stands.lifecycle.version != seen.lifecycle.version {
            return Ok(DecideError::Stale { current: stands.lifecycle.version });
        }
        already_decided(&store, &stands).await
    }

    /// The mail that a decision would send: placeholders stand for what does not exist yet.
    pub(super) async fn preview(
        &self,
        tenant: &Tenant,
        reviewer: &ReviewerOf,
        form: &DecisionForm,
    ) -> Result<Rendered, DecideError> {
        let (application, claimed, state) = self.admissible(tenant, Decider::Reviewer(reviewer), form).await?;
        let (reason, notes) = texts(tenant, &form.ruling)?;
        let now = self.now();
        let settings = &tenant.config.settings;
        let mail = match &form.ruling {
            Ruling::Approve { .. } => MailKind::Accepted {
                name: name_of(&claimed),
                reference: application.reference.clone(),
                login_id: match draw_user_id(self.entropy(), tenant) {
                    Some(_) => "••••••••".into(),
                    None => application.email.as_str().to_owned(),
                },
                entry: match settings.initial_credential.kind {
                    InitialCredential::Password => FirstEntry::InitialPassword("••••••••••••".into()),
                    InitialCredential::SettingUrl => FirstEntry::SettingUrl(setting_url(tenant, "…")),
                },
                expires_at: now + settings.initial_credential.lifetime.duration(),
                login_url: self.login_url(tenant, &application).await?,
                second_password: settings.login.second_password,
            },
            Ruling::Reject { .. } | Ruling::RequestCorrection { .. } => {
                let verdict = form.ruling.verdict();
                let prepared = Prepared {
                    application: application.clone(),
                    claimed,
                    state,
                    verdict,
                    reason,
                    notes,
                    approval: None,
                };
                match verdict {
                    Verdict::Approve | Verdict::Reject => rejected(&prepared),
                    Verdict::RequestCorrection => {
                        let url = tenant.url("/resubmit/link/…");
                        let expires_at = now + settings.one_time_links.resubmission_lifetime.duration();
                        correction(tenant, &prepared, url, expires_at)
                    }
                }
            }
        };
        let locale = tenant.config.locale([application.locale.as_str()]);
        self.0.mail_renderer.render(tenant, locale, &mail).map_err(|e| ServiceError::bug(e).into())
    }
}

/// The answers of an application, which passed when they were handed in.
pub(crate) fn stored(application: &Application) -> Validated {
    let kind = application.answers.get(KIND_OF_USER).map(String::as_str).unwrap_or_default();
    Validated::stored(application.answers.clone(), kind)
}

/// Whether the applicant says that they have an account.
pub(crate) fn is_reapplication(application: &Application) -> bool {
    application.answers.get("application_type").is_some_and(|kind| kind == "reapplication")
}

async fn already_decided(store: &TenantStore, application: &Application) -> Result<DecideError, ServiceError> {
    let decisions = store.decisions().of(&application.id).await?;
    let decision = decisions.into_iter().find(|d| d.version == application.lifecycle.version);
    Ok(DecideError::AlreadyDecided(decision.map(Box::new)))
}

/// Reason and notes, within their bounds and about fields that the form has.
fn texts(tenant: &Tenant, ruling: &Ruling) -> Result<(String, BTreeMap<String, String>), DecideError> {
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
                if tenant.config.form.field(key).is_some() {
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

fn name_of(claimed: &Claimed) -> String {
    let profile = &claimed.profile;
    if profile.name.is_empty() { profile.name_roman.clone() } else { profile.name.clone() }
}

/// The address in a mail that opens the setting of the own passwords.
fn setting_url(tenant: &Tenant, token: &str) -> String {
    tenant.url(&format!("/password-setting/link/{token}"))
}

fn accepted(tenant: &Tenant, prepared: &Prepared, admission: &Admission) -> MailKind {
    MailKind::Accepted {
        name: name_of(&prepared.claimed),
        reference: prepared.application.reference.clone(),
        login_id: admission.account.login_id.clone(),
        entry: match &admission.entry {
            Entry::Password { initial, .. } => FirstEntry::InitialPassword(initial.expose().to_owned()),
            Entry::Link(token) => FirstEntry::SettingUrl(setting_url(tenant, token.expose())),
        },
        expires_at: admission.expires_at,
        login_url: admission.login_url.clone(),
        second_password: tenant.config.settings.login.second_password,
    }
}

fn rejected(prepared: &Prepared) -> MailKind {
    MailKind::Rejected {
        name: name_of(&prepared.claimed),
        reference: prepared.application.reference.clone(),
        reason: prepared.reason.clone(),
    }
}

fn correction(tenant: &Tenant, prepared: &Prepared, url: String, expires_at: Timestamp) -> MailKind {
    let locale = tenant.config.locale([prepared.application.locale.as_str()]);
    let items = tenant
        .config
        .form
        .fields()
        .filter_map(|field| {
            let note = prepared.notes.get(&field.key)?;
            let own = field.label.get(locale);
            // Standard keys are labelled by the locale files; the mail's renderer knows them.
            let label = if own.is_empty() { format!("field.{}.label", field.key) } else { own.to_owned() };
            Some((label, note.clone()))
        })
        .collect();
    MailKind::Resubmission {
        name: name_of(&prepared.claimed),
        reference: prepared.application.reference.clone(),
        reason: prepared.reason.clone(),
        items,
        url,
        expires_at,
    }
}
