//! What people ask for about themselves: one more student ID number.

use super::{Page, Pending, Say, Steps};
use serde::Serialize;

/// Asks for the link to add a student ID number (C-STUDENT-1). Posts `send` to `{base}/account/student-id`.
#[derive(Debug, Clone, Serialize)]
pub struct StudentId {
    /// Where the link is sent.
    pub mail: String,
    /// From which domain.
    pub sender_domain: String,
    /// How long it works.
    pub lifetime_minutes: u64,
    /// Student ID numbers that the account has.
    pub known: Vec<String>,
    /// One that is being checked: no other can be asked for.
    pub pending: Option<Pending>,
    /// Back.
    pub back_url: String,
}

impl Page for StudentId {
    const TEMPLATE: &'static str = "student_id.html";
    const NAME: &'static str = "student-id";
    const SIGNED_IN: bool = true;
    fn title(&self) -> Say {
        Say::key("student_id.title")
    }
    fn steps(&self) -> Option<Steps> {
        Some(Steps::enrolment(1))
    }
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            mail: "taro@example.jp".into(),
            sender_domain: "certificate.example.ac.jp".into(),
            lifetime_minutes: 30,
            known: vec!["B19-04217".into()],
            pending: None,
            back_url: "/t/certificate/".into(),
        };
        let pending = Self {
            pending: Some(Pending {
                reference: "K7Q2-M9XD-4T".into(),
                withdraw_url: "/t/certificate/account/applications/K7Q2-M9XD-4T/withdraw".into(),
            }),
            ..usual.clone()
        };
        vec![("usual", usual.clone()), ("pending", pending), ("first", Self { known: vec![], ..usual })]
    }
}
