//! Settings of the program: a TOML file, each value replaceable by `MADOGUCHI_SECTION__KEY` in the environment.
//!
//! An unknown key or a bad value stops the start, naming file and line (or the variable) and what was expected.

use madoguchi_domain::time::Span;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use url::Url;

/// Everything that the program can be told. See `docs/src/reference/settings.md`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the program keeps its own files: the SQLite database, the master key.
    pub data_dir: PathBuf,
    /// The listener.
    pub server: ServerSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// Delivery of mails.
    pub mail: MailSettings,
    /// Requests that the program makes itself.
    pub outbound: OutboundSettings,
    /// Limits against abuse.
    pub limits: LimitSettings,
    /// Keys from outside.
    pub secrets: SecretSettings,
    /// Themes beside the shipped ones.
    pub themes: ThemeSettings,
    /// Tenants as folders, applied at every start when they changed.
    pub tenants: TenantSettings,
    /// Who confirms applicants' answers, by tenant.
    pub verifiers: BTreeMap<String, VerifierSettings>,
    /// The log.
    pub log: LogSettings,
    /// Where each value that was set comes from: `FILE:LINE`, or a variable of the environment.
    #[serde(skip)]
    origins: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "./data".into(),
            server: ServerSettings::default(),
            database: DatabaseSettings::default(),
            mail: MailSettings::default(),
            outbound: OutboundSettings::default(),
            limits: LimitSettings::default(),
            secrets: SecretSettings::default(),
            themes: ThemeSettings::default(),
            tenants: TenantSettings::default(),
            verifiers: BTreeMap::new(),
            log: LogSettings::default(),
            origins: BTreeMap::new(),
        }
    }
}

/// `[server]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port for people and applications.
    pub listen: SocketAddr,
    /// Address and port for health checks and metrics; not for the outside.
    pub management_listen: SocketAddr,
    /// The address that people and applications use; every link is built from it.
    pub public_url: Url,
    /// Certificate and key, where the program speaks TLS itself.
    pub tls: TlsSettings,
    /// Addresses (or networks, `10.0.0.0/8`) of proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<String>,
    /// A request's headers must have come within so long.
    pub header_timeout: Span,
    /// A pause in a request's body may last so long.
    pub body_timeout: Span,
    /// Requests under way may take so long after a stop was asked for.
    pub shutdown_timeout: Span,
    /// Connections at a time; further ones wait.
    pub max_connections: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            management_listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            public_url: default_public_url(),
            tls: TlsSettings::default(),
            trusted_proxies: Vec::new(),
            header_timeout: Span(std::time::Duration::from_secs(10)),
            body_timeout: Span(std::time::Duration::from_secs(30)),
            shutdown_timeout: Span(std::time::Duration::from_secs(20)),
            max_connections: 2048,
        }
    }
}

#[allow(clippy::expect_used, reason = "a constant of this file, covered by a test")]
fn default_public_url() -> Url {
    Url::parse("http://localhost:8080").expect("a URL")
}

/// `[server.tls]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// PEM file with the certificate and its chain.
    pub cert: Option<PathBuf>,
    /// PEM file with its key.
    pub key: Option<PathBuf>,
}

/// `[database]`
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// `sqlite:PATH` or `postgres://…`; a SQLite file in `data_dir` when absent.
    pub url: Option<String>,
    /// Connections to PostgreSQL.
    pub max_connections: usize,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { url: None, max_connections: 10 }
    }
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the URL may hold a password
        f.debug_struct("DatabaseSettings").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}

/// `[mail]`
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// `smtp://HOST:PORT`, `smtps://USER:PASSWORD@HOST`, or `file:DIR`.
    pub url: Option<String>,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings").finish_non_exhaustive()
    }
}

/// `[outbound]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundSettings {
    /// PEM file with further certificate authorities.
    pub extra_ca: Option<PathBuf>,
    /// Host names that may have private addresses.
    pub allow_private: Vec<String>,
}

/// `[limits]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Whether limits per address apply; lockout of accounts always does.
    pub enabled: bool,
    /// Passwords hashed at a time; the number of cores when absent.
    pub hashing_threads: Option<usize>,
    /// Logins that may wait for a hashing thread; further ones get 503.
    pub hashing_queue: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { enabled: true, hashing_threads: None, hashing_queue: 64 }
    }
}

/// `[secrets]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSettings {
    /// File with the master key (32 bytes, base64); `master.key` in `data_dir` when absent, made at the first start.
    pub master_key_file: Option<PathBuf>,
}

/// `[themes]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThemeSettings {
    /// Folder whose folders are themes.
    pub dir: Option<PathBuf>,
}

/// `[tenants]`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// Folders of tenants that are applied at every start when they changed.
    pub folders: Vec<PathBuf>,
}

/// `[verifiers.TENANT]`: a CSV file, or a service that is asked over HTTP.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifierSettings {
    /// CSV file whose headings are names of the form's inputs; one line must agree with the answers in every column.
    pub csv: Option<PathBuf>,
    /// The message's code when no line agrees: the text `error.verification.{code}`.
    pub code: String,
    /// Where a service is asked.
    pub url: Option<Url>,
    /// The service's bearer token; best given in the environment.
    pub secret: String,
    /// The answers that the service is sent; all when empty.
    pub fields: Vec<String>,
    /// How long the service may take.
    pub timeout: Span,
}

impl Default for VerifierSettings {
    fn default() -> Self {
        Self {
            csv: None,
            code: "generic".into(),
            url: None,
            secret: String::new(),
            fields: Vec::new(),
            timeout: Span(std::time::Duration::from_secs(5)),
        }
    }
}

impl fmt::Debug for VerifierSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierSettings").field("csv", &self.csv).field("code", &self.code).finish_non_exhaustive()
    }
}

/// `[log]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `text` or `json`.
    pub format: LogFormat,
    /// What is logged: `info`, or `madoguchi=debug,sqlx=warn`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into() }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// What is wrong with the settings, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SettingsError {
    /// `FILE:LINE`, a variable of the environment, or a setting.
    pub place: String,
    /// What was expected.
    pub message: String,
}

const PREFIX: &str = "MADOGUCHI_";

impl Settings {
    /// Reads the file, if one is named, and lays the environment over it.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let (mut table, mut origins) = match file {
            Some(path) => read_file(path)?,
            None => (toml::Table::new(), BTreeMap::new()),
        };
        for (variable, value) in environment {
            let Some(key) = variable.strip_prefix(PREFIX) else { continue };
            let path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
            // single words are not settings: MADOGUCHI_CONFIG names the file itself
            if path.len() < 2 && key != "DATA_DIR" {
                continue;
            }
            lay_over(&mut table, &path, &value)
                .map_err(|message| SettingsError { place: variable.clone(), message })?;
            origins.insert(path.join("."), variable);
        }
        let settings: Self = toml::Value::Table(table).try_into().map_err(|e: toml::de::Error| SettingsError {
            place: file.map_or_else(|| "settings".to_owned(), |f| f.display().to_string()),
            message: e.message().to_owned(),
        })?;
        Ok(Self { origins, ..settings })
    }

    /// Where a setting's value comes from, with its name: `madoguchi.toml:7: mail.url`; the name alone for a default.
    pub fn place(&self, setting: &str) -> String {
        match self.origins.get(setting) {
            Some(origin) => format!("{origin}: {setting}"),
            None => setting.to_owned(),
        }
    }

    /// The database's URL, with the default in place.
    pub fn database_url(&self) -> String {
        self.database.url.clone().unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("madoguchi.db").display()))
    }

    /// The master key's file, with the default in place.
    pub fn master_key_file(&self) -> PathBuf {
        self.secrets.master_key_file.clone().unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// Whether the address that people use is this machine's own.
    pub fn is_local(&self) -> bool {
        match self.server.public_url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// What must not be in production; each with the setting that mends it.
    pub fn unsafe_settings(&self) -> Vec<SettingsError> {
        let mut found = Vec::new();
        let mut say =
            |setting: &str, message: String| found.push(SettingsError { place: self.place(setting), message });
        let url = &self.server.public_url;
        match url.scheme() {
            "https" => {}
            "http" if self.is_local() => {}
            _ => say("server.public_url", format!("{url} is not https; only a loopback address may do without")),
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            say("server.public_url", format!("{url} may have a path, but no user name, query or fragment"));
        }
        if self.server.tls.cert.is_some() != self.server.tls.key.is_some() {
            say("server.tls", "cert and key belong together: give both or none".into());
        }
        match &self.mail.url {
            None => say("mail.url", "is needed: smtp://HOST:PORT, smtps://USER:PASSWORD@HOST or file:DIR".into()),
            Some(url) => {
                if let Err(problem) = crate::builder::mail_transport(Some(url), None) {
                    say("mail.url", problem);
                }
            }
        }
        let database = self.database_url();
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| database.starts_with(scheme)) {
            say("database.url", "expected sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME".into());
        }
        for proxy in &self.server.trusted_proxies {
            if madoguchi_web::client_address::Network::parse(proxy).is_none() {
                say("server.trusted_proxies", format!("{proxy:?} is no address or network such as 10.0.0.0/8"));
            }
        }
        if self.limits.hashing_queue == 0 || self.limits.hashing_threads == Some(0) {
            say("limits", "hashing_threads and hashing_queue must be at least 1".into());
        }
        found
    }
}

/// Where each value stands, by its dotted name.
type Origins = BTreeMap<String, String>;

fn origins(
    table: &toml::de::DeTable<'_>,
    prefix: &str,
    line_of: &impl Fn(usize) -> usize,
    file: &str,
    all: &mut Origins,
) {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.get_ref());
        if let toml::de::DeValue::Table(inner) = value.get_ref() {
            origins(inner, &format!("{name}."), line_of, file, all);
        } else {
            all.insert(name, format!("{file}:{}", line_of(key.span().start)));
        }
    }
}

fn read_file(path: &Path) -> Result<(toml::Table, Origins), SettingsError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| SettingsError { place: shown.to_string(), message: format!("cannot be read: {e}") })?;
    let at = |e: &toml::de::Error| {
        let line = e.span().and_then(|s| text.get(..s.start)).map(|before| before.matches('\n').count() + 1);
        line.map_or_else(|| shown.to_string(), |l| format!("{shown}:{l}"))
    };
    // once as settings, for errors with their line; once as a table, for the environment to be laid over
    toml::from_str::<Settings>(&text).map_err(|e| SettingsError { place: at(&e), message: e.message().to_owned() })?;
    let table = toml::from_str::<toml::Table>(&text)
        .map_err(|e| SettingsError { place: at(&e), message: e.message().to_owned() })?;
    let mut places = Origins::new();
    if let Ok(spanned) = toml::de::DeTable::parse(&text) {
        let line_of = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        origins(spanned.get_ref(), "", &line_of, &shown.to_string(), &mut places);
    }
    Ok((table, places))
}

/// Sets `path` in the table to `value` and checks that the settings still read; the value is taken as text, or, where
/// text does not fit, as a TOML value (`true`, `3`, `["a", "b"]`); a list may also be written `a,b`.
fn lay_over(table: &mut toml::Table, path: &[String], value: &str) -> Result<(), String> {
    let text = toml::Value::String(value.to_owned());
    let typed = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("v"));
    let list = toml::Value::Array(
        value.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| toml::Value::String(s.into())).collect(),
    );
    let mut problem = String::new();
    for candidate in [Some(text), typed, Some(list)].into_iter().flatten() {
        let mut trial = table.clone();
        set(&mut trial, path, candidate);
        match toml::Value::Table(trial.clone()).try_into::<Settings>() {
            Ok(_) => {
                *table = trial;
                return Ok(());
            }
            Err(e) if problem.is_empty() => e.message().clone_into(&mut problem),
            Err(_) => {}
        }
    }
    Err(problem)
}

fn set(table: &mut toml::Table, path: &[String], value: toml::Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let s = Settings::load(None, env(&[])).unwrap();
        assert_eq!(s.server.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(s.server.public_url.as_str(), "http://localhost:8080/");
        assert_eq!(s.database_url(), "sqlite:./data/madoguchi.db");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("madoguchi.toml");
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\n[limits]\nhashing_queue = 8\n").unwrap();
        let pairs = [
            ("MADOGUCHI_SERVER__LISTEN", "127.0.0.1:2"),
            ("MADOGUCHI_LIMITS__ENABLED", "false"),
            ("MADOGUCHI_OUTBOUND__ALLOW_PRIVATE", "a.test, b.test"),
            ("MADOGUCHI_SERVER__TLS__CERT", "/c.pem"),
            ("MADOGUCHI_DATA_DIR", "/d"),
        ];
        let s = Settings::load(Some(&file), env(&pairs)).unwrap();
        assert_eq!(s.server.listen.port(), 2);
        assert!(!s.limits.enabled);
        assert_eq!(s.limits.hashing_queue, 8);
        assert_eq!(s.outbound.allow_private, ["a.test", "b.test"]);
        assert_eq!(s.server.tls.cert, Some("/c.pem".into()));
        assert_eq!(s.data_dir, PathBuf::from("/d"));
    }

    #[test]
    fn an_unknown_key_names_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("madoguchi.toml");
        std::fs::write(&file, "[server]\n\nlisten_on = \"x\"\n").unwrap();
        let e = Settings::load(Some(&file), env(&[])).unwrap_err();
        assert!(e.place.ends_with("madoguchi.toml:3"), "{e}");
        assert!(e.message.contains("listen_on") && e.message.contains("expected"), "{e}");
    }

    #[test]
    fn a_bad_variable_is_named() {
        let e = Settings::load(None, env(&[("MADOGUCHI_SERVER__LISTEN", "nowhere")])).unwrap_err();
        assert_eq!(e.place, "MADOGUCHI_SERVER__LISTEN");
        let e = Settings::load(None, env(&[("MADOGUCHI_SERVER__LISTE", "127.0.0.1:1")])).unwrap_err();
        assert_eq!(e.place, "MADOGUCHI_SERVER__LISTE");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        let mut s = Settings::load(None, env(&[("MADOGUCHI_MAIL__URL", "file:/tmp")])).unwrap();
        assert!(s.unsafe_settings().is_empty());
        s.server.public_url = Url::parse("http://id.example.ac.jp").unwrap();
        assert_eq!(s.unsafe_settings().first().map(|e| e.place.clone()).as_deref(), Some("server.public_url"));
    }

    #[test]
    fn secrets_in_settings_are_not_printed() {
        let pairs =
            [("MADOGUCHI_DATABASE__URL", "postgres://u:hunter2@h/d"), ("MADOGUCHI_MAIL__URL", "smtps://u:hunter2@h")];
        let s = Settings::load(None, env(&pairs)).unwrap();
        assert!(!format!("{s:?}").contains("hunter2"));
    }
}
