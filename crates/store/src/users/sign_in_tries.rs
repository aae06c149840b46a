//! `sign_in_tries`: how often a password was tried, counted before it is hashed.
//!
//! A try is reserved (`tries`), and counts as a failure only once it has failed (`failures`): whoever
//! knows the password and comes at the same moment as others is not taken for somebody who guesses.

use sqlx_macros::FromRow;

use crate::ahead::not_ahead;
use crate::types::{Digest, Seconds, Timestamp};
use crate::{On, sql};

/// How long a try may take: one that was neither right nor wrong by then was abandoned, and counts as a
/// failure, since it may have been compared.
const LONGEST: Seconds = Seconds(30);

/// What a bucket counts, and how much of it there may be.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Which one.
    pub key: Digest,
    /// The account or name that it is about, for [`forget_subject`]. `None`: a network alone.
    pub subject: Option<Digest>,
    /// So many tries in a window.
    pub most: i64,
    /// How long a try counts.
    pub window: Seconds,
    /// Whether the window begins anew with each try: then it counts tries in a row.
    pub is_sliding: bool,
}

/// Whether a bucket has a try left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It has.
    Left,
    /// It has none until tries that are being compared turn out to be right.
    Pending,
    /// It has none until this time.
    NoneUntil(Timestamp),
}

/// That the window of a bucket is over: it began too long ago, or by a clock that was wrong, and would last until
/// then.
macro_rules! is_over {
    () => {
        concat!(
            "(sign_in_tries.started_at <= $4 OR NOT ",
            not_ahead!("sign_in_tries.started_at"),
            ")"
        )
    };
}

/// Reserves one try in a bucket. `false`: there is none left; of 256 who ask at once, as many are let
/// through as the limit says (THREATS UI-17, X-09).
///
/// # Errors
/// What the database says.
pub async fn reserve(on: impl Into<On<'_>>, bucket: &Bucket, now: Timestamp) -> sqlx::Result<bool> {
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
    .run(on)
    .await?;
    Ok(changed == 1)
}

/// Whether a bucket has a try left, without taking it.
///
/// # Errors
/// What the database says.
pub async fn room(on: impl Into<On<'_>>, bucket: &Bucket, now: Timestamp) -> sqlx::Result<Room> {
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
            .opt(on)
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

/// A try that was reserved at `taken_at` has failed. A later window has not counted it.
///
/// # Errors
/// What the database says.
pub async fn failed(
    on: impl Into<On<'_>>,
    bucket: &Digest,
    taken_at: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE sign_in_tries SET failures = failures + 1
          WHERE bucket = $1 AND started_at <= $2 AND failures < tries")
    .bind(*bucket)
    .bind(taken_at)
    .run(on)
    .await
    .map(drop)
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
          WHERE bucket = $1 AND started_at <= $2 AND failures < tries")
    .bind(*bucket)
    .bind(taken_at)
    .run(on)
    .await
    .map(drop)
}

/// Begins the window of a bucket anew: somebody goes on although it is full.
///
/// # Errors
/// What the database says.
pub async fn prolong(on: impl Into<On<'_>>, bucket: &Digest, now: Timestamp) -> sqlx::Result<()> {
    sql("UPDATE sign_in_tries SET started_at = $1 WHERE bucket = $2")
        .bind(now)
        .bind(*bucket)
        .run(on)
        .await
        .map(drop)
}

/// Forgets the tries of a bucket: somebody has proven that they know the password.
///
/// # Errors
/// What the database says.
pub async fn forget(on: impl Into<On<'_>>, bucket: &Digest) -> sqlx::Result<()> {
    sql("DELETE FROM sign_in_tries WHERE bucket = $1").bind(*bucket).run(on).await.map(drop)
}

/// Forgets all tries at an account, or by a name, from whatever network.
///
/// # Errors
/// What the database says.
pub async fn forget_subject(on: impl Into<On<'_>>, subject: &Digest) -> sqlx::Result<()> {
    sql("DELETE FROM sign_in_tries WHERE subject = $1").bind(*subject).run(on).await.map(drop)
}
