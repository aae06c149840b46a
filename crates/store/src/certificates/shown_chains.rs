//! `shown_chains`: certificates that others issued and clients showed, with what came with them.

use sqlx_macros::FromRow;

use crate::types::{ClientId, Thumbprint, Timestamp};
use crate::{On, sql};

/// A certificate that was shown, and its chain.
#[derive(Clone, Debug, FromRow)]
pub struct ShownChain {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// The client that showed it first.
    pub client_id: ClientId,
    /// The certificate and what came with it, DER after DER.
    pub chain: Vec<u8>,
    /// When the certificate counts no more.
    pub not_after: Timestamp,
}

/// Keeps a chain until its certificate counts no more. Of two, the later one stays.
///
/// # Errors
/// What the database says.
pub async fn keep(on: impl Into<On<'_>>, shown: &ShownChain) -> sqlx::Result<()> {
    sql("INSERT INTO shown_chains (thumbprint, client_id, chain, not_after) VALUES ($1, $2, $3, $4)
         ON CONFLICT (thumbprint) DO UPDATE SET chain = excluded.chain
         WHERE shown_chains.chain <> excluded.chain")
    .bind(shown.thumbprint)
    .bind(&shown.client_id)
    .bind(shown.chain.as_slice())
    .bind(shown.not_after)
    .run(on)
    .await
    .map(drop)
}

/// All that are kept.
///
/// # Errors
/// What the database says.
pub async fn all(on: impl Into<On<'_>>) -> sqlx::Result<Vec<ShownChain>> {
    sql("SELECT thumbprint, client_id, chain, not_after FROM shown_chains").all(on).await
}
