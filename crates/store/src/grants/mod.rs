//! `grants`: the authorizations of clients, and the tables of codes, consents and tokens around them.
//!
//! This file has the row and the rule when a grant is live; the others the statements: `refresh` rotates,
//! `introspection` finds what is behind a token, `revocation` revokes, `overview` counts and lists.

pub mod codes;
pub mod consents;
pub mod decisions;
mod introspection;
pub mod opaque_tokens;
mod overview;
mod refresh;
pub mod replays;
mod revocation;
pub mod revoked_tokens;

use sqlx_macros::FromRow;

use self::codes::Authorization;
use crate::types::sql::{Json, sqlx};
use crate::types::{Bonds, ClientId, GrantId, ResourceId, Scope, SessionId, Timestamp, UserId};
use crate::{Executor, Tx, sql, to_json};

pub use introspection::{LiveGrant, behind_opaque_token, behind_refresh_token, behind_token};
pub use overview::{GrantsInUse, any_live, count_bound, live_of_user, live_without_consent};
pub use refresh::{PresentedToken, RefreshTerms, Rotation, Unchanged, rotate};
pub use revocation::{client_of, revoke, revoke_batch, revoke_of_user, revoke_of_user_and_client};

/// A grant that was live when it was read or changed.
#[derive(Clone, Debug, FromRow)]
pub struct Grant {
    /// Its identifier.
    pub id: GrantId,
    /// The client.
    pub client_id: ClientId,
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// Whether it outlives the session: offline access (OIDC Core §11).
    pub offline: bool,
    /// The scope.
    pub scope: Scope,
    /// The resources (RFC 8707).
    #[sqlx(try_from = "Json")]
    pub resources: Vec<ResourceId>,
    /// The `claims` parameter (OIDC Core §5.5), as JSON; empty where there was none.
    pub claims: String,
    /// The `nonce` of the authorization request.
    pub nonce: Option<String>,
    /// When the user authenticated.
    pub auth_time: Timestamp,
    /// The authentication methods (`amr`).
    pub amr: String,
    /// The authentication context class (`acr`).
    pub acr: String,
    /// The generation of the valid refresh token.
    pub generation: i64,
    /// When it expires, however often it is used.
    pub expires_at: Timestamp,
    /// When its session was last recorded as used; `None` if the session has ended.
    pub session_seen_at: Option<Timestamp>,
}

/// That a grant is live at `$1`, except for its user: the one text of that rule, in every statement that issues or
/// accepts a token.
macro_rules! grant_is_valid {
    () => {
        concat!(
            "grants.revoked_at IS NULL AND grants.expires_at > $1 AND grants.idle_at > $1 AND ",
            not_ahead!("grants.created_at"),
            "
            AND (grants.offline
                 OR EXISTS (SELECT 1 FROM sessions
                             WHERE sessions.id = grants.session_id AND ",
            session_is_live!(),
            "))
            AND EXISTS (SELECT 1 FROM clients
                         WHERE clients.id = grants.client_id AND ",
            client_allows!(),
            "grants.created_at)"
        )
    };
}
pub(crate) use grant_is_valid;

/// That its user is enabled, for statements that read `users` beside `grants`.
macro_rules! user_is_enabled {
    () => {
        "users.id = grants.user_id AND users.disabled_at IS NULL"
    };
}
pub(crate) use user_is_enabled;

/// That a grant is live, its user included.
macro_rules! grant_is_live {
    () => {
        concat!(
            grant_is_valid!(),
            " AND EXISTS (SELECT 1 FROM users WHERE ",
            user_is_enabled!(),
            ")"
        )
    };
}
pub(crate) use grant_is_live;

/// The columns of a [`Grant`].
macro_rules! grant_columns {
    () => {
        "grants.id, grants.client_id, grants.user_id, grants.session_id, grants.offline, grants.scope,
                grants.resources, grants.claims, grants.nonce, grants.auth_time, grants.amr, grants.acr,
                grants.generation, grants.expires_at,
                (SELECT seen_at FROM sessions
                  WHERE sessions.id = grants.session_id AND ended_at IS NULL) AS session_seen_at"
    };
}
pub(crate) use grant_columns;

/// The lifetime of a new grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantLifetime {
    /// Whether it outlives the session.
    pub offline: bool,
    /// When it expires if it is not used.
    pub idle_at: Timestamp,
    /// When it expires, however often it is used.
    pub expires_at: Timestamp,
}

/// Inserts the grant of a redeemed code. The statement copies `auth_time`, `amr` and `acr` from the session.
///
/// # Errors
/// When the database fails; `RowNotFound` when the session no longer exists.
pub async fn insert(
    tx: &mut Tx,
    authorization: &Authorization,
    life: GrantLifetime,
    bonds: Bonds,
    now: Timestamp,
) -> sqlx::Result<Grant> {
    sql(concat!(
        "INSERT INTO grants
            (id, client_id, user_id, session_id, offline, scope, resources, claims, nonce, auth_time, amr, acr,
             generation, rotated_at, created_at, idle_at, expires_at, public_key, proof_key,
             sweep_at)
         SELECT $2, $3, $4, sessions.id, $6, $7, $8, $9, $10, sessions.auth_time, sessions.amr, sessions.acr,
                1, $1, $1, $11, $12, $13, $14, $15
           FROM sessions
          WHERE sessions.id = $5
      RETURNING ",
        grant_columns!()
    ))
    .bind(now)
    .bind(&authorization.grant_id)
    .bind(&authorization.client_id)
    .bind(&authorization.user_id)
    .bind(&authorization.session_id)
    .bind(life.offline)
    .bind(&authorization.scope)
    .bind(to_json(&authorization.resources)?)
    .bind(&authorization.claims)
    .bind(authorization.nonce.as_deref())
    .bind(life.idle_at)
    .bind(life.expires_at)
    .bind(bonds.public_key)
    .bind(bonds.proof_key)
    .bind(life.idle_at.min(life.expires_at))
    .fetch_one(tx)
    .await
}

/// A grant of this client that was not revoked. Only its generation ever changes, so a response can be prepared
/// before the grant is rotated; the rotation decides whether the grant is live.
///
/// # Errors
/// When the database fails.
pub async fn find(
    on: impl Into<Executor<'_>>,
    id: &GrantId,
    client: &ClientId,
) -> sqlx::Result<Option<Grant>> {
    sql(concat!(
        "SELECT ",
        grant_columns!(),
        " FROM grants WHERE grants.id = $1 AND grants.client_id = $2 AND grants.revoked_at IS NULL"
    ))
    .bind(id)
    .bind(client)
    .fetch_optional(on)
    .await
}
