//! Sightings: certificates that clients present, recorded outside of the requests. A bounded map in
//! memory collects them, and a job writes them in batches every few seconds.
//!
//! Only certificates that authenticated a client are recorded. Others are counted but not stored,
//! because anyone can create thousands of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache as Lru;

use super::anchors::Trust;
use super::inventory::ca_row;
use super::{Certificate, inventory};
use crate::store::certificates::{self, Origin};
use crate::store::{Store, retrying};
use crate::types::{ClientId, Result, Seconds, Thumbprint, Timestamp};

/// The most sightings that wait to be written; further ones are recorded at their next use.
const MAX_WAITING: usize = 10_000;

/// Batch size: keeps the write transaction short.
const BATCH: usize = 500;

/// Precision of the last use, so that a certificate in constant use costs one write per minute.
const PRECISION: Seconds = Seconds(60);

/// The most sightings that are remembered as written.
const MAX_WRITTEN: usize = 50_000;

/// The most certificates per client that are stored only because the client presented them.
pub const MAX_PER_CLIENT: i64 = 200;

type Key = (Thumbprint, ClientId);

#[derive(Clone, Debug)]
struct Sighting {
    certificate: Arc<Certificate>,
    at: Timestamp,
}

/// Sightings that wait to be written.
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
    /// Records that a client presented a certificate. It neither blocks nor uses the database.
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

    /// Writes the waiting sightings. What could not be written waits for the next call.
    ///
    /// # Errors
    /// When the database does not respond.
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
            // Usually cached since the certificate was presented.
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
            certificates::record(&mut tx, row).await?;
        }
        for (key, _) in batch {
            if self.written.get(key).is_none() {
                certificates::delete_surplus(&mut tx, &key.1, MAX_PER_CLIENT).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
