//! Who does not answer, by the addresses that certificates name: one that is away is asked once in a while,
//! for however many certificates (THREATS SS-06).

use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache as Lru;

use super::times::RETRY;
use crate::types::{Seconds, Timestamp};

/// As many as are known to be away.
const AWAY: usize = 1_000;

/// Who asks one that was away has been answered by then, or not.
const TRIAL: Seconds = Seconds(10);

/// Responders and places with lists that did not answer when they were last asked.
#[derive(Debug)]
pub(super) struct Places(Lru<String, Arc<Mutex<Away>>>);

impl Default for Places {
    fn default() -> Self {
        Self(Lru::new(AWAY))
    }
}

#[derive(Debug)]
struct Away {
    until: Timestamp,
    /// Somebody is asking whether it is back.
    is_tried: bool,
}

impl Places {
    /// Whether it may be asked: if it was away, by one who finds out whether it is back.
    ///
    /// # Errors
    /// From when on it is worth trying again; now, where another one is finding it out.
    pub(super) fn may_be_asked(&self, url: &str, now: Timestamp) -> Result<(), Timestamp> {
        let Some(away) = self.0.get(url) else {
            return Ok(());
        };
        let mut away = away.lock().unwrap_or_else(PoisonError::into_inner);
        if now < away.until {
            return Err(if away.is_tried { now } else { away.until });
        }
        *away = Away { until: now + TRIAL, is_tried: true };
        Ok(())
    }

    /// It answers, whatever.
    pub(super) fn is_there(&self, url: &str) {
        self.0.remove(url);
    }

    /// It does not answer; from when on it is asked again.
    pub(super) fn is_away(&self, url: &str, now: Timestamp) -> Timestamp {
        let until = now + RETRY;
        let away = Arc::new(Mutex::new(Away { until, is_tried: false }));
        self.0.insert(url.to_owned(), away);
        until
    }
}
