//! The counter, where staff help people who cannot log in.

use super::{Choice, Page, Problem, Say, by};
use serde::Serialize;

/// Look somebody up. A GET to `{base}/counter` with `q` and `birth_date`.
#[derive(Debug, Clone, Serialize)]
pub struct CounterSearch {
    /// As typed.
    pub q: String,
    /// As typed.
    pub birth_date: String,
    /// Who was found; none before anything was asked.
    pub people: Option<Vec<CounterRow>>,
    /// Whether there may be more than are shown.
    pub more: bool,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Somebody who was found.
#[derive(Debug, Clone, Serialize)]
pub struct CounterRow {
    /// The person's page.
    pub url: String,
    /// Name.
    pub name: String,
    /// In katakana.
    pub kana: String,
    /// Date of birth, in words.
    pub born: String,
    /// How the account stands.
    pub standing: Standing,
}

/// How an account stands, as far as the counter is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It can be used.
    Usable,
    /// Its owner has yet to set the own passwords.
    Provisioned,
    /// Failed logins have locked it.
    Locked,
    /// It is switched off.
    Disabled,
}

impl CounterRow {
    fn sample(name: &str, kana: &str, born: String, standing: Standing) -> Self {
        Self { url: "/t/residence/counter/people/acc_1".into(), name: name.into(), kana: kana.into(), born, standing }
    }
}

impl Page for CounterSearch {
    const TEMPLATE: &'static str = "counter.html";
    const NAME: &'static str = "counter";
    const SIGNED_IN: bool = true;
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let born = || by(locale, "1990年（平成2年）4月2日", "2 April 1990");
        let empty = Self { q: String::new(), birth_date: String::new(), people: None, more: false, problems: vec![] };
        let usual = Self {
            q: "nguyen".into(),
            people: Some(vec![
                CounterRow::sample("NGUYEN THI LAN", "グエン ティ ラン", born(), Standing::Locked),
                CounterRow::sample("NGUYEN VAN MINH", "", born(), Standing::Usable),
                CounterRow::sample("NGUYEN THI PHUONG THAO MARIA DA CONCEIÇÃO", "", born(), Standing::Provisioned),
                CounterRow::sample("NGUYEN VAN AN", "グエン ヴァン アン", born(), Standing::Disabled),
            ]),
            more: true,
            ..empty.clone()
        };
        let none = Self { q: "鈴木".into(), people: Some(vec![]), ..empty.clone() };
        let error = Self {
            birth_date: "1990-13-45".into(),
            problems: vec![Problem::at("birth_date", Say::key("error.counter_birth_date"))],
            ..empty.clone()
        };
        vec![("usual", usual), ("empty", empty), ("none", none), ("error", error)]
    }
}

/// Somebody at the counter. Posts to `{base}/counter/people/{id}`: `document`, `note`, and one of the buttons `unlock`
/// and `tell`.
#[derive(Debug, Clone, Serialize)]
pub struct CounterPerson {
    /// Name.
    pub name: String,
    /// In katakana.
    pub kana: String,
    /// Date of birth, in words.
    pub born: String,
    /// The address, hidden but for its beginning and end: to be asked for, not read out.
    pub mail: String,
    /// The kind of user, by name.
    pub kind: String,
    /// How the account stands.
    pub standing: Standing,
    /// When a lock ends by itself; Unix seconds.
    pub locked_until: Option<i64>,
    /// Where the form posts to.
    pub action: String,
    /// Documents to choose from.
    pub documents: Vec<Choice>,
    /// As typed.
    pub note: String,
    /// Whether there is a user ID to tell.
    pub tells: bool,
    /// Why this person is not served by this clerk, in place of the form.
    pub refused: Option<Say>,
    /// What was just done.
    pub done: Option<Say>,
    /// The user ID, to be told.
    pub user_id: Option<String>,
    /// Back to the search.
    pub back_url: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Page for CounterPerson {
    const TEMPLATE: &'static str = "counter_person.html";
    const NAME: &'static str = "counter-person";
    const SIGNED_IN: bool = true;
    fn title(&self) -> Say {
        Say::key("counter_person.title").with("name", &self.name)
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let documents = |chosen: &str| {
            [
                ("residence_card", "在留カード", "Residence card"),
                ("passport", "パスポート", "Passport"),
                ("other", "その他", "Other"),
            ]
            .map(|(value, ja, en)| Choice::new(value, by(locale, ja, en), value == chosen))
            .to_vec()
        };
        let usual = Self {
            name: "NGUYEN THI LAN".into(),
            kana: "グエン ティ ラン".into(),
            born: by(locale, "1990年（平成2年）4月2日", "2 April 1990"),
            mail: "ap•••••••@example.jp".into(),
            kind: by(locale, "在留資格認定証明書の電子交付を希望する方", "Applicant for an electronic certificate"),
            standing: Standing::Locked,
            locked_until: None,
            action: "/t/residence/counter/people/acc_1".into(),
            documents: documents(""),
            note: String::new(),
            tells: true,
            refused: None,
            done: None,
            user_id: None,
            back_url: "/t/residence/counter?q=nguyen".into(),
            problems: vec![],
        };
        let error = Self {
            documents: documents("other"),
            problems: vec![Problem::at("note", Say::key("error.counter_note_missing"))],
            ..usual.clone()
        };
        let told = Self {
            standing: Standing::Usable,
            done: Some(Say::key("counter.done.tell")),
            user_id: Some("RZ48201937".into()),
            ..usual.clone()
        };
        let unlocked = Self {
            standing: Standing::Usable,
            done: Some(Say::key("counter.done.unlock")),
            kana: String::new(),
            ..usual.clone()
        };
        let refused = Self { refused: Some(Say::key("error.counter_own_account")), ..usual.clone() };
        vec![("usual", usual), ("error", error), ("told", told), ("unlocked", unlocked), ("refused", refused)]
    }
}
