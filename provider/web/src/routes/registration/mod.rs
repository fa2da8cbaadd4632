//! For applicants: mail address, link, terms, form, check, reception; and the correction of an application.
//!
//! ```text
//! GET  /register             mail address           POST → a mail with a link, 303 /register/sent
//! GET  /register/link/…      the link in the mail   → its secret moves into a cookie, 303 /register/terms
//! GET  /register/terms       permission for use     POST → a draft begins, 303 /register/form
//! GET  /register/form        the form               POST → saved whatever was typed, 303 /register/check or 422
//! GET  /register/check       everything once more   POST → handed in once, 303 /register/reception
//! GET  /resubmit/link/…      the link of a mail that asks for a correction → /resubmit → /register/form
//! GET  /account/student-id   one more student ID number: POST → a mail with a link
//! GET  /student-id/link/…    the link in that mail  → /student-id → /register/form
//! GET  /account/profile      own data               POST → 303 /account/profile/check, or changed at once
//! ```

mod address;
mod check;
mod draft;
mod field;
mod form;
mod link;
mod personal;
mod places;
mod student_id;
mod upload;

use crate::state::Web;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

// the desk and the check page say fields and pictures in the same words
pub(super) use check::{calendar_words, value};
pub(super) use draft::image_response;
pub(super) use field::{describe as describe_field, label, option_label};
pub(super) use personal::withdraw_url;

/// The most bytes of a form with images; a tenant's own limit for each image is checked while reading.
const UPLOAD_LIMIT: usize = 32 * 1024 * 1024;

pub(super) fn router() -> Router<Web> {
    Router::new()
        .route("/register", get(address::show).post(address::send))
        .route("/register/sent", get(address::sent))
        .route("/register/link/{token}", get(link::registration))
        .route("/register/terms", get(link::terms).post(link::agree))
        .route("/register/form", get(form::show).post(form::save).layer(DefaultBodyLimit::max(UPLOAD_LIMIT)))
        .route("/register/postal-code", post(places::postal_code))
        .route("/register/municipalities", post(places::of_prefecture))
        .route("/register/document/{slot}", get(draft::document))
        .route("/register/check", get(check::show).post(check::submit))
        .route("/register/reception", get(check::reception))
        .route("/resubmit/link/{token}", get(link::resubmission))
        .route("/resubmit", get(link::confirm).post(link::reopen))
        .route("/account/student-id", get(student_id::show).post(student_id::send))
        .route("/account/student-id/sent", get(student_id::sent))
        .route("/student-id/link/{token}", get(link::student_id))
        .route("/student-id", get(student_id::confirm).post(student_id::open))
        .route("/account/profile", get(form::show).post(form::save).layer(DefaultBodyLimit::max(UPLOAD_LIMIT)))
        .route("/account/profile/document/{slot}", get(draft::document))
        .route("/account/profile/check", get(check::show).post(check::submit))
        .route("/account/profile/done", get(personal::done))
        .route("/account/applications/{reference}/withdraw", get(personal::withdraw).post(personal::withdrawn))
}
