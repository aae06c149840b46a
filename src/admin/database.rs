//! Declared failovers (decision 0029).

use super::{Action, Call, Done, Result};
pub use crate::flow::grants::failover::Revoked;
use crate::flow::grants::failover::{declare, revoke_again};
use crate::record::Kind;
pub use crate::store::failovers::Failover;
use crate::types::{Seconds, Timestamp};

/// Declares a failover at this time, which may have lost the commits of the last `lag`. Declared again, nothing
/// changes and no event is written.
///
/// # Errors
/// The time is not in the past, or the database fails.
pub async fn failed_over(call: &Call<'_>, at: Timestamp, lag: Seconds) -> Result<Done<Failover>> {
    let call = &call.allow(Action::DeclareFailover)?;
    let failover = declare(call.store, at, lag, call.trace).await?;
    Ok(Done::new(failover, Kind::FailedOver))
}

/// Repeats revocations that a failover has lost. Returns how many had effect; of JWT access tokens that is
/// unknown, and all of them count.
///
/// # Errors
/// The database fails; what was revoked until then stays revoked.
pub async fn repeat_revocations(call: &Call<'_>, lost: &[Revoked]) -> Result<Done<u64>> {
    let call = &call.allow(Action::RepeatRevocations)?;
    let effective = revoke_again(call.store, lost, call.trace).await?;
    Ok(Done::new(effective, Kind::RevokedAgain))
}
