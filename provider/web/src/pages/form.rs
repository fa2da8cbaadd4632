//! The application form, whatever fields the tenant wants.

use super::{Choice, Page, Problem, SAMPLE_NOW, Say, Steps, Task, by};
use serde::Serialize;

/// The form (C-REG-5 to C-REG-11). A `multipart/form-data` post to `action`. Buttons: `check`, `back`,
/// `save`, `switch_lang` (with `lang`), a postal code's `lookup…`, an affiliation's `refresh`, an image's `remove_…`.
#[derive(Debug, Clone, Serialize)]
pub struct Form {
    /// What it is for.
    pub task: Task,
    /// Where it is posted.
    pub action: String,
    /// The draft's revision, as hidden input `revision`.
    pub revision: i64,
    /// A change of own data that is not decided: reference number and the page that withdraws it.
    pub pending: Option<Pending>,
    /// The sections.
    pub sections: Vec<SectionView>,
    /// What is wrong, in the order of the form.
    pub problems: Vec<Problem>,
    /// When the draft was last saved, if it was; Unix seconds.
    pub saved_at: Option<i64>,
    /// Until when it is kept; Unix seconds.
    pub kept_until: i64,
    /// Set when staff asked for corrections.
    pub correction: Option<Correction>,
    /// Where the script looks up postal codes.
    pub postal_code_url: String,
    /// Where the script looks up the municipalities of a prefecture.
    pub municipalities_url: String,
    /// Back.
    pub back_url: String,
}

/// An application that waits.
#[derive(Debug, Clone, Serialize)]
pub struct Pending {
    /// Reference number.
    pub reference: String,
    /// Withdraws it.
    pub withdraw_url: String,
}

/// What staff asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Correction {
    /// Reference number.
    pub reference: String,
    /// The sentence of the clerk.
    pub reason: String,
}

/// A section.
#[derive(Debug, Clone, Serialize)]
pub struct SectionView {
    /// Key; the heading's id is `section-{key}`.
    pub key: String,
    /// Heading.
    pub title: String,
    /// A sentence below it.
    pub intro: Option<String>,
    /// Its fields.
    pub fields: Vec<FieldView>,
}

/// A field.
#[derive(Debug, Clone, Serialize)]
pub struct FieldView {
    /// Key: the input's name, or the names' beginning.
    pub key: String,
    /// The id of its first input, where a problem's link leads.
    pub id: String,
    /// Label.
    pub label: String,
    /// Hint.
    pub hint: Option<String>,
    /// Whether it must be filled in.
    pub required: bool,
    /// What is wrong with it; the same words as in the summary.
    pub error: Option<Say>,
    /// Whether it is among items of which some are wrong, and nobody says which: it is marked, without words of its own.
    pub marked: bool,
    /// The clerk's note to it.
    pub note: Option<String>,
    /// Whether it can be changed; a correction leaves the rest as it was.
    pub locked: bool,
    /// What it holds, in words, a line each: shown when it is locked.
    pub fixed: Vec<String>,
    /// The input.
    pub input: Input,
}

/// How wide an input is: its width tells how much is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// A code.
    Short,
    /// A name.
    Medium,
    /// All there is.
    Long,
}

/// The kinds of input.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Input {
    /// One line.
    Text {
        /// As typed.
        value: String,
        /// `text` or `tel`.
        input_type: &'static str,
        /// Its width.
        width: Width,
        /// `autocomplete` token.
        autocomplete: Option<&'static str>,
        /// `inputmode`.
        input_mode: Option<&'static str>,
        /// How it was read, when that differs from what was typed.
        read_as: Option<String>,
    },
    /// Several lines.
    Textarea {
        /// As typed.
        value: String,
    },
    /// `{key}_year`, `{key}_month`, `{key}_day`.
    Date {
        /// As typed.
        year: String,
        /// As typed.
        month: String,
        /// As typed; none for a year and month only.
        day: Option<String>,
        /// Whether it is a birthday, for `autocomplete`.
        birthday: bool,
        /// How it was read ("1990年（平成2年）").
        read_as: Option<String>,
    },
    /// A pull-down.
    Select {
        /// The choices.
        choices: Vec<Choice>,
        /// `autocomplete` token.
        autocomplete: Option<&'static str>,
    },
    /// Radio buttons.
    Radio {
        /// The choices.
        choices: Vec<Choice>,
    },
    /// `{key}_1`, `{key}_2`, …: each depends on the one before.
    Affiliation {
        /// The levels with the choices that fit the level before.
        levels: Vec<AffiliationLevel>,
        /// The whole tree for the script: `[{"v": code, "l": label, "c": [children]}]` as JSON.
        tree: String,
    },
    /// Seven digits with a look-up.
    PostalCode {
        /// As typed.
        value: String,
        /// Name and id of the look-up button: `lookup`, or `lookup_{key}` for a second one.
        button: String,
        /// Which fields take prefecture, city and street.
        targets: [String; 3],
        /// `autocomplete` token.
        autocomplete: Option<&'static str>,
        /// Several places share the code: which is it? Radio buttons `{key}_choice`.
        choices: Vec<Choice>,
        /// What the look-up found, or that it found nothing.
        result: Option<Say>,
    },
    /// One line, with a search among the municipalities of a prefecture.
    City {
        /// As typed.
        value: String,
        /// Name and id of the search button: `search_{key}`.
        button: String,
        /// Name of the prefecture's input.
        prefecture: String,
        /// `autocomplete` token.
        autocomplete: Option<&'static str>,
        /// The municipalities, after the search was pressed: a pull-down `{key}_choice`.
        choices: Vec<Choice>,
        /// What the search says.
        result: Option<Say>,
    },
    /// A picture.
    Image {
        /// The one uploaded.
        current: Option<ImageView>,
        /// The largest size in megabytes.
        megabytes: u64,
    },
    /// Shown, not editable.
    Fixed {
        /// The value.
        value: String,
    },
}

/// A level of an affiliation.
#[derive(Debug, Clone, Serialize)]
pub struct AffiliationLevel {
    /// `{key}_1`.
    pub name: String,
    /// Label.
    pub label: String,
    /// Choices.
    pub choices: Vec<Choice>,
}

/// An uploaded picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageView {
    /// The picture.
    pub url: String,
    /// A small one.
    pub thumbnail_url: String,
    /// Type and size in words: `JPEG, 1.8 MB, 2400 × 1600`.
    pub description: String,
}

impl ImageView {
    pub(super) fn sample(_: &str) -> Self {
        Self {
            url: "/samples/document.svg".into(),
            thumbnail_url: "/samples/document.svg".into(),
            description: "JPEG, 2400 × 1600, 1.8 MB".into(),
        }
    }
}

impl FieldView {
    /// An empty, editable field; the rest by struct update.
    pub fn new(key: &str, label: impl Into<String>, required: bool, input: Input) -> Self {
        let id = match &input {
            Input::Date { .. } => format!("{key}_year"),
            Input::Affiliation { levels, .. } => levels.first().map_or_else(|| key.to_owned(), |l| l.name.clone()),
            Input::Text { .. }
            | Input::Textarea { .. }
            | Input::Select { .. }
            | Input::Radio { .. }
            | Input::PostalCode { .. }
            | Input::City { .. }
            | Input::Image { .. }
            | Input::Fixed { .. } => key.to_owned(),
        };
        Self {
            key: key.to_owned(),
            id,
            label: label.into(),
            hint: None,
            required,
            error: None,
            marked: false,
            note: None,
            locked: false,
            fixed: Vec::new(),
            input,
        }
    }
}

impl Input {
    /// A line of text.
    pub fn text(value: impl Into<String>, width: Width) -> Self {
        Self::Text {
            value: value.into(),
            input_type: "text",
            width,
            autocomplete: None,
            input_mode: None,
            read_as: None,
        }
    }
}

impl Page for Form {
    const TEMPLATE: &'static str = "form.html";
    const NAME: &'static str = "form";
    const FOR_ANYBODY: bool = true;
    const FORM: Option<&'static str> = Some("application");
    fn title(&self) -> Say {
        self.task.say("form", "title")
    }
    fn steps(&self) -> Option<Steps> {
        Some(self.task.steps("form"))
    }
    fn problems(&self) -> &[Problem] {
        &self.problems
    }
    fn samples(locale: &str) -> Vec<(&'static str, Self)> {
        samples::all(locale)
    }
}

mod samples {
    use super::*;

    pub(super) fn all(locale: &str) -> Vec<(&'static str, Form)> {
        let usual = Form {
            task: Task::Registration,
            action: "/t/certificate/register/form".into(),
            pending: None,
            revision: 3,
            sections: sections(locale),
            problems: vec![],
            saved_at: Some(SAMPLE_NOW),
            kept_until: SAMPLE_NOW + 14 * 86_400,
            correction: None,
            postal_code_url: "/t/certificate/register/postal-code".into(),
            municipalities_url: "/t/certificate/register/municipalities".into(),
            back_url: "/t/certificate/register/terms".into(),
        };
        let empty =
            Form { saved_at: None, sections: usual.sections.iter().take(1).cloned().collect(), ..usual.clone() };
        vec![
            ("usual", usual.clone()),
            ("empty", empty),
            ("error", wrong(usual.clone())),
            ("mismatch", mismatched(usual.clone())),
            ("correction", corrected(usual.clone(), locale)),
            ("enrolment", Form { task: Task::Enrolment, ..usual.clone() }),
            ("profile", personal(Form { task: Task::Profile, ..usual.clone() }, locale)),
            ("fill-in", personal(Form { task: Task::FillIn, ..usual }, locale)),
        ]
    }

    fn wrong(mut form: Form) -> Form {
        let mut problems = Vec::new();
        for field in form.sections.iter_mut().flat_map(|s| &mut s.fields) {
            let message = match field.key.as_str() {
                "name" => Say::key("error.required"),
                "birth_date" => Say::key("error.date.nonexistent"),
                "affiliation" | "application_type" | "prefecture" => Say::key("error.required_choice"),
                "postal_code" => Say::key("error.postal_code.format"),
                "document_front" => Say::key("error.document_not_an_image"),
                "remarks" => Say::key("error.too_long").with("max", 500),
                _ => continue,
            };
            let message = message.with("label", &field.label);
            problems.push(Problem::at(&field.id, message.clone()));
            field.error = Some(message);
        }
        Form { problems, saved_at: None, ..form }
    }

    fn personal(mut form: Form, locale: &str) -> Form {
        form.pending = (form.task == Task::Profile).then(|| Pending {
            reference: "K7Q2-M9XD-4T".into(),
            withdraw_url: "/t/certificate/account/applications/K7Q2-M9XD-4T/withdraw".into(),
        });
        form.saved_at = None;
        for field in form.sections.iter_mut().flat_map(|s| &mut s.fields).filter(|f| f.key == "name") {
            field.hint = Some(by(locale, "変更には承認が必要です。", "A change needs approval."));
        }
        form
    }

    fn mismatched(mut form: Form) -> Form {
        for field in form.sections.iter_mut().flat_map(|s| &mut s.fields) {
            field.marked = true;
        }
        let problems = vec![Problem::at("name", Say::key("error.verification.card-not-matched"))];
        Form { problems, saved_at: None, ..form }
    }

    fn corrected(mut form: Form, locale: &str) -> Form {
        for field in form.sections.iter_mut().flat_map(|s| &mut s.fields) {
            field.locked = field.key != "document_front" && field.key != "name_kana";
            if !field.locked {
                field.note = Some(by(
                    locale,
                    "文字が読み取れません。明るいところで、書類全体が入るように撮り直してください。",
                    "The letters cannot be read. Take the picture again in a bright place, with the whole document in it.",
                ));
            }
        }
        Form {
            task: Task::Correction,
            correction: Some(Correction {
                reference: "K7Q2-M9XD-4T".into(),
                reason: by(
                    locale,
                    "次の項目を直して、もう一度送ってください。",
                    "Correct the items marked below and send the application again.",
                ),
            }),
            saved_at: None,
            ..form
        }
    }

    fn sections(locale: &str) -> Vec<SectionView> {
        let field = |key: &str, ja: &str, en: &str, required: bool, input: Input| {
            FieldView::new(key, by(locale, ja, en), required, input)
        };
        let hinted = |field: FieldView, ja: &str, en: &str| FieldView { hint: Some(by(locale, ja, en)), ..field };
        let choice = |value: &str, ja: &str, en: &str, selected| Choice::new(value, by(locale, ja, en), selected);
        let kana = Input::Text {
            value: "ﾔﾏﾀﾞ ﾀﾛｳ".into(),
            input_type: "text",
            width: Width::Medium,
            autocomplete: None,
            input_mode: None,
            read_as: Some("ヤマダ タロウ".into()),
        };
        let name = Input::Text {
            value: "山田 太郎".into(),
            input_type: "text",
            width: Width::Medium,
            autocomplete: Some("name"),
            input_mode: None,
            read_as: None,
        };
        let level = |n: usize, ja: &str, en: &str, choices: Vec<Choice>| AffiliationLevel {
            name: format!("affiliation_{n}"),
            label: by(locale, ja, en),
            choices,
        };
        let tel = Input::Text {
            value: String::new(),
            input_type: "tel",
            width: Width::Medium,
            autocomplete: Some("tel"),
            input_mode: None,
            read_as: None,
        };
        let notice = by(
            locale,
            "保険者番号・記号・番号と二次元コードは、紙などで隠して撮影してください。",
            "Cover the insurer's number, symbol, number and the two-dimensional code before you take the picture.",
        );
        vec![
            SectionView {
                key: "applicant".into(),
                title: by(locale, "申請者", "Applicant"),
                intro: Some(by(
                    locale,
                    "現在のお名前を、本人確認書類のとおりに入力してください。",
                    "Enter your present name as it stands in your identification document.",
                )),
                fields: vec![
                    field(
                        "application_type",
                        "申請の種類",
                        "Type of application",
                        true,
                        Input::Radio {
                            choices: vec![
                                choice("new", "新規", "New", true),
                                choice(
                                    "reapplication",
                                    "再申請（以前のメールアドレスが使えない場合など）",
                                    "Reapplication (for example when your earlier mail address cannot be used)",
                                    false,
                                ),
                            ],
                        },
                    ),
                    hinted(
                        field("name", "氏名", "Name", true, name),
                        "姓と名の間に空白を入れてください。例：山田 太郎",
                        "Put a space between family and given name. Example: 山田 太郎",
                    ),
                    hinted(
                        field("name_kana", "氏名（カタカナ）", "Name in katakana", true, kana),
                        "例：ヤマダ タロウ",
                        "Example: ヤマダ タロウ",
                    ),
                    hinted(
                        field(
                            "birth_date",
                            "生年月日",
                            "Date of birth",
                            true,
                            Input::Date {
                                year: "平成2".into(),
                                month: "4".into(),
                                day: Some("1".into()),
                                birthday: true,
                                read_as: Some(by(locale, "1990年（平成2年）4月1日", "1 April 1990")),
                            },
                        ),
                        "西暦で入力してください。例：1990年4月1日",
                        "Western calendar. Example: 1990 4 1",
                    ),
                ],
            },
            SectionView {
                key: "enrolment".into(),
                title: by(locale, "在学時の情報", "When you were enrolled"),
                intro: Some(by(
                    locale,
                    "わからない項目は、任意のものに限り空欄でかまいません。",
                    "Leave an optional item empty if you do not know it.",
                )),
                fields: vec![
                    field(
                        "affiliation",
                        "所属",
                        "Affiliation",
                        true,
                        Input::Affiliation {
                            levels: vec![
                                level(
                                    1,
                                    "学部・研究科",
                                    "Faculty or graduate school",
                                    vec![
                                        choice("letters", "文学部", "Faculty of Letters", true),
                                        choice("science", "理学部", "Faculty of Science", false),
                                    ],
                                ),
                                level(
                                    2,
                                    "学科・専攻",
                                    "Department",
                                    vec![choice("jl", "国文学科", "Japanese Literature", false)],
                                ),
                                level(3, "コース", "Subject", vec![]),
                            ],
                            tree:
                                r#"[{"v":"letters","l":"Letters","c":[{"v":"jl","l":"Japanese Literature","c":[]}]}]"#
                                    .into(),
                        },
                    ),
                    field(
                        "degree_program",
                        "課程",
                        "Degree programme",
                        true,
                        Input::Select {
                            choices: vec![
                                choice("undergraduate", "学士課程", "Undergraduate", false),
                                choice("master", "修士課程", "Master's", false),
                                choice("doctor", "博士課程", "Doctoral", false),
                            ],
                            autocomplete: None,
                        },
                    ),
                    field("student_id", "学籍番号", "Student ID number", false, Input::text("", Width::Short)),
                    field(
                        "graduation",
                        "卒業・修了年月",
                        "Graduation (completion)",
                        true,
                        Input::Date {
                            year: String::new(),
                            month: String::new(),
                            day: None,
                            birthday: false,
                            read_as: None,
                        },
                    ),
                ],
            },
            SectionView {
                key: "address".into(),
                title: by(locale, "現住所", "Current address"),
                intro: None,
                fields: vec![
                    hinted(
                        field(
                            "postal_code",
                            "郵便番号",
                            "Postal code",
                            true,
                            Input::PostalCode {
                                value: "498-0000".into(),
                                button: "lookup".into(),
                                targets: ["prefecture".into(), "city".into(), "street".into()],
                                autocomplete: Some("postal-code"),
                                choices: vec![
                                    choice("0", "愛知県 弥富市", "Yatomi-shi, Aichi", false),
                                    choice("1", "三重県 桑名郡木曽岬町", "Kisosaki-cho, Mie", false),
                                ],
                                result: Some(Say::key("postal.several").with("count", 2)),
                            },
                        ),
                        "7桁。例：100-0001",
                        "Seven digits. Example: 100-0001",
                    ),
                    field(
                        "prefecture",
                        "都道府県",
                        "Prefecture",
                        true,
                        Input::Select {
                            choices: vec![
                                choice("東京都", "東京都", "Tokyo", false),
                                choice("愛知県", "愛知県", "Aichi", false),
                            ],
                            autocomplete: Some("address-level1"),
                        },
                    ),
                    field(
                        "city",
                        "市区町村",
                        "City",
                        true,
                        Input::City {
                            value: String::new(),
                            button: "search_city".into(),
                            prefecture: "prefecture".into(),
                            autocomplete: Some("address-level2"),
                            choices: vec![
                                choice("名古屋市中区", "名古屋市中区", "名古屋市中区 Naka-ku, Nagoya-shi", false),
                                choice("弥富市", "弥富市", "弥富市 Yatomi-shi", false),
                            ],
                            result: Some(Say::key("city.choose")),
                        },
                    ),
                    field(
                        "street",
                        "番地",
                        "Street and number",
                        true,
                        Input::Text {
                            value: String::new(),
                            input_type: "text",
                            width: Width::Long,
                            autocomplete: Some("address-line1"),
                            input_mode: None,
                            read_as: None,
                        },
                    ),
                    field("phone", "電話番号", "Phone", true, tel),
                    hinted(
                        field(
                            "mail",
                            "メールアドレス",
                            "Mail address",
                            true,
                            Input::Fixed { value: "taro@example.jp".into() },
                        ),
                        "確認済みのため、ここでは変更できません。",
                        "Confirmed already; it cannot be changed here.",
                    ),
                ],
            },
            SectionView {
                key: "document".into(),
                title: by(locale, "本人確認書類", "Identification document"),
                intro: Some(by(
                    locale,
                    "画像は審査だけに使い、審査の後に消去します。",
                    "Images are used for the check only, and deleted after it.",
                )),
                fields: vec![
                    field(
                        "document_type",
                        "書類の種類",
                        "Type of document",
                        true,
                        Input::Radio {
                            choices: vec![
                                choice("licence", "運転免許証", "Driver's licence", false),
                                choice("passport", "パスポート", "Passport", false),
                                Choice {
                                    notice: Some(notice),
                                    ..choice("insurance", "資格確認書", "Health insurance certificate", true)
                                },
                            ],
                        },
                    ),
                    field(
                        "document_front",
                        "画像（おもて面）",
                        "Image of the front",
                        true,
                        Input::Image { current: Some(ImageView::sample(locale)), megabytes: 10 },
                    ),
                    field(
                        "document_back",
                        "画像（うら面）",
                        "Image of the back",
                        false,
                        Input::Image { current: None, megabytes: 10 },
                    ),
                    hinted(
                        field("remarks", "備考", "Remarks", false, Input::Textarea { value: String::new() }),
                        "審査の担当者に伝えたいことがあれば書いてください。",
                        "Anything the person who checks should know.",
                    ),
                ],
            },
        ]
    }
}
