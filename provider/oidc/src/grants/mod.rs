//! Grants at work: the token endpoint, userinfo, introspection and revocation.

mod client_auth;
mod code;
mod front_channel;
mod introspection;
mod issue;
mod own_token;
mod policy;
mod refresh;
mod revocation;
mod token;
mod userinfo;

pub use token::EndpointRequest;
pub(crate) use token::Refusal;
