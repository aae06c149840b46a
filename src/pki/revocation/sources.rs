//! Who does not answer, by the addresses that certificates name: one that is away is asked once in a while,
//! for however many certificates (THREATS SS-06).

use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache as Lru;

use super::times::RETRY_INTERVAL;
use crate::types::{Seconds, Timestamp};

/// As many as are known to be away.
const MAX_UNREACHABLE: usize = 1_000;

/// Who asks one that was away has been answered by then, or not.
const TRIAL_INTERVAL: Seconds = Seconds(10);

/// Responders and sources with lists that did not answer when they were last asked.
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
    /// Somebody is asking whether it is back.
    is_being_tried: bool,
}

impl Sources {
    /// Whether it may be asked: if it was away, by one who finds out whether it is back.
    ///
    /// # Errors
    /// From when on it is worth trying again; now, where another one is finding it out.
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

    /// It answers, whatever.
    pub(super) fn mark_reachable(&self, url: &str) {
        self.0.remove(url);
    }

    /// It does not answer; from when on it is asked again.
    pub(super) fn mark_unreachable(&self, url: &str, now: Timestamp) -> Timestamp {
        let until = now + RETRY_INTERVAL;
        let away = Arc::new(Mutex::new(Unreachable { until, is_being_tried: false }));
        self.0.insert(url.to_owned(), away);
        until
    }
}
