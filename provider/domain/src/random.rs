//! Randomness as an argument.

/// A source of cryptographically secure random bytes. The program has the operating system's, tests a seeded one.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0u8; N];
    entropy.fill(&mut bytes);
    bytes
}

/// `length` characters drawn evenly from `alphabet` (at most 256 ASCII characters), by rejection so that none is favoured.
pub fn text(entropy: &dyn Entropy, alphabet: &[u8], length: usize) -> String {
    let size = alphabet.len().clamp(1, 256);
    let limit = 256 - 256 % size;
    let mut out = String::with_capacity(length);
    while out.len() < length {
        for b in bytes::<32>(entropy) {
            let b = usize::from(b);
            if b < limit && out.len() < length {
                out.push(char::from(alphabet.get(b % size).copied().unwrap_or(b'0')));
            }
        }
    }
    out
}
