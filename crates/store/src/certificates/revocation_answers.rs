//! `revocation_answers`: the signed CRLs and OCSP responses of other CAs, as received.

use sqlx_macros::FromRow;

use crate::types::{Thumbprint, Timestamp};
use crate::{Executor, sql};

/// An OCSP response, or a CRL.
#[derive(Clone, Debug, FromRow)]
pub struct StoredResponse {
    /// The DER.
    pub body: Vec<u8>,
    /// When it was fetched.
    pub fetched_at: Timestamp,
}

/// The response stored under this name.
///
/// # Errors
/// When the database fails.
pub async fn find(
    on: impl Into<Executor<'_>>,
    name: Thumbprint,
) -> sqlx::Result<Option<StoredResponse>> {
    sql("SELECT body, fetched_at FROM revocation_answers WHERE id = $1")
        .bind(name)
        .fetch_optional(on)
        .await
}

/// Stores a response until it expires. Of two, the one that was fetched later is kept.
///
/// # Errors
/// When the database fails.
pub async fn store(
    on: impl Into<Executor<'_>>,
    name: Thumbprint,
    kept: &StoredResponse,
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
    .execute(on)
    .await
    .map(drop)
}
