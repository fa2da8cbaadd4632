//! The pages. Every text from outside goes through [`escape`].

use crate::{
    catalogue::{self, Destination, MOST_COPIES},
    handlers::Mistake,
    orders::{Order, reference},
    person::{self, StudentId},
};
use example_shell::{Language, Page, name};
use madoguchi_domain::Timestamp;
use madoguchi_plugin_sdk::relying_party::{SignedIn, escape};
use std::{collections::BTreeMap, fmt::Write, time::Duration};

/// The name under which forms carry their token.
pub(crate) const FORM: &str = "order";

fn csrf(user: &SignedIn) -> String {
    format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", user.form_token(FORM))
}

/// The address of the order form for a student ID, filled in as an earlier order was.
pub(crate) fn order_path(destination: Destination, id: &StudentId, order: Option<u64>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("enrolment", &id.id);
    if let Some(order) = order {
        query.append_pair("order", &order.to_string());
    }
    format!("/order/{}?{}", destination.path(), query.finish())
}

fn yen(amount: u32, language: Language) -> String {
    let digits = match amount {
        0..=999 => amount.to_string(),
        _ => format!("{},{:03}", amount / 1000, amount % 1000),
    };
    match language {
        Language::Japanese => format!("{digits}円"),
        Language::English => format!("{digits} yen"),
    }
}

/// `2026年11月22日（日）13:05`, `22 November 2026, 13:05 (Japan time)`.
fn moment(at: Timestamp, language: Language) -> String {
    use chrono::Datelike;
    let there = (at + Duration::from_secs(9 * 3600)).to_utc();
    match language {
        Language::Japanese => {
            let day = ["月", "火", "水", "木", "金", "土", "日"];
            let day = day.get(there.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
            format!("{}（{day}）{}", there.format("%Y年%-m月%-d日"), there.format("%H:%M"))
        }
        Language::English => format!("{} (Japan time)", there.format("%-d %B %Y, %H:%M")),
    }
}

/// For those who have not logged in.
pub(crate) fn welcome(page: &Page<'_>) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let mut fees = String::new();
    for certificate in catalogue::offered(None) {
        let _ = write!(
            fees,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td></tr>",
            certificate.name(language),
            yen(certificate.fee, language)
        );
    }
    format!(
        "<div class=\"hero\"><h1>{title}</h1><p class=\"lead\">{lead}</p>\
         <p><a class=\"button\" id=\"login\" href=\"/login?next=%2F\">{login}</a></p><p class=\"hint\">{hint}</p></div>\
         <div class=\"columns\"><section><h2>{how}</h2><ol class=\"steps\"><li>{one}</li><li>{two}</li><li>{three}</li></ol></section>\
         <section><h2>{fees_title}</h2><table><thead><tr><th scope=\"col\">{kind}</th><th scope=\"col\" class=\"number\">{fee}</th></tr></thead><tbody>{fees}</tbody></table></section></div>",
        title = say("卒業生のための証明書オーダー", "Certificates for graduates"),
        lead = say(
            "卒業証明書や成績証明書を、お近くのコンビニエンスストアで印刷するか、郵送で受け取れます。",
            "Print your certificates at a convenience store near you, or have them sent by post.",
        ),
        login = say("ログインして申し込む", "Log in to order"),
        hint = say(
            "はじめての方は、ログインのページから利用登録をしてください。登録には大学の確認が必要です。",
            "First time here? Register from the login page. The university checks each registration.",
        ),
        how = say("ご利用の流れ", "How it works"),
        one = say("受け取り方法と学籍番号を選びます", "Choose how to receive them, and your student ID number"),
        two = say("証明書の種類と部数を選びます", "Choose certificates and copies"),
        three = say("内容を確かめて注文します", "Check your order and send it"),
        fees_title = say("証明書と手数料", "Certificates and fees"),
        kind = say("種類", "Certificate"),
        fee = say("1部", "Each"),
    )
}

/// For those who have: how to receive, and what was ordered before.
pub(crate) fn choices(page: &Page<'_>, user: &SignedIn, placed: &[(u64, Order)]) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let name = escape(name(user, language));
    let greeting = match language {
        Language::Japanese => format!("{name} さん"),
        Language::English => format!("Welcome, {name}"),
    };
    let tile = |destination: Destination, text: &str, icon: &str| {
        format!(
            "<li><a class=\"tile\" id=\"{key}\" href=\"/order/{key}\">{icon}<b>{name}</b><span>{text}</span></a></li>",
            key = destination.path(),
            name = destination.name(language)
        )
    };
    let tiles = [
        tile(
            Destination::Store,
            say("マルチコピー機で印刷。注文のあと7日間", "At a multi-function copier, within 7 days of ordering"),
            STORE,
        ),
        tile(
            Destination::Post,
            say(
                "ご自宅や提出先へ。発送まで3営業日ほど。送料180円",
                "To your home or elsewhere; sent in about 3 working days. Postage 180 yen",
            ),
            POST,
        ),
    ]
    .concat();
    let mut orders = String::new();
    for (number, order) in placed {
        let _ = write!(
            orders,
            "<li><a href=\"/receipt/{number}\">{}</a> <span>{}</span> <span class=\"number\">{}</span></li>",
            reference(*number),
            order.destination.name(language),
            yen(order.total(), language)
        );
    }
    let orders = match orders.as_str() {
        "" => format!("<p class=\"hint\">{}</p>", say("まだ注文はありません。", "No orders yet.")),
        _ => format!("<ul class=\"orders\">{orders}</ul>"),
    };
    format!(
        "<h1>{greeting}</h1><p class=\"lead\">{lead}</p><ul class=\"tiles\">{tiles}</ul>\
         <div class=\"columns\"><section><h2>{orders_title}</h2>{orders}</section>{card}</div>",
        lead = say("証明書の受け取り方法を選んでください。", "Choose how to receive your certificates."),
        orders_title = say("ご注文の記録", "Your orders"),
        card = card(page, user),
    )
}

/// Who is logged in, and how they were authenticated.
fn card(page: &Page<'_>, user: &SignedIn) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let mut rows = String::new();
    let mut row = |term: &str, value: &str| {
        if !value.is_empty() {
            let _ = write!(rows, "<div><dt>{term}</dt><dd>{}</dd></div>", escape(value));
        }
    };
    row(say("氏名", "Name in kanji"), person::kanji(user).unwrap_or_default());
    row(say("カナ", "Name in katakana"), person::kana(user).unwrap_or_default());
    row(say("英字", "Name in roman letters"), user.text("name").unwrap_or_default());
    row(say("メールアドレス", "E-mail"), user.text("email").unwrap_or_default());
    let ids: Vec<String> = person::student_ids(user, language).into_iter().map(|id| id.id).collect();
    row(say("学籍番号", "Student ID numbers"), &ids.join(language.say("、", ", ")));
    let way = match user.text("acr") {
        Some("urn:madoguchi:acr:two-passwords") => say("2つのパスワード", "Two passwords"),
        Some("urn:madoguchi:acr:password") => say("パスワード", "Password"),
        Some(other) => other,
        None => "",
    };
    row(say("本人確認の方法", "Logged in with"), way);
    format!(
        "<section class=\"card\"><h2>{}</h2><dl>{rows}</dl><p><a href=\"{}\">{}</a></p></section>",
        say("ログイン中の方", "Logged in"),
        page.site.account(),
        say("登録内容を確かめる・変更する", "See or change your registration"),
    )
}

/// Where one is on the way to the receipt.
fn steps(language: Language, now: usize) -> String {
    let names = [
        language.say("受け取り方法", "Delivery"),
        language.say("学籍番号", "Student ID"),
        language.say("証明書", "Certificates"),
        language.say("確認", "Check"),
        language.say("受付", "Done"),
    ];
    let mut items = String::new();
    for (n, name) in names.iter().enumerate() {
        let state = match n.cmp(&now) {
            std::cmp::Ordering::Less => " class=\"past\"",
            std::cmp::Ordering::Equal => " aria-current=\"step\"",
            std::cmp::Ordering::Greater => "",
        };
        let _ = write!(items, "<li{state}><span>{name}</span></li>");
    }
    format!("<ol class=\"progress\" aria-label=\"{}\">{items}</ol>", language.say("手順", "Progress"))
}

fn described(id: &StudentId) -> String {
    let units =
        if id.units.is_empty() { String::new() } else { format!(" <span>{}</span>", escape(&id.units.join(" "))) };
    format!("<b class=\"id\">{}</b>{units}", escape(&id.id))
}

pub(crate) fn student_id_choice(page: &Page<'_>, destination: Destination, ids: &[StudentId]) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let mut choices = String::new();
    for (n, id) in ids.iter().enumerate() {
        let _ = write!(
            choices,
            "<div class=\"choice\"><input type=\"radio\" name=\"enrolment\" id=\"enrolment-{n}\" value=\"{}\" required><label for=\"enrolment-{n}\">{}</label></div>",
            escape(&id.id),
            described(id)
        );
    }
    format!(
        "{steps}<h1>{title}</h1><p class=\"lead\">{lead}</p>\
         <form method=\"get\" action=\"/order/{path}\" class=\"narrow\"><fieldset><legend>{legend}</legend>{choices}</fieldset>\
         <p class=\"actions\"><a class=\"back\" href=\"/\">{back}</a><button class=\"button\" id=\"choose\">{next}</button></p></form>",
        steps = steps(language, 1),
        title = say("学籍番号を選ぶ", "Choose a student ID number"),
        lead = say(
            "学籍番号ごとに発行できる証明書が異なります。",
            "Which certificates can be issued depends on the student ID number.",
        ),
        path = destination.path(),
        legend = say("証明書に使う学籍番号", "The student ID number for these certificates"),
        back = say("戻る", "Back"),
        next = say("次へ", "Continue"),
    )
}

pub(crate) fn no_student_id(page: &Page<'_>) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    format!(
        "<h1>{}</h1><p class=\"lead\" id=\"message\">{}</p><p><a class=\"button\" href=\"{}\">{}</a></p>",
        say("学籍番号が登録されていません", "No student ID number is registered"),
        say(
            "証明書の注文には、大学が確認した学籍番号が必要です。登録内容のページから学籍番号を追加してください。",
            "Certificates need a student ID number that the university has checked. Add one on your registration's page.",
        ),
        page.site.account(),
        say("登録内容のページへ", "Go to your registration"),
    )
}

/// The list of certificates with fees and copies; for the post, where to.
pub(crate) fn order_form(
    page: &Page<'_>,
    user: &SignedIn,
    destination: Destination,
    id: &StudentId,
    fields: &BTreeMap<String, String>,
    mistakes: &[Mistake],
) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let value = |key: &str| escape(fields.get(key).map_or("", String::as_str));
    let mistake = |key: &str| mistakes.iter().find(|(field, _)| *field == key).map(|(_, text)| *text);
    let marks = |key: &str| match mistake(key) {
        Some(_) => format!(" aria-invalid=\"true\" aria-describedby=\"{key}-error\""),
        None => String::new(),
    };
    let told = |key: &str| {
        mistake(key).map_or(String::new(), |text| format!("<p class=\"error\" id=\"{key}-error\">{text}</p>"))
    };
    let mut rows = String::new();
    for certificate in catalogue::offered(id.programme.as_deref()) {
        let key = certificate.key;
        let copies = match value(key) {
            empty if empty.is_empty() => "0".to_owned(),
            copies => copies,
        };
        let _ = write!(
            rows,
            "<tr><th scope=\"row\"><label for=\"{key}\">{name}</label>{error}</th><td class=\"number\">{fee}</td>\
             <td class=\"number\"><input class=\"copies\" id=\"{key}\" name=\"{key}\" type=\"number\" inputmode=\"numeric\" min=\"0\" max=\"{MOST_COPIES}\" value=\"{copies}\"{marks}></td></tr>",
            name = certificate.name(language),
            error = told(key),
            fee = yen(certificate.fee, language),
            marks = marks(key),
        );
    }
    let mut address = String::new();
    if destination == Destination::Post {
        let lines = [
            ("recipient", say("宛名", "Recipient"), "name", "", ""),
            (
                "postal_code",
                say("郵便番号", "Postal code"),
                "postal-code",
                "short",
                say("例：123-4567", "For example 123-4567"),
            ),
            (
                "address",
                say("住所", "Address"),
                "street-address",
                "",
                say("都道府県から建物名・部屋番号まで", "From prefecture to building and room"),
            ),
        ];
        let mut inputs = String::new();
        for (key, label, autocomplete, class, hint) in lines {
            let hint = if hint.is_empty() { String::new() } else { format!("<p class=\"hint\">{hint}</p>") };
            let _ = write!(
                inputs,
                "<div class=\"field\"><label for=\"{key}\">{label} <span class=\"tag\">{required}</span></label>{hint}{error}\
                 <input id=\"{key}\" name=\"{key}\" class=\"{class}\" autocomplete=\"{autocomplete}\" value=\"{value}\"{marks}></div>",
                required = say("必須", "Required"),
                error = told(key),
                value = value(key),
                marks = marks(key),
            );
        }
        address = format!("<h2>{}</h2>{inputs}", say("お届け先", "Where to send them"));
    }
    let mut summary = String::new();
    if !mistakes.is_empty() {
        let items: String =
            mistakes.iter().map(|(key, text)| format!("<li><a href=\"#{key}\">{text}</a></li>")).collect();
        let title = say("入力内容を確かめてください", "There is something to correct");
        summary =
            format!("<div id=\"error-summary\" role=\"alert\" tabindex=\"-1\"><h2>{title}</h2><ul>{items}</ul></div>");
    }
    format!(
        "{steps}{summary}<h1>{title}</h1><p class=\"lead\">{using} {id}</p>\
         <form method=\"post\" action=\"/order/{path}\" novalidate>{csrf}<input type=\"hidden\" name=\"enrolment\" value=\"{id_value}\">\
         <table class=\"order\"><thead><tr><th scope=\"col\">{kind}</th><th scope=\"col\" class=\"number\">{fee}</th><th scope=\"col\" class=\"number\">{copies}</th></tr></thead><tbody>{rows}</tbody></table>\
         {address}<p class=\"actions\"><a class=\"back\" href=\"/\">{back}</a><button class=\"button\" id=\"check\" name=\"check\">{next}</button></p></form>",
        steps = steps(language, 2),
        title = say("証明書と部数を選ぶ", "Choose certificates and copies"),
        using = say("学籍番号", "Student ID number"),
        id = described(id),
        path = destination.path(),
        csrf = csrf(user),
        id_value = escape(&id.id),
        kind = say("証明書の種類", "Type of certificate"),
        fee = say("手数料", "Fee"),
        copies = say("部数", "Copies"),
        back = say("戻る", "Back"),
        next = say("確認へ進む", "Continue to check"),
    )
}

fn order_table(order: &Order, language: Language) -> String {
    let say = |ja, en| language.say(ja, en);
    let mut rows = String::new();
    for (certificate, copies) in &order.lines {
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{copies}</td><td class=\"number\">{}</td></tr>",
            certificate.name(language),
            yen(certificate.fee * copies, language)
        );
    }
    if order.destination.charge() > 0 {
        let (postage, charge) = (say("送料", "Postage"), yen(order.destination.charge(), language));
        let _ = write!(rows, "<tr><th scope=\"row\">{postage}</th><td></td><td class=\"number\">{charge}</td></tr>");
    }
    format!(
        "<table class=\"order\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"number\">{}</th><th scope=\"col\" class=\"number\">{}</th></tr></thead>\
         <tbody>{rows}</tbody><tfoot><tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\"><b>{}</b></td></tr></tfoot></table>",
        say("証明書の種類", "Type of certificate"),
        say("部数", "Copies"),
        say("金額", "Amount"),
        say("合計", "Total"),
        order.copies(),
        yen(order.total(), language),
    )
}

fn order_facts(order: &Order, user: &SignedIn, language: Language) -> String {
    let say = |ja, en| language.say(ja, en);
    let mut rows = String::new();
    let mut row = |term: &str, value: &str| {
        let _ = write!(rows, "<div><dt>{term}</dt><dd>{}</dd></div>", escape(value));
    };
    row(say("お名前", "Name"), name(user, language));
    row(say("学籍番号", "Student ID number"), &order.student_id);
    row(say("受け取り方法", "Delivery"), order.destination.name(language));
    if let Some(address) = &order.address {
        let (first, last) = address.postal_code.split_at_checked(3).unwrap_or((&address.postal_code, ""));
        row(say("お届け先", "Sent to"), &format!("〒{first}-{last} {} {}", address.address, address.recipient));
    }
    format!("<dl class=\"facts\">{rows}</dl>")
}

pub(crate) fn check(page: &Page<'_>, user: &SignedIn, number: u64, order: &Order) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let id = StudentId { id: order.student_id.clone(), programme: None, units: Vec::new() };
    format!(
        "{steps}<h1>{title}</h1><p class=\"lead\">{lead}</p>{facts}{table}\
         <form method=\"post\" action=\"/check/{number}\">{csrf}<p class=\"actions\"><a class=\"back\" id=\"back\" href=\"{back_to}\">{back}</a>\
         <button class=\"button\" id=\"submit\">{submit}</button></p></form>",
        steps = steps(language, 3),
        title = say("ご注文の確認", "Check your order"),
        lead = say("この内容でよければ注文してください。", "If everything is right, place the order."),
        facts = order_facts(order, user, language),
        table = order_table(order, language),
        csrf = csrf(user),
        back_to = escape(&order_path(order.destination, &id, Some(number))),
        back = say("修正する", "Change"),
        submit = say("注文する", "Place order"),
    )
}

pub(crate) fn receipt(page: &Page<'_>, user: &SignedIn, number: u64, order: &Order, at: Timestamp) -> String {
    let language = page.language();
    let say = |ja, en| language.say(ja, en);
    let next = match order.destination {
        Destination::Store => {
            let until = moment(at + Duration::from_secs(7 * 24 * 3600), language);
            match language {
                Language::Japanese => format!(
                    "マルチコピー機で受付番号を入力して印刷してください。手数料は店頭でお支払いください。印刷の期限は {until} です。"
                ),
                Language::English => format!(
                    "Enter this number at a multi-function copier to print, and pay there. You can print until {until}."
                ),
            }
        }
        Destination::Post => say(
            "3営業日ほどで発送します。手数料のお支払い方法は、発送のときにメールでお知らせします。",
            "The certificates will be sent in about three working days. A mail will tell you how to pay.",
        )
        .to_owned(),
    };
    format!(
        "{steps}<div class=\"done\" id=\"reception\"><h1>{title}</h1><p>{label}</p><p class=\"reference\" data-reference=\"{reference}\">{reference}</p>\
         <p>{at_label} {at}</p></div><h2>{next_title}</h2><p>{next}</p><h2>{what}</h2>{facts}{table}\
         <p class=\"actions\"><a class=\"button\" href=\"/\">{home}</a></p>",
        steps = steps(language, 4),
        title = say("ご注文を受け付けました", "Order received"),
        label = say("受付番号", "Order number"),
        reference = reference(number),
        at_label = say("受付日時", "Received"),
        at = moment(at, language),
        next_title = say("このあとのこと", "What comes next"),
        what = say("ご注文の内容", "Your order"),
        facts = order_facts(order, user, language),
        table = order_table(order, language),
        home = say("最初のページへ", "First page"),
    )
}

const STORE: &str = "<svg viewBox=\"0 0 40 40\" width=\"40\" height=\"40\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" stroke-linejoin=\"round\"><path d=\"M11 15V5h18v10M11 29H6V15h28v14h-5M11 23h18v12H11z\"/></svg>";
const POST: &str = "<svg viewBox=\"0 0 40 40\" width=\"40\" height=\"40\" aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" stroke-linejoin=\"round\"><path d=\"M4 9h32v23H4zM4 10l16 13L36 10\"/></svg>";
