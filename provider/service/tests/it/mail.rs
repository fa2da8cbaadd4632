//! From the use case's transaction to the mail server's hands.

use crate::support::{World, on_each_database};
use async_trait::async_trait;
use madoguchi_domain::{EmailAddress, Locale, Timestamp, mail::MailKind};
use madoguchi_service::{
    MailTransport,
    mail::{
        DeliveryError,
        transport::{MailboxPage, Parcel},
    },
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A mail server that answers as it is told, and remembers what it was given.
#[derive(Default)]
struct Server {
    answers: Mutex<Vec<DeliveryError>>,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl MailTransport for Server {
    async fn deliver(&self, parcel: Parcel<'_>) -> Result<(), DeliveryError> {
        self.seen.lock().unwrap().push(String::from_utf8(parcel.raw.to_vec()).unwrap());
        match self.answers.lock().unwrap().pop() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

async fn enqueue(world: &World, to: &str) {
    let mut tx = world.database.tenant(&world.certificate.slug).begin().await.unwrap();
    let to = EmailAddress::parse(to).unwrap();
    let mail = MailKind::VerifyAddress {
        url: "https://id.example.jp/t/certificate/register/link/abc".into(),
        expires_at: Timestamp(1),
    };
    world.service.enqueue_mail(&mut tx, &world.certificate, &to, &Locale::ja(), mail).await.unwrap();
    world.service.commit(tx).await.unwrap();
}

fn message_id(raw: &str) -> String {
    raw.lines().find(|l| l.starts_with("Message-ID:")).unwrap().to_owned()
}

on_each_database! {
    async fn a_mail_that_is_refused_for_now_comes_again_with_one_message_id(world: World) {
        enqueue(&world, "taro@example.jp").await;
        let server = Server::default();
        server.answers.lock().unwrap().extend([DeliveryError::Temporary("451 later".into()), DeliveryError::Temporary("busy".into())]);
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 1);
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 0, "not before its time");
        world.clock.advance(Duration::from_secs(23));
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 1);
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 1);
        world.clock.advance(Duration::from_secs(86_400));
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 0, "sent is sent");

        let seen = server.seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|raw| raw == &seen[0]));
        assert!(message_id(&seen[0]).ends_with("@certificate.example.jp>"));
        for header in ["Auto-Submitted: auto-generated", "To: taro@example.jp", "Content-Language: ja", "Subject: verify_address ja =?utf-8?"] {
            assert!(seen[0].contains(header), "{header} in {}", seen[0]);
        }
        // What was handed over is wiped: it may have held an initial password.
        let mails = world.service.recent_mails(5).await.unwrap();
        assert_eq!((mails[0].text.as_str(), mails[0].links.len()), ("", 0));
    }

    async fn a_mail_that_is_refused_for_good_is_given_up_at_once(world: World) {
        enqueue(&world, "nobody@example.jp").await;
        let server = Server::default();
        server.answers.lock().unwrap().push(DeliveryError::Permanent("550 no such user".into()));
        world.service.deliver_due(&server).await.unwrap();
        let record = &world.database.outbox().recent(1).await.unwrap()[0];
        assert!(record.dead_at.is_some());
        assert_eq!(record.last_error.as_deref(), Some("550 no such user"));
        world.clock.advance(Duration::from_secs(86_400));
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 0);
    }

    async fn a_mail_that_nobody_takes_is_given_up_after_three_days(world: World) {
        enqueue(&world, "taro@example.jp").await;
        let server = Server::default();
        let mut tries = 0;
        loop {
            server.answers.lock().unwrap().push(DeliveryError::Temporary("no route".into()));
            tries += world.service.deliver_due(&server).await.unwrap();
            if world.database.outbox().recent(1).await.unwrap()[0].dead_at.is_some() {
                break;
            }
            assert!(tries < 200);
            world.clock.advance(Duration::from_secs(600));
        }
        let age = world.service.now().since(crate::support::START);
        assert!(age >= Duration::from_secs(3 * 86_400) && age < Duration::from_secs(4 * 86_400), "{age:?}");
        assert!((40..100).contains(&tries), "{tries} tries");
    }

    async fn a_worker_that_died_leaves_its_mail_to_another(world: World) {
        enqueue(&world, "taro@example.jp").await;
        let now = world.service.now();
        let claimed = world.database.outbox().claim(10, now, now + Duration::from_secs(120)).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let server = Server::default();
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 0);
        world.clock.advance(Duration::from_secs(121));
        assert_eq!(world.service.deliver_due(&server).await.unwrap(), 1);
        assert_eq!(message_id(&server.seen.lock().unwrap()[0]), format!("Message-ID: {}", claimed[0].mail.message_id));
    }

    async fn nothing_of_a_mail_lies_in_clear_and_a_rolled_back_one_was_never_written(world: World) {
        enqueue(&world, "taro@example.jp").await;
        let record = &world.database.outbox().recent(1).await.unwrap()[0];
        assert!(!String::from_utf8_lossy(&record.mail.raw).contains("https://"));
        assert!(!record.mail.text.contains("https://"));

        let mut tx = world.database.tenant(&world.certificate.slug).begin().await.unwrap();
        let to = EmailAddress::parse("never@example.jp").unwrap();
        let mail = MailKind::CredentialsSet { at: Timestamp(1) };
        world.service.enqueue_mail(&mut tx, &world.certificate, &to, &Locale::en(), mail).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(world.service.recent_mails(5).await.unwrap().len(), 1);
    }

    async fn mails_of_one_second_are_listed_newest_first(world: World) {
        for n in 0..40 {
            enqueue(&world, &format!("a{n}@example.jp")).await;
        }
        let listed: Vec<String> = world.service.recent_mails(40).await.unwrap().into_iter().map(|m| m.to).collect();
        let written: Vec<String> = (0..40).rev().map(|n| format!("a{n}@example.jp")).collect();
        assert_eq!(listed, written);
    }

    async fn the_workers_deliver_when_the_bell_rings_and_end_when_they_are_told(world: World) {
        let stop = CancellationToken::new();
        let (service, ending) = (world.service.clone(), stop.clone());
        let workers = tokio::spawn(async move { service.run_workers(Arc::new(MailboxPage), ending).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        enqueue(&world, "a..b.@docomo.ne.jp").await;
        let mut sent = false;
        for _ in 0..150 {
            sent = world.database.outbox().recent(1).await.unwrap()[0].sent_at.is_some();
            if sent {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(sent);
        let mails = world.service.recent_mails(5).await.unwrap();
        assert_eq!(mails[0].to, "\"a..b.\"@docomo.ne.jp");
        assert_eq!(mails[0].links, ["https://id.example.jp/t/certificate/register/link/abc"]);
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), workers).await.unwrap().unwrap();
    }
}
