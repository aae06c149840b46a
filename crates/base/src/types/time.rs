//! Time as a value: a request reads the clock once, and below that `now` is an argument.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Unix seconds: the `NumericDate` of RFC 7519 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::Type), sqlx(transparent))]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sql", derive(sqlx_macros::Type), sqlx(transparent))]
#[serde(transparent)]
pub struct Seconds(pub i64);

/// The tolerated difference between the clocks of replicas. A time further in the future was
/// written by a wrong clock (decision 0039).
pub const AHEAD: Seconds = Seconds::minutes(5);

impl Timestamp {
    /// Whether this time is implausibly far in the future; what was issued then is not valid.
    pub fn is_ahead_of(self, now: Self) -> bool {
        self > now + AHEAD
    }
}

impl Seconds {
    /// `n` minutes.
    pub const fn minutes(n: i64) -> Self {
        Self(n * 60)
    }

    /// `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self(n * 3600)
    }

    /// `n` days.
    pub const fn days(n: i64) -> Self {
        Self(n * 86_400)
    }
}

impl Add<Seconds> for Timestamp {
    type Output = Self;

    /// Saturates: a lifetime near the maximum must not wrap into the past (THREATS DO-18).
    fn add(self, length: Seconds) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

impl Sub<Seconds> for Timestamp {
    type Output = Self;

    fn sub(self, length: Seconds) -> Self {
        Self(self.0.saturating_sub(length.0))
    }
}

impl Add for Seconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Timestamp {
    type Output = Seconds;

    fn sub(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC: `2026-11-22T00:44:47Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ::time::format_description::well_known::Rfc3339;
        match ::time::OffsetDateTime::from_unix_timestamp(self.0).map(|t| t.format(&Rfc3339)) {
            Ok(Ok(text)) => f.write_str(&text),
            Ok(Err(_)) | Err(_) => write!(f, "@{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// THREATS DO-18.
    #[test]
    fn no_duration_overflows_a_time() {
        let (first, last) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let (shortest, longest) = (Seconds(i64::MIN), Seconds(i64::MAX));

        assert_eq!(Timestamp(1) + longest, last);
        assert_eq!(Timestamp(-2) + shortest, first);
        assert_eq!(Timestamp(-2) - longest, first);
        assert_eq!(Timestamp(1) - shortest, last);
        assert_eq!(last - first, longest);
        assert_eq!(first - last, shortest);
        assert_eq!(longest + Seconds(1), longest);
        assert_eq!(last.to_string(), format!("@{}", i64::MAX));
    }
}
