//! `decisions`: what somebody has decided of an authorization request that waited for a page. The request
//! itself is sealed in the browser; its id is spent here.

use sqlx_macros::FromRow;

use crate::types::{Digest, Timestamp, UserId};
use crate::{On, Tx, sql};

/// A decision, as it is made.
#[derive(Debug)]
pub struct NewDecision<'a> {
    /// Of the id of the request.
    pub digest: Digest,
    /// Of the secret of the browser that brought it.
    pub browser: Digest,
    /// Who decides.
    pub user_id: &'a UserId,
    /// The number of the code that goes with it; 0: it was denied.
    pub codes: i64,
    /// Until when the request could be presented again.
    pub expires_at: Timestamp,
}

/// Decides a request: once. `false`: it was decided before.
///
/// # Errors
/// What the database says.
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
        .run(tx)
        .await?;
    Ok(inserted == 1)
}

/// A decision that was made.
#[derive(Debug, FromRow)]
pub struct Decision {
    /// Who decided.
    pub user_id: UserId,
    /// The number of the last code; 0: it was denied.
    pub codes: i64,
    /// When.
    pub decided_at: Timestamp,
}

/// The decision of a request, if there is one.
///
/// # Errors
/// What the database says.
pub async fn find(on: impl Into<On<'_>>, digest: &Digest) -> sqlx::Result<Option<Decision>> {
    sql("SELECT user_id, codes, decided_at FROM decisions WHERE digest = $1")
        .bind(digest)
        .opt(on)
        .await
}

/// The decision of a request that this browser brought, held until the transaction ends: whoever repeats
/// a form at the same time comes after.
///
/// # Errors
/// What the database says.
pub async fn hold(
    tx: &mut Tx,
    digest: &Digest,
    browser: &Digest,
) -> sqlx::Result<Option<Decision>> {
    sql("UPDATE decisions SET codes = codes
          WHERE digest = $1 AND browser = $2
      RETURNING user_id, codes, decided_at")
    .bind(digest)
    .bind(browser)
    .opt(tx)
    .await
}

/// Notes the number of the code that takes the place of the last one.
///
/// # Errors
/// What the database says.
pub async fn renumber(on: impl Into<On<'_>>, digest: &Digest, codes: i64) -> sqlx::Result<()> {
    sql("UPDATE decisions SET codes = $1 WHERE digest = $2")
        .bind(codes)
        .bind(digest)
        .run(on)
        .await
        .map(drop)
}
