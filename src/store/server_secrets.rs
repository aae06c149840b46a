//! `server_secrets`: the server's own secrets, sealed.

use sqlx::FromRow;

use super::{On, sql};
use crate::types::Timestamp;

/// A sealed secret of the server.
#[derive(Debug, FromRow)]
pub struct ServerSecret {
    /// What it is for.
    pub name: String,
    /// Sealed under the key-encryption key.
    pub sealed: Vec<u8>,
}

/// All of them.
///
/// # Errors
/// What the database says.
pub async fn all(on: impl Into<On<'_>>) -> sqlx::Result<Vec<ServerSecret>> {
    sql("SELECT name, sealed FROM server_secrets ORDER BY name").all(on).await
}

/// Keeps a new one. Of two replicas that start at once, the first wins; the other reads what it wrote.
///
/// # Errors
/// What the database says.
pub async fn insert(
    on: impl Into<On<'_>>,
    name: &str,
    sealed: &[u8],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO server_secrets (name, sealed, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO NOTHING")
    .bind(name)
    .bind(sealed)
    .bind(now)
    .run(on)
    .await?;
    Ok(inserted == 1)
}

/// Replaces the sealed form, when it was sealed again under a newer key and nobody did so meanwhile.
///
/// # Errors
/// What the database says.
pub async fn reseal(
    on: impl Into<On<'_>>,
    name: &str,
    from: &[u8],
    to: &[u8],
) -> sqlx::Result<bool> {
    let statement = "UPDATE server_secrets SET sealed = $1 WHERE name = $2 AND sealed = $3";
    super::reseal(on, statement, name, from, to).await
}
