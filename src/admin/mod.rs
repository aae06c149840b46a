//! Administration: one function per action, for every interface that administers the server.
//!
//! An action takes a [`Call`], which names its [`Actor`], and returns a typed result with the kind of the audit
//! event that the rule below has written in the same transaction. Listings return pages in the order of an index;
//! the caller continues after the last key of a page, so neither memory nor a query grows with the table.
//!
//! The command line is such an interface: it parses, calls one of these functions, and prints the result.

use std::ops::Deref;

pub mod audit;
pub mod ca;
pub mod cert;
pub mod client;
pub mod database;
mod dependencies;
mod error;
pub mod key;
pub mod resource;
pub mod user;

pub use self::dependencies::Dependencies;
pub use self::error::{Error, Subject};
use crate::jose::Kek;
use crate::record::{Context, Kind};

/// The result of an action.
pub type Result<T> = std::result::Result<T, Error>;

/// Who performs an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The operator at the command line, who has access to the database and the keys.
    Operator,
}

/// One call of an action: who performs it, and what it works with.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who performs the action.
    pub actor: Actor,
    /// The database, the configuration, the request id and the time of the call.
    pub context: Context<'a>,
    /// What only some actions need.
    pub dependencies: &'a Dependencies,
}

impl<'a> Deref for Call<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl Call<'_> {
    /// Opens the key-encryption key.
    async fn kek(&self) -> Result<Kek> {
        Ok(crate::flow::keys::kek::open(&self.config.keys, self.store).await?)
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
