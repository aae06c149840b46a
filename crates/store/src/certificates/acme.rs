//! `acme_accounts`, `acme_certificates`, `acme_challenges`: the server's own certificates from ACME.

use sqlx_macros::FromRow;

use crate::types::Timestamp;
use crate::{Executor, sql};

/// A certificate that was ordered, or is about to be.
#[derive(Debug, FromRow)]
pub struct AcmeCertificate {
    /// The certificate and its intermediate certificates, as PEM.
    pub chain: Option<String>,
    /// Its private key, sealed under the key-encryption key.
    pub sealed: Option<Vec<u8>>,
    /// When to order the next one.
    pub due_at: Timestamp,
    /// The number of failed orders since the last success.
    pub failures: i64,
}

/// A sealed account or private key.
#[derive(Debug, FromRow)]
pub struct Sealed {
    /// The owner that it is bound to.
    pub owner: String,
    /// Sealed under the key-encryption key.
    pub sealed: Vec<u8>,
    /// Whether it is an account; otherwise the key of a certificate.
    pub is_account: bool,
}

/// The account at this CA, sealed.
///
/// # Errors
/// When the database fails.
pub async fn account(
    on: impl Into<Executor<'_>>,
    directory: &str,
) -> sqlx::Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = sql("SELECT sealed FROM acme_accounts WHERE directory = $1")
        .bind(directory)
        .fetch_optional(on)
        .await?;
    Ok(row.map(|(one,)| one))
}

/// Stores an account.
///
/// # Errors
/// When the database fails.
pub async fn store_account(
    on: impl Into<Executor<'_>>,
    directory: &str,
    sealed: &[u8],
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO acme_accounts (directory, sealed, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (directory) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at")
    .bind(directory)
    .bind(sealed)
    .bind(now)
    .execute(on)
    .await
    .map(drop)
}

/// Deletes an account that the CA does not know.
///
/// # Errors
/// When the database fails.
pub async fn delete_account(on: impl Into<Executor<'_>>, directory: &str) -> sqlx::Result<()> {
    sql("DELETE FROM acme_accounts WHERE directory = $1")
        .bind(directory)
        .execute(on)
        .await
        .map(drop)
}

/// The certificate with this identifier.
///
/// # Errors
/// When the database fails.
pub async fn certificate(
    on: impl Into<Executor<'_>>,
    id: &str,
) -> sqlx::Result<Option<AcmeCertificate>> {
    sql("SELECT chain, sealed, due_at, failures FROM acme_certificates WHERE id = $1")
        .bind(id)
        .fetch_optional(on)
        .await
}

/// Stores a certificate that was issued.
///
/// # Errors
/// When the database fails.
pub async fn store_certificate(
    on: impl Into<Executor<'_>>,
    id: &str,
    chain: &str,
    sealed: &[u8],
    due_at: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO acme_certificates (id, chain, sealed, due_at, failures) VALUES ($1, $2, $3, $4, 0)
         ON CONFLICT (id) DO UPDATE
            SET chain = excluded.chain, sealed = excluded.sealed, due_at = excluded.due_at, failures = 0")
    .bind(id)
    .bind(chain)
    .bind(sealed)
    .bind(due_at)
    .execute(on)
    .await
    .map(drop)
}

/// Takes the turn to order, if it is due: until `due_at` no other replica orders. The order counts as failed until
/// [`store_certificate`]; the present certificate stays.
///
/// # Errors
/// When the database fails.
pub async fn take_turn(
    on: impl Into<Executor<'_>>,
    id: &str,
    now: Timestamp,
    due_at: Timestamp,
) -> sqlx::Result<bool> {
    let taken = sql("INSERT INTO acme_certificates (id, chain, sealed, due_at, failures)
         VALUES ($1, NULL, NULL, $2, 1)
         ON CONFLICT (id) DO UPDATE
            SET due_at = excluded.due_at, failures = acme_certificates.failures + 1
          WHERE acme_certificates.due_at <= $3")
    .bind(id)
    .bind(due_at)
    .bind(now)
    .execute(on)
    .await?;
    Ok(taken == 1)
}

/// Stores the response to a challenge.
///
/// # Errors
/// When the database fails.
pub async fn store_challenge(
    on: impl Into<Executor<'_>>,
    token: &str,
    name: &str,
    answer: &str,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    sql("INSERT INTO acme_challenges (token, name, answer, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at")
    .bind(token)
    .bind(name)
    .bind(answer)
    .bind(expires_at)
    .execute(on)
    .await
    .map(drop)
}

/// The response to the challenge with this token (RFC 8555 §8.3).
///
/// # Errors
/// When the database fails.
pub async fn response(
    on: impl Into<Executor<'_>>,
    token: &str,
    now: Timestamp,
) -> sqlx::Result<Option<String>> {
    let row: Option<(String,)> =
        sql("SELECT answer FROM acme_challenges WHERE token = $1 AND expires_at > $2")
            .bind(token)
            .bind(now)
            .fetch_optional(on)
            .await?;
    Ok(row.map(|(one,)| one))
}

/// The newest response to a challenge for this domain (RFC 8737 §3).
///
/// # Errors
/// When the database fails.
pub async fn response_for(
    on: impl Into<Executor<'_>>,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<Option<String>> {
    let row: Option<(String,)> = sql("SELECT answer FROM acme_challenges
          WHERE name = $1 AND expires_at > $2
          ORDER BY expires_at DESC
          LIMIT 1")
    .bind(name)
    .bind(now)
    .fetch_optional(on)
    .await?;
    Ok(row.map(|(one,)| one))
}

/// All sealed accounts and private keys.
///
/// # Errors
/// When the database fails.
pub async fn sealed(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<Sealed>> {
    sql("SELECT directory AS owner, sealed, TRUE AS is_account FROM acme_accounts
         UNION ALL
         SELECT id AS owner, sealed, FALSE AS is_account FROM acme_certificates
          WHERE sealed IS NOT NULL")
    .fetch_all(on)
    .await
}

/// Replaces a sealed form by one under a newer key, unless it was replaced in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn reseal(on: impl Into<Executor<'_>>, row: &Sealed, to: &[u8]) -> sqlx::Result<bool> {
    let statement = if row.is_account {
        "UPDATE acme_accounts SET sealed = $1 WHERE directory = $2 AND sealed = $3"
    } else {
        "UPDATE acme_certificates SET sealed = $1 WHERE id = $2 AND sealed = $3"
    };
    crate::reseal(on, statement, &row.owner, &row.sealed, to).await
}
