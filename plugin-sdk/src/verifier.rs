//! Checks of an applicant's answers against somebody else's records, before an application is accepted.
//!
//! An example is the residence card: its number, its holder's date of birth and nationality must belong together,
//! and only the authority that issued it can say so.

use async_trait::async_trait;
use madoguchi_domain::TenantSlug;
use std::{collections::BTreeMap, time::Duration};

/// How long a caller waits for [`ApplicantVerifier::verify`].
pub const VERIFY_TIME_LIMIT: Duration = Duration::from_secs(10);

/// Verifies what an applicant typed.
///
/// Called each time that an applicant hands in complete answers, while they wait, where the tenant's configuration has
/// `registration.verify_applicant = true`; at most ten times an hour for one application.
///
/// * It must answer within [`VERIFY_TIME_LIMIT`]. After that the caller drops the future and goes on as with
///   [`Verification::Unavailable`], so it must be safe to drop at any `await`.
/// * It must be safe to call again with the same answers: people press Back.
/// * It does not say *which* answer differed. The page marks all items, so that nobody can find out the holder's
///   data by trying; an implementation should also take the same time either way.
/// * It must not log the answers.
///
/// ```
/// use madoguchi_plugin_sdk::{ApplicantAnswers, ApplicantVerifier, Verification};
/// use madoguchi_domain::TenantSlug;
///
/// struct CardOffice;
///
/// #[async_trait::async_trait]
/// impl ApplicantVerifier for CardOffice {
///     fn name(&self) -> &str {
///         "card-office"
///     }
///     async fn verify(&self, _tenant: &TenantSlug, answers: &ApplicantAnswers) -> Verification {
///         match answers.get("card_number") {
///             Some(number) if number.len() == 12 => Verification::Verified,
///             _ => Verification::NotMatched { code: "card-not-matched".into() },
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait ApplicantVerifier: Send + Sync + 'static {
    /// Its name in the log: lower-case letters, digits and hyphens.
    fn name(&self) -> &str;

    /// Holds the answers against the records.
    async fn verify(&self, tenant: &TenantSlug, answers: &ApplicantAnswers) -> Verification;
}

/// What came of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The answers belong to one record.
    Verified,
    /// They do not. The applicant sees the message of this code, with every item marked.
    NotMatched {
        /// A message's stable code: the text `error.verification.{code}` of the theme or the tenant; where there is
        /// none, a general one stands in.
        code: String,
    },
    /// Nobody can say now. The applicant is told to hand in later; what they entered is kept.
    Unavailable {
        /// For the log; no personal data.
        reason: String,
    },
}

/// An applicant's answers by the names of the form's inputs (`birth_date_year`, `card_number`, …), complete, and folded
/// as they are kept: width, kana and hyphens made alike.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ApplicantAnswers(BTreeMap<String, String>);

impl ApplicantAnswers {
    /// The answer to `key`; `None` when there is none or it is blank.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|answer| !answer.trim().is_empty())
    }

    /// The keys that were answered.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for ApplicantAnswers {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(answers: I) -> Self {
        Self(answers.into_iter().map(|(key, answer)| (key.into(), answer.into())).collect())
    }
}

impl std::fmt::Debug for ApplicantAnswers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// [`ApplicantVerifier::verify`] under the time limit.
pub async fn verify_in_time(
    verifier: &dyn ApplicantVerifier,
    tenant: &TenantSlug,
    answers: &ApplicantAnswers,
) -> Verification {
    tokio::time::timeout(VERIFY_TIME_LIMIT, verifier.verify(tenant, answers))
        .await
        .unwrap_or_else(|_| Verification::Unavailable { reason: format!("{}: no answer in time", verifier.name()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Asleep;

    #[async_trait]
    impl ApplicantVerifier for Asleep {
        fn name(&self) -> &str {
            "asleep"
        }
        async fn verify(&self, _: &TenantSlug, _: &ApplicantAnswers) -> Verification {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_verifier_that_never_answers_is_unavailable() {
        let tenant = "residence".parse().unwrap();
        let verdict = verify_in_time(&Asleep, &tenant, &ApplicantAnswers::default()).await;
        assert!(matches!(verdict, Verification::Unavailable { .. }));
    }

    #[test]
    fn answers_stay_out_of_debug() {
        let answers: ApplicantAnswers = [("card_number", "AB12345678CD")].into_iter().collect();
        assert_eq!(format!("{answers:?}"), r#"{"card_number"}"#);
    }
}
