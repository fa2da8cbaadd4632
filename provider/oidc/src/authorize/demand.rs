//! Checks of the person: what is missing before the request can be answered?

use super::{LoginReason, Need, person::Standing};
use crate::{
    claims,
    error::{ErrorCode, ProtocolError},
};
use madoguchi_domain::duty::Duty;

type Found = Result<Option<Need>, ProtocolError>;

fn login(reason: LoginReason) -> Found {
    Ok(Some(Need::Login { reason }))
}

/// Somebody with an account in use is signed in.
pub(super) fn session(standing: &Standing<'_>) -> Found {
    match standing.usable() {
        Some(_) => Ok(None),
        None => login(LoginReason::NoSession),
    }
}

/// `prompt=login` and `prompt=select_account`: a login made for this very request.
pub(super) fn fresh_login(standing: &Standing<'_>) -> Found {
    let prompt = standing.request.prompt;
    let done = standing.usable().is_some_and(|s| standing.signed_in_for_this(s.session));
    match (prompt.login, prompt.select_account, done) {
        (_, _, true) | (false, false, false) => Ok(None),
        (true, _, false) => login(LoginReason::Prompt),
        (false, true, false) => login(LoginReason::SelectAccount),
    }
}

/// `max_age`: the last authentication is recent enough, or was made for this request.
pub(super) fn max_age(standing: &Standing<'_>) -> Found {
    let Some((session, limit)) = standing.usable().zip(standing.request.max_age) else { return Ok(None) };
    let recent = standing.now.since(session.session.authentication.at) <= limit;
    // max_age=0 is prompt=login by another name (OpenID Connect Core §3.1.2.1).
    let recent = recent && !limit.is_zero();
    if recent || standing.signed_in_for_this(session.session) { Ok(None) } else { login(LoginReason::MaxAge) }
}

/// The person that the client named is the one signed in.
pub(super) fn account(standing: &Standing<'_>) -> Found {
    let Some(session) = standing.usable() else { return Ok(None) };
    if standing.is_named {
        Ok(None)
    } else if standing.signed_in_for_this(session.session) {
        Err(ProtocolError::new(ErrorCode::LoginRequired, "another person signed in"))
    } else {
        login(LoginReason::OtherAccount)
    }
}

/// The authentication reaches what is asked for. Voluntary wishes are met where the login page can meet them, and
/// otherwise left; an essential one that cannot be met is an error.
pub(super) fn acr(standing: &Standing<'_>) -> Found {
    let request = standing.request;
    let Some(session) = standing.usable() else { return Ok(None) };
    if request.acr_values.is_empty() || request.reaches(session.session.authentication.acr) {
        return Ok(None);
    }
    if request.reaches(standing.attainable()) && !standing.signed_in_for_this(session.session) {
        return login(LoginReason::Acr);
    }
    if request.acr_essential {
        let what = "the essential acr cannot be reached";
        return Err(ProtocolError::new(ErrorCode::UnmetAuthenticationRequirements, what));
    }
    Ok(None)
}

/// Nothing is owed that goes before: new terms to agree to.
pub(super) fn duty(standing: &Standing<'_>) -> Found {
    let Some(session) = standing.usable() else { return Ok(None) };
    Ok(Duty::of(session.account, session.session, &standing.tenant.config).map(Need::Duty))
}

/// One of several student IDs is chosen, where the request asks for one.
pub(super) fn enrolment(standing: &Standing<'_>) -> Found {
    if standing.enrolments.len() > 1 && standing.chosen().is_none() {
        return Ok(Some(Need::ChooseEnrolment { enrolments: standing.enrolments.clone() }));
    }
    Ok(None)
}

/// The person agreed: never needed by the institution's own clients unless they ask (`prompt=consent`), remembered for
/// the others until they want more.
pub(super) fn consent(standing: &Standing<'_>) -> Found {
    let request = standing.request;
    if standing.allowed {
        return Ok(None);
    }
    let claims = claims::beyond_scopes(&request.claims, &request.scope);
    let covered = standing.remembered.as_ref().is_some_and(|given| {
        let has = |scope: &str| given.scope.split(' ').any(|s| s == scope);
        request.scope.split(' ').all(has) && claims.iter().all(|c| given.claims.contains(c))
    });
    if !request.prompt.consent && (request.client.metadata.first_party || covered) {
        return Ok(None);
    }
    let scopes = request.scope.split(' ').map(str::to_owned).collect();
    Ok(Some(Need::Consent { scopes, claims }))
}
