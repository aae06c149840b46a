//! `browsers`: the short-lived state of a browser before sign-in. Inserted once, then changed only
//! while it lives, so that a late write never brings one back.

use sqlx::FromRow;

use super::{On, sql};
use crate::types::{Digest, Timestamp};

/// A new browser. `false`: the identifier is taken.
///
/// # Errors
/// What the database says.
pub async fn insert(
    on: impl Into<On<'_>>,
    digest: &Digest,
    data: &str,
    expires_at: Timestamp,
) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO browsers (digest, data, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO NOTHING")
    .bind(digest)
    .bind(data)
    .bind(expires_at)
    .run(on)
    .await?;
    Ok(inserted == 1)
}

/// Changes what is known of a living one.
///
/// # Errors
/// What the database says.
pub async fn update(
    on: impl Into<On<'_>>,
    digest: &Digest,
    data: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let updated = sql("UPDATE browsers SET data = $2, expires_at = $3
          WHERE digest = $4 AND expires_at > $1")
    .bind(now)
    .bind(data)
    .bind(expires_at)
    .bind(digest)
    .run(on)
    .await?;
    Ok(updated == 1)
}

/// What is known of a browser.
#[derive(Debug, FromRow)]
pub struct BrowserRow {
    /// As JSON.
    pub data: String,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// What is known of a browser.
///
/// # Errors
/// What the database says.
pub async fn find(
    on: impl Into<On<'_>>,
    digest: &Digest,
    now: Timestamp,
) -> sqlx::Result<Option<BrowserRow>> {
    sql("SELECT data, expires_at FROM browsers WHERE digest = $2 AND expires_at > $1")
        .bind(now)
        .bind(digest)
        .opt(on)
        .await
}

/// Forgets a browser.
///
/// # Errors
/// What the database says.
pub async fn delete(on: impl Into<On<'_>>, digest: &Digest) -> sqlx::Result<()> {
    sql("DELETE FROM browsers WHERE digest = $1").bind(digest).run(on).await.map(drop)
}
