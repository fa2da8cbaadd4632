//! A world for a test: a fresh database, a clock that stands still, randomness from a seed, cheap hashing.

use madoguchi_domain::{
    Entropy, Locale, Secret, Timestamp, Token, audit::Actor, form::Form, mail::MailKind, tenant::TenantConfig,
    time::FixedClock,
};
use madoguchi_service::{
    ActiveSession, HashingOptions, MailRenderError, MailRenderer, MasterKey, Rendered, Service, ServiceParts, SignIn,
    SignInError, SignedIn, Source, Tenant, hashing::HashCost,
};
use madoguchi_store::Database;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// 2026-11-22T10:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_795_341_600);

/// Randomness that is the same in every run.
pub(crate) struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&Sha256::digest(count.to_be_bytes())[..chunk.len()]);
        }
    }
}

/// Mails as JSON: the tests look at what they say, not at how.
struct PlainMails;

impl MailRenderer for PlainMails {
    fn render(&self, _: &Tenant, locale: &Locale, mail: &MailKind) -> Result<Rendered, MailRenderError> {
        let body = serde_json::to_string_pretty(mail).unwrap();
        Ok(Rendered { subject: format!("{} {locale} お知らせ", mail.name()), body })
    }
}

pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) entropy: Arc<Seeded>,
    pub(crate) database: Database,
    /// Two passwords, mail addresses.
    pub(crate) certificate: Tenant,
    /// One password, user IDs.
    pub(crate) residence: Tenant,
    _folder: tempfile::TempDir,
}

/// Defines a test that runs on each database.
macro_rules! on_each_database {
    ($(async fn $name:ident($world:ident: World) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn scenario($world: crate::support::World) $body

            #[tokio::test]
            async fn sqlite() {
                scenario(crate::support::World::on_sqlite().await).await
            }
            #[tokio::test]
            async fn postgres() {
                match crate::support::World::on_postgres().await {
                    Some(world) => scenario(world).await,
                    None => eprintln!("skipped: MADOGUCHI_TEST_POSTGRES is not set"),
                }
            }
        }
    )+};
}
pub(crate) use on_each_database;

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self::at(&url, folder).await
    }

    /// In a schema of its own.
    pub(crate) async fn on_postgres() -> Option<Self> {
        use sqlx::Connection;
        static SCHEMAS: AtomicU64 = AtomicU64::new(0);
        let url = std::env::var("MADOGUCHI_TEST_POSTGRES").ok().filter(|u| !u.is_empty())?;
        let number = SCHEMAS.fetch_add(1, Ordering::SeqCst);
        let schema = format!("service_{}_{number}", std::process::id());
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let create = format!("drop schema if exists {schema} cascade; create schema {schema}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{separator}options[search_path]={schema}");
        Some(Self::at(&url, tempfile::tempdir().unwrap()).await)
    }

    async fn at(url: &str, folder: tempfile::TempDir) -> Self {
        let database = Database::connect(url).await.unwrap();
        database.migrate().await.unwrap();
        let clock = Arc::new(FixedClock::at(START));
        let entropy = Arc::new(Seeded(AtomicU64::new(1)));
        let service = start(&database, &clock, &entropy, [7; 32]).await.unwrap();
        let certificate = tenant(CERTIFICATE);
        let residence = tenant(RESIDENCE);
        for tenant in [&certificate, &residence] {
            service.vault().prepare(&tenant.slug).await.unwrap();
        }
        Self { service, clock, entropy, database, certificate, residence, _folder: folder }
    }

    /// The same world with a service that is made of other parts.
    pub(crate) async fn with(mut self, change: impl FnOnce(&mut ServiceParts)) -> Self {
        let mut parts = parts(&self.database, &self.clock, &self.entropy, [7; 32]);
        change(&mut parts);
        self.service = Service::start(parts).await.unwrap();
        self
    }

    pub(crate) async fn account(&self, tenant: &Tenant, json: &str) -> madoguchi_service::accounts::AccountView {
        self.service.create_account(tenant, json, &Actor::Operator("test".into())).await.unwrap()
    }

    /// `graduate@example.jp`, with both passwords.
    pub(crate) async fn graduate(&self) -> madoguchi_service::accounts::AccountView {
        let json = r#"{"login_id":"graduate@example.jp","email":"graduate@example.jp","password":"Graduate2024",
                       "second_password":"Certificate2024","student_ids":["A1","B2"]}"#;
        self.account(&self.certificate, json).await
    }

    /// `newcomer@example.jp`, with an initial password.
    pub(crate) async fn newcomer(&self) -> madoguchi_service::accounts::AccountView {
        let json = r#"{"login_id":"newcomer@example.jp","initial_password":"Initial2024"}"#;
        self.account(&self.certificate, json).await
    }

    pub(crate) async fn sign_in(
        &self,
        tenant: &Tenant,
        login_id: &str,
        password: &str,
        second: &str,
    ) -> Result<SignedIn, SignInError> {
        let typed = SignIn {
            login_id: login_id.into(),
            password: Secret::new(password),
            second_password: Secret::new(second),
            source: source(),
        };
        self.service.sign_in(tenant, typed).await
    }

    /// Signs the graduate in.
    pub(crate) async fn session(&self) -> (Token, ActiveSession) {
        let signed_in =
            self.sign_in(&self.certificate, "graduate@example.jp", "Graduate2024", "Certificate2024").await.unwrap();
        let SignedIn::Session { token, .. } = signed_in else { panic!("no session") };
        let active = self.service.session(&self.certificate, &token).await.unwrap().unwrap();
        (token, active)
    }

    /// Signs the newcomer in for the first time.
    pub(crate) async fn ticket(&self) -> Token {
        match self.sign_in(&self.certificate, "newcomer@example.jp", "Initial2024", "").await {
            Ok(SignedIn::MustSetCredentials { ticket }) => ticket,
            other => panic!("no ticket: {other:?}"),
        }
    }

    /// The actions in a tenant's log, newest first.
    pub(crate) async fn log(&self, tenant: &Tenant) -> Vec<&'static str> {
        let lines = self.database.tenant(&tenant.slug).audit().page(i64::MAX, 100).await.unwrap();
        lines.iter().map(|line| line.event.action.as_str()).collect()
    }
}

pub(crate) async fn start(
    database: &Database,
    clock: &Arc<FixedClock>,
    entropy: &Arc<Seeded>,
    master: [u8; 32],
) -> Result<Service, madoguchi_service::StartError> {
    Service::start(parts(database, clock, entropy, master)).await
}

pub(crate) fn parts(
    database: &Database,
    clock: &Arc<FixedClock>,
    entropy: &Arc<Seeded>,
    master: [u8; 32],
) -> ServiceParts {
    let cost = HashCost { memory_kib: 64, passes: 1, lanes: 1 };
    ServiceParts {
        database: database.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        public_url: "https://id.example.jp".parse().unwrap(),
        hashing: HashingOptions { threads: 2, cost, ..HashingOptions::default() },
        master_key: MasterKey::from_bytes(master),
        mail_renderer: Arc::new(PlainMails),
        directory: None,
        verifier: None,
        source_limits: None,
    }
}

pub(crate) fn source() -> Source {
    Source { ip: Some("192.0.2.7".parse().unwrap()), user_agent: "Test/1.0\r\n".into() }
}

const CERTIFICATE: &str = r#"
slug = "certificate"
name = "Test University"
service_name = "Certificates"
locales = ["ja", "en"]
default_locale = "ja"
theme = "certificate"
[login]
identifier = "mail_address"
second_password = true
[password]
preset = "alphanumeric"
[mail]
from = "noreply@certificate.example.jp"
from_name = { ja = "証明書", en = "Certificates" }
"#;

const RESIDENCE: &str = r#"
slug = "residence"
name = "Test Office"
service_name = "Residence"
locales = ["ja", "en"]
default_locale = "en"
theme = "residence"
[login]
identifier = "user_id"
user_id_pattern = "RZ00000000"
[password]
min_length = 10
[lockout]
threshold = 3
window = "10m"
[mail]
from = "noreply@residence.example.jp"
"#;

fn tenant(settings: &str) -> Tenant {
    let config = TenantConfig {
        settings: toml::from_str(settings).unwrap(),
        form: Form::default(),
        forms: BTreeMap::new(),
        affiliations: Vec::new(),
        clients: Vec::new(),
        reasons: Vec::new(),
        terms: BTreeMap::new(),
        manual: BTreeMap::new(),
        texts: BTreeMap::new(),
        logo: None,
    };
    let issuer = config.issuer(&"https://id.example.jp".parse().unwrap());
    Tenant { slug: config.settings.slug.clone(), config: Arc::new(config), version: 1, generation: 1, issuer }
}
