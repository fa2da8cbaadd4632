//! The beginning of an application: a mail address is asked for, a one-time link proves it.
//!
//! Asking for a link looks and costs the same for an address that has an account: that one gets a mail saying so.
//! Opening a link changes nothing; it is used up when the application that it began is handed in
//! ([`crate::submission`]).

use crate::{Service, ServiceError, Source, Tenant, limits::Counted};
use madoguchi_domain::{
    EmailAddress, Locale, Timestamp, Token, TokenHash,
    audit::{Action, Actor},
    email::EmailError,
    mail::MailKind,
    one_time::{OneTime, OneTimeState, Purpose},
};
use madoguchi_store::TenantStore;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The window in which mails to one address are counted.
pub(crate) const MAIL_WINDOW: Duration = Duration::from_secs(3600);

/// What somebody typed on the mail address page, and where they came from.
#[derive(Debug, Clone)]
pub struct RegistrationRequest {
    /// The address.
    pub mail: String,
    /// The address again.
    pub mail_confirm: String,
    /// The language of the page, and of the mail.
    pub locale: Locale,
    /// The kind of user that was chosen; empty where the tenant has one.
    pub kind_of_user: String,
    /// The relying party that sent the person here.
    pub return_client: Option<String>,
    /// The parked authorization request, opaque.
    pub interaction: Option<String>,
    /// Who asked.
    pub source: Source,
}

/// A registration link was asked for. Says the same whether a link was sent or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRequested {
    /// The address, as read.
    pub email: EmailAddress,
    /// Until when a link sent now can be opened.
    pub expires_at: Timestamp,
}

/// An input that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedInput {
    /// The input's name.
    pub input: &'static str,
    /// Stable code of the message.
    pub code: &'static str,
}

/// Why a registration link was not asked for.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The addresses are to be corrected.
    #[error("the mail address was not accepted")]
    Refused(Vec<RefusedInput>),
    /// The tenant (or this kind of user) does not register here.
    #[error("registration is closed")]
    Closed,
    /// It could not be carried out.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// What a registration link carries, beside the address that it proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkPayload {
    /// The address as typed.
    pub(crate) mail: String,
    pub(crate) locale: Locale,
    #[serde(flatten)]
    pub(crate) origin: Origin,
}

/// Where an applicant came from; kept with the draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The relying party that sent the person here.
    pub return_client: Option<String>,
    /// The parked authorization request, opaque.
    pub interaction: Option<String>,
    /// The kind of user that was chosen; empty where the tenant has one.
    pub kind_of_user: String,
}

/// The proof that somebody holds a usable registration link, and so reads the mail of its address.
#[derive(Debug, Clone)]
pub struct LinkOpened {
    pub(crate) token_hash: TokenHash,
    pub(crate) email: EmailAddress,
    pub(crate) locale: Locale,
    pub(crate) origin: Origin,
    pub(crate) expires_at: Timestamp,
}

impl LinkOpened {
    /// The proved address.
    pub fn email(&self) -> &EmailAddress {
        &self.email
    }
    /// The language that the link was asked for in.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }
    /// Where the person came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
    /// Until when it can be opened.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// Why a link cannot be used. The page says which, and how to start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkProblem {
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
    /// The application that it began was handed in.
    #[error("the link was used")]
    Used,
    /// A newer link was asked for.
    #[error("a newer link took its place")]
    Superseded,
    /// There is no such link here.
    #[error("there is no such link")]
    Unknown,
}

impl LinkProblem {
    /// The stable code of its message.
    pub fn code(self) -> &'static str {
        match self {
            LinkProblem::Expired => "link_expired",
            LinkProblem::Used => "link_used",
            LinkProblem::Superseded => "link_superseded",
            LinkProblem::Unknown => "link_unknown",
        }
    }
}

/// Why a link was not opened.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The link.
    #[error(transparent)]
    Problem(#[from] LinkProblem),
    /// It could not be looked at.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Service {
    /// Asks for a link to register `mail`.
    ///
    /// Within the tenant's mails per hour and address, and those of the source ([`crate::limits`]), one mail is written:
    /// with a link (older ones of the address end), or, where the address has an account, saying so. Beyond, none is,
    /// and the answer is the same.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn request_registration(
        &self,
        tenant: &Tenant,
        request: RegistrationRequest,
    ) -> Result<RegistrationRequested, RegistrationError> {
        let mut request = request;
        let settings = &tenant.config.settings;
        let open: Vec<&str> = settings.registering_kinds().map(|kind| kind.key.as_str()).collect();
        // Who comes from a relying party was not asked; where one kind registers, it is that one.
        if let ("", [only]) = (request.kind_of_user.as_str(), open.as_slice()) {
            request.kind_of_user = (*only).to_owned();
        }
        let unasked = settings.home.kinds_of_user.is_empty() && request.kind_of_user.is_empty();
        let chosen = unasked || open.contains(&request.kind_of_user.as_str());
        let undecided = request.kind_of_user.is_empty() && !open.is_empty();
        if !settings.registration.open || !(chosen || undecided) {
            return Err(RegistrationError::Closed);
        }
        let mut refused = Vec::new();
        if undecided {
            refused.push(RefusedInput { input: "kind", code: "required_choice" });
        }
        let email = match compare_addresses(&request.mail, &request.mail_confirm) {
            Ok(email) if refused.is_empty() => email,
            Ok(_) => return Err(RegistrationError::Refused(refused)),
            Err(wrong) => {
                refused.extend(wrong);
                return Err(RegistrationError::Refused(refused));
            }
        };
        Ok(self.send_registration_link(tenant, email, request).await?)
    }

    async fn send_registration_link(
        &self,
        tenant: &Tenant,
        email: EmailAddress,
        request: RegistrationRequest,
    ) -> Result<RegistrationRequested, ServiceError> {
        let policy = &tenant.config.settings.one_time_links;
        let now = self.now();
        let expires_at = now + policy.lifetime.duration();
        let canonical = email.canonical();
        let store = self.store(tenant);
        let requested = RegistrationRequested { email: email.clone(), expires_at };

        let rate_key = TokenHash::of(format!("registration-mail\0{canonical}").as_bytes());
        let mut tx = store.begin().await?;
        let mails = tx.rates().hit(&rate_key, now, MAIL_WINDOW).await?;
        let spent = self.spend_in(&mut tx, tenant, Counted::Mail, &request.source, now).await?;
        if mails > policy.mails_per_hour || spent.is_err() {
            tx.commit().await?;
            return Ok(requested);
        }
        let account = tx.accounts().by_email(&canonical).await?;
        let known = account.is_some();
        // What was typed may differ in case; mail goes to what was proved before.
        let to = account.map_or_else(|| email.clone(), |account| account.email);
        let token = Token::new(self.entropy());
        let origin = Origin {
            return_client: request.return_client,
            interaction: request.interaction,
            kind_of_user: request.kind_of_user,
        };
        let payload = LinkPayload { mail: email.as_str().to_owned(), locale: request.locale.clone(), origin };
        let link = OneTime {
            purpose: Purpose::Registration,
            token_hash: token.hash(),
            subject: canonical.clone(),
            payload: serde_json::to_value(&payload).map_err(ServiceError::bug)?,
            created_at: now,
            expires_at,
            consumed_at: None,
            revoked_at: None,
        };
        // Older links end. For an address that has an account the new one does as well, so that as much is written
        // and nothing can be opened.
        if known {
            tx.one_time().insert(&link).await?;
            tx.one_time().revoke(Purpose::Registration, &canonical, now).await?;
        } else {
            tx.one_time().revoke(Purpose::Registration, &canonical, now).await?;
            tx.one_time().insert(&link).await?;
        }
        let mail = if known {
            MailKind::AlreadyRegistered { login_url: tenant.url("/login") }
        } else {
            let url = tenant.url(&format!("/register/link/{}", token.expose()));
            MailKind::VerifyAddress { url, expires_at }
        };
        self.enqueue_mail(&mut tx, tenant, &to, &request.locale, mail).await?;
        let detail = serde_json::json!({ "known": known });
        self.record(&mut tx, Actor::Visitor, Action::RegistrationRequested, &canonical, detail, Some(&request.source))
            .await?;
        self.commit(tx).await?;
        Ok(requested)
    }

    /// Looks at a registration link. Changes nothing.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open_link(&self, tenant: &Tenant, token: &Token) -> Result<LinkOpened, LinkError> {
        let hash = token.hash();
        let link = usable(&self.store(tenant), Purpose::Registration, &hash, self.now()).await?;
        let payload: LinkPayload = serde_json::from_value(link.payload).map_err(ServiceError::bug)?;
        Ok(LinkOpened {
            token_hash: hash,
            email: EmailAddress::known(payload.mail),
            locale: payload.locale,
            origin: payload.origin,
            expires_at: link.expires_at,
        })
    }
}

/// The link of that purpose, if it can be used at `now`.
pub(crate) async fn usable(
    store: &TenantStore,
    purpose: Purpose,
    hash: &TokenHash,
    now: Timestamp,
) -> Result<OneTime, LinkError> {
    let found = store.one_time().find(purpose, hash).await.map_err(ServiceError::from)?;
    let link = found.ok_or(LinkProblem::Unknown)?;
    match link.state(now) {
        OneTimeState::Usable => Ok(link),
        OneTimeState::Expired => Err(LinkProblem::Expired.into()),
        OneTimeState::Consumed => Err(LinkProblem::Used.into()),
        OneTimeState::Superseded => Err(LinkProblem::Superseded.into()),
    }
}

/// An input that is no mail address.
pub(crate) fn refused_address(input: &'static str, error: EmailError) -> RefusedInput {
    let code = match error {
        EmailError::Empty => "required",
        EmailError::TooLong => "email.too_long",
        EmailError::Malformed => "email.malformed",
    };
    RefusedInput { input, code }
}

pub(crate) fn compare_addresses(mail: &str, confirm: &str) -> Result<EmailAddress, Vec<RefusedInput>> {
    let first = EmailAddress::parse(mail).map_err(|e| refused_address("mail", e));
    let second = EmailAddress::parse(confirm);
    match (first, second) {
        (Ok(first), Ok(second)) if first.canonical() == second.canonical() => Ok(first),
        // Whatever else stands there, it is not the same.
        (Ok(_), Ok(_) | Err(EmailError::Malformed | EmailError::TooLong)) => {
            Err(vec![RefusedInput { input: "mail_confirm", code: "email.mismatch" }])
        }
        (Ok(_), Err(EmailError::Empty)) => Err(vec![refused_address("mail_confirm", EmailError::Empty)]),
        (Err(first), Err(EmailError::Empty)) => Err(vec![first, refused_address("mail_confirm", EmailError::Empty)]),
        (Err(first), Ok(_) | Err(EmailError::Malformed | EmailError::TooLong)) => Err(vec![first]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_addresses_may_differ_in_width_and_case_only() {
        assert!(compare_addresses("Taro@example.jp", "ｔａｒｏ@EXAMPLE.jp").is_ok());
        let codes = |mail, confirm| -> Vec<(&str, &str)> {
            compare_addresses(mail, confirm).unwrap_err().into_iter().map(|r| (r.input, r.code)).collect()
        };
        assert_eq!(codes("", ""), [("mail", "required"), ("mail_confirm", "required")]);
        assert_eq!(codes("taro@example.jp", ""), [("mail_confirm", "required")]);
        assert_eq!(codes("taro@example.jp", "jiro@example.jp"), [("mail_confirm", "email.mismatch")]);
        assert_eq!(codes("taro", "taro@example.jp"), [("mail", "email.malformed")]);
    }
}
