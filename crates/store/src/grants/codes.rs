//! `codes`: authorization codes (RFC 6749 §4.1.2).

use sqlx_macros::FromRow;

use super::{Grant, GrantLifetime};
use crate::ahead::not_ahead;
use crate::audit_events::{AuditRow, insert_event};
use crate::clients::client_allows;
use crate::consents::Consent;
use crate::database::db::{Db, Statement};
use crate::sessions::{Use, session_is_live, touch_session};
use crate::types::sql::{Json, sqlx};
use crate::types::{
    Bonds, ClientId, Digest, GrantId, ResourceId, Scope, SessionId, Thumbprint, Timestamp, UserId,
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

/// The statement that issues a code: it checks that the session is live, the user and the client enabled, and the
/// consent unchanged since it was checked.
macro_rules! insert_code {
    () => {
        concat!(
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
        )
    };
}

/// A code to be issued.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// The digest of the code.
    pub digest: Digest,
    /// The authorization that it represents.
    pub authorization: &'a Authorization,
    /// Why it may be issued.
    pub ground: Ground<'a>,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl NewCode<'_> {
    /// `insert_code!` with its values.
    fn insertion(&self, now: Timestamp) -> sqlx::Result<Statement> {
        let Self { digest, authorization, ground, expires_at } = self;
        let (trusted, scope, resources, claims) = match ground {
            Ground::Trusted => (true, String::new(), String::new(), String::new()),
            Ground::Consent(consent) => (
                false,
                consent.scope.to_string(),
                to_json(&consent.resources)?,
                to_json(&consent.claims)?,
            ),
        };
        Ok(sql(insert_code!())
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
            .bind(*expires_at)
            .bind(trusted)
            .bind(scope)
            .bind(resources)
            .bind(claims)
            .bind(authorization.dpop_jkt))
    }
}

/// Issues a code in a transaction with more. `false`: the session, the user, the client or the consent has changed.
///
/// # Errors
/// When the database fails.
pub async fn issue(tx: &mut Tx, code: &NewCode<'_>, now: Timestamp) -> sqlx::Result<bool> {
    Ok(code.insertion(now)?.execute(tx).await? == 1)
}

/// The beginning of one statement that issues a code and writes the event.
macro_rules! issue_and_record {
    () => {
        concat!(
            "WITH issued AS (",
            insert_code!(),
            " RETURNING true AS done), recorded AS (",
            insert_event!(
                "$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30",
                " WHERE EXISTS (SELECT 1 FROM issued)"
            )
        )
    };
}

/// Issues a code, writes the event and records the use of the session, in one round trip. `false`: as for [`issue`].
///
/// # Errors
/// When the database fails.
pub async fn issue_with_event(
    db: &Db,
    code: &NewCode<'_>,
    event: &AuditRow,
    session: Option<Use<'_>>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const EVENT: &str =
        insert_event!("$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30", "");
    const WHOLE: &str = concat!(issue_and_record!(), ") SELECT done FROM issued");
    const TOUCH: &str = touch_session!("$31", "$32", "$33", "$34", "");
    const WHOLE_AND_TOUCH: &str = concat!(
        issue_and_record!(),
        "), touched AS (",
        touch_session!("$31", "$32", "$33", "$34", " AND EXISTS (SELECT 1 FROM issued)"),
        ") SELECT done FROM issued"
    );
    let issue = code.insertion(now)?.bind_all(event.values());
    let batch = match session {
        None => issue.then(&[EVENT], WHOLE),
        Some(used) => issue.bind_all(used.values()).then(&[EVENT, TOUCH], WHOLE_AND_TOUCH),
    };
    batch.execute(db).await
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
        .fetch_optional(on)
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
        .execute(on)
        .await
        .map(drop)
}

/// A code that was unused when it was read.
#[derive(Debug, FromRow)]
pub struct UnusedCode {
    /// What it represents.
    #[sqlx(flatten)]
    pub authorization: Authorization,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When the user authenticated, by its session.
    pub auth_time: Timestamp,
    /// The authentication methods (`amr`).
    pub amr: String,
    /// The authentication context class (`acr`).
    pub acr: String,
    /// When its session was last recorded as used.
    pub seen_at: Timestamp,
}

/// An unused code, so that the response can be prepared before the code is redeemed: what is read here never
/// changes, or [`redeem`] checks that it has not.
///
/// # Errors
/// When the database fails.
pub async fn unused(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
) -> sqlx::Result<Option<UnusedCode>> {
    sql("SELECT codes.grant_id, codes.client_id, codes.user_id, codes.session_id, codes.redirect_uri,
                codes.code_challenge, codes.nonce, codes.scope, codes.resources, codes.claims, codes.dpop_jkt,
                codes.expires_at, sessions.auth_time, sessions.amr, sessions.acr, sessions.seen_at
           FROM codes
           JOIN sessions ON sessions.id = codes.session_id
          WHERE codes.digest = $1 AND codes.used_at IS NULL")
    .bind(digest)
    .fetch_optional(on)
    .await
}

/// The grant of a code that is redeemed.
macro_rules! insert_grant {
    ($condition:literal) => {
        concat!(
            "INSERT INTO grants
            (id, client_id, user_id, session_id, offline, scope, resources, claims, nonce, auth_time, amr, acr,
             generation, rotated_at, created_at, idle_at, expires_at, public_key, proof_key, sweep_at)
         SELECT $7, $8, $9, $10, $11, $12, $13, $14, $15, $4, $5, $6, 1, $1, $1, $16, $17, $18, $19, $20",
            $condition
        )
    };
}

/// The statement that redeems a code if all it depends on is still valid.
macro_rules! spend_valid {
    () => {
        concat!(
            "UPDATE codes SET used_at = $1
      WHERE digest = $2 AND used_at IS NULL AND expires_at > $1 AND ",
            not_ahead!("codes.created_at"),
            "
        AND EXISTS (SELECT 1 FROM sessions
                      JOIN users ON users.id = sessions.user_id AND users.disabled_at IS NULL
                      JOIN clients ON clients.id = codes.client_id AND ",
            client_allows!(),
            "codes.created_at
                     WHERE sessions.id = codes.session_id
                       AND sessions.auth_time = $4 AND sessions.amr = $5 AND sessions.acr = $6 AND ",
            session_is_live!(),
            ")
        AND ($3 OR EXISTS (SELECT 1 FROM consents
                            WHERE consents.user_id = codes.user_id
                              AND consents.client_id = codes.client_id))"
        )
    };
}

/// Redeems a code whose session, user, client and consent are all still valid, creates its grant and writes the
/// event. `false`: one of these no longer holds, the code was used or has expired, or the user has authenticated
/// again since [`unused`] read it; [`spend`] tells what it is.
///
/// # Errors
/// When the database fails.
pub async fn redeem(
    db: &Db,
    digest: &Digest,
    grant: &Grant,
    trusted: bool,
    (life, bonds): (GrantLifetime, Bonds),
    event: &AuditRow,
    now: Timestamp,
) -> sqlx::Result<bool> {
    const GRANT: &str = insert_grant!("");
    const EVENT: &str =
        insert_event!("$21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32", "");
    const WHOLE: &str = concat!(
        "WITH spent AS (",
        spend_valid!(),
        " RETURNING true AS done), granted AS (",
        insert_grant!(" WHERE EXISTS (SELECT 1 FROM spent)"),
        "), recorded AS (",
        insert_event!(
            "$21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32",
            " WHERE EXISTS (SELECT 1 FROM spent)"
        ),
        ") SELECT done FROM spent"
    );
    sql(spend_valid!())
        .bind(now)
        .bind(digest)
        .bind(trusted)
        .bind(grant.auth_time)
        .bind(&grant.amr)
        .bind(&grant.acr)
        .bind(&grant.id)
        .bind(&grant.client_id)
        .bind(&grant.user_id)
        .bind(&grant.session_id)
        .bind(grant.offline)
        .bind(&grant.scope)
        .bind(to_json(&grant.resources)?)
        .bind(&grant.claims)
        .bind(grant.nonce.as_deref())
        .bind(life.idle_at)
        .bind(life.expires_at)
        .bind(bonds.public_key)
        .bind(bonds.proof_key)
        .bind(life.idle_at.min(life.expires_at))
        .bind_all(event.values())
        .then(&[GRANT, EVENT], WHOLE)
        .execute(db)
        .await
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
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = row {
        return Ok(Spent::Now {
            authorization: Box::new(row.authorization),
            alive: row.alive,
            expires_at: row.expires_at,
        });
    }
    let used: Option<(GrantId, ClientId)> =
        sql("SELECT grant_id, client_id FROM codes WHERE digest = $1")
            .bind(digest)
            .fetch_optional(tx)
            .await?;
    Ok(used.map_or(Spent::Unknown, |(grant_id, client_id)| Spent::Before { grant_id, client_id }))
}

/// Uses up every unused code of this user and client that has not expired.
///
/// # Errors
/// When the database fails.
pub async fn spend_of_user_and_client(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE codes SET used_at = $1
          WHERE expires_at > $1 AND user_id = $2 AND client_id = $3 AND used_at IS NULL")
    .bind(now)
    .bind(user)
    .bind(client)
    .execute(tx)
    .await
}

/// Uses up every unused code of this user that has not expired.
///
/// # Errors
/// When the database fails.
pub async fn spend_of_user(tx: &mut Tx, user: &UserId, now: Timestamp) -> sqlx::Result<u64> {
    sql("UPDATE codes SET used_at = $1 WHERE expires_at > $1 AND user_id = $2 AND used_at IS NULL")
        .bind(now)
        .bind(user)
        .execute(tx)
        .await
}
