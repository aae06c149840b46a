//! User accounts: names and claims, passwords, sessions, throttling.

pub mod account;
pub mod activity;
pub mod claims;
mod common;
pub mod device;
pub mod name;
pub mod password;
pub mod security;
pub mod session;
pub mod sign_in;
pub mod throttle;
mod turns;
pub mod update;

pub use password::Hasher;

use crate::config::Config;
use crate::record::Trace;
use crate::store::Store;
use crate::types::Timestamp;

/// The dependencies of the rules about accounts, for one request or one command.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// The database.
    pub store: &'a Store,
    /// The pool of hashing threads.
    pub hasher: &'a Hasher,
    /// The settings of passwords, sessions and throttling.
    pub config: &'a Config,
    /// The id of the request and its origin.
    pub trace: &'a Trace,
    /// The time of the request.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests;
