//! The use cases: sign in, set credentials, apply, review, make accounts, configure tenants, send mail, keep the log.
//!
//! [`Service`] is one per provider and cheap to clone. Each use case exists once, as a method on it, in the module of
//! its name; web pages, the command line and the demo call the same ones. A use case writes its state, its mails and
//! its audit event in **one** transaction; workers ([`Service::run_workers`]) deliver afterwards.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod accounts;
pub mod connections;
pub mod counter;
pub mod credentials;
pub mod directory;
pub mod documents;
pub mod drafts;
pub mod duties;
pub mod enrolment;
pub mod hashing;
mod home;
pub mod images;
pub mod limits;
pub mod mail;
pub mod mail_change;
pub mod own_data;
pub mod password_change;
pub mod personal;
pub mod recovery;
pub mod registration;
pub mod review;
pub mod sessions;
pub mod sign_in;
pub mod submission;
pub mod tenants;
pub mod vault;
pub mod withdrawal;

mod audit;
mod error;
mod gate;
mod retention;
mod verification;
mod workers;

pub use directory::{ImportedRoster, RosterError, RosterImport, RosterReport};
pub use documents::{DocumentImage, Rendition, UploadError};
pub use drafts::{CorrectionAsked, DraftError, DraftOpened, DraftState, OpenDraft, TermsError};
pub use duties::NewTermsError;
pub use enrolment::{EnrolmentError, EnrolmentLink, EnrolmentRequested};
pub use error::{ServiceError, StartError};
pub use hashing::{Hashing, HashingOptions};
pub use limits::SourceLimits;
pub use mail::{MailRenderError, MailRenderer, MailTransport, Rendered};
pub use mail_change::{MailChangeError, MailChangeOpened, MailChangeRequest, MailChangeRequested, MailIsChanged};
pub use password_change::{OwnPassword, PasswordChange, PasswordChangeError};
pub use personal::{ProfileChanged, Standing};
pub use recovery::{NewPasswordsError, Recovered, RecoveryError, RecoveryOpened, RecoveryRequest, RecoveryRequested};
pub use registration::{
    LinkError, LinkOpened, LinkProblem, Origin, RefusedInput, RegistrationError, RegistrationRequest,
    RegistrationRequested,
};
pub use review::{
    AccountChoice, DecideError, Decided, DecisionForm, Desk, QueueFilter, ReviewerOf, Ruling, UndoError, UndoForm,
};
pub use sessions::{ActiveSession, SessionState, SignedInPlace};
pub use sign_in::{SignIn, SignInError, SignedIn};
pub use submission::{ResubmissionLink, SubmitError, Submitted};
pub use tenants::Tenant;
pub use vault::{MasterKey, Vault};
pub use verification::Unconfirmed;
pub use withdrawal::WithdrawError;

use madoguchi_domain::{Clock, Entropy, Timestamp};
use madoguchi_plugin_sdk::{ApplicantVerifier, Directory};
use madoguchi_store::{Database, TenantStore};
use std::sync::Arc;
use url::Url;

/// All use cases of one provider. Clones share everything.
#[derive(Clone)]
pub struct Service(pub(crate) Arc<Inner>);

/// What a [`Service`] is made of; see [`ServiceParts`] for the meaning of each.
pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) public_url: Url,
    pub(crate) hashing: Hashing,
    /// Where uploaded images are decoded.
    pub(crate) images: images::ImagePipeline,
    /// Sign-ins under way.
    pub(crate) sign_ins: gate::Gate,
    /// Budgets of source addresses; none when they are off.
    pub(crate) source_limits: Option<SourceLimits>,
    pub(crate) vault: Vault,
    pub(crate) tenants: tenants::TenantCache,
    pub(crate) mail_renderer: Arc<dyn MailRenderer>,
    pub(crate) directory: Option<Arc<dyn Directory>>,
    pub(crate) verifier: Option<Arc<dyn ApplicantVerifier>>,
    /// Rung when a mail was put into the outbox, so that the worker need not wait for its next round.
    pub(crate) outbox_bell: tokio::sync::Notify,
    /// How many mails this process wrote.
    pub(crate) mails_written: std::sync::atomic::AtomicU64,
    /// What goes on after a request was answered.
    pub(crate) background: tokio_util::task::TaskTracker,
}

/// Everything that a [`Service`] needs from outside.
pub struct ServiceParts {
    /// The database, migrated.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The provider's own address; links in mails are made from it and from nothing else.
    pub public_url: Url,
    /// How passwords are hashed.
    pub hashing: HashingOptions,
    /// The key that wraps all others.
    pub master_key: MasterKey,
    /// Writes mails in the words of the tenant's theme.
    pub mail_renderer: Arc<dyn MailRenderer>,
    /// Who is on the institution's roster; the imported roster when absent.
    pub directory: Option<Arc<dyn Directory>>,
    /// An outside authority that checks applicants' answers.
    pub verifier: Option<Arc<dyn ApplicantVerifier>>,
    /// Budgets of each source address; none switches them off. The lockout of login IDs is not among them.
    pub source_limits: Option<SourceLimits>,
}

/// Where a request came from, as far as the log and the counters want to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The peer's address, or the one that a trusted proxy named.
    pub ip: Option<std::net::IpAddr>,
    /// The browser's name for itself, as sent.
    pub user_agent: String,
}

impl Service {
    /// Opens the vault, starts the hashing threads and reads the tenants.
    ///
    /// # Errors
    /// [`StartError`] when the database does not answer, the master key is not the one that the stored keys were
    /// wrapped with, or a stored tenant cannot be read any more.
    pub async fn start(parts: ServiceParts) -> Result<Self, StartError> {
        let vault = Vault::open(&parts.database, &parts.master_key, parts.clock.clone(), parts.entropy.clone()).await?;
        // A sign-in puts up to two jobs into the queue.
        let places = (parts.hashing.queue / 2).max(1);
        let hashing = Hashing::start(parts.hashing, parts.entropy.clone())?;
        let service = Self(Arc::new(Inner {
            database: parts.database,
            clock: parts.clock,
            entropy: parts.entropy,
            public_url: parts.public_url,
            hashing,
            images: images::ImagePipeline::default(),
            sign_ins: gate::Gate::new(places),
            source_limits: parts.source_limits,
            vault,
            tenants: tenants::TenantCache::default(),
            mail_renderer: parts.mail_renderer,
            directory: parts.directory,
            verifier: parts.verifier,
            outbox_bell: tokio::sync::Notify::new(),
            mails_written: std::sync::atomic::AtomicU64::new(0),
            background: tokio_util::task::TaskTracker::new(),
        }));
        service.poll_tenants().await?;
        Ok(service)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The source of randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Everything that is stored of a tenant.
    pub fn store(&self, tenant: &Tenant) -> TenantStore {
        self.0.database.tenant(&tenant.slug)
    }

    /// What seals signing keys and documents.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// The queue that passwords are hashed in.
    pub fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    /// The provider's own address.
    pub fn public_url(&self) -> &Url {
        &self.0.public_url
    }

    /// The plugin that knows the institution's roster, if one was given.
    pub fn directory(&self) -> Option<&Arc<dyn Directory>> {
        self.0.directory.as_ref()
    }

    /// The plugin that checks applicants' answers, if one was given.
    pub fn verifier(&self) -> Option<&Arc<dyn ApplicantVerifier>> {
        self.0.verifier.as_ref()
    }
}
