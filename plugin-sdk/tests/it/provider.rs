//! A small OpenID Provider. It hands out codes without asking anybody, and lies when told to.

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::{Clock, Timestamp, time::FixedClock};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

pub const NOW: Timestamp = Timestamp(1_800_000_000);

#[derive(Clone, Copy, PartialEq)]
pub enum Alg {
    EdDsa,
    Es256,
}

/// What the provider does at the moment, right or wrong.
pub struct Behaviour {
    pub alg: Alg,
    pub kid: String,
    /// Changes the ID token's claims before they are signed.
    pub forge: Box<dyn Fn(&mut Value) + Send>,
    pub userinfo_sub: Option<String>,
    pub announces_iss: bool,
    pub algorithms: Vec<&'static str>,
    pub expires_in: u64,
    pub up: bool,
    pub refuse_refresh: bool,
    pub break_signature: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            alg: Alg::EdDsa,
            kid: "k1".into(),
            forge: Box::new(|_| ()),
            userinfo_sub: None,
            announces_iss: true,
            algorithms: vec!["EdDSA", "ES256"],
            expires_in: 300,
            up: true,
            refuse_refresh: false,
            break_signature: false,
        }
    }
}

#[derive(Default)]
pub struct Counts {
    pub discovery: usize,
    pub jwks: usize,
    pub refresh: usize,
}

pub struct Op {
    pub issuer: String,
    pub clock: Arc<FixedClock>,
    pub behaviour: Mutex<Behaviour>,
    pub counts: Mutex<Counts>,
    /// code → (nonce, challenge, redirect URI)
    codes: Mutex<HashMap<String, (String, String, String)>>,
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
}

pub const SECRET: &str = "app:s3cret/with+marks";

impl Op {
    pub async fn start() -> Arc<Op> {
        Self::start_at(NOW).await
    }

    pub async fn start_at(now: Timestamp) -> Arc<Op> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/t/test", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let op = Arc::new(Op {
            issuer,
            clock: Arc::new(FixedClock::at(now)),
            behaviour: Mutex::default(),
            counts: Mutex::default(),
            codes: Mutex::default(),
            ed: Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap(),
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).unwrap(),
        });
        let routes = Router::new()
            .route("/t/test/.well-known/openid-configuration", get(discovery))
            .route("/t/test/jwks", get(jwks))
            .route("/t/test/authorize", get(authorize))
            .route("/t/test/end-session", get(end_session))
            .route("/t/test/token", post(token))
            .route("/t/test/userinfo", get(userinfo))
            .with_state(op.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        op
    }

    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    pub fn forge(&self, forge: impl Fn(&mut Value) + Send + 'static) {
        self.behaviour.lock().unwrap().forge = Box::new(forge);
    }

    pub fn count(&self, of: impl Fn(&Counts) -> usize) -> usize {
        of(&self.counts.lock().unwrap())
    }

    /// The person says yes: a code for this authorization request.
    pub fn approve(&self, request: &HashMap<String, String>) -> String {
        assert_eq!(request["response_type"], "code");
        assert_eq!(request["code_challenge_method"], "S256");
        let code = format!("code-{}", self.codes.lock().unwrap().len());
        let parked = (request["nonce"].clone(), request["code_challenge"].clone(), request["redirect_uri"].clone());
        self.codes.lock().unwrap().insert(code.clone(), parked);
        code
    }

    fn id_token(&self, nonce: Option<&str>, access_token: &str) -> String {
        let behaviour = self.behaviour.lock().unwrap();
        let (alg, half) = match behaviour.alg {
            Alg::EdDsa => ("EdDSA", Sha512::digest(access_token)[..32].to_vec()),
            Alg::Es256 => ("ES256", Sha256::digest(access_token)[..16].to_vec()),
        };
        let now = self.clock.now().0;
        let mut claims = json!({
            "iss": self.issuer, "aud": "test-app", "sub": "person-1", "exp": now + 300, "iat": now, "auth_time": now,
            "at_hash": URL_SAFE_NO_PAD.encode(half), "acr": "urn:test:two", "amr": ["pwd"],
            "student_ids": ["06A1234", "10G0001"], "name#ja-Hani-JP": "窓口 花子", "name#ja-Kana-JP": "マドグチ ハナコ",
            "affiliation": [
                { "student_id": "06A1234", "degree_program": "undergraduate",
                  "units": [{ "code": "L", "name": "Letters", "name#ja": "文学部" }, { "code": "LH", "name": "History", "name#ja": "史学科" }] },
                { "student_id": "10G0001", "degree_program": "master",
                  "units": [{ "code": "GL", "name": "Graduate School of Letters", "name#ja": "文学研究科" }] },
            ],
            "address": { "postal_code": "102-0071", "region": "東京都", "locality": "千代田区", "street_address": "富士見1-2-3" },
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        (behaviour.forge)(&mut claims);
        let header = json!({ "alg": alg, "kid": behaviour.kid, "typ": "JWT" });
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = match behaviour.alg {
            Alg::EdDsa => self.ed.sign(signed.as_bytes()).as_ref().to_vec(),
            Alg::Es256 => self.ec.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
        };
        if behaviour.break_signature {
            signature[7] ^= 1;
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

async fn discovery(State(op): State<Arc<Op>>) -> Response {
    op.counts.lock().unwrap().discovery += 1;
    let behaviour = op.behaviour.lock().unwrap();
    if !behaviour.up {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let issuer = &op.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end-session"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": behaviour.algorithms,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": behaviour.announces_iss,
    }))
    .into_response()
}

/// A person who is logged in and always says yes.
async fn authorize(State(op): State<Arc<Op>>, Query(request): Query<HashMap<String, String>>) -> Redirect {
    let code = op.approve(&request);
    let answer = [("code", code.as_str()), ("state", &request["state"]), ("iss", &op.issuer)];
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    Redirect::to(&format!("{}?{query}", request["redirect_uri"]))
}

async fn end_session(Query(request): Query<HashMap<String, String>>) -> Redirect {
    Redirect::to(&format!("{}?state={}", request["post_logout_redirect_uri"], request["state"]))
}

async fn jwks(State(op): State<Arc<Op>>) -> Json<Value> {
    op.counts.lock().unwrap().jwks += 1;
    let kid = op.behaviour.lock().unwrap().kid.clone();
    let point = op.ec.public_key().as_ref();
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Json(json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": b64(op.ed.public_key().as_ref()) },
        { "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256",
          "x": b64(&point[1..33]), "y": b64(&point[33..]) },
    ]}))
}

async fn token(State(op): State<Arc<Op>>, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    // RFC 6749 §2.3.1: both parts are form-encoded inside.
    let secret: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let expected = base64::engine::general_purpose::STANDARD.encode(format!("test-app:{secret}"));
    if headers["authorization"] != format!("Basic {expected}") {
        return refuse("invalid_client");
    }
    let mut nonce = None;
    if form["grant_type"] == "refresh_token" {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut counts = op.counts.lock().unwrap();
        counts.refresh += 1;
        let expected = format!("refresh-{}", counts.refresh - 1);
        if op.behaviour.lock().unwrap().refuse_refresh || form["refresh_token"] != expected {
            return refuse("invalid_grant");
        }
    } else {
        let Some((kept, challenge, redirect_uri)) = op.codes.lock().unwrap().remove(&form["code"]) else {
            return refuse("invalid_grant");
        };
        if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != challenge
            || form["redirect_uri"] != redirect_uri
        {
            return refuse("invalid_grant");
        }
        nonce = Some(kept);
    }
    let refreshed = op.counts.lock().unwrap().refresh;
    let access_token = format!("access-{refreshed}");
    let id_token = op.id_token(nonce.as_deref(), &access_token);
    Json(json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": op.behaviour.lock().unwrap().expires_in,
        "refresh_token": format!("refresh-{refreshed}"), "id_token": id_token,
    }))
    .into_response()
}

async fn userinfo(State(op): State<Arc<Op>>, headers: HeaderMap) -> Response {
    if !headers["authorization"].to_str().unwrap().starts_with("Bearer access-") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let sub = op.behaviour.lock().unwrap().userinfo_sub.clone().unwrap_or_else(|| "person-1".into());
    Json(json!({ "sub": sub, "email": "hanako@example.jp", "name": "Hanako Madoguchi", "favourite": "persimmon" }))
        .into_response()
}
