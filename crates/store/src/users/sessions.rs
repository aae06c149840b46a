//! `sessions`: authenticated users at browsers. A session is inserted once, then changed only while it is live, so
//! a late write never revives one.

use sqlx_macros::FromRow;

use crate::ahead::not_ahead;
use crate::consents::Consent;
use crate::database::db::{BoundValue, Joined};
use crate::types::session::Session;
use crate::types::sql::sqlx;
use crate::types::{ClientId, Digest, SessionId, Timestamp, User, UserId};
use crate::{Executor, Tx, sql};

/// That the session of the statement is live at `$1`: the one text of that rule.
macro_rules! session_is_live {
    () => {
        concat!(
            "sessions.ended_at IS NULL AND sessions.idle_at > $1 AND sessions.expires_at > $1 AND ",
            not_ahead!("sessions.auth_time")
        )
    };
}
pub(crate) use session_is_live;

/// A live session, its user, and the user's consent for a client.
#[derive(Debug, FromRow)]
pub struct SignedIn {
    /// The session.
    #[sqlx(flatten)]
    pub session: Session,
    /// Its user.
    #[sqlx(flatten)]
    pub user: User,
    /// The user's consent for the client.
    #[sqlx(flatten, try_from = "Joined<Consent>")]
    pub consent: Option<Consent>,
}

/// The live session of a cookie, with its user and the consent for `client`: one query for everything that an
/// authorization request needs.
///
/// # Errors
/// When the database fails.
pub async fn live(
    on: impl Into<Executor<'_>>,
    digest: &Digest,
    client: Option<&ClientId>,
    now: Timestamp,
) -> sqlx::Result<Option<SignedIn>> {
    sql(concat!(
        "SELECT sessions.id AS session_id, sessions.user_id AS session_user_id, auth_time, amr, acr,
                remembered, sessions.created_at AS session_created_at, seen_at, idle_at, expires_at,
                address, user_agent,
                users.id AS user_id, username, email, email_verified, users.claims AS user_claims,
                users.created_at AS user_created_at, users.updated_at AS user_updated_at, disabled_at,
                consents.scope, consents.resources, consents.claims
           FROM sessions
           JOIN users ON users.id = sessions.user_id AND users.disabled_at IS NULL
           LEFT JOIN consents ON consents.user_id = users.id AND consents.client_id = $3
          WHERE digest = $2 AND ",
        session_is_live!()
    ))
    .bind(now)
    .bind(digest)
    .bind(client.map_or("", ClientId::as_str))
    .fetch_optional(on)
    .await
}

/// Inserts a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, digest: &Digest, session: &Session) -> sqlx::Result<()> {
    sql("INSERT INTO sessions
            (id, digest, user_id, auth_time, amr, acr, remembered, created_at, seen_at, idle_at, expires_at,
             address, user_agent, sweep_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
    .bind(&session.id)
    .bind(digest)
    .bind(&session.user_id)
    .bind(session.auth_time)
    .bind(&session.amr)
    .bind(&session.acr)
    .bind(session.remembered)
    .bind(session.created_at)
    .bind(session.seen_at)
    .bind(session.idle_at)
    .bind(session.expires_at)
    .bind(&session.address)
    .bind(&session.user_agent)
    .bind(session.idle_at.min(session.expires_at))
    .execute(tx)
    .await
    .map(drop)
}

/// Renews a session after the same user authenticated again: another cookie, another `auth_time`, a full lifetime;
/// `sid` and the grants of the session stay. `false`: it has ended in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn renew(tx: &mut Tx, digest: &Digest, session: &Session) -> sqlx::Result<bool> {
    let renewed = sql(concat!(
        "UPDATE sessions
            SET digest = $2, auth_time = $1, amr = $3, acr = $4, remembered = $5, seen_at = $1,
                idle_at = $6, expires_at = $7, address = $8, user_agent = $9, sweep_at = $12
          WHERE id = $10 AND user_id = $11 AND ",
        session_is_live!()
    ))
    .bind(session.auth_time)
    .bind(digest)
    .bind(&session.amr)
    .bind(&session.acr)
    .bind(session.remembered)
    .bind(session.idle_at)
    .bind(session.expires_at)
    .bind(&session.address)
    .bind(&session.user_agent)
    .bind(&session.id)
    .bind(&session.user_id)
    .bind(session.idle_at.min(session.expires_at))
    .execute(tx)
    .await?;
    Ok(renewed == 1)
}

/// When a session that is used now expires if it is not used again.
#[derive(Clone, Copy, Debug)]
pub struct IdleAt {
    /// A session without "stay signed in".
    pub usual: Timestamp,
    /// A session with "stay signed in".
    pub remembered: Timestamp,
}

/// The use of a session that is to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The session.
    pub id: &'a SessionId,
    /// It is not recorded again if it was recorded after this time.
    pub unless_since: Timestamp,
    /// When the session expires then.
    pub idle_at: IdleAt,
}

impl Use<'_> {
    /// The values of `touch_session!` after the time.
    pub(crate) fn values(self) -> [BoundValue; 4] {
        let Self { id, unless_since, idle_at: IdleAt { usual, remembered } } = self;
        [usual.into(), id.into(), unless_since.into(), remembered.into()]
    }
}

/// The statement that records the use of a live session at `$1`, for the placeholders of [`Use::values`].
macro_rules! touch_session {
    ($usual:literal, $id:literal, $unless_since:literal, $remembered:literal, $condition:literal) => {
        concat!(
            "UPDATE sessions
            SET seen_at = $1, idle_at = CASE WHEN remembered THEN ",
            $remembered,
            " ELSE ",
            $usual,
            " END
          WHERE id = ",
            $id,
            " AND seen_at <= ",
            $unless_since,
            " AND ",
            session_is_live!(),
            $condition
        )
    };
}
pub(crate) use touch_session;

/// Records that a live session was used. `false`: it has ended, or that was recorded already.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    on: impl Into<Executor<'_>>,
    used: Use<'_>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let touched = sql(touch_session!("$2", "$3", "$4", "$5", ""))
        .bind(now)
        .bind_all(used.values())
        .execute(on)
        .await?;
    Ok(touched == 1)
}

/// Ends a session of this user. Its grants become invalid, because every use of them checks the session.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, id: &SessionId, user: &UserId, now: Timestamp) -> sqlx::Result<bool> {
    let ended = sql("UPDATE sessions SET ended_at = $1, sweep_at = $1
          WHERE id = $2 AND user_id = $3 AND ended_at IS NULL")
    .bind(now)
    .bind(id)
    .bind(user)
    .execute(tx)
    .await?;
    Ok(ended == 1)
}

/// Ends all sessions of this user except one.
///
/// # Errors
/// When the database fails.
pub async fn end_others(
    tx: &mut Tx,
    user: &UserId,
    but: Option<&SessionId>,
    now: Timestamp,
) -> sqlx::Result<u64> {
    sql("UPDATE sessions SET ended_at = $1, sweep_at = $1
          WHERE user_id = $2 AND id <> $3 AND ended_at IS NULL")
    .bind(now)
    .bind(user)
    .bind(but.map_or("", SessionId::as_str))
    .execute(tx)
    .await
}

/// The live sessions of a user, the most recently used first, at most a hundred.
///
/// # Errors
/// When the database fails.
pub async fn of_user(
    on: impl Into<Executor<'_>>,
    user: &UserId,
    now: Timestamp,
) -> sqlx::Result<Vec<Session>> {
    sql(concat!(
        "SELECT id AS session_id, user_id AS session_user_id, auth_time, amr, acr, remembered,
                created_at AS session_created_at, seen_at, idle_at, expires_at, address, user_agent
           FROM sessions
          WHERE user_id = $2 AND ",
        session_is_live!(),
        "
          ORDER BY seen_at DESC, id DESC
          LIMIT 100"
    ))
    .bind(now)
    .bind(user)
    .fetch_all(on)
    .await
}
