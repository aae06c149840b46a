//! The issuer's keys: fetched, kept as long as their `Cache-Control` allows ([RFC 9111 §4.2]), asked for again with their
//! `ETag` ([RFC 9110 §13.1.2]).
//!
//! [RFC 9111 §4.2]: https://www.rfc-editor.org/rfc/rfc9111#section-4.2
//! [RFC 9110 §13.1.2]: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use super::http;
use crate::jose::jwk::Jwks;
use crate::jose::jws::Jws;
use crate::types::{Seconds, Timestamp, json};

/// How long keys are kept whose answer does not say it.
const USUAL: Seconds = Seconds::minutes(5);

/// The bounds of what it may say: an issuer that forgets itself is neither flooded, nor believed for ever.
const SHORTEST: Seconds = Seconds(10);
const LONGEST: Seconds = Seconds::days(1);

/// One fetch for unknown keys in this time, and one for keys that cannot be had: whoever invents a `kid` costs the
/// issuer nothing (THREATS TE-16).
const BETWEEN: Seconds = Seconds(10);

/// What came of asking for the keys.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The document.
    Document {
        /// A JWK Set, as JSON.
        body: Vec<u8>,
        /// Its `ETag`, to ask with the next time.
        etag: Option<String>,
        /// How long it may be kept: `max-age` of its `Cache-Control`, less its `Age`.
        max_age: Option<Seconds>,
    },
    /// It is still the one with this `ETag`: 304.
    Unchanged {
        /// How long it may be kept from now on.
        max_age: Option<Seconds>,
    },
}

type Fetching = Pin<Box<dyn Future<Output = Result<Fetched, String>> + Send>>;

/// The keys of an issuer, shared between requests.
///
/// They are fetched when the first token comes, and renewed a little before their time is over, while requests go
/// on with those that are held. A token under a key that is not among them causes a fetch too, once in ten seconds
/// at most. Keys whose time is over count for nothing: where no newer ones can be had, nobody is let in. Nor can anybody
/// tell then whether an unknown key is the issuer's newest: that is [`super::Error::Unavailable`], not a token that is
/// none.
#[derive(Clone)]
pub struct IssuerKeys(Arc<Shared>);

struct Shared {
    fetch: Box<dyn Fn(Option<String>) -> Fetching + Send + Sync>,
    held: Mutex<Option<Arc<Held>>>,
    /// Whoever has it fetches; in it, what came of it the last time.
    turn: Arc<Turn<Option<Tried>>>,
}

#[derive(Clone, Copy)]
struct Tried {
    at: Timestamp,
    /// It came to nothing: what is held may lack a key that the issuer signs with by now.
    failed: bool,
}

struct Held {
    keys: Arc<Jwks>,
    etag: Option<String>,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl IssuerKeys {
    /// Keys that come by `fetch`, which is given the `ETag` of those that are held. What goes wrong is told in words
    /// for the log. It has to end in time by itself.
    pub fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn(Option<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched, String>> + Send + 'static,
    {
        Self(Arc::new(Shared {
            fetch: Box::new(move |etag| Box::pin(fetch(etag))),
            held: Mutex::default(),
            turn: Arc::default(),
        }))
    }

    /// Keys that come over HTTP, from the `jwks_uri` of the issuer's metadata (OIDC Discovery 1.0 §4). A fetch may
    /// take five seconds and a document 256 KiB; the client decides on everything else, and should follow no
    /// redirects.
    pub fn over_http(issuer: &str, client: reqwest::Client) -> Self {
        let source = Arc::new(http::Source::new(issuer, client));
        Self::new(move |etag| {
            let source = source.clone();
            async move { source.fetch(etag).await }
        })
    }

    /// The keys that may have signed `jws`.
    ///
    /// # Errors
    /// When there are none that still count.
    pub(super) async fn of(&self, jws: &Jws<'_>, now: Timestamp) -> Result<Arc<Jwks>, String> {
        let Self(shared) = self;
        let fitting = || shared.held(now).filter(|held| jws.is_of(&held.keys));
        if let Some(held) = fitting() {
            if now >= held.renew_at
                && let Ok(turn) = shared.turn.clone().try_lock_owned()
            {
                let shared = shared.clone();
                tokio::spawn(async move {
                    if let Err(why) = shared.renew(turn, now).await {
                        tracing::warn!(%why, "the issuer's keys could not be renewed");
                    }
                });
            }
            return Ok(held.keys.clone());
        }
        let turn = shared.turn.clone().lock_owned().await;
        // Somebody else may have fetched while this one waited for its turn.
        if let Some(held) = fitting() {
            return Ok(held.keys.clone());
        }
        // In a task of its own: a caller that hangs up does not take the fetch along.
        let renewing = shared.clone();
        let renewed = tokio::spawn(async move { renewing.renew(turn, now).await }).await;
        renewed.map_err(|error| error.to_string())??;
        let held = shared.held(now).ok_or("the issuer's keys could not be had a moment ago")?;
        Ok(held.keys.clone())
    }
}

impl Shared {
    /// What is held and still counts.
    fn held(&self, now: Timestamp) -> Option<Arc<Held>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone().filter(|held| now < held.expires_at)
    }

    /// Fetches, unless that was tried a moment ago: then what is held has to do, if it is what came of it.
    async fn renew(
        &self,
        mut last: OwnedMutexGuard<Option<Tried>>,
        now: Timestamp,
    ) -> Result<(), String> {
        if let Some(tried) = last.filter(|tried| tried.at <= now && now - tried.at < BETWEEN) {
            let failed = "the issuer's keys could not be had a moment ago";
            return if tried.failed { Err(failed.to_owned()) } else { Ok(()) };
        }
        // Until it has succeeded, it has failed.
        *last = Some(Tried { at: now, failed: true });
        let before = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let etag = before.as_ref().and_then(|held| held.etag.clone());
        let (keys, etag, max_age) = match (self.fetch)(etag).await? {
            Fetched::Document { body, etag, max_age } => {
                let keys = json::read(&body).and_then(|set| Jwks::fetched(&set));
                let keys = keys.map_err(|why| format!("the keys are no JWK Set: {why}"))?;
                (Arc::new(keys), etag, max_age)
            }
            Fetched::Unchanged { max_age } => {
                let held = before.ok_or("the keys are unchanged, and there are none yet")?;
                (held.keys.clone(), held.etag.clone(), max_age)
            }
        };
        let lifetime = max_age.unwrap_or(USUAL).clamp(SHORTEST, LONGEST);
        let renew_at = now + Seconds(lifetime.0 / 4 * 3);
        let held = Held { keys, etag, renew_at, expires_at: now + lifetime };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held));
        *last = Some(Tried { at: now, failed: false });
        Ok(())
    }
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKeys").finish_non_exhaustive()
    }
}
