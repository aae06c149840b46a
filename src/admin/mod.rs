//! Administration: one function per action, for every interface that administers the server.
//!
//! An action takes a [`Call`], checks its permission ([`Action`]) before it can reach the database, and returns a typed
//! result with the kind of the audit event that the rule below has written in the same transaction. Listings return pages in the order of an index;
//! the caller continues after the last key of a page, so neither memory nor a query grows with the table.
//!
//! The command line is such an interface: it parses, calls one of these functions, and prints the result.

use std::ops::Deref;

mod action;
pub mod administrator;
pub mod audit;
pub mod ca;
pub mod cert;
pub mod client;
pub mod database;
mod dependencies;
mod error;
pub mod idempotency;
pub mod key;
pub mod refusal;
pub mod resource;
pub mod role;
pub mod session;
pub mod user;

pub use self::action::Action;
pub use self::administrator::{Administrator, Authority, RECENT};
pub use self::dependencies::{Dependencies, OnDemand};
pub use self::error::{Error, Subject};
use crate::config::Config;
use crate::record::{Context, Kind};
use crate::store::Store;
use crate::types::Timestamp;

/// The result of an action.
pub type Result<T> = std::result::Result<T, Error>;

/// One call of an action: who performs it, and what it works with. It gives access to nothing before
/// `allow`.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    administrator: &'a Administrator,
    context: Context<'a>,
    dependencies: Dependencies<'a>,
}

impl<'a> Call<'a> {
    /// A call by this administrator, at the time of their request.
    pub const fn new(
        administrator: &'a Administrator,
        store: &'a Store,
        config: &'a Config,
        dependencies: Dependencies<'a>,
    ) -> Self {
        let context = Context::new(store, config, administrator.trace());
        Self { administrator, context, dependencies }
    }

    /// The time of the call.
    pub const fn now(&self) -> Timestamp {
        self.context.now
    }

    /// The authority of the administrator.
    pub const fn authority(&self) -> &'a Authority {
        self.administrator.authority()
    }

    /// Checks that the administrator may perform an action now, before anything else of a request is read. The
    /// action itself checks again.
    ///
    /// # Errors
    /// The roles or the scope do not include it, or the authentication is too old.
    pub fn check(&self, action: Action) -> Result<()> {
        self.allow(action).map(drop)
    }

    /// Checks that the administrator may perform an action now.
    ///
    /// # Errors
    /// The roles or the scope do not include it, or the authentication is too old.
    fn allow(&self, action: Action) -> Result<Allowed<'a>> {
        self.authority().check(action, self.context.now)?;
        Ok(Allowed { context: self.context, dependencies: self.dependencies })
    }
}

/// A permitted call: what an action works with.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    context: Context<'a>,
    dependencies: Dependencies<'a>,
}

impl<'a> Deref for Allowed<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

/// What an action did.
#[derive(Debug)]
pub struct Done<T> {
    /// The changed object, or what else the action returns.
    pub result: T,
    /// The kind of the audit event of this change. The rule writes it in the transaction of the change, under the
    /// request id of the trace, along with events of what the change entails, such as the revocation of other
    /// certificates. A change that has no effect writes none.
    pub event: Kind,
}

impl<T> Done<T> {
    const fn new(result: T, event: Kind) -> Self {
        Self { result, event }
    }
}

/// The number of rows of a page.
pub const PAGE_SIZE: i64 = 500;

/// A page of a listing.
#[derive(Debug)]
pub struct Page<T> {
    /// Its rows; the next page begins after the key of the last one.
    pub items: Vec<T>,
    /// Whether the listing ends with this page.
    pub is_last: bool,
}

impl<T> Page<T> {
    /// A page for which up to `limit` rows were requested.
    fn new(items: Vec<T>, limit: i64) -> Self {
        let is_last = i64::try_from(items.len()).is_ok_and(|count| count < limit);
        Self { items, is_last }
    }
}

#[cfg(test)]
mod tests;
