//! `enrolments`: single-use tokens with which a client enrols.

use crate::ahead::not_ahead;
use crate::types::{ClientId, Digest, Timestamp};
use crate::{Executor, Tx, sql};

/// Stores a new token for an enabled client. `false`: there is no such client.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    client: &ClientId,
    now: Timestamp,
    expires_at: Timestamp,
) -> sqlx::Result<bool> {
    let inserted = sql("INSERT INTO enrolments (digest, client_id, created_at, expires_at)
         SELECT $1, id, $3, $4 FROM clients WHERE id = $2 AND disabled_at IS NULL")
    .bind(digest)
    .bind(client)
    .bind(now)
    .bind(expires_at)
    .execute(on)
    .await?;
    Ok(inserted == 1)
}

/// Uses a token. `false`: it is another client's, was used, or has expired; one of many concurrent requests
/// succeeds.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    tx: &mut Tx,
    digest: &Digest,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let spent = sql(concat!(
        "UPDATE enrolments SET used_at = $1
          WHERE digest = $2 AND client_id = $3 AND used_at IS NULL AND expires_at > $1 AND ",
        not_ahead!("created_at")
    ))
    .bind(now)
    .bind(digest)
    .bind(client)
    .execute(tx)
    .await?;
    Ok(spent == 1)
}

/// Whether a token would enrol this client now. Only [`spend`] decides; this saves work for requests that it would
/// refuse.
///
/// # Errors
/// When the database fails.
pub async fn is_live(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let found: Option<(Digest,)> = sql(concat!(
        "SELECT enrolments.digest FROM enrolments
           JOIN clients ON clients.id = enrolments.client_id
          WHERE enrolments.digest = $2 AND enrolments.client_id = $3
            AND enrolments.used_at IS NULL AND enrolments.expires_at > $1
            AND clients.disabled_at IS NULL AND ",
        not_ahead!("enrolments.created_at")
    ))
    .bind(now)
    .bind(digest)
    .bind(client)
    .fetch_optional(on)
    .await?;
    Ok(found.is_some())
}

/// Deletes the tokens of a client, when it is disabled.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_client(tx: &mut Tx, client: &ClientId) -> sqlx::Result<()> {
    sql("DELETE FROM enrolments WHERE client_id = $1").bind(client).execute(tx).await.map(drop)
}
