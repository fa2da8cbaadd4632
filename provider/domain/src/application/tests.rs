use super::*;
use proptest::prelude::*;

struct Seeded(std::sync::Mutex<u64>);
impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for b in bytes {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (*state >> 56) as u8;
        }
    }
}

proptest! {
    #[test]
    fn a_reference_number_is_read_back_however_it_is_typed(seed: u64) {
        let reference = new_reference(&Seeded(std::sync::Mutex::new(seed)));
        prop_assert_eq!(reference.len(), 12);
        prop_assert_eq!(parse_reference(&reference), Some(reference.clone()));
        let typed = reference.to_lowercase().replace('-', " ー").replace('0', "o").replace('1', "l");
        prop_assert_eq!(parse_reference(&typed), Some(reference));
    }
}

#[test]
fn what_is_no_reference_number_is_refused() {
    for bad in ["", "K7Q2-M9XD", "K7Q2-M9XD-4TX", "U7Q2-M9XD-4T", "山7Q2-M9XD-4T"] {
        assert_eq!(parse_reference(bad), None, "{bad}");
    }
}

/// What can happen to an application; `seen` is how far behind the reviewer's page is.
#[derive(Debug, Clone)]
enum Step {
    Decide { verdict: Verdict, behind: i64, own: bool },
    Resubmit,
    Withdraw,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let verdict = prop_oneof![Just(Verdict::Approve), Just(Verdict::Reject), Just(Verdict::RequestCorrection)];
    // corrections are made likely, so that long lives are seen too
    let verdict = prop_oneof![3 => Just(Verdict::RequestCorrection), 1 => verdict];
    let decide = (verdict, prop_oneof![3 => Just(0i64), 1 => -1i64..3], prop::bool::weighted(0.1))
        .prop_map(|(verdict, behind, own)| Step::Decide { verdict, behind, own });
    prop::collection::vec(
        prop_oneof![8 => decide, 6 => Just(Step::Resubmit), 1 => Just(Step::Withdraw), 4 => Just(Step::Reopen)],
        0..40,
    )
}

proptest! {
    /// At most one decision for each version, always of the latest, never by the applicant; what is rejected or withdrawn stays
    /// so, and what is approved can only be taken back; what is refused changes nothing.
    #[test]
    fn an_application_lives_by_its_rules(steps in steps()) {
        let mut life = Lifecycle::submitted();
        let mut decided: BTreeMap<i64, Verdict> = BTreeMap::new();
        let mut submissions = 1;
        for step in steps {
            let before = life.clone();
            let over = !before.state.is_open();
            match step {
                Step::Decide { verdict, behind, own } => match life.clone().decide(verdict, before.version - behind, own) {
                    Ok(after) => {
                        prop_assert!(!own && behind == 0 && !over);
                        prop_assert_eq!(before.state, ApplicationState::Submitted);
                        prop_assert_eq!(after.version, before.version);
                        prop_assert!(decided.insert(after.version, verdict).is_none(), "two decisions for one version");
                        life = after;
                    }
                    Err(TransitionError::OwnApplication) => prop_assert!(own),
                    Err(TransitionError::Stale { seen, current }) => {
                        prop_assert!(seen != current && current == before.version);
                    }
                    Err(TransitionError::WrongState(state)) => {
                        prop_assert!(state == before.state && state != ApplicationState::Submitted);
                    }
                },
                Step::Resubmit => match life.clone().resubmit() {
                    Ok(after) => {
                        prop_assert_eq!(before.state, ApplicationState::CorrectionRequested);
                        prop_assert_eq!(after.state, ApplicationState::Submitted);
                        submissions += 1;
                        life = after;
                    }
                    Err(error) => {
                        prop_assert_eq!(error, TransitionError::WrongState(before.state));
                        prop_assert!(before.state != ApplicationState::CorrectionRequested);
                    }
                },
                Step::Withdraw => match life.clone().withdraw() {
                    Ok(after) => {
                        prop_assert!(before.state.is_open() && after.state == ApplicationState::Withdrawn);
                        life = after;
                    }
                    Err(error) => {
                        prop_assert_eq!(error, TransitionError::WrongState(before.state));
                        prop_assert!(over);
                    }
                },
                Step::Reopen => match life.clone().reopen() {
                    Ok(after) => {
                        prop_assert_eq!(before.state, ApplicationState::Approved);
                        prop_assert_eq!(after.state, ApplicationState::Submitted);
                        submissions += 1;
                        life = after;
                    }
                    Err(error) => {
                        prop_assert_eq!(error, TransitionError::WrongState(before.state));
                        prop_assert!(before.state != ApplicationState::Approved);
                    }
                },
            }
            prop_assert_eq!(life.version, submissions);
            let last = decided.get(&life.version);
            prop_assert_eq!(last == Some(&Verdict::Approve), life.state == ApplicationState::Approved);
            prop_assert_eq!(last == Some(&Verdict::Reject), life.state == ApplicationState::Rejected);
            if matches!(before.state, ApplicationState::Rejected | ApplicationState::Withdrawn) {
                prop_assert_eq!(&life, &before);
            }
        }
    }
}

#[test]
fn states_are_stored_and_read_back() {
    for state in ApplicationState::ALL {
        assert_eq!(ApplicationState::from_stored(state.as_str()), Some(state));
    }
    assert_eq!(ApplicationState::from_stored("draft"), None);
    for kind in ApplicationKind::ALL {
        assert_eq!(ApplicationKind::from_stored(kind.as_str()), Some(kind));
    }
}
