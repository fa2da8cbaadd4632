//! Puts a provider together: the only place, with the command line, that wires.

use crate::{
    config::VerifierSettings,
    glue::VaultSealer,
    system::{SystemClock, SystemEntropy},
    verifiers::Verifiers,
};
use axum::Router;
use madoguchi_domain::audit::Actor;
use madoguchi_domain::{Clock, Entropy, TenantSlug, tenant::TenantFiles};
use madoguchi_oidc::{GuardedOutbound, Oidc, TenantView};
use madoguchi_plugin_sdk::{ApplicantVerifier, Directory};
use madoguchi_service::{
    HashingOptions, MailTransport, MasterKey, Service, ServiceParts, SourceLimits, Tenant, mail::transport,
    tenants::ApplyError,
};
use madoguchi_store::{Database, DatabaseOptions};
use madoguchi_web::{Web, WebParts, client_address::Network, pages::DemoFront, state::ThemedMails, theme::Themes};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

/// Why a provider cannot be built. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The database cannot be reached or migrated.
    #[error("the database cannot be used")]
    Database(#[from] madoguchi_store::StoreError),
    /// The use cases cannot start: wrong master key, unreadable tenant.
    #[error("{0}")]
    Start(#[from] madoguchi_service::StartError),
    /// A use case failed while the provider was put together.
    #[error("{0}")]
    Service(#[from] madoguchi_service::ServiceError),
    /// A theme is broken.
    #[error("{0}")]
    Theme(#[from] madoguchi_web::theme::ThemeError),
    /// A tenant's files have problems, one a line.
    #[error("tenant {folder}:\n{problems}")]
    Tenant {
        /// The folder.
        folder: String,
        /// `file:line: message` lines.
        problems: String,
    },
    /// Signing keys cannot be made or read.
    #[error("signing keys: {0}")]
    Keys(#[from] madoguchi_oidc::OidcError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A setting has a bad value.
    #[error("{setting}: {problem}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Why.
        problem: String,
    },
}

impl BuildError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    /// With all causes, for the terminal and the log.
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let words = error.to_string();
            if !text.contains(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
            cause = error.source();
        }
        text
    }
}

/// What a provider is made of; see [`Provider::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct ProviderBuilder {
    public_url: Url,
    database: String,
    database_connections: usize,
    master_key_file: PathBuf,
    tenants: Vec<(String, TenantFiles)>,
    tenant_folders: Vec<PathBuf>,
    themes: Option<PathBuf>,
    mail: Option<String>,
    directory: Option<Arc<dyn Directory>>,
    verifier: Option<Arc<dyn ApplicantVerifier>>,
    verifiers: BTreeMap<String, VerifierSettings>,
    demo_verifiers: Vec<(TenantSlug, Arc<dyn ApplicantVerifier>)>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    trusted_proxies: Vec<Network>,
    hashing: HashingOptions,
    limits: bool,
    outbound_private: Vec<String>,
    outbound_ca: Option<PathBuf>,
    demo: Option<DemoFront>,
}

impl ProviderBuilder {
    /// `sqlite:PATH` or `postgres://…`. Migrations are applied when the provider is built.
    pub fn database(mut self, url: impl Into<String>) -> Self {
        self.database = url.into();
        self
    }

    /// Connections to PostgreSQL at a time.
    pub fn database_connections(mut self, most: usize) -> Self {
        self.database_connections = most;
        self
    }

    /// The file with the master key that wraps all others; made at the first start. Keep it apart from the database.
    pub fn master_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.master_key_file = path.into();
        self
    }

    /// A tenant as a folder; applied when it differs from what is stored.
    pub fn tenant_folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.tenant_folders.push(path.into());
        self
    }

    /// A tenant as files in memory; `name` stands in messages.
    pub fn tenant_files(mut self, name: impl Into<String>, files: TenantFiles) -> Self {
        self.tenants.push((name.into(), files));
        self
    }

    /// A folder whose folders are themes, beside the shipped ones.
    pub fn themes(mut self, folder: impl Into<PathBuf>) -> Self {
        self.themes = Some(folder.into());
        self
    }

    /// Where mails go: `smtp://HOST:PORT`, `smtps://USER:PASSWORD@HOST`, `file:DIR`. Without it they stay in the outbox.
    pub fn mail(mut self, url: impl Into<String>) -> Self {
        self.mail = Some(url.into());
        self
    }

    /// Who was enrolled; the imported roster otherwise.
    pub fn directory(mut self, directory: Arc<dyn Directory>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// An outside check of what applicants type, for every tenant that wants one. Wins over
    /// [`verifiers`](Self::verifiers).
    pub fn verifier(mut self, verifier: Arc<dyn ApplicantVerifier>) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// The same from settings: a CSV file or a service for each tenant, by its slug.
    pub fn verifiers(mut self, settings: BTreeMap<String, VerifierSettings>) -> Self {
        self.verifiers = settings;
        self
    }

    /// For tenants that the settings give none.
    pub(crate) fn demo_verifiers(mut self, verifiers: Vec<(TenantSlug, Arc<dyn ApplicantVerifier>)>) -> Self {
        self.demo_verifiers = verifiers;
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness, for tests.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Proxies whose `X-Forwarded-For` counts.
    pub fn trusted_proxies(mut self, networks: Vec<Network>) -> Self {
        self.trusted_proxies = networks;
        self
    }

    /// Passwords hashed at a time, and logins that may wait for that.
    pub fn hashing(mut self, threads: Option<usize>, queue: usize) -> Self {
        if let Some(threads) = threads {
            self.hashing.threads = threads;
        }
        self.hashing.queue = queue;
        self
    }

    /// Whether limits per address apply; lockout of accounts always does.
    pub fn limits(mut self, enabled: bool) -> Self {
        self.limits = enabled;
        self
    }

    /// Hosts that may have private addresses, and a PEM file of further authorities, for requests made by the provider.
    pub fn outbound(mut self, allow_private: Vec<String>, extra_ca: Option<PathBuf>) -> Self {
        self.outbound_private = allow_private;
        self.outbound_ca = extra_ca;
        self
    }

    pub(crate) fn demo(mut self, front: DemoFront) -> Self {
        self.demo = Some(front);
        self
    }

    /// Opens the database, applies migrations and tenants, makes the keys that are missing.
    ///
    /// # Errors
    /// [`BuildError`]; nothing runs then.
    pub async fn build(self) -> Result<Provider, BuildError> {
        let themes = Themes::load(self.themes.as_deref())?;
        make_folder(&self.database)?;
        let mut options = DatabaseOptions::new(&self.database);
        options.connections = self.database_connections;
        let database = Database::open(&options).await?;
        database.migrate().await?;
        let master_key = master_key(&self.master_key_file, self.entropy.as_ref())?;
        let csrf_key = master_key.derive("csrf");
        let extra_ca = read_optional(self.outbound_ca.as_deref())?;
        let transport = mail_transport(self.mail.as_deref(), extra_ca.as_deref())
            .map_err(|problem| BuildError::Setting { setting: "mail.url", problem })?;
        let mut verifiers = Verifiers::of(&self.verifiers, extra_ca.as_deref())?;
        for (tenant, verifier) in self.demo_verifiers {
            verifiers = verifiers.or(tenant, verifier);
        }
        let verifiers = Arc::new(verifiers);
        let own = self.verifier.is_some();
        let known = Arc::clone(&verifiers);
        let unverified =
            |tenant: &Tenant| !own && tenant.config.settings.verifies_anybody() && !known.has(&tenant.slug);
        let service = Service::start(ServiceParts {
            database: database.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            public_url: self.public_url.clone(),
            hashing: self.hashing,
            master_key,
            mail_renderer: Arc::new(ThemedMails::new(themes.clone())),
            directory: self.directory,
            verifier: Some(self.verifier.unwrap_or(verifiers)),
            source_limits: self.limits.then(SourceLimits::default),
        })
        .await?;
        for folder in &self.tenant_folders {
            let files = read_tenant_folder(folder).map_err(|e| BuildError::file(folder, e))?;
            apply(&service, &themes, &folder.display().to_string(), &files).await?;
        }
        for (name, files) in &self.tenants {
            apply(&service, &themes, name, files).await?;
        }
        for tenant in service.tenants().iter().filter(|tenant| unverified(tenant)) {
            tracing::warn!(tenant = %tenant.slug, "applicants are to be verified, and [verifiers.{}] is missing in the settings: nobody can apply", tenant.slug);
        }
        let outbound = GuardedOutbound::new(self.outbound_private, extra_ca.as_deref())
            .map_err(|problem| BuildError::Setting { setting: "outbound.extra_ca", problem: problem.to_string() })?;
        let oidc = Oidc::new(madoguchi_oidc::Parts {
            database,
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            sealer: Arc::new(VaultSealer(service.vault().clone())),
            outbound: Arc::new(outbound),
        });
        ensure_keys(&service, &oidc).await?;
        let web = Web::new(WebParts {
            service: service.clone(),
            oidc: oidc.clone(),
            themes,
            public_url: self.public_url,
            csrf_key,
            trusted_proxies: self.trusted_proxies,
            demo: self.demo,
        });
        Ok(Provider { service, oidc, web, transport })
    }
}

async fn apply(service: &Service, themes: &Themes, name: &str, files: &TenantFiles) -> Result<(), BuildError> {
    if let Some(problem) = looks_problem(themes, files) {
        return Err(BuildError::Tenant { folder: name.to_owned(), problems: problem });
    }
    service.apply_tenant(files, &operator()).await.map(|_| ()).map_err(|e| match e {
        ApplyError::Invalid(problems) => BuildError::Tenant {
            folder: name.to_owned(),
            problems: problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        },
        ApplyError::Conflict => {
            BuildError::Tenant { folder: name.to_owned(), problems: ApplyError::Conflict.to_string() }
        }
        ApplyError::Service(e) => BuildError::Service(e),
    })
}

/// The folder of a SQLite file, made where it is missing.
fn make_folder(database: &str) -> Result<(), BuildError> {
    let file = database.strip_prefix("sqlite:").map(|path| Path::new(path.trim_start_matches("//")));
    match file.and_then(Path::parent).filter(|p| !p.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|e| BuildError::file(folder, e)),
        None => Ok(()),
    }
}

/// Why the tenant cannot be shown as its files want: `tenant.toml:LINE: …`. Files that cannot be read at all are told
/// about when they are applied.
pub(crate) fn looks_problem(themes: &Themes, files: &TenantFiles) -> Option<String> {
    let config = madoguchi_domain::tenant::TenantConfig::from_files(files).ok()?;
    let problem = madoguchi_web::looks_problem(themes, &config)?;
    let text = files.get("tenant.toml").and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let known = themes.get(&config.settings.theme).is_some();
    let keys: &[&str] = if known { &["primary", "accent", "[branding]"] } else { &["theme"] };
    let line = text.lines().position(|line| keys.iter().any(|key| line.trim_start().starts_with(key)));
    let place = line.map_or_else(String::new, |n| format!("{}:", n + 1));
    Some(format!("tenant.toml:{place} {problem}"))
}

/// Whoever runs the program, for the audit log.
pub(crate) fn operator() -> Actor {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|v| std::env::var(v).ok());
    Actor::Operator(name.unwrap_or_else(|| "operator".to_owned()))
}

/// Where mails go; without an address they stay in the outbox, for the demo's mailbox page.
pub(crate) fn mail_transport(url: Option<&str>, extra_ca: Option<&[u8]>) -> Result<Arc<dyn MailTransport>, String> {
    match url {
        None => Ok(Arc::new(transport::MailboxPage)),
        Some(url) => {
            let extra_ca: Vec<Vec<u8>> = extra_ca.map(<[u8]>::to_vec).into_iter().collect();
            transport::from_url(url, &extra_ca).map_err(|e| e.to_string())
        }
    }
}

pub(crate) fn read_optional(path: Option<&Path>) -> Result<Option<Vec<u8>>, BuildError> {
    path.map(|p| std::fs::read(p).map_err(|e| BuildError::file(p, e))).transpose()
}

/// Makes keys for all tenants that lack them, two tenants at a time: RSA takes a while.
async fn ensure_keys(service: &Service, oidc: &Oidc) -> Result<(), BuildError> {
    let made = futures_util::future::try_join_all(
        service.tenants().into_iter().map(|tenant| async move { oidc.ensure_keys(&view(&tenant)).await }),
    )
    .await?;
    if made.contains(&true) {
        service.poll_tenants().await?;
    }
    Ok(())
}

/// A tenant as the protocol sees it.
pub(crate) fn view(tenant: &Tenant) -> TenantView {
    TenantView {
        config: Arc::clone(&tenant.config),
        issuer: tenant.issuer.as_str().into(),
        generation: tenant.generation,
    }
}

/// Reads the master key, or makes one. A new file is for its owner's eyes only.
pub(crate) fn master_key(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey, BuildError> {
    match std::fs::read_to_string(path) {
        Ok(text) => MasterKey::from_text(text.trim()).map_err(|e| BuildError::Setting {
            setting: "secrets.master_key_file",
            problem: format!("{}: {e}", path.display()),
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let key = MasterKey::generate(entropy);
            write_secret(path, &key.to_text()).map_err(|e| BuildError::file(path, e))?;
            tracing::info!(path = %path.display(), "a master key was made; keep a copy of it apart from the database");
            Ok(key)
        }
        Err(e) => Err(BuildError::file(path, e)),
    }
}

fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// All files of a tenant's folder, two levels deep; hidden ones and the folder `demo` are left out.
pub(crate) fn read_tenant_folder(folder: &Path) -> std::io::Result<TenantFiles> {
    let mut files = TenantFiles::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "demo" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            for inner in std::fs::read_dir(entry.path())? {
                let inner = inner?;
                if inner.file_type()?.is_file() {
                    files.insert(
                        format!("{name}/{}", inner.file_name().to_string_lossy()),
                        std::fs::read(inner.path())?,
                    );
                }
            }
        } else {
            files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// A provider: the router to serve, and the workers to run.
#[derive(Clone)]
pub struct Provider {
    pub(crate) service: Service,
    pub(crate) oidc: Oidc,
    pub(crate) web: Web,
    transport: Arc<dyn MailTransport>,
}

impl Provider {
    /// A builder for a provider that people and applications reach at `public_url`; a path in it is where the host
    /// nests the [router](Self::router).
    pub fn builder(public_url: Url) -> ProviderBuilder {
        ProviderBuilder {
            public_url,
            database: "sqlite:madoguchi.db".into(),
            database_connections: 10,
            master_key_file: "master.key".into(),
            tenants: Vec::new(),
            tenant_folders: Vec::new(),
            themes: None,
            mail: None,
            directory: None,
            verifier: None,
            verifiers: BTreeMap::new(),
            demo_verifiers: Vec::new(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            trusted_proxies: Vec::new(),
            hashing: HashingOptions::default(),
            limits: true,
            outbound_private: Vec::new(),
            outbound_ca: None,
            demo: None,
        }
    }

    /// Everything that the outside reaches. Serve it with connection information
    /// ([`Peer`](madoguchi_web::client_address::Peer) among the request's extensions) to have addresses in the log.
    pub fn router(&self) -> Router {
        madoguchi_web::router(self.web.clone())
    }

    /// Health checks, for a listener that the outside does not reach.
    pub fn management_router(&self) -> Router {
        madoguchi_web::management_router(self.web.clone())
    }

    /// The themes.
    pub(crate) fn themes(&self) -> &Themes {
        self.web.themes()
    }

    /// Makes signing keys that tenants lack.
    ///
    /// # Errors
    /// [`BuildError::Keys`].
    pub(crate) async fn ensure_keys(&self) -> Result<(), BuildError> {
        ensure_keys(&self.service, &self.oidc).await
    }

    /// Starts what runs beside requests: delivery of mails, the look for changed configuration, the sweep of what has
    /// expired.
    pub fn start_workers(&self) -> Workers {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (service, transport, token) = (self.service.clone(), Arc::clone(&self.transport), stop.clone());
        tasks.spawn(async move { service.run_workers(transport, token).await });
        let (service, oidc, token) = (self.service.clone(), self.oidc.clone(), stop.clone());
        tasks.spawn(async move {
            while token.run_until_cancelled(tokio::time::sleep(Duration::from_secs(5))).await.is_some() {
                for tenant in service.tenants() {
                    if let Err(e) = oidc.ensure_keys(&view(&tenant)).await {
                        tracing::error!(tenant = %tenant.slug, error = %e, "signing keys");
                    }
                }
            }
        });
        let (service, oidc, token) = (self.service.clone(), self.oidc.clone(), stop.clone());
        tasks.spawn(async move {
            while token.run_until_cancelled(tokio::time::sleep(Duration::from_millis(500))).await.is_some() {
                let view_of = |slug: &TenantSlug| service.tenant(slug).map(|tenant| view(&tenant));
                if let Err(e) = oidc.deliver_logouts(view_of).await {
                    tracing::error!(error = %e, "logout notices");
                }
            }
        });
        tasks.close();
        Workers { stop, tasks }
    }

    /// Makes an account unless there is one with this login ID.
    ///
    /// Whether one was made.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub async fn seed_account(&self, tenant: &str, account: serde_json::Value) -> Result<bool, String> {
        let slug = tenant.parse()?;
        let tenant = self.service.tenant(&slug).ok_or_else(|| format!("there is no tenant {slug}"))?;
        let account = account.to_string();
        self.service.ensure_account(&tenant, &account, &operator()).await.map_err(|e| e.to_string())
    }
}

/// Running workers.
#[must_use = "workers run until they are stopped"]
pub struct Workers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Workers {
    /// Lets each finish what it has in hand.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}
