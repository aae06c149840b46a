//! `failovers`: those that the operator has declared (decision 0029). What one admits is decided by
//! [`crate::grants::rotate`].

use sqlx_macros::FromRow;

use crate::types::{Seconds, Timestamp};
use crate::{On, sql};

/// A failover that was declared.
#[derive(Clone, Debug, FromRow)]
pub struct Failover {
    /// When the database that is used now took over.
    pub failed_over_at: Timestamp,
    /// By how much it may have been behind.
    pub lag: Seconds,
    /// When the failover was declared.
    pub declared_at: Timestamp,
    /// Until when it admits refresh tokens that are newer than their grants.
    pub ends_at: Timestamp,
}

/// Declares a failover. `false`: it was declared before, and what was said then stands.
///
/// # Errors
/// What the database says.
pub async fn insert(on: impl Into<On<'_>>, failover: &Failover) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO failovers (failed_over_at, lag, declared_at, ends_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (failed_over_at) DO NOTHING")
    .bind(failover.failed_over_at)
    .bind(failover.lag)
    .bind(failover.declared_at)
    .bind(failover.ends_at)
    .run(on)
    .await?;
    Ok(inserted == 1)
}

/// The failover of this time.
///
/// # Errors
/// What the database says.
pub async fn find(on: impl Into<On<'_>>, at: Timestamp) -> sqlx::Result<Option<Failover>> {
    sql("SELECT failed_over_at, lag, declared_at, ends_at FROM failovers WHERE failed_over_at = $1")
        .bind(at)
        .opt(on)
        .await
}
