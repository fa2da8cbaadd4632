//! What templates can call.
//!
//! | in a template | gives |
//! |---|---|
//! | `t(key="login.title", name=x)` | a text of the locale files, `%{name}` replaced; with `count=n` in the right plural |
//! | `has_text(key="field.name.hint")` | whether there is such a text |
//! | `x \| say` | a [`Say`](crate::pages::Say): a text by key, or a text as it is |
//! | `at \| datetime`, `at \| datetime_zone` | 2026年11月22日（日）13:05 · 22 November 2026, 13:05 (with the zone's name) |
//! | `at \| date`, `at \| clock` | the day, the time of day |
//! | `"2019-03" \| month`, `"1990-04-01" \| day` | a month or day without time, written out |
//! | `x \| spaced` | letter-spaced groups of a reference number for reading aloud |
//! | `x \| lines` | the lines of a text |
//! | `x \| label` | a label that may be the key of one (`field.name.label`) |
//! | `choices \| chosen` | the label of the chosen one, or nothing |
//! | `at \| iso` | for the attribute `datetime` |
//! | `problems \| problem_at(field="mail")` | what is wrong with an input, or nothing |

use super::texts;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike};
use tera::{Kwargs, State, Tera, TeraResult, Value};

/// Makes them known to `tera`; before templates are added.
pub(super) fn register(tera: &mut Tera) {
    tera.register_function("t", |args: Kwargs, _: &State| -> TeraResult<String> {
        let key: &str = args.must_get("key")?;
        let others: Vec<(&str, String)> = args
            .iter()
            .filter_map(|(name, value)| name.as_str().filter(|n| *n != "key").map(|n| (n, plain(value))))
            .collect();
        Ok(texts::text(key, &others))
    });
    tera.register_function("has_text", |args: Kwargs, _: &State| -> TeraResult<bool> {
        let key: &str = args.must_get("key")?;
        Ok(texts::find(key).is_some())
    });
    tera.register_filter("say", |value: Value, _: Kwargs, _: &State| say(&value));
    tera.register_filter("datetime", |at: i64, _: Kwargs, _: &State| moment(at, "date.datetime"));
    tera.register_filter("datetime_zone", |at: i64, _: Kwargs, _: &State| moment(at, "date.datetime_zone"));
    tera.register_filter("date", |at: i64, _: Kwargs, _: &State| moment(at, "date.date"));
    tera.register_filter("clock", |at: i64, _: Kwargs, _: &State| moment(at, "date.clock"));
    tera.register_filter("iso", |at: i64, _: Kwargs, _: &State| local(at).map(|t| t.to_rfc3339()).unwrap_or_default());
    tera.register_filter("month", |text: &str, _: Kwargs, _: &State| calendar(text));
    tera.register_filter("day", |text: &str, _: Kwargs, _: &State| calendar(text));
    tera.register_filter("spaced", |text: &str, _: Kwargs, _: &State| text.replace('-', " - "));
    tera.register_filter("problem_at", |problems: &[Value], args: Kwargs, _: &State| -> TeraResult<Value> {
        let field: &str = args.must_get("field")?;
        let at = |p: &&Value| p.get_from_path("field").and_then(Value::as_str) == Some(field);
        Ok(problems.iter().find(at).and_then(|p| p.get_from_path("message")).cloned().unwrap_or_else(Value::none))
    });
    tera.register_filter("label", |text: &str, _: Kwargs, _: &State| {
        let key = text.starts_with("field.") && text.ends_with(".label");
        key.then(|| texts::find(text)).flatten().unwrap_or_else(|| text.to_owned())
    });
    tera.register_filter("chosen", |choices: &[Value], _: Kwargs, _: &State| -> Value {
        let selected = |c: &&Value| c.get_from_path("selected").and_then(Value::as_bool) == Some(true);
        choices.iter().find(selected).and_then(|c| c.get_from_path("label")).cloned().unwrap_or_else(Value::none)
    });
    tera.register_filter("lines", |text: &str, _: Kwargs, _: &State| {
        text.lines().map(str::to_owned).collect::<Vec<String>>()
    });
}

/// A value as an argument of a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn say(value: &Value) -> TeraResult<String> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    if let Some(text) = value.get_from_path("text").and_then(Value::as_str) {
        return Ok(text.to_owned());
    }
    let Some(key) = value.get_from_path("key").and_then(Value::as_str) else {
        return Err(tera::Error::message("`say` needs a text or a key"));
    };
    let map = value.get_from_path("args").and_then(Value::as_map);
    let args: Vec<(&str, String)> =
        map.into_iter().flat_map(|m| m.iter()).filter_map(|(n, v)| n.as_str().map(|n| (n, plain(v)))).collect();
    Ok(texts::text(key, &args))
}

fn local(at: i64) -> Option<DateTime<FixedOffset>> {
    let (_, minutes) = texts::current();
    let zone = FixedOffset::east_opt(minutes.saturating_mul(60))?;
    Some(DateTime::from_timestamp(at, 0)?.with_timezone(&zone))
}

/// A point in time, in the words of `pattern`.
pub(super) fn moment(at: i64, pattern: &str) -> String {
    let Some(time) = local(at) else { return String::new() };
    let (_, minutes) = texts::current();
    let zone = texts::find(&format!("date.zone.{minutes}")).unwrap_or_else(|| time.format("UTC%:z").to_string());
    texts::text(
        pattern,
        &[
            ("year", time.year().to_string()),
            ("month", texts::text(&format!("date.month.{}", time.month()), &[])),
            ("day", time.day().to_string()),
            ("weekday", texts::text(&format!("date.weekday.{}", time.weekday().num_days_from_sunday()), &[])),
            ("hour", time.hour().to_string()),
            ("minute", format!("{:02}", time.minute())),
            ("zone", zone),
        ],
    )
}

/// `YYYY-MM` or `YYYY-MM-DD`; anything else as it stands.
fn calendar(text: &str) -> String {
    let (full, pattern) =
        if text.len() == 7 { (format!("{text}-01"), "date.year_month") } else { (text.to_owned(), "date.plain") };
    let Ok(day) = NaiveDate::parse_from_str(&full, "%Y-%m-%d") else { return text.to_owned() };
    texts::text(
        pattern,
        &[
            ("year", day.year().to_string()),
            ("month", texts::text(&format!("date.month.{}", day.month()), &[])),
            ("day", day.day().to_string()),
        ],
    )
}
