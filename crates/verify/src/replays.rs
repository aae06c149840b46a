//! Used DPoP proofs: [RFC 9449 §11.1].
//!
//! [RFC 9449 §11.1]: https://www.rfc-editor.org/rfc/rfc9449#section-11.1

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use super::proof::Proof;
use crate::types::{Thumbprint, Timestamp};

/// The default capacity, at about a hundred bytes per proof. A proof is stored for 80 seconds,
/// so this suffices for more than a thousand requests per second.
const DEFAULT_CAPACITY: usize = 100_000;

/// A used proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Its identifier: SHA-256 over its key and `jti`.
    pub id: Thumbprint,
    /// How long it must be stored.
    pub until: Timestamp,
}

impl From<&Proof> for Used {
    fn from(proof: &Proof) -> Self {
        let id = Thumbprint::of(format!("{} {}", proof.key, proof.id).as_bytes());
        Self { id, until: proof.kept_until() }
    }
}

type Recording = Pin<Box<dyn Future<Output = Result<bool, String>> + Send>>;

/// The store of used proofs. Of concurrent requests with the same proof, one is the first.
pub struct Replays(Store);

enum Store {
    Memory(Mutex<Memory>),
    External(Box<dyn Fn(Used) -> Recording + Send + Sync>),
}

impl Replays {
    /// In the memory of this process, for at most this many proofs. When it is full, no proof that
    /// could be replayed is evicted; new requests get [`super::Error::Unavailable`].
    ///
    /// An API with several processes accepts a proof once in each, within its lifetime.
    pub fn in_memory(most: usize) -> Self {
        Self(Store::Memory(Mutex::new(Memory { most, ..Memory::default() })))
    }

    /// In a store of the caller: `first_use` stores a proof and returns whether it was new,
    /// atomically, such as an `INSERT` with a unique key or `SET … NX` with an expiry. Errors are
    /// for the log.
    pub fn external<F, Fut>(first_use: F) -> Self
    where
        F: Fn(Used) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool, String>> + Send + 'static,
    {
        Self(Store::External(Box::new(move |used| Box::pin(first_use(used)))))
    }

    /// Records a use; returns whether it is the first.
    pub(super) async fn first_use(&self, used: Used, now: Timestamp) -> Result<bool, String> {
        match &self.0 {
            Store::Memory(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).first_use(used, now)
            }
            Store::External(first_use) => first_use(used).await,
        }
    }
}

impl Default for Replays {
    fn default() -> Self {
        Self::in_memory(DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replays").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Memory {
    most: usize,
    used: HashSet<Thumbprint>,
    by_end: BTreeMap<Timestamp, Vec<Thumbprint>>,
}

impl Memory {
    fn first_use(&mut self, proof: Used, now: Timestamp) -> Result<bool, String> {
        while let Some(oldest) = self.by_end.first_entry().filter(|oldest| *oldest.key() < now) {
            for id in oldest.remove() {
                self.used.remove(&id);
            }
        }
        if self.used.contains(&proof.id) {
            return Ok(false);
        }
        if self.used.len() >= self.most {
            return Err("the store of used DPoP proofs is full".to_owned());
        }
        self.used.insert(proof.id);
        self.by_end.entry(proof.until).or_default().push(proof.id);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(name: &str, until: i64) -> Used {
        Used { id: Thumbprint::of(name.as_bytes()), until: Timestamp(until) }
    }

    /// THREATS DP-01, DP-14.
    #[tokio::test]
    async fn a_proof_is_evicted_once_it_has_expired_and_not_before() {
        let replays = Replays::in_memory(2);
        let first =
            async |name, until, now| replays.first_use(used(name, until), Timestamp(now)).await;

        assert_eq!(first("a", 80, 0).await, Ok(true));
        assert_eq!(first("b", 90, 10).await, Ok(true));
        assert_eq!(first("a", 80, 80).await, Ok(false), "until the last second");
        assert!(first("c", 150, 80).await.is_err(), "a full store evicts nothing");
        assert_eq!(first("c", 150, 81).await, Ok(true));
        assert_eq!(first("b", 90, 81).await, Ok(false));
    }

    #[tokio::test]
    async fn an_external_store_is_supported() {
        let used_ids = std::sync::Arc::new(Mutex::new(HashSet::new()));
        let replays = Replays::external(move |used| {
            let is_first = used_ids.lock().unwrap().insert(used.id);
            async move { Ok(is_first) }
        });

        assert_eq!(replays.first_use(used("a", 80), Timestamp(0)).await, Ok(true));
        assert_eq!(replays.first_use(used("a", 80), Timestamp(0)).await, Ok(false));
    }
}
