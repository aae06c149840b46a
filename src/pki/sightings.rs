//! Certificates that clients show, noted beside the requests and not in them: a bounded map in memory,
//! which a job writes down in one batch every few seconds.
//!
//! Only what a client has shown that proved to be one is noted. Whatever a stranger shows is counted and
//! not kept, for anybody can make certificates by the thousand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache as Lru;

use super::anchors::Trust;
use super::inventory::ca_row;
use super::{Certificate, inventory};
use crate::store::certificates::{self, Origin};
use crate::store::{Store, retrying};
use crate::types::{ClientId, Result, Seconds, Thumbprint, Timestamp};

/// As many as wait to be written; what comes besides is noted when it comes again.
const MAX_WAITING: usize = 10_000;

/// As many as one transaction writes, so that nobody waits for it.
const BATCH: usize = 500;

/// The last use of a certificate is known to this, so that a busy one costs a write a minute.
const PRECISION: Seconds = Seconds(60);

/// As many as are remembered to have been written.
const MAX_WRITTEN: usize = 50_000;

/// As many as are kept of those that one client has merely shown.
pub const MAX_PER_CLIENT: i64 = 200;

type Key = (Thumbprint, ClientId);

#[derive(Clone, Debug)]
struct Sighting {
    certificate: Arc<Certificate>,
    at: Timestamp,
}

/// What was seen and waits to be written.
#[derive(Debug)]
pub struct Sightings {
    waiting: Mutex<HashMap<Key, Sighting>>,
    written: Lru<Key, Timestamp>,
}

impl Default for Sightings {
    fn default() -> Self {
        Self { waiting: Mutex::default(), written: Lru::new(MAX_WRITTEN) }
    }
}

impl Sightings {
    /// Notes that this client has shown this certificate. It neither waits nor asks anybody.
    pub fn note(&self, certificate: &Arc<Certificate>, client: &ClientId, now: Timestamp) {
        let key = (certificate.thumbprint, client.clone());
        if self.written.get(&key).is_some_and(|at| now < at + PRECISION) {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_WAITING || waiting.contains_key(&key) {
            let certificate = certificate.clone();
            waiting.insert(key, Sighting { certificate, at: now });
        }
    }

    /// Writes down what waits. What could not be written waits on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn flush(&self, store: &Store, trust: &Trust) -> Result<()> {
        let taken = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        let mut taken: Vec<_> = taken.into_iter().collect();
        while !taken.is_empty() {
            let batch = taken.split_off(taken.len().saturating_sub(BATCH));
            if let Err(error) = retrying(|| self.write(store, trust, &batch)).await {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, sighting) in taken.into_iter().chain(batch) {
                    waiting.entry(key).or_insert(sighting);
                }
                return Err(error);
            }
            for (key, sighting) in batch {
                self.written.insert(key, sighting.at);
            }
        }
        Ok(())
    }

    async fn write(&self, store: &Store, trust: &Trust, batch: &[(Key, Sighting)]) -> Result<()> {
        let mut rows = Vec::with_capacity(batch.len());
        let mut intermediates = HashMap::new();
        for ((_, client), Sighting { certificate, at }) in batch {
            let mut row = inventory::row(certificate, Origin::Seen, Some(client), *at);
            row.last_used_at = Some(*at);
            // It was judged when it was shown, mostly, and what came of it is remembered.
            if let Ok(Ok(chain)) = trust.chain(certificate, *at).await {
                row.chain_ends_at = Some(chain.ends_at);
                for der in chain.intermediates() {
                    intermediates.insert(Thumbprint::of(der), (der.clone(), *at));
                }
            }
            rows.push(row);
        }
        let intermediates = intermediates.into_values();
        rows.extend(intermediates.filter_map(|(der, at)| ca_row(&der, Origin::Intermediate, at)));
        let mut tx = store.write().await?;
        for row in &rows {
            certificates::note(&mut tx, row).await?;
        }
        for (key, _) in batch {
            if self.written.get(key).is_none() {
                certificates::forget_surplus(&mut tx, &key.1, MAX_PER_CLIENT).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
