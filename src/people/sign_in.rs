//! Signing in with a password.

use super::password::{MOST_COSTS, Password, Place};
use super::throttle::{self, Admission, Asked, Try};
use super::{People, device, name, session};
use crate::record::{Event, Kind};
use crate::store::users::{self, WithPassword};
use crate::store::{Tx, retrying, sessions};
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{Digest, Error, Factor, Result, Secret, SessionId, Timestamp, UserId};

/// The factor of every sign-in.
const FACTOR: Factor = Factor::Password;

/// Somebody at the door.
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
    /// What the browser calls itself.
    pub user_agent: &'a str,
    /// Who is signed in with this browser until now.
    pub replaces: Option<&'a Session>,
}

impl Attempt<'_> {
    /// As much of what the browser calls itself as is kept.
    fn browser(&self) -> String {
        const LONGEST: usize = 256;
        self.user_agent.chars().take(LONGEST).collect()
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Outcome {
    /// They are signed in.
    SignedIn {
        /// For the cookie.
        secret: SessionSecret,
        /// The sign-in.
        session: Box<Session>,
        /// For the device cookie.
        device: DeviceSecret,
    },
    /// Wrong password, unknown name, no password, disabled account: one answer, after one time
    /// (THREATS UI-14, UI-15).
    Wrong,
    /// Too many tries at the account: nothing was compared, and that must not be seen. It is answered as
    /// [`Outcome::Wrong`] (THREATS EX-14).
    Withheld,
    /// Too many tries from the network, or by this name from there; nothing was compared.
    Throttled {
        /// When to try again.
        until: Timestamp,
        /// Whose account it is, if it is anybody's: for the audit trail.
        user: Option<UserId>,
    },
}

impl Outcome {
    /// For the metric.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "success",
            Self::Wrong => "wrong",
            Self::Withheld | Self::Throttled { .. } => "throttled",
        }
    }
}

/// Signs somebody in who knows the password.
///
/// # Errors
/// A refusal of a password that is too long to be one; failures, among them a queue that is full.
pub async fn sign_in(people: &People<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
    let password = Password::read(attempt.password, people.config.passwords.max_bytes)?;
    let name = name::canonical(attempt.identifier);
    let found = users::by_name(people.store.db(), &name).await?;
    let costs = users::password_costs(people.store.db(), MOST_COSTS).await?;

    let asked = Asked {
        name: Some(&name),
        user: found.as_ref().map(|found| &found.user.id),
        device: attempt.device.map(DeviceSecret::digest),
    };
    let (place, taken) = match throttle::enter(people, &asked).await? {
        Admission::Granted(place, taken) => (place, taken),
        Admission::NotBefore(until) => {
            let user = found.map(|found| found.user.id);
            return Ok(Outcome::Throttled { until, user });
        }
    };

    let stored = found.as_ref().and_then(|found| found.password.as_deref());
    let verified = place.verify(&password, stored, &costs).await?;
    let (user, stored) = match (found.as_ref(), stored) {
        (Some(WithPassword { user, .. }), Some(stored))
            if verified.matches && user.disabled_at.is_none() && taken.is_compared =>
        {
            (user, stored)
        }
        (found, _) => return wrong(people, attempt, found, &taken).await,
    };

    let upgraded = if verified.needs_rehash { rehashed(&place, &password).await } else { None };
    let proof = Proof { user: &user.id, stored, upgraded: upgraded.as_deref(), taken: &taken };
    match begin(people, attempt, &proof).await? {
        Some(begun) => Ok(begun),
        None => wrong(people, attempt, found.as_ref(), &taken).await,
    }
}

/// A password that was right, and what it was right for.
struct Proof<'a> {
    user: &'a UserId,
    stored: &'a str,
    upgraded: Option<&'a str>,
    taken: &'a Try,
}

/// A hash at today's cost: if that fails, it can wait until the next time.
async fn rehashed(place: &Place<'_>, password: &Password) -> Option<String> {
    place.hash(password).await.ok()
}

/// Begins the session, in one transaction with all that goes with it. `None`: the password was changed
/// while it was compared.
async fn begin(
    people: &People<'_>,
    attempt: &Attempt<'_>,
    proof: &Proof<'_>,
) -> Result<Option<Outcome>> {
    let secret = SessionSecret::generate();
    let device = device::secret(people, attempt.device).await?;
    let fresh = fresh(people, attempt, proof.user);
    let session = retrying(|| async {
        let mut tx = people.store.write().await?;
        // Takes the row that a change of the password writes, too: either that change sees this session
        // and ends it, or this sees the change.
        let hash = proof.upgraded.unwrap_or(proof.stored);
        if !users::rehash(&mut tx, proof.user, proof.stored, hash).await? {
            return Ok(None);
        }
        let session = keep(&mut tx, people, attempt, &secret.digest(), fresh.clone()).await?;
        proof.taken.succeeded(&mut tx, people.now).await?;
        device::keep(&mut tx, people, &device, proof.user).await?;
        let event = Event::success(Kind::SignIn).user(proof.user).session(&session.id);
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

fn fresh(people: &People<'_>, attempt: &Attempt<'_>, user: &UserId) -> Session {
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
        user_agent: attempt.browser(),
    }
}

/// Puts a session in the place of the browser's last one. The cookie of before is worth nothing
/// afterwards (THREATS UI-04). Where the same person proves it again, the session goes on under its
/// `sid`, or every application they are signed in to would lose its tokens.
async fn keep(
    tx: &mut Tx,
    people: &People<'_>,
    attempt: &Attempt<'_>,
    digest: &Digest,
    fresh: Session,
) -> Result<Session> {
    if let Some(last) = attempt.replaces {
        if last.user_id == fresh.user_id {
            let renewed =
                Session { id: last.id.clone(), created_at: last.created_at, ..fresh.clone() };
            if sessions::renew(tx, digest, &renewed).await? {
                return Ok(renewed);
            }
        } else if sessions::end(tx, &last.id, &last.user_id, people.now).await? {
            let event = Event::success(Kind::SessionEnded).user(&last.user_id).session(&last.id);
            event.write(&mut *tx, people.trace).await?;
        }
    }
    sessions::insert(tx, digest, &fresh).await?;
    Ok(fresh)
}

/// Counts the failure, and notes why somebody was turned away: for the operator alone. The name is not
/// noted: people type their password there.
async fn wrong(
    people: &People<'_>,
    attempt: &Attempt<'_>,
    found: Option<&WithPassword>,
    taken: &Try,
) -> Result<Outcome> {
    let (outcome, why) = match found {
        _ if !taken.is_compared => {
            (Outcome::Withheld, "too many tries at the account: this one was not compared")
        }
        None => (Outcome::Wrong, "nobody has this name"),
        Some(found) if found.user.disabled_at.is_some() => {
            (Outcome::Wrong, "the account is disabled")
        }
        Some(found) if found.password.is_none() => (Outcome::Wrong, "the account has no password"),
        Some(_) => (Outcome::Wrong, "the password is wrong"),
    };
    let mut event = Event::of(Kind::SignIn, outcome.as_str()).fact("why", why);
    event = event.fact("user_agent", attempt.browser());
    if let Some(found) = found {
        event = event.user(&found.user.id);
    }
    retrying(|| async {
        let mut tx = people.store.write().await?;
        taken.failed(&mut tx, people.now).await?;
        event.clone().write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(outcome)
}
