//! A field of the tenant's form as the page shows it.

use super::{draft, form::Said, personal, places};
use crate::{
    pages::{AffiliationLevel, Choice, FieldView, ImageView, Input, SectionView, Width},
    visit::Visit,
};
use madoguchi_domain::{
    form::{Field, FieldKind, Form, Section, Widget},
    japan::{date, place, postal},
};
use madoguchi_service::{OpenDraft, personal::MAIL_CONFIRM};
use madoguchi_store::documents::Document;
use serde_json::json;

/// The form, ready to be shown.
pub(super) struct FormView<'a> {
    pub visit: &'a Visit,
    pub draft: &'a OpenDraft,
    pub form: &'a Form,
    pub documents: &'a [Document],
    /// What is wrong.
    pub said: &'a Said,
    /// The postal code or city whose search was pressed.
    pub looked_up: Option<&'a str>,
}

/// A field's label: the tenant's, else the locale file's.
pub(in super::super) fn label(visit: &Visit, field: &Field) -> String {
    let own = field.label.get(&visit.locale);
    if own.is_empty() { visit.text(&format!("field.{}.label", field.key), &[]) } else { own.to_owned() }
}

/// A choice's label: the tenant's, else the locale file's.
pub(in super::super) fn option_label(visit: &Visit, field: &Field, option: &madoguchi_domain::form::Choice) -> String {
    let own = option.label.get(&visit.locale);
    if own.is_empty() {
        visit.text(&format!("field.{}.option.{}", field.key, option.value), &[])
    } else {
        own.to_owned()
    }
}

/// Name of the button that looks a postal code up.
pub(super) fn lookup_button(key: &str) -> String {
    if key == "postal_code" { "lookup".to_owned() } else { format!("lookup_{key}") }
}

/// Name of the button that lists the municipalities for a city.
pub(super) fn search_button(key: &str) -> String {
    format!("search_{key}")
}

/// A municipality in words.
pub(super) fn city_label(visit: &Visit, city: &place::Municipality) -> String {
    if visit.locale.as_str().starts_with("ja") { city.name.to_owned() } else { format!("{} {}", city.name, city.roman) }
}

/// The value of a place among several.
pub(super) fn place_value(place: &postal::PostalPlace) -> String {
    format!("{}/{}", place.city_code, place.town)
}

/// A place in words.
pub(super) fn place_label(visit: &Visit, place: &postal::PostalPlace) -> String {
    if visit.locale.as_str().starts_with("ja") {
        format!("{}{}{}", place.prefecture, place.city, place.town)
    } else {
        format!("{} {} {} ({}, {})", place.prefecture, place.city, place.town, place.city_roman, place.prefecture_roman)
    }
}

/// The `autocomplete` token of a standard key (WCAG 2.2 §1.3.5).
fn autocomplete(key: &str) -> Option<&'static str> {
    Some(match key {
        "name" => "name",
        "postal_code" => "postal-code",
        "prefecture" => "address-level1",
        "city" => "address-level2",
        "street" => "address-line1",
        "building" => "address-line2",
        "phone" => "tel",
        "cell_phone" => "mobile tel",
        "employer_name" => "organization",
        "employer_postal_code" => "section-employer postal-code",
        "employer_prefecture" => "section-employer address-level1",
        "employer_city" => "section-employer address-level2",
        "employer_street" => "section-employer address-line1",
        "employer_building" => "section-employer address-line2",
        "employer_phone" => "work tel",
        _ => return None,
    })
}

/// Type and size of a picture in words.
pub(in super::super) fn describe(document: &Document) -> String {
    let kind = document.media_type.rsplit('/').next().unwrap_or_default().to_ascii_uppercase();
    let size = document.bytes;
    let size = if size >= 1024 * 1024 {
        format!("{}.{} MB", size / (1024 * 1024), size % (1024 * 1024) * 10 / (1024 * 1024))
    } else {
        format!("{} kB", size.div_ceil(1024))
    };
    format!("{kind}, {} × {}, {size}", document.width, document.height)
}

/// An applicant's picture on the form and the check page.
pub(super) fn image_view(visit: &Visit, document: &Document) -> ImageView {
    // the content's hash keeps a replaced picture from being taken for the old one
    let version: String = document.sha256.chars().take(12).collect();
    let base = if draft::is_personal(visit) { draft::PERSONAL } else { "/register" };
    let url = visit.to(&format!("{base}/document/{}?v={version}", document.slot));
    ImageView { thumbnail_url: format!("{url}&size=small"), url, description: describe(document) }
}

impl FormView<'_> {
    pub(super) fn section(&self, section: &Section) -> SectionView {
        let intro = section.intro.get(&self.visit.locale);
        SectionView {
            key: section.key.clone(),
            title: section.title.get(&self.visit.locale).to_owned(),
            intro: (!intro.is_empty()).then(|| intro.to_owned()),
            fields: section.fields.iter().flat_map(|field| self.fields(field)).collect(),
        }
    }

    /// A field, and below a new mail address the same again.
    fn fields(&self, field: &Field) -> impl Iterator<Item = FieldView> {
        let again = self
            .draft
            .personal()
            .filter(|standing| field.kind == FieldKind::ConfirmedEmail && personal::takes_mail(self.visit, standing));
        let error = self.said.get(MAIL_CONFIRM).map(|(_, say)| say.clone());
        let again = again.map(|_| personal::mail_again(self.visit, self.draft, error));
        [self.field(field)].into_iter().chain(again)
    }

    fn typed(&self, input: &str) -> String {
        self.draft.answers().get(input).cloned().unwrap_or_default()
    }

    fn field(&self, field: &Field) -> FieldView {
        let visit = self.visit;
        let mut view = FieldView::new(&field.key, label(visit, field), field.required, self.input(field));
        let hint = field.hint.get(&visit.locale);
        view.hint = if hint.is_empty() {
            let key = format!("field.{}.hint", field.key);
            visit.knows(&key).then(|| visit.text(&key, &[]))
        } else {
            Some(hint.to_owned())
        };
        view.error = self.said.get(&field.key).map(|(_, say)| say.clone());
        if let Some(correction) = self.draft.correction() {
            view.note = correction.notes.get(&field.key).cloned().filter(|n| !n.is_empty());
            view.locked = !self.draft.is_editable(&field.key);
            view.fixed = super::value(visit, field, self.draft.answers());
        }
        if let Some(standing) = self.draft.personal() {
            personal::describe(visit, self.draft, standing, field, &mut view);
        }
        view
    }

    fn input(&self, field: &Field) -> Input {
        let key = field.key.as_str();
        let line = |width: Width, input_type: &'static str, input_mode: Option<&'static str>| Input::Text {
            value: self.typed(key),
            input_type,
            width,
            autocomplete: autocomplete(key),
            input_mode,
            read_as: None,
        };
        match field.kind {
            FieldKind::Text if places::prefecture_of(self.form, key).is_some() => self.city(key),
            FieldKind::Text => {
                let long = field.max_length.is_none_or(|n| n > 40);
                match field.digits {
                    Some(_) => line(Width::Medium, "text", Some("numeric")),
                    None => line(if long { Width::Long } else { Width::Medium }, "text", None),
                }
            }
            FieldKind::Name | FieldKind::Kana | FieldKind::Roman => line(Width::Medium, "text", None),
            FieldKind::StudentId | FieldKind::ResidenceCard => line(Width::Short, "text", None),
            FieldKind::Phone => line(Width::Medium, "tel", Some("tel")),
            FieldKind::Textarea => Input::Textarea { value: self.typed(key) },
            FieldKind::Date | FieldKind::YearMonth => self.date(field),
            FieldKind::Choice => self.choice(field),
            FieldKind::Affiliation => self.affiliation(field),
            FieldKind::PostalCode => self.postal_code(key),
            FieldKind::Prefecture => self.prefecture(key),
            FieldKind::ConfirmedEmail => Input::Fixed { value: self.draft.email().to_string() },
            FieldKind::Image => {
                let current = self.documents.iter().find(|d| d.slot == key);
                let bytes = self.visit.tenant.config.settings.documents.max_bytes;
                Input::Image {
                    current: current.map(|d| image_view(self.visit, d)),
                    megabytes: u64::try_from(bytes / (1024 * 1024)).unwrap_or(5),
                }
            }
        }
    }

    fn date(&self, field: &Field) -> Input {
        let key = &field.key;
        let year = self.typed(&format!("{key}_year"));
        let read_as = date::era_year(&year).map(|era| date::both_calendars(era.western));
        Input::Date {
            year,
            month: self.typed(&format!("{key}_month")),
            day: (field.kind == FieldKind::Date).then(|| self.typed(&format!("{key}_day"))),
            birthday: key == "birth_date",
            read_as,
        }
    }

    fn choice(&self, field: &Field) -> Input {
        let typed = self.typed(&field.key);
        let today = self.visit.tenant.config.settings.today(self.visit.web.service().now()).to_string();
        let choices: Vec<Choice> = field
            .options
            .iter()
            .filter(|o| o.until.as_ref().is_none_or(|until| *until >= today) || o.value == typed)
            .map(|option| {
                let notice = option.notice.get(&self.visit.locale);
                let mut choice =
                    Choice::new(&option.value, option_label(self.visit, field, option), option.value == typed);
                choice.notice = (!notice.is_empty()).then(|| notice.to_owned());
                choice
            })
            .collect();
        let radio = match field.widget {
            Widget::Radio => true,
            Widget::Select => false,
            Widget::Automatic => choices.len() <= 6,
        };
        if radio { Input::Radio { choices } } else { Input::Select { choices, autocomplete: autocomplete(&field.key) } }
    }

    fn affiliation(&self, field: &Field) -> Input {
        let (config, locale) = (&self.visit.tenant.config, &self.visit.locale);
        let mut parent = String::new();
        let mut levels = Vec::new();
        for (index, name) in field.inputs().into_iter().enumerate() {
            let chosen = self.typed(&name);
            // the first level hangs on the root, the others on a choice that was made
            let open = index == 0 || !parent.is_empty();
            let choices = if open {
                config
                    .affiliations_under(&parent)
                    .map(|a| Choice::new(&a.code, a.label(locale), a.code == chosen))
                    .collect()
            } else {
                Vec::new()
            };
            let known = config.affiliation(&chosen).is_some_and(|a| a.parent == parent && open);
            parent = if known { chosen } else { String::new() };
            let label = self.visit.text(&format!("field.affiliation.level_{}", index + 1), &[]);
            levels.push(AffiliationLevel { name, label, choices });
        }
        Input::Affiliation { levels, tree: self.branch("").to_string() }
    }

    fn branch(&self, parent: &str) -> serde_json::Value {
        let children = self.visit.tenant.config.affiliations_under(parent);
        children.map(|a| json!({ "v": a.code, "l": a.label(&self.visit.locale), "c": self.branch(&a.code) })).collect()
    }

    fn postal_code(&self, key: &str) -> Input {
        let value = self.typed(key);
        let asked = self.looked_up == Some(key);
        let places = if asked { postal::parse(&value).map(|code| postal::lookup(&code)) } else { None };
        let mut choices = Vec::new();
        let result = match places.as_deref() {
            _ if !asked => None,
            None => Some(crate::pages::Say::key("postal_code.malformed")),
            Some([]) => Some(crate::pages::Say::key("postal_code.not_found")),
            Some([only]) => {
                Some(crate::pages::Say::key("postal_code.found").with("place", place_label(self.visit, only)))
            }
            Some(several) => {
                choices =
                    several.iter().map(|p| Choice::new(place_value(p), place_label(self.visit, p), false)).collect();
                Some(crate::pages::Say::key("postal_code.several"))
            }
        };
        Input::PostalCode {
            value,
            button: lookup_button(key),
            targets: places::targets(self.form, key),
            autocomplete: autocomplete(key),
            choices,
            result,
        }
    }

    fn city(&self, key: &str) -> Input {
        let prefecture = places::prefecture_of(self.form, key).unwrap_or_default();
        let mut choices = Vec::new();
        let mut result = None;
        if self.looked_up == Some(key) {
            let found = places::municipalities(&self.typed(&prefecture));
            let say = if found.is_empty() { "city.prefecture_missing" } else { "city.choose" };
            result = Some(crate::pages::Say::key(say));
            choices = found.iter().map(|m| Choice::new(m.name, city_label(self.visit, m), false)).collect();
        }
        Input::City {
            value: self.typed(key),
            button: search_button(key),
            prefecture,
            autocomplete: autocomplete(key),
            choices,
            result,
        }
    }

    fn prefecture(&self, key: &str) -> Input {
        let typed = self.typed(key);
        let japanese = self.visit.locale.as_str().starts_with("ja");
        let choices = place::PREFECTURES
            .iter()
            .map(|p| {
                let label = if japanese { p.name.to_owned() } else { format!("{} {}", p.name, p.roman) };
                Choice::new(p.name, label, p.name == typed)
            })
            .collect();
        Input::Select { choices, autocomplete: autocomplete(key) }
    }
}
