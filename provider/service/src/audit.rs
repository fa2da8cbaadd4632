//! The audit log: one line per event, in the transaction of what it tells.

use crate::{Service, ServiceError, Source};
use madoguchi_domain::audit::{Action, Actor, AuditEvent};
use madoguchi_store::Tx;

impl Service {
    /// Writes a line as part of `tx`. `detail` is a JSON object without secrets.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]: what cannot be logged does not happen.
    pub async fn record(
        &self,
        tx: &mut Tx,
        actor: Actor,
        action: Action,
        subject: &str,
        detail: serde_json::Value,
        source: Option<&Source>,
    ) -> Result<(), ServiceError> {
        let event = AuditEvent {
            at: self.now(),
            actor,
            action,
            subject: subject.to_owned(),
            detail,
            source_ip: source.and_then(|s| s.ip).map(|ip| ip.to_string()),
        };
        Ok(tx.audit().append(&event).await?)
    }
}
