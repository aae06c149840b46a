//! Accounts: what people are called, how they prove who they are, how long they stay signed in.

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

/// What the rules about accounts may reach, for one request or one command.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// The database.
    pub store: &'a Store,
    /// The pool of hashing threads.
    pub hasher: &'a Hasher,
    /// What the operator decided about passwords, sessions and tries.
    pub config: &'a Config,
    /// From where it is asked, and under which id.
    pub trace: &'a Trace,
    /// When.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests;
