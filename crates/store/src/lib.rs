//! SQL: one file per table, one function per query.
//!
//! A function reads or changes rows, with one conditional statement wherever the state decides; the layers above
//! know why a row is changed. The modules are grouped by subject: `database` has the connections and the
//! statements, the other folders the tables.

pub mod certificates;
pub mod clients;
#[cfg(test)]
mod commits;
mod database;
#[cfg(test)]
mod decoding;
pub mod grants;
mod keys;
mod operation;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod sources;
#[cfg(any(test, feature = "testing"))]
pub mod test_database;
pub mod users;

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use certificates::{
    acme, authorities, certificate_warnings, enrolments, revocation_answers, shown_chains,
};
pub use clients::resources;
pub use database::db::{Db, DecodedRow, Executor, Statement, Tx, is_duplicate, is_transient, sql};
pub use database::fault::is_away;
pub use database::open::{ConnectionLimits, OpenMode, OpenStoreError};
pub use database::outages::Outages;
pub use database::probe;
pub use grants::{codes, consents, decisions, opaque_tokens, replays, revoked_tokens};
pub use keys::{server_secrets, signing_keys};
pub use operation::{
    ahead, audit_events, cache, failovers, idempotency_keys, jobs, outbox, sweep, versions,
};
pub use users::{device_cookies, links, roles, sessions, sign_in_tries};

use gatewright_base::types;

use self::types::{Error, Failure};

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    /// A connection of its own for the check whether the database responds.
    probe: Db,
    outages: std::sync::Arc<Outages>,
    /// The lock on an SQLite file, held while the server runs.
    _lock: Option<std::sync::Arc<std::fs::File>>,
}

impl<'c> From<&'c Store> for Executor<'c> {
    fn from(store: &'c Store) -> Self {
        Self::Db(&store.db)
    }
}

impl Store {
    /// For single statements outside a transaction.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// For the check whether the database responds.
    pub fn probe(&self) -> &Db {
        &self.probe
    }

    /// The outages of the database.
    pub fn outages(&self) -> &Outages {
        &self.outages
    }

    /// Opens a write transaction, whose first statement must be a write: a transaction that reads first and then
    /// writes fails with `database is locked` under load.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(&self) -> sqlx::Result<Tx> {
        self.db.begin().await
    }
}

/// Runs `work`, a whole transaction, and retries it when it conflicted with another one: at most five times, after
/// a short random pause (THREATS DB-05).
///
/// # Errors
/// The last error of `work`.
pub async fn retrying<T, F, Fut>(work: F) -> Result<T, Error>
where
    F: Fn() -> Fut + Send,
    Fut: Future<Output = Result<T, Error>> + Send,
    T: Send,
{
    const MOST: u8 = 5;
    for _ in 1..MOST {
        match work().await {
            Err(Error::Failed(Failure::Store(error))) if is_transient(&error) => {
                let mut byte = [0];
                crate::types::secret::entropy(&mut byte);
                tokio::time::sleep(Duration::from_millis(1 + u64::from(byte[0] / 8))).await;
            }
            done => return done,
        }
    }
    work().await
}

/// Replaces the sealed form of the row `key` by one under a newer key, unless it was replaced in the meantime. The
/// statement takes the new form, the key and the old form.
async fn reseal(
    on: impl Into<Executor<'_>>,
    statement: &'static str,
    key: &str,
    from: &[u8],
    to: &[u8],
) -> sqlx::Result<bool> {
    let resealed = sql(statement).bind(to).bind(key).bind(from).execute(on).await?;
    Ok(resealed == 1)
}

/// A value as JSON, for a column of TEXT.
fn to_json<T: Serialize>(value: &T) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// The inverse of [`to_json`].
fn from_json<T: DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
