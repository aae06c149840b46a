//! DPoP proofs that were used: [RFC 9449 §11.1].
//!
//! [RFC 9449 §11.1]: https://www.rfc-editor.org/rfc/rfc9449#section-11.1

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use super::proof::Proof;
use crate::types::{Thumbprint, Timestamp};

/// As many proofs as are remembered where nobody says otherwise: a hundred bytes each. A proof is remembered for
/// eighty seconds, so this is good for more than a thousand requests a second.
const USUAL: usize = 100_000;

/// A proof that is being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// What tells it from every other: a SHA-256 over its key and its `jti`.
    pub id: Thumbprint,
    /// Until when it has to be remembered.
    pub until: Timestamp,
}

impl From<&Proof> for Used {
    fn from(proof: &Proof) -> Self {
        let id = Thumbprint::of(format!("{} {}", proof.key, proof.id).as_bytes());
        Self { id, until: proof.kept_until() }
    }
}

type Noting = Pin<Box<dyn Future<Output = Result<bool, String>> + Send>>;

/// The memory of proofs. Of many requests that bring the same proof, one is the first.
pub struct Replays(Place);

enum Place {
    Here(Mutex<Memory>),
    Elsewhere(Box<dyn Fn(Used) -> Noting + Send + Sync>),
}

impl Replays {
    /// In the memory of this process, of this many proofs at most. When it is full of proofs that could still be
    /// used again, none is forgotten for another: new ones are not judged ([`super::Error::Unavailable`]).
    ///
    /// An API of several processes lets a proof through once in each of them, within the minute that it lives.
    pub fn in_memory(most: usize) -> Self {
        Self(Place::Here(Mutex::new(Memory { most, ..Memory::default() })))
    }

    /// Wherever `first_use` keeps them: it notes a proof and answers whether it was not there yet, in one step, such as an
    /// `INSERT` under a unique key, or `SET … NX` with an expiry. What goes wrong is told in words for the log.
    pub fn elsewhere<F, Fut>(first_use: F) -> Self
    where
        F: Fn(Used) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool, String>> + Send + 'static,
    {
        Self(Place::Elsewhere(Box::new(move |used| Box::pin(first_use(used)))))
    }

    /// Whether this is the first use of a proof. From now on it is not.
    pub(super) async fn first_use(&self, used: Used, now: Timestamp) -> Result<bool, String> {
        match &self.0 {
            Place::Here(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).first_use(used, now)
            }
            Place::Elsewhere(first_use) => first_use(used).await,
        }
    }
}

impl Default for Replays {
    fn default() -> Self {
        Self::in_memory(USUAL)
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
            return Err("more DPoP proofs are in use than are remembered".to_owned());
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
    async fn a_proof_is_forgotten_when_it_is_worth_nothing_any_more_and_not_before() {
        let replays = Replays::in_memory(2);
        let first =
            async |name, until, now| replays.first_use(used(name, until), Timestamp(now)).await;

        assert_eq!(first("a", 80, 0).await, Ok(true));
        assert_eq!(first("b", 90, 10).await, Ok(true));
        assert_eq!(first("a", 80, 80).await, Ok(false), "to the last second");
        assert!(first("c", 150, 80).await.is_err(), "nothing is forgotten for another");
        assert_eq!(first("c", 150, 81).await, Ok(true));
        assert_eq!(first("b", 90, 81).await, Ok(false));
    }

    #[tokio::test]
    async fn it_may_be_kept_elsewhere() {
        let seen = std::sync::Arc::new(Mutex::new(HashSet::new()));
        let replays = Replays::elsewhere(move |used| {
            let is_first = seen.lock().unwrap().insert(used.id);
            async move { Ok(is_first) }
        });

        assert_eq!(replays.first_use(used("a", 80), Timestamp(0)).await, Ok(true));
        assert_eq!(replays.first_use(used("a", 80), Timestamp(0)).await, Ok(false));
    }
}
