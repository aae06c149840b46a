//! Requests that create something at most once: the `Idempotency-Key` of a caller that repeats a request because it did
//! not receive the response.
//!
//! The key is reserved before the action, and holds the identifier of the created object after it: neither a secret nor
//! personal data. If the process ends between the two, a repeated request is refused until the key expires, so nothing
//! is ever created twice.

use super::{Action, Call, Error, Result};
use crate::store::idempotency_keys::{self, Key};
use crate::store::{Store, retrying};
use crate::types::{Code, Digest, Error as RuleError, Seconds};

/// How long a key is kept.
pub const LIFETIME: Seconds = Seconds::hours(24);

/// What is to be done with a request.
#[derive(Debug)]
pub enum Begun<'a> {
    /// Perform it.
    First(Reservation<'a>),
    /// It has created this object already.
    Repeated(String),
}

/// A reserved key, or none.
#[derive(Debug)]
pub struct Reservation<'a> {
    store: &'a Store,
    key: Option<Key>,
}

/// Begins a request that creates something by this action. `key`: that of the caller, if there is one. `request`: the
/// digest of the request, which is the same if it is repeated.
///
/// # Errors
/// `conflict` if the key was used for another request, or the first one has not completed.
pub async fn begin<'a>(
    call: &Call<'a>,
    action: Action,
    key: Option<&str>,
    request: &Digest,
) -> Result<Begun<'a>> {
    let call = call.allow(action)?;
    let store = call.context.store;
    let Some(key) = key else {
        return Ok(Begun::First(Reservation { store, key: None }));
    };
    let actor = call.trace.actor.as_ref().map(ToString::to_string).unwrap_or_default();
    let key = Key { actor, digest: Digest::of(key.as_bytes()) };
    let is_first = retrying(|| async {
        let mut tx = store.write().await?;
        let expires_at = call.now + LIFETIME;
        let is_first =
            idempotency_keys::reserve(&mut tx, &key, request, call.now, expires_at).await?;
        tx.commit().await?;
        Ok::<_, RuleError>(is_first)
    })
    .await?;
    if is_first {
        return Ok(Begun::First(Reservation { store, key: Some(key) }));
    }
    let Some(used) = idempotency_keys::find(store.db(), &key).await? else {
        return Err(unfinished());
    };
    if !used.request_digest.matches(request) {
        let why = "this Idempotency-Key was used for another request";
        return Err(Code::Conflict.because(why).into());
    }
    used.target.map(Begun::Repeated).ok_or_else(unfinished)
}

fn unfinished() -> Error {
    Code::Conflict
        .because(
            "the first request with this Idempotency-Key has not completed: look whether it has created the object",
        )
        .into()
}

impl Reservation<'_> {
    /// Stores what the action has created. If it was refused, it created nothing, and the key can be used again.
    ///
    /// # Errors
    /// Those of the action, and of the database.
    pub async fn settle<T>(
        self,
        done: Result<T>,
        target: impl Fn(&T) -> String + Send + Sync,
    ) -> Result<T>
    where
        T: Send + Sync,
    {
        let Self { store, key: Some(key) } = &self else {
            return done;
        };
        match done {
            Ok(created) => {
                let target = target(&created);
                retrying(|| async {
                    let mut tx = store.write().await?;
                    idempotency_keys::complete(&mut tx, key, &target).await?;
                    tx.commit().await?;
                    Ok::<_, RuleError>(())
                })
                .await?;
                Ok(created)
            }
            // Whether it was committed is unknown.
            Err(error @ Error::Rule(RuleError::Failed(_))) => Err(error),
            Err(
                error @ (Error::Rule(RuleError::Refused(_))
                | Error::Kek(_)
                | Error::Invalid(_)
                | Error::NotFound(..)),
            ) => {
                retrying(|| async {
                    let mut tx = store.write().await?;
                    idempotency_keys::release(&mut tx, key).await?;
                    tx.commit().await?;
                    Ok::<_, RuleError>(())
                })
                .await?;
                Err(error)
            }
        }
    }
}
