//! Tokens: what they contain, how they are issued, accepted, introspected and revoked.

pub mod access_token;
pub mod audience;
pub mod claims;
pub mod dpop;
pub mod gateway;
pub mod introspect;
pub mod mint;
pub mod possession;
pub mod revoke;
pub mod sid;
pub mod subject;
pub mod userinfo;
