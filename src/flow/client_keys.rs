//! The keys of clients: `jwks` by value, or fetched from `jwks_uri` and kept a while.

use std::sync::Arc;

use quick_cache::sync::Cache as Lru;

use super::Call;
use crate::jose::jwk::Jwks;
use crate::types::{Client, ClientId, Code, Refusal, Result, Seconds, Timestamp, json};

/// How long fetched keys are believed.
const KEPT: Seconds = Seconds::minutes(10);

/// An unknown `kid`, or certificate, causes one fetch of a client's keys in this time, not more (THREATS TE-16).
const REFETCH: Seconds = Seconds(60);

/// RFC 7517 §8.5, and what most servers say instead.
const JWK_SET: &str = "application/jwk-set+json, application/json";

/// Clients whose keys are held at most.
const CLIENTS: usize = 10_000;

/// The keys of clients, parsed.
#[derive(Debug)]
pub struct ClientKeys(Lru<ClientId, Arc<Held>>);

#[derive(Debug)]
struct Held {
    /// Of the client's registration.
    version: i64,
    read_at: Timestamp,
    /// `None`: the fetch failed; that is remembered too, so that failing costs one fetch as well.
    keys: Option<Arc<Jwks>>,
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self(Lru::new(CLIENTS))
    }
}

impl ClientKeys {
    /// The keys of a client. Where what it showed is not among those that are held (`knows`), they may be
    /// out of date, and are read again.
    ///
    /// # Errors
    /// `invalid_client` when the client's keys cannot be had.
    pub async fn with(
        &self,
        call: &Call<'_>,
        client: &Client,
        knows: impl FnOnce(&Jwks) -> bool,
    ) -> Result<Arc<Jwks>> {
        let held = self.held(call, client).await?;
        let age = call.now - held.read_at;
        let known = held.keys.as_ref().is_some_and(|keys| knows(keys));
        let is_fetched = client.metadata.jwks_uri.is_some();
        let stale = held.version != client.version
            || (is_fetched && (age >= KEPT || (!known && age >= REFETCH)));
        let held = if stale {
            // Of many who find the same keys stale, one reads anew: who comes later must not throw away
            // what was just read.
            self.0.remove_if(&client.id, |present| Arc::ptr_eq(present, &held));
            self.held(call, client).await?
        } else {
            held
        };
        held.keys.clone().ok_or_else(|| unavailable().into())
    }

    /// What is held, or read now; of many who ask at once, one reads and the others wait for it.
    async fn held(&self, call: &Call<'_>, client: &Client) -> Result<Arc<Held>> {
        let read = async {
            let keys = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
                (Some(jwks), _) => Jwks::registered(jwks).ok(),
                (None, Some(uri)) => fetch(call, uri).await,
                (None, None) => None,
            };
            let keys = keys.map(Arc::new);
            Ok(Arc::new(Held { version: client.version, read_at: call.now, keys }))
        };
        self.0.get_or_insert_async(&client.id, read).await
    }
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
