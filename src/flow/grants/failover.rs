//! Declared failovers: a database without the latest commits took over, because an asynchronous standby was promoted
//! or a backup restored (decision 0029).
//!
//! Refresh tokens of the lost period are newer than their grants and would be refused as replays. A declared failover
//! accepts them, once for each grant ([`grants::rotate`]). Revocations of the lost period are lost too; they
//! are read from the log and repeated here.

use crate::record::{Event, Kind, Trace};
use crate::store::failovers::{self, Failover};
use crate::store::{
    Store, codes, consents, grants, opaque_tokens, retrying, revoked_tokens, sessions,
};
use crate::types::{ClientId, Code, GrantId, Result, Seconds, SessionId, Timestamp, UserId};

/// How long a declared failover accepts refresh tokens that are newer than their grants.
const ACCEPTS_FOR: Seconds = Seconds::hours(1);

/// The longest lifetime of an access token.
const LONGEST_TOKEN: Seconds = Seconds::days(1);

/// Declares a failover at `at`, to a database that may have been `lag` behind. Declaring it again changes nothing.
///
/// # Errors
/// A refusal if `at` is not in the past.
pub async fn declare(
    store: &Store,
    at: Timestamp,
    lag: Seconds,
    trace: &Trace,
) -> Result<Failover> {
    let now = trace.now();
    // A grant is accepted once because its rotation is then later than the failover.
    if at >= now {
        return Err(Code::InvalidRequest
            .because("the time of a failover must be in the past")
            .with("at", at)
            .with("now", now)
            .into());
    }
    let declared =
        Failover { failed_over_at: at, lag, declared_at: now, ends_at: now + ACCEPTS_FOR };
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

/// A revocation that may have been lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// Of a grant, with all its tokens.
    Grant(GrantId),
    /// Of a session.
    Session(UserId, SessionId),
    /// Of a user's consent for a client.
    Consent(UserId, ClientId),
    /// Of an access token, by its `jti`.
    Token(String),
}

/// Repeats these revocations, each in its own transaction. Returns how many had an effect; JWT access tokens are
/// always counted, because their state is unknown.
///
/// # Errors
/// Database errors; earlier revocations of the list stay.
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
            codes::spend_of_user_and_client(tx, user, client, now).await?;
            grants::revoke_of_user_and_client(tx, user, client, now).await? > 0 || withdrawn
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
