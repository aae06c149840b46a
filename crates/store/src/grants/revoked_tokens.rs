//! `revoked_tokens`: JWT access tokens that were revoked before they expired (RFC 7009).

use crate::types::Timestamp;
use crate::{Executor, sql};

/// Records that a token is revoked. The row is kept until the token would have expired.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    on: impl Into<Executor<'_>>,
    jti: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO revoked_tokens (jti, revoked_at, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (jti) DO NOTHING")
    .bind(jti)
    .bind(now)
    .bind(expires_at)
    .execute(on)
    .await
    .map(drop)
}

/// Whether a token was revoked.
///
/// # Errors
/// When the database fails.
pub async fn contains(on: impl Into<Executor<'_>>, jti: &str) -> sqlx::Result<bool> {
    let (revoked,): (bool,) =
        sql("SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $1) AS revoked")
            .bind(jti)
            .fetch_one(on)
            .await?;
    Ok(revoked)
}

/// The `jti`s of all revoked tokens that have not expired.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = sql("SELECT jti FROM revoked_tokens").fetch_all(on).await?;
    Ok(rows.into_iter().map(|(jti,)| jti).collect())
}
