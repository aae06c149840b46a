//! How long an answer counts.

use crate::types::{Seconds, Timestamp};

/// Who does not answer is not asked again for this long, by how many requests ever.
pub(super) const RETRY_INTERVAL: Seconds = Seconds(30);

/// What an answer is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A request waits.
    Request,
    /// A request would have to wait later.
    Refresh,
}

/// The life of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From here on the job asks anew.
    refresh_at: Timestamp,
    /// From here on a request asks anew.
    fresh_until: Timestamp,
    /// From here on it says nothing: until then it counts, if who is asked anew does not answer.
    expires_at: Timestamp,
}

impl Times {
    /// Of an answer that was fetched then and says itself when it ends.
    pub(super) fn new(fetched_at: Timestamp, expires_at: Timestamp, max_age: Seconds) -> Self {
        let fresh_until = expires_at.min(fetched_at + max_age).max(fetched_at + RETRY_INTERVAL);
        let life = fresh_until - fetched_at;
        Self { refresh_at: fetched_at + Seconds(life.0 / 4 * 3), fresh_until, expires_at }
    }

    /// Of the answer that there is none; `again`: from when on it is worth asking.
    pub(super) const fn retry_at(again: Timestamp) -> Self {
        Self { refresh_at: again, fresh_until: again, expires_at: again }
    }

    /// The same answer, when nobody gave a newer one; `None`: it counts no more.
    pub(super) fn extended(self, now: Timestamp, again: Timestamp) -> Option<Self> {
        self.is_valid(now).then(|| Self {
            refresh_at: self.refresh_at.max(again),
            fresh_until: self.fresh_until.max(again.min(self.expires_at)),
            ..self
        })
    }

    /// Whether an answer says anything, if nobody gives a newer one.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// From when on a request asks anew.
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
