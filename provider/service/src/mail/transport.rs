//! Ways that mails leave the house.

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    transport::smtp::{
        PoolConfig,
        client::{Certificate, Tls, TlsParameters},
    },
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use url::Url;

/// A message to hand over.
pub struct Parcel<'a> {
    /// Its name in the outbox.
    pub id: &'a str,
    /// Envelope sender.
    pub from: &'a str,
    /// Envelope recipient.
    pub to: &'a str,
    /// The whole message (RFC 5322).
    pub raw: &'a [u8],
}

/// Hands mails over to whoever carries them on.
#[async_trait]
pub trait MailTransport: Send + Sync + 'static {
    /// Hands one over. `Ok` means that somebody else is responsible for it now.
    async fn deliver(&self, parcel: Parcel<'_>) -> Result<(), DeliveryError>;

    /// Whether the text stays readable in the outbox afterwards; for the demo's mailbox page only.
    fn keeps_text(&self) -> bool {
        false
    }

    /// Whether the other side answers at all; for `madoguchi check`.
    async fn probe(&self) -> Result<(), DeliveryError> {
        Ok(())
    }
}

/// Why a mail was not taken. The text is for the log and the outbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// Another try may help.
    #[error("not now: {0}")]
    Temporary(String),
    /// No try will help: the address does not exist, the message is refused.
    #[error("refused: {0}")]
    Permanent(String),
}

/// Why a mail URL is not one.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Neither of the schemes that we know.
    #[error("expected smtp://…, smtps://… or file:FOLDER, found {0:?}")]
    Scheme(String),
    /// The server's address or its TLS settings.
    #[error("the mail server's address: {0}")]
    Smtp(String),
    /// A certificate that is to be trusted cannot be read.
    #[error("the extra certificate authority: {0}")]
    Certificate(String),
}

/// The transport of a `mail.url`: `smtp://[user:password@]host[:port][?tls=required|opportunistic|none]`,
/// `smtps://…`, or `file:FOLDER` for files that a test or another program picks up.
///
/// Without `tls`, `smtp://` uses STARTTLS where the server offers it, and plain text on the loopback.
/// `extra_ca` are certificate authorities (PEM) trusted besides the built-in ones.
///
/// # Errors
/// [`TransportError`] for what is none of these.
pub fn from_url(url: &str, extra_ca: &[Vec<u8>]) -> Result<Arc<dyn MailTransport>, TransportError> {
    if let Some(folder) = url.strip_prefix("file:") {
        let folder = folder.strip_prefix("//").unwrap_or(folder);
        return Ok(Arc::new(Folder { folder: PathBuf::from(folder) }));
    }
    let mut parsed = Url::parse(url).map_err(|_| TransportError::Scheme(without_password(url)))?;
    if !matches!(parsed.scheme(), "smtp" | "smtps") {
        return Err(TransportError::Scheme(without_password(url)));
    }
    let named = parsed.query_pairs().find(|(k, _)| k == "tls").map(|(_, v)| v.into_owned());
    let loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let tls = match (parsed.scheme(), named.as_deref()) {
        ("smtps", _) => Wanted::Wrapper,
        (_, Some("required")) => Wanted::Required,
        (_, Some("opportunistic")) => Wanted::Opportunistic,
        (_, Some("none")) => Wanted::None,
        (_, Some(other)) => return Err(TransportError::Smtp(format!("tls={other} is not known"))),
        (_, None) if loopback => Wanted::None,
        (_, None) => Wanted::Opportunistic,
    };
    parsed.set_query(None);
    let host = parsed.host_str().ok_or_else(|| TransportError::Smtp("no host".into()))?.to_owned();
    let smtp = |e: lettre::transport::smtp::Error| TransportError::Smtp(e.to_string());
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(parsed.as_str()).map_err(smtp)?;
    let parameters = || -> Result<TlsParameters, TransportError> {
        let mut tls = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
        for pem in extra_ca {
            let ca = Certificate::from_pem(pem).map_err(|e| TransportError::Certificate(e.to_string()))?;
            tls = tls.add_root_certificate(ca);
        }
        tls.build().map_err(smtp)
    };
    builder = builder.tls(match tls {
        Wanted::Wrapper => Tls::Wrapper(parameters()?),
        Wanted::Required => Tls::Required(parameters()?),
        Wanted::Opportunistic => Tls::Opportunistic(parameters()?),
        Wanted::None => Tls::None,
    });
    let pool = PoolConfig::new().max_size(4).idle_timeout(Duration::from_secs(30));
    Ok(Arc::new(Smtp(builder.timeout(Some(Duration::from_secs(30))).pool_config(pool).build())))
}

enum Wanted {
    Wrapper,
    Required,
    Opportunistic,
    None,
}

/// A URL for an error message.
fn without_password(url: &str) -> String {
    url.rsplit_once('@').map_or(url, |(_, tail)| tail).to_owned()
}

struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

#[async_trait]
impl MailTransport for Smtp {
    async fn deliver(&self, parcel: Parcel<'_>) -> Result<(), DeliveryError> {
        let address = |text: &str| {
            text.rsplit_once('@')
                .map(|(user, domain)| lettre::Address::new_dangerous(user, domain))
                .ok_or_else(|| DeliveryError::Permanent("an address without @".into()))
        };
        let envelope = Envelope::new(Some(address(parcel.from)?), vec![address(parcel.to)?])
            .map_err(|e| DeliveryError::Permanent(e.to_string()))?;
        self.0.send_raw(&envelope, parcel.raw).await.map(drop).map_err(|e| classify(&e))
    }

    async fn probe(&self) -> Result<(), DeliveryError> {
        match self.0.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(DeliveryError::Temporary("the mail server does not answer".into())),
            Err(e) => Err(classify(&e)),
        }
    }
}

/// 5yz is final, but for what is about us and not about the mail: authentication (530, 534, 535, 538), and a server
/// that takes no mail at all at the moment (521).
fn classify(error: &lettre::transport::smtp::Error) -> DeliveryError {
    let code = error.status().map(|c| c.to_string());
    let ours = matches!(code.as_deref(), Some("530" | "534" | "535" | "538" | "521"));
    let text = with_causes(error);
    if error.is_permanent() && !ours { DeliveryError::Permanent(text) } else { DeliveryError::Temporary(text) }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    without_addresses(&text).chars().take(500).collect()
}

/// A server's answer often repeats whom the mail was for; the log has no business with that.
fn without_addresses(text: &str) -> String {
    let bounds = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | ',' | ';' | '(' | ')' | '[' | ']');
    text.split_inclusive(bounds)
        .map(|part| {
            let word = part.trim_end_matches(bounds);
            let end = part.strip_prefix(word).unwrap_or_default();
            if word.contains('@') { format!("…@…{end}") } else { part.to_owned() }
        })
        .collect()
}

/// `file:FOLDER`: each mail a file `ID.eml`, complete when it appears under that name.
struct Folder {
    folder: PathBuf,
}

#[async_trait]
impl MailTransport for Folder {
    async fn deliver(&self, parcel: Parcel<'_>) -> Result<(), DeliveryError> {
        let failed = |e: std::io::Error| DeliveryError::Temporary(e.to_string());
        tokio::fs::create_dir_all(&self.folder).await.map_err(failed)?;
        let partial = self.folder.join(format!(".{}.part", parcel.id));
        tokio::fs::write(&partial, parcel.raw).await.map_err(failed)?;
        tokio::fs::rename(&partial, self.folder.join(format!("{}.eml", parcel.id))).await.map_err(failed)
    }
}

/// The demo's: mails stay in the outbox, where the mailbox page reads them.
#[derive(Debug, Clone, Copy, Default)]
pub struct MailboxPage;

#[async_trait]
impl MailTransport for MailboxPage {
    async fn deliver(&self, _: Parcel<'_>) -> Result<(), DeliveryError> {
        Ok(())
    }
    fn keeps_text(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_gets_whole_files() {
        let folder = std::env::temp_dir().join(format!("madoguchi-mail-{}", std::process::id()));
        let transport = from_url(&format!("file:{}", folder.display()), &[]).unwrap();
        let parcel = Parcel { id: "eml_1", from: "a@b.test", to: "c@d.test", raw: b"Subject: x\r\n\r\ny" };
        transport.deliver(parcel).await.unwrap();
        assert_eq!(std::fs::read(folder.join("eml_1.eml")).unwrap(), b"Subject: x\r\n\r\ny");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_servers_answer_is_kept_without_addresses() {
        for (answer, kept) in [
            ("550 5.1.1 <taro@example.jp>: Recipient address rejected", "550 5.1.1 <…@…>: Recipient address rejected"),
            ("550 taro.@docomo.example mailbox full (taro@b.jp), bye", "550 …@… mailbox full (…@…), bye"),
            ("421 try again\n later ", "421 try again\n later "),
        ] {
            assert_eq!(without_addresses(answer), kept);
        }
    }

    #[tokio::test]
    async fn urls_are_read_and_passwords_not_repeated() {
        assert!(from_url("smtp://user:pw@mail.example.jp:587?tls=required", &[]).is_ok());
        assert!(from_url("smtps://mail.example.jp", &[]).is_ok());
        assert!(from_url("smtp://127.0.0.1:2525", &[]).is_ok());
        let Err(error) = from_url("http://user:geheim@mail.example.jp", &[]) else { panic!() };
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
}
