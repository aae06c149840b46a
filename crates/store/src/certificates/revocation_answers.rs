//! `revocation_answers`: what others say of the certificates that they issued, signed and as it came.

use sqlx_macros::FromRow;

use crate::types::{Thumbprint, Timestamp};
use crate::{On, sql};

/// An OCSP response, or a CRL.
#[derive(Clone, Debug, FromRow)]
pub struct Kept {
    /// Itself, in DER.
    pub body: Vec<u8>,
    /// When somebody fetched it.
    pub fetched_at: Timestamp,
}

/// What was kept under this name.
///
/// # Errors
/// What the database says.
pub async fn find(on: impl Into<On<'_>>, name: Thumbprint) -> sqlx::Result<Option<Kept>> {
    sql("SELECT body, fetched_at FROM revocation_answers WHERE id = $1").bind(name).opt(on).await
}

/// Keeps an answer until it counts no more. Of two the one that was fetched later stays.
///
/// # Errors
/// What the database says.
pub async fn keep(
    on: impl Into<On<'_>>,
    name: Thumbprint,
    kept: &Kept,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO revocation_answers (id, body, fetched_at, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE
         SET body = excluded.body, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
         WHERE revocation_answers.fetched_at <= excluded.fetched_at")
    .bind(name)
    .bind(kept.body.as_slice())
    .bind(kept.fetched_at)
    .bind(expires_at)
    .run(on)
    .await
    .map(drop)
}
