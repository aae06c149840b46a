//! `signing_keys`: pending, active, retiring, retired.

use sqlx_macros::FromRow;

use crate::types::{Algorithm, Timestamp};
use crate::{On, sql};

/// A signing key as the database holds it. The states are times; see [`SigningKeyRow::state`].
#[derive(Clone, Debug, FromRow)]
pub struct SigningKeyRow {
    /// `kid`
    pub id: String,
    /// What it signs.
    pub alg: Algorithm,
    /// What the JWKS says of it.
    pub public_jwk: String,
    /// PKCS #8, sealed under the key-encryption key.
    pub sealed: Vec<u8>,
    /// Since when the JWKS names it.
    pub published_at: Timestamp,
    /// Since when it signs.
    pub activated_at: Option<Timestamp>,
    /// Since when it signs no more.
    pub retiring_at: Option<Timestamp>,
    /// Since when the JWKS names it no more.
    pub retired_at: Option<Timestamp>,
    /// Since when its signatures count for nothing.
    pub compromised_at: Option<Timestamp>,
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Published ahead, so that every verifier has it before it signs.
    Pending,
    /// Signs.
    Active,
    /// Signs no more; what it signed is still alive.
    Retiring,
    /// Not published any more.
    Retired,
    /// Known to somebody else: what it signed counts for nothing.
    Compromised,
}

impl SigningKeyRow {
    /// Where it stands.
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
/// What the database says.
pub async fn all(on: impl Into<On<'_>>) -> sqlx::Result<Vec<SigningKeyRow>> {
    sql("SELECT id, alg, public_jwk, sealed, published_at, activated_at, retiring_at, retired_at, compromised_at
           FROM signing_keys
          ORDER BY published_at, id")
    .all(on)
    .await
}

/// Adds a key, pending or (the first of its algorithm) active. `false`: another replica was quicker.
///
/// # Errors
/// What the database says.
pub async fn insert(on: impl Into<On<'_>>, key: &SigningKeyRow) -> sqlx::Result<bool> {
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
        .run(on)
        .await?;
    Ok(inserted == 1)
}

/// Ends the signing of the active key `id`.
///
/// # Errors
/// What the database says.
pub async fn retire(on: impl Into<On<'_>>, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    let retired = sql("UPDATE signing_keys SET retiring_at = $1
          WHERE id = $2 AND activated_at IS NOT NULL AND retiring_at IS NULL AND retired_at IS NULL")
    .bind(now)
    .bind(id)
    .run(on)
    .await?;
    Ok(retired == 1)
}

/// Lets the pending key `id` sign. The unique index refuses a second active one.
///
/// # Errors
/// What the database says.
pub async fn activate(on: impl Into<On<'_>>, id: &str, now: Timestamp) -> sqlx::Result<bool> {
    let activated = sql("UPDATE signing_keys SET activated_at = $1
          WHERE id = $2 AND activated_at IS NULL AND retired_at IS NULL")
    .bind(now)
    .bind(id)
    .run(on)
    .await?;
    Ok(activated == 1)
}

/// Sets what was published, or ceased to sign, after `ahead` to `now`: a clock was wrong then.
///
/// # Errors
/// What the database says.
pub async fn bring_back(
    on: impl Into<On<'_>>,
    ahead: Timestamp,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE signing_keys
            SET published_at = CASE WHEN published_at > $1 THEN $2 ELSE published_at END,
                retiring_at = CASE WHEN retiring_at > $1 THEN $2 ELSE retiring_at END
          WHERE published_at > $1 OR retiring_at > $1")
    .bind(ahead)
    .bind(now)
    .run(on)
    .await
}

/// Takes out of the JWKS what retired before `before`.
///
/// # Errors
/// What the database says.
pub async fn withdraw(
    on: impl Into<On<'_>>,
    before: Timestamp,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE signing_keys SET retired_at = $1
          WHERE retiring_at IS NOT NULL AND retiring_at <= $2 AND retired_at IS NULL")
    .bind(now)
    .bind(before)
    .run(on)
    .await
}

/// Takes a key out of the JWKS at once; with `compromised`, what it signed counts for nothing.
///
/// # Errors
/// What the database says.
pub async fn end(
    on: impl Into<On<'_>>,
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
    .run(on)
    .await?;
    Ok(ended == 1)
}

/// Replaces the sealed form, when it was sealed again under a newer key and nobody did so meanwhile.
///
/// # Errors
/// What the database says.
pub async fn reseal(on: impl Into<On<'_>>, id: &str, from: &[u8], to: &[u8]) -> sqlx::Result<bool> {
    let statement = "UPDATE signing_keys SET sealed = $1 WHERE id = $2 AND sealed = $3";
    crate::reseal(on, statement, id, from, to).await
}
