//! What the demo has besides a provider: two institutions, accounts, applications that rely on it.
//!
//! Its accounts are the same every time and stand in the documentation; they are made by nothing but the demo.

use crate::builder::{Provider, operator, view};
use axum::Router;
use include_dir::{Dir, include_dir};
use madoguchi_domain::{Secret, TenantSlug, Token, tenant::TenantFiles};
use madoguchi_plugin_sdk::{ApplicantVerifier, CsvVerifier};
use madoguchi_service::RosterImport;
use madoguchi_web::pages::{DemoAccount, DemoFront, DemoTenant};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write, net::SocketAddr, sync::Arc};
use url::Url;

static TENANTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../tenants");

/// The shipped tenants as files; what is only for the demo (a roster) stays out.
pub(crate) fn tenants() -> Result<Vec<(String, TenantFiles)>, String> {
    Ok(TENANTS
        .dirs()
        .map(|dir| {
            let root = dir.path();
            let mut files = TenantFiles::new();
            let inner = dir.dirs().filter(|d| !d.path().ends_with("demo")).flat_map(Dir::files);
            for file in dir.files().chain(inner) {
                if let Ok(path) = file.path().strip_prefix(root) {
                    files.insert(path.to_string_lossy().replace('\\', "/"), file.contents().to_vec());
                }
            }
            (root.display().to_string(), files)
        })
        .collect())
}

/// Tenants, and who confirms their applicants' answers.
type Verifiers = Vec<(TenantSlug, Arc<dyn ApplicantVerifier>)>;

/// Who confirms applicants' answers in the demo: the tenant's `demo/records.csv`, where it has one.
pub(crate) fn verifiers() -> Result<Verifiers, String> {
    let mut all = Verifiers::new();
    for tenant in TENANTS.dirs() {
        let Some(file) = tenant.get_file(tenant.path().join("demo/records.csv")) else { continue };
        let slug: TenantSlug = tenant.path().display().to_string().parse()?;
        let records = CsvVerifier::read(format!("{slug}-records"), "card-not-matched", file.contents())
            .map_err(|e| format!("{}: {e}", file.path().display()))?;
        all.push((slug, Arc::new(records)));
    }
    Ok(all)
}

/// An account of the demo.
struct Person {
    tenant: &'static str,
    role: &'static str,
    login_id: &'static str,
    email: &'static str,
    name: &'static str,
    kana: &'static str,
    password: &'static str,
    second_password: Option<&'static str>,
    initial: bool,
    student_ids: &'static [&'static str],
    kind: &'static str,
    roles: &'static [&'static str],
}

const PEOPLE: &[Person] = &[
    Person {
        tenant: "certificate",
        role: "Graduate",
        login_id: "graduate@example.jp",
        email: "graduate@example.jp",
        name: "佐藤 花子",
        kana: "サトウ ハナコ",
        password: "Graduate2024",
        second_password: Some("Certificate2024"),
        initial: false,
        student_ids: &["B19-04217", "M23-00318"],
        kind: "",
        roles: &[],
    },
    Person {
        tenant: "certificate",
        role: "Before the first login",
        login_id: "newcomer@example.jp",
        email: "newcomer@example.jp",
        name: "鈴木 一郎",
        kana: "スズキ イチロウ",
        password: "Initial2024",
        second_password: None,
        initial: true,
        student_ids: &["B20-01153"],
        kind: "",
        roles: &[],
    },
    Person {
        tenant: "certificate",
        role: "Reviewer",
        login_id: "clerk@example.jp",
        email: "clerk@example.jp",
        name: "窓口 職員",
        kana: "マドグチ ショクイン",
        password: "Counter2024",
        second_password: Some("Register2024"),
        initial: false,
        student_ids: &[],
        kind: "",
        roles: &["reviewer"],
    },
    Person {
        tenant: "certificate",
        role: "Second reviewer",
        login_id: "clerk2@example.jp",
        email: "clerk2@example.jp",
        name: "受付 係",
        kana: "ウケツケ カカリ",
        password: "Counter2024",
        second_password: Some("Register2024"),
        initial: false,
        student_ids: &[],
        kind: "",
        roles: &["reviewer"],
    },
    Person {
        tenant: "certificate",
        role: "Tenant IT",
        login_id: "it@example.jp",
        email: "it@example.jp",
        name: "情報 担当",
        kana: "ジョウホウ タントウ",
        password: "Counter2024",
        second_password: Some("Register2024"),
        initial: false,
        student_ids: &[],
        kind: "",
        roles: &["tenant_it"],
    },
    Person {
        tenant: "residence",
        role: "Applicant",
        login_id: "RZ00000001",
        email: "applicant@example.jp",
        name: "NGUYEN THI LAN",
        kana: "グエン ティ ラン",
        password: "Residence2024",
        second_password: None,
        initial: false,
        student_ids: &[],
        kind: "counter_applicant",
        roles: &[],
    },
    Person {
        tenant: "residence",
        role: "Staff of an organization",
        login_id: "SK00000001",
        email: "organization@example.jp",
        name: "会社 花子",
        kana: "カイシャ ハナコ",
        password: "Residence2024",
        second_password: None,
        initial: false,
        student_ids: &[],
        kind: "organization_staff",
        roles: &[],
    },
    Person {
        tenant: "residence",
        role: "Reviewer, counter",
        login_id: "clerk@example.jp",
        email: "clerk@example.jp",
        name: "窓口 職員",
        kana: "マドグチ ショクイン",
        password: "Counter2024",
        second_password: None,
        initial: false,
        student_ids: &[],
        kind: "",
        roles: &["reviewer", "counter"],
    },
    Person {
        tenant: "residence",
        role: "Second reviewer, counter",
        login_id: "clerk2@example.jp",
        email: "clerk2@example.jp",
        name: "受付 係",
        kana: "ウケツケ カカリ",
        password: "Counter2024",
        second_password: None,
        initial: false,
        student_ids: &[],
        kind: "",
        roles: &["reviewer", "counter"],
    },
    Person {
        tenant: "residence",
        role: "Tenant IT",
        login_id: "it@example.jp",
        email: "it@example.jp",
        name: "情報 担当",
        kana: "ジョウホウ タントウ",
        password: "Counter2024",
        second_password: None,
        initial: false,
        student_ids: &[],
        kind: "",
        roles: &["tenant_it"],
    },
];

impl Person {
    fn account(&self) -> Value {
        let mut account = json!({
            "login_id": self.login_id,
            "email": self.email,
            "claims": { "name": self.name, "name#ja-Kana-JP": self.kana, "locale": "ja" },
            "student_ids": self.student_ids,
            "kind_of_user": self.kind,
            "staff_roles": self.roles,
        });
        if let Some(object) = account.as_object_mut() {
            let key = if self.initial { "initial_password" } else { "password" };
            object.insert(key.into(), self.password.into());
            if let Some(second) = self.second_password {
                object.insert("second_password".into(), second.into());
            }
        }
        account
    }
}

/// An example application beside the provider.
pub(crate) struct App {
    client_id: &'static str,
    tenant: &'static str,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
}

/// The example applications.
pub(crate) fn apps() -> [App; 2] {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    [
        App { client_id: "certificate-app", tenant: "certificate", listen: at(8090) },
        App { client_id: "residence-app", tenant: "residence", listen: at(8091) },
    ]
}

impl App {
    /// Its routes, with the secret that it was given at this start.
    pub(crate) fn router(
        &self,
        provider: &Provider,
        secrets: &BTreeMap<&'static str, String>,
    ) -> Result<Router, String> {
        let issuer = self
            .tenant
            .parse()
            .ok()
            .and_then(|slug| provider.service.tenant(&slug))
            .map(|tenant| tenant.issuer.clone())
            .unwrap_or_default();
        let public_url = format!("http://localhost:{}", self.listen.port());
        let client_secret = Secret::new(secrets.get(self.client_id).cloned().unwrap_or_default());
        let client_id = self.client_id.to_owned();
        let router = match self.tenant {
            "residence" => residence_app::router(residence_app::Config {
                issuer,
                client_id,
                client_secret,
                public_url,
                extra_ca: None,
            }),
            _ => certificate_app::router(certificate_app::Config {
                issuer,
                client_id,
                client_secret,
                public_url,
                extra_ca: None,
                institution: (INSTITUTIONS[0].1.into(), INSTITUTIONS[0].1.into()),
            }),
        };
        router.map_err(|e| e.to_string())
    }
}

/// What marks a database that the demo filled.
const MARK: &str = "demo";

/// Whether the demo filled this database: its accounts are refused outside the demo.
pub(crate) async fn was_here(provider: &Provider) -> Result<bool, String> {
    let mark = provider.service.database().setting(MARK).await.map_err(|e| e.to_string())?;
    Ok(mark.is_some())
}

/// Makes accounts and clients that are missing, and new secrets for the example applications.
pub(crate) async fn seed(provider: &Provider) -> Result<BTreeMap<&'static str, String>, String> {
    provider.service.database().setting_or(MARK, "filled").await.map_err(|e| e.to_string())?;
    for person in PEOPLE {
        provider.seed_account(person.tenant, person.account()).await?;
    }
    let mut secrets = BTreeMap::new();
    for tenant in provider.service.tenants() {
        let about = view(&tenant);
        for metadata in [confidential_client(), public_client()] {
            provider.oidc.register_client(about.slug(), metadata, operator()).await.map_err(|e| e.to_string())?;
        }
        for app in apps().iter().filter(|app| app.tenant == tenant.slug.as_str()) {
            let registered = provider.oidc.client(&about, app.client_id).await.map_err(|e| e.to_string())?;
            let Some(client) = registered else { continue };
            let mut metadata = serde_json::to_value(&client.metadata).map_err(|e| e.to_string())?;
            let secret = Token::new(provider.service.entropy()).expose().to_owned();
            if let Some(object) = metadata.as_object_mut() {
                object.insert("client_secret".into(), secret.clone().into());
            }
            provider.oidc.register_client(about.slug(), metadata, operator()).await.map_err(|e| e.to_string())?;
            secrets.insert(app.client_id, secret);
        }
        let roster = TENANTS.get_file(format!("{}/demo/roster.csv", tenant.slug));
        if let Some(roster) = roster {
            provider
                .service
                .import_roster(&tenant, roster.contents(), RosterImport::Replace, operator())
                .await
                .map_err(|e| e.to_string())?;
        }
    }
    provider.service.poll_tenants().await.map_err(|e| e.to_string())?;
    Ok(secrets)
}

fn confidential_client() -> Value {
    json!({
        "client_id": "demo-rp", "client_secret": "demo-rp-secret", "client_name": "Demo relying party",
        "client_name#ja": "お試しアプリ", "application_type": "native", "redirect_uris": ["http://127.0.0.1/callback"],
        "post_logout_redirect_uris": ["http://127.0.0.1/logged-out"],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn public_client() -> Value {
    json!({
        "client_id": "demo-spa", "client_name": "Demo single-page app", "client_name#ja": "お試しアプリ（ブラウザー）",
        "application_type": "native", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
        "post_logout_redirect_uris": ["http://127.0.0.1/logged-out"],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

/// What the demo's page says, in Japanese.
fn in_japanese(english: &str) -> &str {
    match english {
        "The University" => "窓口大学",
        "Certificate Issuance Service" => "証明書発行サービス",
        "Residence Services Agency" => "在留窓口庁",
        "Online Residence Application System" => "在留申請オンラインシステム",
        "Certificate ordering (relying party)" => "証明書の注文（連携アプリ）",
        "Residence applications (relying party)" => "在留手続（連携アプリ）",
        "Home, login, registration" => "ホーム・ログイン・新規登録",
        "Review desk" => "審査デスク",
        "Issuer" => "発行者（Issuer）",
        "Graduate" => "卒業生",
        "Before the first login" => "最初のログインの前",
        "Applicant" => "申請者",
        "Staff of an organization" => "所属機関の職員",
        "Reviewer, counter" => "審査・窓口の担当者",
        "Second reviewer, counter" => "審査・窓口の担当者（2人目）",
        "Counter" => "窓口対応",
        "Reviewer" => "審査の担当者",
        "Second reviewer" => "審査の担当者（2人目）",
        "Tenant IT" => "情報システムの担当者",
        other => other,
    }
}

fn places(public_url: &Url, tenant: &str) -> Vec<(String, String)> {
    let base = format!("{}/t/{tenant}", public_url.as_str().trim_end_matches('/'));
    let app = match tenant {
        "residence" => ("Residence applications (relying party)", "http://localhost:8091/"),
        _ => ("Certificate ordering (relying party)", "http://localhost:8090/"),
    };
    let mut places = vec![
        (app.0.into(), app.1.into()),
        ("Home, login, registration".into(), format!("{base}/")),
        ("Review desk".into(), format!("{base}/desk")),
    ];
    if PEOPLE.iter().any(|person| person.tenant == tenant && person.roles.contains(&"counter")) {
        places.push(("Counter".into(), format!("{base}/counter")));
    }
    places.push(("Issuer".into(), base));
    places
}

const INSTITUTIONS: [(&str, &str, &str); 2] = [
    ("certificate", "The University", "Certificate Issuance Service"),
    ("residence", "Residence Services Agency", "Online Residence Application System"),
];

/// The first page of the demo.
pub(crate) fn front(public_url: &Url) -> DemoFront {
    let japanese = front_in(public_url, in_japanese);
    DemoFront { others: BTreeMap::from([("ja", japanese)]), ..front_in(public_url, |english| english) }
}

fn front_in(public_url: &Url, say: fn(&str) -> &str) -> DemoFront {
    let tenants = INSTITUTIONS
        .iter()
        .map(|(slug, name, service)| DemoTenant {
            name: say(name).into(),
            service: say(service).into(),
            places: places(public_url, slug).into_iter().map(|(what, url)| (say(&what).to_owned(), url)).collect(),
            accounts: PEOPLE
                .iter()
                .filter(|p| p.tenant == *slug)
                .map(|p| DemoAccount {
                    role: say(p.role).into(),
                    login_id: p.login_id.into(),
                    password: p.password.into(),
                    second_password: p.second_password.map(str::to_owned),
                })
                .collect(),
        })
        .collect();
    let mailbox_url = format!("{}/dev/mail", public_url.path().trim_end_matches('/'));
    DemoFront { tenants, mailbox_url, others: BTreeMap::new() }
}

/// The table that the demo prints when it is ready.
pub(crate) fn welcome(public_url: &Url) -> String {
    let front = front(public_url);
    let base = public_url.as_str().trim_end_matches('/');
    let mut text = format!("\n  Madoguchi is ready: {base}/\n");
    for tenant in &front.tenants {
        let _ = write!(text, "\n  {} – {}\n", tenant.name, tenant.service);
        for (what, url) in &tenant.places {
            let _ = writeln!(text, "    {what:<40} {url}");
        }
        for account in &tenant.accounts {
            let second = account.second_password.as_ref().map(|s| format!("  second {s}")).unwrap_or_default();
            let _ = writeln!(
                text,
                "    {:<24} {:<22} password {}{second}",
                account.role, account.login_id, account.password
            );
        }
    }
    let _ = write!(
        text,
        "\n  Mailbox (all mails of the demo)            {base}/dev/mail\n  \
         Clients in both: demo-rp / demo-rp-secret (http://127.0.0.1:PORT/callback), demo-spa (public)\n  \
         Data: ./data · stop with Ctrl-C\n"
    );
    text
}
