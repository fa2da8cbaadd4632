use super::*;
use crate::EmailAddress;
use chrono::NaiveDate;
use proptest::prelude::*;

const FORM: &str = r#"{"section": [
  {"key": "person", "title": "Person", "field": [
    {"key": "name", "type": "name", "required": true},
    {"key": "birth_date", "type": "date", "required": true},
    {"key": "nationality", "type": "text"}
  ]},
  {"key": "contact", "title": "Contact", "field": [
    {"key": "postal_code", "type": "postal_code"},
    {"key": "prefecture", "type": "prefecture"},
    {"key": "city", "type": "text"},
    {"key": "street", "type": "text", "required": true},
    {"key": "phone", "type": "phone", "or_field": "cell_phone"},
    {"key": "cell_phone", "type": "phone"},
    {"key": "employer_name", "type": "text"}
  ]},
  {"key": "studies", "title": "Studies", "asked_for": ["registration", "enrolment"], "field": [
    {"key": "student_id", "type": "student_id"}
  ]},
  {"key": "proof", "title": "Proof", "asked_for": ["registration", "profile_change"], "field": [
    {"key": "document_front", "type": "image", "required": true}
  ]}
]}"#;

fn personal(manner: ChangeManner) -> PersonalForm {
    let form: Form = serde_json::from_str(FORM).unwrap();
    let list = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect();
    let policy = SelfServicePolicy {
        free: list(&["postal_code", "prefecture", "city", "street", "phone", "cell_phone", "employer_name"]),
        with_approval: list(&["name", "birth_date"]),
        manner,
        ..SelfServicePolicy::default()
    };
    PersonalForm::new(&form, &policy)
}

fn before() -> Answers {
    let profile = Profile {
        name: "山田 太郎".into(),
        birth_date: "1990-04-02".into(),
        phone: "03-1234-5678".into(),
        address: Address {
            postal_code: "9000001".into(),
            prefecture: "沖縄県".into(),
            city: "那覇市".into(),
            street: "千代田1-1".into(),
            ..Address::default()
        },
        ..Profile::default()
    };
    answers_of(&profile)
}

fn typed(changes: &[(&str, &str)]) -> Answers {
    changes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn examine(
    manner: ChangeManner,
    changes: &[(&str, &str)],
    images: &[&str],
) -> Result<PersonalChanges, Vec<FieldError>> {
    let email = EmailAddress::known("a@example.jp");
    let documents = images.iter().map(|k| (*k).to_owned()).collect();
    let context = Context {
        affiliations: &[],
        today: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
        confirmed_email: &email,
        documents: &documents,
        kind_of_user: "",
    };
    personal(manner).examine(&before(), &typed(changes), &context)
}

fn codes(errors: &[FieldError]) -> Vec<(&str, &str)> {
    errors.iter().map(|e| (e.field.as_str(), e.code)).collect()
}

#[test]
fn the_parts_are_what_the_policy_says() {
    let personal = personal(ChangeManner::Edit);
    let keys: Vec<&str> = personal.form().fields().map(|f| f.key.as_str()).collect();
    assert!(!keys.contains(&"student_id"));
    assert_eq!(personal.change("name"), Change::WithApproval);
    assert_eq!(personal.change("phone"), Change::Free);
    assert_eq!(personal.change("nationality"), Change::Fixed);
    assert_eq!(personal.change("document_front"), Change::Evidence);
    let reviewed: Vec<String> = personal.reviewed().fields().map(|f| f.key.clone()).collect();
    assert_eq!(reviewed, ["name", "birth_date", "document_front"]);
}

#[test]
fn only_what_differs_when_folded_is_a_change() {
    let same = examine(ChangeManner::Edit, &[("name", "山田　太郎"), ("phone", "０３-1234-5678")], &[]).unwrap();
    assert!(same.is_empty(), "{same:?}");
    let moved = examine(ChangeManner::Edit, &[("street", "大手町2-2"), ("employer_name", "会社")], &[]).unwrap();
    assert_eq!((moved.free, moved.with_approval), (vec!["street".to_owned(), "employer_name".into()], Vec::new()));
}

#[test]
fn evidence_is_wanted_when_a_reviewed_field_changes_and_only_then() {
    let errors = examine(ChangeManner::Edit, &[("name", "佐藤 太郎")], &[]).unwrap_err();
    assert_eq!(codes(&errors), [("document_front", "required_image")]);
    let changes = examine(ChangeManner::Edit, &[("name", "佐藤 太郎")], &["document_front"]).unwrap();
    assert_eq!(changes.with_approval, ["name"]);
    assert!(examine(ChangeManner::Edit, &[("street", "大手町2-2")], &[]).is_ok());
}

#[test]
fn emptying_what_is_required_is_an_error_in_edit_and_no_change_in_fill_in() {
    let errors = examine(ChangeManner::Edit, &[("street", "")], &[]).unwrap_err();
    assert_eq!(codes(&errors), [("street", "required")]);
    assert!(examine(ChangeManner::FillIn, &[("street", ""), ("phone", "")], &[]).unwrap().is_empty());
    let errors = examine(ChangeManner::Edit, &[("phone", "")], &[]).unwrap_err();
    assert_eq!(codes(&errors), [("phone", "required_one_of")]);
}

#[test]
fn a_new_prefecture_does_not_stand_beside_the_old_city() {
    let wrong = |changes: &[(&str, &str)]| examine(ChangeManner::FillIn, changes, &[]).unwrap_err();
    assert_eq!(codes(&wrong(&[("prefecture", "北海道")])), [("postal_code", "required"), ("city", "required")]);
    assert_eq!(
        codes(&wrong(&[("postal_code", "060-0001"), ("city", " ")])),
        [("prefecture", "required_choice"), ("city", "required")]
    );
    let errors = wrong(&[("city", "札幌市中央区"), ("phone", "12")]);
    assert_eq!(
        codes(&errors),
        [("postal_code", "required"), ("prefecture", "required_choice"), ("phone", "phone.format")]
    );
    let all = [("postal_code", "060-0001"), ("prefecture", "北海道"), ("city", "札幌市中央区")];
    assert_eq!(examine(ChangeManner::FillIn, &all, &[]).unwrap().free, ["postal_code", "prefecture", "city"]);
    assert_eq!(examine(ChangeManner::FillIn, &[("street", "泉崎1-1")], &[]).unwrap().free, ["street"]);
}

#[test]
fn a_changed_fact_is_verified_no_more_and_its_claim_goes() {
    let form: Form = serde_json::from_str(FORM).unwrap();
    let mut profile = Profile { name: "山田 太郎".into(), birth_date: "1990-04-02".into(), ..Profile::default() };
    profile.claims.insert("name#ja-Hani-JP".into(), "山田 太郎".into());
    let how = crate::verification::Verification {
        evidence: vec![crate::verification::Evidence::Document],
        document: String::new(),
        at: crate::Timestamp(1),
        application: None,
        by: None,
        suspended_by: None,
    };
    profile.verify(["name", "birth_date"], &how);
    let next = with_answers(&profile, &form, &["name".into()], &typed(&[("name", "佐藤 太郎")]));
    assert_eq!(next.name, "佐藤 太郎");
    assert!(next.verified("name").is_none() && next.verified("birth_date").is_some());
    assert!(next.claims.is_empty());
}

proptest! {
    /// Whatever is typed: a fixed field never changes, and a profile with the changes says what was typed of the others.
    #[test]
    fn fixed_fields_stay(street in "[a-z一-龥]{0,8}", nationality in "[a-z]{0,8}", fill_in: bool) {
        let manner = if fill_in { ChangeManner::FillIn } else { ChangeManner::Edit };
        if let Ok(changes) = examine(manner, &[("street", &street), ("nationality", &nationality)], &[]) {
            prop_assert_eq!(changes.answers.get("nationality").cloned().unwrap_or_default(), "");
            let expected = if street.is_empty() { "千代田1-1" } else { street.as_str() };
            prop_assert_eq!(changes.answers.get("street").map(String::as_str), Some(expected));
            prop_assert!(changes.with_approval.is_empty());
        }
    }
}
