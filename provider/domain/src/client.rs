//! A relying party: its registered metadata (RFC 7591 §2 and OpenID Connect Dynamic Client Registration §2).

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic with the form-encoded identifier and secret (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// Secret in the body.
    ClientSecretPost,
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// A public client.
    None,
}

/// Signature algorithms for what we sign and what clients sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256; every relying party knows it.
    RS256,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    /// All that we sign with.
    pub const ALL: [Self; 4] = [Self::RS256, Self::PS256, Self::ES256, Self::EdDSA];
    /// The `alg` value (RFC 7518 §3.1, RFC 8037 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == name)
    }
}

/// Web or native (OpenID Connect Dynamic Client Registration §2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// https redirect URIs.
    #[default]
    Web,
    /// Loopback redirect URIs, any port (RFC 8252 §7.3), or a private-use scheme.
    Native,
}

/// Whether all clients know a person by the same identifier (OpenID Connect Core §8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for all.
    #[default]
    Public,
    /// Another for each sector: clients of different sectors cannot tell that they have the same person.
    Pairwise,
}

/// A client's registered metadata. Members that we do not know end up among `tagged`, where [`validate`] refuses them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClientMetadata {
    /// The identifier; made at registration when absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// Shown to people on login and consent; language-tagged variants as `client_name#ja`.
    #[serde(default)]
    pub client_name: String,
    /// Language-tagged members (`client_name#ja`, `policy_uri#en`).
    #[serde(flatten)]
    pub tagged: BTreeMap<String, String>,
    /// Exact redirect URIs.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Exact URIs that a logout may return to.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Web or native.
    #[serde(default)]
    pub application_type: ApplicationType,
    /// How it proves itself.
    #[serde(default)]
    pub token_endpoint_auth_method: ClientAuthentication,
    /// `authorization_code`, `refresh_token`, `implicit`.
    #[serde(default = "default_grant_types")]
    pub grant_types: Vec<String>,
    /// `code`, and where the tenant allows them the implicit and hybrid ones.
    #[serde(default = "default_response_types")]
    pub response_types: Vec<String>,
    /// What ID tokens are signed with; RS256 when absent, as the standard says.
    #[serde(default = "default_algorithm")]
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// What signed authorization responses are signed with; RS256 when absent, as JARM §3 says.
    #[serde(default = "default_algorithm")]
    pub authorization_signed_response_alg: SigningAlgorithm,
    /// What signed introspection answers are signed with; RS256 when absent, as RFC 9701 §6 says.
    #[serde(default = "default_algorithm")]
    pub introspection_signed_response_alg: SigningAlgorithm,
    /// Scopes it may ask for; every scope of the tenant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Public keys by value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Public keys by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// Whether its `sub` is its sector's own.
    #[serde(default)]
    pub subject_type: SubjectType,
    /// The document that names the redirect URIs of its sector (Dynamic Client Registration §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<Url>,
    /// Starts its login (OpenID Connect Core §4); https, or http on loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<Url>,
    /// Where it is told that a session ended (Back-Channel Logout §2.2); https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<Url>,
    /// Whether it needs the session's identifier for that; it gets it always.
    #[serde(default)]
    pub backchannel_logout_session_required: bool,
    /// The page that browsers load when a session ends (Front-Channel Logout §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<Url>,
    /// Whether that page is given issuer and session.
    #[serde(default)]
    pub frontchannel_logout_session_required: bool,
    /// Its start page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<Url>,
    /// Its logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<Url>,
    /// Its privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<Url>,
    /// Its terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<Url>,
    /// People to ask about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Default `max_age` in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// Whether `auth_time` is always in the ID token.
    #[serde(default)]
    pub require_auth_time: bool,
    /// Asked for when a request names no `acr_values`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// What its request objects are signed with; any that we know when absent (RFC 9101 §10.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<SigningAlgorithm>,
    /// Whether its authorization requests must be signed (RFC 9101 §10.5).
    #[serde(default)]
    pub require_signed_request_object: bool,
    /// Where its request objects may be fetched from: exact URLs, https.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// Whether its authorization requests must be pushed (RFC 9126 §6).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Ours: a security profile that it is held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<SecurityProfile>,
    /// Ours: the institution's own application; no consent page.
    #[serde(default)]
    pub first_party: bool,
    /// Ours: PKCE is demanded unless this confidential client is registered otherwise.
    #[serde(default = "yes")]
    pub require_pkce: bool,
    /// Ours: what of the home page's tiles starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<String>,
}

fn default_grant_types() -> Vec<String> {
    vec!["authorization_code".into()]
}
fn default_response_types() -> Vec<String> {
    vec!["code".into()]
}
fn default_algorithm() -> SigningAlgorithm {
    SigningAlgorithm::RS256
}
fn yes() -> bool {
    true
}

/// The names of all members of a client's metadata, without language tags.
pub fn members() -> BTreeSet<String> {
    let schema = schemars::schema_for!(ClientMetadata).to_value();
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.map(|members| members.keys().cloned().collect()).unwrap_or_default()
}

impl ClientMetadata {
    /// A member in the reader's language (`client_name#ja`), else the untagged one.
    pub fn name(&self, locale: &crate::Locale) -> &str {
        self.tagged.get(&format!("client_name#{locale}")).map_or(&self.client_name, |n| n)
    }
    /// The host that its pairwise subjects belong to (OpenID Connect Core §8.1); none for public ones.
    pub fn sector(&self) -> Option<String> {
        match self.subject_type {
            SubjectType::Public => None,
            SubjectType::Pairwise => {
                let redirect_uri = || self.redirect_uris.iter().find_map(|uri| Url::parse(uri).ok());
                let uri = self.sector_identifier_uri.clone().or_else(redirect_uri);
                Some(uri.as_ref().and_then(Url::host_str).unwrap_or(&self.client_id).to_owned())
            }
        }
    }
    /// Whether it has no secret and no key.
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == ClientAuthentication::None
    }
}

/// A client as stored: metadata, and the hash of its secret.
#[derive(Debug, Clone)]
pub struct Client {
    /// What is registered.
    pub metadata: ClientMetadata,
    /// SHA-256 of the secret.
    pub secret_hash: Option<crate::TokenHash>,
}

/// One thing wrong in a client's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientProblem {
    /// The member, and which of its values: `redirect_uris[0]`.
    pub member: String,
    /// What is wrong and what was expected.
    pub message: String,
}

mod profile;
mod response_type;
mod validate;
pub use profile::SecurityProfile;
pub use response_type::ResponseType;
pub use validate::validate;
