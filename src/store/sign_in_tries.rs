//! `sign_in_tries`: how often a password was tried, counted before it is hashed.

use sqlx::FromRow;

use super::{On, sql};
use crate::types::{Digest, Seconds, Timestamp};

/// Reserves one try in a bucket. `None`: there is none left in this window; of 256 who ask at once, as
/// many are let through as the limit says (THREATS UI-17, X-09).
///
/// # Errors
/// What the database says.
pub async fn reserve(
    on: impl Into<On<'_>>,
    bucket: &Digest,
    most: i64,
    window: Seconds,
    now: Timestamp,
) -> sqlx::Result<Option<i64>> {
    #[derive(FromRow)]
    struct Row {
        tries: i64,
    }
    let row: Option<Row> = sql("INSERT INTO sign_in_tries (bucket, tries, started_at) VALUES ($2, 1, $1)
         ON CONFLICT (bucket) DO UPDATE
            SET tries = CASE WHEN sign_in_tries.started_at <= $3 THEN 1 ELSE sign_in_tries.tries + 1 END,
                started_at = CASE WHEN sign_in_tries.started_at <= $3 THEN $1 ELSE sign_in_tries.started_at END
          WHERE sign_in_tries.started_at <= $3 OR sign_in_tries.tries < $4
      RETURNING tries")
    .bind(now)
    .bind(bucket)
    .bind(now - window)
    .bind(most)
    .opt(on)
    .await?;
    Ok(row.map(|row| row.tries))
}

/// Forgets the tries of a bucket: somebody has proven that they know the password.
///
/// # Errors
/// What the database says.
pub async fn forget(on: impl Into<On<'_>>, bucket: &Digest) -> sqlx::Result<()> {
    sql("DELETE FROM sign_in_tries WHERE bucket = $1").bind(bucket).run(on).await.map(drop)
}

/// When a bucket that is full opens again.
///
/// # Errors
/// What the database says.
pub async fn opens_at(
    on: impl Into<On<'_>>,
    bucket: &Digest,
    window: Seconds,
) -> sqlx::Result<Option<Timestamp>> {
    #[derive(FromRow)]
    struct Row {
        started_at: Timestamp,
    }
    let row: Option<Row> =
        sql("SELECT started_at FROM sign_in_tries WHERE bucket = $1").bind(bucket).opt(on).await?;
    Ok(row.map(|row| row.started_at + window))
}

/// Gives one try back that was reserved at `taken_at`, if that window is still open: a later one has
/// not counted it.
///
/// # Errors
/// What the database says.
pub async fn give_back(
    on: impl Into<On<'_>>,
    bucket: &Digest,
    taken_at: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE sign_in_tries SET tries = tries - 1
          WHERE bucket = $1 AND started_at <= $2 AND tries > 0")
    .bind(bucket)
    .bind(taken_at)
    .run(on)
    .await
    .map(drop)
}
