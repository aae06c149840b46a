//! `decisions`: the decisions of users on authorization requests. The request itself is sealed in the browser; its
//! id is used once, here.

use sqlx_macros::FromRow;

use crate::types::{Digest, Timestamp, UserId};
use crate::{Executor, Tx, sql};

/// A new decision.
#[derive(Debug)]
pub struct NewDecision<'a> {
    /// The digest of the request's id.
    pub digest: Digest,
    /// The digest of the browser's secret.
    pub browser: Digest,
    /// The user.
    pub user_id: &'a UserId,
    /// The number of the code that was issued for it; 0: access was denied.
    pub codes: i64,
    /// Until when the request can be presented again.
    pub expires_at: Timestamp,
}

/// Records the decision on a request, once. `false`: it was decided before.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, decision: &NewDecision<'_>, now: Timestamp) -> sqlx::Result<bool> {
    let inserted =
        sql("INSERT INTO decisions (digest, browser, user_id, codes, decided_at, expires_at)
         SELECT $1, $2, users.id, $4, $5, $6 FROM users WHERE users.id = $3
         ON CONFLICT (digest) DO NOTHING")
        .bind(decision.digest)
        .bind(decision.browser)
        .bind(decision.user_id)
        .bind(decision.codes)
        .bind(now)
        .bind(decision.expires_at)
        .execute(tx)
        .await?;
    Ok(inserted == 1)
}

/// A stored decision.
#[derive(Debug, FromRow)]
pub struct Decision {
    /// The user.
    pub user_id: UserId,
    /// The number of the last code; 0: access was denied.
    pub codes: i64,
    /// The time.
    pub decided_at: Timestamp,
}

/// The decision on a request, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn find(on: impl Into<Executor<'_>>, digest: &Digest) -> sqlx::Result<Option<Decision>> {
    sql("SELECT user_id, codes, decided_at FROM decisions WHERE digest = $1")
        .bind(digest)
        .fetch_optional(on)
        .await
}

/// The decision on a request of this browser, locked until the transaction ends: a concurrent repetition of the
/// form waits.
///
/// # Errors
/// When the database fails.
pub async fn lock(
    tx: &mut Tx,
    digest: &Digest,
    browser: &Digest,
) -> sqlx::Result<Option<Decision>> {
    sql("UPDATE decisions SET codes = codes
          WHERE digest = $1 AND browser = $2
      RETURNING user_id, codes, decided_at")
    .bind(digest)
    .bind(browser)
    .fetch_optional(tx)
    .await
}

/// Stores the number of the code that replaces the last one.
///
/// # Errors
/// When the database fails.
pub async fn renumber(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    codes: i64,
) -> sqlx::Result<()> {
    sql("UPDATE decisions SET codes = $1 WHERE digest = $2")
        .bind(codes)
        .bind(digest)
        .execute(on)
        .await
        .map(drop)
}
