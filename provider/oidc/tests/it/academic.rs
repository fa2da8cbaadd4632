//! Claims of academic federations, and that nobody else's tenant has them.

use crate::support::*;
use madoguchi_domain::{
    account::{EnrolmentFacts, StaffRole},
    verification::{Evidence, REVIEWED_FACTS, Verification},
};
use serde_json::{Value, json};
use std::sync::Arc;

on_both! {
    graduates_are_told_as_federations_name_them
    without_the_institutions_domain_there_are_no_such_scopes
}

fn academic(more: Value) -> Value {
    let mut policy = json!({"scope": "example.ac.jp", "entitlement_prefix": "urn:x:example:",
        "assurance": ["https://refeds.org/assurance/IAP/medium"]});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"academic": policy, "home": {"tiles": [{"key": "certificate", "title": "証明書", "url": "/x"}]}})
}

const SCOPES: &str = "openid eduperson schac voperson";

async fn told(world: &World) -> Value {
    let tokens = world.tokens(&[("scope", SCOPES)]).await;
    world.userinfo(tokens["access_token"].as_str().unwrap()).await.1
}

async fn graduates_are_told_as_federations_name_them(mut world: World) {
    world.tenant.config = Arc::new(config("certificate", academic(json!({}))));
    let nobody = told(&world).await;
    assert_eq!(nobody.get("eduperson_affiliation"), None, "an account alone is no affiliation");
    assert_eq!(nobody.get("eduperson_assurance"), None, "nothing was verified");
    assert_eq!(nobody.get("eduperson_principal_name"), None, "a mail address is no name for life");
    assert_eq!(nobody.get("eduperson_orcid"), None);
    let mut ids = Vec::new();
    for (number, outcome) in [("08EN0456", "graduated"), ("12GS0078", "withdrawn")] {
        let facts = EnrolmentFacts { outcome: outcome.into(), ..EnrolmentFacts::default() };
        ids.push(world.enrol_with(number, facts).await);
    }
    let how = Verification {
        evidence: vec![Evidence::Roster],
        document: String::new(),
        at: NOW,
        application: None,
        by: None,
        suspended_by: None,
    };
    world.account.profile.verify(REVIEWED_FACTS, &how);
    world.account.profile.claims.insert("eduperson_orcid".into(), json!("https://orcid.org/0000-0002-1825-0097"));
    world.keep_profile().await;
    let claims = told(&world).await;
    assert_eq!(claims["eduperson_affiliation"], json!(["alum"]), "never member");
    assert_eq!(claims["eduperson_scoped_affiliation"], json!(["alum@example.ac.jp"]));
    assert_eq!(claims["eduperson_assurance"], json!(["https://refeds.org/assurance/IAP/medium"]));
    assert_eq!(claims["eduperson_entitlement"], json!(["urn:x:example:certificate"]));
    assert_eq!(claims["eduperson_orcid"], "https://orcid.org/0000-0002-1825-0097");
    assert_eq!(claims["schac_home_organization"], "example.ac.jp");
    assert_eq!(claims["schac_home_organization_type"], "urn:schac:homeOrganizationType:int:university");
    let codes = ["08EN0456", "12GS0078"].map(|id| format!("urn:schac:personalUniqueCode:jp:example.ac.jp:{id}"));
    assert_eq!(claims["schac_personal_unique_code"], json!(codes));
    let unique = claims["eduperson_unique_id"].as_str().unwrap();
    let (id, scope) = unique.split_once('@').unwrap();
    assert!(id.len() == 64 && id.bytes().all(|b| b.is_ascii_alphanumeric()) && scope == "example.ac.jp");
    assert_eq!(claims["voperson_id"], unique);
    assert_eq!(nobody["voperson_id"], unique, "for life, whatever is added");
    // who withdrew and nothing else is not among the alumni
    world.store().enrolments().end(&ids[0], NOW).await.unwrap();
    assert_eq!(told(&world).await.get("eduperson_affiliation"), None);
    // in the ID token by the claims parameter
    let wanted = json!({"id_token": {"schac_personal_unique_code": null}}).to_string();
    let tokens = world.tokens(&[("scope", "openid"), ("claims", &wanted)]).await;
    let in_token = claims_of(tokens["id_token"].as_str().unwrap());
    assert_eq!(in_token["schac_personal_unique_code"], json!([codes[1]]));
    // staff
    world.store().accounts().set_staff_roles(&world.account.id, &[StaffRole::Reviewer], NOW).await.unwrap();
    assert_eq!(told(&world).await["eduperson_affiliation"], json!(["staff"]));
    // people with a user ID have a name for life
    let by_id = json!({"login": {"identifier": "user_id", "user_id_pattern": "RZ00000000"}});
    let mut settings = academic(json!({"home_organization": "alumni.example.ac.jp"}));
    settings.as_object_mut().unwrap().extend(by_id.as_object().unwrap().clone());
    world.tenant.config = Arc::new(config("certificate", settings));
    let claims = told(&world).await;
    assert_eq!(claims["eduperson_principal_name"], format!("{}@example.ac.jp", world.account.login_id));
    assert_eq!(claims["schac_home_organization"], "alumni.example.ac.jp");
}

async fn without_the_institutions_domain_there_are_no_such_scopes(mut world: World) {
    let tokens = world.tokens(&[("scope", SCOPES)]).await;
    assert_eq!(tokens["scope"], "openid");
    let document = world.discovery().await;
    assert!(!document["scopes_supported"].as_array().unwrap().contains(&json!("schac")));
    assert!(!document.to_string().contains("eduperson"));
    world.tenant.config = Arc::new(config("certificate", academic(json!({}))));
    world.tenant.generation += 1;
    let document = world.discovery().await;
    for scope in ["eduperson", "schac", "voperson"] {
        assert!(document["scopes_supported"].as_array().unwrap().contains(&json!(scope)), "{scope}");
    }
    assert!(document["claims_supported"].as_array().unwrap().contains(&json!("eduperson_affiliation")));
}
