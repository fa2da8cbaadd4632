//! Mails: written once, in the use case's transaction; delivered by a worker, at least once, until they are out.
//!
//! [`Service::enqueue_mail`] has the theme's words rendered, makes the whole message (RFC 5322) with its one
//! `Message-ID`, and puts it into the outbox of the caller's transaction. A mail may say an initial password or a
//! one-time URL, so it lies there sealed, and is wiped when it has been handed over.

mod message;
mod outbox;
pub mod transport;

pub use message::Rendered;
pub use outbox::SentMail;
pub use transport::{DeliveryError, MailTransport};

use crate::{Service, ServiceError, Tenant};
use base64::{Engine, engine::general_purpose::STANDARD};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp,
    id::{ALPHABET, MailId},
    mail::{MailKind, OutboxMail},
    random,
};
use madoguchi_store::Tx;
use std::sync::atomic::Ordering;

/// Writes mails in the words of a tenant's theme, in the recipient's language.
pub trait MailRenderer: Send + Sync + 'static {
    /// Subject and plain text of a mail.
    ///
    /// # Errors
    /// When the template does not render; the tests render every mail in every theme and language, so it is a defect.
    fn render(&self, tenant: &Tenant, locale: &Locale, mail: &MailKind) -> Result<Rendered, MailRenderError>;
}

/// A mail's template did not render.
#[derive(Debug, thiserror::Error)]
#[error("the mail {mail} could not be rendered: {cause}")]
pub struct MailRenderError {
    /// Which mail: [`MailKind::name`].
    pub mail: &'static str,
    /// Why.
    pub cause: String,
}

/// What the vault knows mails as.
const PURPOSE: &str = "mail";

impl Service {
    /// Renders a mail and puts it into the outbox, as part of `tx`. Use [`Service::commit`] to end the transaction, so
    /// that the worker wakes.
    ///
    /// # Errors
    /// [`ServiceError::Bug`] when it does not render; the transaction must then not be committed.
    pub async fn enqueue_mail(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        to: &EmailAddress,
        locale: &Locale,
        mail: MailKind,
    ) -> Result<MailId, ServiceError> {
        let mail = self.write_mail(tenant, to, locale, &mail).await?;
        tx.mails().enqueue(&mail).await?;
        Ok(mail.id)
    }

    /// Renders and seals a mail as the outbox takes it, without putting it there: whoever must not show by the time it
    /// takes whether a mail goes out writes one in either case.
    pub(crate) async fn write_mail(
        &self,
        tenant: &Tenant,
        to: &EmailAddress,
        locale: &Locale,
        mail: &MailKind,
    ) -> Result<OutboxMail, ServiceError> {
        let locale = tenant.config.locale([locale.as_str()]);
        let rendered = self.0.mail_renderer.render(tenant, locale, mail).map_err(ServiceError::bug)?;
        let now = self.now();
        let id = self.next_mail_id(now);
        let message = message::compose(tenant, locale, to, &id, now, &rendered)?;
        let vault = self.vault();
        let sealed_text = vault.seal(&tenant.slug, PURPOSE, &text_of(&id), rendered.body.as_bytes()).await?;
        Ok(OutboxMail {
            message_id: message.message_id,
            to: to.for_smtp(),
            subject: rendered.subject,
            text: STANDARD.encode(sealed_text),
            raw: vault.seal(&tenant.slug, PURPOSE, id.as_str(), &message.raw).await?,
            from: tenant.config.settings.mail.from.0.for_smtp(),
            created_at: now,
            id,
        })
    }

    /// A name that sorts by time, and within a second in the order of writing, so that newest first is just that.
    fn next_mail_id(&self, now: Timestamp) -> MailId {
        let base32 = |number: u64, digits: u32| -> String {
            let digit = |place: u32| usize::try_from(number >> (5 * place) & 31).unwrap_or(0);
            (0..digits).rev().filter_map(|place| ALPHABET.get(digit(place))).map(|c| char::from(*c)).collect()
        };
        let seconds = u64::try_from(now.seconds()).unwrap_or(0);
        let count = self.0.mails_written.fetch_add(1, Ordering::Relaxed);
        let rest = random::text(self.entropy(), ALPHABET, 14);
        MailId::known(format!("eml_{}{}{rest}", base32(seconds, 7), base32(count, 5)))
    }

    /// Commits, and wakes the worker that delivers mails.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when the database does not take it; nothing was kept then.
    pub async fn commit(&self, tx: Tx) -> Result<(), ServiceError> {
        tx.commit().await?;
        self.0.outbox_bell.notify_one();
        Ok(())
    }
}

/// The vault's id for a mail's text, beside that of the whole message.
fn text_of(id: &MailId) -> String {
    format!("{id}/text")
}
