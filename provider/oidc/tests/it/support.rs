//! A provider on a fresh database, with one person signed in and one client.

use async_trait::async_trait;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use madoguchi_domain::{
    Clock, EmailAddress, Entropy, Locale, TenantSlug, Timestamp, Token, TokenHash,
    account::{Account, AccountState, Enrolment, EnrolmentFacts, Profile},
    audit::Actor,
    form::{Form, SearchKeys},
    id::{AccountId, EnrolmentId, SessionId},
    session::{Acr, Authentication, Session},
    tenant::TenantConfig,
    time::FixedClock,
};
use madoguchi_oidc::{
    AuthSession, AuthorizeOutcome, AuthorizeResponse, EndpointRequest, Interact, Oidc, Outbound, OutboundError, Params,
    Parts, SealError, Sealer, TenantView,
};
use madoguchi_store::{Database, TenantStore};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection as _;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use url::Url;
use zeroize::Zeroizing;

pub const NOW: Timestamp = Timestamp(1_795_000_000);
pub const REDIRECT: &str = "https://rp.example/cb?from=op";
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

/// The S256 challenge of [`VERIFIER`].
pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

pub struct Fresh {
    pub db: Database,
    folder: Option<tempfile::TempDir>,
    admin: Option<(String, String)>,
}

impl Fresh {
    pub async fn drop_it(self) {
        self.db.close().await;
        if let Some((url, name)) = self.admin {
            let mut admin = sqlx::PgConnection::connect(&url).await.unwrap();
            let drop = sqlx::AssertSqlSafe(format!("drop database {name} with (force)"));
            sqlx::query(drop).execute(&mut admin).await.unwrap();
        }
        drop(self.folder);
    }
}

pub async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let db = Database::connect(&url).await.unwrap();
    db.migrate().await.unwrap();
    Fresh { db, folder: Some(folder), admin: None }
}

pub async fn postgres() -> Option<Fresh> {
    let Ok(admin_url) = std::env::var("MADOGUCHI_TEST_POSTGRES") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "MADOGUCHI_TEST_POSTGRES is not set");
        return None;
    };
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("madoguchi_oidc_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut admin = sqlx::PgConnection::connect(&admin_url).await.unwrap();
    for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }
    let (server, _) = admin_url.rsplit_once('/').unwrap();
    let db = Database::connect(&format!("{server}/{name}")).await.unwrap();
    db.migrate().await.unwrap();
    Some(Fresh { db, folder: None, admin: Some((admin_url, name)) })
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let fresh = crate::support::sqlite().await;
                super::$name(crate::support::World::new(&fresh).await).await;
                fresh.drop_it().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(fresh) = crate::support::postgres().await {
                    super::$name(crate::support::World::new(&fresh).await).await;
                    fresh.drop_it().await;
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// Different each time and the same in each run.
pub struct Sequence(AtomicU64);

impl Sequence {
    pub fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for Sequence {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let word = (z ^ (z >> 31)).to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
    }
}

/// Seals by writing the names before the bytes; opens only under the same names.
pub struct Labels(pub &'static str);

#[async_trait]
impl Sealer for Labels {
    async fn seal(&self, tenant: &TenantSlug, purpose: &str, id: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let label = format!("{}/{tenant}/{purpose}/{id}:", self.0);
        Ok([label.as_bytes(), plain].concat())
    }
    async fn open(
        &self,
        tenant: &TenantSlug,
        purpose: &str,
        id: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let label = format!("{}/{tenant}/{purpose}/{id}:", self.0);
        let plain = sealed.strip_prefix(label.as_bytes()).ok_or(SealError("another seal".into()))?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

/// Where a form was posted, and its fields.
pub type Posted = (String, Vec<(String, String)>);

/// Documents of other hosts, and how often they were fetched.
#[derive(Default)]
pub struct Elsewhere {
    pub documents: Mutex<HashMap<String, Value>>,
    pub fetched: AtomicU64,
    /// What was posted, and where; an address that is not among `documents` does not answer.
    pub posted: Mutex<Vec<Posted>>,
}

#[async_trait]
impl Outbound for Elsewhere {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, OutboundError> {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        let found = self.documents.lock().unwrap().get(url.as_str()).map(ToString::to_string);
        found.map(String::into_bytes).ok_or(OutboundError::Answer("status 404".into()))
    }
    async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<(), OutboundError> {
        let form = form.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.posted.lock().unwrap().push((url.to_string(), form));
        let answers = self.documents.lock().unwrap().contains_key(url.as_str());
        if answers { Ok(()) } else { Err(OutboundError::Answer("status 503".into())) }
    }
}

pub struct World {
    pub oidc: Oidc,
    pub db: Database,
    pub clock: Arc<FixedClock>,
    pub entropy: Arc<Sequence>,
    pub elsewhere: Arc<Elsewhere>,
    pub tenant: TenantView,
    pub account: Account,
    pub session: Session,
    pub browser: TokenHash,
}

pub fn config(slug: &str, more: Value) -> TenantConfig {
    let mut settings = json!({
        "slug": slug, "name": "大学", "service_name": "証明書", "locales": ["ja", "en"], "default_locale": "ja",
        "theme": "base", "mail": {"from": "office@example.jp"}, "tokens": {"algorithms": ["ES256"]},
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    TenantConfig {
        settings: serde_json::from_value(settings).unwrap(),
        form: Form::default(),
        forms: BTreeMap::new(),
        affiliations: vec![madoguchi_domain::tenant::Affiliation {
            code: "E".into(),
            parent: String::new(),
            name: [(Locale::ja(), "工学部".to_owned()), (Locale::en(), "Engineering".to_owned())].into(),
        }],
        clients: vec![],
        reasons: vec![],
        terms: BTreeMap::new(),
        manual: BTreeMap::new(),
        texts: BTreeMap::new(),
        logo: None,
    }
}

impl World {
    pub async fn new(fresh: &Fresh) -> Self {
        Self::of(fresh, "certificate", json!({})).await
    }

    pub async fn of(fresh: &Fresh, slug: &str, more: Value) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let entropy = Arc::new(Sequence::from(slug.len() as u64));
        let elsewhere = Arc::new(Elsewhere::default());
        let oidc = Oidc::new(Parts {
            database: fresh.db.clone(),
            clock: Arc::<FixedClock>::clone(&clock),
            entropy: Arc::<Sequence>::clone(&entropy),
            sealer: Arc::new(Labels("master")),
            outbound: Arc::<Elsewhere>::clone(&elsewhere),
        });
        let config = config(slug, more);
        let issuer = format!("https://op.example/t/{slug}");
        let tenant = TenantView { config: Arc::new(config), issuer: issuer.into(), generation: 1 };
        let store = fresh.db.tenant(tenant.slug());
        let mut tx = store.begin().await.unwrap();
        tx.configuration().apply(&BTreeMap::new(), "test", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let account = person(&*entropy, "taro@example.jp");
        store.accounts().insert(&account, &account.login_id, &SearchKeys::default()).await.unwrap();
        let browser = TokenHash::of(b"browser");
        let session = session(&*entropy, &account, NOW, Acr::Password);
        let mut world =
            Self { oidc, db: fresh.db.clone(), clock, entropy, elsewhere, tenant, account, session, browser };
        world.keep_session(&world.session.clone()).await;
        world.oidc.ensure_keys(&world.tenant).await.unwrap();
        world
            .client(json!({
                "client_id": "rp", "client_secret": "secret-of-rp", "client_name": "RP", "redirect_uris": [REDIRECT],
                "post_logout_redirect_uris": ["https://rp.example/bye"],
                "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256",
                "first_party": true,
            }))
            .await;
        world
    }

    /// The same with empty caches, as after a restart or in another process.
    pub fn restarted(mut self) -> Self {
        self.oidc = Oidc::new(Parts {
            database: self.db.clone(),
            clock: Arc::<FixedClock>::clone(&self.clock),
            entropy: Arc::<Sequence>::clone(&self.entropy),
            sealer: Arc::new(Labels("master")),
            outbound: Arc::<Elsewhere>::clone(&self.elsewhere),
        });
        self
    }

    pub fn store(&self) -> TenantStore {
        self.db.tenant(self.tenant.slug())
    }

    pub async fn client(&mut self, metadata: Value) {
        self.oidc.register_client(self.tenant.slug(), metadata, Actor::System).await.unwrap();
        self.refresh_view().await;
    }

    /// What the service's cache does when the generation moved.
    pub async fn refresh_view(&mut self) {
        self.tenant.generation = self.store().configuration().generation().await.unwrap().unwrap();
    }

    pub async fn keep_session(&self, session: &Session) {
        let token = Token::new(&*self.entropy).hash();
        self.store().sessions().insert(session, &token, self.account.generation, &Default::default()).await.unwrap();
    }

    /// The same person signs in anew, now.
    pub async fn sign_in_again(&mut self) {
        self.session = session(&*self.entropy, &self.account, self.clock.now(), Acr::Password);
        self.keep_session(&self.session.clone()).await;
    }

    /// Stores the account's profile as it is now.
    pub async fn keep_profile(&self) {
        let profile = &self.account.profile;
        self.store().accounts().set_profile(&self.account.id, profile, &SearchKeys::default(), NOW).await.unwrap();
    }

    pub fn signed_in(&self) -> Option<AuthSession<'_>> {
        Some(AuthSession { session: &self.session, account: &self.account })
    }

    pub async fn enrol(&self, student_id: &str) -> EnrolmentId {
        let facts = EnrolmentFacts { affiliation: vec!["E".into()], ..EnrolmentFacts::default() };
        self.enrol_with(student_id, facts).await
    }

    pub async fn enrol_with(&self, student_id: &str, facts: EnrolmentFacts) -> EnrolmentId {
        let enrolment = Enrolment {
            id: EnrolmentId::new(&*self.entropy),
            account: self.account.id.clone(),
            student_id: student_id.into(),
            facts,
            application: None,
            verified: None,
            created_at: self.clock.now(),
            ended_at: None,
        };
        self.store().enrolments().insert(&enrolment, student_id).await.unwrap();
        self.clock.advance(Duration::from_secs(1));
        enrolment.id
    }

    pub async fn authorize(&self, params: &Params) -> AuthorizeOutcome {
        self.oidc.authorize(&self.tenant, params, &self.browser, self.signed_in()).await.unwrap()
    }

    /// Authorizes and takes the code out of the answer.
    pub async fn code(&self, changes: &[(&str, &str)]) -> String {
        let answer = redirected(self.authorize(&request(changes)).await);
        answer.field("code").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    pub async fn token(&self, authorization: Option<&str>, form: &[(&str, &str)]) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = EndpointRequest {
            authorization: authorization.map(str::as_bytes).into_iter().collect(),
            body: Some(body.as_bytes()),
            ..EndpointRequest::default()
        };
        let reply = self.oidc.token(&self.tenant, request).await;
        let kept = reply.headers.iter().find(|(name, _)| *name == "cache-control").map(|(_, value)| value.as_str());
        assert_eq!(kept, Some("no-store"));
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    /// Pushes a request as `rp`; its name, where it is taken.
    pub async fn push(&self, pairs: &[(String, String)]) -> Option<String> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let authorization = basic("rp", "secret-of-rp");
        let request = EndpointRequest {
            authorization: vec![authorization.as_bytes()],
            body: Some(body.as_bytes()),
            ..EndpointRequest::default()
        };
        let reply = self.oidc.push(&self.tenant, request).await;
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let named = body["request_uri"].as_str().map(str::to_owned);
        assert_eq!(reply.status == 201, named.is_some(), "{body}");
        named
    }

    /// Redeems a code as `rp`.
    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(Some(&basic("rp", "secret-of-rp")), &form).await
    }

    pub async fn refresh(&self, token: &str) -> (u16, Value) {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(Some(&basic("rp", "secret-of-rp")), &form).await
    }

    pub async fn userinfo(&self, token: &str) -> (u16, Value) {
        let header = format!("Bearer {token}");
        let request = EndpointRequest { authorization: vec![header.as_bytes()], ..EndpointRequest::default() };
        let reply = self.oidc.userinfo(&self.tenant, request).await;
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    /// What introspection tells a client that proves itself by `authorization`.
    pub async fn introspect(&self, authorization: &str, token: &str) -> Value {
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        let request = EndpointRequest {
            authorization: vec![authorization.as_bytes()],
            body: Some(body.as_bytes()),
            ..EndpointRequest::default()
        };
        let reply = self.oidc.introspect(&self.tenant, request).await;
        assert_eq!(reply.status, 200);
        serde_json::from_slice(&reply.body).unwrap()
    }

    pub async fn discovery(&self) -> Value {
        serde_json::from_slice(&self.oidc.discovery(&self.tenant).await.unwrap().body).unwrap()
    }

    /// Code and tokens in one go.
    pub async fn tokens(&self, changes: &[(&str, &str)]) -> Value {
        let (status, body) = self.redeem(&self.code(changes).await).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

pub fn person(entropy: &dyn Entropy, email: &str) -> Account {
    Account {
        id: AccountId::new(entropy),
        sub: Token::new(entropy).expose().to_owned(),
        login_id: email.to_owned(),
        email: EmailAddress::known(email),
        state: AccountState::Active,
        locale: Locale::ja(),
        profile: Profile {
            name: "山田 太郎".into(),
            name_kana: "ヤマダ タロウ".into(),
            name_roman: "YAMADA Taro".into(),
            birth_date: "1990-04-01".into(),
            cell_phone: "090-1234-5678".into(),
            claims: [
                ("nickname".to_owned(), json!("taro")),
                ("sub".to_owned(), json!("forged")),
                ("acr".to_owned(), json!("forged")),
            ]
            .into(),
            ..Profile::default()
        },
        staff_roles: vec![],
        generation: 1,
        created_at: NOW,
    }
}

pub fn session(entropy: &dyn Entropy, account: &Account, at: Timestamp, acr: Acr) -> Session {
    Session {
        id: SessionId::new(entropy),
        account: account.id.clone(),
        authentication: Authentication { at, acr },
        created_at: at,
        last_seen_at: at,
        expires_at: at + Duration::from_secs(12 * 3600),
        terms_due: false,
    }
}

/// A client's key, and the name that it goes by.
pub struct Key(EcdsaKeyPair, &'static str);

impl Key {
    pub fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap(), kid)
    }
    pub fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.1, "x": part(1..33), "y": part(33..65)})
    }
    pub fn sign(&self, header: Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
    pub fn assertion(&self, claims: &Value) -> String {
        self.sign(json!({"alg": "ES256", "kid": self.1}), claims)
    }
}

/// A good request of `rp`, with changes; an empty value leaves a parameter out.
pub fn request(changes: &[(&str, &str)]) -> Params {
    let challenge = challenge();
    let mut all: BTreeMap<&str, &str> = [
        ("response_type", "code"),
        ("client_id", "rp"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile"),
        ("state", "st&te あ"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .into();
    all.extend(changes.iter().copied());
    all.retain(|_, value| !value.is_empty());
    Params::from_pairs(all)
}

pub fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

pub fn redirected(outcome: AuthorizeOutcome) -> AuthorizeResponse {
    match outcome {
        AuthorizeOutcome::Redirect(response) => response,
        other => panic!("{other:?}"),
    }
}

pub fn interaction(outcome: AuthorizeOutcome) -> Interact {
    match outcome {
        AuthorizeOutcome::Interact(interact) => interact,
        other => panic!("{other:?}"),
    }
}

/// The error code of an answer.
pub fn error(outcome: AuthorizeOutcome) -> String {
    let response = redirected(outcome);
    assert!(response.redirect_uri.starts_with("https://rp.example/"));
    assert!(response.field("iss").is_some(), "RFC 9207: errors carry iss too");
    response.field("error").unwrap_or_else(|| panic!("{response:?}")).to_owned()
}

/// The claims of a JWT, without looking at its signature.
pub fn claims_of(jwt: &str) -> Value {
    let part = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
