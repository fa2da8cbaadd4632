//! Pairwise subjects: another name for a person in each sector, the same everywhere within one.

use crate::support::*;
use madoguchi_domain::audit::Actor;
use madoguchi_oidc::{AuthorizeOutcome, LogoutOutcome, OidcError, Params};
use serde_json::{Value, json};

on_both! {
    each_sector_has_a_subject_of_its_own_and_keeps_it
    hints_and_logout_know_the_sectors_subject
    the_sector_document_has_to_name_every_redirect_uri
}

const SECTOR: &str = "https://sector.example/uris.json";

fn metadata(id: &str, redirect_uri: &str, more: Value) -> Value {
    let mut metadata = json!({"client_id": id, "client_secret": format!("secret-of-{id}"), "client_name": id,
        "redirect_uris": [redirect_uri], "id_token_signed_response_alg": "ES256", "first_party": true,
        "subject_type": "pairwise", "grant_types": ["authorization_code", "refresh_token"]});
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

/// Two clients at one host, and one elsewhere.
async fn sectors(mut world: World) -> World {
    for (id, uri) in [("a1", "https://a.example/cb"), ("a2", "https://a.example/other"), ("b", "https://b.example/cb")]
    {
        world.client(metadata(id, uri, json!({}))).await;
    }
    world
}

fn redirect_uri(id: &str) -> &'static str {
    match id {
        "a1" => "https://a.example/cb",
        "a2" => "https://a.example/other",
        "b" => "https://b.example/cb",
        _ => REDIRECT,
    }
}

async fn tokens(world: &World, id: &str) -> Value {
    let uri = redirect_uri(id);
    let answer = redirected(world.authorize(&request(&[("client_id", id), ("redirect_uri", uri)])).await);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", answer.field("code").unwrap()),
        ("redirect_uri", uri),
        ("code_verifier", VERIFIER),
    ];
    let (status, body) = world.token(Some(&basic(id, &format!("secret-of-{id}"))), &form).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn subject(world: &World, id: &str) -> String {
    let tokens = tokens(world, id).await;
    let sub = claims_of(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.userinfo(access).await.1["sub"], *sub, "userinfo says the same");
    let secret = format!("secret-of-{id}");
    let introspected = world.introspect(&basic(id, &secret), access).await;
    assert_eq!(introspected["sub"], *sub, "introspection too");
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let (_, refreshed) = world.token(Some(&basic(id, &secret)), &form).await;
    assert_eq!(claims_of(refreshed["id_token"].as_str().unwrap())["sub"], *sub, "and a refresh");
    sub
}

async fn each_sector_has_a_subject_of_its_own_and_keeps_it(world: World) {
    let world = sectors(world).await;
    let (public, a1, a2, b) = (
        subject(&world, "rp").await,
        subject(&world, "a1").await,
        subject(&world, "a2").await,
        subject(&world, "b").await,
    );
    assert_eq!(public, world.account.sub);
    assert_eq!(a1, a2, "one host is one sector");
    assert!(a1 != b && a1 != public && b != public);
    // another process on the same database
    let world = world.restarted();
    assert_eq!(subject(&world, "a1").await, a1);
    // a sector document joins hosts
    world
        .elsewhere
        .documents
        .lock()
        .unwrap()
        .insert(SECTOR.into(), json!(["https://c.example/cb", "https://d.example/cb"]));
    let uris =
        json!({"redirect_uris": ["https://c.example/cb", "https://d.example/cb"], "sector_identifier_uri": SECTOR});
    let registered =
        world.oidc.register_client(world.tenant.slug(), metadata("c", "", uris), Actor::System).await.unwrap();
    assert_eq!(registered.client.metadata.sector().as_deref(), Some("sector.example"));
    let document = world.discovery().await;
    assert_eq!(document["subject_types_supported"], json!(["public", "pairwise"]));
}

async fn hints_and_logout_know_the_sectors_subject(world: World) {
    let world = sectors(world).await;
    let hint = tokens(&world, "a1").await["id_token"].as_str().unwrap().to_owned();
    let sub = claims_of(&hint)["sub"].as_str().unwrap().to_owned();
    let ask = |id: &str, more: &[(&str, &str)]| {
        let mut all = vec![("client_id", id), ("redirect_uri", redirect_uri(id)), ("prompt", "none")];
        all.extend(more);
        request(&all)
    };
    let code = |outcome: AuthorizeOutcome| redirected(outcome).field("code").is_some();
    let by_claims = |sub: &str| json!({"id_token": {"sub": {"value": sub}}}).to_string();
    assert!(code(world.authorize(&ask("a1", &[("id_token_hint", &hint)])).await));
    assert!(
        code(world.authorize(&ask("b", &[("id_token_hint", &hint)])).await),
        "another client's token is a hint too"
    );
    assert!(code(world.authorize(&ask("a2", &[("claims", &by_claims(&sub))])).await));
    for (id, named) in [("b", sub.as_str()), ("a1", &world.account.sub), ("rp", &sub)] {
        let answer = redirected(world.authorize(&ask(id, &[("claims", &by_claims(named))])).await);
        assert_eq!(answer.field("error"), Some("login_required"), "{id} does not know the person by {named}");
    }
    let params = Params::from_pairs([("id_token_hint", hint.as_str())]);
    let outcome = world.oidc.logout(&world.tenant, &params, world.signed_in(), false).await.unwrap();
    assert!(matches!(outcome, LogoutOutcome::End(_)), "{outcome:?}");
}

async fn the_sector_document_has_to_name_every_redirect_uri(world: World) {
    let register = async |more: Value| {
        let result = world
            .oidc
            .register_client(world.tenant.slug(), metadata("c", "https://c.example/cb", more), Actor::System)
            .await;
        match result {
            Ok(_) => "registered".to_owned(),
            Err(OidcError::ClientMetadata(what)) => what,
            Err(other) => panic!("{other}"),
        }
    };
    let sector = json!({"sector_identifier_uri": SECTOR});
    assert!(register(sector.clone()).await.contains("could not be fetched"));
    let serve = |document: Value| world.elsewhere.documents.lock().unwrap().insert(SECTOR.into(), document);
    for (document, what) in [
        (json!({"redirect_uris": []}), "is not an array"),
        (json!([1]), "is not an array"),
        (json!(["https://c.example/cb/"]), "does not name https://c.example/cb"),
    ] {
        serve(document);
        let said = register(sector.clone()).await;
        assert!(said.contains(what), "{said}");
    }
    serve(json!(["https://c.example/cb", "https://c.example/more"]));
    assert_eq!(register(sector).await, "registered");
    for (wrong, what) in [
        (json!({"sector_identifier_uri": "http://sector.example/uris.json"}), "https"),
        (json!({"redirect_uris": ["https://c.example/cb", "https://d.example/cb"]}), "several hosts"),
        (json!({"redirect_uris": ["jp.example.app:/cb"], "application_type": "native"}), "several hosts, or of none"),
        (json!({"subject_type": "private"}), "unknown variant"),
    ] {
        let said = register(wrong).await;
        assert!(said.contains(what), "{said}");
    }
}
