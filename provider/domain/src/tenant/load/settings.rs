//! The rules of `tenant.toml` and `reasons.toml`.

use super::{Problems, look::is_colour, source::Source};
use crate::{
    application::{ApplicationKind, Verdict},
    client::SigningAlgorithm,
    form::{Field, FieldKind, Form},
    password,
    tenant::{Approval, LoginIdentifier, LoginIds, ReasonTemplate, TenantSettings, Tile, UserIdPattern},
    time::Span,
};
use chrono::{FixedOffset, NaiveDate};
use std::collections::BTreeSet;
use url::{Host, Url};

/// The rules of the file by itself.
pub(super) fn check(source: &Source, settings: &TenantSettings, problems: &mut Problems) {
    let mut wrong = |path: &str, message: String| {
        let key = path.rsplit('.').next().unwrap_or(path);
        problems.at(source, path, format!("{key}: {message}"));
    };
    names(settings, &mut wrong);
    look(settings, &mut wrong);
    credentials(settings, &mut wrong);
    assurance(settings, &mut wrong);
    academic(settings, &mut wrong);
    spans(settings, &mut wrong);
    numbers(settings, &mut wrong);
    calendar(settings, &mut wrong);
    home(settings, &mut wrong);
    kinds(settings, &mut wrong);
}

type Wrong<'a> = dyn FnMut(&str, String) + 'a;

fn names(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    for (key, text) in [("name", &settings.name), ("service_name", &settings.service_name)] {
        if text.is_empty() {
            wrong(key, "expected a text".into());
        }
    }
    if settings.locales.is_empty() {
        wrong("locales", "expected at least one language".into());
    } else if !settings.locales.contains(&settings.default_locale) {
        wrong("default_locale", format!("{} is not among locales", settings.default_locale));
    }
    for (i, locale) in settings.locales.iter().enumerate() {
        if settings.locales.iter().take(i).any(|earlier| earlier == locale) {
            wrong(&format!("locales[{i}]"), format!("{locale} stands here twice"));
        }
    }
    if settings.utc_offset.parse::<FixedOffset>().is_err() {
        wrong("utc_offset", format!("expected an offset such as +09:00, found {:?}", settings.utc_offset));
    }
    if let Some(issuer) = &settings.issuer {
        if let Some(message) = refused(issuer) {
            wrong("issuer", message);
        } else if issuer.query().is_some() {
            wrong("issuer", "an issuer has no query (OpenID Connect Discovery §3)".into());
        }
    }
}

fn look(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let theme = &settings.theme;
    if theme.is_empty() || !theme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
    {
        wrong("theme", format!("expected the name of a theme's folder (a-z 0-9 - _), found {theme:?}"));
    }
    for (key, colour) in [("primary", &settings.branding.primary), ("accent", &settings.branding.accent)] {
        if let Some(colour) = colour.as_ref().filter(|c| !is_colour(c)) {
            wrong(&format!("branding.{key}"), format!("expected a colour such as #1a4b8c, found {colour:?}"));
        }
    }
    for (key, link) in [
        ("institution", &settings.links.institution),
        ("privacy", &settings.links.privacy),
        ("accessibility", &settings.links.accessibility),
    ] {
        if let Some(message) = link.as_ref().and_then(refused) {
            wrong(&format!("links.{key}"), message);
        }
    }
    let desk = &settings.help_desk;
    if !desk.email.is_empty() && crate::EmailAddress::parse(&desk.email).is_err() {
        wrong("help_desk.email", format!("expected a mail address, found {:?}", desk.email));
    }
    if !desk.phone.is_empty() && crate::japan::phone::parse(&desk.phone).is_none() {
        wrong("help_desk.phone", format!("expected a phone number, found {:?}", desk.phone));
    }
    for locale in &settings.locales {
        if settings.mail.from_name.get(locale).contains(['\n', '\r', '"', '<', '>']) {
            wrong("mail.from_name", "line breaks, quotation marks and angle brackets are not allowed".into());
            break;
        }
    }
}

fn credentials(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let login = &settings.login;
    match (login.identifier, &login.user_id_pattern) {
        (LoginIdentifier::UserId, None) => {
            wrong(
                "login.user_id_pattern",
                "user_id_pattern is missing; identifier = \"user_id\" needs one, such as RZ00000000".into(),
            );
        }
        (LoginIdentifier::UserId, Some(pattern)) => {
            if let Err(message) = pattern.parse::<UserIdPattern>() {
                wrong("login.user_id_pattern", message);
            }
        }
        (LoginIdentifier::MailAddress, Some(_)) => {
            wrong("login.user_id_pattern", "only for identifier = \"user_id\"".into());
        }
        (LoginIdentifier::MailAddress, None) => {}
    }
    if let Some(min) = settings.password.min_length.filter(|m| !(password::FLOOR..=64).contains(m)) {
        wrong("password.min_length", format!("expected {} to 64, found {min}", password::FLOOR));
    }
    if !settings.self_service.confirm_mail && settings.login_ids() != LoginIds::UserIds {
        let message =
            "false is for tenants where nobody logs in with a mail address: a mistyped one would lock its owner out";
        wrong("self_service.confirm_mail", message.into());
    }
    for (i, entry) in settings.self_service.menu.iter().enumerate() {
        if settings.self_service.menu.iter().take(i).any(|earlier| earlier == entry) {
            wrong(&format!("self_service.menu[{i}]"), "stands here twice".into());
        }
    }
    let algorithms = &settings.tokens.algorithms;
    if !algorithms.contains(&SigningAlgorithm::RS256) {
        wrong(
            "tokens.algorithms",
            "RS256 is missing; every relying party may ask for it (OpenID Connect Discovery §3)".into(),
        );
    }
    for (i, algorithm) in algorithms.iter().enumerate() {
        if algorithms.iter().take(i).any(|earlier| earlier == algorithm) {
            wrong(&format!("tokens.algorithms[{i}]"), format!("{} stands here twice", algorithm.as_str()));
        }
    }
}

/// Identifiers that travel in tokens (OpenID Connect for Identity Assurance 1.0).
fn assurance(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let assurance = &settings.assurance;
    for (key, value) in [
        ("trust_framework", &assurance.trust_framework),
        ("level", &assurance.level),
        ("policy", &assurance.policy),
        ("authority_record", &assurance.authority_record),
    ] {
        let Some(value) = value else { continue };
        if value.is_empty() || value.len() > 255 || !value.chars().all(|c| c.is_ascii_graphic()) {
            wrong(
                &format!("assurance.{key}"),
                format!("expected 1 to 255 visible ASCII characters without spaces, found {value:?}"),
            );
        } else if assurance.trust_framework.is_none() {
            wrong(&format!("assurance.{key}"), "means nothing without trust_framework".into());
        }
    }
}

/// The institution in the words of academic federations.
fn academic(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let Some(academic) = &settings.academic else { return };
    let organization = academic.home_organization.as_deref().unwrap_or(&academic.scope);
    for (key, domain) in [("scope", academic.scope.as_str()), ("home_organization", organization)] {
        let is_domain = domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty())
            && domain.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.');
        if !is_domain {
            wrong(&format!("academic.{key}"), format!("expected a domain in lower case, found {domain:?}"));
        }
    }
    if academic.country.len() != 2 || !academic.country.chars().all(|c| c.is_ascii_lowercase()) {
        wrong("academic.country", format!("expected two lower-case letters, found {:?}", academic.country));
    }
    let prefix = academic.entitlement_prefix.iter().map(|uri| ("entitlement_prefix".to_owned(), uri));
    let assurance = academic.assurance.iter().enumerate().map(|(i, uri)| (format!("assurance[{i}]"), uri));
    let kind = std::iter::once(("home_organization_type".to_owned(), &academic.home_organization_type));
    for (key, uri) in prefix.chain(assurance).chain(kind) {
        if Url::parse(uri).is_err() {
            wrong(&format!("academic.{key}"), format!("expected a URI, found {uri:?}"));
        }
    }
}

fn spans(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let (minute, hour, day) = (Span::minutes(1), Span::hours(1), Span::days(1));
    let seconds = |n| Span(std::time::Duration::from_secs(n));
    let tokens = &settings.tokens;
    let bounds = [
        ("initial_credential.lifetime", settings.initial_credential.lifetime, hour, Span::days(31)),
        ("one_time_links.lifetime", settings.one_time_links.lifetime, Span::minutes(5), day),
        ("one_time_links.resubmission_lifetime", settings.one_time_links.resubmission_lifetime, hour, Span::days(90)),
        ("one_time_links.undo_lifetime", settings.one_time_links.undo_lifetime, hour, Span::days(31)),
        ("self_service.recent_login", settings.self_service.recent_login, minute, day),
        ("session.idle", settings.session.idle, seconds(30), Span::days(1)),
        ("session.absolute", settings.session.absolute, seconds(30), Span::days(30)),
        ("session.warning", settings.session.warning, seconds(20), Span::days(1)),
        ("lockout.window", settings.lockout.window, minute, Span::days(7)),
        ("lockout.duration", settings.lockout.duration.unwrap_or(minute), minute, Span::days(31)),
        ("registration.draft_lifetime", settings.registration.draft_lifetime, hour, Span::days(90)),
        ("tokens.code_lifetime", tokens.code_lifetime, seconds(10), Span::minutes(10)),
        ("tokens.access_token_lifetime", tokens.access_token_lifetime, minute, day),
        ("tokens.id_token_lifetime", tokens.id_token_lifetime, minute, day),
        ("tokens.refresh_token_lifetime", tokens.refresh_token_lifetime, hour, Span::days(400)),
        ("retention.documents", settings.retention.documents, seconds(0), Span::days(3660)),
        ("retention.applications", settings.retention.applications, day, Span::days(36_600)),
        ("retention.audit", settings.retention.audit, Span::days(30), Span::days(36_600)),
    ];
    for (path, span, least, most) in bounds {
        if span < least || span > most {
            wrong(path, format!("expected {least} to {most}, found {span}"));
        }
    }
    let session = &settings.session;
    if session.absolute < session.idle {
        wrong("session.absolute", format!("expected no less than idle, {}", session.idle));
    }
    if session.warning >= session.idle {
        wrong("session.warning", format!("expected less than idle, {}", session.idle));
    }
    if tokens.refresh_token_lifetime < tokens.access_token_lifetime {
        wrong(
            "tokens.refresh_token_lifetime",
            format!("expected no less than access_token_lifetime, {}", tokens.access_token_lifetime),
        );
    }
}

fn numbers(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let mut bounds = vec![
        ("one_time_links.mails_per_hour", u64::from(settings.one_time_links.mails_per_hour), 1, 60),
        ("lockout.threshold", u64::from(settings.lockout.threshold), 3, 100),
        ("registration.expected_days", u64::from(settings.registration.expected_days), 0, 60),
        ("documents.max_pixels", settings.documents.max_pixels, 1_000_000, 100_000_000),
    ];
    let bytes = u64::try_from(settings.documents.max_bytes).unwrap_or(u64::MAX);
    bounds.push(("documents.max_bytes", bytes, 100 * 1024, 20 * 1024 * 1024));
    for (path, number, least, most) in bounds {
        if !(least..=most).contains(&number) {
            wrong(path, format!("expected {least} to {most}, found {number}"));
        }
    }
    if settings.registration.open && settings.registration.terms_version.trim().is_empty() {
        wrong("registration.terms_version", "terms_version is missing; accepted terms are recorded with it".into());
    }
}

fn calendar(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let calendar = &settings.calendar;
    for (i, day) in calendar.weekend.iter().enumerate() {
        if calendar.weekend.iter().take(i).any(|earlier| earlier == day) {
            wrong(&format!("calendar.weekend[{i}]"), "stands here twice".into());
        }
    }
    if calendar.weekend.len() >= 7 {
        wrong("calendar.weekend", "at least one day of the week is for work".into());
    }
    for (i, closure) in calendar.closed.iter().enumerate() {
        for (member, text) in [("from", Some(&closure.from)), ("through", closure.through.as_ref())] {
            if let Some(text) = text.filter(|text| text.len() != 10 || text.parse::<NaiveDate>().is_err()) {
                let message = format!("expected a day such as 2026-12-28, found {text:?}");
                wrong(&format!("calendar.closed[{i}].{member}"), message);
            }
        }
        if closure.through.as_ref().is_some_and(|through| *through < closure.from) {
            wrong(&format!("calendar.closed[{i}].through"), format!("expected no day before {}", closure.from));
        }
    }
}

fn home(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let home = &settings.home;
    let kinds: Vec<&str> = home.kinds_of_user.iter().map(|k| k.key.as_str()).collect();
    unique("home.kinds_of_user", &kinds, wrong);
    let tiles: Vec<&str> = home.tiles.iter().map(|t| t.key.as_str()).collect();
    unique("home.tiles", &tiles, wrong);
    for (i, notice) in home.notices.iter().enumerate() {
        let day = |member: &str, text: &str, wrong: &mut Wrong<'_>| {
            let read = text.parse::<NaiveDate>().ok().filter(|_| text.len() == 10);
            if read.is_none() {
                wrong(
                    &format!("home.notices[{i}].{member}"),
                    format!("expected a day such as 2026-04-01, found {text:?}"),
                );
            }
            read
        };
        let from = day("date", &notice.date, wrong);
        let until = notice.until.as_ref().and_then(|u| day("until", u, wrong));
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            wrong(&format!("home.notices[{i}].until"), format!("expected a day after {}", notice.date));
        }
    }
    for (i, tile) in home.tiles.iter().enumerate() {
        let path = |member: &str| format!("home.tiles[{i}].{member}");
        check_tile(tile, &path, wrong);
        for kind in tile.kinds_of_user.iter().flatten().filter(|k| !kinds.contains(&k.as_str())) {
            wrong(&path("kinds_of_user"), format!("there is no kind of user {kind}"));
        }
    }
}

/// What a kind of user says in the tenant's place.
fn kinds(settings: &TenantSettings, wrong: &mut Wrong<'_>) {
    let unverified = |approval: Approval, verifies: bool| approval == Approval::AutomaticWhenVerified && !verifies;
    let message = "automatic_when_verified needs verify_applicant = true";
    let registration = &settings.registration;
    if unverified(registration.approval, registration.verify_applicant) && settings.home.kinds_of_user.is_empty() {
        wrong("registration.approval", message.into());
    }
    for (i, kind) in settings.home.kinds_of_user.iter().enumerate() {
        let path = |member: &str| format!("home.kinds_of_user[{i}].{member}");
        if kind.name.is_empty() {
            wrong(&path("name"), "expected a text".into());
        }
        if unverified(settings.approval_of(&kind.key), settings.verifies(&kind.key)) {
            wrong(&path("approval"), message.into());
        }
        match (settings.identifier_of(&kind.key), &kind.user_id_pattern) {
            (LoginIdentifier::UserId, Some(pattern)) => {
                if let Err(message) = pattern.parse::<UserIdPattern>() {
                    wrong(&path("user_id_pattern"), message);
                }
            }
            (LoginIdentifier::UserId, None)
                if kind.identifier.is_some() && settings.login.user_id_pattern.is_none() =>
            {
                let message = "user_id_pattern is missing; identifier = \"user_id\" needs one, such as RZ00000000";
                wrong(&path("user_id_pattern"), message.into());
            }
            (LoginIdentifier::MailAddress, Some(_)) => {
                wrong(&path("user_id_pattern"), "only for identifier = \"user_id\"".into());
            }
            (LoginIdentifier::UserId | LoginIdentifier::MailAddress, None) => {}
        }
    }
}

fn check_tile(tile: &Tile, path: &dyn Fn(&str) -> String, wrong: &mut Wrong<'_>) {
    match (&tile.client, &tile.url) {
        (Some(_), Some(_)) => wrong(&path("url"), "expected client or url, not both".into()),
        (None, None) if tile.kinds_of_user.as_ref().is_none_or(|k| !k.is_empty()) => {
            let message = "client or url is missing; a tile that nobody may use has kinds_of_user = []";
            wrong(&path("client"), message.into());
        }
        (None, Some(url)) => {
            // a path of our own, or an absolute URL; never `//host`
            let own = url.starts_with('/') && !url.starts_with("//") && !url.contains('\\');
            let message = match Url::parse(url) {
                _ if own => None,
                Ok(url) => refused(&url),
                Err(_) => Some(format!("expected a URL or a path beginning with /, found {url:?}")),
            };
            if let Some(message) = message {
                wrong(&path("url"), message);
            }
        }
        (Some(_), None) | (None, None) => {}
    }
}

/// Keys that are legal and stand once.
fn unique(path: &str, keys: &[&str], wrong: &mut Wrong<'_>) {
    for (i, key) in keys.iter().enumerate() {
        let at = format!("{path}[{i}].key");
        let legal = (1..=40).contains(&key.len())
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        if !legal {
            wrong(&at, format!("expected 1 to 40 of a-z 0-9 _ -, found {key:?}"));
        }
        if keys.iter().take(i).any(|earlier| earlier == key) {
            wrong(&at, format!("{key} stands here twice"));
        }
    }
}

/// Why we would not send anybody to that URL.
fn refused(url: &Url) -> Option<String> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        other => return Some(format!("expected https (http on localhost only), found {other}")),
    }
    (!url.username().is_empty() || url.password().is_some() || url.fragment().is_some())
        .then(|| "a user name, password or fragment is not allowed".to_owned())
}

/// What the settings say about other files: `None` where those could not be read.
pub(super) fn check_references(
    source: &Source,
    settings: &TenantSettings,
    forms: Option<&[&Form]>,
    clients: Option<&BTreeSet<String>>,
    problems: &mut Problems,
) {
    if let Some(clients) = clients {
        for (i, tile) in settings.home.tiles.iter().enumerate() {
            if let Some(client) = tile.client.as_ref().filter(|c| !clients.contains(*c)) {
                let path = format!("home.tiles[{i}].client");
                problems.at(source, &path, format!("client: clients.toml has no client {client}"));
            }
        }
    }
    let own = &settings.self_service;
    for (list, keys) in [("free", &own.free), ("with_approval", &own.with_approval)] {
        for (i, key) in keys.iter().enumerate() {
            let path = format!("self_service.{list}[{i}]");
            // one that several forms have is judged in each
            let found: Option<Vec<_>> =
                forms.map(|forms| forms.iter().filter_map(|form| Some((*form, form.field(key)?))).collect());
            match found.as_deref() {
                Some([]) => problems.at(source, &path, format!("{list}: form.toml has no field {key}")),
                Some(found) => {
                    let refused = found.iter().find_map(|(form, field)| not_for_settings(form, field, list));
                    if let Some(message) = refused {
                        problems.at(source, &path, format!("{list}: {message}"));
                    }
                }
                None => {}
            }
            if list == "with_approval" && own.free.contains(key) {
                problems.at(source, &path, format!("{list}: {key} stands in free already"));
            }
        }
    }
}

/// Why a field is none of those that people change of themselves.
fn not_for_settings(form: &Form, field: &Field, list: &str) -> Option<String> {
    let section = form.sections.iter().find(|s| s.fields.iter().any(|f| f.key == field.key));
    let stay = section.is_some_and(|s| s.asked_for.contains(&ApplicationKind::Enrolment));
    let proof = section.is_some_and(|s| s.asked_for.contains(&ApplicationKind::ProfileChange));
    match field.kind {
        _ if stay => Some(format!("{} belongs to a stay at the institution, not to the person", field.key)),
        _ if proof => Some(format!("{} is in a section that asks for evidence", field.key)),
        FieldKind::Image | FieldKind::Affiliation => {
            Some(format!("{} is nothing that a person is known by", field.key))
        }
        FieldKind::ConfirmedEmail if list == "with_approval" => {
            Some(format!("{} is proved by a link, not by approval; it may stand in free", field.key))
        }
        FieldKind::ConfirmedEmail
        | FieldKind::Text
        | FieldKind::Textarea
        | FieldKind::Name
        | FieldKind::Kana
        | FieldKind::Roman
        | FieldKind::Date
        | FieldKind::YearMonth
        | FieldKind::Choice
        | FieldKind::StudentId
        | FieldKind::PostalCode
        | FieldKind::Prefecture
        | FieldKind::Phone
        | FieldKind::ResidenceCard => None,
    }
}

/// The rules of `reasons.toml`.
pub(super) fn check_reasons(source: &Source, reasons: &[ReasonTemplate], problems: &mut Problems) {
    for (i, reason) in reasons.iter().enumerate() {
        let mut wrong = |member: &str, message: String| {
            problems.at(source, &format!("reason[{i}].{member}"), format!("{member}: {message}"));
        };
        if reasons.iter().take(i).any(|earlier| earlier.key == reason.key) {
            wrong("key", format!("{} stands here twice", reason.key));
        }
        if reason.verdict == Verdict::Approve {
            wrong("verdict", "expected reject or request_correction; an approval has no reason".into());
        }
        for (member, text) in [("title", &reason.title), ("text", &reason.text)] {
            if text.is_empty() {
                wrong(member, "expected a text".into());
            }
        }
    }
}
