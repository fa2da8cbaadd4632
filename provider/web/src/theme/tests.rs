//! Every page in every theme and language; what a theme may not be; what texts and mails look like.

use super::{
    Brand, Branding, Layer, MailContext, Renderer, ThemeError, Themes, render_all,
    source::{self, Files},
};
use madoguchi_domain::mail::MailKind;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

fn themes() -> Themes {
    Themes::load(None).unwrap()
}

fn renderer(texts: Option<Layer>) -> Renderer {
    Renderer::new(themes().get("certificate").unwrap(), texts.map(Arc::new), 540)
}

/// A theme made of the given files, beside the shipped ones.
fn with_theme(name: &str, files: &[(&str, &str)]) -> Result<Themes, ThemeError> {
    let mut sources = source::shipped();
    let files: Files =
        files.iter().map(|(path, text)| ((*path).to_owned(), Cow::Owned(text.as_bytes().to_vec()))).collect();
    sources.entry(name.to_owned()).or_default().extend(files);
    Themes::assemble(&sources, false)
}

#[test]
fn every_page_renders_in_every_theme_and_language() {
    let rendered = render_all(&themes()).unwrap();
    let themes: BTreeSet<_> = rendered.iter().map(|r| r.theme.as_str()).collect();
    assert_eq!(themes, BTreeSet::from(["base", "certificate", "residence"]));
    assert!(rendered.len() > 300, "{} pages", rendered.len());
    for page in &rendered {
        let name = format!("{}/{}/{}.{}", page.theme, page.locale, page.page, page.sample);
        let html = &page.html;
        assert!(!html.contains('⟦'), "{name}: a text is missing: {}", html.split('⟦').nth(1).unwrap());
        assert!(!html.contains("%{") || html.contains("id=\"idle\""), "{name}: an argument is missing");
        assert!(html.contains(&format!("<html lang=\"{}\">", page.locale)), "{name}: language");
        assert!(html.contains(&format!("data-page=\"{}\"", page.page)), "{name}: name");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one main heading");
        assert_eq!(html.matches("<main").count(), 1, "{name}: one main part");
        assert!(html.contains("name=\"lang\""), "{name}: choice of language");
    }
}

#[test]
fn no_page_needs_what_a_strict_content_policy_forbids() {
    for page in render_all(&themes()).unwrap() {
        let name = format!("{}/{}/{}.{}", page.theme, page.locale, page.page, page.sample);
        for tag in page.html.split('<').skip(1).filter_map(|t| t.split('>').next()) {
            assert!(!tag.contains(" style="), "{name}: <{tag}>");
            assert!(!tag.split_whitespace().any(|a| a.starts_with("on") && a.contains('=')), "{name}: <{tag}>");
            assert!(!tag.contains("javascript:"), "{name}: <{tag}>");
            assert!(!tag.starts_with("style"), "{name}: <{tag}>");
            assert!(!tag.starts_with("script") || tag.contains(" src=\"/assets/"), "{name}: <{tag}>");
            assert!(!tag.starts_with("link") || !tag.contains("://"), "{name}: <{tag}>");
        }
    }
}

#[test]
fn every_posting_form_carries_its_token() {
    for page in render_all(&themes()).unwrap().iter().filter(|p| p.page != "form-post") {
        for form in page.html.split("<form").skip(1).filter_map(|f| f.split("</form>").next()) {
            let posts = form.split('>').next().unwrap().contains("method=\"post\"");
            assert!(!posts || form.contains("name=\"csrf\""), "{} {}: <form{form}", page.theme, page.page);
        }
    }
}

#[test]
fn what_was_typed_is_escaped() {
    let page = crate::pages::Login {
        login_id: "\"><script>alert(1)</script>".into(),
        ..<crate::pages::Login as crate::pages::Page>::samples("en").remove(0).1
    };
    let frame = crate::pages::Frame::sample("certificate", "en", "/assets/x", false);
    let html = renderer(None).page(&frame, &page).unwrap();
    assert!(!html.contains("<script>alert"));
    assert!(html.contains("&lt;script&gt;"));
}

#[test]
fn no_language_lacks_a_text_of_another() {
    let mut layer = Layer::default();
    for (name, files) in source::shipped() {
        for (path, bytes) in &files {
            if let Some(locale) = path.strip_prefix("locales/").and_then(|f| f.strip_suffix(".toml")) {
                layer
                    .add_toml(locale, std::str::from_utf8(bytes).unwrap())
                    .unwrap_or_else(|e| panic!("{name}/{path}: {e}"));
            }
        }
    }
    // A language has its own forms of a plural; what must be there is the text.
    let keys = |locale: &str| -> BTreeSet<String> {
        let plural = [".zero", ".one", ".two", ".few", ".many", ".other"];
        let stem = |key: &str| plural.iter().find_map(|form| key.strip_suffix(form)).unwrap_or(key).to_owned();
        layer.keys(locale).map(stem).collect()
    };
    let (ja, en) = (keys("ja"), keys("en"));
    assert!(ja.len() > 300);
    let missing: Vec<_> = ja.symmetric_difference(&en).collect();
    assert_eq!(missing, Vec::<&String>::new(), "{} texts are missing in one language", missing.len());
}

#[test]
fn every_code_of_a_wrong_input_has_its_words() {
    let renderer = renderer(None);
    for locale in ["ja", "en"] {
        for code in madoguchi_domain::form::FieldError::CODES {
            assert!(renderer.optional_text(locale, &format!("error.{code}")).is_some(), "{locale}: {code}");
        }
        for violation in madoguchi_domain::password::Violation::ALL {
            let key = format!("error.password.{}", violation.code());
            assert!(renderer.optional_text(locale, &key).is_some(), "{locale}: {key}");
        }
    }
}

#[test]
fn a_theme_that_cannot_be_read_is_refused_with_the_pair() {
    let manifest = "name = \"pale\"\nparent = \"base\"\n[light]\nink = \"#777777\"\n";
    match with_theme("pale", &[("theme.toml", manifest)]) {
        Err(ThemeError::Contrast { theme, mode, front, back, ratio, needed }) => {
            assert_eq!((theme.as_str(), mode, front, back, needed), ("pale", "light", "ink", "paper", 7.0));
            assert!((4.47..4.49).contains(&ratio), "{ratio}");
        }
        other => panic!("{other:?}"),
    }
    let dark = "name = \"pale\"\nparent = \"base\"\n[dark]\non-primary = \"#a9c3dd\"\n";
    assert!(matches!(
        with_theme("pale", &[("theme.toml", dark)]),
        Err(ThemeError::Contrast { mode: "dark", front: "on-primary", .. })
    ));
}

#[test]
fn a_broken_theme_is_found_at_load_and_named() {
    let manifest = ("theme.toml", "name = \"own\"\nparent = \"base\"\n");
    for (file, text, part) in [
        (
            "templates/login.html",
            "{% extends \"layout.html\" %}{% block content %}{{ <nothing /> }}{% endblock content %}",
            "nothing",
        ),
        ("templates/login.html", "{{ t(key=\"login.title\" }}", "login.html"),
        ("templates/login.html", "{% include \"parts/none.html\" %}", "none"),
        ("locales/en.toml", "[login]\ntitle = 3\n", "login.title"),
        ("locales/en.toml", "[login\n", "line 1"),
    ] {
        let error = with_theme("own", &[manifest, (file, text)]).unwrap_err().to_string();
        assert!(error.contains("\"own\"") && error.contains(part), "{error}");
    }
    for (text, part) in [
        ("name = \"other\"", "other"),
        ("name = \"own\"\nparent = \"nobody\"", "nobody"),
        ("name = \"own\"\nparent = \"own\"", "its own parent"),
        ("name = \"own\"\nparent = \"base\"\n[light]\nbackground = \"#ffffff\"", "background"),
        ("name = \"own\"\nparent = \"base\"\n[light]\npaper = \"white\"", "white"),
        ("name = \"own\"\nparent = \"base\"\nfont = 1", "font"),
    ] {
        let error = with_theme("own", &[("theme.toml", text)]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_theme_overrides_one_part_and_one_text_and_adds_a_language() {
    let themes = with_theme(
        "own",
        &[
            ("theme.toml", "name = \"own\"\nparent = \"certificate\"\n"),
            ("templates/parts/footer.html", "<footer>OWN FOOTER</footer>"),
            ("locales/en.toml", "[login]\nbutton = \"Enter\"\n"),
            ("locales/ko.toml", "[login]\ntitle = \"로그인\"\n"),
        ],
    )
    .unwrap();
    let renderer = Renderer::new(themes.get("own").unwrap(), None, 540);
    let page = &<crate::pages::Login as crate::pages::Page>::samples("en")[0].1;
    let html =
        |locale: &str| renderer.page(&crate::pages::Frame::sample("own", locale, "/assets/x", false), page).unwrap();
    assert!(html("en").contains("OWN FOOTER") && html("en").contains(">Enter</button>"));
    // what the new language lacks is said in English, never left out
    assert!(html("ko").contains("로그인") && html("ko").contains(">Enter</button>") && !html("ko").contains('⟦'));
    assert!(html("ja").contains(">ログイン</button>"));
}

#[test]
fn a_tenants_text_wins_over_the_themes() {
    let mut texts = Layer::default();
    texts.set("ja", "login.title", "卒業生ログイン");
    let renderer = renderer(Some(texts));
    assert_eq!(renderer.text("ja", "login.title", &[]), "卒業生ログイン");
    assert_eq!(renderer.text("en", "login.title", &[]), "Log in");
    assert_eq!(renderer.text("en", "no.such", &[]), "⟦no.such⟧");
    assert_eq!(renderer.optional_text("en", "no.such"), None);
    assert_eq!(renderer.text("ja", "login.to_continue", &[("client", "A%{x}")]), "「A%{x}」に進みます");
}

#[test]
fn plurals_follow_the_language() {
    let renderer = renderer(None);
    let days = |locale: &str, n: &str| renderer.text(locale, "desk.age", &[("count", n)]);
    assert_eq!((days("en", "1"), days("en", "2"), days("en", "0")), ("1 day".into(), "2 days".into(), "0 days".into()));
    assert_eq!((days("ja", "1"), days("ja", "2")), ("1日".into(), "2日".into()));
}

#[test]
fn moments_are_told_in_the_tenants_time() {
    let at = madoguchi_domain::Timestamp(1_795_320_300);
    assert_eq!(renderer(None).moment("ja", at), "2026年11月22日（日）13:05（日本時間）");
    assert_eq!(renderer(None).moment("en", at), "22 November 2026, 13:05 (Japan time)");
    let elsewhere = Renderer::new(themes().get("base").unwrap(), None, -210);
    assert_eq!(elsewhere.moment("en", at), "22 November 2026, 0:35 (UTC-03:30)");
}

#[test]
fn a_tenants_one_colour_gives_readable_looks() {
    let theme = themes().get("base").unwrap();
    for colour in ["#ffcc00", "#000000", "#ffffff", "#b8470f", "#7cc6fe", "#808080"] {
        let branding = Branding { tenant: "t".into(), primary: Some(colour.into()), ..Branding::default() };
        let brand = Brand::prepare(&theme, &branding).unwrap_or_else(|e| panic!("{colour}: {e}"));
        let url = brand.stylesheet("/prefix").unwrap();
        let mut parts = url.strip_prefix("/prefix/assets/").unwrap().split('/');
        let (folder, hash, file) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(brand.asset(folder, hash, file).unwrap().content_type, "text/css; charset=utf-8");
        assert_eq!(brand.asset("tenant-other", hash, file), None);
    }
    let branding = Branding {
        tenant: "t".into(),
        light: BTreeMap::from([("quiet".into(), "#999999".into())]),
        ..Branding::default()
    };
    let error = Brand::prepare(&theme, &branding).unwrap_err();
    assert!(matches!(error, ThemeError::Contrast { front: "quiet", .. }), "{error}");
}

#[test]
fn assets_are_found_under_their_hash_only() {
    let themes = themes();
    let theme = themes.get("certificate").unwrap();
    let url = theme.assets_url("");
    let hash = url.rsplit('/').next().unwrap();
    let style = themes.asset("certificate", hash, "style.css").unwrap();
    let css = std::str::from_utf8(&style.body).unwrap();
    assert!(
        css.contains("--primary:#12284c")
            && css.contains("prefers-color-scheme:dark")
            && css.contains(".theme-certificate")
    );
    assert!(!css.contains("http"), "nothing is fetched from elsewhere");
    assert!(theme.asset(hash, "logo.svg").is_some() && theme.asset(hash, "page.js").is_some());
    assert!(theme.asset(hash, "theme.toml").is_none() && theme.asset("0", "style.css").is_none());
    assert_ne!(
        theme.assets_url(""),
        themes.get("residence").unwrap().assets_url("").replace("residence", "certificate")
    );
}

#[test]
fn every_mail_can_be_read_and_its_addresses_be_opened() {
    let about = |locale: &str| MailContext {
        institution: if locale == "ja" { "みなと大学" } else { "Minato University" }.into(),
        service: if locale == "ja" { "証明書発行サービス" } else { "Certificate Issuance Service" }.into(),
        contact: "教務課 証明書係\n03-0000-0000".into(),
        counter: String::new(),
        home_url: "https://id.example.ac.jp/t/certificate/".into(),
    };
    for theme in ["base", "certificate", "residence"] {
        let renderer = Renderer::new(themes().get(theme).unwrap(), None, 540);
        for locale in ["ja", "en"] {
            for mail in MailKind::samples() {
                let rendered = renderer.mail(locale, &mail, &about(locale)).unwrap();
                let name = format!("{theme} {locale} {}", mail.name());
                assert!(!rendered.subject.contains('\n') && rendered.subject.chars().count() <= 60, "{name}");
                assert!(!rendered.subject.contains('⟦') && !rendered.body.contains('⟦'), "{name}: {}", rendered.body);
                assert!(!rendered.body.contains("%{") && !rendered.body.contains("&#"), "{name}: {}", rendered.body);
                for line in rendered.body.lines() {
                    let columns: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
                    let address = line.starts_with("https://");
                    assert!(columns <= 72 || address, "{name}: {line}");
                    assert!(address || !line.contains("://"), "{name}: an address stands alone on its line: {line}");
                }
                let json = serde_json::to_value(&mail).unwrap();
                for key in ["url", "login_url", "reference", "initial_password", "setting_url", "login_id"] {
                    if let Some(value) = json.get(key).and_then(|v| v.as_str()) {
                        assert!(rendered.body.lines().any(|l| l == value), "{name}: {value}");
                    }
                }
                if json.get("expires_at").is_some() {
                    let zone = if locale == "ja" { "（日本時間）" } else { "(Japan time)" };
                    assert!(rendered.body.contains(zone), "{name}");
                }
            }
        }
    }
}

#[test]
fn a_label_in_a_mail_may_be_a_key() {
    let mail = MailKind::Resubmission {
        name: "A".into(),
        reference: "K7Q2-M9XD-4T".into(),
        reason: String::new(),
        items: vec![("field.name.label".into(), "x".into())],
        url: "https://id.example/x".into(),
        expires_at: madoguchi_domain::Timestamp(0),
    };
    let about = MailContext {
        institution: "I".into(),
        service: "S".into(),
        contact: String::new(),
        counter: String::new(),
        home_url: String::new(),
    };
    let body = renderer(None).mail("ja", &mail, &about).unwrap().body;
    assert!(body.contains("・氏名\n"), "{body}");
}
