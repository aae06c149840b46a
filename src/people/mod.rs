//! User accounts: names and claims, passwords, sessions, throttling.

pub mod account;
pub mod activity;
pub mod claims;
mod common;
pub mod device;
pub mod links;
pub mod name;
pub mod password;
pub mod search;
pub mod security;
pub mod session;
pub mod sign_in;
pub mod throttle;
mod turns;
pub mod update;

pub use password::Hasher;

use std::ops::Deref;

use crate::record::Context;

/// The dependencies of the rules about accounts, for one request or one command.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
    /// The pool of hashing threads.
    pub hasher: &'a Hasher,
}

impl<'a> Deref for People<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

#[cfg(test)]
mod tests;
