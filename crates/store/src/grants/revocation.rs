//! Revocation of grants. It is never undone.

use crate::types::{ClientId, GrantId, Timestamp, UserId};
use crate::{Executor, Tx, sql};

/// Revokes a grant, and with it all of its tokens.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    on: impl Into<Executor<'_>>,
    id: &GrantId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let revoked = sql(
        "UPDATE grants SET revoked_at = $1, sweep_at = $1 WHERE id = $2 AND revoked_at IS NULL",
    )
    .bind(now)
    .bind(id)
    .execute(on)
    .await?;
    Ok(revoked == 1)
}

/// The client of a grant.
///
/// # Errors
/// When the database fails.
pub async fn client_of(
    on: impl Into<Executor<'_>>,
    id: &GrantId,
) -> sqlx::Result<Option<ClientId>> {
    let row: Option<(ClientId,)> =
        sql("SELECT client_id FROM grants WHERE id = $1").bind(id).fetch_optional(on).await?;
    Ok(row.map(|(client,)| client))
}

/// Revokes all grants of a user and a client, when a consent is withdrawn.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of_user_and_client(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE grants SET revoked_at = $1, sweep_at = $1
          WHERE user_id = $2 AND client_id = $3 AND revoked_at IS NULL")
    .bind(now)
    .bind(user)
    .bind(client)
    .execute(tx)
    .await
}

/// Revokes live grants that were created before `now`: at most `most`, with identifiers greater than `after`.
/// Returns the identifiers; the last one is the next `after`.
///
/// # Errors
/// When the database fails.
pub async fn revoke_batch(
    on: impl Into<Executor<'_>>,
    after: &str,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<String>> {
    let revoked: Vec<(String,)> = sql("UPDATE grants SET revoked_at = $1, sweep_at = $1
          WHERE id IN (SELECT id FROM grants
                        WHERE id > $2 AND revoked_at IS NULL AND expires_at > $1 AND created_at <= $1
                        ORDER BY id
                        LIMIT $3)
            AND revoked_at IS NULL
      RETURNING id")
    .bind(now)
    .bind(after)
    .bind(most)
    .fetch_all(on)
    .await?;
    let mut ids: Vec<_> = revoked.into_iter().map(|(id,)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Revokes all grants of a user, when the password is changed.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of_user(tx: &mut Tx, user: &UserId, now: Timestamp) -> sqlx::Result<u64> {
    sql("UPDATE grants SET revoked_at = $1, sweep_at = $1 WHERE user_id = $2 AND revoked_at IS NULL")
        .bind(now)
        .bind(user)
        .execute(tx)
        .await
}
