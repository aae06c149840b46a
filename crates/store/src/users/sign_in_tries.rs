//! `sign_in_tries`: attempts to sign in, counted before the password is hashed.
//!
//! An attempt is reserved first (`tries`), and counted as a failure only once it has failed (`failures`): correct
//! concurrent attempts are not treated as guesses.

use sqlx_macros::FromRow;

use crate::ahead::not_ahead;
use crate::types::{Digest, Seconds, Timestamp};
use crate::{Executor, sql};

/// The longest duration of an attempt: one without a result by then was abandoned, and counts as a failure, since
/// the password may have been compared.
const LONGEST: Seconds = Seconds(30);

/// A counter of attempts, and its limit.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Its key.
    pub key: Digest,
    /// The account or name that it counts for, for [`reset_subject`]. `None`: only a network.
    pub subject: Option<Digest>,
    /// The limit within a window.
    pub most: i64,
    /// The window.
    pub window: Seconds,
    /// Whether each attempt restarts the window: it then counts consecutive attempts.
    pub is_sliding: bool,
}

/// Whether a bucket has an attempt left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// One is left.
    Left,
    /// None is left unless attempts in progress succeed.
    Pending,
    /// None is left until this time.
    NoneUntil(Timestamp),
}

/// That the window of a bucket is over: it began too long ago, or in the future by a clock that was wrong.
macro_rules! is_over {
    () => {
        concat!(
            "(sign_in_tries.started_at <= $4 OR NOT ",
            not_ahead!("sign_in_tries.started_at"),
            ")"
        )
    };
}

/// Reserves one attempt in a bucket. `false`: none is left; concurrent requests never exceed the limit (THREATS
/// UI-17, X-09).
///
/// # Errors
/// When the database fails.
pub async fn reserve(
    on: impl Into<Executor<'_>>,
    bucket: &Bucket,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let changed = sql(concat!(
        "INSERT INTO sign_in_tries (bucket, subject, tries, failures, started_at, reserved_at)
              VALUES ($2, $3, 1, 0, $1, $1)
         ON CONFLICT (bucket) DO UPDATE
            SET tries = CASE WHEN ",
        is_over!(),
        " THEN 1 ELSE sign_in_tries.tries + 1 END,
                failures = CASE WHEN ",
        is_over!(),
        " THEN 0 ELSE sign_in_tries.failures END,
                started_at = CASE WHEN ",
        is_over!(),
        " OR $6 THEN $1 ELSE sign_in_tries.started_at END,
                reserved_at = $1
          WHERE ",
        is_over!(),
        " OR sign_in_tries.tries < $5"
    ))
    .bind(now)
    .bind(bucket.key)
    .bind(bucket.subject)
    .bind(now - bucket.window)
    .bind(bucket.most)
    .bind(bucket.is_sliding)
    .execute(on)
    .await?;
    Ok(changed == 1)
}

/// Whether a bucket has an attempt left, without reserving it.
///
/// # Errors
/// When the database fails.
pub async fn room(
    on: impl Into<Executor<'_>>,
    bucket: &Bucket,
    now: Timestamp,
) -> sqlx::Result<Room> {
    #[derive(FromRow)]
    struct Row {
        tries: i64,
        failures: i64,
        started_at: Timestamp,
        reserved_at: Timestamp,
    }
    let row: Option<Row> =
        sql("SELECT tries, failures, started_at, reserved_at FROM sign_in_tries WHERE bucket = $1")
            .bind(bucket.key)
            .fetch_optional(on)
            .await?;
    let Some(row) = row else {
        return Ok(Room::Left);
    };
    let ends = row.started_at + bucket.window;
    if row.tries < bucket.most || ends <= now || row.started_at.is_ahead_of(now) {
        Ok(Room::Left)
    } else if row.failures < bucket.most && row.reserved_at > now - LONGEST {
        Ok(Room::Pending)
    } else {
        Ok(Room::NoneUntil(ends))
    }
}

/// Records that an attempt reserved at `taken_at` has failed. A later window did not count it.
///
/// # Errors
/// When the database fails.
pub async fn failed(
    on: impl Into<Executor<'_>>,
    bucket: &Digest,
    taken_at: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE sign_in_tries SET failures = failures + 1
          WHERE bucket = $1 AND started_at <= $2 AND failures < tries")
    .bind(*bucket)
    .bind(taken_at)
    .execute(on)
    .await
    .map(drop)
}

/// Returns an attempt that was reserved at `taken_at`. A later window did not count it.
///
/// # Errors
/// When the database fails.
pub async fn give_back(
    on: impl Into<Executor<'_>>,
    bucket: &Digest,
    taken_at: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE sign_in_tries SET tries = tries - 1
          WHERE bucket = $1 AND started_at <= $2 AND failures < tries")
    .bind(*bucket)
    .bind(taken_at)
    .execute(on)
    .await
    .map(drop)
}

/// Restarts the window of a full bucket, because attempts continue.
///
/// # Errors
/// When the database fails.
pub async fn restart_window(
    on: impl Into<Executor<'_>>,
    bucket: &Digest,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE sign_in_tries SET started_at = $1 WHERE bucket = $2")
        .bind(now)
        .bind(*bucket)
        .execute(on)
        .await
        .map(drop)
}

/// Resets a bucket after a correct password.
///
/// # Errors
/// When the database fails.
pub async fn reset(on: impl Into<Executor<'_>>, bucket: &Digest) -> sqlx::Result<()> {
    sql("DELETE FROM sign_in_tries WHERE bucket = $1").bind(*bucket).execute(on).await.map(drop)
}

/// Resets all buckets of an account or a name, from every network.
///
/// # Errors
/// When the database fails.
pub async fn reset_subject(on: impl Into<Executor<'_>>, subject: &Digest) -> sqlx::Result<()> {
    sql("DELETE FROM sign_in_tries WHERE subject = $1").bind(*subject).execute(on).await.map(drop)
}
