//! `[passwords]` and `[throttle]`.

use crate::problem::Contradictions;
use crate::table::{optional, table};
use crate::types::Seconds;

table! {
    /// The rules for passwords, and the cost of hashing them.
    passwords: Passwords {
        /// The minimum length of a new password, in characters. NIST SP 800-63B-4 §3.1.1.2 requires
        /// 15 where a password is the only factor.
        min_length: usize = 15, within 8, 64;
        /// The maximum length of a password, in bytes; a longer one is refused, never truncated. 64
        /// characters always fit.
        max_bytes: usize = 1024, within 256, 4096;
        /// The memory of one argon2id hash, in KiB.
        memory_kib: u32 = 19_456, within 8192, 1_048_576;
        /// The passes of one argon2id hash.
        iterations: u32 = 2, within 1, 100;
        /// The lanes of one argon2id hash.
        parallelism: u32 = 1, within 1, 16;
        /// How many passwords are hashed at once. Each takes a core and `memory_kib`: the limit
        /// keeps a burst of sign-ins from slowing down token requests. One for each core, and no
        /// more than four, is enough.
        hashing_slots: usize = 1, within 1, 64;
        /// How many sign-ins may wait for a slot. Networks take turns. When the queue is full, the
        /// network with the most waiting sign-ins gives up one for a network with fewer; the rest
        /// receive 503.
        queue: usize = 200, within 1, 100_000;
    }
}

table! {
    /// Limits for failed sign-ins.
    throttle: Throttle {
        /// Failures with one user name, and at one account, from one network within `window`; after
        /// that, passwords from there are no longer compared. A network is an IPv4 address or an
        /// IPv6 /64; the limit is twice as high for a /56, four times as high for a /48.
        account_attempts: u32 = 10, within 1, 1000;
        /// Failures from one network within `window`, for all accounts together.
        network_attempts: u32 = 100, within 1, 100_000;
        /// Consecutive failures at one account, from all networks together. After that, browsers
        /// that have not signed in to it before have one attempt a minute from their network, and
        /// sixty an hour in all; `gatewright user unlock` lifts that. NIST SP 800-63B-4 §3.2.2
        /// allows no more than 100.
        consecutive_failures: u32 = 100, within 10, 100;
        /// How long a failure is counted, except consecutive ones.
        window: Seconds = Seconds::minutes(10), within Seconds::minutes(1), Seconds::days(1);
    }
}

impl Throttle {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        contradictions.at_most(
            ("throttle.account_attempts", self.account_attempts),
            ("throttle.network_attempts", self.network_attempts),
        );
    }
}
