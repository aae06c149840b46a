//! `signing_keys`: pending, active, retiring, retired.

use sqlx_macros::FromRow;

use crate::types::{Algorithm, Timestamp};
use crate::{Executor, sql};

/// A row of a signing key. Its state follows from times; see [`SigningKeyRow::state`].
#[derive(Clone, Debug, FromRow)]
pub struct SigningKeyRow {
    /// `kid`
    pub id: String,
    /// Its algorithm.
    pub alg: Algorithm,
    /// The public key as it is published in the JWKS.
    pub public_jwk: String,
    /// PKCS #8, sealed under the key-encryption key.
    pub sealed: Vec<u8>,
    /// When it was published in the JWKS.
    pub published_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When it stopped signing.
    pub retiring_at: Option<Timestamp>,
    /// When it was removed from the JWKS.
    pub retired_at: Option<Timestamp>,
    /// When its signatures became invalid.
    pub compromised_at: Option<Timestamp>,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Published before it signs, so that every verifier has it.
    Pending,
    /// Signs.
    Active,
    /// No longer signs; its signatures are still valid.
    Retiring,
    /// No longer published.
    Retired,
    /// Compromised: its signatures are invalid.
    Compromised,
}

impl SigningKeyRow {
    /// Its state.
    pub const fn state(&self) -> State {
        match (self.compromised_at, self.retired_at, self.retiring_at, self.activated_at) {
            (Some(_), _, _, _) => State::Compromised,
            (None, Some(_), _, _) => State::Retired,
            (None, None, Some(_), _) => State::Retiring,
            (None, None, None, Some(_)) => State::Active,
            (None, None, None, None) => State::Pending,
        }
    }
}

/// All keys, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn all(on: impl Into<Executor<'_>>) -> sqlx::Result<Vec<SigningKeyRow>> {
    sql("SELECT id, alg, public_jwk, sealed, published_at, activated_at, retiring_at, retired_at, compromised_at
           FROM signing_keys
          ORDER BY published_at, id")
    .fetch_all(on)
    .await
}

/// Adds a key, pending or (the first of its algorithm) active. `false`: another replica has added one.
///
/// # Errors
/// When the database fails.
pub async fn insert(on: impl Into<Executor<'_>>, key: &SigningKeyRow) -> sqlx::Result<bool> {
    let inserted =
        sql("INSERT INTO signing_keys (id, alg, public_jwk, sealed, published_at, activated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING")
        .bind(&key.id)
        .bind(key.alg.as_str())
        .bind(&key.public_jwk)
        .bind(key.sealed.as_slice())
        .bind(key.published_at)
        .bind(key.activated_at)
        .execute(on)
        .await?;
    Ok(inserted == 1)
}

/// Stops the active key `id` from signing.
///
/// # Errors
/// When the database fails.
pub async fn retire(on: impl Into<Executor<'_>>, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    let retired = sql("UPDATE signing_keys SET retiring_at = $1
          WHERE id = $2 AND activated_at IS NOT NULL AND retiring_at IS NULL AND retired_at IS NULL")
    .bind(now)
    .bind(id)
    .execute(on)
    .await?;
    Ok(retired == 1)
}

/// Activates the pending key `id`. The unique index refuses a second active one.
///
/// # Errors
/// When the database fails.
pub async fn activate(on: impl Into<Executor<'_>>, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    let activated = sql("UPDATE signing_keys SET activated_at = $1
          WHERE id = $2 AND activated_at IS NULL AND retired_at IS NULL")
    .bind(now)
    .bind(id)
    .execute(on)
    .await?;
    Ok(activated == 1)
}

/// Sets times of publication and retirement after `ahead` to `now`: they were written by a clock that was wrong.
///
/// # Errors
/// When the database fails.
pub async fn reset_future_times(
    on: impl Into<Executor<'_>>,
    ahead: Timestamp,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE signing_keys
            SET published_at = CASE WHEN published_at > $1 THEN $2 ELSE published_at END,
                retiring_at = CASE WHEN retiring_at > $1 THEN $2 ELSE retiring_at END
          WHERE published_at > $1 OR retiring_at > $1")
    .bind(ahead)
    .bind(now)
    .execute(on)
    .await
}

/// Removes keys that retired before `before` from the JWKS.
///
/// # Errors
/// When the database fails.
pub async fn unpublish(
    on: impl Into<Executor<'_>>,
    before: Timestamp,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE signing_keys SET retired_at = $1
          WHERE retiring_at IS NOT NULL AND retiring_at <= $2 AND retired_at IS NULL")
    .bind(now)
    .bind(before)
    .execute(on)
    .await
}

/// Removes a key from the JWKS at once; with `compromised`, its signatures become invalid.
///
/// # Errors
/// When the database fails.
pub async fn end(
    on: impl Into<Executor<'_>>,
    id: &str,
    compromised: bool,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let ended = sql("UPDATE signing_keys
            SET retiring_at = COALESCE(retiring_at, $1),
                retired_at = COALESCE(retired_at, $1),
                compromised_at = CASE WHEN $2 THEN COALESCE(compromised_at, $1) ELSE compromised_at END
          WHERE id = $3")
    .bind(now)
    .bind(compromised)
    .bind(id)
    .execute(on)
    .await?;
    Ok(ended == 1)
}

/// Replaces the sealed form by one under a newer key, unless it was replaced in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn reseal(
    on: impl Into<Executor<'_>>,
    id: &str,
    from: &[u8],
    to: &[u8],
) -> sqlx::Result<bool> {
    let statement = "UPDATE signing_keys SET sealed = $1 WHERE id = $2 AND sealed = $3";
    crate::reseal(on, statement, id, from, to).await
}
