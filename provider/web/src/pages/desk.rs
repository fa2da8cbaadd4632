//! The review desk.

use super::{Choice, Page, Problem, SAMPLE_NOW, Say, by};
use serde::Serialize;

/// The queue.
#[derive(Debug, Clone, Serialize)]
pub struct DeskQueue {
    /// What is listed.
    pub queue: Queue,
    /// Shown once after something was done.
    pub done: Option<Say>,
}

/// A filtered list of applications.
#[derive(Debug, Clone, Serialize)]
pub struct Queue {
    /// States with how many there are.
    pub filters: Vec<QueueFilter>,
    /// Kinds of application.
    pub kinds: Vec<KindFilter>,
    /// The chosen kind, to be kept by the search; empty for all.
    pub kind: String,
    /// What was searched for, as input `q` of a GET.
    pub search: String,
    /// The chosen state, to be kept by the search.
    pub state: String,
    /// The applications, oldest first.
    pub rows: Vec<QueueRow>,
    /// Further ones.
    pub more_url: Option<String>,
}

/// A filter chip.
#[derive(Debug, Clone, Serialize)]
pub struct QueueFilter {
    /// `submitted`, `correction_requested`, `approved`, `rejected`, `withdrawn`, `all`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// The list with it.
    pub url: String,
    /// Whether it is the chosen one.
    pub selected: bool,
}

/// A choice of the kinds shown.
#[derive(Debug, Clone, Serialize)]
pub struct KindFilter {
    /// What it is called.
    pub label: Say,
    /// The list with it.
    pub url: String,
    /// Whether it is the chosen one.
    pub selected: bool,
}

/// A row of the queue.
#[derive(Debug, Clone, Serialize)]
pub struct QueueRow {
    /// Reference number.
    pub reference: String,
    /// The application.
    pub url: String,
    /// Name as typed.
    pub name: String,
    /// In katakana.
    pub kana: String,
    /// What for.
    pub kind: Say,
    /// State.
    pub state: String,
    /// Submitted how many days ago.
    pub age_days: u64,
    /// Whether that is longer than promised.
    pub late: bool,
    /// Whether it was corrected and comes back.
    pub again: bool,
    /// Whether it is the one shown.
    pub current: bool,
}

impl Queue {
    fn sample(locale: &str, current: bool) -> Self {
        let filter = |state: &str, count, selected| QueueFilter {
            state: state.into(),
            count,
            url: format!("/t/certificate/desk?state={state}"),
            selected,
        };
        let row = |n: usize, name: &str, kana: &str, age_days, again| QueueRow {
            reference: format!("K7Q{n}-M9XD-4T"),
            url: "/t/certificate/desk/applications/app_1".into(),
            name: name.into(),
            kana: kana.into(),
            kind: Say::key(match n {
                3 => "application.kind.reapplication",
                4 => "application.kind.enrolment",
                5 => "application.kind.profile_change",
                _ => "application.kind.new",
            }),
            state: "submitted".into(),
            age_days,
            late: age_days > 2,
            again,
            current: current && n == 2,
        };
        let _ = locale;
        Self {
            filters: vec![
                filter("submitted", 5, true),
                filter("correction_requested", 2, false),
                filter("approved", 148, false),
                filter("rejected", 6, false),
                filter("all", 161, false),
            ],
            kinds: ["all", "new", "reapplication", "enrolment", "profile_change"]
                .map(|kind| KindFilter {
                    label: Say::key(format!("desk.kind.{kind}")),
                    url: format!("/t/certificate/desk?kind={kind}"),
                    selected: kind == "all",
                })
                .to_vec(),
            kind: String::new(),
            search: String::new(),
            state: "submitted".into(),
            rows: vec![
                row(2, "髙橋 太郎", "タカハシ タロウ", 4, true),
                row(3, "山田 はるか", "ヤマダ ハルカ", 3, false),
                row(4, "FERNANDES DE OLIVEIRA MARIA", "フェルナンデス マリア", 1, false),
                row(5, "佐藤 健", "サトウ ケン", 1, false),
                row(6, "渡邉 美咲", "ワタナベ ミサキ", 0, false),
            ],
            more_url: None,
        }
    }
}

impl Page for DeskQueue {
    const TEMPLATE: &'static str = "desk_queue.html";
    const NAME: &'static str = "desk-queue";
    const SIGNED_IN: bool = true;
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let usual = Queue::sample(locale, false);
        let empty = Queue { rows: vec![], search: "鈴木".into(), ..usual.clone() };
        vec![
            (
                "usual",
                Self {
                    queue: Queue { more_url: Some("?page=2".into()), ..usual },
                    done: Some(Say::key("desk.done.approved").with("reference", "K7Q1-M9XD-4T")),
                },
            ),
            ("empty", Self { queue: empty, done: None }),
        ]
    }
}

/// An application with everything to decide on it. Posts to `{decision_url}`: `version`, `reason`, `account` (a
/// duplicate to attach to), `question_{key}` (checkbox) and `note_{key}` per item, and one of the buttons `approve`,
/// `reject`, `resubmit`, `preview`, `insert` (puts the chosen `template` into `reason`).
#[derive(Debug, Clone, Serialize)]
pub struct DeskApplication {
    /// The queue beside it.
    pub queue: Queue,
    /// Reference number.
    pub reference: String,
    /// The version that is decided on.
    pub version: i64,
    /// What for.
    pub kind: Say,
    /// State.
    pub state: String,
    /// Name as typed.
    pub name: String,
    /// Unix seconds.
    pub submitted_at: i64,
    /// Days since.
    pub age_days: u64,
    /// The applicant's language, under its own name.
    pub language: String,
    /// What the roster said in a word: `match`, `different`, `none` (no such row), `off` (no roster).
    pub roster: String,
    /// What was typed beside what the roster says.
    pub sections: Vec<DeskSection>,
    /// Accounts that may be the same person.
    pub duplicates: Vec<DuplicateView>,
    /// Whether one of them can be chosen, to move to the application's address.
    pub choosable: bool,
    /// Whether a new account is chosen.
    pub new_account: bool,
    /// The account that applies, in a line; none for somebody without one.
    pub applicant: Option<String>,
    /// What the column beside what was typed says: `known` (the roster), or `now` (what stands in the account).
    pub beside: &'static str,
    /// The match that can be taken back.
    pub undo: Option<UndoView>,
    /// The pictures.
    pub documents: Vec<DeskDocument>,
    /// The picture in view.
    pub viewer: Option<DeskViewer>,
    /// What happened before.
    pub history: Vec<HistoryLine>,
    /// Texts to begin a reason with.
    pub templates: Vec<Choice>,
    /// The reason as typed.
    pub reason: String,
    /// Where the decision is posted.
    pub decision_url: String,
    /// Why no decision is possible: own application, decided already.
    pub blocked: Option<Say>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// A match of a reapplication with an account. Posts `version`, `undo_reason` and `undo` to `url`.
#[derive(Debug, Clone, Serialize)]
pub struct UndoView {
    /// Where it is posted.
    pub url: String,
    /// The address that the account would have again.
    pub address: String,
    /// When it moved; Unix seconds.
    pub moved_at: i64,
    /// The reason as typed.
    pub reason: String,
}

/// A section.
#[derive(Debug, Clone, Serialize)]
pub struct DeskSection {
    /// Heading.
    pub title: String,
    /// Rows.
    pub rows: Vec<DeskRow>,
}

/// How typed and known compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// There is nothing to compare with.
    None,
    /// The same.
    Same,
    /// The same but for the way of writing (髙 and 高, width, spaces).
    Folded,
    /// Not the same.
    Different,
}

/// An item.
#[derive(Debug, Clone, Serialize)]
pub struct DeskRow {
    /// The field's key.
    pub key: String,
    /// Label.
    pub label: String,
    /// As typed.
    pub typed: String,
    /// What the typed text was before the correction, when it changed.
    pub before: Option<String>,
    /// What the roster says.
    pub known: Option<String>,
    /// How they compare.
    pub comparison: Comparison,
    /// Whether a correction is asked for.
    pub questioned: bool,
    /// The note to it.
    pub note: String,
}

/// An account that may be the same person.
#[derive(Debug, Clone, Serialize)]
pub struct DuplicateView {
    /// Account id: the value of the radio `account`.
    pub id: String,
    /// Login ID.
    pub login_id: String,
    /// Name, kana, birth date, student IDs in a line.
    pub description: String,
    /// What matches, in words.
    pub matches: Vec<Say>,
    /// Whether it is chosen.
    pub selected: bool,
}

/// A picture of the application.
#[derive(Debug, Clone, Serialize)]
pub struct DeskDocument {
    /// Label of the field.
    pub label: String,
    /// Shows it in the viewer.
    pub url: String,
    /// A small one.
    pub thumbnail_url: String,
    /// Whether it is in view.
    pub current: bool,
}

/// The picture in view. Without script the links change `zoom` and `rotate` in the address.
#[derive(Debug, Clone, Serialize)]
pub struct DeskViewer {
    /// The picture.
    pub url: String,
    /// What it shows.
    pub label: String,
    /// Percent: 100, 150, 200, 300.
    pub zoom: u32,
    /// Degrees clockwise: 0, 90, 180, 270.
    pub rotate: u32,
    /// The same, larger.
    pub zoom_in_url: String,
    /// The same, smaller.
    pub zoom_out_url: String,
    /// The same, turned by 90° to the right.
    pub rotate_url: String,
}

/// A line of the history.
#[derive(Debug, Clone, Serialize)]
pub struct HistoryLine {
    /// Unix seconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub what: Say,
    /// The reason or note.
    pub detail: Option<String>,
}

impl Page for DeskApplication {
    const TEMPLATE: &'static str = "desk_application.html";
    const NAME: &'static str = "desk-application";
    const SIGNED_IN: bool = true;
    fn title(&self) -> Say {
        Say::key("desk_application.title").with("reference", &self.reference).with("name", &self.name)
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        let row = |key: &str, ja: &str, en: &str, typed: &str, known: Option<&str>, comparison| DeskRow {
            key: key.into(),
            label: by(locale, ja, en),
            typed: typed.into(),
            before: None,
            known: known.map(str::to_owned),
            comparison,
            questioned: false,
            note: String::new(),
        };
        let sections = vec![
            DeskSection {
                title: by(locale, "申請者", "Applicant"),
                rows: vec![
                    row("name", "氏名", "Name", "髙橋 太郎", Some("高橋 太郎"), Comparison::Folded),
                    row(
                        "name_kana",
                        "氏名（カタカナ）",
                        "Name in katakana",
                        "タカハシ タロウ",
                        Some("タカハシ タロウ"),
                        Comparison::Same,
                    ),
                    row(
                        "birth_date",
                        "生年月日",
                        "Date of birth",
                        "1990-04-01",
                        Some("1990-04-10"),
                        Comparison::Different,
                    ),
                ],
            },
            DeskSection {
                title: by(locale, "在学時の情報", "When enrolled"),
                rows: vec![
                    row(
                        "affiliation",
                        "所属",
                        "Affiliation",
                        &by(locale, "文学部 › 国文学科", "Faculty of Letters › Japanese Literature"),
                        Some(&by(locale, "文学部 › 国文学科", "Faculty of Letters › Japanese Literature")),
                        Comparison::Same,
                    ),
                    DeskRow {
                        before: Some("B19-04271".into()),
                        ..row(
                            "student_id",
                            "学籍番号",
                            "Student ID number",
                            "B19-04217",
                            Some("B19-04217"),
                            Comparison::Same,
                        )
                    },
                    row("graduation", "卒業・修了年月", "Graduation", "2013-03", None, Comparison::None),
                    row("phone", "電話番号", "Phone", "03-1234-5678", None, Comparison::None),
                ],
            },
        ];
        let templates = vec![
            Choice::new("unreadable", by(locale, "画像が読み取れない", "Image cannot be read"), false),
            Choice::new("differs", by(locale, "記録と一致しない", "Does not match the records"), false),
        ];
        let usual = Self {
            queue: Queue::sample(locale, true),
            reference: "K7Q2-M9XD-4T".into(),
            version: 2,
            kind: Say::key("application.kind.reapplication"),
            state: "submitted".into(),
            name: "髙橋 太郎".into(),
            submitted_at: SAMPLE_NOW,
            age_days: 4,
            language: "日本語".into(),
            roster: "different".into(),
            sections,
            choosable: true,
            new_account: false,
            applicant: None,
            beside: "known",
            undo: None,
            duplicates: vec![DuplicateView {
                id: "acc_1".into(),
                login_id: "taro.old@example.jp".into(),
                description: by(locale, "高橋 太郎　1990年4月10日　B19-04217", "高橋 太郎 · 10 April 1990 · B19-04217"),
                matches: vec![Say::key("desk.match.name"), Say::key("desk.match.student_id")],
                selected: true,
            }],
            documents: vec![
                DeskDocument {
                    label: by(locale, "おもて面", "Front"),
                    url: "?doc=1".into(),
                    thumbnail_url: "/samples/document.svg".into(),
                    current: true,
                },
                DeskDocument {
                    label: by(locale, "うら面", "Back"),
                    url: "?doc=2".into(),
                    thumbnail_url: "/samples/document.svg".into(),
                    current: false,
                },
            ],
            viewer: Some(DeskViewer {
                url: "/samples/document.svg".into(),
                label: by(locale, "資格確認書（おもて面）", "Health insurance certificate (front)"),
                zoom: 100,
                rotate: 0,
                zoom_in_url: "?zoom=150".into(),
                zoom_out_url: "?zoom=100".into(),
                rotate_url: "?rotate=90".into(),
            }),
            history: vec![
                HistoryLine {
                    at: SAMPLE_NOW - 172_800,
                    actor: by(locale, "申請者", "Applicant"),
                    what: Say::key("desk.history.submitted"),
                    detail: None,
                },
                HistoryLine {
                    at: SAMPLE_NOW - 86_400,
                    actor: "clerk2@example.jp".into(),
                    what: Say::key("desk.history.correction_requested"),
                    detail: Some(by(locale, "学籍番号をお確かめください。", "Check the student ID number.")),
                },
                HistoryLine {
                    at: SAMPLE_NOW,
                    actor: by(locale, "申請者", "Applicant"),
                    what: Say::key("desk.history.submitted"),
                    detail: None,
                },
            ],
            templates,
            reason: String::new(),
            decision_url: "/t/certificate/desk/applications/app_1/decision".into(),
            blocked: None,
            problems: vec![],
        };
        let mut error = usual.clone();
        error.problems = vec![Problem::at("reason", Say::key("error.decision_reason_missing"))];
        if let Some(row) = error.sections.iter_mut().flat_map(|s| &mut s.rows).nth(2) {
            row.questioned = true;
            row.note = by(locale, "書類の日付と異なります。", "Differs from the date in the document.");
        }
        let blocked = Self {
            blocked: Some(Say::key("desk.blocked.own")),
            duplicates: vec![],
            viewer: None,
            documents: vec![],
            history: vec![],
            roster: "none".into(),
            ..usual.clone()
        };
        let undo = Self {
            choosable: false,
            new_account: false,
            state: "approved".into(),
            blocked: Some(Say::key("desk.blocked.decided")),
            undo: Some(UndoView {
                url: "/t/certificate/desk/applications/app_1/undo".into(),
                address: "taro.old@example.jp".into(),
                moved_at: SAMPLE_NOW,
                reason: String::new(),
            }),
            ..usual.clone()
        };
        let mut change = Self {
            kind: Say::key("application.kind.profile_change"),
            applicant: Some("山田 太郎 · taro@example.jp · B19-04217".into()),
            beside: "now",
            duplicates: vec![],
            version: 1,
            ..usual.clone()
        };
        change.sections.truncate(1);
        vec![("usual", usual), ("error", error), ("blocked", blocked), ("undo", undo), ("change", change)]
    }
}

/// The decision's mail before it is sent. Posts to `decision_url` again, with everything as hidden inputs.
#[derive(Debug, Clone, Serialize)]
pub struct DeskPreview {
    /// Reference number.
    pub reference: String,
    /// `approve`, `reject`, `resubmit`.
    pub verdict: String,
    /// The applicant's language, under its own name.
    pub language: String,
    /// Its tag.
    pub language_tag: String,
    /// Subject.
    pub subject: String,
    /// Body.
    pub body: String,
    /// Name and value of what was entered.
    pub fields: Vec<(String, String)>,
    /// Where the decision is posted.
    pub decision_url: String,
    /// Back to the application.
    pub back_url: String,
}

impl Page for DeskPreview {
    const TEMPLATE: &'static str = "desk_preview.html";
    const NAME: &'static str = "desk-preview";
    const SIGNED_IN: bool = true;
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        vec![(
            "usual",
            Self {
                reference: "K7Q2-M9XD-4T".into(),
                verdict: "resubmit".into(),
                language: "日本語".into(),
                language_tag: "ja".into(),
                subject: "【みなと大学】申請内容の修正のお願い".into(),
                body: "山田 太郎 様\n\n申請の内容を確認しました。\n次の項目を直してください。\n\n・本人確認書類（おもて面）\n　文字が読み取れません。\n".into(),
                fields: vec![("version".into(), "2".into()), ("reason".into(), "x".into())],
                decision_url: "/t/certificate/desk/applications/app_1/decision".into(),
                back_url: "/t/certificate/desk/applications/app_1".into(),
            },
        )]
    }
}

/// Somebody decided already, or the decision was taken.
#[derive(Debug, Clone, Serialize)]
pub struct DeskDecided {
    /// Reference number.
    pub reference: String,
    /// The state now.
    pub state: String,
    /// Who decided.
    pub actor: String,
    /// When; Unix seconds.
    pub at: i64,
    /// Whether the person who looks at this was second.
    pub by_other: bool,
    /// The next application.
    pub next_url: Option<String>,
    /// The queue.
    pub queue_url: String,
}

impl Page for DeskDecided {
    const TEMPLATE: &'static str = "desk_decided.html";
    const NAME: &'static str = "desk-decided";
    const SIGNED_IN: bool = true;
    fn samples(_: &str) -> Vec<(&'static str, Self)> {
        let usual = Self {
            reference: "K7Q2-M9XD-4T".into(),
            state: "approved".into(),
            actor: "clerk@example.jp".into(),
            at: SAMPLE_NOW,
            by_other: false,
            next_url: Some("/t/certificate/desk/applications/app_2".into()),
            queue_url: "/t/certificate/desk".into(),
        };
        let other = Self {
            state: "rejected".into(),
            actor: "clerk2@example.jp".into(),
            by_other: true,
            next_url: None,
            ..usual.clone()
        };
        vec![("usual", usual), ("other", other)]
    }
}
