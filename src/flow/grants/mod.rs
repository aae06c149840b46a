//! Grants: one file per `grant_type` of the token endpoint, and how grants end.

pub mod applications;
pub mod client_credentials;
pub mod code;
pub mod failover;
pub mod refresh;
