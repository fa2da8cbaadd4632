//! One decision for each submission, whoever else clicks.
//!
//! Everything that takes time (the roster, the hash of the initial password) happens before the transaction
//! ([`prepare`]); inside it ([`carry_out`]) the application's row is changed on the condition that it is still the
//! submission that was seen. What follows from the decision (account, enrolment, changed data, credential, mail, log) is
//! written together with it or not at all.
//!
//! | module | |
//! |---|---|
//! | [`prepare`] | may this be decided so, and what would follow |
//! | [`admission`] | an account is made, or moves to another address |
//! | [`changes`] | an account gets an enrolment, or other data |
//! | [`carry_out`] | the transaction |
//! | [`letters`] | the mails, and their preview |

mod admission;
mod carry_out;
mod changes;
mod letters;
mod prepare;

pub(super) use admission::Entry;

use super::{
    ReviewerOf,
    evidence::{Claimed, RosterAnswer, duplicates},
};
use crate::{Service, ServiceError, Source, Tenant, accounts::NoUserId};
use admission::Admission;
use madoguchi_domain::{
    account::Account,
    application::{Application, ApplicationKind, ApplicationState, Decision, Verdict},
    audit::Actor,
    form::Validated,
    id::{AccountId, ApplicationId},
    verification::Verification,
};
use madoguchi_store::{Retryable, StoreError, TenantStore, retry};
use std::collections::BTreeMap;

/// Most characters of a reason.
const LONGEST_REASON: usize = 2_000;
/// Most characters of a note on one item.
const LONGEST_NOTE: usize = 500;

/// Who decides when no reviewer does; stands in the decision's place for a reviewer.
pub const BY_DIRECTORY: &str = "directory";
/// The same where an outside authority confirmed the answers.
pub const BY_VERIFIER: &str = "verifier";

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
        /// Whose account it is, where the application is not by an account.
        account: AccountChoice,
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

/// Whose account an approved applicant gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChoice {
    /// Nothing was said: a new one, which is refused where accounts resemble the applicant. Nobody gets a second account
    /// because somebody overlooked the first.
    Unsaid,
    /// A new one, whoever resembles the applicant.
    New,
    /// That one, of those shown beside the application, which moves to the new address.
    Existing(AccountId),
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
    /// The account has another student ID number.
    EnrolmentAdded {
        /// The account.
        account: AccountId,
    },
    /// The account's data are what the application says.
    ProfileChanged {
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
    /// Every user ID of the tenant's pattern was given out.
    #[error("there are no user IDs left")]
    NoUserIds,
    /// An account has the address (or login ID) meanwhile.
    #[error("an account has this address")]
    EmailTaken,
    /// Accounts resemble the applicant, and it was not said whether one of them is theirs.
    #[error("it was not said whose account it is")]
    AccountUnsaid,
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
            DecideError::NoUserIds => "decision_no_user_ids",
            DecideError::EmailTaken => "decision_email_taken",
            DecideError::AccountUnsaid => "decision_choose_account",
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

impl From<NoUserId> for DecideError {
    fn from(error: NoUserId) -> Self {
        match error {
            NoUserId::Exhausted(_) => Self::NoUserIds,
            NoUserId::Service(error) => Self::Service(error),
        }
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
    Verifier,
}

impl Decider<'_> {
    fn id(&self) -> AccountId {
        match self {
            Decider::Reviewer(reviewer) => reviewer.account.id.clone(),
            Decider::Directory => AccountId::known(BY_DIRECTORY),
            Decider::Verifier => AccountId::known(BY_VERIFIER),
        }
    }
    fn actor(&self) -> Actor {
        match self {
            Decider::Reviewer(reviewer) => Actor::Account(reviewer.account.id.clone()),
            Decider::Directory | Decider::Verifier => Actor::System,
        }
    }
    /// The member of staff, if one decides.
    fn person(&self) -> Option<AccountId> {
        match self {
            Decider::Reviewer(reviewer) => Some(reviewer.account.id.clone()),
            Decider::Directory | Decider::Verifier => None,
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
    effect: Effect,
}

/// What follows from a decision.
enum Effect {
    /// An account is made or moved, and its person gets in.
    Admit(Box<Admission>, Verification),
    /// The account that applied has another enrolment.
    AddEnrolment(Box<Account>, Verification),
    /// The data of the account that applied change.
    ChangeProfile(Box<Account>, Verification),
    /// The first of two approvals is noted.
    FirstApproval,
    /// Nothing: rejected, or to be corrected.
    Nothing,
}

impl Effect {
    /// The account that the application is of after the decision.
    fn account(&self) -> Option<&AccountId> {
        match self {
            Effect::Admit(admission, _) => Some(&admission.account.id),
            Effect::AddEnrolment(account, _) | Effect::ChangeProfile(account, _) => Some(&account.id),
            Effect::FirstApproval | Effect::Nothing => None,
        }
    }
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
    pub(crate) async fn approve_by_directory(&self, tenant: &Tenant, id: &ApplicationId) -> Result<bool, DecideError> {
        let application = self.store(tenant).applications().find(id).await?.ok_or(DecideError::NotFound)?;
        let by_records = match application.kind {
            ApplicationKind::Registration | ApplicationKind::Enrolment => true,
            ApplicationKind::Reapplication | ApplicationKind::ProfileChange => false,
        };
        if !by_records {
            return Ok(false);
        }
        let claimed = self.claimed(tenant, &application).await?;
        let certain = match self.ask_roster(tenant, &claimed).await {
            RosterAnswer::Records(records) => matches!(records.as_slice(), [only] if only.exact),
            RosterAnswer::NoRoster | RosterAnswer::Unavailable => false,
        };
        if !certain {
            return Ok(false);
        }
        self.approve_without_reviewer(tenant, Decider::Directory, application, &claimed).await
    }

    /// Approves a fresh application whose answers an outside authority confirmed, unless somebody else may be the
    /// person. Whether it did.
    pub(crate) async fn approve_by_verifier(&self, tenant: &Tenant, id: &ApplicationId) -> Result<bool, DecideError> {
        let application = self.store(tenant).applications().find(id).await?.ok_or(DecideError::NotFound)?;
        match application.kind {
            ApplicationKind::Registration => {}
            ApplicationKind::Reapplication | ApplicationKind::Enrolment | ApplicationKind::ProfileChange => {
                return Ok(false);
            }
        }
        let claimed = self.claimed(tenant, &application).await?;
        self.approve_without_reviewer(tenant, Decider::Verifier, application, &claimed).await
    }

    async fn approve_without_reviewer(
        &self,
        tenant: &Tenant,
        decider: Decider<'_>,
        application: Application,
        claimed: &Claimed,
    ) -> Result<bool, DecideError> {
        let (accounts, applications) = duplicates(&self.store(tenant), &application, claimed).await?;
        if !accounts.is_empty() || !applications.is_empty() {
            return Ok(false);
        }
        let form = DecisionForm {
            version: application.lifecycle.version,
            application: application.id,
            ruling: Ruling::Approve { account: AccountChoice::Unsaid },
        };
        self.decide(tenant, decider, &form, None).await.map(|_| true)
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

    /// Why the row was not as it had been seen.
    async fn lost(&self, tenant: &Tenant, seen: &Application) -> Result<DecideError, ServiceError> {
        let store = self.store(tenant);
        let Some(stands) = store.applications().find(&seen.id).await? else { return Ok(DecideError::NotFound) };
        if stands.lifecycle.version != seen.lifecycle.version {
            return Ok(DecideError::Stale { current: stands.lifecycle.version });
        }
        already_decided(&store, &stands).await
    }
}

/// The answers of an application, which passed when they were handed in.
pub(crate) fn stored(application: &Application) -> Validated {
    Validated::stored(application.answers.clone(), application.kind_of_user())
}

async fn already_decided(store: &TenantStore, application: &Application) -> Result<DecideError, ServiceError> {
    let decisions = store.decisions().of(&application.id).await?;
    let decision = decisions.into_iter().find(|d| d.version == application.lifecycle.version);
    Ok(DecideError::AlreadyDecided(decision.map(Box::new)))
}
