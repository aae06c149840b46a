//! The lifetime and the end of sessions.

use super::People;
use crate::config::Sessions;
use crate::record::{Event, Kind, Trace};
use crate::roles;
use crate::store::sessions::{self, IdleAt, SignedIn, Use};
use crate::store::{Executor, Store, retrying};
use crate::types::session::Session;
use crate::types::token::SessionSecret;
use crate::types::{ClientId, Holder, Result, Seconds, SessionId, Timestamp, UserId};

/// The minimum time between two writes of a session's last use.
const EVERY: Seconds = Seconds::minutes(1);

/// The idle and the absolute lifetime.
fn lifetimes(config: &Sessions, remembered: bool) -> (Seconds, Seconds) {
    if remembered {
        (config.remember_idle, config.remember_absolute)
    } else {
        (config.idle, config.absolute)
    }
}

/// The idle expiry of a session that is used now. It may be later than [`expires_at`]: every query checks both.
pub fn idle_at(config: &Sessions, remembered: bool, now: Timestamp) -> Timestamp {
    now + lifetimes(config, remembered).0
}

/// The absolute expiry of a session that begins now.
pub fn expires_at(config: &Sessions, remembered: bool, now: Timestamp) -> Timestamp {
    now + lifetimes(config, remembered).1
}

/// The valid session of a cookie, with its user and their consent for `client`.
///
/// The configured lifetimes also apply to existing sessions: an operator who shortens one means those, too (THREATS
/// UI-21).
///
/// # Errors
/// When the store fails.
pub async fn live(
    store: &Store,
    config: &Sessions,
    cookie: &str,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<Option<SignedIn>> {
    let Some(secret) = SessionSecret::parse(cookie) else {
        return Ok(None);
    };
    let found = sessions::live(store.db(), &secret.digest(), client, now).await?;
    Ok(found.filter(|SignedIn { session, .. }| {
        idle_at(config, session.remembered, session.seen_at) > now
            && expires_at(config, session.remembered, session.auth_time) > now
    }))
}

/// The use of a session, if it is due to be recorded: at most once a minute.
pub fn due_use<'a>(
    config: &Sessions,
    id: &'a SessionId,
    seen_at: Timestamp,
    now: Timestamp,
) -> Option<Use<'a>> {
    let unless_since = now - EVERY;
    let idle_at =
        IdleAt { usual: idle_at(config, false, now), remembered: idle_at(config, true, now) };
    (seen_at <= unless_since).then_some(Use { id, unless_since, idle_at })
}

/// Records the use of a session, at most once a minute.
///
/// # Errors
/// When the store fails.
pub async fn touch(
    on: impl Into<Executor<'_>>,
    config: &Sessions,
    id: &SessionId,
    seen_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    if let Some(used) = due_use(config, id, seen_at, now) {
        sessions::touch(on, used, now).await?;
    }
    Ok(())
}

/// Signs a user out of this browser, at the request of a client or of the user. Grants bound to the session become
/// invalid with it; grants with `offline_access` stay valid (OIDC Core §11).
///
/// # Errors
/// When the store fails: no success is reported before the commit.
pub async fn sign_out(
    store: &Store,
    trace: &Trace,
    session: &Session,
    client: Option<&ClientId>,
) -> Result<()> {
    let mut event = Event::success(Kind::SignOut);
    if let Some(client) = client {
        event = event.client(client);
    }
    // Another tab may have ended it already.
    finish(store, trace, &session.user_id, &session.id, event).await.map(drop)
}

/// Ends a session of a user from another one. `false`: the user has no such session (THREATS UI-22).
///
/// # Errors
/// When the store fails.
pub async fn end(people: &People<'_>, user: &UserId, id: &SessionId) -> Result<bool> {
    finish(people.store, people.trace, user, id, Event::success(Kind::SessionEnded)).await
}

async fn finish(
    store: &Store,
    trace: &Trace,
    user: &UserId,
    id: &SessionId,
    event: Event,
) -> Result<bool> {
    let event = event.user(user).session(id);
    retrying(|| async {
        let mut tx = store.write().await?;
        let ended = sessions::end(&mut tx, id, user, trace.now()).await?;
        roles::must_cover(&mut tx, trace, &Holder::User(user.clone())).await?;
        if ended {
            event.clone().write(&mut tx, trace).await?;
        }
        tx.commit().await?;
        Ok(ended)
    })
    .await
}

/// Ends all sessions of a user except one, and returns their number.
///
/// # Errors
/// When the store fails.
pub async fn end_others(
    people: &People<'_>,
    user: &UserId,
    but: Option<&SessionId>,
) -> Result<u64> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        let ended = sessions::end_others(&mut tx, user, but, people.now).await?;
        roles::must_cover(&mut tx, people.trace, &Holder::User(user.clone())).await?;
        if ended > 0 {
            let event = Event::success(Kind::SessionEnded).user(user).fact("ended", ended);
            event.write(&mut tx, people.trace).await?;
        }
        tx.commit().await?;
        Ok(ended)
    })
    .await
}

/// The valid sessions of a user, the most recently used first.
///
/// # Errors
/// When the store fails.
pub async fn of_user(store: &Store, user: &UserId, now: Timestamp) -> Result<Vec<Session>> {
    Ok(sessions::of_user(store.db(), user, now).await?)
}
