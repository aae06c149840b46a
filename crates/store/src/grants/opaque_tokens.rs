//! `opaque_tokens`: opaque access tokens, verified by introspection.

use sqlx_macros::FromRow;

use crate::certificates::{Range, certificate_in_range};
use crate::clients::client_allows;
use crate::types::sql::{Json, sqlx};
use crate::types::{ClientId, Confirmation, Digest, GrantId, Scope, Thumbprint, Timestamp};
use crate::{Executor, sql, to_json};

/// A valid opaque access token.
#[derive(Clone, Debug, FromRow)]
pub struct OpaqueToken {
    /// Its `jti`.
    pub id: String,
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// Its grant; `None`: the token is the client's own (client credentials).
    pub grant_id: Option<GrantId>,
    /// `aud`
    #[sqlx(try_from = "Json")]
    pub audience: Vec<String>,
    /// `scope`
    pub scope: Scope,
    /// The `userinfo` part of the `claims` parameter, as JSON; empty where there was none.
    pub claims: String,
    /// `iat`
    pub created_at: Timestamp,
    /// `exp`
    pub expires_at: Timestamp,
    /// `cnf`
    #[sqlx(rename = "cnf", try_from = "Json")]
    pub confirmation: Confirmation,
}

/// Stores a new token. `false`: its client has been disabled or deleted in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    token: &OpaqueToken,
) -> sqlx::Result<bool> {
    let confirmation = &token.confirmation;
    let inserted = sql(concat!(
        "INSERT INTO opaque_tokens
            (digest, id, client_id, grant_id, audience, scope, claims, created_at, expires_at, cnf, certificate)
         SELECT $1, $2, clients.id, $4, $5, $6, $7, $8, $9, $10, $11
           FROM clients
          WHERE clients.id = $3 AND ",
        client_allows!(),
        "$8"
    ))
    .bind(digest)
    .bind(&token.id)
    .bind(&token.client_id)
    .bind(token.grant_id.as_ref())
    .bind(to_json(&token.audience)?)
    .bind(&token.scope)
    .bind(&token.claims)
    .bind(token.created_at)
    .bind(token.expires_at)
    .bind((!confirmation.is_bearer()).then(|| to_json(confirmation)).transpose()?)
    .bind(confirmation.certificate)
    .execute(on)
    .await?;
    Ok(inserted == 1)
}

/// Revokes a token of this client.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let revoked = sql("UPDATE opaque_tokens SET revoked_at = $1
          WHERE digest = $2 AND client_id = $3 AND revoked_at IS NULL")
    .bind(now)
    .bind(digest)
    .bind(client)
    .execute(on)
    .await?;
    Ok(revoked == 1)
}

/// Revokes the token with this `jti`. `false`: there is no such token, or it was revoked before.
///
/// # Errors
/// When the database fails.
pub async fn revoke_by_id(
    on: impl Into<Executor<'_>>,
    id: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let revoked =
        sql("UPDATE opaque_tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
            .bind(now)
            .bind(id)
            .execute(on)
            .await?;
    Ok(revoked == 1)
}

/// That a token is valid at `$1` and bound to a certificate.
macro_rules! token_is_bound {
    () => {
        concat!(
            "certificate IS NOT NULL AND revoked_at IS NULL AND expires_at > $1
            AND EXISTS (SELECT 1 FROM clients
                         WHERE clients.id = opaque_tokens.client_id AND ",
            client_allows!(),
            "opaque_tokens.created_at)
            AND (grant_id IS NULL
                 OR EXISTS (SELECT 1 FROM grants
                             WHERE grants.id = opaque_tokens.grant_id AND grants.revoked_at IS NULL))"
        )
    };
}

/// The certificates that valid tokens are bound to.
///
/// # Errors
/// When the database fails.
pub async fn bound_certificates(
    on: impl Into<Executor<'_>>,
    now: Timestamp,
) -> sqlx::Result<Vec<Thumbprint>> {
    let rows: Vec<(Thumbprint,)> =
        sql(concat!("SELECT DISTINCT certificate FROM opaque_tokens WHERE ", token_is_bound!()))
            .bind(now)
            .fetch_all(on)
            .await?;
    Ok(rows.into_iter().map(|(certificate,)| certificate).collect())
}

/// The number of valid tokens bound to each certificate of a range.
///
/// # Errors
/// When the database fails.
pub async fn count_bound(
    on: impl Into<Executor<'_>>,
    range: &Range,
    now: Timestamp,
) -> sqlx::Result<Vec<Bound>> {
    sql(concat!(
        "SELECT certificate AS thumbprint, count(*) AS tokens FROM opaque_tokens
          WHERE certificate IN (SELECT thumbprint FROM certificates WHERE ",
        certificate_in_range!("$2", "$3", "$4", "$5"),
        ") AND ",
        token_is_bound!(),
        " GROUP BY certificate"
    ))
    .bind(now)
    .bind(range.first.not_after)
    .bind(range.first.thumbprint)
    .bind(range.last.not_after)
    .bind(range.last.thumbprint)
    .fetch_all(on)
    .await
}

/// The number of tokens bound to a certificate or to a key.
#[derive(Clone, Debug, FromRow)]
pub struct Bound {
    /// The thumbprint of the certificate or of the key.
    pub thumbprint: Thumbprint,
    /// The number of tokens.
    pub tokens: i64,
}
