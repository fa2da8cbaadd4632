//! Every step of a process is tied to what it is a step of, so that none can be repeated, skipped or mixed with another's.
//!
//! A page says what its form is about with [`Visit::at_step`]: the link that was opened, the draft at the revision that is
//! shown, the ticket of the first login. The form carries a value over page, browser and that ([`crate::csrf`]); the POST
//! asks [`Visit::check_step`] whether it is still about the same. If not, it is an invalid operation: 409, nothing is
//! changed, the page leads to the step that is right. Where the tenant says so (`session.back_button = "log_out"`), whoever
//! is signed in is logged out as well.
//!
//! What the browser's own Back does, only the browser knows. With script, its page tells us (`POST /back`); without, the
//! page that Back asks for anew is what it is now, and the old page's form is a step that is over.

use crate::{cookies::Jar, pages::InvalidOperation, visit::Visit};
use axum::response::Response;
use http::{Method, StatusCode};
use madoguchi_domain::tenant::BackButton;
use madoguchi_oidc::Params;
use madoguchi_service::DraftState;

impl Visit {
    /// The pages of this answer are a step of this.
    pub(crate) fn at_step(&self, of: &str) {
        if let Ok(mut step) = self.step.lock() {
            *step = Some(of.to_owned());
        }
    }

    /// The value of the hidden input `step`.
    pub(crate) fn step_value(&self, page: &str) -> Option<String> {
        let step = self.step.lock().ok()?;
        Some(self.web.csrf().step(&self.tenant.slug, page, &self.browser, step.as_deref()?))
    }

    /// Whether the form that was sent is of this page about this. If not: an invalid operation, with the way to `next`.
    pub(crate) async fn check_step(&self, page: &str, form: &Params, of: &str, next: String) -> Result<(), Response> {
        self.check_step_value(page, form.get("step").unwrap_or_default(), of, next).await
    }

    /// The same for a form that was read otherwise.
    pub(crate) async fn check_step_value(
        &self,
        page: &str,
        presented: &str,
        of: &str,
        next: String,
    ) -> Result<(), Response> {
        if self.web.csrf().is_step(&self.tenant.slug, page, &self.browser, of, presented) {
            return Ok(());
        }
        Err(self.invalid_operation(next).await)
    }

    /// 409: this step is done, or was never the present one. Nothing was changed, but that whoever is signed in is logged
    /// out where the tenant wants it so; never by a GET, which other sites can make a browser send.
    pub(crate) async fn invalid_operation(&self, next: String) -> Response {
        let logs_out = match self.tenant.config.settings.session.back_button {
            BackButton::LogOut => self.session.is_some() && self.method == Method::POST,
            BackButton::ShowStep => false,
        };
        if !logs_out {
            return self.page_with(StatusCode::CONFLICT, &InvalidOperation { signed_out: false, next_url: next });
        }
        if let Err(failed) = self.end_session().await {
            return failed;
        }
        let page = InvalidOperation { signed_out: true, next_url: self.to("/login") };
        self.signed_out().page_with(StatusCode::CONFLICT, &page)
    }

    /// Whether a page of a step that is over leads to the right one by itself: when it is only looked at, where Back is
    /// no invalid operation.
    pub(crate) fn shows_right_step(&self) -> bool {
        let looks = self.method == Method::GET || self.method == Method::HEAD;
        looks && self.tenant.config.settings.session.back_button == BackButton::ShowStep
    }

    /// Where the process that this browser is in stands.
    pub(crate) async fn right_step(&self) -> Result<String, Response> {
        let Some(token) = self.cookie(Jar::Draft).filter(|_| self.session.is_none()) else { return Ok(self.to("/")) };
        let state = self.web.service().draft_for_browser(&self.tenant, &token).await.map_err(|e| self.fault(&e))?;
        Ok(self.to(match state {
            Some(DraftState::Open(_)) => "/register/form",
            Some(DraftState::Submitted { .. }) => "/register/reception",
            Some(DraftState::Ended) | None => "/",
        }))
    }
}
