//! A fresh database of each kind for each test, and things to put into it.

use madoguchi_domain::{
    EmailAddress, Entropy, Locale, TenantSlug, Timestamp, Token, TokenHash,
    account::{Account, AccountState, Profile},
    application::{Application, ApplicationKind, Lifecycle},
    form::SearchKeys,
    id::{AccountId, ApplicationId, SessionId},
    one_time::{OneTime, Purpose},
    session::{Acr, Authentication, Session},
};
use madoguchi_store::{Database, TenantStore};
use sqlx::Connection as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A moment.
pub const NOW: Timestamp = Timestamp(1_795_000_000);

/// A moment later.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds)
}

/// A fresh database; dropped by [`Fresh::drop_it`].
pub struct Fresh {
    pub db: Database,
    pub url: String,
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
    Fresh { db, url, folder: Some(folder), admin: None }
}

/// `MADOGUCHI_TEST_POSTGRES` is the address of a server on which databases may be created. Without it these tests are
/// left out, but not in continuous integration.
pub async fn postgres() -> Option<Fresh> {
    let Ok(admin_url) = std::env::var("MADOGUCHI_TEST_POSTGRES") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "MADOGUCHI_TEST_POSTGRES is not set");
        return None;
    };
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("madoguchi_store_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut admin = sqlx::PgConnection::connect(&admin_url).await.unwrap();
    for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }
    let (server, _) = admin_url.rsplit_once('/').unwrap();
    let url = format!("{server}/{name}");
    let db = Database::connect(&url).await.unwrap();
    db.migrate().await.unwrap();
    Some(Fresh { db, url, folder: None, admin: Some((admin_url, name)) })
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($($name:ident)+) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let fresh = crate::support::sqlite().await;
                super::$name(&fresh).await;
                fresh.drop_it().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(fresh) = crate::support::postgres().await {
                    super::$name(&fresh).await;
                    fresh.drop_it().await;
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// Different each time and the same in each run.
pub struct Sequence(AtomicU64);

impl Entropy for Sequence {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let word = (z ^ (z >> 31)).to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
    }
}

pub static RANDOM: Sequence = Sequence(AtomicU64::new(1));

pub fn slug(text: &str) -> TenantSlug {
    text.parse().unwrap()
}

pub fn tenant(fresh: &Fresh) -> TenantStore {
    fresh.db.tenant(&slug("certificate"))
}

pub fn hash(text: &str) -> TokenHash {
    TokenHash::of(text.as_bytes())
}

pub fn account(email: &str) -> Account {
    Account {
        id: AccountId::new(&RANDOM),
        sub: Token::new(&RANDOM).expose().to_owned(),
        login_id: email.to_owned(),
        email: EmailAddress::known(email),
        state: AccountState::Active,
        locale: Locale::ja(),
        profile: Profile { name: "山田 太郎".into(), ..Profile::default() },
        staff_roles: vec![],
        generation: 1,
        created_at: NOW,
    }
}

pub fn keys(name: &str, birth_date: &str, student_id: &str) -> SearchKeys {
    SearchKeys {
        name_key: name.into(),
        kana_key: String::new(),
        birth_date: birth_date.into(),
        student_id_key: student_id.into(),
    }
}

pub async fn stored_account(store: &TenantStore, email: &str) -> Account {
    let account = account(email);
    store.accounts().insert(&account, &account.email.canonical(), &SearchKeys::default()).await.unwrap();
    account
}

pub fn session(account: &Account) -> Session {
    Session {
        id: SessionId::new(&RANDOM),
        account: account.id.clone(),
        authentication: Authentication { at: NOW, acr: Acr::TwoPasswords },
        created_at: NOW,
        last_seen_at: NOW,
        expires_at: at(12 * 3600),
        terms_due: false,
    }
}

pub fn one_time(purpose: Purpose, secret: &str, subject: &str) -> OneTime {
    OneTime {
        purpose,
        token_hash: hash(secret),
        subject: subject.into(),
        payload: serde_json::json!({"locale": "ja"}),
        created_at: NOW,
        expires_at: at(1800),
        consumed_at: None,
        revoked_at: None,
    }
}

pub fn application(reference: &str, email: &str, submitted_at: Timestamp) -> Application {
    Application {
        id: ApplicationId::new(&RANDOM),
        reference: reference.into(),
        kind: ApplicationKind::Registration,
        lifecycle: Lifecycle::submitted(),
        email: EmailAddress::known(email),
        locale: Locale::en(),
        answers: [("name".to_owned(), "山田　太郎".to_owned())].into(),
        documents: [].into(),
        account: None,
        return_client: Some("certificate-app".into()),
        terms: ("2026-04".into(), NOW),
        created_at: submitted_at,
        submitted_at,
        decided_at: None,
    }
}
