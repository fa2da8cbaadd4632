//! A reapplication was matched with the wrong person's account: the account goes back, the application waits again.
//!
//! The account is again what it was when it moved: its address, its login ID, its data. Whatever it got since then came
//! from the other person and goes: credentials, sessions, tokens, links, enrolments, applications. Its own passwords went
//! when it moved, so its person gets an initial credential at the old address. Whoever applied is told that the
//! application is checked again.

use super::{ReviewerOf, decide::Entry, evidence::is_own};
use crate::{
    Service, ServiceError, Source, Tenant,
    accounts::{login_key, person_keys},
};
use madoguchi_domain::{
    account::AccountState,
    application::{Application, ApplicationKind, ApplicationState},
    audit::{Action, Actor},
    id::ApplicationId,
    mail::MailKind,
};
use madoguchi_store::{Retryable, StoreError, Tx, drafts::DraftKind, moves::Move, retry};

/// Most characters of a reason.
const LONGEST_REASON: usize = 2_000;

/// A match to be taken back.
#[derive(Debug, Clone)]
pub struct UndoForm {
    /// The application that was approved.
    pub application: ApplicationId,
    /// The version that the reviewer saw.
    pub version: i64,
    /// Why, for the log.
    pub reason: String,
}

/// Why a match was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such application here.
    #[error("there is no such application")]
    NotFound,
    /// Nobody decides on their own application.
    #[error("nobody decides on their own application")]
    OwnApplication,
    /// It moved no account, or that was taken back, or it changed meanwhile.
    #[error("there is no match to take back")]
    NothingToUndo,
    /// A later reapplication moved the account on; that one is to be taken back first.
    #[error("the account moved again since")]
    MovedAgain,
    /// Another account has the old address or login ID by now.
    #[error("another account has the old address")]
    AddressTaken,
    /// Staff switched the account off since.
    #[error("the account is switched off")]
    AccountDisabled,
    /// The log wants to know why.
    #[error("a reason is needed")]
    ReasonMissing,
    /// Too long a reason.
    #[error("the text is too long")]
    TextTooLong,
    /// It could not be carried out; nothing was kept.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl UndoError {
    /// The stable code of its message.
    pub fn code(&self) -> &'static str {
        match self {
            UndoError::NotFound => "application_not_found",
            UndoError::OwnApplication => "decision_own_application",
            UndoError::NothingToUndo => "undo_nothing",
            UndoError::MovedAgain => "undo_moved_again",
            UndoError::AddressTaken => "undo_address_taken",
            UndoError::AccountDisabled => "undo_account_disabled",
            UndoError::ReasonMissing => "decision_reason_missing",
            UndoError::TextTooLong => "decision_text_too_long",
            UndoError::Service(_) => "unavailable",
        }
    }
}

impl From<StoreError> for UndoError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

impl Retryable for UndoError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Service(error) if error.is_busy())
    }
}

impl Service {
    pub(super) async fn undo_match(
        &self,
        tenant: &Tenant,
        reviewer: &ReviewerOf,
        form: &UndoForm,
        source: &Source,
    ) -> Result<(), UndoError> {
        let reason = form.reason.trim();
        if reason.is_empty() {
            return Err(UndoError::ReasonMissing);
        }
        if reason.chars().count() > LONGEST_REASON {
            return Err(UndoError::TextTooLong);
        }
        let store = self.store(tenant);
        let application = store.applications().find(&form.application).await?.ok_or(UndoError::NotFound)?;
        let claimed = self.claimed(tenant, &application).await?;
        if is_own(&reviewer.account, &application, &claimed.keys) {
            return Err(UndoError::OwnApplication);
        }
        let stands = application.lifecycle.state == ApplicationState::Approved;
        let moves = store.moves().of(&application.id).await?;
        let made = moves.into_iter().find(|m| m.version == form.version && m.undone.is_none());
        let Some(made) = made.filter(|_| stands && application.lifecycle.version == form.version) else {
            return Err(UndoError::NothingToUndo);
        };
        // The hash of the initial password takes its time; it is made before the transaction.
        let entry = self.draw_entry(tenant).await?;
        retry(|| self.give_back(tenant, reviewer, &application, &made, &entry, reason, source)).await
    }

    #[allow(clippy::too_many_arguments, reason = "each is another thing that the transaction needs")]
    async fn give_back(
        &self,
        tenant: &Tenant,
        reviewer: &ReviewerOf,
        application: &Application,
        made: &Move,
        entry: &Entry,
        reason: &str,
        source: &Source,
    ) -> Result<(), UndoError> {
        let now = self.now();
        let before = &made.before;
        let mut tx = self.store(tenant).begin().await?;
        // Whoever changes this row first takes it back.
        if !tx.applications().reopen(&application.id, made.version).await? {
            return Err(UndoError::NothingToUndo);
        }
        if !tx.moves().undo(made, now, &reviewer.account.id, reason).await? {
            return Err(UndoError::NothingToUndo);
        }
        let account = tx.accounts().hold(&made.account, now).await?.ok_or(UndoError::NothingToUndo)?;
        let latest = tx.moves().latest(&account.id).await?;
        if latest.is_some_and(|l| (l.application, l.version) != (made.application.clone(), made.version)) {
            return Err(UndoError::MovedAgain);
        }
        match account.state {
            AccountState::Disabled => return Err(UndoError::AccountDisabled),
            AccountState::Provisioned => {}
            AccountState::Active => {
                tx.accounts().set_state(&account.id, AccountState::Active, AccountState::Provisioned, now).await?;
            }
        }
        let key = login_key(tenant, &before.login_id);
        match tx.accounts().move_to(&account.id, &before.email, &before.login_id, &key, now).await {
            Ok(_) => {}
            Err(StoreError::Conflict) => return Err(UndoError::AddressTaken),
            Err(error) => return Err(error.into()),
        }
        tx.accounts().set_locale(&account.id, &before.locale).await?;
        tx.accounts().set_profile(&account.id, &before.profile, &person_keys(&before.profile), now).await?;
        self.take_ways_in(&mut tx, &account.id, now).await?;
        self.put_entry(&mut tx, &account.id, entry).await?;
        tx.enrolments().end_since(&account.id, &application.id, made.moved_at, now).await?;
        self.drop_requests(&mut tx, made).await?;

        let returned = MailKind::AccountReturned {
            name: before.profile.name.clone(),
            login_id: before.login_id.clone(),
            entry: entry.told(tenant),
            expires_at: entry.expires_at,
            login_url: tenant.url("/login"),
            second_password: tenant.config.settings.login.second_password,
        };
        self.enqueue_mail(&mut tx, tenant, &before.email, &before.locale, returned).await?;
        let name = super::first_answer(application, &["name", "name_roman"]);
        let told = MailKind::MatchUndone { name, reference: application.reference.clone() };
        self.enqueue_mail(&mut tx, tenant, &application.email, &application.locale, told).await?;
        let detail = serde_json::json!({
            "reference": application.reference, "version": made.version, "account": account.id, "reason": reason,
        });
        let actor = Actor::Account(reviewer.account.id.clone());
        self.record(&mut tx, actor, Action::MatchUndone, application.id.as_str(), detail, Some(source)).await?;
        self.commit(tx).await?;
        metrics::counter!("matches_undone_total").increment(1);
        Ok(())
    }

    /// Ends what the account has asked for since it moved.
    async fn drop_requests(&self, tx: &mut Tx, made: &Move) -> Result<(), StoreError> {
        let now = self.now();
        for kind in [ApplicationKind::Enrolment, ApplicationKind::ProfileChange] {
            if let Some(asked) = tx.applications().pending(&made.account, kind).await?
                && asked.created_at >= made.moved_at
            {
                tx.applications().withdraw(&asked.id, asked.lifecycle.version, &made.account, now).await?;
            }
        }
        for kind in [DraftKind::Enrolment, DraftKind::ProfileChange] {
            tx.drafts().end_of_account(&made.account, kind, now).await?;
        }
        Ok(())
    }
}
