//! A mail's outer form (RFC 5322): headers, addresses, encoding.

use crate::{ServiceError, Tenant};
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use madoguchi_domain::{EmailAddress, Locale, Timestamp, id::MailId};
use std::{error::Error, time::SystemTime};

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// A message as it goes over the wire.
pub(super) struct Composed {
    pub(super) message_id: String,
    pub(super) raw: Vec<u8>,
}

/// Makes the message. The same id and time give the same `Message-ID` and `Date`.
pub(super) fn compose(
    tenant: &Tenant,
    locale: &Locale,
    to: &EmailAddress,
    id: &MailId,
    now: Timestamp,
    rendered: &Rendered,
) -> Result<Composed, ServiceError> {
    let policy = &tenant.config.settings.mail;
    let from = address(&policy.from.0)?;
    let message_id = format!("<{id}@{}>", from.domain());
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let name = display_name(policy.from_name.get(locale));
    let recipient = address(to)?;
    // Given, as lettre would read it back from the headers, and does not understand every address that it writes there.
    let envelope = Envelope::new(Some(from.clone()), vec![recipient.clone()]).map_err(ServiceError::bug)?;
    let message = Message::builder()
        .envelope(envelope)
        .message_id(Some(message_id.clone()))
        .date(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
        .from(Mailbox::new((!name.is_empty()).then_some(name), from))
        .to(Mailbox::new(None, recipient))
        .subject(one_line(&rendered.subject))
        .header(AutoSubmitted)
        .header(ContentLanguage(locale.to_string()))
        .singlepart(SinglePart::plain(rendered.body.clone()))
        .map_err(ServiceError::bug)?;
    Ok(Composed { message_id, raw: message.formatted() })
}

/// The address for lettre. Ours passed [`EmailAddress::parse`], which is stricter than lettre's own check in all but
/// the old carriers' dots, and those are quoted.
pub(super) fn address(email: &EmailAddress) -> Result<Address, ServiceError> {
    let text = email.for_smtp();
    let (user, domain) = text.rsplit_once('@').ok_or_else(|| ServiceError::bug("a mail address without @"))?;
    Ok(Address::new_dangerous(user, domain))
}

/// A name for a mailbox without what breaks out of it: control characters (lettre panics on some) and those that turn
/// the direction of writing.
fn display_name(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept: String = text.chars().map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one_line(text: &str) -> String {
    display_name(text)
}

/// `Auto-Submitted: auto-generated` (RFC 3834 §5): no holiday answers, please.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// `Content-Language` (RFC 3282), which screen readers of mail programs heed.
#[derive(Clone)]
struct ContentLanguage(String);

impl Header for ContentLanguage {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Language")
    }
    fn parse(text: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_their_header() {
        assert_eq!(display_name("Eve\r\nBcc: x@y.test\0"), "Eve Bcc: x@y.test");
        assert_eq!(display_name("山田\r\n太郎"), "山田 太郎");
        assert_eq!(display_name("a\u{202e}b"), "a b");
        let mailbox = Mailbox::new(Some(display_name("Eve\r\nBcc")), Address::new_dangerous("a", "b.test"));
        let sent = Message::builder().from(mailbox.clone()).to(mailbox).body(String::new()).unwrap();
        let sent = String::from_utf8(sent.formatted()).unwrap();
        assert!(!sent.lines().any(|line| line.starts_with("Bcc")), "{sent}");
    }

    #[test]
    fn an_old_carriers_address_is_quoted() {
        let old = EmailAddress::parse("a..b.@docomo.ne.jp").unwrap();
        assert_eq!(address(&old).unwrap().to_string(), "\"a..b.\"@docomo.ne.jp");
    }
}
