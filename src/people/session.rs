//! How long people stay signed in, and how it ends.

use super::People;
use crate::config::Sessions;
use crate::record::{Event, Kind, Trace};
use crate::store::sessions::{self, IdleAt, SignedIn};
use crate::store::{Executor, Store, retrying};
use crate::types::session::Session;
use crate::types::token::SessionSecret;
use crate::types::{ClientId, Result, Seconds, SessionId, Timestamp, UserId};

/// How often the use of a session is written down at most.
const EVERY: Seconds = Seconds::minutes(1);

/// Without activity, and in any case.
fn lifetimes(config: &Sessions, remembered: bool) -> (Seconds, Seconds) {
    if remembered {
        (config.remember_idle, config.remember_absolute)
    } else {
        (config.idle, config.absolute)
    }
}

/// When a session that is used now ends if it is not used again. It never outlives
/// [`expires_at`], whatever this says: every question about it asks for both.
pub fn idle_at(config: &Sessions, remembered: bool, now: Timestamp) -> Timestamp {
    now + lifetimes(config, remembered).0
}

/// When a session that begins now ends in any case.
pub fn expires_at(config: &Sessions, remembered: bool, now: Timestamp) -> Timestamp {
    now + lifetimes(config, remembered).1
}

/// The live sign-in of a cookie, with its account and its consent for `client`.
///
/// What the configuration says now holds for sessions of before, too: who shortens a lifetime means
/// those that are open (THREATS UI-21).
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
    let Some(secret) = SessionSecret::read(cookie) else {
        return Ok(None);
    };
    let found = sessions::live(store.db(), &secret.digest(), client, now).await?;
    Ok(found.filter(|SignedIn { session, .. }| {
        idle_at(config, session.remembered, session.seen_at) > now
            && expires_at(config, session.remembered, session.auth_time) > now
    }))
}

/// Whether the use of a session is to be noted again.
pub fn is_to_be_touched(seen_at: Timestamp, now: Timestamp) -> bool {
    seen_at <= now - EVERY
}

/// Notes that a session was used, at most once a minute.
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
    if is_to_be_touched(seen_at, now) {
        let unless_since = now - EVERY;
        let idle_at =
            IdleAt { usual: idle_at(config, false, now), remembered: idle_at(config, true, now) };
        sessions::touch(on, id, unless_since, idle_at, now).await?;
    }
    Ok(())
}

/// Signs somebody out, in this browser, at a client's request or at their own. Whatever lives and dies
/// with the sign-in is dead from then on; what was allowed offline lives on (OIDC Core §11).
///
/// # Errors
/// When it could not be written: never a success that is not one.
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
    // Where another tab was faster, that is as good.
    finish(store, trace, &session.user_id, &session.id, event).await.map(drop)
}

/// Ends one of a person's own sessions, from another one. `false`: they have none of that name
/// (THREATS UI-22).
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
        if ended {
            event.clone().write(&mut tx, trace).await?;
        }
        tx.commit().await?;
        Ok(ended)
    })
    .await
}

/// Ends all of a person's sessions but one, and says how many that were.
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
        if ended > 0 {
            let event = Event::success(Kind::SessionEnded).user(user).fact("ended", ended);
            event.write(&mut tx, people.trace).await?;
        }
        tx.commit().await?;
        Ok(ended)
    })
    .await
}

/// A person's live sessions, the most recently used first.
///
/// # Errors
/// When the store fails.
pub async fn of_user(store: &Store, user: &UserId, now: Timestamp) -> Result<Vec<Session>> {
    Ok(sessions::of_user(store.db(), user, now).await?)
}
