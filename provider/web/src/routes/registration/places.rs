//! Addresses found for people: by postal code, and the municipalities of a prefecture. With the script they come as JSON;
//! without it the form comes back with the choices on it.

use super::{field, form, upload::Sent};
use crate::visit::{Answer, Visit};
use axum::{Json, extract::RawForm, response::IntoResponse};
use madoguchi_domain::{
    form::{Answers, FieldKind, Form},
    japan::{place, postal},
};
use madoguchi_oidc::Params;
use madoguchi_service::OpenDraft;
use serde::Serialize;

/// The field whose search was pressed, by its key.
pub(super) enum Searched {
    /// A postal code's.
    PostalCode(String),
    /// That of a city.
    City(String),
}

impl Searched {
    fn key(&self) -> &str {
        match self {
            Searched::PostalCode(key) | Searched::City(key) => key,
        }
    }
}

/// Prefecture, city and street fields that belong to a postal code, by their keys; empty where the form has none.
pub(super) fn targets(form: &Form, key: &str) -> [String; 3] {
    let prefix = key.strip_suffix("postal_code").unwrap_or_default();
    ["prefecture", "city", "street"].map(|name| {
        let target = format!("{prefix}{name}");
        if form.field(&target).is_some() { target } else { String::new() }
    })
}

/// The prefecture field that a city belongs to: `employer_prefecture` of `employer_city`.
pub(super) fn prefecture_of(form: &Form, key: &str) -> Option<String> {
    let field = format!("{}prefecture", key.strip_suffix("city")?);
    form.field(&field).filter(|f| f.kind == FieldKind::Prefecture).map(|f| f.key.clone())
}

/// The municipalities of a prefecture by its name; none when there is no such prefecture.
pub(super) fn municipalities(prefecture: &str) -> Vec<place::Municipality> {
    let known = place::PREFECTURES.iter().find(|p| p.name == prefecture);
    known.map(|p| place::municipalities_of(p.code).collect()).unwrap_or_default()
}

/// The search that was pressed.
pub(super) fn searched(form: &Form, sent: &Sent) -> Option<Searched> {
    form.fields().find_map(|f| {
        if f.kind == FieldKind::PostalCode && sent.pressed(&field::lookup_button(&f.key)) {
            Some(Searched::PostalCode(f.key.clone()))
        } else if f.kind == FieldKind::Text && sent.pressed(&field::search_button(&f.key)) {
            Some(Searched::City(f.key.clone()))
        } else {
            None
        }
    })
}

/// A place chosen among several fills its fields.
pub(super) fn take_chosen(form: &Form, texts: &mut Answers) {
    for f in form.fields() {
        let Some(chosen) = texts.get(&format!("{}_choice", f.key)).cloned() else { continue };
        if f.kind == FieldKind::PostalCode {
            let code = texts.get(&f.key).and_then(|typed| postal::parse(typed)).unwrap_or_default();
            if let Some(found) = postal::lookup(&code).iter().find(|p| field::place_value(p) == chosen) {
                fill(form, texts, &f.key, found);
            }
        } else if let Some(prefecture) = prefecture_of(form, &f.key) {
            let prefecture = texts.get(&prefecture).cloned().unwrap_or_default();
            if municipalities(&prefecture).iter().any(|m| m.name == chosen) {
                texts.insert(f.key.clone(), chosen);
            }
        }
    }
}

fn fill(form: &Form, texts: &mut Answers, key: &str, found: &postal::PostalPlace) {
    let [prefecture, city, street] = targets(form, key);
    if !prefecture.is_empty() {
        texts.insert(prefecture, found.prefecture.to_owned());
    }
    if !city.is_empty() {
        texts.insert(city, found.city.to_owned());
    }
    // what was typed stays; an empty one begins with the town
    if !street.is_empty() && texts.get(&street).is_none_or(|typed| typed.trim().is_empty()) {
        texts.insert(street, found.town.clone());
    }
}

/// The search without script: one place of a postal code fills the fields, several are offered, none is said.
pub(super) async fn search(visit: &Visit, draft: OpenDraft, searched: &Searched, wrong: &form::Said) -> Answer {
    let draft = match searched {
        Searched::City(_) => draft,
        Searched::PostalCode(key) => {
            let typed = draft.answers().get(key).cloned().unwrap_or_default();
            let places = postal::parse(&typed).map(|code| postal::lookup(&code)).unwrap_or_default();
            match places.as_slice() {
                [only] => {
                    let mut sent = Sent { texts: draft.answers().clone(), ..Sent::default() };
                    fill(draft.form(), &mut sent.texts, key, only);
                    form::keep(visit, draft, &sent).await?
                }
                _ => draft,
            }
        }
    };
    let page = form::page(visit, &draft, wrong, Some(searched.key())).await?;
    Ok(visit.page(&page))
}

/// Places, for the script.
#[derive(Debug, Serialize)]
struct Places {
    places: Vec<Place>,
}

#[derive(Debug, Serialize)]
struct Place {
    prefecture: &'static str,
    city: &'static str,
    town: String,
    label: String,
}

/// Places of a postal code as JSON. Reads public data and changes nothing.
pub(super) async fn postal_code(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("form", form.get("csrf").unwrap_or_default())?;
    let code = form.get("postal_code").and_then(postal::parse);
    let places = code.map(|code| postal::lookup(&code)).unwrap_or_default();
    let places = places
        .iter()
        .map(|p| Place {
            prefecture: p.prefecture,
            city: p.city,
            town: p.town.clone(),
            label: field::place_label(&visit, p),
        })
        .collect();
    Ok(Json(Places { places }).into_response())
}

/// Municipalities of a prefecture as JSON. Reads public data and changes nothing.
pub(super) async fn of_prefecture(visit: Visit, RawForm(body): RawForm) -> Answer {
    let form = Params::read(None, Some(&body));
    visit.check_form("form", form.get("csrf").unwrap_or_default())?;
    let places = municipalities(form.get("prefecture").unwrap_or_default())
        .into_iter()
        .map(|m| Place {
            prefecture: m.prefecture.name,
            city: m.name,
            town: String::new(),
            label: field::city_label(&visit, &m),
        })
        .collect();
    Ok(Json(Places { places }).into_response())
}
