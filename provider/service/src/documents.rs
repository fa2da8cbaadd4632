//! Pictures of documents: uploaded into a slot of a draft, cleaned, sealed, shown to whom they concern.
//!
//! A slot is an image field of the tenant's form. What is stored is the cleaned image ([`crate::images`]) encrypted
//! under the tenant's key with the document's id authenticated, so that one row's bytes do not open in another's.

use crate::{OpenDraft, Service, ServiceError, Tenant, images::ImageError};
use madoguchi_domain::id::DocumentId;
use madoguchi_store::{StoreError, documents::Document};
use sha2::{Digest, Sha256};

/// What documents are sealed for.
const PURPOSE: &str = "document";
const THUMBNAIL_PURPOSE: &str = "document_thumbnail";

/// Why an upload was not kept.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The file.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The form has no such image field, or it is not to be corrected.
    #[error("there is no such slot for a document")]
    UnknownSlot,
    /// The draft was handed in, or its time is over.
    #[error("the draft is closed")]
    Closed,
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// Which rendering of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rendition {
    /// As kept.
    Full,
    /// Small.
    Thumbnail,
}

/// A document's picture, open.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentImage {
    /// `image/jpeg` or `image/png`: decided by us, never by the sender.
    pub media_type: String,
    /// The encoded image.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for DocumentImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DocumentImage").field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

impl Service {
    /// Puts a picture into a slot of a draft, in place of the one that was there.
    ///
    /// # Errors
    /// [`UploadError`]; the picture that was there stays then.
    pub async fn upload_document(
        &self,
        tenant: &Tenant,
        open: &OpenDraft,
        slot: &str,
        upload: Vec<u8>,
    ) -> Result<Document, UploadError> {
        if !has_slot(open, slot) {
            return Err(UploadError::UnknownSlot);
        }
        let clean = self.0.images.clean(upload, &tenant.config.settings.documents).await?;
        let id = DocumentId::new(self.entropy());
        let now = self.now();
        let sealed = self.vault().seal(&tenant.slug, PURPOSE, id.as_str(), &clean.bytes).await;
        let small = self.vault().seal(&tenant.slug, THUMBNAIL_PURPOSE, id.as_str(), &clean.thumbnail).await;
        let (sealed, small) = (sealed.map_err(ServiceError::from)?, small.map_err(ServiceError::from)?);
        let document = Document {
            id,
            draft: Some(open.draft.id.clone()),
            application: None,
            slot: slot.to_owned(),
            media_type: clean.media_type.to_owned(),
            width: clean.width,
            height: clean.height,
            bytes: u32::try_from(clean.bytes.len()).unwrap_or(u32::MAX),
            sha256: hex(&Sha256::digest(&clean.bytes)),
            created_at: now,
            deleted_at: None,
        };
        let mut tx = self.store(tenant).begin().await?;
        // Asked inside the transaction: what was handed in meanwhile does not change any more.
        let draft = tx.drafts().find(&open.draft.id).await?;
        if draft.is_none_or(|d| d.submitted_at.is_some() || d.expires_at <= now) {
            return Err(UploadError::Closed);
        }
        tx.documents().remove(&open.draft.id, slot).await?;
        tx.documents().insert(&document, &sealed, Some(&small)).await?;
        tx.commit().await?;
        Ok(document)
    }

    /// Empties a slot of a draft. An empty one stays empty.
    ///
    /// # Errors
    /// [`UploadError`].
    pub async fn remove_document(&self, tenant: &Tenant, open: &OpenDraft, slot: &str) -> Result<(), UploadError> {
        if !has_slot(open, slot) {
            return Err(UploadError::UnknownSlot);
        }
        let mut tx = self.store(tenant).begin().await?;
        let draft = tx.drafts().find(&open.draft.id).await?;
        if draft.is_none_or(|d| d.submitted_at.is_some() || d.expires_at <= self.now()) {
            return Err(UploadError::Closed);
        }
        tx.documents().remove(&open.draft.id, slot).await?;
        Ok(tx.commit().await?)
    }

    /// The documents of a draft, one for each filled slot.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn draft_documents(&self, tenant: &Tenant, open: &OpenDraft) -> Result<Vec<Document>, ServiceError> {
        Ok(self.store(tenant).documents().of_draft(&open.draft.id).await?)
    }

    /// The picture in a slot of a draft, for the applicant who holds the draft.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn draft_document(
        &self,
        tenant: &Tenant,
        open: &OpenDraft,
        slot: &str,
        rendition: Rendition,
    ) -> Result<Option<DocumentImage>, ServiceError> {
        let documents = self.draft_documents(tenant, open).await?;
        match documents.into_iter().find(|d| d.slot == slot) {
            Some(meta) => self.open_document(tenant, &meta, rendition).await,
            None => Ok(None),
        }
    }

    /// Decrypts a document; `None` when its image was deleted after its time.
    pub(crate) async fn open_document(
        &self,
        tenant: &Tenant,
        meta: &Document,
        rendition: Rendition,
    ) -> Result<Option<DocumentImage>, ServiceError> {
        let store = self.store(tenant);
        let (sealed, purpose, media_type) = match rendition {
            Rendition::Full => (store.documents().sealed(&meta.id).await?, PURPOSE, meta.media_type.as_str()),
            Rendition::Thumbnail => (store.documents().thumbnail(&meta.id).await?, THUMBNAIL_PURPOSE, "image/jpeg"),
        };
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = self.vault().open_sealed(&tenant.slug, purpose, meta.id.as_str(), &sealed).await?;
        Ok(Some(DocumentImage { media_type: media_type.to_owned(), bytes: plain.to_vec() }))
    }
}

fn has_slot(open: &OpenDraft, slot: &str) -> bool {
    open.form.images().any(|field| field.key == slot) && open.is_editable(slot)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
