//! Outages: the times in which the database did not respond.
//!
//! A statement whose response was lost in an outage may have been committed, and the client can retry only when the
//! outage is over. So the grace period of refresh tokens that were used in it is longer (decision 0027). The probe
//! has a connection of its own: a queue for connections is not an outage.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::types::Seconds;

/// The longest response time of a database without an outage: the probe is sent twice a second.
const ANSWERED: Duration = Duration::from_secs(2);

/// The response to a statement that was sent this long before the last response may have been lost. Timestamps are
/// whole seconds, and the clocks of replicas differ.
const BEFORE: Duration = Duration::from_secs(2);

/// How long after an outage clients may retry.
const AFTER: Duration = Duration::from_secs(60);

/// The longest extension of the grace period, regardless of the outage.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The outages of the last minute, and the present one, measured by this process with the monotonic clock. Other
/// replicas may have seen others.
#[derive(Debug)]
pub struct Outages(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    /// When the last successful probe was sent.
    asked: Instant,
    over: VecDeque<Outage>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    began: Instant,
    ended: Instant,
}

impl Default for Outages {
    /// The database responds.
    fn default() -> Self {
        Self(Mutex::new(Seen { asked: Instant::now(), over: VecDeque::new() }))
    }
}

impl Outages {
    /// Records that a probe sent at `asked` succeeded now.
    pub fn answered(&self, asked: Instant) {
        self.answered_at(asked, Instant::now());
    }

    /// Adds an outage.
    pub fn note(&self, began: Instant, ended: Instant) {
        self.seen().over.push_back(Outage { began, ended });
    }

    fn answered_at(&self, asked: Instant, now: Instant) {
        let mut seen = self.seen();
        seen.over.retain(|outage| now.saturating_duration_since(outage.ended) <= AFTER);
        let lasted = seen.lasting(now);
        seen.asked = seen.asked.max(asked);
        drop(seen);
        if let Some(outage) = lasted {
            self.note(outage.began, outage.ended);
        }
    }

    /// Whether the response to a statement that was sent `ago` may have been lost in an outage, and the client
    /// could not have retried much sooner.
    pub fn excuse(&self, ago: Seconds) -> bool {
        self.excuse_at(ago, Instant::now())
    }

    fn excuse_at(&self, ago: Seconds, now: Instant) -> bool {
        let ago = Duration::from_secs(u64::try_from(ago.0).unwrap_or(0));
        let Some(sent) = now.checked_sub(ago).filter(|_| ago <= LONGEST) else {
            return false;
        };
        let seen = self.seen();
        let mut outages = seen.over.iter().copied().chain(seen.lasting(now));
        outages.any(|outage| {
            sent + BEFORE >= outage.began
                && sent <= outage.ended + BEFORE
                && now.saturating_duration_since(outage.ended) <= AFTER
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// The present outage, if there is one.
    fn lasting(&self, now: Instant) -> Option<Outage> {
        let outage = Outage { began: self.asked, ended: now };
        (now.saturating_duration_since(self.asked) > ANSWERED).then_some(outage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database whose probes succeeded at these seconds, without delay; and the last of them.
    fn answered(seconds: impl IntoIterator<Item = u64>) -> (Outages, Instant) {
        let outages = Outages::default();
        let began = outages.seen().asked;
        let now = seconds.into_iter().map(|second| at(began, second)).inspect(|now| {
            outages.answered_at(*now, *now);
        });
        let now = now.last().unwrap();
        (outages, now)
    }

    fn at(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    /// THREATS EX-04.
    #[test]
    fn an_outage_extends_the_grace_of_what_was_sent_in_it_for_a_minute() {
        let (outages, now) = answered((0..=100).chain([125]));

        for (ago, excused) in [(0, true), (25, true), (27, true), (28, false), (100, false)] {
            assert_eq!(outages.excuse_at(Seconds(ago), now), excused, "{ago} s ago");
        }
        for second in 1..=60 {
            outages.answered_at(at(now, second), at(now, second));
        }
        assert!(outages.excuse_at(Seconds(25 + 60), at(now, 60)));
        assert!(!outages.excuse_at(Seconds(25 + 61), at(now, 61)));
        assert!(!outages.excuse_at(Seconds(30), at(now, 40)), "sent when it was over");
    }

    /// THREATS EX-04.
    #[test]
    fn a_lasting_outage_extends_the_grace_for_ten_minutes() {
        let (outages, now) = answered(0..=100);

        assert!(!outages.excuse_at(Seconds(1), at(now, 2)), "a store that is well");
        assert!(outages.excuse_at(Seconds(3), at(now, 3)));
        assert!(outages.excuse_at(Seconds(600), at(now, 600)));
        assert!(!outages.excuse_at(Seconds(601), at(now, 601)));
        assert!(outages.excuse_at(Seconds(600), at(now, 700)), "sent later");
    }

    /// THREATS EX-04. An hour of outages and responses: each extends the grace period of what was sent in it only.
    #[test]
    fn repeated_outages_extend_the_grace_of_nothing_older() {
        let (outages, now) = answered((0..3600).step_by(5));

        assert!(outages.excuse_at(Seconds(60), now));
        assert!(!outages.excuse_at(Seconds(75), now), "an outage before the last minute");
        assert!(outages.seen().over.len() <= 14, "no memory grows");
        let (outages, now) = answered((0..3600).step_by(2));
        assert!(!outages.excuse_at(Seconds(30), now), "slow, but well");
    }

    #[test]
    fn a_probe_that_was_overtaken_is_not_an_outage() {
        let (outages, now) = answered(0..=100);

        outages.answered_at(now.checked_sub(Duration::from_secs(1)).unwrap(), at(now, 1));

        assert!(!outages.excuse_at(Seconds(5), at(now, 1)));
        assert!(outages.excuse_at(Seconds(5), at(now, 5)), "it counts from the latest");
    }
}
