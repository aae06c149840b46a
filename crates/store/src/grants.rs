//! `grants`: one authorization each, and its generation of refresh tokens.

use std::mem;

use sqlx_macros::FromRow;

use super::ahead::not_ahead;
use super::clients::stands_by;
use super::codes::Authorization;
use super::consents::{Authorised, Consent};
use super::db::{Joined, JoinedRow};
use super::opaque_tokens::{self, OpaqueToken};
use super::sessions::session_is_live;
use super::{On, Tx, sql, to_json};
use crate::types::sql::{Json, sqlx};
use crate::types::{
    Bonds, ClientId, Digest, GrantId, ResourceId, Scope, Seconds, SessionId, Thumbprint, Timestamp,
    User, UserId,
};

/// A grant that was alive when it was read or changed.
#[derive(Clone, Debug, FromRow)]
pub struct Grant {
    /// Which.
    pub id: GrantId,
    /// Whom it was given to.
    pub client_id: ClientId,
    /// Who gave it.
    pub user_id: UserId,
    /// In which sign-in.
    pub session_id: SessionId,
    /// Whether it outlives that sign-in (OIDC Core §11).
    pub offline: bool,
    /// What was granted.
    pub scope: Scope,
    /// For which APIs.
    #[sqlx(try_from = "Json")]
    pub resources: Vec<ResourceId>,
    /// The `claims` parameter (OIDC Core §5.5), as JSON; empty where there was none.
    pub claims: String,
    /// The `nonce` of the authorization request.
    pub nonce: Option<String>,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// How.
    pub amr: String,
    /// How strong that was.
    pub acr: String,
    /// Which refresh token is the live one.
    pub generation: i64,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// When its sign-in was last noted as used; `None` if that has ended.
    pub session_seen_at: Option<Timestamp>,
}

/// What makes a grant alive at `$1`, but for its user: the one text of that rule, in every statement
/// that issues or accepts anything.
macro_rules! stands {
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
            stands_by!(),
            "grants.created_at)"
        )
    };
}

/// Its user, where the statement reads `users` beside `grants`.
macro_rules! of_its_user {
    () => {
        "users.id = grants.user_id AND users.disabled_at IS NULL"
    };
}

/// What makes a grant alive, for statements that read nothing else.
macro_rules! alive {
    () => {
        concat!(stands!(), " AND EXISTS (SELECT 1 FROM users WHERE ", of_its_user!(), ")")
    };
}

/// The columns of a [`Grant`].
macro_rules! columns {
    () => {
        "grants.id, grants.client_id, grants.user_id, grants.session_id, grants.offline, grants.scope,
                grants.resources, grants.claims, grants.nonce, grants.auth_time, grants.amr, grants.acr,
                grants.generation, grants.expires_at,
                (SELECT seen_at FROM sessions
                  WHERE sessions.id = grants.session_id AND ended_at IS NULL) AS session_seen_at"
    };
}

/// How long a new grant lives.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// Whether it outlives its sign-in.
    pub offline: bool,
    /// When it ends if it is not used.
    pub idle_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// Makes the grant that a code was redeemed for. The sign-in gives `auth_time`, `amr` and `acr`: the
/// statement reads them where they stand.
///
/// # Errors
/// What the database says; `RowNotFound` when the sign-in has vanished.
pub async fn insert(
    tx: &mut Tx,
    authorization: &Authorization,
    life: Life,
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
        columns!()
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
    .one(tx)
    .await
}

/// A refresh token that was read and whose MAC is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Which grant it belongs to.
    pub grant_id: GrantId,
    /// Which generation it is.
    pub generation: i64,
}

/// What came of presenting a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was the live one; this generation is the live one now.
    Rotated(i64),
    /// It was spent so long ago, and its successor is unused.
    Spent {
        /// The generation that is live.
        successor: i64,
        /// From when the statement that spent it was sent to now. Two clocks may have told that: it can be
        /// negative.
        ago: Seconds,
    },
    /// It was spent before, or comes from a future that a restored backup has forgotten.
    Replayed,
    /// It is bound to a certificate or a key, and another one was shown, or none.
    Unheld,
    /// Expired, revoked, unknown or issued to another client. Which one is nobody's business.
    Dead,
}

/// How a refresh token is traded.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Whether the next one is another; where it is not, the same is answered again and again.
    pub rotates: bool,
    /// Whether the client may still have grants that outlive their sign-in.
    pub offline: bool,
    /// When the grant ends if it is not used again.
    pub idle_at: Timestamp,
    /// What the client shows: a token that is bound is not traded without.
    pub bonds: Bonds,
}

/// Moves a grant to its next generation: compare and set in one statement, so of many racing requests
/// one wins. `now` is when the statement is sent.
///
/// Within a failover that was declared, the token may be up to three generations newer than the grant, if
/// the grant was not rotated since: the database has lost those rotations (decision 0029). The rotation
/// itself is one since the failover, so a grant passes once, and everything older is a replay from then on.
///
/// # Errors
/// What the database says.
pub async fn rotate(
    on: impl Into<On<'_>>,
    presented: &Presented,
    client: &ClientId,
    terms: Terms,
    now: Timestamp,
) -> sqlx::Result<Rotation> {
    let mut on = on.into();
    let rotated: Option<(i64,)> = sql(concat!(
        "UPDATE grants SET generation = $4 + $6, rotated_at = $1, idle_at = $2
          WHERE grants.id = $3 AND client_id = $5 AND ($7 OR NOT grants.offline)
            AND (generation = $4
                 OR (generation < $4 AND generation >= $4 - 3
                     AND EXISTS (SELECT 1 FROM failovers
                                  WHERE failovers.ends_at > $1 AND ",
        not_ahead!("failovers.declared_at"),
        "
                                    AND failovers.failed_over_at >= grants.rotated_at)))
            AND (public_key IS NULL OR public_key = $8) AND (proof_key IS NULL OR proof_key = $9)
            AND ",
        alive!(),
        "
      RETURNING generation"
    ))
    .bind(now)
    .bind(terms.idle_at)
    .bind(&presented.grant_id)
    .bind(presented.generation)
    .bind(client)
    .bind(i64::from(terms.rotates))
    .bind(terms.offline)
    .bind(terms.bonds.public_key)
    .bind(terms.bonds.proof_key)
    .opt(&mut on)
    .await?;
    if let Some((generation,)) = rotated {
        return Ok(Rotation::Rotated(generation));
    }

    #[derive(FromRow)]
    struct Standing {
        offline: bool,
        generation: i64,
        rotated_at: Timestamp,
        public_key: Option<Thumbprint>,
        proof_key: Option<Thumbprint>,
        alive: bool,
    }
    let standing: Option<Standing> = sql(concat!(
        "SELECT offline, generation, rotated_at, public_key, proof_key, (",
        alive!(),
        ") AS alive
           FROM grants
          WHERE grants.id = $2 AND grants.client_id = $3"
    ))
    .bind(now)
    .bind(&presented.grant_id)
    .bind(client)
    .opt(&mut on)
    .await?;
    let Some(standing) = standing else {
        return Ok(Rotation::Dead);
    };
    let is_held = |bound: Option<Thumbprint>, shown| bound.is_none() || bound == shown;
    if !is_held(standing.public_key, terms.bonds.public_key)
        || !is_held(standing.proof_key, terms.bonds.proof_key)
    {
        return Ok(Rotation::Unheld);
    }
    if !standing.alive || (standing.offline && !terms.offline) {
        return Ok(Rotation::Dead);
    }
    let successor = standing.generation;
    if successor == presented.generation + 1 {
        return Ok(Rotation::Spent { successor, ago: now - standing.rotated_at });
    }
    Ok(Rotation::Replayed)
}

/// Whether any grant may be alive.
///
/// # Errors
/// What the database says.
pub async fn any_live(on: impl Into<On<'_>>, now: Timestamp) -> sqlx::Result<bool> {
    let (live,): (bool,) = sql("SELECT EXISTS (SELECT 1 FROM grants
                        WHERE revoked_at IS NULL AND expires_at > $1) AS live")
    .bind(now)
    .one(on)
    .await?;
    Ok(live)
}

/// A grant of this client that was not revoked. But for its generation it never changes, so whatever depends
/// on it is made before the grant is touched; whether it is alive is decided when it is.
///
/// # Errors
/// What the database says.
pub async fn find(
    on: impl Into<On<'_>>,
    id: &GrantId,
    client: &ClientId,
) -> sqlx::Result<Option<Grant>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        " FROM grants WHERE grants.id = $1 AND grants.client_id = $2 AND grants.revoked_at IS NULL"
    ))
    .bind(id)
    .bind(client)
    .opt(on)
    .await
}

/// What introspection and userinfo tell of a live grant and its user.
#[derive(Debug, FromRow)]
pub struct Live {
    /// The `claims` parameter (OIDC Core §5.5), as JSON; empty where there was none.
    #[sqlx(rename = "grant_claims")]
    pub claims: String,
    /// When the user proved who they are.
    #[sqlx(rename = "grant_auth_time")]
    pub auth_time: Timestamp,
    /// How strong that was.
    #[sqlx(rename = "grant_acr")]
    pub acr: String,
    /// Who gave it.
    #[sqlx(flatten)]
    pub user: User,
}

impl JoinedRow for Live {
    const KEY: &'static str = "user_id";
}

/// The columns of a [`Live`].
macro_rules! live {
    () => {
        "users.id AS user_id, users.username, users.email, users.email_verified,
                users.claims AS user_claims, users.created_at AS user_created_at,
                users.updated_at AS user_updated_at, users.disabled_at, grants.claims AS grant_claims,
                grants.auth_time AS grant_auth_time, grants.acr AS grant_acr"
    };
}

/// The grant behind a JWT access token of this client, if it, its user, its client and its sign-in live
/// and the token itself was not revoked: one question, one statement.
///
/// # Errors
/// What the database says.
pub async fn behind_token(
    on: impl Into<On<'_>>,
    id: &GrantId,
    client: &ClientId,
    jti: &str,
    now: Timestamp,
) -> sqlx::Result<Option<Live>> {
    sql(concat!(
        "SELECT ",
        live!(),
        "
           FROM grants
           JOIN users ON ",
        of_its_user!(),
        "
          WHERE grants.id = $2 AND grants.client_id = $3
            AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $4)
            AND ",
        stands!()
    ))
    .bind(now)
    .bind(id)
    .bind(client)
    .bind(jti)
    .opt(on)
    .await
}

/// The opaque access token of this digest, if it has neither expired nor been revoked; and what stands
/// behind it, if that lives.
///
/// # Errors
/// What the database says.
pub async fn behind_opaque_token(
    on: impl Into<On<'_>>,
    digest: &Digest,
    now: Timestamp,
) -> sqlx::Result<Option<(OpaqueToken, Option<Live>)>> {
    #[derive(FromRow)]
    struct Both {
        #[sqlx(flatten)]
        token: OpaqueToken,
        #[sqlx(flatten, try_from = "Joined<Live>")]
        live: Option<Live>,
    }
    let both: Option<Both> = sql(concat!(
        "SELECT opaque_tokens.id, opaque_tokens.client_id, opaque_tokens.grant_id, opaque_tokens.audience,
                opaque_tokens.scope, opaque_tokens.claims, opaque_tokens.created_at,
                opaque_tokens.expires_at, opaque_tokens.cnf, ",
        live!(),
        "
           FROM opaque_tokens
           LEFT JOIN grants ON grants.id = opaque_tokens.grant_id
                           AND grants.client_id = opaque_tokens.client_id
                           AND ",
        stands!(),
        "
           LEFT JOIN users ON ",
        of_its_user!(),
        "
          WHERE opaque_tokens.digest = $2 AND opaque_tokens.revoked_at IS NULL
            AND opaque_tokens.expires_at > $1"
    ))
    .bind(now)
    .bind(digest)
    .opt(on)
    .await?;
    Ok(both.map(|both| (both.token, both.live)))
}

/// The live grant that a refresh token belongs to, for introspection: it must be the live generation.
///
/// # Errors
/// What the database says.
pub async fn behind_refresh_token(
    on: impl Into<On<'_>>,
    presented: &Presented,
    now: Timestamp,
) -> sqlx::Result<Option<Grant>> {
    sql(concat!(
        "SELECT ",
        columns!(),
        "
           FROM grants
          WHERE grants.id = $2 AND grants.generation = $3
            AND ",
        alive!()
    ))
    .bind(now)
    .bind(&presented.grant_id)
    .bind(presented.generation)
    .opt(on)
    .await
}

/// Revokes a grant, and with it everything that came of it. Never undone.
///
/// # Errors
/// What the database says.
pub async fn revoke(on: impl Into<On<'_>>, id: &GrantId, now: Timestamp) -> sqlx::Result<bool> {
    let revoked = sql(
        "UPDATE grants SET revoked_at = $1, sweep_at = $1 WHERE id = $2 AND revoked_at IS NULL",
    )
    .bind(now)
    .bind(id)
    .run(on)
    .await?;
    Ok(revoked == 1)
}

/// Whose grant it is.
///
/// # Errors
/// What the database says.
pub async fn owner(on: impl Into<On<'_>>, id: &GrantId) -> sqlx::Result<Option<ClientId>> {
    let row: Option<(ClientId,)> =
        sql("SELECT client_id FROM grants WHERE id = $1").bind(id).opt(on).await?;
    Ok(row.map(|(client,)| client))
}

/// Revokes all grants of a user and a client: a consent was withdrawn.
///
/// # Errors
/// What the database says.
pub async fn revoke_all(
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
    .run(tx)
    .await
}

/// Revokes live grants that were made before `now`, at most `most` of them: those whose identifier comes after
/// `after`. Returns which: the last of them is where to go on.
///
/// # Errors
/// What the database says.
pub async fn revoke_some(
    on: impl Into<On<'_>>,
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
    .all(on)
    .await?;
    let mut ids: Vec<_> = revoked.into_iter().map(|(id,)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// The clients that act for a user without having asked: trusted ones, by what lives of theirs. The
/// longest known comes first.
///
/// # Errors
/// What the database says.
pub async fn without_consent(
    on: impl Into<On<'_>>,
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
        stands!(),
        "
          GROUP BY client_id, scope
          ORDER BY MIN(created_at), client_id"
    ))
    .bind(now)
    .bind(user)
    .all(on)
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

/// What lives of a client's for a user.
#[derive(Debug, FromRow)]
pub struct InUse {
    /// Which client.
    pub client_id: ClientId,
    /// When it was last issued tokens.
    pub used_at: Timestamp,
    /// How many grants outlive the user's sign-in.
    pub offline: i64,
}

/// What lives for a user, client by client.
///
/// # Errors
/// What the database says.
pub async fn in_use(
    on: impl Into<On<'_>>,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<Vec<InUse>> {
    sql(concat!(
        "SELECT client_id, MAX(rotated_at) AS used_at, COUNT(CASE WHEN offline THEN 1 END) AS offline
           FROM grants
          WHERE user_id = $2 AND ",
        stands!(),
        "
          GROUP BY client_id"
    ))
    .bind(now)
    .bind(user)
    .all(on)
    .await
}

/// Revokes all grants of a user: their password was changed, so nothing older than that may live.
///
/// # Errors
/// What the database says.
pub async fn revoke_of_user(tx: &mut Tx, user: &UserId, now: Timestamp) -> sqlx::Result<u64> {
    sql("UPDATE grants SET revoked_at = $1, sweep_at = $1 WHERE user_id = $2 AND revoked_at IS NULL")
        .bind(now)
        .bind(user)
        .run(tx)
        .await
}

/// How many live grants are bound to each public key: their refresh tokens are good for whoever has it.
///
/// # Errors
/// What the database says.
pub async fn bound(
    on: impl Into<On<'_>>,
    now: Timestamp,
) -> sqlx::Result<Vec<opaque_tokens::Bound>> {
    sql(concat!(
        "SELECT public_key AS thumbprint, count(*) AS tokens FROM grants
          WHERE public_key IS NOT NULL AND ",
        alive!(),
        " GROUP BY public_key"
    ))
    .bind(now)
    .all(on)
    .await
}
