//! `client`: register.

use super::{Failure, Outcome, open, read_json, say_json, tenant_of};
use crate::{
    builder::{operator, view},
    config::Settings,
};
use clap::Subcommand;
use std::path::PathBuf;

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
    }
}
