//! One signing key: made once, sealed at rest, used through ring.

use crate::{OidcError, jws::VerificationKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use madoguchi_domain::{Entropy, client::SigningAlgorithm};
use openidconnect::{
    PrivateSigningKey, SigningError,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Size of new RSA keys in bits.
const RSA_BITS: usize = 2048;

/// A private key that can sign ID tokens.
pub(crate) struct SigningKey {
    /// RFC 7638 thumbprint.
    pub(crate) kid: String,
    /// The one algorithm that it signs with.
    pub(crate) algorithm: SigningAlgorithm,
    private: Private,
    public: CoreJsonWebKey,
}

enum Private {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A new key, before it is stored.
pub(crate) struct Fresh {
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) kid: String,
    pub(crate) public_jwk: Value,
    /// PKCS#8.
    pub(crate) private: Zeroizing<Vec<u8>>,
}

/// Makes a key. Takes up to a second for RSA: run it where blocking is allowed.
///
/// RSA keys are drawn from `entropy`; ring makes the others and takes its randomness from the operating system.
pub(crate) fn generate(algorithm: SigningAlgorithm, entropy: &dyn Entropy) -> Result<Fresh, OidcError> {
    let failed = |what: &str| OidcError::Keys(format!("a new {} key: {what}", algorithm.as_str()));
    let private = match algorithm {
        SigningAlgorithm::RS256 | SigningAlgorithm::PS256 => {
            let key = rsa::RsaPrivateKey::new(&mut Drawn(entropy), RSA_BITS).map_err(|e| failed(&e.to_string()))?;
            let der = key.to_pkcs8_der().map_err(|e| failed(&e.to_string()))?;
            Zeroizing::new(der.as_bytes().to_vec())
        }
        SigningAlgorithm::ES256 => {
            let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            Zeroizing::new(der.map_err(|_| failed("no randomness"))?.as_ref().to_vec())
        }
        SigningAlgorithm::EdDSA => {
            let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
            Zeroizing::new(der.map_err(|_| failed("no randomness"))?.as_ref().to_vec())
        }
    };
    let (_, members) = parse(algorithm, &private)?;
    let kid = thumbprint(&members);
    let public_jwk = published(algorithm, &kid, members);
    Ok(Fresh { algorithm, kid, public_jwk, private })
}

/// Randomness for the `rsa` crate.
struct Drawn<'a>(&'a dyn Entropy);

impl rsa::rand_core::RngCore for Drawn<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(madoguchi_domain::random::bytes(self.0))
    }
    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(madoguchi_domain::random::bytes(self.0))
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}
impl rsa::rand_core::CryptoRng for Drawn<'_> {}

/// The key pair, and the required public members of its JWK.
fn parse(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<(Private, Value), OidcError> {
    let broken = || OidcError::Keys(format!("a stored {} key cannot be read", algorithm.as_str()));
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok(match algorithm {
        SigningAlgorithm::RS256 | SigningAlgorithm::PS256 => {
            let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| broken())?;
            let public: PublicKeyComponents<Vec<u8>> = pair.public().into();
            let members = json!({"kty": "RSA", "n": text(&public.n), "e": text(&public.e)});
            (Private::Rsa(pair), members)
        }
        SigningAlgorithm::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                .map_err(|_| broken())?;
            let point = pair.public_key().as_ref();
            let (x, y) = (point.get(1..33).ok_or_else(broken)?, point.get(33..65).ok_or_else(broken)?);
            let members = json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)});
            (Private::P256(pair), members)
        }
        SigningAlgorithm::EdDSA => {
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| broken())?;
            let members = json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())});
            (Private::Ed25519(pair), members)
        }
    })
}

/// RFC 7638: SHA-256 over the required members as JSON in lexicographic order.
fn thumbprint(members: &Value) -> String {
    let sorted: BTreeMap<&String, &Value> = members.as_object().into_iter().flatten().collect();
    URL_SAFE_NO_PAD.encode(Sha256::digest(json!(sorted).to_string()))
}

fn published(algorithm: SigningAlgorithm, kid: &str, mut members: Value) -> Value {
    if let Some(members) = members.as_object_mut() {
        members.insert("kid".into(), kid.into());
        members.insert("use".into(), "sig".into());
        members.insert("alg".into(), algorithm.as_str().into());
    }
    members
}

impl SigningKey {
    /// A key from the database, unsealed. Refused when it is not the one that the row names.
    pub(crate) fn open(algorithm: SigningAlgorithm, kid: &str, pkcs8: &[u8]) -> Result<Self, OidcError> {
        let (private, members) = parse(algorithm, pkcs8)?;
        if thumbprint(&members) != kid {
            return Err(OidcError::Keys(format!("the key {kid} does not match its name")));
        }
        let public = serde_json::from_value(published(algorithm, kid, members))
            .map_err(|e| OidcError::Keys(format!("the key {kid}: {e}")))?;
        Ok(Self { kid: kid.to_owned(), algorithm, private, public })
    }

    /// Its algorithm for the `openidconnect` crate.
    pub(crate) fn core_algorithm(&self) -> CoreJwsSigningAlgorithm {
        core(self.algorithm)
    }
}

/// The same algorithm in the words of the `openidconnect` crate.
pub(crate) fn core(algorithm: SigningAlgorithm) -> CoreJwsSigningAlgorithm {
    match algorithm {
        SigningAlgorithm::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        SigningAlgorithm::PS256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        SigningAlgorithm::ES256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        SigningAlgorithm::EdDSA => CoreJwsSigningAlgorithm::EdDsa,
    }
}

impl PrivateSigningKey for SigningKey {
    type VerificationKey = CoreJsonWebKey;

    fn sign(&self, alg: &CoreJwsSigningAlgorithm, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        if *alg != self.core_algorithm() {
            return Err(SigningError::UnsupportedAlg(format!("{alg:?}")));
        }
        let random = SystemRandom::new();
        match &self.private {
            Private::Rsa(pair) => {
                let mut sig = vec![0; pair.public().modulus_len()];
                let padding: &dyn signature::RsaEncoding = if self.algorithm == SigningAlgorithm::PS256 {
                    &signature::RSA_PSS_SHA256
                } else {
                    &signature::RSA_PKCS1_SHA256
                };
                pair.sign(padding, &random, message, &mut sig).map_err(|_| SigningError::CryptoError)?;
                Ok(sig)
            }
            Private::P256(pair) => {
                Ok(pair.sign(&random, message).map_err(|_| SigningError::CryptoError)?.as_ref().to_vec())
            }
            Private::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    fn as_verification_key(&self) -> CoreJsonWebKey {
        self.public.clone()
    }
}

/// A stored public key, for the key set and for verifying what we signed.
pub(crate) fn public(jwk: &Value) -> Option<(CoreJsonWebKey, VerificationKey)> {
    Some((serde_json::from_value(jwk.clone()).ok()?, VerificationKey::from_jwk(jwk)?))
}
