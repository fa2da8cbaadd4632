//! An outside authority that confirms what applicants entered.

use crate::{
    applying::{answers, with_form},
    support::{World, on_each_database, source},
};
use async_trait::async_trait;
use madoguchi_domain::TenantSlug;
use madoguchi_plugin_sdk::{ApplicantAnswers, ApplicantVerifier, Verification};
use madoguchi_service::{SubmitError, Tenant};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Knows one person, and nothing while it is away.
#[derive(Default)]
struct Office {
    asked: AtomicU32,
    away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl ApplicantVerifier for Office {
    fn name(&self) -> &str {
        "office"
    }
    async fn verify(&self, tenant: &TenantSlug, answers: &ApplicantAnswers) -> Verification {
        assert_eq!(tenant.as_str(), "certificate");
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Verification::Unavailable { reason: "closed".into() };
        }
        match (answers.get("name"), answers.get("birth_date_year")) {
            (Some("山田 太郎"), Some("1990")) => Verification::Verified,
            _ => Verification::NotMatched { code: "card-not-matched".into() },
        }
    }
}

async fn with_office(world: World) -> (World, Arc<Office>, Tenant) {
    let office = Arc::new(Office::default());
    let given: Arc<dyn ApplicantVerifier> = office.clone();
    let world = world.with(|parts| parts.verifier = Some(given)).await;
    let tenant = with_form(&world.certificate, |c| c.settings.registration.verify_applicant = true);
    (world, office, tenant)
}

async fn applications(world: &World, tenant: &Tenant) -> i64 {
    world.database.tenant(&tenant.slug).applications().counts().await.unwrap().iter().map(|(_, n)| n).sum()
}

on_each_database! {
    async fn who_is_confirmed_hands_in_and_a_second_press_asks_nobody_for_nothing(world: World) {
        let (world, office, tenant) = with_office(world).await;
        let (draft, _) = world.filled(&tenant, "taro@example.jp", &answers("山田 太郎", "ヤマダ タロウ")).await;
        let first = world.service.submit(&tenant, draft.clone(), &source()).await.unwrap();
        assert_eq!(office.asked.load(Ordering::SeqCst), 1);
        // by now the office is away; what was handed in stays handed in
        office.away.store(true, Ordering::SeqCst);
        let second = world.service.submit(&tenant, draft, &source()).await.unwrap();
        assert!(second.repeated && second.reference == first.reference);
    }

    async fn who_is_not_keeps_the_draft_and_nothing_else(world: World) {
        let (world, _, tenant) = with_office(world).await;
        let (draft, browser) = world.filled(&tenant, "jiro@example.jp", &answers("山田 次郎", "ヤマダ ジロウ")).await;
        match world.service.submit(&tenant, draft, &source()).await {
            Err(SubmitError::NotMatched { code }) => assert_eq!(code, "card-not-matched"),
            other => panic!("{other:?}"),
        }
        assert_eq!(applications(&world, &tenant).await, 0);
        assert!(!world.log(&tenant).await.contains(&"application_submitted"));
        assert!(world.mails("jiro@example.jp").await.iter().all(|m| m["kind"] == "verify_address"));
        let kept = world.draft(&tenant, &browser).await;
        assert_eq!(kept.answers()["name"], "山田 次郎");
        assert_eq!(world.service.draft_documents(&tenant, &kept).await.unwrap().len(), 1);
    }

    async fn an_authority_that_is_away_or_missing_lets_nobody_through(world: World) {
        let (world, office, tenant) = with_office(world).await;
        office.away.store(true, Ordering::SeqCst);
        let (draft, _) = world.filled(&tenant, "taro@example.jp", &answers("山田 太郎", "ヤマダ タロウ")).await;
        let later = world.service.submit(&tenant, draft.clone(), &source()).await;
        assert!(matches!(later, Err(SubmitError::NotVerifiable { .. })), "{later:?}");
        let world = world.with(|parts| parts.verifier = None).await;
        let missing = world.service.submit(&tenant, draft.clone(), &source()).await;
        assert!(matches!(missing, Err(SubmitError::NotVerifiable { .. })), "{missing:?}");
        assert_eq!(applications(&world, &tenant).await, 0);
        // where the tenant does not want it, nobody is asked
        let relaxed = with_form(&world.certificate, |_| ());
        world.service.submit(&relaxed, draft, &source()).await.unwrap();
    }

    async fn nobody_finds_the_holder_by_trying(world: World) {
        let (world, office, tenant) = with_office(world).await;
        let (draft, _) = world.filled(&tenant, "jiro@example.jp", &answers("山田 次郎", "ヤマダ ジロウ")).await;
        for _ in 0..10 {
            let refused = world.service.submit(&tenant, draft.clone(), &source()).await;
            assert!(matches!(refused, Err(SubmitError::NotMatched { .. })));
        }
        let refused = world.service.submit(&tenant, draft.clone(), &source()).await;
        assert!(matches!(refused, Err(SubmitError::NotVerifiable { retry_after }) if retry_after.as_secs() == 3600));
        assert_eq!(office.asked.load(Ordering::SeqCst), 10);
        world.clock.advance(Duration::from_secs(3600));
        let refused = world.service.submit(&tenant, draft, &source()).await;
        assert!(matches!(refused, Err(SubmitError::NotMatched { .. })));
    }
}
