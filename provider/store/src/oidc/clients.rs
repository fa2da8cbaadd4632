//! Relying parties. A change here must be followed by [`Clients::announce`], so that every node's cache learns of it.

use crate::{Row, Scope, StoreError, statements, value::json, value::params};
use madoguchi_domain::{Timestamp, TokenHash, client::Client};

statements! {
    UPSERT = "insert into clients (tenant, client_id, metadata, secret_hash, source, created_at, updated_at) \
              values ($1, $2, $3, $4, $5, $6, $6) \
              on conflict (tenant, client_id) do update \
              set metadata = excluded.metadata, secret_hash = excluded.secret_hash, source = excluded.source, \
                  updated_at = excluded.updated_at";
    ALL = "select metadata, secret_hash from clients where tenant = $1 order by client_id";
    FIND = "select metadata, secret_hash from clients where tenant = $1 and client_id = $2";
    OF_SOURCE = "select client_id from clients where tenant = $1 and source = $2 order by client_id";
    DELETE = "delete from clients where tenant = $1 and client_id = $2";
}

/// Where a client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientSource {
    /// The tenant's `clients.toml`; replaced and removed with it.
    File,
    /// Registered by the command line or the protocol.
    Registered,
}

impl ClientSource {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            ClientSource::File => "file",
            ClientSource::Registered => "registered",
        }
    }
}

/// The relying parties of a tenant.
pub struct Clients<'a>(pub(crate) Scope<'a>);

impl Clients<'_> {
    /// Keeps a client in place of the one of the same identifier.
    pub async fn upsert(&mut self, client: &Client, source: ClientSource, now: Timestamp) -> Result<(), StoreError> {
        let metadata = json(&client.metadata)?;
        let values = params![&client.metadata.client_id, metadata, client.secret_hash.as_ref(), source.as_str(), now];
        self.0.write(UPSERT, values).await.map(drop)
    }

    /// All of them.
    pub async fn all(&mut self) -> Result<Vec<Client>, StoreError> {
        self.0.all(ALL, params![], read).await
    }

    /// The one of that identifier.
    pub async fn find(&mut self, client_id: &str) -> Result<Option<Client>, StoreError> {
        self.0.one(FIND, params![client_id], read).await
    }

    /// Identifiers of those that came from `source`.
    pub async fn of_source(&mut self, source: ClientSource) -> Result<Vec<String>, StoreError> {
        self.0.all(OF_SOURCE, params![source.as_str()], Row::text).await
    }

    /// Removes one; whether there was one. Its grants are refused from then on.
    pub async fn delete(&mut self, client_id: &str) -> Result<bool, StoreError> {
        self.0.changed(DELETE, params![client_id]).await
    }
}

fn read(row: &mut Row) -> Result<Client, StoreError> {
    Ok(Client { metadata: row.json("clients.metadata")?, secret_hash: row.opt_text()?.map(TokenHash::from_stored) })
}
