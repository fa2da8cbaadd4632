//! One function for each address, in the order people meet them.

use crate::{
    App,
    catalogue::{self, Certificate, Destination, MOST_COPIES},
    orders::{Address, Order},
    person::{self, StudentId},
    views,
};
use axum::{
    Form,
    extract::{OriginalUri, Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use example_shell::Language;
use madoguchi_domain::japan::{fold, id_key};
use madoguchi_plugin_sdk::relying_party::SignedIn;
use std::collections::BTreeMap;

type Fields = BTreeMap<String, String>;

/// The first page: what this is, or, for somebody who is logged in, what to do.
pub(crate) async fn start(State(app): State<App>, headers: HeaderMap, user: Option<SignedIn>) -> Response {
    let language = Language::of(&headers);
    let page = app.site.page(&headers, user.as_ref(), "/", language.say("証明書を取り寄せる", "Order certificates"));
    match &user {
        Some(user) => page.with(&views::choices(&page, user, &app.orders.placed(user.subject()))),
        None => page.with(&views::welcome(&page)),
    }
}

/// Which student ID, if there are several; then which certificates.
pub(crate) async fn choose(
    State(app): State<App>,
    Path(destination): Path<String>,
    Query(query): Query<Fields>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    user: SignedIn,
) -> Response {
    let Some(destination) = Destination::from_path(&destination) else {
        return not_found(State(app), headers).await;
    };
    let language = Language::of(&headers);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let page = app.site.page(&headers, Some(&user), path, destination.name(language));
    let ids = person::student_ids(&user, language);
    match chosen(&ids, query.get("enrolment").map(String::as_str)) {
        Some(id) => {
            let before = query.get("order").and_then(|n| n.parse().ok()).and_then(|n| app.orders.of(n, user.subject()));
            let fields = match before.filter(|order| order.placed_at.is_none()) {
                Some(order) => filled(&order),
                None => with_address(Fields::new(), &person::address(&user)),
            };
            page.with(&views::order_form(&page, &user, destination, id, &fields, &[]))
        }
        None if ids.is_empty() => page.with(&views::no_student_id(&page)),
        None => page.with(&views::student_id_choice(&page, destination, &ids)),
    }
}

/// The form comes in: to the check page, or back with what has to be corrected.
pub(crate) async fn fill_in(
    State(app): State<App>,
    Path(destination): Path<String>,
    headers: HeaderMap,
    user: SignedIn,
    Form(fields): Form<Fields>,
) -> Response {
    let Some(destination) = Destination::from_path(&destination) else {
        return not_found(State(app), headers).await;
    };
    let language = Language::of(&headers);
    let ids = person::student_ids(&user, language);
    let Some(id) = chosen(&ids, fields.get("enrolment").map(String::as_str)) else {
        return Redirect::to(&format!("/order/{}", destination.path())).into_response();
    };
    if !own_form(&user, &fields) {
        return foreign_form(&app, &headers, &user);
    }
    match order(&user, destination, id, &fields, language) {
        Ok(order) => Redirect::to(&format!("/check/{}", app.orders.keep(order))).into_response(),
        Err(mistakes) => {
            let path = views::order_path(destination, id, None);
            let mut page = app.site.page(&headers, Some(&user), &path, destination.name(language));
            page.status = StatusCode::UNPROCESSABLE_ENTITY;
            page.with(&views::order_form(&page, &user, destination, id, &fields, &mistakes))
        }
    }
}

/// Everything once more before it is ordered.
pub(crate) async fn check(
    State(app): State<App>,
    Path(number): Path<u64>,
    headers: HeaderMap,
    user: SignedIn,
) -> Response {
    match app.orders.of(number, user.subject()) {
        Some(order) if order.placed_at.is_some() => Redirect::to(&format!("/receipt/{number}")).into_response(),
        Some(order) => {
            let title = Language::of(&headers).say("ご注文の確認", "Check your order");
            let path = format!("/check/{number}");
            let page = app.site.page(&headers, Some(&user), &path, title);
            page.with(&views::check(&page, &user, number, &order))
        }
        None => not_found(State(app), headers).await,
    }
}

/// The order is placed, once however often the button is pressed.
pub(crate) async fn place(
    State(app): State<App>,
    Path(number): Path<u64>,
    headers: HeaderMap,
    user: SignedIn,
    Form(fields): Form<Fields>,
) -> Response {
    if !own_form(&user, &fields) {
        return foreign_form(&app, &headers, &user);
    }
    match app.orders.place(number, user.subject(), app.login.now()) {
        Some(_) => Redirect::to(&format!("/receipt/{number}")).into_response(),
        None => not_found(State(app), headers).await,
    }
}

/// What was ordered, and what comes next.
pub(crate) async fn receipt(
    State(app): State<App>,
    Path(number): Path<u64>,
    headers: HeaderMap,
    user: SignedIn,
) -> Response {
    match app.orders.of(number, user.subject()).and_then(|order| Some((order.placed_at?, order))) {
        Some((at, order)) => {
            let title = Language::of(&headers).say("ご注文を受け付けました", "Order received");
            let path = format!("/receipt/{number}");
            let page = app.site.page(&headers, Some(&user), &path, title);
            page.with(&views::receipt(&page, &user, number, &order, at))
        }
        None => not_found(State(app), headers).await,
    }
}

pub(crate) async fn not_found(State(app): State<App>, headers: HeaderMap) -> Response {
    example_shell::not_found(&app.site, &headers)
}

fn chosen<'a>(ids: &'a [StudentId], wanted: Option<&str>) -> Option<&'a StudentId> {
    match (wanted, ids) {
        (Some(wanted), ids) => ids.iter().find(|id| id.id == wanted),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

fn own_form(user: &SignedIn, fields: &Fields) -> bool {
    fields.get("csrf").is_some_and(|token| user.is_form_token(views::FORM, token))
}

fn foreign_form(app: &App, headers: &HeaderMap, user: &SignedIn) -> Response {
    let language = Language::of(headers);
    let title = language.say("もう一度お試しください", "Try again");
    let mut page = app.site.page(headers, Some(user), "/", title);
    page.status = StatusCode::FORBIDDEN;
    let text = language.say(
        "このフォームは今のログインのものではありません。最初のページからやり直してください。",
        "This form does not belong to the present login. Start again at the first page.",
    );
    example_shell::message(&page, text)
}

/// A field in error and what to do about it.
pub(crate) type Mistake = (&'static str, &'static str);

fn order(
    user: &SignedIn,
    destination: Destination,
    id: &StudentId,
    fields: &Fields,
    language: Language,
) -> Result<Order, Vec<Mistake>> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut lines: Vec<(&'static Certificate, u32)> = Vec::new();
    let field = |key: &str| fields.get(key).map(|text| text.trim().to_owned()).unwrap_or_default();
    let offered = catalogue::offered(id.programme.as_deref());
    for certificate in &offered {
        match fold::half_width(&field(certificate.key)).as_str() {
            "" => {}
            copies => match copies.parse() {
                Ok(0) => {}
                Ok(copies @ 1..=MOST_COPIES) => lines.push((certificate, copies)),
                Ok(_) | Err(_) => mistakes.push((
                    certificate.key,
                    language
                        .say("部数は 0 から 10 までの数字で入力してください", "Enter a number of copies from 0 to 10"),
                )),
            },
        }
    }
    if lines.is_empty() && mistakes.is_empty() {
        let first = offered.first().map_or("record_ja", |certificate| certificate.key);
        let text = language.say("証明書の部数を 1 部以上入力してください", "Enter one copy or more of a certificate");
        mistakes.push((first, text));
    }
    let address = match destination {
        Destination::Store => None,
        Destination::Post => {
            let address = Address {
                recipient: field("recipient"),
                postal_code: id_key(&field("postal_code")).replace('〒', ""),
                address: field("address"),
            };
            if address.recipient.is_empty() {
                mistakes.push(("recipient", language.say("宛名を入力してください", "Enter the name of the recipient")));
            }
            if address.postal_code.len() != 7 || !address.postal_code.bytes().all(|b| b.is_ascii_digit()) {
                let text = language
                    .say("郵便番号は 7 桁の数字で入力してください", "Enter the seven digits of the postal code");
                mistakes.push(("postal_code", text));
            }
            if address.address.is_empty() {
                mistakes.push(("address", language.say("住所を入力してください", "Enter the address")));
            }
            Some(address)
        }
    };
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let (subject, student_id) = (user.subject().to_owned(), id.id.clone());
    Ok(Order { subject, student_id, destination, lines, address, placed_at: None })
}

/// An order as its form was filled in.
fn filled(order: &Order) -> Fields {
    let copies = order.lines.iter().map(|(certificate, copies)| (certificate.key.to_owned(), copies.to_string()));
    with_address(copies.collect(), &order.address.clone().unwrap_or_default())
}

fn with_address(mut fields: Fields, address: &Address) -> Fields {
    fields.insert("recipient".into(), address.recipient.clone());
    fields.insert("postal_code".into(), address.postal_code.clone());
    fields.insert("address".into(), address.address.clone());
    fields
}
