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
use crate::{On, Tx, sql, to_json};

/// What a code stands for.
#[derive(Clone, Debug, FromRow)]
pub struct Authorization {
    /// The grant that will come of it.
    pub grant_id: GrantId,
    /// Whom it was given to.
    pub client_id: ClientId,
    /// Who allowed it.
    pub user_id: UserId,
    /// In which sign-in.
    pub session_id: SessionId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// PKCE S256 (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// OIDC Core §3.1.2.1.
    pub nonce: Option<String>,
    /// What was allowed.
    pub scope: Scope,
    /// For which APIs.
    #[sqlx(try_from = "Json")]
    pub resources: Vec<ResourceId>,
    /// The `claims` parameter (OIDC Core §5.5), as JSON; empty where there was none.
    pub claims: String,
    /// `dpop_jkt`: the key that must redeem it (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
}

/// On what ground a code is issued.
#[derive(Clone, Copy, Debug)]
pub enum Ground<'a> {
    /// The consent that stands in the database and that was judged to cover it.
    Consent(&'a Consent),
    /// A client that is registered to need none.
    Trusted,
}

/// Issues a code: the one gate. The statement itself asks that sign-in, user and client are alive and
/// that the consent is still the one that was judged. `false`: something of that has changed.
///
/// # Errors
/// What the database says.
pub async fn issue(
    on: impl Into<On<'_>>,
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

/// What has become of a code.
#[derive(Debug, FromRow)]
pub struct Standing {
    /// In which sign-in it was issued.
    pub session_id: SessionId,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub used_at: Option<Timestamp>,
}

/// What has become of a code; `None`: there is no such code.
///
/// # Errors
/// What the database says.
pub async fn standing(on: impl Into<On<'_>>, digest: &Digest) -> sqlx::Result<Option<Standing>> {
    sql("SELECT session_id, expires_at, used_at FROM codes WHERE digest = $1")
        .bind(digest)
        .opt(on)
        .await
}

/// Spends a code for nothing: another one takes its place.
///
/// # Errors
/// What the database says.
pub async fn void(on: impl Into<On<'_>>, digest: &Digest, now: Timestamp) -> sqlx::Result<()> {
    sql("UPDATE codes SET used_at = $1 WHERE digest = $2 AND used_at IS NULL")
        .bind(now)
        .bind(digest)
        .run(on)
        .await
        .map(drop)
}

/// A code that was spent just now.
#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    authorization: Authorization,
    expires_at: Timestamp,
    alive: bool,
}

/// What came of presenting a code.
#[derive(Debug)]
pub enum Spent {
    /// It was good, and is now spent.
    Now {
        /// What it stands for.
        authorization: Box<Authorization>,
        /// Whether sign-in, user, client and consent all still live.
        alive: bool,
        /// When it would have expired.
        expires_at: Timestamp,
    },
    /// It was spent before: the grant that came of it has to die.
    Before {
        /// The grant that came of it.
        grant_id: GrantId,
        /// Whom it was given to.
        client_id: ClientId,
    },
    /// There is no such code.
    Unknown,
}

/// Spends a code: of many who present it, one. A code that is presented wrongly (late, by another
/// client) is spent too: it is in the wrong hands (THREATS CO-03). `trusted`: the client needs no
/// consent; otherwise one that was withdrawn meanwhile counts.
///
/// # Errors
/// What the database says.
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

/// Spends whatever codes are still abroad for this user and client.
///
/// # Errors
/// What the database says.
pub async fn spend_all(
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

/// Spends whatever codes are still abroad for this user.
///
/// # Errors
/// What the database says.
pub async fn spend_of_user(tx: &mut Tx, user: &UserId, now: Timestamp) -> sqlx::Result<u64> {
    sql("UPDATE codes SET used_at = $1 WHERE user_id = $2 AND used_at IS NULL")
        .bind(now)
        .bind(user)
        .run(tx)
        .await
}
