use super::*;
use proptest::prelude::*;

struct Counting(std::sync::atomic::AtomicU8);
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for b in bytes {
            *b = self.0.fetch_add(97, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
struct Zero;
impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn alphanumeric() -> Rules {
    PasswordPolicy { preset: PasswordPreset::Alphanumeric, ..PasswordPolicy::default() }.rules()
}

fn codes(rules: &Rules, password: &str, other: Option<&str>) -> Vec<&'static str> {
    let other = other.map(Secret::new);
    let beside = Beside { other: other.as_ref(), personal: &["taro.yamada@example.jp", "RZ00000001"] };
    rules.violations(&Secret::new(password), &beside).into_iter().map(Violation::code).collect()
}

#[test]
fn the_manuals_rules_are_each_named() {
    let rules = alphanumeric();
    assert_eq!(codes(&rules, "Graduate2024", Some("Certificate2024")), [""; 0]);
    assert_eq!(codes(&rules, "", None), ["required"]);
    assert_eq!(codes(&rules, "Gr4duat", None), ["too_short"]);
    assert_eq!(codes(&rules, "graduate2024", None), ["no_upper"]);
    assert_eq!(codes(&rules, "GRADUATE2024", None), ["no_lower"]);
    assert_eq!(codes(&rules, "GraduateNoDigit", None), ["no_digit"]);
    assert_eq!(codes(&rules, "Graduate-2024", None), ["not_alphanumeric"]);
    assert_eq!(codes(&rules, "Ｇraduate2024", None), ["no_upper", "not_alphanumeric"]);
    assert_eq!(codes(&rules, "卒業", None), ["too_short", "no_upper", "no_lower", "no_digit", "not_alphanumeric"]);
    assert_eq!(codes(&rules, &format!("Aa1{}", "xyzw9Q".repeat(21)), None), ["too_long"]);
    assert_eq!(codes(&rules, &"x".repeat(100_000), None), ["too_long"]);
}

#[test]
fn the_standard_preset_counts_and_blocks_but_does_not_compose() {
    let rules = PasswordPolicy::default().rules();
    assert_eq!(codes(&rules, "correct horse battery", None), [""; 0]);
    assert_eq!(codes(&rules, "窓口で申し込みをして受け取る証明書", None), [""; 0]);
    assert_eq!(codes(&rules, "short one", None), ["too_short"]);
    assert_eq!(codes(&rules, "a long one\u{7} with a bell", None), ["control_character"]);
}

#[test]
fn single_rules_can_be_replaced_but_eight_is_the_floor() {
    let policy = PasswordPolicy { min_length: Some(4), require_mixed: Some(true), ..PasswordPolicy::default() };
    assert_eq!((policy.rules().min_length, policy.rules().require_mixed), (8, true));
}

#[test]
fn what_is_tried_first_is_refused() {
    let rules = alphanumeric();
    for weak in
        ["Password1", "Passw0rd", "Password2024", "Qwerty123", "Sakura2020", "Doraemon1", "Aa1Aa1Aa1Aa1", "TaroYamada1"]
    {
        let rules = Rules { blocklist: true, ..rules };
        let common = codes(&rules, weak, None).contains(&"common");
        assert_eq!(common, weak != "TaroYamada1", "{weak}");
    }
    let standard = PasswordPolicy { min_length: Some(8), ..PasswordPolicy::default() }.rules();
    for weak in [
        "12345678",
        "aaaaaaaa",
        "qwertyuiop",
        "taro.yamada",
        "Taro.Yamada1990",
        "RZ00000001",
        "ｐａｓｓｗｏｒｄ",
        "p@ssw0rd!",
    ] {
        assert_eq!(codes(&standard, weak, None), ["common"], "{weak}");
    }
}

#[test]
fn the_two_passwords_are_not_one_in_disguise() {
    let rules = alphanumeric();
    assert_eq!(codes(&rules, "Graduate2024", Some("Graduate2024")), ["same_as_other"]);
    for near in ["Graduate2025", "graduate2024", "Graduate20245", "Gradate2024", "ＧＲＡＤＵＡＴＥ2024"] {
        assert_eq!(codes(&rules, "Graduate2024", Some(near)), ["near_other"], "{near}");
    }
    assert_eq!(codes(&rules, "Graduate2024", Some("Graduate1999")), [""; 0]);
}

#[test]
fn the_list_is_folded_and_long_enough() {
    let text = include_str!("../../data/common-passwords.txt");
    let entries: Vec<&str> = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    assert!(entries.len() >= 300, "{}", entries.len());
    for entry in entries {
        let folded: String = entry.nfkc().collect::<String>().to_lowercase();
        assert_eq!(entry, folded);
    }
}

#[test]
fn an_initial_password_keeps_the_rules_even_of_a_bad_source() {
    let counting = Counting(std::sync::atomic::AtomicU8::new(0));
    for entropy in [&counting as &dyn Entropy, &Zero] {
        let initial = generate_initial(entropy, &alphanumeric());
        let text = initial.expose();
        assert_eq!(text.len(), 14);
        assert!(!text.contains(['0', 'O', 'o', '1', 'I', 'l']));
        let broken = alphanumeric().violations(&initial, &Beside::default());
        assert!(broken.iter().all(|v| *v == Violation::Common), "{broken:?}");
    }
}

proptest! {
    #[test]
    fn what_passes_the_manuals_rules_is_what_they_say(password in "[A-Za-z0-9 -]{0,20}") {
        let accepted = codes(&Rules { blocklist: false, ..alphanumeric() }, &password, None).is_empty();
        let said = password.len() >= 8
            && password.bytes().all(|b| b.is_ascii_alphanumeric())
            && password.bytes().any(|b| b.is_ascii_uppercase())
            && password.bytes().any(|b| b.is_ascii_lowercase())
            && password.bytes().any(|b| b.is_ascii_digit());
        prop_assert_eq!(accepted, said);
    }

    #[test]
    fn normalizing_twice_is_normalizing_once(password in "\\PC{0,40}") {
        let once = normalize(&Secret::new(password));
        let twice = normalize(&once);
        prop_assert_eq!(twice.expose(), once.expose());
    }

    #[test]
    fn nearness_is_symmetric_and_counts_changes(a in "[a-c]{0,8}", b in "[a-c]{0,8}") {
        prop_assert_eq!(nearly(&a, &b), nearly(&b, &a));
        let (one, two, three) = (format!("{a}x"), format!("{a}xy"), format!("{a}xyz"));
        prop_assert!(nearly(&a, &a) && nearly(&a, &one) && nearly(&a, &two) && !nearly(&a, &three));
    }

    #[test]
    fn rules_never_panic(password in any::<String>(), other in any::<String>()) {
        let _ = codes(&alphanumeric(), &password, Some(&other));
    }
}
