//! Texts: which words a page of this tenant, in this theme, in this language uses.
//!
//! The base theme's locale files are compiled in by `rust-i18n`. Before them it asks [`Layers`], which looks through
//! the layers of the rendering at hand: the tenant's own texts, the theme, its parents. A layer may hold any language,
//! also one that the program does not know. Layers and language belong to the rendering, never to the process:
//! `set_locale` is not used.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, sync::Arc};

/// Texts of one origin: a theme or a tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    locales: BTreeMap<String, BTreeMap<String, String>>,
}

impl Layer {
    /// Adds the texts of a locale file: TOML tables nest, `login.title` is `title` in `[login]`.
    ///
    /// # Errors
    /// Not TOML, or a value that is not text; the message says where.
    pub fn add_toml(&mut self, locale: &str, text: &str) -> Result<(), String> {
        fn flatten(prefix: &str, value: toml::Value, into: &mut BTreeMap<String, String>) -> Result<(), String> {
            match value {
                toml::Value::String(text) => {
                    into.insert(prefix.to_owned(), text);
                    Ok(())
                }
                toml::Value::Table(table) => table.into_iter().try_for_each(|(key, value)| {
                    let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                    flatten(&key, value, into)
                }),
                toml::Value::Integer(_)
                | toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_)
                | toml::Value::Array(_) => Err(format!("{prefix}: expected a text in quotes")),
            }
        }
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        flatten("", toml::Value::Table(table), self.locales.entry(locale.to_owned()).or_default())
    }

    /// A tenant's own texts by language and key; none when it has none.
    pub fn of_tenant(texts: &BTreeMap<madoguchi_domain::Locale, BTreeMap<String, String>>) -> Option<Arc<Self>> {
        let locales: BTreeMap<String, BTreeMap<String, String>> =
            texts.iter().map(|(locale, texts)| (locale.to_string(), texts.clone())).collect();
        (!locales.is_empty()).then(|| Arc::new(Self { locales }))
    }

    /// Sets one text.
    pub fn set(&mut self, locale: &str, key: &str, text: impl Into<String>) {
        self.locales.entry(locale.to_owned()).or_default().insert(key.to_owned(), text.into());
    }

    /// The languages that it has texts in.
    pub fn locales(&self) -> impl Iterator<Item = &str> {
        self.locales.keys().map(String::as_str)
    }

    /// The keys that it has in `locale`.
    pub fn keys(&self, locale: &str) -> impl Iterator<Item = &str> {
        self.locales.get(locale).into_iter().flat_map(|texts| texts.keys().map(String::as_str))
    }

    /// One text, in exactly this language.
    pub fn get(&self, locale: &str, key: &str) -> Option<&str> {
        self.locales.get(locale)?.get(key).map(String::as_str)
    }
}

/// What the rendering at hand uses.
#[derive(Clone)]
pub(super) struct Scope {
    /// First asked first.
    pub layers: Arc<[Arc<Layer>]>,
    /// The language.
    pub locale: String,
    /// The tenant's offset from UTC in minutes.
    pub offset_minutes: i32,
}

thread_local! {
    static SCOPE: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Runs `render` within `scope`; what was in force before is in force again afterwards.
pub(super) fn within<R>(scope: Scope, render: impl FnOnce() -> R) -> R {
    struct Restore(Option<Scope>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPE.with(|s| *s.borrow_mut() = self.0.take());
        }
    }
    let _restore = Restore(SCOPE.with(|s| s.borrow_mut().replace(scope)));
    render()
}

/// Language and offset of the rendering at hand.
pub(super) fn current() -> (String, i32) {
    SCOPE.with(|s| s.borrow().as_ref().map_or_else(|| ("en".into(), 0), |s| (s.locale.clone(), s.offset_minutes)))
}

/// The texts that `rust-i18n` asks before the compiled ones.
#[derive(Debug)]
pub struct Layers;

impl rust_i18n::Backend for Layers {
    fn available_locales(&self) -> Vec<Cow<'_, str>> {
        SCOPE.with(|s| {
            let scope = s.borrow();
            let layers = scope.iter().flat_map(|s| s.layers.iter());
            layers.flat_map(|layer| layer.locales().map(|l| Cow::Owned(l.to_owned()))).collect()
        })
    }
    fn translate(&self, locale: &str, key: &str) -> Option<Cow<'_, str>> {
        SCOPE.with(|s| {
            let scope = s.borrow();
            let text = scope.as_ref()?.layers.iter().find_map(|layer| layer.get(locale, key))?;
            Some(Cow::Owned(text.to_owned()))
        })
    }
    fn messages_for_locale(&self, _: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
        None
    }
}

/// The language that stands in where another one lacks a text.
const LAST_RESORT: &str = "en";

/// The first of `keys` that has a text: in the language at hand or its parents, else in the last resort. All keys are
/// tried in one language before the next, so that a plural form of another language does not win.
fn first_of(keys: &[&str]) -> Option<String> {
    let (locale, _) = current();
    [locale.as_str(), LAST_RESORT].into_iter().find_map(|locale| {
        keys.iter().find_map(|key| crate::_rust_i18n_try_translate(locale, key).map(Cow::into_owned))
    })
}

/// The text of `key` if there is one.
pub(super) fn find(key: &str) -> Option<String> {
    first_of(&[key])
}

/// The text of `key` in the rendering at hand, with `%{name}` replaced. A key that no layer has stays visible as
/// `⟦key⟧`. With an argument `count` the form of the language's plural is taken: `key.one`, `key.other`, …
pub(super) fn text(key: &str, args: &[(&str, String)]) -> String {
    let count = args.iter().find(|(name, _)| *name == "count").and_then(|(_, n)| n.parse::<i64>().ok());
    let found = match count {
        Some(n) => {
            let (locale, _) = current();
            first_of(&[&format!("{key}.{}", plural_form(&locale, n)), &format!("{key}.other"), key])
        }
        None => find(key),
    };
    let Some(text) = found else { return format!("⟦{key}⟧") };
    if args.is_empty() {
        return text;
    }
    let names: Vec<&str> = args.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = args.iter().map(|(_, value)| value.clone()).collect();
    rust_i18n::replace_patterns(&text, &names, &values)
}

fn plural_form(locale: &str, n: i64) -> &'static str {
    use icu_plurals::{PluralCategory, PluralRules};
    let rules =
        locale.parse::<icu_locale_core::Locale>().ok().and_then(|l| PluralRules::try_new_cardinal((&l).into()).ok());
    match rules.map_or(PluralCategory::Other, |rules| rules.category_for(n)) {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

/// One text outside of a page: for a header, a log line to a person, a problem put together by a handler.
pub fn translate(layers: &Arc<[Arc<Layer>]>, locale: &str, key: &str, args: &[(&str, &str)]) -> String {
    let args: Vec<(&str, String)> = args.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let scope = Scope { layers: layers.clone(), locale: locale.to_owned(), offset_minutes: 0 };
    within(scope, || text(key, &args))
}
