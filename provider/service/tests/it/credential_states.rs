//! The states of an account's credentials as a whole: whatever is tried in whatever order, the real thing does what a
//! model of a few lines says.
//!
//! ```text
//! provisioned (initial password alive) ──ticket or recovery, own passwords──▶ active ──recovery, change──▶ active
//!        │ seven days                                                          ▲
//!        ▼                                                                     │
//! provisioned (nothing opens it but recovery) ─────────────────────────────────┘
//! ```
//!
//! Beside it the counter of failures: five within fifteen minutes lock for fifteen, the right passwords, new ones or
//! staff forget them.

use crate::support::{World, on_each_database, source};
use madoguchi_domain::{
    Locale, Secret, Timestamp, Token, account::CredentialKind, audit::Actor, id::AccountId, password::Violation,
};
use madoguchi_service::{
    RecoveryRequest, SignInError, SignedIn,
    credentials::{CredentialField, NewCredentials},
    password_change::{OwnPassword, PasswordChange, PasswordChangeError},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::time::Duration;

/// Something that somebody tries.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Login with the initial password, the second left empty.
    Initial,
    /// Login with the own passwords (or with what they would be).
    Own,
    /// Login with the right password and a wrong second one.
    Half,
    /// Login with the passwords before these.
    Old,
    /// Own passwords are set with the last ticket.
    Set,
    /// A recovery link is asked for.
    Forget,
    /// New passwords are set with the last recovery link.
    Recover,
    /// Another password, by whoever is signed in.
    Change,
    /// The same with a wrong password in force.
    ChangeWithout,
    /// Staff lifts a lock.
    Unlock,
    /// Sixteen minutes go by: more than a lock or the window of failures.
    Minutes,
    /// A week goes by: the life of an initial password.
    Week,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Initial), 4 => Just(Step::Own), 5 => Just(Step::Half), 3 => Just(Step::Old),
        3 => Just(Step::Set), 2 => Just(Step::Forget), 2 => Just(Step::Recover), 2 => Just(Step::Change),
        2 => Just(Step::ChangeWithout), 1 => Just(Step::Unlock), 2 => Just(Step::Minutes), 1 => Just(Step::Week)
    ];
    prop::collection::vec(step, 8..40)
}

const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
const TICKET: Duration = Duration::from_secs(30 * 60);
const LINK: Duration = Duration::from_secs(30 * 60);
const WINDOW: Duration = Duration::from_secs(15 * 60);
const APART: Duration = Duration::from_secs(60);
const THRESHOLD: u32 = 5;
const MAILS: u32 = 3;

/// A secret that works once and for a while.
struct Once {
    token: Token,
    until: Timestamp,
    alive: bool,
}

impl Once {
    fn works(&self, now: Timestamp) -> bool {
        self.alive && now < self.until
    }
}

/// The failures of one login ID.
#[derive(Default)]
struct Failures {
    count: u32,
    since: Option<Timestamp>,
    locked_until: Option<Timestamp>,
}

impl Failures {
    fn locked(&self, now: Timestamp) -> Option<Timestamp> {
        self.locked_until.filter(|until| *until > now)
    }

    /// Counts an attempt; whether it may be judged.
    fn admit(&mut self, now: Timestamp) -> bool {
        if self.locked(now).is_some() {
            return false;
        }
        if self.locked_until.is_some() || self.since.is_none_or(|since| since + WINDOW <= now) {
            *self = Self { count: 0, since: Some(now), locked_until: None };
        }
        self.count += 1;
        self.locked_until = (self.count >= THRESHOLD).then(|| now + WINDOW);
        true
    }

    /// Forgets all; whether there was anything.
    fn forget(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }
}

/// What must be so.
struct Model {
    initial_until: Timestamp,
    own: Option<[String; 2]>,
    old: [String; 2],
    ticket: Option<Once>,
    link: Option<Once>,
    mails: u32,
    session: Option<Token>,
    failures: Failures,
}

impl Model {
    fn active(&self) -> bool {
        self.own.is_some()
    }

    /// Other passwords are in force: what could have set others is over, and so are the sessions.
    fn take(&mut self, new: [String; 2], session: Option<Token>) {
        if let Some(before) = self.own.replace(new) {
            self.old = before;
        }
        for once in [&mut self.ticket, &mut self.link].into_iter().flatten() {
            once.alive = false;
        }
        self.session = session;
    }
}

/// An account on its way.
struct Walk<'a> {
    world: &'a World,
    login: String,
    id: AccountId,
    number: usize,
    passwords: usize,
    model: Model,
}

impl<'a> Walk<'a> {
    async fn begin(world: &'a World, number: usize) -> Self {
        let login = format!("walker{number}@example.jp");
        let json = format!(r#"{{"login_id":"{login}","initial_password":"Initial2024"}}"#);
        let id = world.account(&world.certificate, &json).await.id;
        let model = Model {
            initial_until: world.service.now() + LIFETIME,
            own: None,
            old: ["Damals2024x".into(), "Gestern2024y".into()],
            ticket: None,
            link: None,
            mails: 0,
            session: None,
            failures: Failures::default(),
        };
        Self { world, login, id, number, passwords: 0, model }
    }

    /// Passwords that nobody had.
    fn fresh(&mut self) -> [String; 2] {
        self.passwords += 1;
        let (walk, n) = (self.number, self.passwords);
        [format!("Sommer{walk}Wind{n}"), format!("Winter{walk}Schnee{n}")]
    }

    async fn sign_in(&self, password: &str, second: &str) -> Result<SignedIn, SignInError> {
        self.world.sign_in(&self.world.certificate, &self.login, password, second).await
    }

    async fn take(&mut self, step: Step, seen: &str) {
        let now = self.world.service.now();
        match step {
            Step::Initial => self.log_in_initially(now, seen).await,
            Step::Own => {
                let admitted = self.model.failures.admit(now);
                let [password, second] =
                    self.model.own.clone().unwrap_or(["Nochnie2024x".into(), "Nochnie2024y".into()]);
                let got = self.sign_in(&password, &second).await;
                assert!(!matches!(got, Ok(SignedIn::MustSetCredentials { .. })), "{seen}: {got:?}");
                let right = matches!(got, Ok(SignedIn::Session { .. }));
                assert_eq!(right, admitted && self.model.active(), "{seen}: {got:?}");
                if let Ok(SignedIn::Session { token, .. }) = got {
                    self.model.failures.forget();
                    self.model.session = Some(token);
                }
            }
            Step::Half | Step::Old => {
                self.model.failures.admit(now);
                let [password, second] = match (step, &self.model.own) {
                    (Step::Half, Some([password, _])) => [password.clone(), "Falsch2024x".into()],
                    _ => self.model.old.clone(),
                };
                let got = self.sign_in(&password, &second).await;
                assert!(matches!(got, Err(SignInError::Rejected)), "{seen}: {got:?}");
            }
            Step::Set => self.set(now, seen).await,
            Step::Forget => self.forget(now).await,
            Step::Recover => self.recover(now, seen).await,
            Step::Change => self.change(now, true, seen).await,
            Step::ChangeWithout => self.change(now, false, seen).await,
            Step::Unlock => {
                let by = Actor::Operator("clerk".into());
                let lifted = self.world.service.unlock_account(&self.world.certificate, &self.login, &by, None).await;
                assert_eq!(lifted.unwrap(), self.model.failures.forget(), "{seen}");
            }
            Step::Minutes => self.world.clock.advance(WINDOW + APART),
            Step::Week => self.world.clock.advance(LIFETIME),
        }
    }

    async fn log_in_initially(&mut self, now: Timestamp, seen: &str) {
        let admitted = self.model.failures.admit(now);
        let got = self.sign_in("Initial2024", "").await;
        if admitted && !self.model.active() && now < self.model.initial_until {
            let Ok(SignedIn::MustSetCredentials { ticket }) = got else { panic!("{seen}: {got:?}") };
            self.model.failures.forget();
            self.model.ticket = Some(Once { token: ticket, until: now + TICKET, alive: true });
        } else {
            assert!(matches!(got, Err(SignInError::Rejected)), "{seen}: {got:?}");
        }
    }

    async fn set(&mut self, now: Timestamp, seen: &str) {
        let new = self.fresh();
        let Some(ticket) = &self.model.ticket else { return };
        let service = &self.world.service;
        let got = service.set_credentials(&self.world.certificate, &ticket.token, typed(&new), &source()).await;
        assert_eq!(got.is_ok(), ticket.works(now), "{seen}: {got:?}");
        if let Ok(set) = got {
            self.model.take(new, Some(set.token));
        }
    }

    async fn forget(&mut self, now: Timestamp) {
        if self.model.mails == MAILS {
            return;
        }
        self.model.mails += 1;
        let request = RecoveryRequest {
            login_id: String::new(),
            mail: self.login.clone(),
            locale: Locale::en(),
            interaction: None,
            source: source(),
        };
        self.world.service.request_recovery(&self.world.certificate, request).await.unwrap();
        let token = self.world.mailed_token(&self.login, "recovery_link").await;
        self.model.link = Some(Once { token, until: now + LINK, alive: true });
    }

    async fn recover(&mut self, now: Timestamp, seen: &str) {
        let new = self.fresh();
        let Some(link) = &self.model.link else { return };
        let service = &self.world.service;
        let got = service.recover(&self.world.certificate, &link.token, typed(&new), &source()).await;
        assert_eq!(got.is_ok(), link.works(now), "{seen}: {got:?}");
        if got.is_ok() {
            let session = self.model.session.take();
            self.model.take(new, None);
            self.model.failures.forget();
            if let Some(token) = session {
                let active = service.session(&self.world.certificate, &token).await.unwrap();
                assert!(active.is_none(), "{seen}: the session is over");
            }
        }
    }

    async fn change(&mut self, now: Timestamp, knows: bool, seen: &str) {
        let [new, _] = self.fresh();
        let (Some(token), Some([password, second])) = (&self.model.session, self.model.own.clone()) else { return };
        // it may have ended by itself
        let service = &self.world.service;
        let Some(active) = service.session(&self.world.certificate, token).await.unwrap() else { return };
        let change = PasswordChange {
            which: OwnPassword::First,
            current: Secret::new(if knows { &password } else { "Falsch2024x" }),
            new: Secret::new(&new),
            confirm: Secret::new(&new),
            locale: Locale::en(),
            source: source(),
        };
        let got = service.change_password(&self.world.certificate, &active, change).await;
        match (self.model.failures.admit(now), knows) {
            (false, _) => assert!(matches!(got, Err(PasswordChangeError::Locked { .. })), "{seen}: {got:?}"),
            (true, false) => {
                let Err(PasswordChangeError::Invalid(broken)) = got else { panic!("{seen}: {got:?}") };
                assert_eq!(broken, [(CredentialField::Current, Violation::WrongCurrent)], "{seen}");
            }
            (true, true) => {
                self.model.failures.forget();
                self.model.take([new, second], Some(got.unwrap()));
            }
        }
    }

    /// What is kept is what the model says: one kind of credentials in force, and the lock.
    async fn holds(&self, seen: &str) {
        let now = self.world.service.now();
        let store = self.world.database.tenant(&self.world.certificate.slug);
        let kept = store.accounts().with_credentials(&self.id).await.unwrap().unwrap().credentials;
        let own = kept.iter().any(|c| c.kind == CredentialKind::Password);
        let initial = kept.iter().any(|c| {
            c.kind == CredentialKind::Initial && c.consumed_at.is_none() && c.expires_at.is_none_or(|end| end > now)
        });
        assert!(!(own && initial), "{seen}: an initial and an own password are in force");
        assert_eq!(
            (own, initial),
            (self.model.active(), !self.model.active() && now < self.model.initial_until),
            "{seen}"
        );
        let shown = self.world.service.show_account(&self.world.certificate, &self.login).await.unwrap().unwrap();
        let locked = self.model.failures.locked(now).map(|until| Some(until.seconds()));
        assert_eq!(shown.locked.map(|lock| lock.until), locked, "{seen}");
    }
}

fn typed([password, second]: &[String; 2]) -> NewCredentials {
    NewCredentials {
        password: Secret::new(password),
        password_confirm: Secret::new(password),
        second_password: Secret::new(second),
        second_password_confirm: Secret::new(second),
    }
}

on_each_database! {
    async fn credentials_and_locks_live_by_their_rules_whatever_is_tried(world: World) {
        let mut runner = TestRunner::deterministic();
        let mut seen_of = [0_usize; 3];
        for number in 0..40 {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let mut walk = Walk::begin(&world, number).await;
            for (at, step) in steps.iter().enumerate() {
                world.clock.advance(APART);
                let seen = format!("walk {number}, step {at} of {steps:?}");
                walk.take(*step, &seen).await;
                walk.holds(&seen).await;
                let now = world.service.now();
                seen_of[0] += usize::from(walk.model.failures.locked(now).is_some());
                seen_of[1] += usize::from(walk.model.active());
                seen_of[2] += usize::from(!walk.model.active() && now >= walk.model.initial_until);
            }
        }
        assert!(seen_of.iter().all(|times| *times >= 10), "locked, active, expired: {seen_of:?}");
    }
}
