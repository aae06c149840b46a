//! Sign-in with a password.

use super::password::{MOST_COSTS, Password, Place};
use super::throttle::{self, Admission, ReservedAttempt, Target};
use super::{People, device, name, session};
use crate::record::{Event, Kind};
use crate::store::users::{self, WithPassword};
use crate::store::{Tx, retrying, sessions};
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{Digest, Error, Factor, Result, Secret, SessionId, Timestamp, UserId};

/// The factor of every sign-in.
const FACTOR: Factor = Factor::Password;

/// An attempt to sign in.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// Username or e-mail address, as typed.
    pub identifier: &'a str,
    /// As typed.
    pub password: &'a Secret,
    /// "Keep me signed in".
    pub remember: bool,
    /// The browser's device cookie, if it has one.
    pub device: Option<&'a DeviceSecret>,
    /// The `User-Agent` of the browser.
    pub user_agent: &'a str,
    /// The current session of the browser, if any.
    pub replaces: Option<&'a Session>,
}

impl Attempt<'_> {
    /// The `User-Agent`, cut to the length that is stored.
    fn stored_user_agent(&self) -> String {
        const LONGEST: usize = 256;
        self.user_agent.chars().take(LONGEST).collect()
    }
}

/// The result of an attempt to sign in.
#[derive(Debug)]
pub enum Outcome {
    /// The user is signed in.
    SignedIn {
        /// The value of the session cookie.
        secret: SessionSecret,
        /// The session.
        session: Box<Session>,
        /// The value of the device cookie.
        device: DeviceSecret,
    },
    /// Wrong password, unknown name, no password, disabled account: the same response, after the same time (THREATS
    /// UI-14, UI-15).
    Wrong,
    /// Too many attempts at the account. Nothing was compared, which must not be visible: the response is that of
    /// [`Outcome::Wrong`] (THREATS EX-14).
    Withheld,
    /// Too many attempts from the network, or by this name from there. Nothing was compared.
    Throttled {
        /// The time of the next permitted attempt.
        until: Timestamp,
        /// The account, if the name has one: for the audit trail.
        user: Option<UserId>,
    },
}

impl Outcome {
    /// The label of the metric.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "success",
            Self::Wrong => "wrong",
            Self::Withheld | Self::Throttled { .. } => "throttled",
        }
    }
}

/// Signs a user in by password.
///
/// # Errors
/// Refuses a password that is too long; failures, including a full hashing queue.
pub async fn sign_in(people: &People<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
    let password = Password::parse(attempt.password, people.config.passwords.max_bytes)?;
    let name = name::canonical(attempt.identifier);
    let found = users::by_name(people.store.db(), &name).await?;
    let costs = users::password_costs(people.store.db(), MOST_COSTS).await?;

    let target = Target {
        name: Some(&name),
        user: found.as_ref().map(|found| &found.user.id),
        device: attempt.device.map(DeviceSecret::digest),
    };
    let (place, reserved) = match throttle::admit(people, &target).await? {
        Admission::Granted(place, reserved) => (place, reserved),
        Admission::NotBefore(until) => {
            let user = found.map(|found| found.user.id);
            return Ok(Outcome::Throttled { until, user });
        }
    };

    let stored = found.as_ref().and_then(|found| found.password.as_deref());
    let verified = place.verify(&password, stored, &costs).await?;
    let (user, stored) = match (found.as_ref(), stored) {
        (Some(WithPassword { user, .. }), Some(stored))
            if verified.matches && user.disabled_at.is_none() && reserved.is_compared =>
        {
            (user, stored)
        }
        (found, _) => return wrong(people, attempt, found, &reserved).await,
    };

    let upgraded = if verified.needs_rehash { rehash(&place, &password).await } else { None };
    let upgraded = upgraded.as_deref();
    let verified = VerifiedPassword { user: &user.id, stored, upgraded, reserved: &reserved };
    match begin_session(people, attempt, &verified).await? {
        Some(signed_in) => Ok(signed_in),
        None => wrong(people, attempt, found.as_ref(), &reserved).await,
    }
}

/// A correct password.
struct VerifiedPassword<'a> {
    user: &'a UserId,
    /// The stored hash that it was compared with.
    stored: &'a str,
    /// Its hash at the current cost, if `stored` has another one.
    upgraded: Option<&'a str>,
    reserved: &'a ReservedAttempt,
}

/// Hashes the password at the current cost. A failure is ignored: the next sign-in tries again.
async fn rehash(place: &Place<'_>, password: &Password) -> Option<String> {
    place.hash(password).await.ok()
}

/// Creates the session and everything that belongs to it in one transaction. `None`: the password was changed during
/// the comparison.
async fn begin_session(
    people: &People<'_>,
    attempt: &Attempt<'_>,
    verified: &VerifiedPassword<'_>,
) -> Result<Option<Outcome>> {
    let secret = SessionSecret::generate();
    let device = device::secret(people, attempt.device).await?;
    let new = new_session(people, attempt, verified.user);
    let session = retrying(|| async {
        let mut tx = people.store.write().await?;
        // Locks the row that a change of the password writes: either that change finds this session and ends it, or
        // this transaction finds the change.
        let hash = verified.upgraded.unwrap_or(verified.stored);
        if !users::rehash(&mut tx, verified.user, verified.stored, hash).await? {
            return Ok(None);
        }
        let session = store(&mut tx, people, attempt, &secret.digest(), new.clone()).await?;
        verified.reserved.succeeded(&mut tx, people.now).await?;
        device::keep(&mut tx, people, &device, verified.user).await?;
        let event = Event::success(Kind::SignIn).user(verified.user).session(&session.id);
        let event = event
            .fact("amr", FACTOR.amr().as_str())
            .fact("user_agent", session.user_agent.as_str());
        event.write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(Some(session))
    })
    .await?;
    Ok(session.map(|session| Outcome::SignedIn { secret, session: Box::new(session), device }))
}

fn new_session(people: &People<'_>, attempt: &Attempt<'_>, user: &UserId) -> Session {
    let config = &people.config.sessions;
    Session {
        id: SessionId::new(),
        user_id: user.clone(),
        auth_time: people.now,
        amr: FACTOR.amr().to_string(),
        acr: FACTOR.acr().to_string(),
        remembered: attempt.remember,
        created_at: people.now,
        seen_at: people.now,
        idle_at: session::idle_at(config, attempt.remember, people.now),
        expires_at: session::expires_at(config, attempt.remember, people.now),
        address: people.trace.address(),
        user_agent: attempt.stored_user_agent(),
    }
}

/// Stores the session in place of the browser's previous one, whose cookie becomes invalid (THREATS UI-04). If the same
/// user signs in again, the session keeps its `sid`, so that applications keep their tokens.
async fn store(
    tx: &mut Tx,
    people: &People<'_>,
    attempt: &Attempt<'_>,
    digest: &Digest,
    new: Session,
) -> Result<Session> {
    if let Some(last) = attempt.replaces {
        if last.user_id == new.user_id {
            let renewed =
                Session { id: last.id.clone(), created_at: last.created_at, ..new.clone() };
            if sessions::renew(tx, digest, &renewed).await? {
                return Ok(renewed);
            }
        } else if sessions::end(tx, &last.id, &last.user_id, people.now).await? {
            let event = Event::success(Kind::SessionEnded).user(&last.user_id).session(&last.id);
            event.write(&mut *tx, people.trace).await?;
        }
    }
    sessions::insert(tx, digest, &new).await?;
    Ok(new)
}

/// Counts the failure and records its reason for the operator. The entered name is not recorded, because users
/// sometimes type their password there.
async fn wrong(
    people: &People<'_>,
    attempt: &Attempt<'_>,
    found: Option<&WithPassword>,
    reserved: &ReservedAttempt,
) -> Result<Outcome> {
    let (outcome, why) = match found {
        _ if !reserved.is_compared => {
            (Outcome::Withheld, "too many tries at the account: this one was not compared")
        }
        None => (Outcome::Wrong, "no account has this name"),
        Some(found) if found.user.disabled_at.is_some() => {
            (Outcome::Wrong, "the account is disabled")
        }
        Some(found) if found.password.is_none() => (Outcome::Wrong, "the account has no password"),
        Some(_) => (Outcome::Wrong, "the password is wrong"),
    };
    let mut event = Event::of(Kind::SignIn, outcome.as_str()).fact("why", why);
    event = event.fact("user_agent", attempt.stored_user_agent());
    if let Some(found) = found {
        event = event.user(&found.user.id);
    }
    retrying(|| async {
        let mut tx = people.store.write().await?;
        reserved.failed(&mut tx, people.now).await?;
        event.clone().write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(outcome)
}
