//! `keys`: rotate, list.

use super::{Failure, Outcome, open, say, tenant_of};
use crate::{
    builder::{operator, view},
    config::Settings,
};
use clap::Subcommand;
use madoguchi_oidc::KeyReport;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// New signing keys now; the old ones stay published until their tokens have expired.
    Rotate {
        /// The tenant.
        #[arg(long)]
        tenant: String,
    },
    /// List signing keys.
    List {
        /// The tenant; all when absent.
        #[arg(long)]
        tenant: Option<String>,
    },
}

pub(super) async fn run(command: KeysCommand, settings: &Settings) -> Outcome {
    let provider = open(settings).await?;
    match command {
        KeysCommand::Rotate { tenant } => {
            let tenant = tenant_of(&provider, &tenant)?;
            let keys = provider.oidc.rotate_keys(&view(&tenant), operator()).await.map_err(|e| Failure::of(&e))?;
            print(tenant.slug.as_str(), &keys);
        }
        KeysCommand::List { tenant } => {
            let tenants = match tenant {
                Some(slug) => vec![tenant_of(&provider, &slug)?],
                None => provider.service.tenants(),
            };
            for tenant in tenants {
                let keys = provider.oidc.keys(&view(&tenant)).await.map_err(|e| Failure::of(&e))?;
                print(tenant.slug.as_str(), &keys);
            }
        }
    }
    Ok(())
}

fn print(tenant: &str, keys: &[KeyReport]) {
    for key in keys {
        let made = key.created_at.to_utc().format("%Y-%m-%d %H:%M:%SZ");
        let state = match (key.active, key.remove_after) {
            (true, _) => "signs".to_owned(),
            (false, Some(until)) => format!("published until {}", until.to_utc().format("%Y-%m-%d %H:%M:%SZ")),
            (false, None) => "published".to_owned(),
        };
        say(format_args!("{tenant:<16} {:<6} {} made {made}  {state}", key.algorithm.as_str(), key.kid));
    }
}
