//! A cached JWK Set: parsed once, used until it expires ([RFC 9111 §4.2]), revalidated with its
//! `ETag` ([RFC 9110 §13.1.2]), and fetched again for a key that it lacks.
//!
//! [RFC 9111 §4.2]: https://www.rfc-editor.org/rfc/rfc9111#section-4.2
//! [RFC 9110 §13.1.2]: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::jose::jwk::Jwks;
use crate::types::{Seconds, Timestamp, json};

/// The result of a fetch.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The document.
    Document {
        /// A JWK Set, as JSON.
        body: Vec<u8>,
        /// Its `ETag`, for the next fetch.
        etag: Option<String>,
        /// How long it may be cached: `max-age` of its `Cache-Control`, less its `Age`.
        max_age: Option<Seconds>,
    },
    /// The document with this `ETag` is still current: 304.
    Unchanged {
        /// How long it may be cached from now on.
        max_age: Option<Seconds>,
    },
}

/// How long a JWK Set is cached, and how often it is fetched.
#[derive(Clone, Copy, Debug)]
pub struct CachePolicy {
    /// Lifetime of a document without `Cache-Control`.
    pub lifetime: Seconds,
    /// The shortest lifetime that a `Cache-Control` may set.
    pub min_lifetime: Seconds,
    /// The longest lifetime that a `Cache-Control` may set.
    pub max_lifetime: Seconds,
    /// How long expired keys may still be used while they cannot be fetched.
    pub stale: Seconds,
    /// The least time between two fetches, successful or not: an unknown `kid` must not cause a
    /// fetch per request (THREATS TE-16).
    pub interval: Seconds,
}

/// A cached JWK Set. Concurrent callers share one fetch.
#[derive(Debug)]
pub struct JwksCache {
    policy: CachePolicy,
    cached: Mutex<Option<Arc<Cached>>>,
    /// Held by the caller that fetches; it contains the last attempt.
    turn: Arc<Turn<Option<Attempt>>>,
}

/// The right to fetch, which one caller has at a time.
pub(super) type FetchTurn = OwnedMutexGuard<Option<Attempt>>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    at: Timestamp,
    failed: bool,
}

#[derive(Debug)]
pub(super) struct Cached {
    pub(super) keys: Arc<Jwks>,
    etag: Option<String>,
    /// From here on, the set should be fetched ahead of its expiry.
    pub(super) renew_at: Timestamp,
    expires_at: Timestamp,
}

const FAILED: &str = "the keys could not be fetched a moment ago";

impl JwksCache {
    /// An empty cache.
    pub fn new(policy: CachePolicy) -> Self {
        Self { policy, cached: Mutex::default(), turn: Arc::default() }
    }

    /// The cached keys, if they are not expired and suffice according to `has_key`. Otherwise they
    /// are fetched, and if that fails, expired keys are used as long as the policy allows. The keys
    /// returned need not satisfy `has_key`. `url` is for the log.
    ///
    /// # Errors
    /// When no keys can be used.
    pub async fn keys<F, Fut>(
        &self,
        url: &str,
        now: Timestamp,
        has_key: impl Fn(&Jwks) -> bool,
        fetch: F,
    ) -> Result<Arc<Jwks>, String>
    where
        F: FnOnce(Option<String>) -> Fut,
        Fut: Future<Output = Result<Fetched, String>>,
    {
        let sufficient = || self.current(now).filter(|cached| has_key(&cached.keys));
        if let Some(cached) = sufficient() {
            return Ok(cached.keys.clone());
        }
        let turn = self.turn().await;
        // Another caller may have fetched in the meantime.
        if let Some(cached) = sufficient() {
            return Ok(cached.keys.clone());
        }
        let renewed = self.renew(turn, now, fetch).await;
        if let Some(why) = renewed.as_ref().err().filter(|why| *why != FAILED) {
            tracing::warn!(url, why, "a JWK Set cannot be fetched");
        }
        let usable = self.cached().filter(|cached| now < cached.expires_at + self.policy.stale);
        match (usable, renewed) {
            (Some(cached), _) => Ok(cached.keys.clone()),
            (None, Err(why)) => Err(why),
            (None, Ok(())) => Err(FAILED.to_owned()),
        }
    }

    fn cached(&self) -> Option<Arc<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The cached keys, unless they are expired.
    pub(super) fn current(&self, now: Timestamp) -> Option<Arc<Cached>> {
        self.cached().filter(|cached| now < cached.expires_at)
    }

    /// Waits for the right to fetch.
    pub(super) async fn turn(&self) -> FetchTurn {
        self.turn.clone().lock_owned().await
    }

    /// The right to fetch, if no other caller has it.
    pub(super) fn try_turn(&self) -> Option<FetchTurn> {
        self.turn.clone().try_lock_owned().ok()
    }

    /// Fetches the keys, unless the last attempt was less than `interval` ago.
    ///
    /// # Errors
    /// When the fetch fails, or the last attempt has failed.
    pub(super) async fn renew<F, Fut>(
        &self,
        mut last: FetchTurn,
        now: Timestamp,
        fetch: F,
    ) -> Result<(), String>
    where
        F: FnOnce(Option<String>) -> Fut,
        Fut: Future<Output = Result<Fetched, String>>,
    {
        let is_recent =
            |attempt: &Attempt| attempt.at <= now && now - attempt.at < self.policy.interval;
        if let Some(attempt) = last.filter(is_recent) {
            return if attempt.failed { Err(FAILED.to_owned()) } else { Ok(()) };
        }
        // Failed until it succeeds, even if this future is dropped.
        *last = Some(Attempt { at: now, failed: true });
        let previous = self.cached();
        let etag = previous.as_ref().and_then(|cached| cached.etag.clone());
        let (keys, etag, max_age) = match fetch(etag).await? {
            Fetched::Document { body, etag, max_age } => {
                let keys = json::parse(&body).and_then(|set| Jwks::fetched(&set));
                let keys = keys.map_err(|why| format!("the keys are not a JWK Set: {why}"))?;
                (Arc::new(keys), etag, max_age)
            }
            Fetched::Unchanged { max_age } => {
                let cached = previous.ok_or("the keys are unchanged, but none are cached")?;
                (cached.keys.clone(), cached.etag.clone(), max_age)
            }
        };
        let CachePolicy { lifetime, min_lifetime, max_lifetime, .. } = self.policy;
        let lifetime = max_age.unwrap_or(lifetime).clamp(min_lifetime, max_lifetime);
        let renew_at = now + Seconds(lifetime.0 / 4 * 3);
        let cached = Cached { keys, etag, renew_at, expires_at: now + lifetime };
        *self.cached.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(cached));
        *last = Some(Attempt { at: now, failed: false });
        Ok(())
    }
}
