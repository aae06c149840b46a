//! What a rule may reach while it answers one request.

use crate::config::Config;
use crate::flow::client_keys::ClientKeys;
use crate::flow::keys::{Keyring, Keys};
use crate::flow::possession::Held;
use crate::outbound::Outbound;
use crate::record::{Metrics, Recorder, Trace};
use crate::store::Store;
use crate::store::cache::Cache;
use crate::types::{Failure, Timestamp};
use std::sync::Arc;

/// One request: what stands behind it, and the time at which it is judged.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The database.
    pub store: &'a Store,
    /// Clients and resources.
    pub cache: &'a Cache,
    /// Our signing keys.
    pub keyring: &'a Keyring,
    /// The keys of clients.
    pub client_keys: &'a ClientKeys,
    /// The one HTTP client.
    pub outbound: &'a Outbound,
    /// The audit trail.
    pub recorder: &'a Recorder,
    /// The counters.
    pub metrics: &'a Metrics,
    /// The settings.
    pub config: &'a Config,
    /// Read once, when the request came.
    pub now: Timestamp,
    /// What the request is called, and where it comes from.
    pub trace: Trace,
    /// What whoever sends it has shown that it holds.
    pub held: Held,
}

impl Call<'_> {
    /// Our signing keys, as they were at most a second ago.
    ///
    /// # Errors
    /// `Busy`, when nobody can say whether they are still so.
    pub fn keys(&self) -> Result<Arc<Keys>, Failure> {
        self.cache.must_be_confirmed()?;
        Ok(self.keyring.keys())
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }
}
