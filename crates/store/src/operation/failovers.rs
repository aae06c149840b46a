//! `failovers`: declared failovers (decision 0029). [`crate::grants::rotate`] decides what they permit.

use sqlx_macros::FromRow;

use crate::types::{Seconds, Timestamp};
use crate::{Executor, sql};

/// A declared failover.
#[derive(Clone, Debug, FromRow)]
pub struct Failover {
    /// When the current database became the primary.
    pub failed_over_at: Timestamp,
    /// The largest replication lag at that time.
    pub lag: Seconds,
    /// When the failover was declared.
    pub declared_at: Timestamp,
    /// Until when refresh tokens newer than their grants are accepted.
    pub ends_at: Timestamp,
}

/// Declares a failover. `false`: it was declared before, and that declaration is unchanged.
///
/// # Errors
/// When the database fails.
pub async fn insert(on: impl Into<Executor<'_>>, failover: &Failover) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO failovers (failed_over_at, lag, declared_at, ends_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (failed_over_at) DO NOTHING")
    .bind(failover.failed_over_at)
    .bind(failover.lag)
    .bind(failover.declared_at)
    .bind(failover.ends_at)
    .execute(on)
    .await?;
    Ok(inserted == 1)
}

/// The failover at this time.
///
/// # Errors
/// When the database fails.
pub async fn find(on: impl Into<Executor<'_>>, at: Timestamp) -> sqlx::Result<Option<Failover>> {
    sql("SELECT failed_over_at, lag, declared_at, ends_at FROM failovers WHERE failed_over_at = $1")
        .bind(at)
        .fetch_optional(on)
        .await
}
