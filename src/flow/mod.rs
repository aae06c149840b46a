//! The rules of the protocol, one file per grant and per RFC.
//!
//! A rule takes a [`Call`] and what the client asks for, and returns what it gets, a refusal or a
//! failure. It knows neither HTTP nor the text of SQL.

pub mod access_token;
pub mod account;
pub mod audience;
pub mod authorize;
mod call;
pub mod claims;
pub mod client_auth;
pub mod client_credentials;
pub mod client_keys;
pub mod client_metadata;
pub mod code;
pub mod dpop;
pub mod enrolment;
pub mod failover;
pub mod gateway;
pub mod interaction;
pub mod introspect;
pub mod kek;
pub mod keys;
pub mod logout;
pub mod metadata;
pub mod mint;
pub mod possession;
pub mod redirect_uri;
pub mod refresh;
pub mod registration;
pub mod resources;
pub mod revoke;
pub mod sid;
pub mod subject;
pub mod uri;
pub mod userinfo;
pub mod waiting;

pub use call::Call;
