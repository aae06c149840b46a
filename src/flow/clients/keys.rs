//! The keys of clients: `jwks` by value, or fetched from `jwks_uri` and kept a while.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use quick_cache::sync::Cache as Lru;
use tokio::sync::Mutex;

use crate::flow::Call;
use crate::jose::jwk::Jwks;
use crate::types::{Client, ClientId, Code, Refusal, Result, Seconds, Timestamp, json};

/// How long fetched keys are believed.
const KEPT: Seconds = Seconds::minutes(10);

/// How long they are believed when they cannot be fetched again: the publisher of a client may be away for a
/// while, and who keeps us from reaching it must not keep a key alive that was withdrawn.
const LONGEST: Seconds = Seconds::hours(1);

/// An unknown `kid`, or certificate, causes one fetch of a client's keys in this time, not more (THREATS TE-16).
const REFETCH: Seconds = Seconds(60);

/// RFC 7517 §8.5, and what most servers say instead.
const JWK_SET: &str = "application/jwk-set+json, application/json";

/// Clients whose keys are held at most.
const CLIENTS: usize = 10_000;

/// The keys of clients, parsed.
#[derive(Debug)]
pub struct ClientKeys(Lru<ClientId, Arc<Entry>>);

/// A client's keys. Of many who find them missing or stale, one reads anew, and the others wait for it.
#[derive(Debug, Default)]
struct Entry {
    turn: Mutex<()>,
    held: RwLock<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    /// Of the client's registration.
    version: i64,
    /// When they were last asked for, whatever came of it: failing costs one fetch as well.
    asked_at: Timestamp,
    /// With when they were read; `None`: they cannot be had.
    keys: Option<(Arc<Jwks>, Timestamp)>,
}

impl Held {
    /// The keys, as long as they are believed at all.
    fn keys(&self, client: &Client, now: Timestamp) -> Option<&Arc<Jwks>> {
        let (keys, read_at) = self.keys.as_ref()?;
        let is_fetched = client.metadata.jwks_uri.is_some();
        (!is_fetched || now < *read_at + LONGEST).then_some(keys)
    }

    /// Whether they need not be read anew for somebody who shows what they may know.
    fn suffices(&self, client: &Client, now: Timestamp, knows: &impl Fn(&Jwks) -> bool) -> bool {
        if self.version != client.version {
            return false;
        }
        client.metadata.jwks_uri.is_none()
            || now < self.asked_at + REFETCH
            || self.keys.as_ref().is_some_and(|(keys, at)| now < *at + KEPT && knows(keys))
    }
}

impl Entry {
    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self(Lru::new(CLIENTS))
    }
}

impl ClientKeys {
    /// The keys of a client. Where what it showed is not among those that are held (`knows`), they may be
    /// out of date, and are read again. When that fails, those that were read before are believed on, for
    /// an hour after they were read.
    ///
    /// # Errors
    /// `invalid_client` when the client's keys cannot be had.
    pub async fn with(
        &self,
        call: &Call<'_>,
        client: &Client,
        knows: impl Fn(&Jwks) -> bool,
    ) -> Result<Arc<Jwks>> {
        let Ok(entry) =
            self.0.get_or_insert_with(&client.id, || Ok::<_, Infallible>(Arc::default()));
        let sufficient = |held: &Held| held.suffices(client, call.now, &knows);
        let held = match entry.held().filter(sufficient) {
            Some(held) => held,
            None => {
                let _turn = entry.turn.lock().await;
                match entry.held().filter(sufficient) {
                    // Somebody has read them meanwhile.
                    Some(held) => held,
                    None => {
                        let fresh = read(call, client, entry.held()).await;
                        entry.hold(fresh.clone());
                        fresh
                    }
                }
            }
        };
        held.keys(client, call.now).cloned().ok_or_else(|| unavailable().into())
    }
}

async fn read(call: &Call<'_>, client: &Client, before: Option<Held>) -> Held {
    let (version, asked_at) = (client.version, call.now);
    let keys = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
        (Some(jwks), _) => Jwks::registered(jwks).ok(),
        (None, Some(uri)) => fetch(call, uri).await,
        (None, None) => None,
    };
    let keys = match keys {
        Some(keys) => Some((Arc::new(keys), call.now)),
        // Those of another registration may have come from another place.
        None => before.filter(|held| held.version == version).and_then(|held| held.keys),
    };
    Held { version, asked_at, keys }
}

async fn fetch(call: &Call<'_>, uri: &str) -> Option<Jwks> {
    let body = match call.outbound.get_json(uri, JWK_SET).await {
        Ok(body) => body,
        Err(error) => {
            tracing::warn!(uri, %error, request_id = %call.trace.request_id, "jwks_uri cannot be fetched");
            return None;
        }
    };
    match json::read(&body).and_then(|set| Jwks::fetched(&set)) {
        Ok(keys) => Some(keys),
        Err(why) => {
            tracing::warn!(uri, why, request_id = %call.trace.request_id, "jwks_uri is no JWK set");
            None
        }
    }
}

const fn unavailable() -> Refusal {
    Code::InvalidClient.because("the keys of the client cannot be had at its jwks_uri")
}
