use super::*;
use std::sync::atomic::AtomicU8;

struct Counting(AtomicU8);
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for b in bytes {
            *b = self.0.fetch_add(37, Ordering::Relaxed);
        }
    }
}

const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1, lanes: 1 };

fn hashing(queue: usize, pepper: Option<&str>, cost: HashCost) -> Hashing {
    let pepper = pepper.map(|name| Arc::new(Pepper { name: name.into(), key: Zeroizing::new(vec![7; 32]) }));
    let options = HashingOptions { threads: 1, queue, cost, pepper };
    Hashing::start(options, Arc::new(Counting(AtomicU8::new(1)))).unwrap()
}

#[tokio::test]
async fn a_hash_verifies_its_own_password_and_no_other() {
    let hashing = hashing(8, None, CHEAP);
    let phc = hashing.hash(&Secret::new("Graduate2024")).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
    assert!(!hashing.verify(&Secret::new("Graduate2024"), Some(&phc)).await.unwrap().rehash);
    assert_eq!(hashing.verify(&Secret::new("graduate2024"), Some(&phc)).await.unwrap_err(), HashingError::Wrong);
    assert_eq!(hashing.verify(&Secret::new(""), Some(&phc)).await.unwrap_err(), HashingError::Wrong);
}

#[tokio::test]
async fn our_hash_is_what_the_argon2_crate_verifies() {
    use argon2::{PasswordVerifier, password_hash::phc::PasswordHash};
    let phc = hashing(8, None, CHEAP).hash(&Secret::new("Graduate2024")).await.unwrap();
    let parsed = PasswordHash::new(&phc).unwrap();
    assert!(argon2::Argon2::default().verify_password(b"Graduate2024", &parsed).is_ok());
}

#[tokio::test]
async fn nothing_to_compare_with_costs_the_same_run_and_is_wrong() {
    let hashing = hashing(8, None, CHEAP);
    assert_eq!(hashing.verify(&Secret::new("x"), None).await.unwrap_err(), HashingError::Wrong);
    assert_eq!(hashing.verify(&Secret::new("x"), Some("garbage")).await.unwrap_err(), HashingError::Wrong);
    assert_eq!(hashing.runs(), 2);
}

#[tokio::test]
async fn what_is_too_long_is_wrong_even_where_its_replacement_would_be_right() {
    let hashing = hashing(8, None, CHEAP);
    let phc = hashing.hash(&Secret::new("-")).await.unwrap();
    let long = Secret::new("x".repeat(MAX_PASSWORD_BYTES + 1));
    assert_eq!(hashing.verify(&long, Some(&phc)).await.unwrap_err(), HashingError::Wrong);
    assert_eq!(hashing.hash(&long).await.unwrap_err(), HashingError::Wrong);
}

#[tokio::test]
async fn an_older_cost_or_pepper_verifies_and_asks_to_be_renewed() {
    let old = hashing(8, None, HashCost { passes: 2, ..CHEAP }).hash(&Secret::new("a")).await.unwrap();
    assert!(hashing(8, None, CHEAP).verify(&Secret::new("a"), Some(&old)).await.unwrap().rehash);

    let plain = hashing(8, None, CHEAP).hash(&Secret::new("a")).await.unwrap();
    let peppered = hashing(8, Some("k1"), CHEAP);
    assert!(peppered.verify(&Secret::new("a"), Some(&plain)).await.unwrap().rehash);
    let renewed = peppered.hash(&Secret::new("a")).await.unwrap();
    assert!(renewed.contains(",keyid=k1$"), "{renewed}");
    assert!(!peppered.verify(&Secret::new("a"), Some(&renewed)).await.unwrap().rehash);
    assert!(hashing(8, None, CHEAP).verify(&Secret::new("a"), Some(&renewed)).await.is_err());
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_takes_all_or_none() {
    let hashing = hashing(2, None, HashCost { memory_kib: 4096, passes: 3, lanes: 1 });
    let secret = Secret::new("x");
    let storm = (0..40).map(|_| {
        let hashing = hashing.clone();
        let secret = secret.clone();
        tokio::spawn(async move { hashing.verify_all(&[(&secret, None), (&secret, None)]).await.map(|r| r.len()) })
    });
    let mut answers = Vec::new();
    for task in storm.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    assert!(answers.contains(&Ok(2)));
    assert!(answers.iter().any(|a| matches!(a, Err(HashingError::Busy { .. }))));
    let done = answers.iter().filter(|a| a.is_ok()).count() as u64;
    assert_eq!(hashing.runs(), done * 2);
}
