use super::*;

fn client(json: serde_json::Value) -> ClientMetadata {
    let mut all = serde_json::json!({"client_id": "app", "redirect_uris": ["https://rp.example.jp/callback"]});
    for (key, value) in json.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

fn wrong(json: serde_json::Value) -> Vec<String> {
    validate(&client(json)).into_iter().map(|p| p.member).collect()
}

#[test]
fn good_clients_pass() {
    for good in [
        serde_json::json!({}),
        serde_json::json!({"redirect_uris": ["http://localhost:8090/callback", "http://127.0.0.1/callback", "http://[::1]:1/"]}),
        serde_json::json!({"redirect_uris": ["jp.ac.example.app:/callback"], "application_type": "native", "token_endpoint_auth_method": "none"}),
        serde_json::json!({"client_name#ja": "証明書", "policy_uri#en": "https://rp.example.jp/privacy"}),
        serde_json::json!({"redirect_uris": ["https://rp.example.jp/cb?tenant=1"], "scope": "openid profile"}),
    ] {
        assert_eq!(validate(&client(good.clone())), [], "{good}");
    }
}

#[test]
fn request_objects_need_keys_and_https() {
    let keys = serde_json::json!({"keys": [{"kty": "EC"}]});
    let all = |uri: &str| {
        serde_json::json!({
            "jwks": keys, "request_object_signing_alg": "ES256", "require_signed_request_object": true, "request_uris": [uri]
        })
    };
    assert_eq!(validate(&client(all("https://rp.example.jp/request#v1"))), []);
    for bad in [
        "http://rp.example.jp/r",
        "https://u@rp.example.jp/r",
        "https://rp.example.jp/a b",
        "/r",
        "urn:x:y",
        "https://",
    ] {
        assert_eq!(wrong(all(bad)), ["request_uris[0]"], "{bad}");
    }
    let mut without = all("https://rp.example.jp/request");
    without["jwks"] = serde_json::Value::Null;
    assert_eq!(wrong(without), ["request_object_signing_alg", "require_signed_request_object", "request_uris"]);
}

#[test]
fn a_security_profile_refuses_what_breaks_it() {
    let good = |profile: &str| {
        serde_json::json!({
            "security_profile": profile, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC"}]},
            "id_token_signed_response_alg": "PS256", "authorization_signed_response_alg": "ES256",
            "introspection_signed_response_alg": "EdDSA",
        })
    };
    for profile in ["fapi2_security", "fapi2_message_signing"] {
        assert_eq!(validate(&client(good(profile))), [], "{profile}");
        for (member, value, named) in [
            ("token_endpoint_auth_method", serde_json::json!("client_secret_basic"), "token_endpoint_auth_method"),
            ("token_endpoint_auth_method", serde_json::json!("none"), "token_endpoint_auth_method"),
            ("require_pkce", serde_json::json!(false), "require_pkce"),
            ("response_types", serde_json::json!(["code", "nonsense"]), "response_types[1]"),
            ("redirect_uris", serde_json::json!(["http://127.0.0.1/callback"]), "redirect_uris[0]"),
            ("id_token_signed_response_alg", serde_json::json!("RS256"), "id_token_signed_response_alg"),
            ("request_object_signing_alg", serde_json::json!("RS256"), "request_object_signing_alg"),
        ] {
            let mut changed = good(profile);
            changed[member] = value;
            assert!(wrong(changed).iter().any(|w| w == named), "{profile} {named}");
        }
    }
    let mut hybrid = good("fapi2_security");
    hybrid["response_types"] = serde_json::json!(["code", "code id_token"]);
    hybrid["grant_types"] = serde_json::json!(["authorization_code", "implicit"]);
    assert_eq!(wrong(hybrid), ["response_types"]);
    for member in ["authorization_signed_response_alg", "introspection_signed_response_alg"] {
        let mut changed = good("fapi2_message_signing");
        changed[member] = "RS256".into();
        assert_eq!(wrong(changed), [member]);
    }
}

#[test]
fn redirect_uris_that_lead_astray_are_refused() {
    for bad in [
        "",
        "/callback",
        "rp.example.jp/callback",
        "http://rp.example.jp/callback",
        "https://rp.example.jp/#x",
        "https://u:p@rp.example.jp/",
        "https://*.example.jp/",
        "https://rp.example.jp/*",
        "https://rp.example.jp/a\r\nb",
        "https://rp.example.jp/a b",
        "https://rp.example.jp/../x",
        "https://rp.example.jp/%2e%2E/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/callback",
        "https:\\\\rp.example.jp",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "https://",
        "https://例え.jp/",
    ] {
        for native in ["web", "native"] {
            let problems = wrong(serde_json::json!({"redirect_uris": [bad], "application_type": native}));
            assert_eq!(problems, ["redirect_uris[0]"], "{bad:?} as {native}");
        }
    }
    assert_eq!(wrong(serde_json::json!({"redirect_uris": ["jp.example.app:/cb"]})), ["redirect_uris[0]"]);
    assert_eq!(
        wrong(serde_json::json!({"redirect_uris": ["https://a.example/", "https://a.example/"]})),
        ["redirect_uris[1]"]
    );
    assert_eq!(wrong(serde_json::json!({"redirect_uris": []})), ["redirect_uris"]);
    assert_eq!(
        wrong(serde_json::json!({"post_logout_redirect_uris": ["http://a.example/"]})),
        ["post_logout_redirect_uris[0]"]
    );
}

#[test]
fn members_that_do_not_fit_are_named() {
    for (json, member) in [
        (serde_json::json!({"client_id": "a b"}), "client_id"),
        (serde_json::json!({"client_id": "a:b"}), "client_id"),
        (serde_json::json!({"client_name": "a\u{202E}b"}), "client_name"),
        (serde_json::json!({"clientname": "x"}), "clientname"),
        (serde_json::json!({"grant_types": ["authorization_code", "password"]}), "grant_types[1]"),
        (serde_json::json!({"response_types": ["code", "id_token"]}), "response_types[1]"),
        (serde_json::json!({"response_types": ["token"]}), "response_types[0]"),
        (serde_json::json!({"scope": "profile"}), "scope"),
        (serde_json::json!({"scope": "openid  profile"}), "scope"),
        (serde_json::json!({"token_endpoint_auth_method": "private_key_jwt"}), "token_endpoint_auth_method"),
        (serde_json::json!({"token_endpoint_auth_method": "none", "require_pkce": false}), "require_pkce"),
        (serde_json::json!({"jwks": {"keys": []}}), "jwks"),
        (serde_json::json!({"jwks": {"keys": [{"kty": "EC", "d": "x"}]}}), "jwks"),
        (serde_json::json!({"initiate_login_uri": "http://rp.example.jp/login"}), "initiate_login_uri"),
        (serde_json::json!({"logo_uri": "javascript:alert(1)"}), "logo_uri"),
        (serde_json::json!({"contacts": ["nobody"]}), "contacts[0]"),
        (serde_json::json!({"default_acr_values": ["mfa"]}), "default_acr_values[0]"),
    ] {
        assert_eq!(wrong(json.clone()), [member], "{json}");
    }
}
