//! The command line. `madoguchi --help` tells all of it.

mod account;
mod check;
mod client;
mod keys;
mod roster;
mod run;
mod tenant;
mod theme;

use crate::{
    builder::{BuildError, Provider},
    config::{Settings, SettingsError},
};
use clap::{CommandFactory, Parser, Subcommand};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// An OpenID Connect provider where people become known: application, review, and only then an account.
#[derive(Debug, Parser)]
#[command(name = "madoguchi", version, propagate_version = true, arg_required_else_help = false)]
struct Arguments {
    /// Settings (TOML); each can be replaced by MADOGUCHI_SECTION__KEY in the environment.
    #[arg(long, short, global = true, env = "MADOGUCHI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it out: two institutions, example apps, accounts and a mailbox, all in ./data (the default).
    Demo,
    /// Run in production.
    Serve,
    /// Check settings, tenants, themes, database and mail; exit 1 if anything is wrong.
    Check {
        /// Folders of tenants to check besides those of the settings.
        tenants: Vec<PathBuf>,
    },
    /// Tenants as files in version control.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Relying parties.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Accounts.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The roster that applications are compared with.
    #[command(subcommand)]
    Roster(roster::RosterCommand),
    /// Themes.
    #[command(subcommand)]
    Theme(theme::ThemeCommand),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What a command ends with: nothing, or a sentence for the terminal and exit code 1.
type Outcome = Result<(), Failure>;

/// Why a command failed, in words.
#[derive(Debug)]
struct Failure(String);

impl From<SettingsError> for Failure {
    fn from(e: SettingsError) -> Self {
        Self(e.to_string())
    }
}

impl From<BuildError> for Failure {
    fn from(e: BuildError) -> Self {
        Self(e.report())
    }
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// An error with its causes.
    fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(e) = cause {
            text.push_str(": ");
            text.push_str(&e.to_string());
            cause = e.source();
        }
        Self(text)
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Settings::load(arguments.config.as_deref(), std::env::vars())
        .map_err(Failure::from)
        .and_then(|settings| dispatch(arguments.command.unwrap_or(Command::Demo), settings));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            say_error(&text);
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command, mut settings: Settings) -> Outcome {
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Arguments::command(), "madoguchi", &mut std::io::stdout());
        return Ok(());
    }
    // one-shot commands speak on standard output; their log is for trouble only
    let serving = matches!(command, Command::Serve);
    if !serving && settings.log.filter == "info" {
        settings.log.filter = "warn".into();
    }
    crate::telemetry::start_log(&settings.log).map_err(Failure::new)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, std::num::NonZero::get))
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?;
    runtime.block_on(async move {
        match command {
            Command::Demo => run::demo(settings).await,
            Command::Serve => run::serve(settings).await,
            Command::Check { tenants } => check::check(&settings, &tenants).await,
            Command::Tenant(command) => tenant::run(command, &settings).await,
            Command::Client(command) => client::run(command, &settings).await,
            Command::Account(command) => account::run(command, &settings).await,
            Command::Keys(command) => keys::run(command, &settings).await,
            Command::Roster(command) => roster::run(command, &settings).await,
            Command::Theme(command) => theme::run(command, &settings),
            Command::Completions { .. } => Ok(()),
        }
    })
}

/// A provider for one command: opened, not served.
async fn open(settings: &Settings) -> Result<Provider, Failure> {
    Ok(run::builder(settings).build().await?)
}

/// The tenant of that name.
fn tenant_of(provider: &Provider, slug: &str) -> Result<std::sync::Arc<madoguchi_service::Tenant>, Failure> {
    let slug = slug.parse().map_err(Failure::new)?;
    provider.service.tenant(&slug).ok_or_else(|| {
        let known: Vec<String> = provider.service.tenants().iter().map(|t| t.slug.to_string()).collect();
        let known = if known.is_empty() { "none yet; see `madoguchi tenant apply`".into() } else { known.join(", ") };
        Failure::new(format!("there is no tenant {slug}; there are: {known}"))
    })
}

/// Reads a JSON file; `-` is standard input.
fn read_json(path: &std::path::Path) -> Result<serde_json::Value, Failure> {
    let shown = path.display();
    let text =
        if path.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|e| Failure::new(format!("{shown}: {e}")))?;
    serde_json::from_str(&text).map_err(|e| Failure::new(format!("{shown}:{}: {e}", e.line())))
}

/// A line on standard output.
fn say(text: impl std::fmt::Display) {
    // a closed pipe is not worth a panic
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn say_json(value: &impl serde::Serialize) -> Outcome {
    say(serde_json::to_string_pretty(value).map_err(|e| Failure::of(&e))?);
    Ok(())
}

fn say_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "madoguchi: {text}");
}
