//! Applications that may see something of the account, and how to take that back.

use super::sessions::Done;
use crate::{
    pages::{ConnectionRow, Connections, Say},
    visit::{Answer, Visit},
};
use axum::{
    extract::{Query, RawForm},
    response::Response,
};
use madoguchi_oidc::Params;
use madoguchi_service::connections::Connection;

pub(super) async fn show(visit: Visit, Query(done): Query<Done>) -> Answer {
    let active = visit.signed_in()?;
    let found = visit.web.service().connections_of(&visit.tenant, &active.account).await;
    let mut connections = Vec::new();
    for connection in found.map_err(|e| visit.fault(&e))? {
        connections.push(row(&visit, connection).await?);
    }
    connections.sort_by(|a, b| a.name.cmp(&b.name));
    let done = (done.done == "disconnected").then(|| Say::key("connections.disconnected"));
    Ok(visit.page(&Connections { connections, done }))
}

async fn row(visit: &Visit, connection: Connection) -> Result<ConnectionRow, Response> {
    let client = visit.web.oidc().client(&visit.view(), &connection.client_id).await;
    let client = client.map_err(|e| visit.protocol_fault(&e))?;
    let name = client.map(|c| c.metadata.name(&visit.locale).to_owned()).filter(|name| !name.is_empty());
    Ok(ConnectionRow {
        name: name.unwrap_or_else(|| connection.client_id.clone()),
        offline: connection.scopes.contains("offline_access"),
        items: visit.shared_items(connection.scopes.iter(), connection.claims.iter()),
        agreed_at: connection.agreed_at.map(|at| at.seconds()),
        used_at: connection.used_at.map(|at| at.seconds()),
        client_id: connection.client_id,
    })
}

pub(super) async fn disconnect(visit: Visit, RawForm(body): RawForm) -> Answer {
    let active = visit.signed_in()?;
    let form = Params::read(None, Some(&body));
    visit.check_form("connections", form.get("csrf").unwrap_or_default())?;
    let Some(client) = form.get("disconnect") else { return Ok(visit.redirect(&visit.to("/account/applications"))) };
    let done = visit.web.service().disconnect(&visit.tenant, active, client, &visit.source).await;
    done.map_err(|e| visit.fault(&e))?;
    Ok(visit.redirect(&visit.to("/account/applications?done=disconnected")))
}
