//! `codes`: authorization codes (RFC 6749 §4.1.2).

use sqlx_macros::FromRow;

use crate::ahead::not_ahead;
use crate::clients::client_allows;
use crate::consents::Consent;
use crate::sessions::session_is_live;
use crate::types::sql::{Json, sqlx};
use crate::types::{
    ClientId, Digest, GrantId, ResourceId, Scope, SessionId, Thumbprint, Timestamp, UserId,
};
use crate::{Executor, Tx, sql, to_json};

/// The authorization that a code represents.
#[derive(Clone, Debug, FromRow)]
pub struct Authorization {
    /// The grant that redeeming the code creates.
    pub grant_id: GrantId,
    /// The client.
    pub client_id: ClientId,
    /// The user who gave consent.
    pub user_id: UserId,
    /// The session.
    pub session_id: SessionId,
    /// The redirect URI that the code was sent to.
    pub redirect_uri: String,
    /// PKCE S256 (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// OIDC Core §3.1.2.1.
    pub nonce: Option<String>,
    /// The scope.
    pub scope: Scope,
    /// The resources (RFC 8707).
    #[sqlx(try_from = "Json")]
    pub resources: Vec<ResourceId>,
    /// The `claims` parameter (OIDC Core §5.5), as JSON; empty where there was none.
    pub claims: String,
    /// `dpop_jkt`: the key that must redeem it (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
}

/// Why a code may be issued.
#[derive(Clone, Copy, Debug)]
pub enum Ground<'a> {
    /// The stored consent, which covers the request.
    Consent(&'a Consent),
    /// The client is trusted: it needs no consent.
    Trusted,
}

/// Issues a code. The statement itself checks that the session is live, the user and the client enabled, and the
/// consent unchanged since it was checked. `false`: one of these no longer holds.
///
/// # Errors
/// When the database fails.
pub async fn issue(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    authorization: &Authorization,
    ground: Ground<'_>,
    expires_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let (trusted, scope, resources, claims) = match ground {
        Ground::Trusted => (true, String::new(), String::new(), String::new()),
        Ground::Consent(consent) => (
            false,
            consent.scope.to_string(),
            to_json(&consent.resources)?,
            to_json(&consent.claims)?,
        ),
    };
    let issued = sql(concat!(
        "INSERT INTO codes
            (digest, grant_id, client_id, user_id, session_id, redirect_uri, code_challenge, nonce, scope,
             resources, claims, created_at, expires_at, dpop_jkt)
         SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $1, $13, $18
          WHERE EXISTS (SELECT 1 FROM sessions
                          JOIN users ON users.id = sessions.user_id AND users.disabled_at IS NULL
                         WHERE sessions.id = $6 AND sessions.user_id = $5 AND ",
        session_is_live!(),
        ")
            AND EXISTS (SELECT 1 FROM clients WHERE clients.id = $4 AND clients.disabled_at IS NULL)
            AND ($14 OR EXISTS (SELECT 1 FROM consents
                                 WHERE consents.user_id = $5 AND consents.client_id = $4
                                   AND consents.scope = $15 AND consents.resources = $16
                                   AND consents.claims = $17))"
    ))
    .bind(now)
    .bind(digest)
    .bind(&authorization.grant_id)
    .bind(&authorization.client_id)
    .bind(&authorization.user_id)
    .bind(&authorization.session_id)
    .bind(&authorization.redirect_uri)
    .bind(authorization.code_challenge.as_deref())
    .bind(authorization.nonce.as_deref())
    .bind(&authorization.scope)
    .bind(to_json(&authorization.resources)?)
    .bind(&authorization.claims)
    .bind(expires_at)
    .bind(trusted)
    .bind(scope)
    .bind(resources)
    .bind(claims)
    .bind(authorization.dpop_jkt)
    .run(on)
    .await?;
    Ok(issued == 1)
}

/// The state of a code.
#[derive(Debug, FromRow)]
pub struct CodeState {
    /// The session in which it was issued.
    pub session_id: SessionId,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub used_at: Option<Timestamp>,
}

/// The state of a code; `None`: it does not exist.
///
/// # Errors
/// When the database fails.
pub async fn state(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
) -> sqlx::Result<Option<CodeState>> {
    sql("SELECT session_id, expires_at, used_at FROM codes WHERE digest = $1")
        .bind(digest)
        .opt(on)
        .await
}

/// Invalidates a code that another one replaces.
///
/// # Errors
/// When the database fails.
pub async fn invalidate(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    now: Timestamp,
) -> sqlx::Result<()> {
    sql("UPDATE codes SET used_at = $1 WHERE digest = $2 AND used_at IS NULL")
        .bind(now)
        .bind(digest)
        .run(on)
        .await
        .map(drop)
}

/// A code that this statement redeemed.
#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    authorization: Authorization,
    expires_at: Timestamp,
    alive: bool,
}

/// The result of presenting a code.
#[derive(Debug)]
pub enum Spent {
    /// It was unused, and is now used.
    Now {
        /// Its authorization.
        authorization: Box<Authorization>,
        /// Whether session, user, client and consent are all still valid.
        alive: bool,
        /// When it would have expired.
        expires_at: Timestamp,
    },
    /// It was used before: its grant must be revoked.
    Before {
        /// The grant that it created.
        grant_id: GrantId,
        /// The client.
        client_id: ClientId,
    },
    /// There is no such code.
    Unknown,
}

/// Redeems a code: only one of many concurrent requests succeeds. A code that is presented late or by another
/// client is used up too, because it was stolen (THREATS CO-03). `trusted`: the client needs no consent; otherwise
/// a withdrawn consent makes the code invalid.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    tx: &mut Tx,
    digest: &Digest,
    trusted: bool,
    now: Timestamp,
) -> sqlx::Result<Spent> {
    let row: Option<Row> = sql(concat!(
        "UPDATE codes SET used_at = $1
          WHERE digest = $2 AND used_at IS NULL
      RETURNING grant_id, client_id, user_id, session_id, redirect_uri, code_challenge, nonce, scope,
                resources, claims, expires_at, dpop_jkt,
                EXISTS (SELECT 1 FROM sessions
                          JOIN users ON users.id = sessions.user_id AND users.disabled_at IS NULL
                          JOIN clients ON clients.id = codes.client_id AND ",
        client_allows!(),
        "codes.created_at
                         WHERE sessions.id = codes.session_id AND ",
        session_is_live!(),
        ")
                AND ",
        not_ahead!("codes.created_at"),
        "
                AND ($3 OR EXISTS (SELECT 1 FROM consents
                                    WHERE consents.user_id = codes.user_id
                                      AND consents.client_id = codes.client_id)) AS alive"
    ))
    .bind(now)
    .bind(digest)
    .bind(trusted)
    .opt(&mut *tx)
    .await?;
    if let Some(row) = row {
        return Ok(Spent::Now {
            authorization: Box::new(row.authorization),
            alive: row.alive,
            expires_at: row.expires_at,
        });
    }
    let used: Option<(GrantId, ClientId)> =
        sql("SELECT grant_id, client_id FROM codes WHERE digest = $1").bind(digest).opt(tx).await?;
    Ok(used.map_or(Spent::Unknown, |(grant_id, client_id)| Spent::Before { grant_id, client_id }))
}

/// Uses up every unused code of this user and client.
///
/// # Errors
/// When the database fails.
pub async fn spend_of_user_and_client(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE codes SET used_at = $1 WHERE user_id = $2 AND client_id = $3 AND used_at IS NULL")
        .bind(now)
        .bind(user)
        .bind(client)
        .run(tx)
        .await
}

/// Uses up every unused code of this user.
///
/// # Errors
/// When the database fails.
pub async fn spend_of_user(tx: &mut Tx, user: &UserId, now: Timestamp) -> sqlx::Result<u64> {
    sql("UPDATE codes SET used_at = $1 WHERE user_id = $2 AND used_at IS NULL")
        .bind(now)
        .bind(user)
        .run(tx)
        .await
}
