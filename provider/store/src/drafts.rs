//! Drafts: what an applicant has typed so far, kept on the server so that nothing is lost by going back, a change of
//! language, an error or a link opened again. A draft belongs to whoever opened its link, in the browsers noted here.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp, TokenHash,
    form::Answers,
    id::{AccountId, ApplicationId, DraftId},
};

/// What a draft will be when it is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftKind {
    /// A new application.
    Registration,
    /// The next version of an application that has to be corrected.
    Correction,
    /// One more student ID number for an account.
    Enrolment,
    /// A change of an account's data.
    ProfileChange,
}

impl DraftKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Correction => "correction",
            Self::Enrolment => "enrolment",
            Self::ProfileChange => "profile_change",
        }
    }
    /// From the database.
    pub fn from_stored(text: &str) -> Option<Self> {
        let all = [Self::Registration, Self::Correction, Self::Enrolment, Self::ProfileChange];
        all.into_iter().find(|k| k.as_str() == text)
    }
}

/// A draft as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its name.
    pub id: DraftId,
    /// The confirmed address.
    pub email: EmailAddress,
    /// The link that it was begun with.
    pub link_hash: TokenHash,
    /// The application that it corrects, or that it became.
    pub application: Option<ApplicationId>,
    /// What it will be.
    pub kind: DraftKind,
    /// The account that applies, for those that have one.
    pub account: Option<AccountId>,
    /// The language of the person's mails.
    pub locale: Locale,
    /// What was typed, as typed.
    pub answers: Answers,
    /// Version of the terms that were accepted, and when.
    pub terms: Option<(String, Timestamp)>,
    /// Where the applicant came from (JSON), for the way back.
    pub interaction: Option<serde_json::Value>,
    /// Grows with each change.
    pub revision: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it is thrown away.
    pub expires_at: Timestamp,
    /// When it was handed in; it cannot be changed any more.
    pub submitted_at: Option<Timestamp>,
}

/// The columns that [`read`] reads; `d` is the table.
macro_rules! columns {
    () => {
        "d.id, d.email, d.link_hash, d.application, d.kind, d.account, d.locale, d.answers, d.terms_version, d.terms_at, \
         d.interaction, d.revision, d.created_at, d.updated_at, d.expires_at, d.submitted_at"
    };
}

statements! {
    INSERT = "insert into drafts (tenant, id, email, email_key, link_hash, application, kind, locale, answers, \
              terms_version, terms_at, interaction, revision, created_at, updated_at, expires_at, submitted_at, account) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) on conflict do nothing";
    FIND = concat!("select ", columns!(), " from drafts d where d.tenant = $1 and d.id = $2");
    BY_LINK = concat!("select ", columns!(), " from drafts d where d.tenant = $1 and d.link_hash = $2");
    BY_BROWSER = concat!("select ", columns!(), " from draft_browsers b \
              join drafts d on d.tenant = b.tenant and d.id = b.draft \
              where b.tenant = $1 and b.token_hash = $2 and b.expires_at > $3 and d.expires_at > $3");
    OPEN_BY_EMAIL = concat!("select ", columns!(), " from drafts d \
              where d.tenant = $1 and d.email_key = $2 and d.kind = $3 and d.submitted_at is null and d.expires_at > $4 \
              order by d.updated_at desc limit 1");
    OPEN_BY_APPLICATION = concat!("select ", columns!(), " from drafts d \
              where d.tenant = $1 and d.application = $2 and d.submitted_at is null and d.expires_at > $3 \
              order by d.updated_at desc limit 1");
    OPEN_OF_ACCOUNT = concat!("select ", columns!(), " from drafts d \
              where d.tenant = $1 and d.account = $2 and d.kind = $3 and d.expires_at > $4 and d.submitted_at is null \
              order by d.created_at desc, d.id desc limit 1");
    END_OF_ACCOUNT = "update drafts set expires_at = $4 \
              where tenant = $1 and account = $2 and kind = $3 and submitted_at is null and expires_at > $4";
    ADD_BROWSER = "insert into draft_browsers (tenant, token_hash, draft, expires_at) values ($1, $2, $3, $4) \
              on conflict do nothing";
    DROP_BROWSER = "delete from draft_browsers where tenant = $1 and token_hash = $2";
    SAVE = "update drafts set answers = $4, revision = revision + 1, updated_at = $5 \
              where tenant = $1 and id = $2 and revision = $3 and submitted_at is null returning revision";
    ACCEPT = "update drafts set terms_version = $3, terms_at = $4, updated_at = $4 \
              where tenant = $1 and id = $2 and submitted_at is null";
    RELINK = "update drafts set link_hash = $3, expires_at = $4 where tenant = $1 and id = $2 and submitted_at is null";
    SET_LOCALE = "update drafts set locale = $3 where tenant = $1 and id = $2 and submitted_at is null";
    SUBMIT = "update drafts set application = $4, submitted_at = $5, updated_at = $5 \
              where tenant = $1 and id = $2 and revision = $3 and submitted_at is null and expires_at > $5";
}

/// The drafts of a tenant.
pub struct Drafts<'a>(pub(crate) Scope<'a>);

impl Drafts<'_> {
    /// A new one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its link has begun a draft already: take that one.
    pub async fn insert(&mut self, draft: &Draft) -> Result<(), StoreError> {
        let interaction = draft.interaction.as_ref().map(json).transpose()?;
        let values = params![
            &draft.id,
            &draft.email,
            draft.email.canonical(),
            &draft.link_hash,
            draft.application.as_ref(),
            draft.kind.as_str(),
            &draft.locale,
            json(&draft.answers)?,
            draft.terms.as_ref().map(|(version, _)| version.as_str()),
            draft.terms.as_ref().map(|(_, at)| *at),
            interaction,
            draft.revision,
            draft.created_at,
            draft.updated_at,
            draft.expires_at,
            draft.submitted_at,
            draft.account.as_ref(),
        ];
        self.0.insert(INSERT, values).await
    }

    /// By its id, handed in or not.
    pub async fn find(&mut self, id: &DraftId) -> Result<Option<Draft>, StoreError> {
        self.0.one(FIND, params![id], read).await
    }

    /// By the link that it was begun with.
    pub async fn by_link(&mut self, link: &TokenHash) -> Result<Option<Draft>, StoreError> {
        self.0.one(BY_LINK, params![link], read).await
    }

    /// By the cookie of a browser that works on it; handed in or not, but not expired at `now`.
    pub async fn by_browser(&mut self, browser: &TokenHash, now: Timestamp) -> Result<Option<Draft>, StoreError> {
        self.0.one(BY_BROWSER, params![browser, now], read).await
    }

    /// The latest that somebody with this (canonical, confirmed) address has begun and not handed in.
    pub async fn open_by_email(
        &mut self,
        email_key: &str,
        kind: DraftKind,
        now: Timestamp,
    ) -> Result<Option<Draft>, StoreError> {
        self.0.one(OPEN_BY_EMAIL, params![email_key, kind.as_str(), now], read).await
    }

    /// The correction of an application that was begun and not handed in.
    pub async fn open_by_application(
        &mut self,
        application: &ApplicationId,
        now: Timestamp,
    ) -> Result<Option<Draft>, StoreError> {
        self.0.one(OPEN_BY_APPLICATION, params![application, now], read).await
    }

    /// The latest of that kind that an account has begun and not handed in.
    pub async fn open_of_account(
        &mut self,
        account: &AccountId,
        kind: DraftKind,
        now: Timestamp,
    ) -> Result<Option<Draft>, StoreError> {
        self.0.one(OPEN_OF_ACCOUNT, params![account, kind.as_str(), now], read).await
    }

    /// Throws away what an account has begun of that kind and not handed in; how many there were.
    pub async fn end_of_account(
        &mut self,
        account: &AccountId,
        kind: DraftKind,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.0.write(END_OF_ACCOUNT, params![account, kind.as_str(), now]).await
    }

    /// Notes a browser that works on it.
    pub async fn add_browser(
        &mut self,
        browser: &TokenHash,
        draft: &DraftId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.insert(ADD_BROWSER, params![browser, draft, expires_at]).await
    }

    /// Forgets a browser.
    pub async fn drop_browser(&mut self, browser: &TokenHash) -> Result<(), StoreError> {
        self.0.write(DROP_BROWSER, params![browser]).await.map(drop)
    }

    /// Keeps what was typed; the new revision.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when `revision` is not the latest or the draft was handed in.
    pub async fn save(
        &mut self,
        id: &DraftId,
        revision: i64,
        answers: &Answers,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let saved = self.0.returning(SAVE, params![id, revision, json(answers)?, now], |row| row.int()).await?;
        saved.ok_or(StoreError::Conflict)
    }

    /// Notes which version of the terms was accepted.
    pub async fn accept_terms(&mut self, id: &DraftId, version: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(ACCEPT, params![id, version, now]).await
    }

    /// Goes on with a newer link, and for so long.
    pub async fn relink(&mut self, id: &DraftId, link: &TokenHash, expires_at: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(RELINK, params![id, link, expires_at]).await
    }

    /// The language of the person's mails.
    pub async fn set_locale(&mut self, id: &DraftId, locale: &Locale) -> Result<bool, StoreError> {
        self.0.changed(SET_LOCALE, params![id, locale]).await
    }

    /// Hands it in, as of that revision, as that application if it is one. False when that was done already (a double click), it was
    /// changed meanwhile, or it expired.
    pub async fn submit(
        &mut self,
        id: &DraftId,
        revision: i64,
        application: Option<&ApplicationId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.changed(SUBMIT, params![id, revision, application, now]).await
    }
}

fn read(row: &mut Row) -> Result<Draft, StoreError> {
    Ok(Draft {
        id: DraftId::known(row.text()?),
        email: EmailAddress::known(row.text()?),
        link_hash: row.hash()?,
        application: row.opt_text()?.map(ApplicationId::known),
        kind: row.known("drafts.kind", DraftKind::from_stored)?,
        account: row.opt_text()?.map(AccountId::known),
        locale: row.locale()?,
        answers: row.json("drafts.answers")?,
        terms: row.opt_text()?.zip(row.opt_time()?),
        interaction: row.opt_json("drafts.interaction")?,
        revision: row.int()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        expires_at: row.time()?,
        submitted_at: row.opt_time()?,
    })
}
