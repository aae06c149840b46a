//! The common types: no I/O, no clock, no dependency on other layers.

pub mod administration;
pub mod algorithm;
pub mod authentication;
pub mod client;
pub mod colour;
pub mod confirmation;
pub mod error;
pub mod id;
pub mod json;
pub mod language;
pub mod params;
pub mod pem;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod session;
#[cfg(feature = "sql")]
pub mod sql;
pub mod subscriber;
pub mod time;
pub mod token;
pub mod user;
pub mod wire;

pub use administration::{Actor, Holder, Role};
pub use algorithm::Algorithm;
pub use authentication::{Acr, Amr, Factor};
pub use client::Client;
pub use confirmation::{Bonds, Confirmation, Scheme, Thumbprint};
pub use error::{Code, Error, Failure, Refusal, Result};
pub use id::{ClientId, GrantId, ResourceId, SessionId, UserId};
pub use params::Params;
pub use resource::Resource;
pub use scope::Scope;
pub use secret::{Digest, Secret};
pub use subscriber::{Network, Subscriber};
pub use time::{Seconds, Timestamp};
pub use user::User;
pub use wire::wire_enum;
