//! Lists and counts of live grants.

use std::mem;

use sqlx_macros::FromRow;

use super::consents::{Authorised, Consent};
use super::{grant_is_live, grant_is_valid, opaque_tokens, user_is_enabled};
use crate::ahead::not_ahead;
use crate::certificates::{Range, certificate_in_range};
use crate::clients::client_allows;
use crate::types::{ClientId, Scope, Timestamp, UserId};
use crate::users::sessions::session_is_live;
use crate::{Executor, sql};

/// Whether any grant may be live.
///
/// # Errors
/// When the database fails.
pub async fn any_live(on: impl Into<Executor<'_>>, now: Timestamp) -> sqlx::Result<bool> {
    let (live,): (bool,) = sql("SELECT EXISTS (SELECT 1 FROM grants
                        WHERE revoked_at IS NULL AND expires_at > $1) AS live")
    .bind(now)
    .fetch_one(on)
    .await?;
    Ok(live)
}

/// The trusted clients with live grants of a user, which needed no consent, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn live_without_consent(
    on: impl Into<Executor<'_>>,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<Vec<Authorised>> {
    #[derive(FromRow)]
    struct Row {
        client_id: ClientId,
        scope: Scope,
        since: Timestamp,
        used_at: Timestamp,
        offline: i64,
    }
    let rows: Vec<Row> = sql(concat!(
        "SELECT client_id, scope, MIN(created_at) AS since, MAX(rotated_at) AS used_at,
                COUNT(CASE WHEN offline THEN 1 END) AS offline
           FROM grants
          WHERE user_id = $2
            AND NOT EXISTS (SELECT 1 FROM consents
                             WHERE consents.user_id = grants.user_id
                               AND consents.client_id = grants.client_id)
            AND ",
        grant_is_valid!(),
        "
          GROUP BY client_id, scope
          ORDER BY MIN(created_at), client_id"
    ))
    .bind(now)
    .bind(user)
    .fetch_all(on)
    .await?;
    let mut clients: Vec<Authorised> = Vec::new();
    for row in rows {
        let consent = Consent { scope: row.scope, ..Consent::default() };
        match clients.iter_mut().find(|client| client.client_id == row.client_id) {
            Some(client) => {
                client.consent = mem::take(&mut client.consent).and(&consent);
                client.used_at = client.used_at.max(Some(row.used_at));
                client.is_offline |= row.offline > 0;
            }
            None => clients.push(Authorised {
                client_id: row.client_id,
                consent,
                since: row.since,
                asked: false,
                used_at: Some(row.used_at),
                is_offline: row.offline > 0,
            }),
        }
    }
    Ok(clients)
}

/// The live grants of a client for a user.
#[derive(Debug, FromRow)]
pub struct GrantsInUse {
    /// The client.
    pub client_id: ClientId,
    /// When the client was last issued tokens.
    pub used_at: Timestamp,
    /// The number of grants for offline access.
    pub offline: i64,
}

/// The live grants of a user, by client.
///
/// # Errors
/// When the database fails.
pub async fn live_of_user(
    on: impl Into<Executor<'_>>,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<Vec<GrantsInUse>> {
    sql(concat!(
        "SELECT client_id, MAX(rotated_at) AS used_at, COUNT(CASE WHEN offline THEN 1 END) AS offline
           FROM grants
          WHERE user_id = $2 AND ",
        grant_is_valid!(),
        "
          GROUP BY client_id"
    ))
    .bind(now)
    .bind(user)
    .fetch_all(on)
    .await
}

/// The number of live grants bound to each public key of a range of certificates: their refresh tokens require the
/// private key.
///
/// # Errors
/// When the database fails.
pub async fn count_bound(
    on: impl Into<Executor<'_>>,
    range: &Range,
    now: Timestamp,
) -> sqlx::Result<Vec<opaque_tokens::Bound>> {
    sql(concat!(
        "SELECT public_key AS thumbprint, count(*) AS tokens FROM grants
          WHERE public_key IS NOT NULL
            AND public_key IN (SELECT public_key FROM certificates WHERE ",
        certificate_in_range!("$2", "$3", "$4", "$5"),
        ") AND ",
        grant_is_live!(),
        " GROUP BY public_key"
    ))
    .bind(now)
    .bind(range.first.not_after)
    .bind(range.first.thumbprint)
    .bind(range.last.not_after)
    .bind(range.last.thumbprint)
    .fetch_all(on)
    .await
}
