//! Images of documents. Their pixels stand sealed; whoever opens them is noted in the audit log by the service.

use crate::{Row, Scope, StoreError, statements, value::params};
use madoguchi_domain::{
    Timestamp,
    id::{ApplicationId, DocumentId, DraftId},
};

/// What is known of an image without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub id: DocumentId,
    /// The draft that it was uploaded to.
    pub draft: Option<DraftId>,
    /// The application that it was handed in with.
    pub application: Option<ApplicationId>,
    /// The form's field.
    pub slot: String,
    /// `image/jpeg` or `image/png`, as re-encoded.
    pub media_type: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Size of the re-encoded image.
    pub bytes: u32,
    /// SHA-256 of the re-encoded image, hexadecimal.
    pub sha256: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When its pixels were deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The columns that [`read`] reads; `d` is the table.
macro_rules! columns {
    () => {
        "d.id, d.draft, d.application, d.slot, d.media_type, d.width, d.height, d.bytes, d.sha256, d.created_at, \
         d.deleted_at"
    };
}

statements! {
    INSERT = "insert into documents (tenant, id, draft, application, slot, media_type, width, height, bytes, sha256, \
              created_at, sealed, thumbnail_sealed) \
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing";
    FIND = concat!("select ", columns!(), " from documents d where d.tenant = $1 and d.id = $2");
    OF_DRAFT = concat!("select ", columns!(), " from documents d \
              where d.tenant = $1 and d.draft = $2 and d.deleted_at is null order by d.slot, d.created_at");
    OF_APPLICATION = concat!("select ", columns!(), " from documents d \
              where d.tenant = $1 and d.application = $2 order by d.slot, d.created_at");
    SEALED = "select sealed from documents where tenant = $1 and id = $2 and sealed is not null";
    THUMBNAIL = "select thumbnail_sealed from documents where tenant = $1 and id = $2 and thumbnail_sealed is not null";
    REMOVE = "delete from documents where tenant = $1 and draft = $2 and slot = $3 and application is null";
    LEND = "update documents set draft = $3 where tenant = $1 and application = $2 and deleted_at is null";
    TAKE_BACK = "update documents set draft = null \
              where tenant = $1 and draft = $2 and slot = $3 and application is not null";
    DROP = "update documents set sealed = null, thumbnail_sealed = null, deleted_at = $4 \
              where tenant = $1 and application = $3 and (draft is null or draft <> $2) and deleted_at is null";
    ADOPT = "update documents set application = $3 where tenant = $1 and draft = $2 and application is null";
    DUE = "select d.id, d.application from applications a \
              join documents d on d.tenant = a.tenant and d.application = a.id and d.deleted_at is null \
              where a.tenant = $1 and (a.state in ('approved', 'rejected', 'withdrawn') and a.decided_at <= $2 \
                or a.state = 'correction_requested' and a.decided_at <= $3) order by a.decided_at limit $4";
    ERASE = "update documents set sealed = null, thumbnail_sealed = null, deleted_at = $3 \
              where tenant = $1 and id = $2 and deleted_at is null";
}

/// The documents of a tenant's applicants.
pub struct Documents<'a>(pub(crate) Scope<'a>);

impl Documents<'_> {
    /// A new one, with its sealed pixels and those of its thumbnail.
    pub async fn insert(
        &mut self,
        document: &Document,
        sealed: &[u8],
        thumbnail: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let values = params![
            &document.id,
            document.draft.as_ref(),
            document.application.as_ref(),
            &document.slot,
            &document.media_type,
            document.width,
            document.height,
            document.bytes,
            &document.sha256,
            document.created_at,
            sealed,
            thumbnail,
        ];
        self.0.insert(INSERT, values).await
    }

    /// By its id.
    pub async fn find(&mut self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        self.0.one(FIND, params![id], read).await
    }

    /// Those uploaded to a draft, at most one for each slot when uploads go through [`Documents::remove`] first.
    pub async fn of_draft(&mut self, draft: &DraftId) -> Result<Vec<Document>, StoreError> {
        self.0.all(OF_DRAFT, params![draft], read).await
    }

    /// All that were ever handed in with an application, deleted ones too.
    pub async fn of_application(&mut self, application: &ApplicationId) -> Result<Vec<Document>, StoreError> {
        self.0.all(OF_APPLICATION, params![application], read).await
    }

    /// The sealed pixels; `None` when there are none any more.
    pub async fn sealed(&mut self, id: &DocumentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.one(SEALED, params![id], |row| row.bytes()).await
    }

    /// The sealed pixels of the thumbnail.
    pub async fn thumbnail(&mut self, id: &DocumentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.one(THUMBNAIL, params![id], |row| row.bytes()).await
    }

    /// Takes away what a draft has in a slot. One that was handed in before stays with its application until the
    /// correction is handed in ([`Documents::adopt`]). False when there was none.
    pub async fn remove(&mut self, draft: &DraftId, slot: &str) -> Result<bool, StoreError> {
        let removed = self.0.changed(REMOVE, params![draft, slot]).await?;
        Ok(self.0.changed(TAKE_BACK, params![draft, slot]).await? || removed)
    }

    /// Shows an application's documents in the draft of its correction; how many.
    pub async fn lend(&mut self, application: &ApplicationId, draft: &DraftId) -> Result<u64, StoreError> {
        self.0.write(LEND, params![application, draft]).await
    }

    /// Hands a draft's documents in with its application; how many are new. Pixels of those that the application had
    /// and the draft has not any more are deleted.
    pub async fn adopt(
        &mut self,
        draft: &DraftId,
        application: &ApplicationId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.0.write(DROP, params![draft, application, now]).await?;
        self.0.write(ADOPT, params![draft, application]).await
    }

    /// Documents, to be erased, of applications that were decided for good at `over` or earlier, or sent back for a
    /// correction at `sent_back` or earlier and never handed in again.
    pub async fn due_for_erasure(
        &mut self,
        over: Timestamp,
        sent_back: Timestamp,
        limit: u32,
    ) -> Result<Vec<(DocumentId, ApplicationId)>, StoreError> {
        let read = |row: &mut Row| Ok((DocumentId::known(row.text()?), ApplicationId::known(row.text()?)));
        self.0.all(DUE, params![over, sent_back, limit], read).await
    }

    /// Deletes the pixels; what is known about them stays. False when that was done.
    pub async fn erase(&mut self, id: &DocumentId, now: Timestamp) -> Result<bool, StoreError> {
        self.0.changed(ERASE, params![id, now]).await
    }
}

fn read(row: &mut Row) -> Result<Document, StoreError> {
    Ok(Document {
        id: DocumentId::known(row.text()?),
        draft: row.opt_text()?.map(DraftId::known),
        application: row.opt_text()?.map(ApplicationId::known),
        slot: row.text()?,
        media_type: row.text()?,
        width: row.count()?,
        height: row.count()?,
        bytes: row.count()?,
        sha256: row.text()?,
        created_at: row.time()?,
        deleted_at: row.opt_time()?,
    })
}
