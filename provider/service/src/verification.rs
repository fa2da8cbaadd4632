//! Answers held against an outside authority's records, where the tenant wants that for a kind of user: when an
//! applicant goes on to the check page, and once more when they hand in.

use crate::{OpenDraft, Service, ServiceError, Tenant, drafts::validate};
use madoguchi_domain::{TokenHash, form::Validated, id::DraftId};
use madoguchi_plugin_sdk::{ApplicantAnswers, Verification, verify_in_time};
use std::{collections::BTreeSet, time::Duration};

/// How often a draft's answers may be held against the records within [`VERIFY_WINDOW`].
const VERIFY_TRIES: u32 = 10;
const VERIFY_WINDOW: Duration = Duration::from_secs(3600);
/// When to come again after an authority did not answer.
const VERIFY_AGAIN: Duration = Duration::from_secs(60);

/// Why answers were not confirmed. What was typed is kept in either case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unconfirmed {
    /// The authority has no such person. It does not say which answer differed, and nobody else may: all items are to
    /// be marked.
    NotMatched {
        /// Stable code of the message, `error.verification.{code}`.
        code: String,
    },
    /// It cannot tell now, or was asked too often for this draft.
    NotVerifiable {
        /// When to come again.
        retry_after: Duration,
    },
}

impl Service {
    /// Has a draft's answers confirmed where the tenant wants that. What is not complete is not held against anything:
    /// [`Service::check_draft`] says what is missing.
    ///
    /// # Errors
    /// [`ServiceError`]; why it was not confirmed is the inner result.
    pub async fn verify_draft(
        &self,
        tenant: &Tenant,
        open: &OpenDraft,
    ) -> Result<Result<(), Unconfirmed>, ServiceError> {
        let documents = self.store(tenant).documents().of_draft(&open.draft.id).await?;
        let slots: BTreeSet<String> = documents.into_iter().map(|d| d.slot).collect();
        match validate(tenant, open, &slots, self.now()) {
            Ok(validated) => self.ask_verifier(tenant, &open.draft.id, &validated).await,
            Err(_) => Ok(Ok(())),
        }
    }

    /// Has the outside authority confirm the answers. Without one, or when it does not answer, nothing passes.
    pub(crate) async fn ask_verifier(
        &self,
        tenant: &Tenant,
        draft: &DraftId,
        validated: &Validated,
    ) -> Result<Result<(), Unconfirmed>, ServiceError> {
        if !tenant.config.settings.verifies(&validated.kind_of_user) {
            return Ok(Ok(()));
        }
        let Some(verifier) = self.verifier() else {
            tracing::error!(tenant = %tenant.slug, "applicants are to be verified, and the program has no verifier");
            return Ok(Err(Unconfirmed::NotVerifiable { retry_after: VERIFY_AGAIN }));
        };
        // Whoever may try for ever finds the holder's data in the end.
        let key = TokenHash::of(format!("verify\0{draft}").as_bytes());
        if self.store(tenant).rates().hit(&key, self.now(), VERIFY_WINDOW).await? > VERIFY_TRIES {
            tracing::warn!(tenant = %tenant.slug, "an applicant's answers were verified too often");
            metrics::counter!("applicant_verifications_total", "result" => "too_often").increment(1);
            return Ok(Err(Unconfirmed::NotVerifiable { retry_after: VERIFY_WINDOW }));
        }
        let answers: ApplicantAnswers = validated.answers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let asked = tokio::time::Instant::now();
        let verdict = verify_in_time(verifier.as_ref(), &tenant.slug, &answers).await;
        metrics::histogram!("applicant_verification_duration_seconds").record(asked.elapsed().as_secs_f64());
        let (result, unconfirmed) = match verdict {
            Verification::Verified => ("verified", Ok(())),
            Verification::NotMatched { code } => ("not_matched", Err(Unconfirmed::NotMatched { code })),
            Verification::Unavailable { reason } => {
                tracing::warn!(tenant = %tenant.slug, verifier = verifier.name(), reason, "an applicant could not be verified");
                ("unavailable", Err(Unconfirmed::NotVerifiable { retry_after: VERIFY_AGAIN }))
            }
        };
        metrics::counter!("applicant_verifications_total", "result" => result).increment(1);
        tracing::info!(tenant = %tenant.slug, verifier = verifier.name(), result, "an applicant's answers were verified");
        Ok(unconfirmed)
    }
}
