use super::*;

const TENANT: &str = r##"slug = "sample"
name = { ja = "見本大学", en = "Sample University" }
service_name = "Sample"
locales = ["ja", "en"]
default_locale = "ja"
theme = "base"
[mail]
from = "no-reply@example.jp"
[registration]
terms_version = "1"
[session]
idle = "30m"
warning = "5m"
[password]
min_length = 15
[login]
identifier = "mail_address"
[branding]
primary = "#123456"
[self_service]
free = ["name"]
[[home.kinds_of_user]]
key = "graduate"
name = { ja = "卒業生", en = "Graduate" }
[[home.notices]]
date = "2026-04-01"
title = { ja = "お知らせ", en = "Notice" }
[[home.tiles]]
key = "app"
title = "App"
client = "app"
kinds_of_user = ["graduate"]
"##;
const FORM_FILE: &str = r#"[[section]]
key = "applicant"
title = { ja = "申請者", en = "Applicant" }
[[section.field]]
key = "name"
type = "name"
required = true
[[section.field]]
key = "affiliation"
type = "affiliation"
[[section.field]]
key = "phone"
type = "phone"
or_field = "cell_phone"
[[section.field]]
key = "cell_phone"
type = "phone"
[[section.field]]
key = "club"
type = "choice"
label = { ja = "部活", en = "Club" }
options = [
  { value = "tennis", label = "Tennis" },
  { value = "go", label = "Go", until = "2027-03-31", excludes = ["phone"] },
]
"#;
const CLIENTS_FILE: &str = r#"[[client]]
client_id = "app"
client_name = "App"
"client_name#ja" = "アプリ"
redirect_uris = [
  "https://app.example.jp/callback",
]
first_party = true
"#;
const REASONS_FILE: &str = r#"[[reason]]
key = "unknown"
verdict = "reject"
title = { ja = "不明", en = "Unknown" }
text = { ja = "不明です。", en = "Unknown." }
"#;
const TREE: &str = "code,parent,ja,en\narts,,文学部,Letters\nlit,arts,文学科,Literature\njp,lit,国文,Japanese\n";

fn good() -> TenantFiles {
    [
        (SETTINGS, TENANT),
        (FORM, FORM_FILE),
        (CLIENTS, CLIENTS_FILE),
        (REASONS, REASONS_FILE),
        (AFFILIATIONS, TREE),
        ("terms.ja.md", "# 利用規約\n"),
        ("terms.en.md", "# Terms\n"),
        ("texts/en.toml", "[login]\ntitle = \"Log in\"\n"),
        ("demo/roster.csv", "not of the tenant"),
        (".gitignore", ""),
    ]
    .map(|(file, text)| (file.to_owned(), text.as_bytes().to_vec()))
    .into()
}

fn problems_of(files: &TenantFiles) -> Vec<Problem> {
    TenantConfig::from_files(files).err().unwrap_or_default()
}

/// Replaces `from` by `to` in a good tenant's file; there must be one problem, in the line where `mark` stands then, that says
/// `message`.
#[track_caller]
fn one(file: &str, from: &str, to: &str, mark: &str, message: &str) {
    let mut files = good();
    let text = String::from_utf8(files[file].clone()).unwrap();
    assert!(text.contains(from), "{from:?} is not in {file}");
    let text = text.replacen(from, to, 1);
    let line = text.lines().position(|l| l.contains(mark)).map(|i| i + 1);
    assert!(line.is_some(), "{mark:?} is not in the changed {file}");
    files.insert(file.to_owned(), text.into_bytes());
    let found = problems_of(&files);
    assert_eq!(found.len(), 1, "{to:?}: {found:#?}");
    assert_eq!((found[0].file.as_str(), found[0].line), (file, line), "{found:#?}");
    assert!(found[0].message.contains(message), "{:?} does not say {message:?}", found[0].message);
}

#[test]
fn a_good_tenant_is_read_whole() {
    let tenant = TenantConfig::from_files(&good()).unwrap_or_else(|p| panic!("{p:#?}"));
    assert_eq!(tenant.settings.slug.as_str(), "sample");
    assert_eq!((tenant.form.fields().count(), tenant.affiliations.len(), tenant.reasons.len()), (5, 3, 1));
    assert_eq!(tenant.clients[0].name(&Locale::ja()), "アプリ");
    assert_eq!(tenant.texts[&Locale::en()]["login.title"], "Log in");
    assert_eq!(tenant.terms.len(), 2);
    assert_eq!(tenant.affiliation("jp").unwrap().label(&Locale::en()), "Japanese");
}

#[test]
fn what_is_no_toml_is_said_with_its_line() {
    one(SETTINGS, "theme = \"base\"", "theme = \"base", "theme =", "not TOML");
    one(FORM, "required = true", "required = true\nrequired = false", "required = false", "not TOML");
}

#[test]
fn shapes_are_checked_key_by_key() {
    one(SETTINGS, "theme = \"base\"", "theme = \"base\"\ntheem = \"x\"", "theem", "unknown key theem; expected one of");
    one(SETTINGS, "idle = ", "idel = \"1h\"\nidle = ", "idel", "unknown key idel");
    one(SETTINGS, "min_length = 15", "min_length = \"15\"", "min_length", "expected a whole number, found a text");
    one(SETTINGS, "min_length = 15", "min_length = -1", "min_length", "expected 0 or more");
    one(SETTINGS, "idle = \"30m\"", "idle = \"30 minutes\"", "idle", "expected a span of time such as");
    one(SETTINGS, "idle = \"30m\"", "idle = 30", "idle", "expected a text in quotes, found a whole number");
    one(SETTINGS, "\"mail_address\"", "\"email\"", "identifier", "expected one of mail_address, user_id");
    one(SETTINGS, "theme = \"base\"\n", "", "slug", "theme is missing");
    one(SETTINGS, "slug = \"sample\"", "slug = \"Sample\"", "slug", "a tenant's slug is");
    one(SETTINGS, "\"no-reply@example.jp\"", "\"no-reply\"", "from =", "expected a mail address");
    one(SETTINGS, "date = \"2026-04-01\"", "date = 2026-04-01", "date =", "found a date or time without quotes");
    one(
        SETTINGS,
        "theme = \"base\"",
        "theme = \"base\"\nissuer = \"id.example.jp\"",
        "issuer",
        "expected an absolute URL",
    );
    one(SETTINGS, "theme = \"base\"", "theme = \"ba\\u202Ese\"", "theme", "hidden control characters");
    one(FORM, "type = \"name\"", "type = \"kanji\"", "kanji", "expected one of text, textarea, name");
    one(FORM, "type = \"name\"\n", "", "[[section.field]]", "type is missing");
    one(CLIENTS, "first_party", "client_secret = \"x\"\nfirst_party", "client_secret", "unknown key client_secret");
    one(CLIENTS, "\"client_name#ja\"", "\"client_nam#ja\"", "client_nam#ja", "unknown member");
    one(REASONS, "verdict = \"reject\"", "verdict = \"refuse\"", "verdict", "expected one of approve, reject");
    one("texts/en.toml", "\"Log in\"", "5", "title", "login.title: expected a text in quotes, found a whole number");
}

#[test]
fn every_language_of_the_tenant_needs_every_text() {
    one(
        SETTINGS,
        "{ ja = \"卒業生\", en = \"Graduate\" }",
        "{ ja = \"卒業生\" }",
        "卒業生",
        "name: the text in en is missing",
    );
    one(FORM, "en = \"Club\"", "fr = \"Club\", en = \"Club\"", "Club", "label: fr is not among the tenant's locales");
}

#[test]
fn settings_make_sense() {
    one(SETTINGS, "default_locale = \"ja\"", "default_locale = \"fr\"", "default_locale", "fr is not among locales");
    one(SETTINGS, "theme = \"base\"", "theme = \"../base\"", "theme", "expected the name of a theme's folder");
    one(SETTINGS, "theme = \"base\"", "theme = \"base\"\nutc_offset = \"JST\"", "utc_offset", "expected an offset");
    one(
        SETTINGS,
        "theme = \"base\"",
        "theme = \"base\"\nissuer = \"http://id.example.jp\"",
        "issuer",
        "expected https",
    );
    one(SETTINGS, "\"#123456\"", "\"blue\"", "primary", "expected a colour such as #1a4b8c");
    one(SETTINGS, "min_length = 15", "min_length = 6", "min_length", "expected 8 to 64");
    one(
        SETTINGS,
        "[self_service]",
        "[lockout]\nwindow = \"1s\"\n[self_service]",
        "window",
        "expected 1m to 7d, found 1s",
    );
    one(
        SETTINGS,
        "[self_service]",
        "[lockout]\nthreshold = 1\n[self_service]",
        "threshold",
        "expected 3 to 100, found 1",
    );
    one(SETTINGS, "warning = \"5m\"", "warning = \"30m\"", "warning", "expected less than idle");
    one(SETTINGS, "\"mail_address\"", "\"user_id\"", "[login]", "user_id_pattern is missing");
    one(
        SETTINGS,
        "\"mail_address\"",
        "\"user_id\"\nuser_id_pattern = \"rz1\"",
        "user_id_pattern",
        "such as RZ00000000",
    );
    one(SETTINGS, "terms_version = \"1\"", "terms_version = \"\"", "terms_version", "terms_version is missing");
    one(SETTINGS, "date = \"2026-04-01\"", "date = \"2026-02-30\"", "date =", "expected a day such as");
    one(
        SETTINGS,
        "date = \"2026-04-01\"",
        "date = \"2026-04-01\"\nuntil = \"2026-03-01\"",
        "until",
        "expected a day after",
    );
    one(SETTINGS, "client = \"app\"", "client = \"other\"", "client =", "clients.toml has no client other");
    one(SETTINGS, "client = \"app\"", "url = \"javascript:alert(1)\"", "url =", "expected https");
    one(SETTINGS, "client = \"app\"\n", "", "[[home.tiles]]", "client or url is missing");
    one(
        SETTINGS,
        "kinds_of_user = [\"graduate\"]",
        "kinds_of_user = [\"student\"]",
        "kinds_of_user = ",
        "no kind of user student",
    );
    let kind = "key = \"graduate\"";
    let with = |more: &str| format!("{kind}\n{more}");
    one(SETTINGS, kind, &with("identifier = \"user_id\""), "[[home.kinds_of_user]]", "user_id_pattern is missing");
    one(SETTINGS, kind, &with("user_id_pattern = \"G0000000\""), "user_id_pattern", "only for identifier");
    let wrong = with("identifier = \"user_id\"\nuser_id_pattern = \"g1\"");
    one(SETTINGS, kind, &wrong, "user_id_pattern", "such as RZ00000000");
    one(SETTINGS, kind, &with("approval = \"automatic_when_verified\""), "approval", "needs verify_applicant = true");
    one(SETTINGS, kind, &with("approval = \"by_magic\""), "approval", "expected one of");
    one(SETTINGS, kind, &with("approve = true"), "approve", "unknown key approve");
    one(SETTINGS, "free = [\"name\"]", "free = [\"nickname\"]", "free", "form.toml has no field nickname");
    let twice = "[tokens]\nalgorithms = [\"RS256\", \"RS256\"]\n[self_service]";
    one(SETTINGS, "[self_service]", twice, "algorithms", "RS256 stands here twice");
}

#[test]
fn forms_make_sense() {
    let again = "key = \"phone\" # again\ntype = \"phone\"\n[[section.field]]\nkey = \"cell_phone\"\n";
    one(FORM, "key = \"cell_phone\"\n", again, "# again", "the field phone stands here twice");
    one(FORM, "key = \"club\"", "key = \"Club\"", "key = \"Club\"", "expected 1 to 40 of a-z");
    one(FORM, "key = \"club\"", "key = \"csrf\"", "csrf", "pages use themselves");
    one(FORM, "key = \"club\"", "key = \"affiliation_2\"", "affiliation_2", "belongs to the field affiliation already");
    let labelled = "[[section.field]]\nkey = \"club\"\ntype = \"choice\"\nlabel = { ja = \"部活\", en = \"Club\" }\n";
    let bare = "[[section.field]] # here\nkey = \"club\"\ntype = \"choice\"\n";
    one(FORM, labelled, bare, "# here", "the label is missing");
    one(FORM, "type = \"name\"", "type = \"text\"", "type = \"text\"", "the standard field name has the type name");
    one(FORM, "or_field = \"cell_phone\"", "or_field = \"fax\"", "or_field", "there is no other field fax");
    one(
        FORM,
        "or_field = \"cell_phone\"",
        "required = true\nor_field = \"cell_phone\"",
        "or_field",
        "neither is required",
    );
    one(FORM, "or_field = \"cell_phone\"", "or_field = \"cell_phone\"\nmax_length = 5", "max_length", "has none");
    one(FORM, "or_field = \"cell_phone\"", "or_field = \"cell_phone\"\ndigits = 5", "digits", "has none");
    one(FORM, "value = \"go\"", "value = \"tennis\"", "until", "twice");
    one(FORM, "until = \"2027-03-31\"", "until = \"soon\"", "until", "expected a day");
    one(FORM, "excludes = [\"phone\"]", "excludes = [\"fax\"]", "excludes", "there is no other field fax");
    one(FORM, "type = \"choice\"", "type = \"text\"", "options", "the type text has none");
    one(
        FORM,
        "value = \"tennis\", label = \"Tennis\"",
        "value = \"tennis\"",
        "\"tennis\"",
        "the label of tennis is missing",
    );
}

#[test]
fn clients_make_sense() {
    one(CLIENTS, "https://app", "http://app", "http://app", "expected https");
    one(CLIENTS, "/callback", "/#x", "/#x", "a fragment is not allowed");
    one(CLIENTS, "client_name = \"App\"\n", "", "[[client]]", "client_name is missing");
    one(
        CLIENTS,
        "first_party",
        "id_token_signed_response_alg = \"none\"\nfirst_party",
        "none",
        "expected one of RS256",
    );
    one(CLIENTS, "first_party", "tile = \"nowhere\"\nfirst_party", "tile", "tenant.toml has no tile nowhere");
    let again = "first_party = true\n[[client]]\nclient_name = \"B\"\nredirect_uris = [\"https://b.example/\"]\nclient_id = \"app\" # again";
    one(CLIENTS, "first_party = true", again, "# again", "app stands already in line 2");
}

#[test]
fn the_affiliation_tree_is_a_tree() {
    one(AFFILIATIONS, "jp,lit,国文,Japanese", "lit,arts,国文,Japanese", "国文", "lit stands already in line 3");
    one(AFFILIATIONS, "jp,lit,", "jp,litt,", "国文", "there is no row with the code litt");
    one(
        AFFILIATIONS,
        "jp,lit,国文,Japanese\n",
        "jp,lit,国文,Japanese\nold,jp,国語,Old\n",
        "old",
        "deeper than 3 levels",
    );
    one(AFFILIATIONS, "jp,lit,国文,Japanese", "jp,lit,国文,", "jp", "en: the name is missing");
    one(AFFILIATIONS, "jp,lit,国文,Japanese", "j p,lit,国文,Japanese", "j p", "expected 1 to 40");
    one(AFFILIATIONS, "jp,lit,国文,Japanese", "jp,lit,国文,Japanese,more", "jp", "expected 4 columns, found 5");
    let mut files = good();
    files.insert(AFFILIATIONS.into(), "code,parent,ja,ja\na,,あ,A\n".into());
    let found: Vec<String> = problems_of(&files).iter().map(ToString::to_string).collect();
    let expected =
        ["affiliations.csv:1: the column en is missing", "affiliations.csv:1: the column ja stands here twice"];
    assert_eq!(found, expected);
    files.insert(AFFILIATIONS.into(), "code,parent,ja,en\na,b,あ,A\nb,a,い,B\n".into());
    let found = problems_of(&files);
    assert_eq!(found.iter().map(|p| p.line).collect::<Vec<_>>(), [Some(2), Some(3)], "{found:#?}");
}

#[test]
fn reasons_make_sense() {
    one(REASONS, "verdict = \"reject\"", "verdict = \"approve\"", "verdict", "an approval has no reason");
    one(REASONS, "{ ja = \"不明です。\", en = \"Unknown.\" }", "\"\"", "text =", "expected a text");
}

#[test]
fn files_are_missing_strange_or_unreadable() {
    for (file, bytes, line, message) in [
        ("term.ja.md", Some(&b"x"[..]), None, "unknown file"),
        ("terms.en.md", None, None, "the file is missing; en is one of"),
        ("terms.fr.md", Some(b"x"), None, "fr is not among"),
        ("terms.ja.md", Some(b" \n"), Some(1), "the file is empty"),
        ("terms.ja.md", Some("a\nb\u{202E}c".as_bytes()), Some(2), "hidden control characters"),
        ("manual.en.md", Some(b"# Manual"), None, "manual.ja.md: the file is missing"),
        (REASONS, Some(b"# a\n# \x83\x65\n"), Some(2), "expected UTF-8"),
        ("logo.svg", Some(b"<svg>\n<script>1</script></svg>"), Some(2), "<script is not allowed"),
        ("logo.svg", Some(b"<svg onload=\"x()\"></svg>"), Some(1), "event handlers"),
        ("logo.png", Some(b"GIF89a"), None, "expected a PNG"),
        ("texts/fr.toml", Some(b"a = \"b\""), None, "fr is not among"),
    ] {
        let mut files = good();
        match bytes {
            Some(bytes) => files.insert(file.to_owned(), bytes.to_vec()),
            None => files.remove(file),
        };
        let found = problems_of(&files);
        assert_eq!(found.len(), 1, "{file}: {found:#?}");
        assert_eq!(found[0].line, line, "{found:#?}");
        assert!(found[0].to_string().contains(message), "{}", found[0]);
    }
    let found = problems_of(&TenantFiles::new());
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tenant.toml: the file is missing"]);
}

#[test]
fn all_problems_of_all_files_come_at_once_in_order() {
    let mut files = good();
    let broken =
        TENANT.replace("\"30m\"", "\"x\"").replace("\"#123456\"", "\"blue\"").replace("min_length", "minlength");
    files.insert(SETTINGS.into(), broken.into_bytes());
    files.insert(FORM.into(), FORM_FILE.replace("type = \"name\"", "type = \"kanji\"").into_bytes());
    files.insert(AFFILIATIONS.into(), TREE.replace("jp,lit", "jp,none").into_bytes());
    files.remove("terms.ja.md");
    let found: Vec<String> =
        problems_of(&files).iter().map(|p| format!("{}:{}", p.file, p.line.unwrap_or(0))).collect();
    let expected =
        ["affiliations.csv:4", "form.toml:6", "tenant.toml:12", "tenant.toml:15", "tenant.toml:19", "terms.ja.md:0"];
    assert_eq!(found, expected);
}

#[test]
fn editors_get_a_schema_for_each_file() {
    let schemas = json_schemas();
    assert_eq!(
        schemas.keys().copied().collect::<Vec<_>>(),
        ["clients.toml", "form.toml", "reasons.toml", "tenant.toml"]
    );
    for (file, schema) in schemas {
        assert!(schema["$schema"].is_string() && schema["properties"].is_object(), "{file}");
    }
}

/// The tenants that ship.
fn shipped(slug: &str) -> TenantFiles {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants").join(slug);
    let mut files = TenantFiles::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_shipped_tenants_have_no_problem() {
    for slug in ["certificate", "residence"] {
        let tenant = TenantConfig::from_files(&shipped(slug))
            .unwrap_or_else(|p| panic!("{}", p.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
        assert_eq!(tenant.settings.slug.as_str(), slug);
        assert_eq!(tenant.manual.len(), 2);
        assert!(tenant.form.field("name").is_some() && tenant.form.field("mail").is_some());
    }
}

#[test]
fn the_shipped_passwords_of_the_demo_keep_the_rules() {
    for (slug, passwords) in [
        ("certificate", &["Graduate2024", "Certificate2024", "Counter2024", "Register2024"][..]),
        ("residence", &["Residence2024", "Counter2024"]),
    ] {
        let rules = TenantConfig::from_files(&shipped(slug)).unwrap().settings.password.rules();
        for password in passwords {
            let broken = rules.violations(&crate::Secret::new(*password), &Default::default());
            assert!(broken.is_empty(), "{slug} {password}: {broken:?}");
        }
    }
}

#[test]
fn a_kind_of_user_may_have_a_form_of_its_own() {
    let mut files = good();
    let own = "[[section]]\nkey = \"a\"\ntitle = \"A\"\n[[section.field]]\nkey = \"name_roman\"\ntype = \"roman\"\n";
    files.insert("forms/graduate.toml".into(), own.as_bytes().to_vec());
    let tenant = TenantConfig::from_files(&files).unwrap_or_else(|p| panic!("{p:#?}"));
    assert!(tenant.form_of("graduate").field("name_roman").is_some());
    assert!(tenant.form_of("").field("name").is_some() && tenant.form_of("").field("name_roman").is_none());
    assert_eq!(tenant.all_forms().count(), 2);

    let refused = |file: &str, text: &str| {
        let mut files = good();
        files.insert(file.to_owned(), text.as_bytes().to_vec());
        let found = problems_of(&files);
        assert_eq!(found.len(), 1, "{found:#?}");
        (found[0].file.clone(), found[0].line, found[0].message.clone())
    };
    let (file, line, message) = refused("forms/student.toml", own);
    assert_eq!((file.as_str(), line), ("forms/student.toml", None));
    assert!(message.contains("no kind of user student"), "{message}");
    let (file, line, message) = refused("forms/graduate.toml", &own.replace("roman\"\n", "latin\"\n"));
    assert_eq!((file.as_str(), line), ("forms/graduate.toml", Some(6)));
    assert!(message.contains("expected one of"), "{message}");
    let (_, _, message) = refused("forms/graduate.toml", "");
    assert!(message.contains("no fields"), "{message}");
}

#[test]
fn what_a_kind_does_not_say_is_the_tenants() {
    let text = String::from_utf8(good()[SETTINGS].clone()).unwrap();
    let text = text.replace(
        "key = \"graduate\"",
        "key = \"graduate\"\n[[home.kinds_of_user]]\nkey = \"staff\"\nname = \"Staff\"\nregister = false\n\
         identifier = \"user_id\"\nuser_id_pattern = \"S0000000\"\napproval = \"two_reviewers\"\n[[home.kinds_of_user]]\nkey = \"third\"",
    );
    let files = TenantFiles::from_iter(good().into_iter().map(|(file, bytes)| {
        let bytes = if file == SETTINGS {
            text.replace("key = \"graduate\"\n", "key = \"graduate\"\nname = \"G\"\n").into_bytes()
        } else {
            bytes
        };
        (file, bytes)
    }));
    let settings = TenantConfig::from_files(&files).unwrap_or_else(|p| panic!("{p:#?}")).settings;
    use crate::tenant::{Approval, LoginIdentifier, LoginIds};
    assert_eq!(
        (settings.approval_of("staff"), settings.approval_of("graduate")),
        (Approval::TwoReviewers, Approval::Required)
    );
    assert_eq!(settings.identifier_of("graduate"), LoginIdentifier::MailAddress);
    assert_eq!(settings.login_ids(), LoginIds::Both);
    assert_eq!(settings.user_id_pattern_of("staff").map(|p| p.to_string()).as_deref(), Some("S0000000"));
    assert!(settings.user_id_pattern_of("graduate").is_none());
    let open: Vec<&str> = settings.registering_kinds().map(|kind| kind.key.as_str()).collect();
    assert_eq!(open, ["graduate", "third"]);
    assert_eq!(settings.tiles_for("graduate").count(), 1);
    assert_eq!(settings.tiles_for("staff").count(), 0);
}
