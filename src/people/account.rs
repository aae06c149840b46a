//! Creates, disables and unlocks accounts, and changes their passwords.

use serde_json::{Map, Value};

use super::password::{MOST_COSTS, Password, Place};
use super::throttle::{self, Admission, ReservedAttempt, Target};
use super::{People, device, name, search, session};
use crate::record::{Event, Kind};
use crate::roles;
use crate::store::links::{self, Purpose};
use crate::store::users::{Names, WithPassword};
use crate::store::{Tx, codes, device_cookies, grants, is_duplicate, retrying, sessions, users};
use crate::types::secret::same;
use crate::types::session::Session;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{
    Code, Digest, Error, Holder, Refusal, Result, Seconds, Secret, Timestamp, User, UserId,
};

/// An account to create.
#[derive(Debug)]
pub struct NewAccount<'a> {
    /// The `preferred_username`.
    pub username: &'a str,
    /// The `email`.
    pub email: Option<&'a str>,
    /// Whether the address is verified.
    pub email_verified: bool,
    /// Other standard claims, as parsed by [`super::claims::parse`].
    pub claims: Map<String, Value>,
    /// Without a password, the user cannot sign in until one is set.
    pub password: Option<&'a Secret>,
}

/// Creates an account.
///
/// # Errors
/// Refuses names that are invalid or in use, also as the other kind of name (THREATS UI-24), and weak passwords.
pub async fn create(people: &People<'_>, account: NewAccount<'_>) -> Result<User> {
    insert(people, prepare(people, account).await?).await
}

/// Creates an account with this identifier, which was generated for one form. If the form was sent before, returns the
/// account that it created.
///
/// # Errors
/// As [`create`].
pub async fn create_once(
    people: &People<'_>,
    id: &UserId,
    account: NewAccount<'_>,
) -> Result<User> {
    let mut prepared = prepare(people, account).await?;
    prepared.user.id = id.clone();
    let (username, email) = (prepared.user.username.clone(), prepared.user.email.clone());
    match insert(people, prepared).await {
        Err(Error::Refused(refusal)) => {
            let existing = users::with_password(people.store.db(), id).await?;
            let same = existing.map(|found| found.user);
            let same = same.filter(|user| user.username == username && user.email == email);
            same.ok_or_else(|| refusal.into())
        }
        inserted => inserted,
    }
}

async fn insert(people: &People<'_>, prepared: Prepared) -> Result<User> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        prepared.insert(&mut tx, people).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(prepared.user)
}

/// An account that can be inserted.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The user.
    pub(super) user: User,
    names: Names,
    hash: Option<String>,
}

/// Checks a new account and hashes its password.
pub(super) async fn prepare(people: &People<'_>, account: NewAccount<'_>) -> Result<Prepared> {
    let username = name::username(account.username)?;
    let email = account.email.map(name::email).transpose()?;
    let sign_in = sign_in_names(&username, email.as_deref())?;
    let hash = match account.password {
        Some(typed) => {
            let password = checked_password(people, typed, &sign_in)?;
            Some(hash(people, &password).await?)
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
    let names = Names { sign_in, words: search::words_of(&user) };
    Ok(Prepared { user, names, hash })
}

impl Prepared {
    /// Inserts the account.
    pub(super) async fn insert(&self, tx: &mut Tx, people: &People<'_>) -> Result<()> {
        let Self { user, names, hash } = self;
        match users::insert(tx, user, names).await {
            Err(error) if is_duplicate(&error) => {
                return Err(Code::InvalidRequest
                    .because("another account has the username or the e-mail address")
                    .into());
            }
            inserted => inserted?,
        }
        if let Some(hash) = hash {
            users::set_password(tx, &user.id, hash, people.now).await?;
        }
        Event::success(Kind::UserCreated).user(&user.id).write(tx, people.trace).await?;
        Ok(())
    }
}

/// The names that an account signs in with, in canonical form.
///
/// # Errors
/// Refuses a username that is the e-mail address of another account, or could become one.
pub(super) fn sign_in_names(username: &str, email: Option<&str>) -> Result<Vec<String>, Refusal> {
    let mut names = vec![name::canonical(username)];
    let address = email.map(name::canonical);
    if username.contains('@') && address.as_ref() != names.first() {
        // Otherwise the owner of that address could not use it.
        return Err(Code::InvalidRequest
            .because("a username with an @ can only be the account's own e-mail address"));
    }
    names.extend(address.filter(|address| !names.contains(address)));
    Ok(names)
}

/// Disables an account. Its sessions end and its grants are revoked, so that enabling it again restores neither.
/// `false`: there is no such account.
///
/// # Errors
/// When the store fails.
pub async fn disable(people: &People<'_>, user: &UserId) -> Result<bool> {
    set_disabled(people, user, Some(people.now), Kind::UserDisabled).await
}

/// Enables an account. Ends a session that was begun while the account was disabled.
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
        roles::must_cover(&mut tx, people.trace, &Holder::User(user.clone())).await?;
        if at.is_some() {
            roles::must_leave_an_owner(&mut tx, user).await?;
            links::void(&mut tx, Purpose::Recovery, Some(user)).await?;
        }
        let event = end_everything(&mut tx, people, user, Event::success(kind)).await?;
        event.user(user).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// Ends all sessions and revokes all grants of a user, and adds their numbers to the event.
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

/// Revokes all grants of a user, and invalidates the codes from which grants would be created. Codes come first: a
/// redemption in progress locks its code, so this waits for it and then finds its grant.
async fn revoke_everything(tx: &mut Tx, people: &People<'_>, user: &UserId) -> sqlx::Result<u64> {
    codes::spend_of_user(tx, user, people.now).await?;
    grants::revoke_of_user(tx, user, people.now).await
}

/// Sets the password of a user, as an administrator. All sessions end and all grants are revoked (THREATS PW-05).
///
/// # Errors
/// Refuses weak passwords and unknown accounts.
pub async fn set_password(people: &People<'_>, user: &UserId, new: &Secret) -> Result<()> {
    let WithPassword { user, .. } = find(people, user).await?;
    let hash = hash_for(people, &user, new).await?;
    retrying(|| async {
        let mut tx = people.store.write().await?;
        replace_password(&mut tx, people, &user.id, &hash, "an administrator").await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// The hash of a new password for this user.
///
/// # Errors
/// Refuses weak passwords.
pub(super) async fn hash_for(people: &People<'_>, user: &User, new: &Secret) -> Result<String> {
    let password = checked_password(people, new, &names(user))?;
    hash(people, &password).await
}

/// Sets the password without the current one: all sessions end, all grants are revoked, and recovery links become
/// invalid.
pub(super) async fn replace_password(
    tx: &mut Tx,
    people: &People<'_>,
    user: &UserId,
    hash: &str,
    by: &'static str,
) -> Result<()> {
    users::set_password(tx, user, hash, people.now).await?;
    device_cookies::delete_of_user(tx, user).await?;
    links::void(tx, Purpose::Recovery, Some(user)).await?;
    let event = Event::success(Kind::PasswordChanged).fact("by", by);
    let event = end_everything(tx, people, user, event).await?;
    event.user(user).write(tx, people.trace).await?;
    Ok(())
}

/// The lifetime of a [`PasswordProof`].
const PROVEN: Seconds = Seconds::minutes(5);

/// The tolerated difference between the clocks of replicas.
const CLOCKS: Seconds = Seconds::minutes(2);

/// Proves that the correct current password was typed recently, so that it need not be typed again after the new one
/// was refused. It is valid only for changing that password, and invalid once the password was changed. The caller
/// binds it to the session.
#[derive(Clone, Copy, Debug)]
pub struct PasswordProof {
    proven_at: Timestamp,
    /// The digest of the stored hash that the password was compared with.
    hash: Digest,
}

impl PasswordProof {
    fn of(stored: &str, now: Timestamp) -> Self {
        Self { proven_at: now, hash: Digest::of(stored.as_bytes()) }
    }

    /// The serialized form: 8 bytes of time, 32 bytes of digest.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.proven_at.0.to_be_bytes().as_slice(), &self.hash.0].concat()
    }

    /// Parses the serialized form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (proven_at, hash) = bytes.split_first_chunk()?;
        let hash = Digest(hash.try_into().ok()?);
        Some(Self { proven_at: Timestamp(i64::from_be_bytes(*proven_at)), hash })
    }

    /// Whether it is valid for the password with this stored hash.
    fn is_valid_for(&self, stored: &str, now: Timestamp) -> bool {
        let age = now - self.proven_at;
        self.hash.matches(&Digest::of(stored.as_bytes()))
            && age < PROVEN
            && age > Seconds(-CLOCKS.0)
    }
}

/// The evidence that the user knows the current password.
#[derive(Clone, Copy, Debug)]
pub enum Current<'a> {
    /// The password as typed.
    Typed(&'a Secret),
    /// The proof that it was correct when it was typed recently.
    Proven(PasswordProof),
}

/// A new password, typed twice.
#[derive(Debug)]
pub struct NewPassword {
    /// The first time.
    pub typed: Secret,
    /// The second time.
    pub again: Secret,
}

/// Why a new password is refused.
#[derive(Debug)]
pub enum Unfit {
    /// The two entries differ.
    Differs,
    /// It is the current password.
    Same,
    /// It is too short, too long or easy to guess.
    Refused(Refusal),
}

/// The result of changing a password.
#[derive(Debug)]
pub enum Changed {
    /// Changed. This browser gets a new session cookie, all other sessions end, and all grants are revoked.
    Done {
        /// The value of the new session cookie.
        secret: SessionSecret,
        /// The session, with a new authentication time.
        session: Box<Session>,
        /// The value of the new device cookie: all previous ones are invalid.
        device: DeviceSecret,
    },
    /// The current password is wrong.
    Wrong,
    /// The proof of the current password has expired, or the password was changed.
    Unproven,
    /// The current password is correct, the new one is refused. Nothing is changed.
    Unfit(Unfit, PasswordProof),
    /// Too many attempts; nothing was compared.
    Throttled {
        /// The time of the next permitted attempt.
        until: Timestamp,
    },
}

/// Changes the password of a signed-in user who knows the current one: an unattended or stolen session is not enough
/// (THREATS PW-06). Guesses are throttled as at sign-in.
///
/// The current password is verified before the new one is examined, so that an attacker who does not know it learns
/// nothing else.
///
/// # Errors
/// `login_required` if the session has ended; failures, including a full hashing queue.
pub async fn change_password(
    people: &People<'_>,
    session: &Session,
    device: Option<&DeviceSecret>,
    current: Current<'_>,
    new: &NewPassword,
) -> Result<Changed> {
    let WithPassword { user, password } = find(people, &session.user_id).await?;
    let (place, stored, attempt) = match current {
        Current::Typed(typed) => {
            // A value that is too long to be a password does not count as an attempt.
            let Ok(typed) = Password::parse(typed, people.config.passwords.max_bytes) else {
                return Ok(Changed::Wrong);
            };
            let costs = users::password_costs(people.store.db(), MOST_COSTS).await?;
            let device = device.map(DeviceSecret::digest);
            let target = Target { name: None, user: Some(&user.id), device };
            let (place, attempt) = match throttle::admit(people, &target).await? {
                Admission::Granted(place, attempt) => (place, attempt),
                Admission::NotBefore(until) => return Ok(Changed::Throttled { until }),
            };
            let verified = place.verify(&typed, password.as_deref(), &costs).await?;
            match password {
                Some(stored) if verified.matches && user.disabled_at.is_none() => {
                    (place, stored, Some(attempt))
                }
                Some(_) | None => return wrong(people, session, &attempt).await,
            }
        }
        Current::Proven(proof) => match password {
            Some(stored)
                if proof.is_valid_for(&stored, people.now) && user.disabled_at.is_none() =>
            {
                (people.hasher.place(people.trace.subscriber()).await?, stored, None)
            }
            Some(_) | None => return Ok(Changed::Unproven),
        },
    };
    // A proof that is used again keeps its age.
    let proof = match current {
        Current::Typed(_) => PasswordProof::of(&stored, people.now),
        Current::Proven(proof) => proof,
    };
    let password = match check_new(people, &place, &user, &stored, new).await? {
        Ok(password) => password,
        Err(unfit) => {
            if let Some(attempt) = attempt {
                release(people, &attempt).await?;
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
        if let Some(attempt) = &attempt {
            attempt.succeeded(&mut tx, people.now).await?;
        }
        device_cookies::delete_of_user(&mut tx, &user.id).await?;
        links::void(&mut tx, Purpose::Recovery, Some(&user.id)).await?;
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
    match (done, attempt) {
        (true, _) => Ok(Changed::Done { secret, session: Box::new(renewed), device }),
        // The password was changed concurrently.
        (false, Some(attempt)) => wrong(people, session, &attempt).await,
        (false, None) => Ok(Changed::Unproven),
    }
}

/// Checks the new password. The comparison with the current one comes last, so that it cannot be used to guess: any
/// other acceptable password is set.
async fn check_new(
    people: &People<'_>,
    place: &Place<'_>,
    user: &User,
    stored: &str,
    new: &NewPassword,
) -> Result<Result<Password, Unfit>> {
    if !same(new.typed.expose().as_bytes(), new.again.expose().as_bytes()) {
        return Ok(Err(Unfit::Differs));
    }
    let password = match checked_password(people, &new.typed, &names(user)) {
        Ok(password) => password,
        Err(Error::Refused(refusal)) => return Ok(Err(Unfit::Refused(refusal))),
        Err(error @ Error::Failed(_)) => return Err(error),
    };
    let is_same = place.verify(&password, Some(stored), &[]).await?.matches;
    Ok(if is_same { Err(Unfit::Same) } else { Ok(password) })
}

/// Releases the reserved attempt: the password was correct, and nothing was changed.
async fn release(people: &People<'_>, attempt: &ReservedAttempt) -> Result<()> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        attempt.release(&mut tx, people.now).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await
}

/// Counts and records the failed attempt.
async fn wrong(
    people: &People<'_>,
    session: &Session,
    attempt: &ReservedAttempt,
) -> Result<Changed> {
    retrying(|| async {
        let mut tx = people.store.write().await?;
        attempt.failed(&mut tx, people.now).await?;
        let event = Event::of(Kind::PasswordChanged, "wrong").user(&session.user_id);
        event.session(&session.id).write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok::<_, Error>(Changed::Wrong)
    })
    .await
}

/// Resets the throttling of an account, for all networks and all its names.
///
/// # Errors
/// Refuses unknown accounts, and administrators who may do more than the actor may.
pub async fn unlock(people: &People<'_>, user: &UserId) -> Result<()> {
    let WithPassword { user, .. } = find(people, user).await?;
    let names: Vec<_> = names(&user).iter().map(|name| name::canonical(name)).collect();
    retrying(|| async {
        let mut tx = people.store.write().await?;
        roles::must_cover(&mut tx, people.trace, &Holder::User(user.id.clone())).await?;
        throttle::unlock(&mut tx, &user.id, &names).await?;
        roles::must_cover(&mut tx, people.trace, &Holder::User(user.id.clone())).await?;
        let event = Event::success(Kind::UserUnlocked).user(&user.id);
        event.write(&mut tx, people.trace).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Hashes a new password, after waiting in the queue.
async fn hash(people: &People<'_>, password: &Password) -> Result<String> {
    Ok(people.hasher.place(people.trace.subscriber()).await?.hash(password).await?)
}

async fn find(people: &People<'_>, user: &UserId) -> Result<WithPassword> {
    let found = users::with_password(people.store.db(), user).await?;
    Ok(found.ok_or_else(|| Code::NotFound.because("there is no such account"))?)
}

fn names(user: &User) -> Vec<String> {
    [Some(&user.username), user.email.as_ref()].into_iter().flatten().cloned().collect()
}

/// Checks a new password for an account with these names.
fn checked_password(people: &People<'_>, typed: &Secret, names: &[String]) -> Result<Password> {
    let rules = &people.config.passwords;
    let password = Password::parse(typed, rules.max_bytes)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    password.must_resist_guessing(rules.min_length, &names)?;
    Ok(password)
}
