//! A database that took over without the last commits: an asynchronous standby that was promoted, or a
//! backup that was put back (decision 0029).
//!
//! Refresh tokens of the lost time are newer than their grants, and would end them as replays. A failover
//! that is declared lets each grant go on, once ([`grants::rotate`]). What was revoked in the lost time lives
//! again; the log knows of it, and here it is revoked again.

use crate::record::{Event, Kind, Trace};
use crate::store::failovers::{self, Failover};
use crate::store::{
    Store, codes, consents, grants, opaque_tokens, retrying, revoked_tokens, sessions,
};
use crate::types::{ClientId, Code, GrantId, Result, Seconds, SessionId, Timestamp, UserId};

/// How long a declared failover admits refresh tokens that are newer than their grants.
const ADMITS_FOR: Seconds = Seconds::hours(1);

/// As long as any access token lives.
const LONGEST_TOKEN: Seconds = Seconds::days(1);

/// Declares that what took over at this time may have been so much behind. Declared again, it stays as it was.
///
/// # Errors
/// A refusal when `at` is not in the past.
pub async fn declare(
    store: &Store,
    at: Timestamp,
    lag: Seconds,
    trace: &Trace,
) -> Result<Failover> {
    let now = trace.now();
    // A grant passes once because its rotation is later than the failover.
    if at >= now {
        return Err(Code::InvalidRequest
            .because("a failover is declared when it has happened: its time lies in the past")
            .with("at", at)
            .with("now", now)
            .into());
    }
    let declared =
        Failover { failed_over_at: at, lag, declared_at: now, ends_at: now + ADMITS_FOR };
    retrying(|| async {
        let mut tx = store.write().await?;
        if failovers::insert(&mut tx, &declared).await? {
            Event::success(Kind::FailedOver)
                .fact("at", at.to_string())
                .fact("lag", lag.0)
                .fact("until", declared.ends_at.to_string())
                .write(&mut tx, trace)
                .await?;
            tx.commit().await?;
            return Ok(declared.clone());
        }
        let before = failovers::find(&mut tx, at).await?;
        Ok(before.unwrap_or_else(|| declared.clone()))
    })
    .await
}

/// Something that was revoked and may live again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// A grant, and with it all its tokens.
    Grant(GrantId),
    /// A sign-in.
    Session(UserId, SessionId),
    /// What a person had allowed a client.
    Consent(UserId, ClientId),
    /// An access token of a client, by its `jti`.
    Token(String),
}

/// Revokes these again, each for itself. Returns how many were alive; of JWT access tokens that is not known,
/// and all of them count.
///
/// # Errors
/// What the database says; what was revoked until then is.
pub async fn revoke_again(store: &Store, all: &[Revoked], trace: &Trace) -> Result<u64> {
    let mut count = 0;
    for revoked in all {
        let is_new = retrying(|| async {
            let mut tx = store.write().await?;
            let is_new = revoke(&mut tx, revoked, trace.now()).await?;
            tx.commit().await?;
            Ok(is_new)
        });
        count += u64::from(is_new.await?);
    }
    Event::success(Kind::RevokedAgain)
        .fact("found", all.len())
        .fact("were_alive", count)
        .write_alone(store, trace)
        .await?;
    Ok(count)
}

async fn revoke(tx: &mut crate::store::Tx, revoked: &Revoked, now: Timestamp) -> Result<bool> {
    Ok(match revoked {
        Revoked::Grant(id) => grants::revoke(tx, id, now).await?,
        Revoked::Session(user, id) => sessions::end(tx, id, user, now).await?,
        Revoked::Consent(user, client) => {
            let withdrawn = consents::withdraw(tx, user, client).await?;
            codes::spend_all(tx, user, client, now).await?;
            grants::revoke_all(tx, user, client, now).await? > 0 || withdrawn
        }
        Revoked::Token(jti) => {
            let is_opaque = opaque_tokens::revoke_by_id(&mut *tx, jti, now).await?;
            if !is_opaque {
                revoked_tokens::insert(tx, jti, now + LONGEST_TOKEN, now).await?;
            }
            true
        }
    })
}
