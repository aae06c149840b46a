//! Making accounts, closing them, and changing their passwords.

use serde_json::{Map, Value};

use super::password::{MOST_COSTS, Password, Place};
use super::throttle::{self, Admission, Asked, Try};
use super::{People, device, name, session};
use crate::record::{Event, Kind};
use crate::store::users::WithPassword;
use crate::store::{Tx, codes, device_cookies, grants, is_duplicate, retrying, sessions, users};
use crate::types::secret::same;
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{
    Code, Digest, Error, Refusal, Result, Seconds, Secret, Timestamp, User, UserId,
};

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// The `preferred_username`.
    pub username: &'a str,
    /// The `email`.
    pub email: Option<&'a str>,
    /// Whether somebody has made sure that it is theirs.
    pub email_verified: bool,
    /// Other standard claims, as [`super::claims::read`] gives them.
    pub claims: Map<String, Value>,
    /// Without one, the person cannot sign in until one is set.
    pub password: Option<&'a Secret>,
}

/// Makes an account.
///
/// # Errors
/// Refuses names that are not names or are somebody's already, be it as the other kind of name
/// (THREATS UI-24), and passwords that should not be one.
pub async fn create(people: &People<'_>, account: NewAccount<'_>) -> Result<User> {
    let username = name::username(account.username)?;
    let email = account.email.map(name::email).transpose()?;
    let names = sign_in_names(&username, email.as_deref())?;
    let hash = match account.password {
        Some(typed) => {
            let password = judged(people, typed, &names)?;
            Some(hashed(people, &password).await?)
        }
        None => None,
    };
    let user = User {
        id: UserId::new(),
        username,
        email_verified: account.email_verified && email.is_some(),
        email,
        claims: account.claims,
        created_at: people.now,
        updated_at: people.now,
        disabled_at: None,
    };
    retrying(|| async {
        let mut tx = people.store.write().await?;
        match users::insert(&mut tx, &user, &names).await {
            Err(error) if is_duplicate(&error) => {
                return Err(Code::InvalidRequest
                    .because("the username or the e-mail address is somebody's already")
                    .into());
            }
            inserted => inserted?,
        }
        if let Some(hash) = &hash {
            users::set_password(&mut tx, &user.id, hash, people.now).await?;
        }
        Event::success(Kind::UserCreated).user(&user.id).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(user)
}

/// What somebody signs in with, in canonical form.
///
/// # Errors
/// Refuses a username that is another's e-mail address, or could become one.
pub(super) fn sign_in_names(username: &str, email: Option<&str>) -> Result<Vec<String>, Refusal> {
    let mut names = vec![name::canonical(username)];
    let address = email.map(name::canonical);
    if username.contains('@') && address.as_ref() != names.first() {
        // Another address must stay free for whose it is.
        return Err(Code::InvalidRequest
            .because("a username with an @ can only be the account's own e-mail address"));
    }
    names.extend(address.filter(|address| !names.contains(address)));
    Ok(names)
}

/// Closes an account: its sessions end and its grants are revoked with it, so that opening it again
/// gives nothing back. `false`: there is no such account.
///
/// # Errors
/// When the store fails.
pub async fn disable(people: &People<'_>, user: &UserId) -> Result<bool> {
    set_disabled(people, user, Some(people.now), Kind::UserDisabled).await
}

/// Opens an account again. A sign-in that was under way while it was closed is ended here.
///
/// # Errors
/// When the store fails.
pub async fn enable(people: &People<'_>, user: &UserId) -> Result<bool> {
    set_disabled(people, user, None, Kind::UserEnabled).await
}

async fn set_disabled(
    people: &People<'_>,
    user: &UserId,
    at: Option<Timestamp>,
    kind: Kind,
) -> Result<bool> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        if !users::disable(&mut tx, user, at).await? {
            return Ok(false);
        }
        let event = end_everything(&mut tx, people, user, Event::success(kind)).await?;
        event.user(user).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// Ends every session and every grant of somebody, and adds to the event how many there were.
pub(super) async fn end_everything(
    tx: &mut Tx,
    people: &People<'_>,
    user: &UserId,
    event: Event,
) -> sqlx::Result<Event> {
    let ended = sessions::end_others(tx, user, None, people.now).await?;
    let revoked = revoke_everything(tx, people, user).await?;
    Ok(event.fact("sessions_ended", ended).fact("grants_revoked", revoked))
}

/// Revokes every grant of somebody, and those that are about to come of a code. The codes first: a
/// redemption that is under way holds its code, so that this waits for it and then sees its grant.
async fn revoke_everything(tx: &mut Tx, people: &People<'_>, user: &UserId) -> sqlx::Result<u64> {
    codes::spend_of_user(tx, user, people.now).await?;
    grants::revoke_of_user(tx, user, people.now).await
}

/// Sets somebody's password, as an administrator: whatever was signed in or granted under the old one
/// ends (THREATS PW-05).
///
/// # Errors
/// Refuses passwords that should not be one, and accounts that are not there.
pub async fn set_password(people: &People<'_>, user: &UserId, new: &Secret) -> Result<()> {
    let WithPassword { user, .. } = find(people, user).await?;
    let password = judged(people, new, &names(&user))?;
    let hash = hashed(people, &password).await?;
    retrying(|| async {
        let mut tx = people.store.write().await?;
        users::set_password(&mut tx, &user.id, &hash, people.now).await?;
        device_cookies::forget_user(&mut tx, &user.id).await?;
        let event = Event::success(Kind::PasswordChanged).fact("by", "an administrator");
        let event = end_everything(&mut tx, people, &user.id, event).await?;
        event.user(&user.id).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// How long a proof of the current password stands for it.
const PROVEN: Seconds = Seconds::minutes(5);

/// How much the clocks of replicas may differ.
const CLOCKS: Seconds = Seconds::minutes(2);

/// That the current password was typed a moment ago, and was right: it need not be typed again because the new one
/// was refused. It is good for one thing, changing that password, and void once it was changed. What keeps it binds
/// it to the sign-in that it was given to.
#[derive(Clone, Copy, Debug)]
pub struct PasswordProof {
    proven_at: Timestamp,
    /// Of the hash that the password was compared with.
    hash: Digest,
}

impl PasswordProof {
    fn of(stored: &str, now: Timestamp) -> Self {
        Self { proven_at: now, hash: Digest::of(stored.as_bytes()) }
    }

    /// As it is sealed: 8 bytes of time, 32 of the digest.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.proven_at.0.to_be_bytes().as_slice(), &self.hash.0].concat()
    }

    /// Reads it from there.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (proven_at, hash) = bytes.split_first_chunk()?;
        let hash = Digest(hash.try_into().ok()?);
        Some(Self { proven_at: Timestamp(i64::from_be_bytes(*proven_at)), hash })
    }

    /// Whether it stands for the password of this hash.
    fn is_of(&self, stored: &str, now: Timestamp) -> bool {
        let age = now - self.proven_at;
        self.hash.matches(&Digest::of(stored.as_bytes()))
            && age < PROVEN
            && age > Seconds(-CLOCKS.0)
    }
}

/// What shows that somebody knows the current password.
#[derive(Clone, Copy, Debug)]
pub enum Current<'a> {
    /// As typed.
    Typed(&'a Secret),
    /// That it was right when it was typed a moment ago.
    Proven(PasswordProof),
}

/// A new password, as typed twice.
#[derive(Debug)]
pub struct NewPassword {
    /// The first time.
    pub typed: Secret,
    /// The second time.
    pub again: Secret,
}

/// Why a new password does not become one.
#[derive(Debug)]
pub enum Unfit {
    /// It was typed in two ways.
    Differs,
    /// It is the current one.
    Same,
    /// It should not be one.
    Refused(Refusal),
}

/// What came of changing one's password.
#[derive(Debug)]
pub enum Changed {
    /// It is changed. This browser goes on under another cookie, every other one is signed out, and
    /// every application has to ask again.
    Done {
        /// For the cookie.
        secret: SessionSecret,
        /// The session, proven anew.
        session: Box<Session>,
        /// For the device cookie: what browsers were known by until now is void.
        device: DeviceSecret,
    },
    /// The current password is another one.
    Wrong,
    /// The proof of the current password is void: it is too old, or the password was changed.
    Unproven,
    /// The current password is right, the new one cannot be taken. Nothing is changed.
    Unfit(Unfit, PasswordProof),
    /// Too many tries; nothing was compared.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
}

/// Changes somebody's own password, if they know the current one: a session that was left open, or
/// stolen, is not enough (THREATS PW-06). It is guessed at no faster here than at the front door.
///
/// The current one is judged before the new one is looked at: who does not know it learns nothing else.
///
/// # Errors
/// A session that has ended meanwhile; failures, among them a queue that is full.
pub async fn change_password(
    people: &People<'_>,
    session: &Session,
    device: Option<&DeviceSecret>,
    current: Current<'_>,
    new: &NewPassword,
) -> Result<Changed> {
    let WithPassword { user, password } = find(people, &session.user_id).await?;
    let (place, stored, taken) = match current {
        Current::Typed(typed) => {
            // One that is too long to be a password is no guess either.
            let Ok(typed) = Password::read(typed, people.config.passwords.max_bytes) else {
                return Ok(Changed::Wrong);
            };
            let costs = users::password_costs(people.store.db(), MOST_COSTS).await?;
            let device = device.map(DeviceSecret::digest);
            let asked = Asked { name: None, user: Some(&user.id), device };
            let (place, taken) = match throttle::enter(people, &asked).await? {
                Admission::Granted(place, taken) => (place, taken),
                Admission::NotBefore(until) => return Ok(Changed::Throttled { until }),
            };
            let verified = place.verify(&typed, password.as_deref(), &costs).await?;
            match password {
                Some(stored) if verified.matches && user.disabled_at.is_none() => {
                    (place, stored, Some(taken))
                }
                Some(_) | None => return refused(people, session, &taken).await,
            }
        }
        Current::Proven(proof) => match password {
            Some(stored) if proof.is_of(&stored, people.now) && user.disabled_at.is_none() => {
                (people.hasher.place(people.trace.subscriber()).await?, stored, None)
            }
            Some(_) | None => return Ok(Changed::Unproven),
        },
    };
    // Its age is that of what was typed, however often it is shown.
    let proof = match current {
        Current::Typed(_) => PasswordProof::of(&stored, people.now),
        Current::Proven(proof) => proof,
    };
    let password = match fit(people, &place, &user, &stored, new).await? {
        Ok(password) => password,
        Err(unfit) => {
            if let Some(taken) = taken {
                right(people, &taken).await?;
            }
            return Ok(Changed::Unfit(unfit, proof));
        }
    };
    let hash = place.hash(&password).await?;
    drop(place);

    let (secret, device) = (SessionSecret::generate(), DeviceSecret::generate());
    let config = &people.config.sessions;
    let renewed = Session {
        auth_time: people.now,
        seen_at: people.now,
        idle_at: session::idle_at(config, session.remembered, people.now),
        expires_at: session::expires_at(config, session.remembered, people.now),
        ..session.clone()
    };
    let done = retrying(|| async {
        let mut tx = people.store.write().await?;
        if !users::change_password(&mut tx, &user.id, &stored, &hash, people.now).await? {
            return Ok(false);
        }
        if !sessions::renew(&mut tx, &secret.digest(), &renewed).await? {
            return Err(Code::LoginRequired.because("the session has ended").into());
        }
        if let Some(taken) = &taken {
            taken.succeeded(&mut tx, people.now).await?;
        }
        device_cookies::forget_user(&mut tx, &user.id).await?;
        device::keep(&mut tx, people, &device, &user.id).await?;
        let ended = sessions::end_others(&mut tx, &user.id, Some(&session.id), people.now).await?;
        let revoked = revoke_everything(&mut tx, people, &user.id).await?;
        Event::success(Kind::PasswordChanged)
            .user(&user.id)
            .session(&session.id)
            .fact("by", "the person")
            .fact("sessions_ended", ended)
            .fact("grants_revoked", revoked)
            .write(&mut tx, people.trace)
            .await?;
        tx.commit().await?;
        Ok::<_, Error>(true)
    })
    .await?;
    match (done, taken) {
        (true, _) => Ok(Changed::Done { secret, session: Box::new(renewed), device }),
        // Somebody else has changed it meanwhile.
        (false, Some(taken)) => refused(people, session, &taken).await,
        (false, None) => Ok(Changed::Unproven),
    }
}

/// The new password, if it can become one. That it is the current one is told last, and by the hash: who tries
/// whether it is some other one has changed it.
async fn fit(
    people: &People<'_>,
    place: &Place<'_>,
    user: &User,
    stored: &str,
    new: &NewPassword,
) -> Result<Result<Password, Unfit>> {
    if !same(new.typed.expose().as_bytes(), new.again.expose().as_bytes()) {
        return Ok(Err(Unfit::Differs));
    }
    let password = match judged(people, &new.typed, &names(user)) {
        Ok(password) => password,
        Err(Error::Refused(refusal)) => return Ok(Err(Unfit::Refused(refusal))),
        Err(error @ Error::Failed(_)) => return Err(error),
    };
    let is_same = place.verify(&password, Some(stored), &[]).await?.matches;
    Ok(if is_same { Err(Unfit::Same) } else { Ok(password) })
}

/// The password was right, and nothing is changed: what was reserved is given back.
async fn right(people: &People<'_>, taken: &Try) -> Result<()> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        taken.was_right(&mut tx, people.now).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await
}

/// Counts the failure, and notes it.
async fn refused(people: &People<'_>, session: &Session, taken: &Try) -> Result<Changed> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        taken.failed(&mut tx, people.now).await?;
        let event = Event::of(Kind::PasswordChanged, "wrong").user(&session.user_id);
        event.session(&session.id).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(Changed::Wrong)
    })
    .await
}

/// Lifts what failed sign-ins have brought upon an account, over all networks and by whatever name.
///
/// # Errors
/// Refuses accounts that are not there.
pub async fn unlock(people: &People<'_>, user: &UserId) -> Result<()> {
    let WithPassword { user, .. } = find(people, user).await?;
    let names: Vec<_> = names(&user).iter().map(|name| name::canonical(name)).collect();
    retrying(|| async {
        let mut tx = people.store.write().await?;
        throttle::unlock(&mut tx, &user.id, &names).await?;
        let event = Event::success(Kind::UserUnlocked).user(&user.id);
        event.write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// The hash of a new password, when it is its turn.
async fn hashed(people: &People<'_>, password: &Password) -> Result<String> {
    Ok(people.hasher.place(people.trace.subscriber()).await?.hash(password).await?)
}

async fn find(people: &People<'_>, user: &UserId) -> Result<WithPassword> {
    let found = users::with_password(people.store.db(), user).await?;
    Ok(found.ok_or_else(|| Code::NotFound.because("there is no such account"))?)
}

fn names(user: &User) -> Vec<String> {
    [Some(&user.username), user.email.as_ref()].into_iter().flatten().cloned().collect()
}

/// A new password for an account of these names, if it should be one.
fn judged(people: &People<'_>, typed: &Secret, names: &[String]) -> Result<Password> {
    let rules = &people.config.passwords;
    let password = Password::read(typed, rules.max_bytes)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    password.must_resist_guessing(rules.min_length, &names)?;
    Ok(password)
}
