//! `requests`: authorization requests that wait for a page.

use sqlx::FromRow;

use super::{On, Tx, sql};
use crate::types::{ClientId, Digest, SessionId, Subscriber, Timestamp};

/// A request that waits.
#[derive(Clone, Debug, FromRow)]
pub struct WaitingRequest {
    /// The parameters, as they came: checked again at every step.
    pub parameters: String,
    /// The sign-in that was made on behalf of this request; `None` while there is none.
    pub session_id: Option<SessionId>,
    /// When it came.
    pub created_at: Timestamp,
}

/// A new request.
#[derive(Debug)]
pub struct NewRequest<'a> {
    /// Of its handle.
    pub digest: Digest,
    /// Of the secret in the cookie of the browser that brought it.
    pub browser: Digest,
    /// Who asks.
    pub client_id: &'a ClientId,
    /// The parameters, form-encoded.
    pub parameters: &'a str,
    /// Whom it counts against, in the column `address`.
    pub subscriber: Subscriber,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// Keeps a request, unless too many wait already, from this subscriber or in all (THREATS DO-11).
///
/// # Errors
/// What the database says.
pub async fn insert(
    on: impl Into<On<'_>>,
    request: &NewRequest<'_>,
    most_of_one: i64,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO requests (digest, browser, client_id, parameters, address, created_at, expires_at)
         SELECT $2, $3, $4, $5, $6, $1, $7
          WHERE (SELECT count(*) FROM requests
                  WHERE address = $6 AND used_at IS NULL AND expires_at > $1) < $8
            AND (SELECT count(*) FROM requests WHERE expires_at > $1) < $9")
    .bind(now)
    .bind(request.digest)
    .bind(request.browser)
    .bind(request.client_id)
    .bind(request.parameters)
    .bind(request.subscriber.to_string())
    .bind(request.expires_at)
    .bind(most_of_one)
    .bind(most)
    .run(on)
    .await?;
    Ok(inserted == 1)
}

/// The request of a handle, in the browser that brought it (THREATS AZ-26), if nobody has decided.
///
/// # Errors
/// What the database says.
pub async fn find(
    on: impl Into<On<'_>>,
    handle: &Digest,
    browser: &Digest,
    now: Timestamp,
) -> sqlx::Result<Option<WaitingRequest>> {
    sql("SELECT parameters, session_id, created_at
           FROM requests
          WHERE digest = $2 AND browser = $3 AND used_at IS NULL AND expires_at > $1")
    .bind(now)
    .bind(handle)
    .bind(browser)
    .opt(on)
    .await
}

/// Notes the sign-in that was made for a request: that is what satisfies `prompt=login`.
///
/// # Errors
/// What the database says.
pub async fn signed_in(
    tx: &mut Tx,
    handle: &Digest,
    browser: &Digest,
    session: &SessionId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let noted = sql("UPDATE requests SET session_id = $2
          WHERE digest = $3 AND browser = $4 AND used_at IS NULL AND expires_at > $1")
    .bind(now)
    .bind(session)
    .bind(handle)
    .bind(browser)
    .run(tx)
    .await?;
    Ok(noted == 1)
}

/// Decides a request: once.
///
/// # Errors
/// What the database says.
pub async fn consume(
    on: impl Into<On<'_>>,
    handle: &Digest,
    browser: &Digest,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let consumed = sql("UPDATE requests SET used_at = $1
          WHERE digest = $2 AND browser = $3 AND used_at IS NULL AND expires_at > $1")
    .bind(now)
    .bind(handle)
    .bind(browser)
    .run(on)
    .await?;
    Ok(consumed == 1)
}
