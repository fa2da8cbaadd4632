//! Who confirms applicants' answers: a CSV file or a service for each tenant, as the settings say.

use crate::{builder::BuildError, config::VerifierSettings};
use async_trait::async_trait;
use madoguchi_domain::{Secret, TenantSlug};
use madoguchi_plugin_sdk::{
    ApplicantAnswers, ApplicantVerifier, CsvVerifier, HttpVerifier, HttpVerifierOptions, VERIFY_TIME_LIMIT,
    Verification,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// One verifier for each tenant that has one.
#[derive(Default)]
pub(crate) struct Verifiers(BTreeMap<TenantSlug, Arc<dyn ApplicantVerifier>>);

impl Verifiers {
    /// Those of the settings.
    ///
    /// # Errors
    /// [`BuildError::Setting`], naming the setting and, in a CSV file, the line.
    pub(crate) fn of(
        settings: &BTreeMap<String, VerifierSettings>,
        extra_ca: Option<&[u8]>,
    ) -> Result<Self, BuildError> {
        let mut all = Self::default();
        for (slug, settings) in settings {
            let wrong = |key: &str, problem: String| BuildError::Setting {
                setting: "verifiers",
                problem: format!("{slug}{}{key}: {problem}", if key.is_empty() { "" } else { "." }),
            };
            let tenant: TenantSlug = slug.parse().map_err(|problem: String| wrong("", problem))?;
            let name = format!("{slug}-verifier");
            let verifier: Arc<dyn ApplicantVerifier> = match (&settings.csv, &settings.url) {
                (Some(file), None) => {
                    let csv = CsvVerifier::open(name, &settings.code, file)
                        .map_err(|e| wrong("csv", format!("{}: {e}", file.display())))?;
                    if let Some(problem) = csv.problems().first() {
                        return Err(wrong("csv", format!("{}: {problem}", file.display())));
                    }
                    Arc::new(csv)
                }
                (None, Some(url)) => {
                    let timeout = settings.timeout.duration();
                    if timeout < Duration::from_secs(1) || timeout > VERIFY_TIME_LIMIT {
                        return Err(wrong("timeout", format!("expected 1s to {}s", VERIFY_TIME_LIMIT.as_secs())));
                    }
                    let http = HttpVerifier::new(HttpVerifierOptions {
                        name,
                        url: url.clone(),
                        secret: Secret::new(&settings.secret),
                        fields: settings.fields.clone(),
                        timeout,
                        extra_ca: extra_ca.map(<[u8]>::to_vec),
                    });
                    Arc::new(http.map_err(|e| wrong("url", e.to_string()))?)
                }
                (Some(_), Some(_)) | (None, None) => return Err(wrong("", "expected either csv or url".into())),
            };
            all.0.insert(tenant, verifier);
        }
        Ok(all)
    }

    /// With one more, unless the tenant has one.
    pub(crate) fn or(mut self, tenant: TenantSlug, verifier: Arc<dyn ApplicantVerifier>) -> Self {
        self.0.entry(tenant).or_insert(verifier);
        self
    }

    /// Whether that tenant has one.
    pub(crate) fn has(&self, tenant: &TenantSlug) -> bool {
        self.0.contains_key(tenant)
    }
}

#[async_trait]
impl ApplicantVerifier for Verifiers {
    fn name(&self) -> &str {
        "by-tenant"
    }

    async fn verify(&self, tenant: &TenantSlug, answers: &ApplicantAnswers) -> Verification {
        match self.0.get(tenant) {
            Some(verifier) => verifier.verify(tenant, answers).await,
            None => Verification::Unavailable { reason: format!("[verifiers.{tenant}] is missing in the settings") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madoguchi_domain::time::Span;

    fn settings(change: impl FnOnce(&mut VerifierSettings)) -> BTreeMap<String, VerifierSettings> {
        let mut settings = VerifierSettings::default();
        change(&mut settings);
        BTreeMap::from([("residence".to_owned(), settings)])
    }

    #[tokio::test]
    async fn each_tenant_asks_its_own_and_a_tenant_without_one_gets_nobody_through() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cards.csv");
        std::fs::write(&file, "card,year\nAB1,1990\n").unwrap();
        let all = Verifiers::of(&settings(|s| s.csv = Some(file.clone())), None).unwrap();
        let answers: ApplicantAnswers = [("card", "ab1"), ("year", "1990")].into_iter().collect();
        let (here, there) = ("residence".parse().unwrap(), "certificate".parse().unwrap());
        assert_eq!(all.verify(&here, &answers).await, Verification::Verified);
        assert!(matches!(all.verify(&there, &answers).await, Verification::Unavailable { .. }));
        std::fs::write(&file, "card,year\nAB1\n").unwrap();
        let refused = Verifiers::of(&settings(|s| s.csv = Some(file)), None).err().unwrap().to_string();
        assert!(refused.contains("residence.csv") && refused.contains('2'), "{refused}");
    }

    #[test]
    fn what_cannot_be_right_is_refused_by_name() {
        let refused = |change: fn(&mut VerifierSettings)| match Verifiers::of(&settings(change), None) {
            Err(e) => e.to_string(),
            Ok(_) => panic!("accepted"),
        };
        assert!(refused(|_| ()).contains("either csv or url"));
        assert!(refused(|s| s.url = "http://cards.example.jp/".parse().ok()).contains("residence.url"));
        assert!(refused(|s| s.csv = Some("/nowhere.csv".into())).contains("/nowhere.csv"));
        let slow = refused(|s| {
            s.url = "https://cards.example.jp/".parse().ok();
            s.timeout = Span(Duration::from_secs(60));
        });
        assert!(slow.contains("residence.timeout"), "{slow}");
    }
}
