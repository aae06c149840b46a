//! `server_secrets`: the server's own secrets, sealed. Each has versions; `server_secret_versions` holds the
//! number of the newest one.

use sqlx_macros::FromRow;

use crate::types::Timestamp;
use crate::{Executor, Tx, sql};

/// A version of a sealed secret of the server.
#[derive(Debug, FromRow)]
pub struct ServerSecret {
    /// What the secret is for.
    pub name: String,
    /// Which version.
    pub version: i64,
    /// Sealed under the key-encryption key, bound to [`ServerSecret::owner`].
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The latest expiry of what was protected with it; `None`: it is the newest version.
    pub read_until: Option<Timestamp>,
}

impl ServerSecret {
    /// The owner that the sealed form is bound to.
    pub fn owner(&self) -> String {
        owner(&self.name, self.version)
    }
}

/// The owner that the sealed form of a version is bound to. Version 1 existed before there were versions.
pub fn owner(name: &str, version: i64) -> String {
    if version == 1 { name.to_owned() } else { format!("{name}/{version}") }
}

/// The number of the newest version of a secret, even if its row was deleted.
#[derive(Debug, FromRow)]
pub struct Newest {
    /// What the secret is for.
    pub name: String,
    /// Which version.
    pub newest: i64,
}

/// All versions of all secrets.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<ServerSecret>> {
    sql("SELECT name, version, sealed, created_at, read_until
           FROM server_secrets
          ORDER BY name, version")
    .fetch_all(on)
    .await
}

/// The newest version of each secret that there has ever been.
///
/// # Errors
/// When the database fails.
pub async fn newest(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<Newest>> {
    sql("SELECT name, newest FROM server_secret_versions ORDER BY name").fetch_all(on).await
}

/// Adds the version after `before` (0: the first one). `false`: another replica has added it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    name: &str,
    before: i64,
    sealed: &[u8],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let claim = if before == 0 {
        sql("INSERT INTO server_secret_versions (name, newest) VALUES ($1, $2 + 1)
             ON CONFLICT (name) DO NOTHING")
    } else {
        sql("UPDATE server_secret_versions SET newest = newest + 1 WHERE name = $1 AND newest = $2")
    };
    if claim.bind(name).bind(before).execute(&mut *tx).await? == 0 {
        return Ok(false);
    }
    sql("INSERT INTO server_secrets (name, version, sealed, created_at) VALUES ($1, $2, $3, $4)")
        .bind(name)
        .bind(before + 1)
        .bind(sealed)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(true)
}

/// Accepts the versions before `version` until `until`; those that are superseded already keep their time.
///
/// # Errors
/// When the database fails.
pub async fn supersede(
    tx: &mut Tx,
    name: &str,
    version: i64,
    until: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE server_secrets SET read_until = $1
          WHERE name = $2 AND version < $3 AND read_until IS NULL")
    .bind(until)
    .bind(name)
    .bind(version)
    .execute(tx)
    .await
    .map(drop)
}

/// Deletes the versions before `version`: what they protected becomes invalid.
///
/// # Errors
/// When the database fails.
pub async fn delete_before(tx: &mut Tx, name: &str, version: i64) -> sqlx::Result<u64> {
    sql("DELETE FROM server_secrets WHERE name = $1 AND version < $2")
        .bind(name)
        .bind(version)
        .execute(tx)
        .await
}

/// Deletes the versions that are no longer accepted.
///
/// # Errors
/// When the database fails.
pub async fn delete_unread(tx: &mut Tx, now: Timestamp) -> sqlx::Result<u64> {
    sql("DELETE FROM server_secrets WHERE read_until <= $1").bind(now).execute(tx).await
}

/// Replaces the sealed form by one under a newer key, unless it was replaced in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn reseal(
    on: impl Into<Executor<'_>>,
    secret: &ServerSecret,
    sealed: &[u8],
) -> sqlx::Result<bool> {
    let resealed = sql("UPDATE server_secrets SET sealed = $1
          WHERE name = $2 AND version = $3 AND sealed = $4")
    .bind(sealed)
    .bind(&secret.name)
    .bind(secret.version)
    .bind(secret.sealed.as_slice())
    .execute(on)
    .await?;
    Ok(resealed == 1)
}
