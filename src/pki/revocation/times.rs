//! How long a status or CRL is valid.

use crate::types::{Seconds, Timestamp};

/// A source that has not responded is not queried again for this long.
pub(super) const RETRY_INTERVAL: Seconds = Seconds(30);

/// Why a status is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A request waits for it.
    Request,
    /// The job refreshes it, so that no request has to wait.
    Refresh,
}

/// The lifetime of a status or CRL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From here on, the job queries again.
    refresh_at: Timestamp,
    /// From here on, a request queries again.
    fresh_until: Timestamp,
    /// From here on it is invalid. Before that, it is used if sources do not respond.
    expires_at: Timestamp,
}

impl Times {
    /// Of a response fetched at `fetched_at` that expires at `expires_at`.
    pub(super) fn new(fetched_at: Timestamp, expires_at: Timestamp, max_age: Seconds) -> Self {
        let fresh_until = expires_at.min(fetched_at + max_age).max(fetched_at + RETRY_INTERVAL);
        let life = fresh_until - fetched_at;
        Self { refresh_at: fetched_at + Seconds(life.0 / 4 * 3), fresh_until, expires_at }
    }

    /// Of a missing response; `again`: when a retry is useful.
    pub(super) const fn retry_at(again: Timestamp) -> Self {
        Self { refresh_at: again, fresh_until: again, expires_at: again }
    }

    /// Extends a previous response after a failed query; `None` if it has expired.
    pub(super) fn extended(self, now: Timestamp, again: Timestamp) -> Option<Self> {
        self.is_valid(now).then(|| Self {
            refresh_at: self.refresh_at.max(again),
            fresh_until: self.fresh_until.max(again.min(self.expires_at)),
            ..self
        })
    }

    /// Whether a response may still be used if no newer one is available.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// When a request queries again.
    pub(super) const fn fresh_until(&self) -> Timestamp {
        self.fresh_until
    }

    pub(super) fn suffices(&self, need: Need, now: Timestamp) -> bool {
        match need {
            Need::Request => now < self.fresh_until,
            Need::Refresh => now < self.refresh_at,
        }
    }
}
