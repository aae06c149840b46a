//! The clock. A request reads it once; below, time is a value.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::types::{Seconds, Timestamp};

/// A clock: the system's, or one that a test controls.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The system clock.
    #[expect(clippy::disallowed_methods, reason = "the only reader of the system clock")]
    pub fn system() -> Self {
        Self::of(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that returns `now_ms`: Unix milliseconds.
    pub fn of(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }

    /// Unix seconds.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.now_ms().div_euclid(1000))
    }
}

/// Time since a start, measured by the monotonic clock: changes of the system clock do not affect
/// it.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    began: Timestamp,
    at: Instant,
}

impl Steady {
    /// Starts now, at this clock's time.
    pub fn of(clock: &Clock) -> Self {
        Self { began: clock.now(), at: Instant::now() }
    }

    /// Unix seconds.
    pub fn now(&self) -> Timestamp {
        self.after(self.at.elapsed())
    }

    fn after(&self, elapsed: Duration) -> Timestamp {
        self.began + Seconds(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_clock_ignores_changes_of_the_system_clock() {
        let steady = Steady::of(&Clock::of(|| 1_795_000_000_000));

        assert_eq!(steady.after(Duration::from_millis(90_500)), Timestamp(1_795_000_090));
        assert!(steady.now() < Timestamp(1_795_000_000) + Seconds::hours(1));
    }
}
