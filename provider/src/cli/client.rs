//! `client`: register, and let others register.

use super::{Failure, Outcome, open, read_json, say_json, tenant_of};
use crate::{
    builder::{operator, view},
    config::Settings,
};
use clap::Subcommand;
use std::{path::PathBuf, time::Duration};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Register a relying party, or replace one of the same client_id; prints the registered metadata.
    Register {
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// RFC 7591 metadata; a client_id or client_secret in it is kept. `-` reads standard input.
        #[arg(long)]
        file: PathBuf,
    },
    /// Make a token with which applications register themselves, where the tenant's file allows that; prints it once.
    InitialToken {
        /// The tenant.
        #[arg(long)]
        tenant: String,
        /// For how many hours it is good.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
        hours: u16,
    },
}

pub(super) async fn run(command: ClientCommand, settings: &Settings) -> Outcome {
    match command {
        ClientCommand::Register { tenant, file } => {
            let metadata = read_json(&file)?;
            let provider = open(settings).await?;
            let tenant = tenant_of(&provider, &tenant)?;
            let registered = provider
                .oidc
                .register_client(view(&tenant).slug(), metadata, operator())
                .await
                .map_err(|e| Failure::of(&e))?;
            say_json(&registered.document())
        }
        ClientCommand::InitialToken { tenant, hours } => {
            let provider = open(settings).await?;
            let tenant = tenant_of(&provider, &tenant)?;
            let lifetime = Duration::from_secs(u64::from(hours) * 3_600);
            let made = provider.oidc.initial_access_token(view(&tenant).slug(), lifetime, &operator()).await;
            let (token, expires_at) = made.map_err(|e| Failure::of(&e))?;
            say_json(&serde_json::json!({"initial_access_token": token.expose(), "expires_at": expires_at.seconds()}))
        }
    }
}
