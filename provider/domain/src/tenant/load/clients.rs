//! `clients.toml`: the relying parties that belong to the tenant itself.

use super::{CLIENTS, Problems, source::Source};
use crate::{client::ClientMetadata, tenant::TenantSettings};

pub(super) fn check(
    source: &Source,
    clients: &[ClientMetadata],
    settings: Option<&TenantSettings>,
    problems: &mut Problems,
) {
    for (index, client) in clients.iter().enumerate() {
        let at = |member: &str| format!("client[{index}].{member}");
        if client.client_id.is_empty() {
            problems.at(
                source,
                &at("client_id"),
                "client_id is missing; a client of the tenant's file has a fixed one",
            );
        }
        if let Some(earlier) = clients.iter().take(index).position(|c| c.client_id == client.client_id) {
            let line = source.line(&format!("client[{earlier}].client_id")).unwrap_or(1);
            problems.at(
                source,
                &at("client_id"),
                format!("client_id: {} stands already in line {line}", client.client_id),
            );
        }
        if client.client_name.is_empty() {
            problems.at(source, &at("client_name"), "client_name is missing; people read it when they log in");
        }
        for problem in crate::client::validate(client) {
            problems.at(source, &at(&problem.member), format!("{}: {}", problem.member, problem.message));
        }
        let Some(settings) = settings else { continue };
        let algorithm = client.id_token_signed_response_alg;
        if !settings.tokens.algorithms.contains(&algorithm) {
            problems.at(
                source,
                &at("id_token_signed_response_alg"),
                format!("the tenant's tokens.algorithms has no {}", algorithm.as_str()),
            );
        }
        if let Some(tile) = client.tile.as_ref().filter(|t| settings.home.tiles.iter().all(|known| known.key != **t)) {
            problems.at(source, &at("tile"), format!("tile: tenant.toml has no tile {tile}"));
        }
    }
    debug_assert_eq!(source.file(), CLIENTS);
}
