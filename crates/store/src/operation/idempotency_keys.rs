//! `idempotency_keys`: requests of administrators that create something at most once.

use sqlx_macros::FromRow;

use crate::types::{Digest, Timestamp};
use crate::{Executor, Tx, sql};

/// The key of a request, and who sent it.
#[derive(Clone, Debug)]
pub struct Key {
    /// The actor, as in audit events.
    pub actor: String,
    /// The digest of the key.
    pub digest: Digest,
}

/// What a key was used for.
#[derive(Debug, FromRow)]
pub struct Used {
    /// The digest of the request.
    pub request_digest: Digest,
    /// The created object; `None`: the request has not completed.
    pub target: Option<String>,
}

/// Reserves a key for a request. `false`: it is reserved already.
///
/// # Errors
/// When the database fails.
pub async fn reserve(
    tx: &mut Tx,
    key: &Key,
    request: &Digest,
    now: Timestamp,
    expires_at: Timestamp,
) -> sqlx::Result<bool> {
    let reserved = sql(
        "INSERT INTO idempotency_keys (actor, key_digest, request_digest, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (actor, key_digest) DO UPDATE
            SET request_digest = excluded.request_digest, target = NULL,
                created_at = excluded.created_at, expires_at = excluded.expires_at
          WHERE idempotency_keys.expires_at <= excluded.created_at",
    )
    .bind(&key.actor)
    .bind(key.digest)
    .bind(request)
    .bind(now)
    .bind(expires_at)
    .execute(tx)
    .await?;
    Ok(reserved == 1)
}

/// What a key was used for.
///
/// # Errors
/// When the database fails.
pub async fn find(on: impl Into<Executor<'_>>, key: &Key) -> sqlx::Result<Option<Used>> {
    sql("SELECT request_digest, target FROM idempotency_keys WHERE actor = $1 AND key_digest = $2")
        .bind(&key.actor)
        .bind(key.digest)
        .fetch_optional(on)
        .await
}

/// Stores the created object.
///
/// # Errors
/// When the database fails.
pub async fn complete(tx: &mut Tx, key: &Key, target: &str) -> sqlx::Result<()> {
    sql("UPDATE idempotency_keys SET target = $1 WHERE actor = $2 AND key_digest = $3")
        .bind(target)
        .bind(&key.actor)
        .bind(key.digest)
        .execute(tx)
        .await
        .map(drop)
}

/// Releases a key whose request created nothing.
///
/// # Errors
/// When the database fails.
pub async fn release(tx: &mut Tx, key: &Key) -> sqlx::Result<()> {
    sql("DELETE FROM idempotency_keys WHERE actor = $1 AND key_digest = $2 AND target IS NULL")
        .bind(&key.actor)
        .bind(key.digest)
        .execute(tx)
        .await
        .map(drop)
}
