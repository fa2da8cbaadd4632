//! A copy of one's data, as a file.

use crate::{
    pages::OwnDataPage,
    visit::{Answer, Visit},
};
use axum::{extract::RawForm, response::IntoResponse};
use http::{HeaderValue, header};
use madoguchi_oidc::Params;
use madoguchi_service::ServiceError;

pub(super) async fn show(visit: Visit) -> Answer {
    visit.recently_signed_in()?;
    Ok(visit.page(&OwnDataPage {}))
}

pub(super) async fn download(visit: Visit, RawForm(body): RawForm) -> Answer {
    let active = visit.recently_signed_in()?;
    let form = Params::read(None, Some(&body));
    visit.check_form("own-data", form.get("csrf").unwrap_or_default())?;
    let data = visit.web.service().own_data(&visit.tenant, active, &visit.source).await;
    let data = data.map_err(|e| visit.fault(&e))?;
    let json = serde_json::to_vec_pretty(&data).map_err(|e| visit.fault(&ServiceError::bug(e)))?;
    let name = format!("attachment; filename=\"{}-own-data.json\"", visit.tenant.slug);
    let disposition = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("application/json");
    Ok(visit.seal(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], json).into_response()))
}
