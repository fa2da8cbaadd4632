//! What a tenant's `[retention]` says is kept no longer than that: images of decided applications, the applications, the
//! log. An application that was sent back and never corrected counts as over once it cannot be corrected any more.
//!
//! Each round works off what is due in batches, a transaction for each; a round that was interrupted, or that another
//! node runs at the same time, is gone on with by the next. What was erased is in the log, the log's own beginning too.

use crate::{Service, ServiceError, Tenant};
use madoguchi_domain::{
    Timestamp,
    audit::{Action, Actor},
    tenant::RetentionPolicy,
    time::Span,
};
use serde_json::json;
use std::time::Duration;

/// Things of one sort that go in one transaction.
const BATCH: u32 = 100;
/// Batches of a sort in one round; what is left is for the next.
const BATCHES: usize = 50;

/// What is kept for a time.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// Images of documents, after the decision.
    Documents,
    /// Decided applications.
    Applications,
    /// Lines of the log.
    Audit,
}

impl Kept {
    const ALL: [Self; 3] = [Self::Documents, Self::Applications, Self::Audit];

    /// As logs and metrics name it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Documents => "document",
            Self::Applications => "application",
            Self::Audit => "audit",
        }
    }

    /// How long.
    fn span(self, policy: &RetentionPolicy) -> &Span {
        match self {
            Self::Documents => &policy.documents,
            Self::Applications => &policy.applications,
            Self::Audit => &policy.audit,
        }
    }
}

impl Service {
    /// Erases what has had its time, of every tenant.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; the next round goes on.
    pub async fn keep_no_longer(&self) -> Result<(), ServiceError> {
        for tenant in self.tenants() {
            self.keep_no_longer_of(&tenant).await?;
        }
        Ok(())
    }

    /// The same of one tenant.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn keep_no_longer_of(&self, tenant: &Tenant) -> Result<(), ServiceError> {
        for kept in Kept::ALL {
            let settings = &tenant.config.settings;
            let over = self.ago(kept.span(&settings.retention).duration());
            // a correction can be handed in as long as its link and then its draft live
            let correcting = settings.one_time_links.resubmission_lifetime.duration()
                + settings.registration.draft_lifetime.duration();
            let sent_back = self.ago(kept.span(&settings.retention).duration() + correcting);
            let mut gone = 0;
            for _ in 0..BATCHES {
                let batch = match kept {
                    Kept::Documents => self.erase_images(tenant, over, sent_back).await?,
                    Kept::Applications => self.remove_applications(tenant, over, sent_back).await?,
                    Kept::Audit => self.trim_log(tenant, over).await?,
                };
                if batch == 0 {
                    break;
                }
                gone += batch;
                tokio::task::yield_now().await;
            }
            if gone > 0 {
                let what = kept.as_str();
                tracing::info!(tenant = %tenant.slug, what, gone, "erased after its time");
                metrics::counter!("retention_erased_total", "what" => what).increment(gone);
            }
        }
        Ok(())
    }

    /// The moment so long ago.
    fn ago(&self, span: Duration) -> Timestamp {
        let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        Timestamp(self.now().0.saturating_sub(seconds))
    }

    async fn erase_images(&self, tenant: &Tenant, over: Timestamp, sent_back: Timestamp) -> Result<u64, ServiceError> {
        let now = self.now();
        let mut tx = self.store(tenant).begin().await?;
        let mut gone = 0;
        for (document, application) in tx.documents().due_for_erasure(over, sent_back, BATCH).await? {
            // another node may have been faster
            if tx.documents().erase(&document, now).await? {
                let detail = json!({ "application": application });
                self.record(&mut tx, Actor::System, Action::DocumentDeleted, document.as_str(), detail, None).await?;
                gone += 1;
            }
        }
        tx.commit().await?;
        Ok(gone)
    }

    async fn remove_applications(
        &self,
        tenant: &Tenant,
        over: Timestamp,
        sent_back: Timestamp,
    ) -> Result<u64, ServiceError> {
        let mut tx = self.store(tenant).begin().await?;
        let mut gone = 0;
        for id in tx.applications().over_since(over, sent_back, BATCH).await? {
            if tx.applications().remove(&id, over).await? {
                self.record(&mut tx, Actor::System, Action::ApplicationDeleted, id.as_str(), json!({}), None).await?;
                gone += 1;
            }
        }
        tx.commit().await?;
        Ok(gone)
    }

    async fn trim_log(&self, tenant: &Tenant, before: Timestamp) -> Result<u64, ServiceError> {
        let mut tx = self.store(tenant).begin().await?;
        let gone = tx.audit().trim(before, BATCH).await?;
        if gone == 0 {
            tx.rollback().await?;
            return Ok(0);
        }
        let detail = json!({ "lines": gone, "before": before.seconds() });
        self.record(&mut tx, Actor::System, Action::AuditTrimmed, tenant.slug.as_str(), detail, None).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
