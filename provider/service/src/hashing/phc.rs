//! The stored form of a password: a PHC string `$argon2id$v=19$m=19456,t=2,p=1[,keyid=…]$salt$hash`.

use super::Pepper;
use argon2::Params;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use madoguchi_domain::Entropy;
use zeroize::Zeroizing;

/// A computed hash.
pub(super) type Parsed = Zeroizing<Vec<u8>>;

const OUTPUT_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// What one hash costs (RFC 9106 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes; all are computed by one thread.
    pub lanes: u32,
}

impl Default for HashCost {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl HashCost {
    pub(super) fn params(self) -> Result<Params, argon2::Error> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT_BYTES))
    }
}

/// A hash with all that is needed to compute it again.
#[derive(Clone)]
pub(super) struct StoredHash {
    pub(super) cost: HashCost,
    pub(super) pepper: Option<String>,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

/// Why a text is not a hash of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an argon2id PHC string")]
pub(super) struct PhcError;

impl StoredHash {
    /// A new salt, and random bytes where the hash will stand: no password verifies against it.
    pub(super) fn unmatchable(cost: HashCost, pepper: Option<&Pepper>, entropy: &dyn Entropy) -> Self {
        Self {
            cost,
            pepper: pepper.map(|p| p.name.clone()),
            salt: madoguchi_domain::random::bytes::<SALT_BYTES>(entropy).to_vec(),
            output: madoguchi_domain::random::bytes::<OUTPUT_BYTES>(entropy).to_vec(),
        }
    }

    /// Reads what [`std::fmt::Display`] writes.
    pub(super) fn parse(text: &str) -> Result<Self, PhcError> {
        let mut parts = text.split('$');
        let (Some(""), Some("argon2id"), Some("v=19"), Some(parameters), Some(salt), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PhcError);
        };
        let mut cost = HashCost { memory_kib: 0, passes: 0, lanes: 0 };
        let mut pepper = None;
        for parameter in parameters.split(',') {
            let (name, value) = parameter.split_once('=').ok_or(PhcError)?;
            let number = || value.parse::<u32>().map_err(|_| PhcError);
            match name {
                "m" => cost.memory_kib = number()?,
                "t" => cost.passes = number()?,
                "p" => cost.lanes = number()?,
                "keyid" => pepper = Some(value.to_owned()),
                _ => return Err(PhcError),
            }
        }
        let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| PhcError)?;
        let output = STANDARD_NO_PAD.decode(output).map_err(|_| PhcError)?;
        if cost.params().is_err() || salt.len() < argon2::MIN_SALT_LEN || output.len() != OUTPUT_BYTES {
            return Err(PhcError);
        }
        Ok(Self { cost, pepper, salt, output })
    }
}

impl std::fmt::Display for StoredHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let HashCost { memory_kib, passes, lanes } = self.cost;
        write!(f, "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}")?;
        if let Some(name) = &self.pepper {
            write!(f, ",keyid={name}")?;
        }
        write!(f, "${}${}", STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.output))
    }
}
