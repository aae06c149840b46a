//! The state of a certificate, and when its renewal is due.

use crate::store::certificates::CertificateRow;
use crate::types::{Seconds, Timestamp, wire_enum};

wire_enum! {
    /// The state of a certificate.
    pub enum State {
        /// Its validity period has not begun.
        Pending = "pending",
        /// It is valid.
        Valid = "valid",
        /// It is valid and has passed its first warning threshold.
        Expiring = "expiring",
        /// It has expired.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}

impl State {
    /// The state of a certificate; `warn_before` are the thresholds of the configuration.
    pub fn from_row(row: &CertificateRow, warn_before: &[Seconds], now: Timestamp) -> Self {
        if row.revoked_at.is_some() {
            Self::Revoked
        } else {
            Self::from_validity(row.not_before, row.not_after, warn_before, now)
        }
    }

    /// The state of a certificate that is not revoked.
    pub fn from_validity(
        not_before: Timestamp,
        not_after: Timestamp,
        warn_before: &[Seconds],
        now: Timestamp,
    ) -> Self {
        let first = || applicable_thresholds(not_after - not_before, warn_before).first().copied();
        if not_after < now {
            Self::Expired
        } else if now < not_before {
            Self::Pending
        } else if first().is_some_and(|threshold| not_after - now <= threshold) {
            Self::Expiring
        } else {
            Self::Valid
        }
    }
}

/// The warning thresholds for a certificate with this lifetime, the longest first. Thresholds above
/// a third of the lifetime are left out: otherwise the warning for a certificate of 24 hours would
/// come at once. If none remains, the threshold is the time at which its renewal is late.
pub fn applicable_thresholds(length: Seconds, warn_before: &[Seconds]) -> Vec<Seconds> {
    let mut fitting: Vec<_> =
        warn_before.iter().copied().filter(|threshold| threshold.0 <= length.0 / 3).collect();
    fitting.sort_by(|a, b| b.cmp(a));
    fitting.dedup();
    if fitting.is_empty() && !warn_before.is_empty() {
        fitting.push(late_after(length));
    }
    fitting
}

/// The remaining time at which a renewal is late: a quarter of the lifetime, because automated
/// clients commonly renew when a third remains.
pub const fn late_after(length: Seconds) -> Seconds {
    Seconds(length.0 / 4)
}
