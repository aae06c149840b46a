//! The keys of an issuer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::cache::{CachePolicy, Fetched, JwksCache};
use super::http::Source;
use crate::jose::jwk::Jwks;
use crate::jose::jws::Jws;
use crate::types::{Seconds, Timestamp};

/// Expired keys are not used: a key that the issuer has withdrawn must stop working.
const POLICY: CachePolicy = CachePolicy {
    lifetime: Seconds::minutes(5),
    min_lifetime: Seconds(10),
    max_lifetime: Seconds::days(1),
    stale: Seconds(0),
    interval: Seconds(10),
};

type Fetching = Pin<Box<dyn Future<Output = Result<Fetched, String>> + Send>>;

/// The keys of an issuer, shared between requests.
///
/// They are fetched with the first token, and renewed before they expire while requests use the
/// cached ones. A token with an unknown key also causes a fetch, at most every ten seconds. When
/// the keys have expired and cannot be fetched, or when a token has an unknown key and the last
/// fetch has failed, the token is neither valid nor invalid: that is [`super::Error::Unavailable`].
#[derive(Clone)]
pub struct IssuerKeys(Arc<Shared>);

struct Shared {
    fetch: Box<dyn Fn(Option<String>) -> Fetching + Send + Sync>,
    cache: JwksCache,
}

impl IssuerKeys {
    /// Keys that `fetch` returns; its argument is the `ETag` of the cached ones. Errors are for the
    /// log. `fetch` must have a timeout.
    pub fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn(Option<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched, String>> + Send + 'static,
    {
        Self(Arc::new(Shared {
            fetch: Box::new(move |etag| Box::pin(fetch(etag))),
            cache: JwksCache::new(POLICY),
        }))
    }

    /// Keys from the `jwks_uri` of the issuer's metadata (OIDC Discovery 1.0 §4). A fetch is
    /// limited to five seconds and 256 KiB. `client` determines everything else, and should not
    /// follow redirects.
    pub fn over_http(issuer: &str, client: reqwest::Client) -> Self {
        Self::from_source(Source::of_issuer(issuer, client))
    }

    /// Keys from this `jwks_uri`, with the limits of [`IssuerKeys::over_http`].
    pub fn at(jwks_uri: &str, client: reqwest::Client) -> Self {
        Self::from_source(Source::at(jwks_uri, client))
    }

    fn from_source(source: Source) -> Self {
        let source = Arc::new(source);
        Self::new(move |etag| {
            let source = source.clone();
            async move { source.fetch(etag).await }
        })
    }

    /// The keys that may have signed `jws`.
    ///
    /// # Errors
    /// When the keys cannot be fetched, for the log.
    pub async fn keys_for(&self, jws: &Jws<'_>, now: Timestamp) -> Result<Arc<Jwks>, String> {
        let Self(shared) = self;
        let sufficient =
            || shared.cache.current(now).filter(|cached| jws.may_be_signed_by(&cached.keys));
        if let Some(cached) = sufficient() {
            if now >= cached.renew_at
                && let Some(turn) = shared.cache.try_turn()
            {
                let shared = shared.clone();
                tokio::spawn(async move {
                    if let Err(why) = shared.cache.renew(turn, now, &shared.fetch).await {
                        tracing::warn!(%why, "the issuer's keys cannot be renewed");
                    }
                });
            }
            return Ok(cached.keys.clone());
        }
        let turn = shared.cache.turn().await;
        // Another request may have fetched in the meantime.
        if let Some(cached) = sufficient() {
            return Ok(cached.keys.clone());
        }
        // In a separate task, so that a disconnecting caller does not cancel the fetch.
        let renewing = shared.clone();
        let renewed =
            tokio::spawn(async move { renewing.cache.renew(turn, now, &renewing.fetch).await });
        renewed.await.map_err(|error| error.to_string())??;
        let cached = shared.cache.current(now).ok_or("the issuer's keys have expired")?;
        Ok(cached.keys.clone())
    }
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKeys").finish_non_exhaustive()
    }
}
