//! `jobs`: work that one replica does at a time.

use super::{On, sql};
use crate::types::{Seconds, Timestamp};

/// Takes a job, if it is due and nobody else is at it.
///
/// # Errors
/// What the database says.
pub async fn lease(
    on: impl Into<On<'_>>,
    name: &str,
    holder: &str,
    every: Seconds,
    lease: Seconds,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let leased = sql("INSERT INTO jobs (name, holder, leased_until, ran_at) VALUES ($2, $3, $4, NULL)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
          WHERE jobs.leased_until <= $1 AND (jobs.ran_at IS NULL OR jobs.ran_at <= $5)")
    .bind(now)
    .bind(name)
    .bind(holder)
    .bind(now + lease)
    .bind(now - every)
    .run(on)
    .await?;
    Ok(leased == 1)
}

/// Notes that a job was done, by the one who held it.
///
/// # Errors
/// What the database says.
pub async fn done(
    on: impl Into<On<'_>>,
    name: &str,
    holder: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE jobs SET leased_until = $1, ran_at = $1 WHERE name = $2 AND holder = $3")
        .bind(now)
        .bind(name)
        .bind(holder)
        .run(on)
        .await
        .map(drop)
}
