//! The `claims` parameter (OpenID Connect Core §5.5).

use crate::{
    error::{ErrorCode, ProtocolError},
    verified_claims::{self, VerifiedRequest},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Which single claims a request asks for, and where.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct ClaimsRequest {
    /// To be had at userinfo.
    #[serde(default)]
    pub(crate) userinfo: BTreeMap<String, Option<Wanted>>,
    /// To be in the ID token.
    #[serde(default)]
    pub(crate) id_token: BTreeMap<String, Option<Wanted>>,
    /// `verified_claims` to be had at userinfo.
    #[serde(skip)]
    pub(crate) verified_userinfo: VerifiedRequest,
    /// `verified_claims` to be in the ID token.
    #[serde(skip)]
    pub(crate) verified_id_token: VerifiedRequest,
}

/// How one claim is asked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct Wanted {
    /// Whether the client cannot do without.
    #[serde(default)]
    pub(crate) essential: bool,
    value: Option<Value>,
    values: Option<Vec<Value>>,
}

impl Wanted {
    /// The values that are asked for; empty for any.
    pub(crate) fn values(&self) -> Vec<&Value> {
        self.value.iter().chain(self.values.iter().flatten()).collect()
    }
    /// Whether `value` is one of those asked for.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        (self.value.is_none() && self.values.is_none()) || self.values().contains(&value)
    }
}

impl ClaimsRequest {
    /// Reads the parameter's JSON; members that we do not know are ignored.
    pub(crate) fn parse(text: &str) -> Result<Self, ProtocolError> {
        let bad = || ProtocolError::new(ErrorCode::InvalidRequest, "claims is not a claims request in JSON");
        let mut value: Value = serde_json::from_str(text).map_err(|_| bad())?;
        let mut verified = |place: &str| {
            let asked =
                value.get_mut(place).and_then(Value::as_object_mut).and_then(|p| p.remove(verified_claims::CLAIM));
            asked.map_or_else(|| Ok(VerifiedRequest::default()), |asked| VerifiedRequest::parse(&asked).ok_or_else(bad))
        };
        let (verified_userinfo, verified_id_token) = (verified("userinfo")?, verified("id_token")?);
        let claims = ["userinfo", "id_token"].into_iter().filter_map(|place| value.get(place)?.as_object());
        // An array would pass for a structure otherwise.
        if !value.is_object() || !claims.flatten().all(|(_, wanted)| wanted.is_null() || wanted.is_object()) {
            return Err(bad());
        }
        let claims: Self = serde_json::from_value(value).map_err(|_| bad())?;
        Ok(Self { verified_userinfo, verified_id_token, ..claims })
    }

    /// For a tenant that tells nothing of how facts were verified: then nobody is asked about it either.
    pub(crate) fn forget_verified(&mut self) {
        self.verified_userinfo = VerifiedRequest::default();
        self.verified_id_token = VerifiedRequest::default();
    }

    /// What is stored with a grant; it was validated before.
    pub(crate) fn stored(text: Option<&str>) -> Self {
        text.and_then(|t| Self::parse(t).ok()).unwrap_or_default()
    }

    /// How a claim is asked for in either place, the ID token first.
    pub(crate) fn wanted(&self, claim: &str) -> Option<&Wanted> {
        [&self.id_token, &self.userinfo].into_iter().find_map(|place| place.get(claim).and_then(Option::as_ref))
    }

    /// Whether a claim is asked for in either place.
    pub(crate) fn asks_for(&self, claim: &str) -> bool {
        self.id_token.contains_key(claim) || self.userinfo.contains_key(claim)
    }

    /// Names of all claims asked for, each once.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.id_token.keys().chain(self.userinfo.keys()).map(String::as_str).collect()
    }

    /// Names of all claims asked for with how they were verified.
    pub(crate) fn verified_names(&self) -> BTreeSet<&str> {
        self.verified_id_token.names().into_iter().chain(self.verified_userinfo.names()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_value_and_values_are_told_apart() {
        let request = ClaimsRequest::parse(
            r#"{"userinfo":{"email":null,"name":{"essential":true}},"id_token":{"acr":{"values":["a","b"]},"sub":{"value":"s"}},"other":1}"#,
        )
        .unwrap();
        assert!(request.asks_for("email") && request.wanted("email").is_none());
        assert!(request.wanted("name").unwrap().essential);
        assert!(request.wanted("acr").unwrap().accepts(&"b".into()));
        assert!(!request.wanted("sub").unwrap().accepts(&"t".into()));
    }

    #[test]
    fn what_is_not_an_object_of_objects_is_refused() {
        for bad in [
            "",
            "[]",
            "{\"userinfo\":[]}",
            "{\"id_token\":{\"acr\":\"x\"}}",
            "{\"id_token\":{\"verified_claims\":null}}",
            "nonsense",
        ] {
            assert!(ClaimsRequest::parse(bad).is_err(), "{bad}");
        }
    }
}
