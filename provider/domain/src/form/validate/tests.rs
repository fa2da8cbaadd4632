use super::super::{Choice, Correction, Section};
use super::*;
use crate::LocalText;
use proptest::prelude::*;

fn field(key: &str, kind: FieldKind, required: bool) -> Field {
    Field {
        key: key.into(),
        kind,
        label: LocalText::None,
        hint: LocalText::None,
        required,
        options: Vec::new(),
        max_length: None,
        digits: None,
        widget: Default::default(),
        or_field: None,
    }
}

fn option(value: &str) -> Choice {
    Choice { value: value.into(), label: LocalText::None, notice: LocalText::None, excludes: vec![], until: None }
}

fn form() -> Form {
    use FieldKind::*;
    let mut fields = vec![
        field("name", Name, true),
        field("name_kana", Kana, true),
        field("birth_date", Date, true),
        field("school_name", Name, false),
        field("school_name_roman", Roman, false),
        field("affiliation", Affiliation, true),
        field("student_id", StudentId, false),
        field("matriculation", YearMonth, false),
        field("graduation", YearMonth, true),
        field("postal_code", PostalCode, true),
        field("prefecture", Prefecture, true),
        field("street", Text, true),
        field("phone", Phone, false),
        field("cell_phone", Phone, false),
        field("email", ConfirmedEmail, true),
        field("document_type", Choice, true),
        field("document_front", Image, true),
        field("document_back", Image, false),
        field("remarks", Textarea, false),
        field("card", ResidenceCard, false),
        field("corporate_number", Text, false),
    ];
    for f in &mut fields {
        if f.key == "phone" {
            f.or_field = Some("cell_phone".into());
        }
        if f.key == "corporate_number" {
            f.digits = Some(13);
        }
        if f.key == "document_type" {
            f.options = vec![option("passport"), option("my_number"), option("insurance")];
            f.options[1].excludes = vec!["document_back".into()];
            f.options[2].until = Some("2026-03-31".into());
        }
    }
    Form {
        sections: vec![Section {
            key: "all".into(),
            title: LocalText::None,
            intro: LocalText::None,
            asked_for: vec![],
            fields,
        }],
    }
}

fn tree() -> Vec<Affiliation> {
    [("arts", ""), ("sci", ""), ("lit", "arts"), ("phys", "sci"), ("jp", "lit"), ("en", "lit")]
        .map(|(code, parent)| Affiliation { code: code.into(), parent: parent.into(), name: BTreeMap::new() })
        .to_vec()
}

const GOOD: &[(&str, &str)] = &[
    ("name", "　髙橋　 太郎"),
    ("name_kana", "ﾀｶﾊｼ たろう"),
    ("birth_date_year", "１９９０年"),
    ("birth_date_month", "０４"),
    ("birth_date_day", "1"),
    ("school_name", "高橋太郎"),
    ("school_name_roman", "ＴＡＫＡＨＡＳＨＩ Taro"),
    ("affiliation_1", "arts"),
    ("affiliation_2", "lit"),
    ("affiliation_3", "jp"),
    ("student_id", "Ａ１２−０３４"),
    ("graduation_year", "2012"),
    ("graduation_month", "3"),
    ("postal_code", "〒１００－０００１"),
    ("prefecture", "Tokyo"),
    ("street", "千代田１－１"),
    ("cell_phone", "０９０−１１１１−２２２２"),
    ("email", "somebody.else@example.jp"),
    ("document_type", "passport"),
    ("remarks", "一行目\r\n二行目"),
    ("card", "ａｂ12345678cd"),
    ("unknown", "dropped"),
];

fn check(changes: &[(&str, &str)]) -> Result<Validated, Vec<(String, &'static str)>> {
    check_with(changes, &["document_front"])
}

fn check_with(changes: &[(&str, &str)], images: &[&str]) -> Result<Validated, Vec<(String, &'static str)>> {
    let typed: Answers = GOOD.iter().chain(changes).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    with_context(images, |context| form().validate(&typed, context))
        .map_err(|errors| errors.into_iter().map(|e| (e.input, e.code)).collect())
}

fn with_context<T>(images: &[&str], run: impl FnOnce(&Context<'_>) -> T) -> T {
    let (affiliations, email) = (tree(), EmailAddress::parse("taro@example.jp").unwrap());
    let documents = images.iter().map(|i| (*i).to_owned()).collect();
    run(&Context {
        affiliations: &affiliations,
        today: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
        confirmed_email: &email,
        documents: &documents,
        kind_of_user: "graduate",
    })
}

#[test]
fn forgiving_typing_is_folded_and_searchable() {
    let ok = check(&[]).unwrap();
    for (input, folded) in [
        ("name", "髙橋 太郎"),
        ("name_kana", "タカハシ タロウ"),
        ("birth_date_year", "1990"),
        ("birth_date_month", "4"),
        ("school_name_roman", "TAKAHASHI Taro"),
        ("student_id", "A12-034"),
        ("postal_code", "100-0001"),
        ("prefecture", "東京都"),
        ("street", "千代田1-1"),
        ("cell_phone", "090-1111-2222"),
        ("email", "taro@example.jp"),
        ("remarks", "一行目\n二行目"),
        ("card", "AB12345678CD"),
    ] {
        assert_eq!(ok.answers[input], folded, "{input}");
    }
    assert_eq!(ok.typed["name"], "　髙橋　 太郎");
    assert!(!ok.answers.contains_key("unknown") && !ok.typed.contains_key("unknown"));
    let keys = ok.search_keys();
    assert_eq!((&*keys.name_key, &*keys.kana_key), ("高橋太郎", "タカハシタロウ"));
    assert_eq!((&*keys.birth_date, &*keys.student_id_key), ("1990-04-01", "a12034"));
}

#[test]
fn the_person_and_the_enrolment_are_read_from_the_standard_keys() {
    let ok = check(&[]).unwrap();
    let profile = ok.profile();
    assert_eq!((&*profile.name, &*profile.birth_date), ("髙橋 太郎", "1990-04-01"));
    assert_eq!((&*profile.address.postal_code, &*profile.address.prefecture), ("1000001", "東京都"));
    assert_eq!((&*profile.name_roman, &*profile.kind_of_user), ("TAKAHASHI Taro", "graduate"));
    let (student_id, facts) = ok.enrolment().unwrap();
    assert_eq!((&*student_id, &*facts.graduation, &*facts.matriculation), ("A12-034", "2012-03", ""));
    assert_eq!(facts.affiliation, ["arts", "lit", "jp"]);
    assert!(check(&[("school_name", "佐藤 太郎")]).unwrap().profile().name_roman.is_empty());
    assert_eq!(Validated::stored(Answers::new(), "").enrolment(), None);
}

#[test]
fn nothing_at_all_names_every_required_field_in_order() {
    let errors = with_context(&[], |c| form().validate(&Answers::new(), c)).unwrap_err();
    let found: Vec<_> = errors.iter().map(|e| (e.input.as_str(), e.code)).collect();
    assert_eq!(
        found,
        [
            ("name", "required"),
            ("name_kana", "required"),
            ("birth_date_year", "required"),
            ("affiliation_1", "required_choice"),
            ("graduation_year", "required"),
            ("postal_code", "required"),
            ("prefecture", "required_choice"),
            ("street", "required"),
            ("phone", "required_one_of"),
            ("document_type", "required_choice"),
            ("document_front", "required_image"),
        ]
    );
}

#[test]
fn every_wrong_answer_has_its_code_at_its_input() {
    for (input, value, at, code) in [
        ("name", "<script>", "name", "name.characters"),
        ("name", "a\u{202E}b", "name", "control_character"),
        ("name", "山田\n太郎", "name", "control_character"),
        ("name", &"山".repeat(101), "name", "too_long"),
        ("name_kana", "高橋", "name_kana", "kana.characters"),
        ("school_name_roman", "高橋", "school_name_roman", "roman.characters"),
        ("birth_date_year", "", "birth_date_year", "date.year_missing"),
        ("birth_date_month", "", "birth_date_month", "date.month_missing"),
        ("birth_date_day", "", "birth_date_day", "date.day_missing"),
        ("birth_date_year", "90", "birth_date_year", "date.year"),
        ("birth_date_year", "abc", "birth_date_year", "date.year"),
        ("birth_date_year", "Ｈ２", "birth_date_year", "date.era"),
        ("birth_date_month", "13", "birth_date_month", "date.month"),
        ("birth_date_day", "32", "birth_date_day", "date.day"),
        ("birth_date_day", "31", "birth_date_day", "date.nonexistent"),
        ("birth_date_year", "2027", "birth_date_year", "date.future"),
        ("graduation_year", "2026", "graduation_year", "ok"),
        ("affiliation_1", "", "affiliation_1", "required_choice"),
        ("affiliation_1", "nowhere", "affiliation_1", "choice.unknown"),
        ("affiliation_2", "phys", "affiliation_2", "affiliation.mismatch"),
        ("affiliation_3", "", "affiliation_3", "required_choice"),
        ("student_id", "学籍番号", "student_id", "student_id.characters"),
        ("postal_code", "100-000", "postal_code", "postal_code.format"),
        ("prefecture", "江戸", "prefecture", "choice.unknown"),
        ("cell_phone", "12345", "cell_phone", "phone.format"),
        ("document_type", "student_card", "document_type", "choice.unknown"),
        ("document_type", "insurance", "document_type", "choice.unknown"),
        ("card", "1234", "card", "residence_card.format"),
        ("corporate_number", "123456789012", "corporate_number", "digits"),
        ("corporate_number", "12345678901234", "corporate_number", "digits"),
        ("corporate_number", "T123456789012", "corporate_number", "digits"),
        ("corporate_number", "１２３４５６７８９０１２三", "corporate_number", "digits"),
    ] {
        let found = check(&[(input, value)]);
        if code == "ok" {
            assert!(found.is_ok());
        } else {
            assert_eq!(found.unwrap_err(), [(at.to_owned(), code)], "{input}={value:?}");
            assert!(FieldError::CODES.contains(&code));
        }
    }
}

#[test]
fn so_many_digits_are_read_in_any_width_and_the_error_says_how_many() {
    for typed in ["1234567890123", "１２３４５６７８９０１２３", " 1-2345-6789-0123 ", "１ ２３４５ ６７８９ ０１２３"]
    {
        let answers = check(&[("corporate_number", typed)]).unwrap().answers;
        assert_eq!(answers["corporate_number"], "1234567890123", "{typed}");
    }
    assert_eq!(check(&[("corporate_number", "")]).unwrap().answers["corporate_number"], "");
    let typed = BTreeMap::from([("corporate_number".to_owned(), "12".to_owned())]);
    let errors = with_context(&[], |c| form().validate(&typed, c)).unwrap_err();
    let error = errors.iter().find(|e| e.field == "corporate_number").unwrap();
    assert_eq!(error.params["digits"], "13");
}

#[test]
fn an_era_is_explained() {
    let typed = BTreeMap::from([("birth_date_year".to_owned(), "平成２年".to_owned())]);
    let errors = with_context(&[], |c| form().validate(&typed, c)).unwrap_err();
    let era = errors.iter().find(|e| e.code == "date.era").unwrap();
    assert_eq!((&*era.params["year"], &*era.params["both"]), ("1990", "1990年（平成2年）"));
}

#[test]
fn a_branch_of_the_tree_may_end_early() {
    let ok = check(&[("affiliation_1", "sci"), ("affiliation_2", "phys"), ("affiliation_3", "jp")]).unwrap();
    assert_eq!(ok.answers["affiliation_3"], "");
}

#[test]
fn nobody_graduates_before_entering() {
    let errors = check(&[("matriculation_year", "2013"), ("matriculation_month", "4")]).unwrap_err();
    assert_eq!(errors, [("graduation_year".to_owned(), "date.order")]);
}

#[test]
fn the_back_of_a_card_that_must_not_be_collected_is_refused() {
    let both = ["document_front", "document_back"];
    assert!(check_with(&[], &both).is_ok());
    let errors = check_with(&[("document_type", "my_number")], &both).unwrap_err();
    assert_eq!(errors, [("document_back".to_owned(), "excluded")]);
}

#[test]
fn a_correction_opens_only_what_was_questioned() {
    let form = form();
    let before = check(&[]).unwrap().answers;
    let correction = Correction::new(&form, ["name_kana", "phone", "no_such_field"]);
    assert!(correction.is_open("name_kana") && correction.is_open("cell_phone") && !correction.is_open("name"));
    let typed: Answers = [("name", "別人"), ("name_kana", "タカハシ ジロウ"), ("phone", "03-1111-2222")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let after = with_context(&[], |c| correction.validate(&before, &typed, c)).unwrap();
    assert_eq!((&*after.answers["name"], &*after.answers["name_kana"]), ("髙橋 太郎", "タカハシ ジロウ"));
    assert_eq!(after.answers["cell_phone"], "");
    let wrong =
        Answers::from([("name_kana".to_owned(), "高橋".to_owned()), ("phone".to_owned(), "0311112222".to_owned())]);
    let errors = with_context(&[], |c| correction.validate(&before, &wrong, c)).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code, "kana.characters");
}

#[test]
fn a_correction_of_one_of_a_pair_opens_both_and_of_one_month_is_told_there() {
    let form = form();
    let correction = Correction::new(&form, ["cell_phone", "matriculation"]);
    assert!(correction.is_open("phone"));
    let before = check(&[]).unwrap().answers;
    let typed = Answers::from([
        ("matriculation_year".to_owned(), "2020".to_owned()),
        ("matriculation_month".to_owned(), "4".to_owned()),
    ]);
    let errors = with_context(&[], |c| correction.validate(&before, &typed, c)).unwrap_err();
    let found: Vec<_> = errors.iter().map(|e| (&*e.input, e.code)).collect();
    assert_eq!(found, [("matriculation_year", "date.order"), ("phone", "required_one_of")]);
    let typed: Answers = typed.into_iter().chain([("phone".to_owned(), "0311112222".to_owned())]).collect();
    let errors = with_context(&[], |c| correction.validate(&before, &typed, c)).unwrap_err();
    assert_eq!(errors.iter().map(|e| (&*e.input, e.code)).collect::<Vec<_>>(), [("matriculation_year", "date.order")]);
}

#[test]
fn all_inputs_are_known_by_name() {
    let inputs = form().inputs();
    for input in ["birth_date_year", "birth_date_month", "birth_date_day", "affiliation_3", "graduation_month", "name"]
    {
        assert!(inputs.contains(&input.to_owned()), "{input}");
    }
    assert!(!inputs.contains(&"birth_date".to_owned()));
}

proptest! {
    #[test]
    fn what_passed_passes_again_unchanged(
        name in "[一-龠ぁ-んァ-ヶＡ-Ｚ]{1,6}[ 　]{0,2}[一-龠ｦ-ﾝ]{1,6}",
        kana in "[ァ-ヶぁ-ゖｦ-ﾝ]{1,8} [ァ-ヶー]{1,8}",
        street in "[一-龠０-９0-9－ー−Ａ-ｚ ]{1,20}",
        day in 1u32..=28,
        phone in "0[1-9]0[1-9][0-9]{7}|[０-９−]{1,12}",
    ) {
        let typed = [
            ("name", name.as_str()), ("name_kana", &kana), ("street", &street), ("birth_date_day", &day.to_string()), ("cell_phone", &phone),
        ];
        if let Ok(first) = check(&typed) {
            let again = with_context(&["document_front"], |c| form().validate(&first.answers, c));
            prop_assert_eq!(again.map(|v| v.answers), Ok(first.answers));
        }
    }

    #[test]
    fn no_input_makes_it_panic_and_each_field_errs_once(
        key in prop::sample::select(form().inputs()),
        value in any::<String>(),
    ) {
        if let Err(errors) = check(&[(key.as_str(), value.as_str())]) {
            let fields: BTreeSet<&str> = errors.iter().map(|(input, _)| input.as_str()).collect();
            prop_assert_eq!(fields.len(), errors.len());
            prop_assert!(errors.iter().all(|(_, code)| FieldError::CODES.contains(code)));
        }
    }
}
