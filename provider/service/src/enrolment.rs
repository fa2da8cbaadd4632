//! One more student ID number for an account: a link to the account's address, the part of the form about the stay, an
//! application that the desk decides.

use crate::{
    ActiveSession, DraftOpened, DraftState, LinkError, LinkProblem, Origin, Service, ServiceError, Source, Tenant,
    registration::{MAIL_WINDOW, usable},
};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp, Token, TokenHash,
    account::Account,
    application::{Application, ApplicationKind},
    audit::{Action, Actor},
    form::Answers,
    id::{AccountId, DraftId},
    mail::MailKind,
    one_time::{OneTime, Purpose},
};
use madoguchi_store::{
    StoreError,
    drafts::{Draft, DraftKind},
};
use serde_json::json;

/// A link was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRequested {
    /// To where.
    pub email: EmailAddress,
    /// Until when it can be opened.
    pub expires_at: Timestamp,
}

/// Why no link was sent.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The tenant's form asks for nothing of the kind.
    #[error("this tenant has no student ID numbers to add")]
    NotOffered,
    /// One is being checked already.
    #[error("an application of this kind waits already: {reference}")]
    AlreadyPending {
        /// Its reference number.
        reference: String,
    },
    /// As many mails as the tenant allows in an hour were sent.
    #[error("too many mails")]
    TooMany,
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for EnrolmentError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// The proof that somebody holds a usable link to add a student ID number, and so reads the account's mail.
#[derive(Debug, Clone)]
pub struct EnrolmentLink {
    token_hash: TokenHash,
    account: Account,
    locale: Locale,
}

impl Service {
    /// The account's application of a kind that is not decided.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn pending_application(
        &self,
        tenant: &Tenant,
        account: &Account,
        kind: ApplicationKind,
    ) -> Result<Option<Application>, ServiceError> {
        Ok(self.store(tenant).applications().pending(&account.id, kind).await?)
    }

    /// Sends the link to the account's address; older ones end.
    ///
    /// # Errors
    /// [`EnrolmentError`].
    pub async fn request_enrolment(
        &self,
        tenant: &Tenant,
        active: &ActiveSession,
        locale: &Locale,
        source: &Source,
    ) -> Result<EnrolmentRequested, EnrolmentError> {
        if !tenant.config.form_of(&active.account.profile.kind_of_user).asks_for(ApplicationKind::Enrolment) {
            return Err(EnrolmentError::NotOffered);
        }
        let account = &active.account;
        let policy = &tenant.config.settings.one_time_links;
        let now = self.now();
        let expires_at = now + policy.lifetime.duration();
        let mut tx = self.store(tenant).begin().await?;
        if let Some(pending) = tx.applications().pending(&account.id, ApplicationKind::Enrolment).await? {
            return Err(EnrolmentError::AlreadyPending { reference: pending.reference });
        }
        let rate_key = TokenHash::of(format!("enrolment-mail\0{}", account.id).as_bytes());
        if tx.rates().hit(&rate_key, now, MAIL_WINDOW).await? > policy.mails_per_hour {
            tx.commit().await?;
            return Err(EnrolmentError::TooMany);
        }
        let token = Token::new(self.entropy());
        let link = OneTime {
            purpose: Purpose::Enrolment,
            token_hash: token.hash(),
            subject: account.id.to_string(),
            payload: json!({ "locale": locale }),
            created_at: now,
            expires_at,
            consumed_at: None,
            revoked_at: None,
        };
        tx.one_time().revoke(Purpose::Enrolment, account.id.as_str(), now).await?;
        tx.one_time().insert(&link).await?;
        let url = tenant.url(&format!("/student-id/link/{}", token.expose()));
        let mail = MailKind::EnrolmentLink { url, expires_at };
        self.enqueue_mail(&mut tx, tenant, &account.email, locale, mail).await?;
        let actor = Actor::Account(account.id.clone());
        let subject = account.id.as_str();
        self.record(&mut tx, actor, Action::EnrolmentRequested, subject, json!({}), Some(source)).await?;
        self.commit(tx).await?;
        Ok(EnrolmentRequested { email: account.email.clone(), expires_at })
    }

    /// Looks at a link. Changes nothing.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkProblem::Superseded`] when the account may not act any more.
    pub async fn open_enrolment(&self, tenant: &Tenant, token: &Token) -> Result<EnrolmentLink, LinkError> {
        let store = self.store(tenant);
        let token_hash = token.hash();
        let link = usable(&store, Purpose::Enrolment, &token_hash, self.now()).await?;
        let account = store.accounts().find(&AccountId::known(link.subject)).await.map_err(ServiceError::from)?;
        let account = account.ok_or(LinkProblem::Unknown)?;
        if !account.may_act() {
            return Err(LinkProblem::Superseded.into());
        }
        let asked = link.payload.get("locale").cloned().and_then(|l| serde_json::from_value(l).ok());
        let locale = asked.unwrap_or_else(|| account.locale.clone());
        Ok(EnrolmentLink { token_hash, account, locale })
    }

    /// Begins the application, or finds the one that the link began before.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn begin_enrolment(&self, tenant: &Tenant, link: &EnrolmentLink) -> Result<DraftOpened, LinkError> {
        let store = self.store(tenant);
        let now = self.now();
        // The proof may be some minutes old.
        usable(&store, Purpose::Enrolment, &link.token_hash, now).await?;
        let browser = Token::new(self.entropy());
        let mut tx = store.begin().await.map_err(ServiceError::from)?;
        let draft = match tx.drafts().by_link(&link.token_hash).await.map_err(ServiceError::from)? {
            Some(draft) => draft,
            None => {
                let draft = Draft {
                    id: DraftId::new(self.entropy()),
                    email: link.account.email.clone(),
                    link_hash: link.token_hash.clone(),
                    application: None,
                    kind: DraftKind::Enrolment,
                    account: Some(link.account.id.clone()),
                    locale: link.locale.clone(),
                    answers: Answers::new(),
                    terms: None,
                    interaction: Some(serde_json::to_value(Origin::default()).map_err(ServiceError::bug)?),
                    revision: 0,
                    created_at: now,
                    updated_at: now,
                    expires_at: now + tenant.config.settings.registration.draft_lifetime.duration(),
                    submitted_at: None,
                };
                tx.drafts().insert(&draft).await.map_err(ServiceError::from)?;
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
