//! The authorization endpoint: what is refused where, what has to wait, what is remembered.

use crate::support::*;
use madoguchi_domain::{Clock as _, TokenHash, session::Acr};
use madoguchi_oidc::{Answer, AuthSession, AuthorizeOutcome, LoginReason, Need, PageReason, Params, ResponseMode};
use serde_json::json;
use std::time::Duration;

on_both! {
    unknown_clients_and_redirect_uris_stay_on_a_page
    a_parameter_twice_is_refused
    what_the_client_did_wrong_goes_back_to_it
    a_request_waits_for_the_login_and_is_answered_once
    prompt_none_never_asks
    a_fresh_login_satisfies_what_demands_one
    the_person_named_by_a_hint_is_the_one
    acr_is_told_as_it_is
    consent_is_asked_remembered_and_widened
    a_yes_counts_for_whom_was_asked
    one_of_several_student_ids_is_chosen
    form_post_carries_the_same_fields
}

fn reason(outcome: &AuthorizeOutcome) -> LoginReason {
    match outcome {
        AuthorizeOutcome::Interact(interact) => match &interact.need {
            Need::Login { reason } => *reason,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn unknown_clients_and_redirect_uris_stay_on_a_page(world: World) {
    let mutations = [
        "",
        "https://rp.example/cb",
        "https://rp.example/cb?from=op&x=1",
        "https://rp.example/cb?from=op#",
        "https://rp.example/cb/?from=op",
        "https://RP.example/cb?from=op",
        "https://rp.example:443/cb?from=op",
        "https://rp.example/x/../cb?from=op",
        "https://rp.example/%63b?from=op",
        "https://rp@evil.example/cb?from=op",
        "https://evil.example",
        "//evil.example",
        "javascript:alert(1)",
        "https://rp.example\\@evil.example/cb?from=op",
        "https://rp.example/cb?from=op\n",
        "http://rp.example/cb?from=op",
    ];
    for uri in mutations {
        for prompt in ["", "none"] {
            match world.authorize(&request(&[("redirect_uri", uri), ("prompt", prompt)])).await {
                AuthorizeOutcome::ErrorPage(error) => assert_eq!(error.reason, PageReason::RedirectUri),
                other => panic!("{uri}: {other:?}"),
            }
        }
    }
    for client in ["", "unknown", "RP", "rp "] {
        match world.authorize(&request(&[("client_id", client)])).await {
            AuthorizeOutcome::ErrorPage(error) => assert_eq!(error.reason, PageReason::UnknownClient),
            other => panic!("{client}: {other:?}"),
        }
    }
}

async fn a_parameter_twice_is_refused(world: World) {
    let good: Vec<(String, String)> = request(&[
        ("prompt", "login"),
        ("max_age", "10"),
        ("claims", "{}"),
        ("acr_values", "a"),
        ("ui_locales", "ja"),
        ("login_hint", "x"),
        ("response_mode", "query"),
        ("display", "page"),
        ("unknown", "1"),
    ])
    .pairs()
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .collect();
    for (name, value) in &good {
        for twice in [value.clone(), "other".to_owned()] {
            for in_front in [true, false] {
                let mut all = good.clone();
                all.insert(if in_front { 0 } else { all.len() }, (name.clone(), twice.clone()));
                match world.authorize(&Params::from_pairs(all)).await {
                    AuthorizeOutcome::ErrorPage(error) => {
                        assert!(["client_id", "redirect_uri"].contains(&name.as_str()), "{name}");
                        assert_eq!(error.reason, PageReason::MalformedRequest);
                    }
                    outcome => assert_eq!(error(outcome), "invalid_request", "{name}"),
                }
            }
        }
    }
}

async fn what_the_client_did_wrong_goes_back_to_it(world: World) {
    for (changes, expected) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_mode", "web_message"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "create"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("claims", "[]"), "invalid_request"),
        (("request", "e30.e30."), "invalid_request_object"),
        (("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
        (("request_uri", "https://evil.example/r"), "invalid_request_uri"),
        (("id_token_hint", "e30.e30."), "invalid_request"),
        (("scope", "nothing known"), "invalid_scope"),
    ] {
        let outcome = world.oidc.authorize(&world.tenant, &request(&[changes]), &world.browser, None).await.unwrap();
        let answer = redirected(outcome);
        assert_eq!(answer.field("error"), Some(expected), "{changes:?}");
        assert_eq!(answer.field("state"), Some("st&te あ"));
        assert_eq!(answer.field("iss"), Some(&*world.tenant.issuer));
    }
    let odd = [
        ("extra", "foobar"),
        ("display", "popup"),
        ("claims_locales", "se"),
        ("ui_locales", "se ja"),
        ("resource", "x"),
    ];
    assert!(redirected(world.authorize(&request(&odd)).await).field("code").is_some());
    assert!(redirected(world.authorize(&request(&[("nonce", ""), ("state", "")])).await).field("state").is_none());
    let long = "é".repeat(1024);
    assert_eq!(redirected(world.authorize(&request(&[("state", &long)])).await).field("state"), Some(&*long));
}

async fn a_request_waits_for_the_login_and_is_answered_once(mut world: World) {
    let asked = request(&[("login_hint", "taro@example.jp"), ("ui_locales", "en ja")]);
    let outcome = world.oidc.authorize(&world.tenant, &asked, &world.browser, None).await.unwrap();
    assert_eq!(reason(&outcome), LoginReason::NoSession);
    let waiting = interaction(outcome);
    assert_eq!(waiting.display.login_hint.as_deref(), Some("taro@example.jp"));
    assert_eq!(waiting.display.ui_locales, ["en", "ja"]);
    assert_eq!(waiting.display.redirect_origin.as_deref(), Some("https://rp.example"));
    let (oidc, tenant, flow) = (&world.oidc, &world.tenant, &waiting.flow);
    assert_eq!(
        oidc.interaction(tenant, flow, &world.browser).await.unwrap().unwrap().display.metadata().client_id,
        "rp"
    );
    // another browser knows nothing of it
    let other = TokenHash::of(b"other browser");
    assert!(oidc.interaction(tenant, flow, &other).await.unwrap().is_none());
    let stolen = oidc.resume(tenant, flow, &other, world.signed_in(), None).await.unwrap();
    assert!(matches!(stolen, AuthorizeOutcome::ErrorPage(e) if e.reason == PageReason::UnknownFlow));
    // still nobody there
    let still = oidc.resume(tenant, flow, &world.browser, None, None).await.unwrap();
    assert_eq!(reason(&still), LoginReason::NoSession);
    world.clock.advance(Duration::from_secs(60));
    world.sign_in_again().await;
    let (oidc, tenant, flow) = (&world.oidc, &world.tenant, &waiting.flow);
    let answer = redirected(oidc.resume(tenant, flow, &world.browser, world.signed_in(), None).await.unwrap());
    assert_eq!(answer.field("state"), Some("st&te あ"));
    let (status, body) = world.redeem(answer.field("code").unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(claims_of(body["id_token"].as_str().unwrap())["auth_time"], NOW.0 + 60);
    let again = oidc.resume(tenant, flow, &world.browser, world.signed_in(), None).await.unwrap();
    assert!(matches!(again, AuthorizeOutcome::ErrorPage(e) if e.reason == PageReason::FinishedFlow));
    // giving up, and waiting too long
    let waiting = interaction(oidc.authorize(tenant, &asked, &world.browser, None).await.unwrap());
    let denied = oidc.resume(tenant, &waiting.flow, &world.browser, None, Some(Answer::Deny)).await.unwrap();
    assert_eq!(error(denied), "access_denied");
    let waiting = interaction(oidc.authorize(tenant, &asked, &world.browser, None).await.unwrap());
    world.clock.advance(Duration::from_secs(3600));
    let late = oidc.resume(tenant, &waiting.flow, &world.browser, world.signed_in(), None).await.unwrap();
    assert!(matches!(late, AuthorizeOutcome::ErrorPage(e) if e.reason == PageReason::UnknownFlow));
}

async fn prompt_none_never_asks(mut world: World) {
    let none = request(&[("prompt", "none")]);
    let outcome = world.oidc.authorize(&world.tenant, &none, &world.browser, None).await.unwrap();
    assert_eq!(error(outcome), "login_required");
    assert!(redirected(world.authorize(&none).await).field("code").is_some());
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(error(world.authorize(&request(&[("prompt", "none"), ("max_age", "5")])).await), "login_required");
    third_party(&mut world).await;
    assert_eq!(
        error(world.authorize(&request(&[("prompt", "none"), ("client_id", "guest")])).await),
        "consent_required"
    );
}

async fn third_party(world: &mut World) {
    world
        .client(json!({
            "client_id": "guest", "client_secret": "secret-of-guest", "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256",
        }))
        .await;
}

async fn a_fresh_login_satisfies_what_demands_one(mut world: World) {
    for (change, expected) in [
        (("prompt", "login"), LoginReason::Prompt),
        (("prompt", "select_account"), LoginReason::SelectAccount),
        (("max_age", "0"), LoginReason::MaxAge),
        (("max_age", "2"), LoginReason::MaxAge),
    ] {
        world.clock.advance(Duration::from_secs(3));
        let outcome = world.authorize(&request(&[change])).await;
        assert_eq!(reason(&outcome), expected);
        let flow = interaction(outcome).flow;
        let same = world.oidc.resume(&world.tenant, &flow, &world.browser, world.signed_in(), None).await.unwrap();
        assert_eq!(reason(&same), expected, "the old session does not count");
        world.sign_in_again().await;
        let done = world.oidc.resume(&world.tenant, &flow, &world.browser, world.signed_in(), None).await.unwrap();
        let (_, body) = world.redeem(redirected(done).field("code").unwrap()).await;
        assert_eq!(claims_of(body["id_token"].as_str().unwrap())["auth_time"], world.clock.now().0);
    }
    assert!(redirected(world.authorize(&request(&[("max_age", "10000")])).await).field("code").is_some());
}

async fn the_person_named_by_a_hint_is_the_one(mut world: World) {
    let tokens = world.tokens(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap().to_owned();
    world.clock.advance(Duration::from_secs(5000));
    let mine = request(&[("prompt", "none"), ("id_token_hint", &hint)]);
    assert!(redirected(world.authorize(&mine).await).field("code").is_some(), "an expired one still tells who");
    let other = person(&*world.entropy, "hanako@example.jp");
    world.store().accounts().insert(&other, &other.login_id, &Default::default()).await.unwrap();
    let others = session(&*world.entropy, &other, world.clock.now(), Acr::Password);
    let as_other = Some(AuthSession { session: &others, account: &other });
    let outcome = world.oidc.authorize(&world.tenant, &mine, &world.browser, as_other).await.unwrap();
    assert_eq!(error(outcome), "login_required");
    // without prompt=none the other may sign in; who then is still another is refused
    let asked = request(&[("id_token_hint", &hint)]);
    let outcome = world.oidc.authorize(&world.tenant, &asked, &world.browser, as_other).await.unwrap();
    assert_eq!(reason(&outcome), LoginReason::OtherAccount);
    let flow = interaction(outcome).flow;
    let again = session(&*world.entropy, &other, world.clock.now(), Acr::Password);
    let still_other = Some(AuthSession { session: &again, account: &other });
    let refused = world.oidc.resume(&world.tenant, &flow, &world.browser, still_other, None).await.unwrap();
    assert_eq!(error(refused), "login_required");
    let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, other.sub);
    let outcome = world.authorize(&request(&[("prompt", "none"), ("claims", &claims)])).await;
    assert_eq!(error(outcome), "login_required");
    // forged ones
    let parts: Vec<&str> = hint.split('.').collect();
    for forged in [
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
        "x".to_owned(),
    ] {
        let outcome = world.authorize(&request(&[("prompt", "none"), ("id_token_hint", &forged)])).await;
        assert_eq!(error(outcome), "invalid_request");
    }
    world.sign_in_again().await;
}

async fn acr_is_told_as_it_is(mut world: World) {
    let (one, two) = (Acr::Password.as_str(), Acr::TwoPasswords.as_str());
    let essential = |value: &str| format!(r#"{{"id_token":{{"acr":{{"essential":true,"values":["{value}"]}}}}}}"#);
    // this tenant knows one password only: a wish for more is left, a demand cannot be met
    let told = async |world: &World, changes: &[(&str, &str)]| {
        let tokens = world.tokens(changes).await;
        claims_of(tokens["id_token"].as_str().unwrap())["acr"].as_str().unwrap().to_owned()
    };
    assert_eq!(told(&world, &[("acr_values", two)]).await, one);
    assert_eq!(told(&world, &[("acr_values", "1 2")]).await, one);
    assert_eq!(told(&world, &[("claims", &essential(one))]).await, one);
    let outcome = world.authorize(&request(&[("claims", &essential(two))])).await;
    assert_eq!(error(outcome), "unmet_authentication_requirements");
    // who typed two passwords also typed one
    world.session.authentication.acr = Acr::TwoPasswords;
    assert_eq!(told(&world, &[]).await, two);
    assert_eq!(told(&world, &[("acr_values", &format!("{one} {two}"))]).await, one);
    // where two are possible, the login page is shown
    let mut settings = (*world.tenant.config).clone();
    settings.settings.login.second_password = true;
    world.tenant.config = std::sync::Arc::new(settings);
    world.session.authentication.acr = Acr::Password;
    let outcome = world.authorize(&request(&[("acr_values", two)])).await;
    assert_eq!(reason(&outcome), LoginReason::Acr);
}

async fn consent_is_asked_remembered_and_widened(mut world: World) {
    third_party(&mut world).await;
    let guest = |scope| [("client_id", "guest"), ("scope", scope)];
    let waiting = interaction(world.authorize(&request(&guest("openid email offline_access"))).await);
    assert_eq!(
        waiting.need,
        Need::Consent { scopes: vec!["email".into(), "openid".into()], claims: vec![] },
        "offline_access counts only with prompt=consent"
    );
    let resume = async |world: &World, flow: &madoguchi_domain::Token, answer| {
        world.oidc.resume(&world.tenant, flow, &world.browser, world.signed_in(), answer).await.unwrap()
    };
    assert!(matches!(resume(&world, &waiting.flow, None).await, AuthorizeOutcome::Interact(_)));
    let answer = resume(&world, &waiting.flow, Some(Answer::Allow)).await;
    assert!(redirected(answer).field("code").is_some());
    assert!(redirected(world.authorize(&request(&guest("openid email"))).await).field("code").is_some());
    assert!(redirected(world.authorize(&request(&guest("openid"))).await).field("code").is_some());
    let more = world.authorize(&request(&guest("openid profile"))).await;
    assert_eq!(error(resume(&world, &interaction(more).flow, Some(Answer::Deny)).await), "access_denied");
    let claim = [("client_id", "guest"), ("scope", "openid"), ("claims", r#"{"userinfo":{"phone_number":null}}"#)];
    let more = interaction(world.authorize(&request(&claim)).await);
    assert_eq!(more.need, Need::Consent { scopes: vec!["openid".into()], claims: vec!["phone_number".into()] });
    assert!(redirected(resume(&world, &more.flow, Some(Answer::Allow)).await).field("code").is_some());
    assert!(redirected(world.authorize(&request(&claim)).await).field("code").is_some());
    assert!(redirected(world.authorize(&request(&guest("openid email"))).await).field("code").is_some(), "both stay");
    // asked for by the client, even of the institution's own
    let forced =
        interaction(world.authorize(&request(&[("prompt", "consent"), ("scope", "openid offline_access")])).await);
    assert_eq!(forced.need, Need::Consent { scopes: vec!["offline_access".into(), "openid".into()], claims: vec![] });
    let log = world.store().audit().by_subject("guest", 10).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.event.action == madoguchi_domain::audit::Action::ConsentGiven).count(), 2);
}

async fn a_yes_counts_for_whom_was_asked(mut world: World) {
    third_party(&mut world).await;
    let waiting = interaction(world.authorize(&request(&[("client_id", "guest")])).await);
    let other = person(&*world.entropy, "hanako@example.jp");
    world.store().accounts().insert(&other, &other.login_id, &Default::default()).await.unwrap();
    let others = session(&*world.entropy, &other, world.clock.now(), Acr::Password);
    let as_other = Some(AuthSession { session: &others, account: &other });
    let (oidc, tenant) = (&world.oidc, &world.tenant);
    let outcome = oidc.resume(tenant, &waiting.flow, &world.browser, as_other, Some(Answer::Allow)).await.unwrap();
    assert!(matches!(interaction(outcome).need, Need::Consent { .. }), "hanako was not asked");
    let outcome = oidc.resume(tenant, &waiting.flow, &world.browser, as_other, Some(Answer::Allow)).await.unwrap();
    assert!(redirected(outcome).field("code").is_some());
}

async fn one_of_several_student_ids_is_chosen(world: World) {
    let first = world.enrol("A1").await;
    let asking = [("scope", "openid"), ("claims", r#"{"userinfo":{"student_id":{"essential":true}}}"#)];
    let tokens = world.tokens(&asking).await;
    assert_eq!(world.userinfo(tokens["access_token"].as_str().unwrap()).await.1["student_id"], "A1");
    let second = world.enrol("B2").await;
    let waiting = interaction(world.authorize(&request(&asking)).await);
    let Need::ChooseEnrolment { enrolments } = &waiting.need else { panic!("{:?}", waiting.need) };
    assert_eq!(enrolments.iter().map(|e| &e.id).collect::<Vec<_>>(), [&first, &second]);
    let choose = async |id| {
        let answer = Some(Answer::Enrolment(id));
        world.oidc.resume(&world.tenant, &waiting.flow, &world.browser, world.signed_in(), answer).await.unwrap()
    };
    let foreign = madoguchi_domain::id::EnrolmentId::known("enr_of_somebody_else");
    assert!(matches!(choose(foreign).await, AuthorizeOutcome::Interact(_)));
    let answer = redirected(choose(second).await);
    let (_, tokens) = world.redeem(answer.field("code").unwrap()).await;
    assert_eq!(world.userinfo(tokens["access_token"].as_str().unwrap()).await.1["student_id"], "B2");
    let silent = [asking.as_slice(), &[("prompt", "none")]].concat();
    assert_eq!(error(world.authorize(&request(&silent)).await), "interaction_required");
}

async fn form_post_carries_the_same_fields(world: World) {
    let answer = redirected(world.authorize(&request(&[("response_mode", "form_post")])).await);
    assert_eq!((answer.mode, answer.redirect_uri.as_str()), (ResponseMode::FormPost, REDIRECT));
    assert_eq!(answer.origin().as_deref(), Some("https://rp.example"));
    let names: Vec<&str> = answer.fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    let failed = redirected(world.authorize(&request(&[("response_mode", "form_post"), ("scope", "")])).await);
    assert_eq!((failed.mode, failed.field("error")), (ResponseMode::FormPost, Some("invalid_scope")));
}
