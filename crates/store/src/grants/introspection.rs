//! Introspection and userinfo: the live grant of a token, and its user.

use sqlx_macros::FromRow;

use super::opaque_tokens::OpaqueToken;
use super::{Grant, PresentedToken, grant_columns, grant_is_live, grant_is_valid, user_is_enabled};
use crate::ahead::not_ahead;
use crate::clients::client_allows;
use crate::database::db::{Joined, JoinedRow};
use crate::types::sql::sqlx;
use crate::types::{ClientId, Digest, GrantId, Timestamp, User};
use crate::users::sessions::session_is_live;
use crate::{Executor, sql};

/// A live grant and its user, as introspection and userinfo need them.
#[derive(Debug, FromRow)]
pub struct LiveGrant {
    /// The `claims` parameter (OIDC Core §5.5), as JSON; empty where there was none.
    #[sqlx(rename = "grant_claims")]
    pub claims: String,
    /// When the user authenticated.
    #[sqlx(rename = "grant_auth_time")]
    pub auth_time: Timestamp,
    /// The authentication context class (`acr`).
    #[sqlx(rename = "grant_acr")]
    pub acr: String,
    /// The user.
    #[sqlx(flatten)]
    pub user: User,
}

impl JoinedRow for LiveGrant {
    const KEY: &'static str = "user_id";
}

/// The columns of a [`LiveGrant`].
macro_rules! live_columns {
    () => {
        "users.id AS user_id, users.username, users.email, users.email_verified,
                users.claims AS user_claims, users.created_at AS user_created_at,
                users.updated_at AS user_updated_at, users.disabled_at, grants.claims AS grant_claims,
                grants.auth_time AS grant_auth_time, grants.acr AS grant_acr"
    };
}

/// The grant of a JWT access token of this client, if the grant is live and the token was not revoked, in one
/// statement.
///
/// # Errors
/// When the database fails.
pub async fn behind_token(
    on: impl Into<Executor<'_>>,
    id: &GrantId,
    client: &ClientId,
    jti: &str,
    now: Timestamp,
) -> sqlx::Result<Option<LiveGrant>> {
    sql(concat!(
        "SELECT ",
        live_columns!(),
        "
           FROM grants
           JOIN users ON ",
        user_is_enabled!(),
        "
          WHERE grants.id = $2 AND grants.client_id = $3
            AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $4)
            AND ",
        grant_is_valid!()
    ))
    .bind(now)
    .bind(id)
    .bind(client)
    .bind(jti)
    .fetch_optional(on)
    .await
}

/// The opaque access token with this digest, if it has neither expired nor been revoked; and its grant, if it is
/// live.
///
/// # Errors
/// When the database fails.
pub async fn behind_opaque_token(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    now: Timestamp,
) -> sqlx::Result<Option<(OpaqueToken, Option<LiveGrant>)>> {
    #[derive(FromRow)]
    struct Both {
        #[sqlx(flatten)]
        token: OpaqueToken,
        #[sqlx(flatten, try_from = "Joined<LiveGrant>")]
        live: Option<LiveGrant>,
    }
    let both: Option<Both> = sql(concat!(
        "SELECT opaque_tokens.id, opaque_tokens.client_id, opaque_tokens.grant_id, opaque_tokens.audience,
                opaque_tokens.scope, opaque_tokens.claims, opaque_tokens.created_at,
                opaque_tokens.expires_at, opaque_tokens.cnf, ",
        live_columns!(),
        "
           FROM opaque_tokens
           LEFT JOIN grants ON grants.id = opaque_tokens.grant_id
                           AND grants.client_id = opaque_tokens.client_id
                           AND ",
        grant_is_valid!(),
        "
           LEFT JOIN users ON ",
        user_is_enabled!(),
        "
          WHERE opaque_tokens.digest = $2 AND opaque_tokens.revoked_at IS NULL
            AND opaque_tokens.expires_at > $1"
    ))
    .bind(now)
    .bind(digest)
    .fetch_optional(on)
    .await?;
    Ok(both.map(|both| (both.token, both.live)))
}

/// The live grant of a refresh token, for introspection. The token must have the current generation.
///
/// # Errors
/// When the database fails.
pub async fn behind_refresh_token(
    on: impl Into<Executor<'_>>,
    presented: &PresentedToken,
    now: Timestamp,
) -> sqlx::Result<Option<Grant>> {
    sql(concat!(
        "SELECT ",
        grant_columns!(),
        "
           FROM grants
          WHERE grants.id = $2 AND grants.generation = $3
            AND ",
        grant_is_live!()
    ))
    .bind(now)
    .bind(&presented.grant_id)
    .bind(presented.generation)
    .fetch_optional(on)
    .await
}
