//! Identity Assurance: facts with how they were checked, filtered as asked for.

use crate::support::*;
use madoguchi_domain::{
    account::{Enrolment, EnrolmentFacts},
    id::{ApplicationId, EnrolmentId},
    verification::{Evidence, REVIEWED_FACTS, Verification},
};
use madoguchi_oidc::{Answer, Need};
use serde_json::{Value, json};

on_both! {
    facts_are_told_with_their_verification_and_nothing_that_was_not_asked_for
    requirements_leave_out_and_never_fail
    facts_that_changed_since_are_gone
    consent_names_verified_facts_and_covers_no_further_ones
}

fn checked(evidence: &[Evidence], application: &str) -> Verification {
    Verification {
        evidence: evidence.to_vec(),
        document: "drivers_license".into(),
        at: NOW,
        application: Some(ApplicationId::known(application)),
        by: Some(madoguchi_domain::id::AccountId::known("acc_clerk")),
        suspended_by: None,
    }
}

/// A tenant with a trust framework, and a person whose facts one approval verified.
async fn assured(mut world: World) -> World {
    let assurance = json!({"assurance": {"trust_framework": "tf-1", "policy": "https://op.example/policy"}});
    world.tenant.config = std::sync::Arc::new(config("certificate", assurance));
    let how = checked(&[Evidence::Document, Evidence::Roster], "app_1");
    world.account.profile.claims.clear();
    world.account.profile.verify(REVIEWED_FACTS, &how);
    world.keep_profile().await;
    let stay = Enrolment {
        id: EnrolmentId::new(&*world.entropy),
        account: world.account.id.clone(),
        student_id: "08EN0456".into(),
        facts: EnrolmentFacts { affiliation: vec!["E".into()], ..EnrolmentFacts::default() },
        application: how.application.clone(),
        verified: Some(how),
        created_at: NOW,
        ended_at: None,
    };
    world.store().enrolments().insert(&stay, "08en0456").await.unwrap();
    world
}

async fn told(world: &World, wanted: Value) -> Option<Value> {
    let claims = json!({"userinfo": {"verified_claims": wanted}, "id_token": {"verified_claims": wanted}}).to_string();
    let tokens = world.tokens(&[("scope", "openid"), ("claims", &claims)]).await;
    let (status, userinfo) = world.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{userinfo}");
    let in_token = claims_of(tokens["id_token"].as_str().unwrap()).get("verified_claims").cloned();
    assert_eq!(in_token.as_ref(), userinfo.get("verified_claims"), "the same in both places");
    in_token
}

fn names(verification: Value) -> Value {
    json!({"verification": verification, "claims": {"family_name": null, "family_name#ja-Hani-JP": null}})
}

async fn facts_are_told_with_their_verification_and_nothing_that_was_not_asked_for(world: World) {
    let world = assured(world).await;
    let expected = json!({
        "verification": {"trust_framework": "tf-1"},
        "claims": {"family_name": "YAMADA", "family_name#ja-Hani-JP": "山田"},
    });
    assert_eq!(told(&world, names(json!({"trust_framework": null}))).await.unwrap(), expected);
    // everything there is
    let all = json!({
        "verification": {"trust_framework": null, "assurance_level": null, "assurance_process": null, "time": null,
            "verification_process": null, "evidence": [
                {"type": {"value": "document"}, "check_details": null, "document_details": null},
                {"type": {"value": "electronic_record"}, "check_details": null, "record": null},
            ]},
        "claims": {"birthdate": null, "student_ids": null, "affiliation": null, "email": null, "nickname": null},
    });
    let element = told(&world, all).await.unwrap();
    let verification = &element["verification"];
    assert_eq!(verification["verification_process"], "app_1");
    assert_eq!(verification["time"], "2026-11-18T11:06:40Z");
    assert_eq!(verification["assurance_process"]["policy"], "https://op.example/policy");
    assert_eq!(verification["evidence"][0]["document_details"], json!({"type": "jp_drivers_license"}));
    assert_eq!(verification["evidence"][0]["check_details"][0]["check_method"], "vri");
    assert_eq!(verification["evidence"][0]["check_details"][0]["check_id"], "app_1.document");
    assert_eq!(verification["evidence"][1]["check_details"][0]["check_method"], "data");
    assert_eq!(verification["evidence"][1]["record"]["type"], "education");
    assert_eq!(element["claims"]["student_ids"], json!(["08EN0456"]));
    assert_eq!(element["claims"]["birthdate"], "1990-04-01");
    let claims: Vec<_> = element["claims"].as_object().unwrap().keys().collect();
    assert_eq!(claims, ["affiliation", "birthdate", "student_ids"], "an address is nobody's checked fact");
    assert!(!element.to_string().contains("acc_clerk"), "who decided is not told");
    // the array form answers as an array, an element for each that is met
    let both = json!([names(json!({"trust_framework": null})), names(json!({"trust_framework": {"value": "other"}}))]);
    assert_eq!(told(&world, both).await.unwrap(), json!([expected]));
}

async fn requirements_leave_out_and_never_fail(world: World) {
    let world = assured(world).await;
    let with = |member: &str, query: Value| names(json!({"trust_framework": null, member: query}));
    let evidence = |entry: Value| with("evidence", json!([entry]));
    for unmet in [
        names(json!({"trust_framework": {"value": "other"}})),
        names(json!({"trust_framework": {"values": ["a", "b"], "essential": true}})),
        with("assurance_level", json!({"value": "high"})),
        with("unheard_of", json!({"value": "x"})),
        evidence(json!({"type": {"value": "vouch"}})),
        evidence(json!({"type": {"value": "document"}, "document_details": {"type": {"value": "passport"}}})),
        evidence(json!({"type": {"value": "document"}, "check_details": [{"check_method": {"value": "vpip"}}]})),
        evidence(json!({"type": {"value": "document"}, "document_details": {"date_of_expiry": {"max_age": 1}}})),
        evidence(json!({"type": {"value": "electronic_record"}, "record": {"type": {"values": ["tax", "military"]}}})),
        json!({"verification": {"trust_framework": null}, "claims": {}}),
        json!({"verification": {"trust_framework": null}, "claims": null}),
        json!({"verification": {"trust_framework": null}, "claims": {"email": null}}),
        json!({"verification": {"trust_framework": null}, "claims": {"birthdate": {"value": "2000-01-01"}}}),
    ] {
        assert_eq!(told(&world, unmet.clone()).await, None, "{unmet}");
    }
    for met in [
        names(json!({"trust_framework": {"values": ["a", "tf-1"]}})),
        with("unheard_of", json!(null)),
        with("assurance_level", json!({"essential": true})),
        // templates of evidence are alternatives
        with("evidence", json!([{"type": {"value": "vouch"}}, {"type": {"value": "document"}}])),
        // of the details of assurance none is a filter
        with("assurance_process", json!({"assurance_details": [{"assurance_type": {"value": "other"}}]})),
    ] {
        assert!(told(&world, met.clone()).await.is_some(), "{met}");
    }
    // one claim goes, the others stay
    let wanted = json!({"verification": {"trust_framework": null},
        "claims": {"birthdate": {"value": "2000-01-01"}, "given_name": {"values": ["Taro", "Jiro"]}}});
    assert_eq!(told(&world, wanted).await.unwrap()["claims"], json!({"given_name": "Taro"}));
    // the age of a check, on both sides of the limit
    world.clock.advance(std::time::Duration::from_secs(100));
    assert!(told(&world, with("time", json!({"max_age": 100}))).await.is_some());
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(told(&world, with("time", json!({"max_age": 100}))).await, None);
    // what is malformed is an error of the request
    for bad in [json!(null), json!("x"), names(json!({})), names(json!({"trust_framework": null, "evidence": [{}]}))] {
        let claims = json!({"id_token": {"verified_claims": bad}}).to_string();
        assert_eq!(error(world.authorize(&request(&[("claims", &claims)])).await), "invalid_request", "{bad}");
    }
}

async fn facts_that_changed_since_are_gone(world: World) {
    let mut world = assured(world).await;
    let wanted = || {
        json!({"verification": {"trust_framework": null, "verification_process": null},
        "claims": {"name": null, "birthdate": null}})
    };
    // one that waits for a decision
    world.account.profile.suspend(["name_roman"], &ApplicationId::known("app_2"));
    world.keep_profile().await;
    assert_eq!(told(&world, wanted()).await.unwrap()["claims"], json!({"birthdate": "1990-04-01"}));
    // one that a later approval verified stands apart
    world.account.profile.unverify(["name_roman"]);
    world.account.profile.verify(["name_roman"], &checked(&[Evidence::Counter], "app_2"));
    world.keep_profile().await;
    let elements = told(&world, wanted()).await.unwrap();
    let by_application = |id: &str| {
        let found = elements.as_array().unwrap().iter().find(|e| e["verification"]["verification_process"] == id);
        found.unwrap()["claims"].clone()
    };
    assert_eq!(by_application("app_1"), json!({"birthdate": "1990-04-01"}));
    assert_eq!(by_application("app_2"), json!({"name": "YAMADA Taro"}));
    // what an administrator set by hand was not checked
    world.account.profile.claims.insert("name".into(), json!("By Hand"));
    world.keep_profile().await;
    assert_eq!(told(&world, wanted()).await.unwrap()["claims"], json!({"birthdate": "1990-04-01"}));
    // no trust framework, no verified claims
    world.tenant.config = std::sync::Arc::new(config("certificate", json!({})));
    assert_eq!(told(&world, wanted()).await, None);
}

async fn consent_names_verified_facts_and_covers_no_further_ones(world: World) {
    let mut world = assured(world).await;
    world
        .client(json!({
            "client_id": "third", "client_secret": "secret-of-third", "client_name": "Third", "redirect_uris": [REDIRECT],
            "id_token_signed_response_alg": "ES256",
        }))
        .await;
    let ask = |claim: &str| {
        let claims = json!({"userinfo": {"verified_claims":
            {"verification": {"trust_framework": null}, "claims": {claim: null}}}});
        request(&[("client_id", "third"), ("scope", "openid"), ("claims", &claims.to_string())])
    };
    let interact = interaction(world.authorize(&ask("name#ja-Kana-JP")).await);
    let Need::Consent { claims, .. } = interact.need else { panic!("{:?}", interact.need) };
    assert_eq!(claims, ["name", "verified_claims"]);
    let answer = world
        .oidc
        .resume(&world.tenant, &interact.flow, &world.browser, world.signed_in(), Some(Answer::Allow))
        .await
        .unwrap();
    assert!(redirected(answer).field("code").is_some());
    assert!(redirected(world.authorize(&ask("name")).await).field("code").is_some(), "that was agreed to");
    let further = interaction(world.authorize(&ask("birthdate")).await);
    assert!(matches!(further.need, Need::Consent { .. }), "a further fact is asked about");
}
