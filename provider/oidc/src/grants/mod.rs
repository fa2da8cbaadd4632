//! Grants at work: the token endpoint and userinfo.

mod client_auth;
mod code;
mod issue;
mod policy;
mod refresh;
mod token;
mod userinfo;

pub use token::EndpointRequest;
