//! The keys of clients: `jwks` by value, or fetched from `jwks_uri` and cached.

use std::convert::Infallible;
use std::sync::Arc;

use quick_cache::sync::Cache as Lru;

use crate::flow::Call;
use crate::jose::jwk::Jwks;
use crate::types::{Client, ClientId, Code, Refusal, Result, Seconds};
use crate::verify::{CachePolicy, Fetched, JwksCache};

/// Fetched keys are used for an hour while they cannot be fetched again: a client's server may be
/// unavailable for a while, but an attacker who blocks it must not extend the life of a withdrawn key.
const POLICY: CachePolicy = CachePolicy {
    lifetime: Seconds::minutes(10),
    min_lifetime: Seconds::minutes(10),
    max_lifetime: Seconds::minutes(10),
    stale: Seconds::minutes(50),
    interval: Seconds(60),
};

/// RFC 7517 §8.5, and what most servers send instead.
const JWK_SET: &str = "application/jwk-set+json, application/json";

/// The most clients, and URLs, whose keys are cached.
const CLIENTS: usize = 10_000;

/// The keys of clients, parsed.
#[derive(Debug)]
pub struct ClientKeys {
    by_url: Lru<String, Arc<JwksCache>>,
    by_client: Lru<ClientId, Registered>,
}

/// The keys of a registration.
#[derive(Clone, Debug)]
struct Registered {
    /// The version of the client.
    version: i64,
    /// Its `jwks`; `None`: it has none, or they cannot be parsed.
    keys: Option<Arc<Jwks>>,
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self { by_url: Lru::new(CLIENTS), by_client: Lru::new(CLIENTS) }
    }
}

impl ClientKeys {
    /// The keys of a client. If `has_key` is false for the cached ones, they may be out of date and
    /// are fetched again, at most once a minute.
    ///
    /// # Errors
    /// `invalid_client` when the client's keys cannot be fetched.
    pub async fn with(
        &self,
        call: &Call<'_>,
        client: &Client,
        has_key: impl Fn(&Jwks) -> bool,
    ) -> Result<Arc<Jwks>> {
        let registered = self.registered(client);
        let (None, Some(uri)) = (&client.metadata.jwks, &client.metadata.jwks_uri) else {
            return registered.keys.ok_or_else(|| unavailable().into());
        };
        let Ok(cache) = self
            .by_url
            .get_or_insert_with(uri, || Ok::<_, Infallible>(Arc::new(JwksCache::new(POLICY))));
        let keys = cache.keys(uri, call.now, has_key, |_| fetch(call, uri)).await;
        Ok(keys.map_err(|_| unavailable())?)
    }

    /// The keys of the current registration. A changed registration also discards the keys that
    /// were fetched for it.
    fn registered(&self, client: &Client) -> Registered {
        let known = self.by_client.get(&client.id);
        if let Some(known) = known.as_ref().filter(|known| known.version == client.version) {
            return known.clone();
        }
        if let (Some(_), Some(uri)) = (known, &client.metadata.jwks_uri) {
            self.by_url.remove(uri);
        }
        let keys = client.metadata.jwks.as_ref().and_then(|jwks| Jwks::registered(jwks).ok());
        let registered = Registered { version: client.version, keys: keys.map(Arc::new) };
        self.by_client.insert(client.id.clone(), registered.clone());
        registered
    }
}

async fn fetch(call: &Call<'_>, uri: &str) -> Result<Fetched, String> {
    let body = call.outbound.get_json(uri, JWK_SET).await.map_err(|error| error.to_string())?;
    Ok(Fetched::Document { body, etag: None, max_age: None })
}

const fn unavailable() -> Refusal {
    Code::InvalidClient.because("the keys of the client cannot be fetched from its jwks_uri")
}
