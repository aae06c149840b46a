//! `device_cookies`: browsers that have signed in to an account before. Each has a few attempts of its own, so that
//! an attacker cannot lock the user out.

use crate::types::time::AHEAD;
use crate::types::{Digest, Timestamp, UserId};
use crate::{Executor, Tx, sql};

/// The number of consecutive failures that invalidates a cookie.
pub const MOST: i64 = 10;

/// The number of browsers stored for an account; the least recently used one is replaced.
const BROWSERS: i64 = 20;

/// Whether the browser with this cookie has an attempt left at the account.
///
/// # Errors
/// When the database fails.
pub async fn is_known(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let row: Option<(i64,)> = sql("SELECT tries FROM device_cookies
          WHERE digest = $1 AND user_id = $2 AND tries < $3 AND expires_at > $4 AND used_at <= $5")
    .bind(*digest)
    .bind(user)
    .bind(MOST)
    .bind(now)
    .bind(now + AHEAD)
    .fetch_optional(on)
    .await?;
    Ok(row.is_some())
}

/// Whether this is a valid cookie of any account; otherwise the server did not set it.
///
/// # Errors
/// When the database fails.
pub async fn is_ours(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let row: Option<(i64,)> =
        sql("SELECT tries FROM device_cookies WHERE digest = $1 AND expires_at > $2 AND used_at <= $3 LIMIT 1")
            .bind(*digest)
            .bind(now)
            .bind(now + AHEAD)
            .fetch_optional(on)
            .await?;
    Ok(row.is_some())
}

/// Reserves one of the browser's attempts at the account. `false`: none is left.
///
/// # Errors
/// When the database fails.
pub async fn reserve(
    tx: &mut Tx,
    digest: &Digest,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let changed = sql("UPDATE device_cookies SET tries = tries + 1
          WHERE digest = $1 AND user_id = $2 AND tries < $3 AND expires_at > $4 AND used_at <= $5")
    .bind(*digest)
    .bind(user)
    .bind(MOST)
    .bind(now)
    .bind(now + AHEAD)
    .execute(tx)
    .await?;
    Ok(changed == 1)
}

/// Records a failed attempt of the browser: after the last one, its cookie is invalid.
///
/// # Errors
/// When the database fails.
pub async fn failed(tx: &mut Tx, digest: &Digest, user: &UserId) -> sqlx::Result<()> {
    sql("DELETE FROM device_cookies WHERE digest = $1 AND user_id = $2 AND tries >= $3")
        .bind(*digest)
        .bind(user)
        .bind(MOST)
        .execute(tx)
        .await
        .map(drop)
}

/// Resets the attempts of the browser after a successful one.
///
/// # Errors
/// When the database fails.
pub async fn give_back(tx: &mut Tx, digest: &Digest, user: &UserId) -> sqlx::Result<()> {
    sql("UPDATE device_cookies SET tries = 0 WHERE digest = $1 AND user_id = $2")
        .bind(*digest)
        .bind(user)
        .execute(tx)
        .await
        .map(drop)
}

/// Records that the browser has signed in to the account, until `expires_at`.
///
/// # Errors
/// When the database fails.
pub async fn store(
    tx: &mut Tx,
    digest: &Digest,
    user: &UserId,
    expires_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO device_cookies (digest, user_id, tries, used_at, expires_at)
         VALUES ($1, $2, 0, $3, $4)
         ON CONFLICT (digest, user_id) DO UPDATE
            SET tries = 0, used_at = excluded.used_at, expires_at = excluded.expires_at")
    .bind(*digest)
    .bind(user)
    .bind(now)
    .bind(expires_at)
    .execute(&mut *tx)
    .await?;
    sql("DELETE FROM device_cookies
          WHERE user_id = $1 AND digest IN (SELECT digest FROM device_cookies WHERE user_id = $1
                                             ORDER BY used_at DESC, digest LIMIT 1000 OFFSET $2)")
    .bind(user)
    .bind(BROWSERS)
    .execute(tx)
    .await
    .map(drop)
}

/// The number of browsers known to the account.
///
/// # Errors
/// When the database fails.
pub async fn count(
    on: impl Into<Executor<'_>>,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<i64> {
    let (browsers,): (i64,) = sql("SELECT COUNT(*) FROM device_cookies
          WHERE user_id = $1 AND tries < $2 AND expires_at > $3")
    .bind(user)
    .bind(MOST)
    .bind(now)
    .fetch_one(on)
    .await?;
    Ok(browsers)
}

/// Deletes all browsers of the account.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    sql("DELETE FROM device_cookies WHERE user_id = $1").bind(user).execute(tx).await.map(drop)
}
