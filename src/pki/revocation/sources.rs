//! Sources that do not respond, by URL: an unreachable source is queried once in a while, not once
//! per certificate (THREATS SS-06).

use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache as Lru;

use super::times::RETRY_INTERVAL;
use crate::types::{Seconds, Timestamp};

/// The most unreachable sources that are remembered.
const MAX_UNREACHABLE: usize = 1_000;

/// The time for a trial query; afterwards another one may be sent.
const TRIAL_INTERVAL: Seconds = Seconds(10);

/// Responders and distribution points that did not respond to the last query.
#[derive(Debug)]
pub(super) struct Sources(Lru<String, Arc<Mutex<Unreachable>>>);

impl Default for Sources {
    fn default() -> Self {
        Self(Lru::new(MAX_UNREACHABLE))
    }
}

#[derive(Debug)]
struct Unreachable {
    until: Timestamp,
    /// Whether a trial query is in progress.
    is_being_tried: bool,
}

impl Sources {
    /// Whether a query may be sent. Of an unreachable source, one trial query at a time is allowed.
    ///
    /// # Errors
    /// The time of the next attempt; now, if a trial query is in progress.
    pub(super) fn may_query(&self, url: &str, now: Timestamp) -> Result<(), Timestamp> {
        let Some(away) = self.0.get(url) else {
            return Ok(());
        };
        let mut away = away.lock().unwrap_or_else(PoisonError::into_inner);
        if now < away.until {
            return Err(if away.is_being_tried { now } else { away.until });
        }
        *away = Unreachable { until: now + TRIAL_INTERVAL, is_being_tried: true };
        Ok(())
    }

    /// The source has responded.
    pub(super) fn mark_reachable(&self, url: &str) {
        self.0.remove(url);
    }

    /// The source has not responded; returns the time of the next attempt.
    pub(super) fn mark_unreachable(&self, url: &str, now: Timestamp) -> Timestamp {
        let until = now + RETRY_INTERVAL;
        let away = Arc::new(Mutex::new(Unreachable { until, is_being_tried: false }));
        self.0.insert(url.to_owned(), away);
        until
    }
}
