//! The worker's side of the outbox: claim, hand over, try again later, give up.

use super::{DeliveryError, MailTransport, PURPOSE, text_of, transport::Parcel};
use crate::{Service, ServiceError};
use base64::{Engine, engine::general_purpose::STANDARD};
use madoguchi_domain::{TenantSlug, Timestamp, id::MailId, random};
use madoguchi_store::outbox::ClaimedMail;
use metrics::{counter, gauge};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A claimed mail is another worker's again after so long: this one died.
const LEASE: Duration = Duration::from_secs(120);
/// Claimed at once, and handed over side by side.
const BATCH: u32 = 8;
/// The first pause after a failure; each further one is twice as long …
const FIRST_PAUSE: u64 = 15;
/// … up to this.
const LONGEST_PAUSE: u64 = 3600;
/// Given up after so many tries or so long, whichever is first.
const TRIES: u32 = 100;
const PATIENCE: Duration = Duration::from_secs(3 * 86_400);
/// How often the worker looks without being woken.
const ROUND: Duration = Duration::from_secs(5);

/// A mail as the demo's mailbox page shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SentMail {
    /// Its name.
    pub id: MailId,
    /// Whose.
    pub tenant: TenantSlug,
    /// Recipient.
    pub to: String,
    /// Sender.
    pub from: String,
    /// Subject.
    pub subject: String,
    /// The text; empty where it was wiped after sending.
    pub text: String,
    /// The URLs in it, in order.
    pub links: Vec<String>,
    /// When it was handed over; when it was written, where it was not yet.
    pub sent_at: Timestamp,
}

/// What became of one claimed mail.
enum Fate {
    Sent,
    Again { error: String },
    Dead { error: String },
}

impl Service {
    /// Delivers what is due now; how many mails were looked at.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`]; what was handed over and could not be noted is handed over again, with the same
    /// `Message-ID`.
    pub async fn deliver_due(&self, transport: &dyn MailTransport) -> Result<usize, ServiceError> {
        let now = self.now();
        let claimed = self.database().outbox().claim(BATCH, now, now + LEASE).await?;
        let count = claimed.len();
        let fates = futures_util::future::join_all(claimed.iter().map(|mail| self.hand_over(transport, mail))).await;
        for (mail, fate) in claimed.iter().zip(fates) {
            self.settle(transport, mail, fate).await?;
        }
        Ok(count)
    }

    async fn hand_over(&self, transport: &dyn MailTransport, claimed: &ClaimedMail) -> Fate {
        let mail = &claimed.mail;
        let raw = match self.vault().open_sealed(&claimed.tenant, PURPOSE, mail.id.as_str(), &mail.raw).await {
            Ok(raw) => raw,
            Err(crate::vault::VaultError::Store(error)) => return Fate::Again { error: error.to_string() },
            Err(error) => return Fate::Dead { error: error.to_string() },
        };
        let parcel = Parcel { id: mail.id.as_str(), from: &mail.from, to: &mail.to, raw: &raw };
        // Well within the lease, so that no other worker has it at the same time.
        match tokio::time::timeout(LEASE / 2, transport.deliver(parcel)).await {
            Ok(Ok(())) => Fate::Sent,
            Ok(Err(DeliveryError::Permanent(error))) => Fate::Dead { error },
            Ok(Err(DeliveryError::Temporary(error))) => Fate::Again { error },
            Err(_) => Fate::Again { error: "the mail server took too long".to_owned() },
        }
    }

    async fn settle(
        &self,
        transport: &dyn MailTransport,
        claimed: &ClaimedMail,
        fate: Fate,
    ) -> Result<(), ServiceError> {
        let now = self.now();
        let mail = &claimed.mail;
        let tries = claimed.attempt;
        let outbox = || self.database().outbox();
        match fate {
            Fate::Sent => {
                outbox().sent(claimed, now, transport.keeps_text()).await?;
                counter!("mails_sent_total").increment(1);
            }
            Fate::Again { error } if tries < TRIES && now.since(mail.created_at) < PATIENCE => {
                tracing::warn!(mail = %mail.id, tries, %error, "a mail was not taken; it will be tried again");
                outbox().retry(claimed, now + self.pause(tries), &error).await?;
                counter!("mails_failed_total", "kind" => "temporary").increment(1);
            }
            Fate::Again { error } | Fate::Dead { error } => {
                tracing::error!(mail = %mail.id, tries, %error, "a mail could not be delivered; it is given up");
                outbox().dead(claimed, now, &error).await?;
                counter!("mails_failed_total", "kind" => "dead").increment(1);
            }
        }
        Ok(())
    }

    /// Twice as long each time, and up to a half more by chance, so that many mails do not come back at once.
    fn pause(&self, tries: u32) -> Duration {
        let base = FIRST_PAUSE.saturating_mul(1u64 << tries.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
        let [chance] = random::bytes::<1>(self.entropy());
        Duration::from_secs(base + base * u64::from(chance) / 512)
    }

    /// Delivers until `stop`, then ends after the mails in hand.
    pub async fn run_outbox(&self, transport: &dyn MailTransport, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let looked_at = match self.deliver_due(transport).await {
                Ok(looked_at) => looked_at,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be worked on");
                    0
                }
            };
            if looked_at > 0 {
                continue;
            }
            if let Ok((depth, _)) = self.database().outbox().depth().await {
                gauge!("outbox_depth").set(depth as f64);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.outbox_bell.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// The latest mails of all tenants, newest first, with their text: for the demo's mailbox page and for tests.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`].
    pub async fn recent_mails(&self, limit: u32) -> Result<Vec<SentMail>, ServiceError> {
        let mut mails = Vec::new();
        for stored in self.database().outbox().recent(limit).await? {
            let mail = stored.mail;
            let text = match STANDARD.decode(&mail.text) {
                Ok(sealed) if !sealed.is_empty() => {
                    let opened = self.vault().open_sealed(&stored.tenant, PURPOSE, &text_of(&mail.id), &sealed).await?;
                    String::from_utf8_lossy(&opened).into_owned()
                }
                Ok(_) | Err(_) => String::new(),
            };
            mails.push(SentMail {
                id: mail.id,
                tenant: stored.tenant,
                to: mail.to,
                from: mail.from,
                subject: mail.subject,
                links: links(&text),
                text,
                sent_at: stored.sent_at.unwrap_or(mail.created_at),
            });
        }
        Ok(mails)
    }
}

/// The http(s) URLs of a plain text, each without the punctuation that follows it.
fn links(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '「' | '」' | '（' | '）'))
        .filter_map(|word| word.find("http").and_then(|at| word.get(at..)))
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
        .map(|word| word.trim_end_matches(['.', ',', ';', '。', '、', ')', '"', '\'']).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn links_are_found_in_both_languages() {
        let text = "こちら：\nhttps://id.test/t/a/register/link/AbC\n\n(see https://id.test/x?y=1). <http://localhost:8080/>。";
        let found = super::links(text);
        assert_eq!(found, ["https://id.test/t/a/register/link/AbC", "https://id.test/x?y=1", "http://localhost:8080/"]);
    }
}
