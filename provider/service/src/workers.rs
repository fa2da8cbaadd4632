//! What goes on in the background: mail, fresh tenants, and the broom.

use crate::{MailTransport, Service, ServiceError};
use madoguchi_store::StoreError;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How old a cached tenant may be.
const POLL: Duration = Duration::from_secs(1);
/// How often expired rows are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// How often it is looked whether anything was kept long enough.
const RETENTION: Duration = Duration::from_secs(600);

/// How often new lines of the audit log are chained.
const CHAIN: Duration = Duration::from_secs(20);
/// Rows of a table that are removed at once, lines of the log that are chained at once.
const BATCH: u32 = 200;

impl Service {
    /// Runs all workers until `stop` is cancelled, and returns when they have ended what they were at. Several nodes
    /// may do so on one database.
    pub async fn run_workers(&self, transport: Arc<dyn MailTransport>, stop: CancellationToken) {
        tokio::join!(
            Box::pin(self.run_outbox(transport.as_ref(), &stop)),
            every(POLL, &stop, "tenants could not be re-read", || Box::pin(self.poll_tenants())),
            every(SWEEP, &stop, "expired rows could not be removed", || Box::pin(self.sweep())),
            every(RETENTION, &stop, "what was kept long enough could not be erased", || {
                Box::pin(self.keep_no_longer())
            }),
            every(CHAIN, &stop, "the audit log could not be chained", || Box::pin(self.chain_audit())),
        );
        self.background_done().await;
    }

    /// Removes what has expired, in small batches, so that nobody waits long for the database.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; the next round goes on.
    pub async fn sweep(&self) -> Result<(), ServiceError> {
        let now = self.now();
        let mut removed = 0;
        // Bounded: what is left is for the next round.
        for _ in 0..50 {
            let gone = self.database().sweep(now, BATCH).await?;
            removed += gone;
            if gone < u64::from(BATCH) {
                break;
            }
            tokio::task::yield_now().await;
        }
        if removed > 0 {
            tracing::debug!(removed, "expired rows were removed");
            metrics::counter!("rows_swept_total").increment(removed);
        }
        Ok(())
    }

    /// Chains new lines of the audit log, so that a later change of one shows.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; the next round goes on.
    pub async fn chain_audit(&self) -> Result<(), ServiceError> {
        for tenant in self.tenants() {
            loop {
                let mut tx = self.store(&tenant).begin().await?;
                let chained = match tx.audit().seal(BATCH).await {
                    Ok(0) | Err(StoreError::Conflict) => {
                        tx.rollback().await?;
                        break;
                    }
                    Ok(chained) => chained,
                    Err(error) => return Err(error.into()),
                };
                tx.commit().await?;
                if chained < BATCH {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Waits for what was begun in the background of requests that are answered already.
    pub async fn background_done(&self) {
        self.0.background.close();
        self.0.background.wait().await;
        self.0.background.reopen();
    }
}

/// Calls `work` each `period` until `stop`.
async fn every<F>(period: Duration, stop: &CancellationToken, trouble: &'static str, mut work: impl FnMut() -> F)
where
    F: Future<Output = Result<(), ServiceError>>,
{
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = work().await {
            tracing::error!(%error, "{trouble}");
        }
    }
}
