//! Whether the database accepts writes: a statement that changes one row and is committed.

use crate::types::Timestamp;
use crate::{Executor, sql};

/// Writes a row that is never read. A read-only database (a standby, a full disk) refuses it.
///
/// # Errors
/// When the database fails.
pub async fn write(on: impl Into<Executor<'_>>, now: Timestamp) -> sqlx::Result<()> {
    sql("INSERT INTO jobs (name, holder, leased_until, ran_at) VALUES ('writes', '', $1, $1)
         ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until, ran_at = excluded.ran_at")
    .bind(now)
    .execute(on)
    .await
    .map(drop)
}
