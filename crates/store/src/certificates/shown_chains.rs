//! `shown_chains`: certificates of other CAs that clients presented, with their chains.

use sqlx_macros::FromRow;

use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::{Executor, sql};

/// A certificate that was presented, and its chain.
#[derive(Clone, Debug, FromRow)]
pub struct ShownChain {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// The client that presented it first.
    pub client_id: ClientId,
    /// The certificate and those presented with it, as concatenated DER.
    pub chain: Vec<u8>,
    /// When the certificate expires.
    pub not_after: Timestamp,
}

/// Stores a chain until its certificate expires. Of two, the later one is kept.
///
/// # Errors
/// When the database fails.
pub async fn store(on: impl Into<Executor<'_>>, shown: &ShownChain) -> sqlx::Result<()> {
    sql("INSERT INTO shown_chains (thumbprint, client_id, chain, not_after) VALUES ($1, $2, $3, $4)
         ON CONFLICT (thumbprint) DO UPDATE SET chain = excluded.chain
         WHERE shown_chains.chain <> excluded.chain")
    .bind(shown.thumbprint)
    .bind(&shown.client_id)
    .bind(shown.chain.as_slice())
    .bind(shown.not_after)
    .execute(on)
    .await
    .map(drop)
}

/// All stored chains.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<ShownChain>> {
    sql("SELECT thumbprint, client_id, chain, not_after FROM shown_chains").fetch_all(on).await
}
