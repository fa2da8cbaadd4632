//! `account`: create, show, unlock.

use super::{Failure, Outcome, open, read_json, say, say_json, tenant_of};
use crate::{builder::operator, config::Settings};
use clap::Subcommand;
use madoguchi_service::accounts::CreateAccountError;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account without an application.
    Create {
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// JSON: login_id, email, password, second_password, claims, student_ids, staff_roles; or a list of such
        /// objects. `-` reads standard input.
        #[arg(long)]
        file: PathBuf,
    },
    /// Show an account; never a secret.
    Show {
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// What the person logs in with.
        login_id: String,
    },
    /// Lift a lock after too many failed logins.
    Unlock {
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// What the person logs in with.
        login_id: String,
    },
}

pub(super) async fn run(command: AccountCommand, settings: &Settings) -> Outcome {
    match command {
        AccountCommand::Create { tenant, file } => {
            let given = read_json(&file)?;
            let provider = open(settings).await?;
            let tenant = tenant_of(&provider, &tenant)?;
            let accounts = if let serde_json::Value::Array(list) = given { list } else { vec![given] };
            for account in accounts {
                let made = provider
                    .service
                    .create_account(&tenant, &account.to_string(), &operator())
                    .await
                    .map_err(|e| refused(&file, &e))?;
                say(format_args!("{} {} (sub {})", made.id, made.login_id, made.sub));
            }
            Ok(())
        }
        AccountCommand::Show { tenant, login_id } => {
            let provider = open(settings).await?;
            let tenant = tenant_of(&provider, &tenant)?;
            match provider.service.show_account(&tenant, &login_id).await.map_err(|e| Failure::of(&e))? {
                Some(account) => say_json(&account),
                None => Err(Failure::new(format!("{} has no account {login_id}", tenant.slug))),
            }
        }
        AccountCommand::Unlock { tenant, login_id } => {
            let provider = open(settings).await?;
            let tenant = tenant_of(&provider, &tenant)?;
            let unlocked = provider.service.unlock_account(&tenant, &login_id, &operator(), None).await;
            if unlocked.map_err(|e| Failure::of(&e))? {
                say(format_args!("{login_id} can log in again"));
            } else {
                say(format_args!("{login_id} was not locked"));
            }
            Ok(())
        }
    }
}

/// What is wrong with the file, a line each.
fn refused(file: &std::path::Path, error: &CreateAccountError) -> Failure {
    match error {
        CreateAccountError::Invalid(problems) => {
            let lines: Vec<String> = problems.iter().map(|p| format!("{}: {p}", file.display())).collect();
            Failure::new(format!("the account was not made:\n{}", lines.join("\n")))
        }
        CreateAccountError::Exists | CreateAccountError::Service(_) => {
            Failure::new(format!("{}: {}", file.display(), Failure::of(error).0))
        }
    }
}
