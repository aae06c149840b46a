//! Whether the database takes writes: a statement that changes one row and is committed.

use crate::types::Timestamp;
use crate::{On, sql};

/// Writes what nobody reads. A database that only reads (a standby, a full disk) refuses it.
///
/// # Errors
/// What the database says.
pub async fn write(on: impl Into<On<'_>>, now: Timestamp) -> sqlx::Result<()> {
    sql("INSERT INTO jobs (name, holder, leased_until, ran_at) VALUES ('writes', '', $1, $1)
         ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until, ran_at = excluded.ran_at")
    .bind(now)
    .run(on)
    .await
    .map(drop)
}
