//! JSON Web Signatures (RFC 7515, RFC 8725): those that others hand to us, `id_token_hint`, `private_key_jwt`
//! assertions and request objects, and answers of ours that no library has a type for.
//!
//! Compact form only. The allowed algorithms come from the caller and from the key, never from the token; `none`,
//! symmetric algorithms, `crit` and unsafe key sizes are refused; `jku`, `x5u`, `jwk` and `x5c` are not looked at.

use crate::{OidcError, keys::SigningKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::client::SigningAlgorithm;
use openidconnect::PrivateSigningKey;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest compact serialisation that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;
/// The most keys of a set that are tried when a token names none.
const MOST_KEYS_TRIED: usize = 8;

/// Why a signature is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwsError {
    /// Not three base64url parts with JSON in the first two.
    #[error("malformed")]
    Malformed,
    /// An algorithm, type or critical header that is not allowed here.
    #[error("a header that is not allowed here")]
    Header,
    /// No key of the set fits; a fresher set may have it.
    #[error("no key of that name")]
    UnknownKey,
    /// The signature is another's.
    #[error("bad signature")]
    Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
    zip: Option<Value>,
    enc: Option<Value>,
}

/// A parsed, not yet verified token.
pub(crate) struct Jws<'a> {
    header: Header,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes the compact form apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, JwsError> {
        if text.len() > LONGEST {
            return Err(JwsError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed);
        // An array would pass for a structure otherwise.
        let header: Map<String, Value> = serde_json::from_slice(&bytes(header)?).map_err(|_| JwsError::Malformed)?;
        let header = Header::deserialize(Value::Object(header)).map_err(|_| JwsError::Malformed)?;
        let claims = serde_json::from_slice(&bytes(payload)?).map_err(|_| JwsError::Malformed)?;
        let signature = bytes(signature)?;
        if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err(JwsError::Header);
        }
        Ok(Self { header, claims, signed, signature })
    }

    /// Whether it says of itself that nobody signed it (RFC 7518 §3.6).
    pub(crate) fn is_unsigned(&self) -> bool {
        self.header.alg.eq_ignore_ascii_case("none")
    }

    /// A claim of the token before its signature is verified: good for nothing but finding out whose keys to use.
    pub(crate) fn unverified(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// The claims, when one of `keys` signed them with an algorithm of `allowed` and `typ` is absent or one of `types`.
    pub(crate) fn verify(
        self,
        keys: &[VerificationKey],
        allowed: &[SigningAlgorithm],
        types: &[&str],
    ) -> Result<Map<String, Value>, JwsError> {
        let algorithm = SigningAlgorithm::from_name(&self.header.alg).ok_or(JwsError::Header)?;
        let type_ok = self.header.typ.as_deref().is_none_or(|typ| types.iter().any(|t| t.eq_ignore_ascii_case(typ)));
        if !allowed.contains(&algorithm) || !type_ok || self.signature.is_empty() {
            return Err(JwsError::Header);
        }
        let fitting: Vec<&VerificationKey> = keys
            .iter()
            .filter(|key| key.fits(algorithm))
            .filter(|key| match (&self.header.kid, &key.kid) {
                (Some(wanted), Some(kid)) => wanted == kid,
                (Some(_), None) | (None, _) => true,
            })
            .take(MOST_KEYS_TRIED)
            .collect();
        if fitting.is_empty() {
            return Err(JwsError::UnknownKey);
        }
        if fitting.iter().any(|key| key.verify(algorithm, self.signed.as_bytes(), &self.signature)) {
            Ok(self.claims)
        } else {
            Err(JwsError::Signature)
        }
    }
}

/// The compact form of `claims`, signed by a key of ours; `typ` says what for (RFC 8725 §3.11).
pub(crate) fn sign(key: &SigningKey, typ: &str, claims: &Value) -> Result<String, OidcError> {
    let header = serde_json::json!({"alg": key.algorithm.as_str(), "kid": key.kid, "typ": typ});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key
        .sign(&key.core_algorithm(), signed.as_bytes())
        .map_err(|e| OidcError::Keys(format!("the key {}: {e}", key.kid)))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A NumericDate, which may have a fraction (RFC 7519 §2), in whole seconds.
#[expect(clippy::cast_possible_truncation, reason = "a saturated time is far from any that is accepted")]
pub(crate) fn numeric_date(value: &Value) -> Option<i64> {
    value.as_f64().map(|time| time as i64)
}

/// A public key to verify with.
#[derive(Debug, Clone)]
pub(crate) struct VerificationKey {
    kid: Option<String>,
    algorithm: Option<SigningAlgorithm>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl VerificationKey {
    /// A key of RFC 7517; `None` for a kind that we do not verify with.
    pub(crate) fn from_jwk(jwk: &Value) -> Option<Self> {
        let jwk = Jwk::deserialize(jwk).ok()?;
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let algorithm = match &jwk.alg {
            Some(name) => Some(SigningAlgorithm::from_name(name)?),
            None => None,
        };
        let bytes = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                Material::P256([&[4u8][..], &x, &y].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(&jwk.x)?),
            _ => return None,
        };
        Some(Self { kid: jwk.kid, algorithm, material })
    }

    /// The usable keys of a set `{"keys": […]}` (RFC 7517 §5).
    pub(crate) fn from_set(set: &Value) -> Vec<Self> {
        set.get("keys")
            .and_then(Value::as_array)
            .map(|keys| keys.iter().take(64).filter_map(Self::from_jwk).collect())
            .unwrap_or_default()
    }

    fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        let kind = match self.material {
            Material::Rsa { .. } => matches!(algorithm, SigningAlgorithm::RS256 | SigningAlgorithm::PS256),
            Material::P256(_) => algorithm == SigningAlgorithm::ES256,
            Material::Ed25519(_) => algorithm == SigningAlgorithm::EdDSA,
        };
        kind && self.algorithm.is_none_or(|own| own == algorithm)
    }

    fn verify(&self, algorithm: SigningAlgorithm, message: &[u8], sig: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => {
                let key = RsaPublicKeyComponents { n, e };
                let parameters = if algorithm == SigningAlgorithm::PS256 {
                    &signature::RSA_PSS_2048_8192_SHA256
                } else {
                    &signature::RSA_PKCS1_2048_8192_SHA256
                };
                key.verify(parameters, message, sig).is_ok()
            }
            Material::P256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, sig).is_ok()
            }
            Material::Ed25519(point) => UnparsedPublicKey::new(&signature::ED25519, point).verify(message, sig).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forged(header: &str) -> String {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.{}", part(header), part(r#"{"sub":"x"}"#), part("signature"))
    }

    #[test]
    fn none_symmetric_and_critical_headers_are_refused() {
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"RS512"}"#,
            r#"{"alg":"RS256","crit":["b64"]}"#,
            r#"{"alg":"RS256","typ":"logout+jwt"}"#,
        ] {
            let text = forged(header);
            let verdict = Jws::parse(&text).and_then(|j| j.verify(&[], &SigningAlgorithm::ALL, &["JWT"]));
            assert_eq!(verdict, Err(JwsError::Header), "{header}");
        }
    }

    #[test]
    fn what_is_not_a_compact_jws_is_malformed() {
        for text in ["", "a.b", "a.b.c", "e30.e30.", "..", "e30.W10.e30"] {
            assert!(matches!(Jws::parse(text).map(|_| ()), Err(JwsError::Malformed)), "{text}");
        }
    }

    #[test]
    fn encryption_keys_and_private_curves_are_not_verification_keys() {
        let set = serde_json::json!({"keys": [
            {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB"},
            {"kty": "oct", "k": "AQAB"},
            {"kty": "RSA", "alg": "RS512", "n": "AQAB", "e": "AQAB"},
        ]});
        assert!(VerificationKey::from_set(&set).is_empty());
    }
}
