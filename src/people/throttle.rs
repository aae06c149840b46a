//! Limits of failed sign-ins.
//!
//! - Per network: a hundred failures in ten minutes over all names, and ten per name. The response is 429. Networks
//!   are nested ([`Subscriber::networks`]): a /56 and a /48 of IPv6 have limits of their own, because one site has
//!   65,536 networks of the smallest size.
//! - Per account: ten failures from one network, over all names of the account; and a hundred in a row from all
//!   networks together (NIST SP 800-63B-4 §3.2.2). After that, one attempt per minute and network is still compared,
//!   and sixty per hour from all networks. All other attempts get the response of a wrong password, after the same
//!   amount of work, so that the response does not reveal which names belong to one account (THREATS EX-14).
//! - A browser that has signed in to the account before has its own limit of ten failures instead of all limits
//!   above: an attacker cannot lock it out (THREATS UI-19, EX-13).
//!
//! An attempt is reserved by conditional statements when its turn to be hashed comes, so that 256 concurrent guesses
//! are limited as 256 sequential ones are (THREATS UI-17, X-09). Only failures count: an office that signs in at nine
//! is no attack. Throttled attempts take no place in the queue (THREATS EX-12).
//!
//! [`Subscriber::networks`]: crate::types::Subscriber::networks

use std::time::Duration;

use super::People;
use super::password::Place;
use crate::store::sign_in_tries::{self, Bucket, Room};
use crate::store::{Tx, device_cookies, retrying};
use crate::types::{Digest, Error, Failure, Network, Result, Seconds, Timestamp, UserId};

/// The time after which a row of failures is forgotten.
const IN_A_ROW: Seconds = Seconds::days(7);

/// The attempts at an account with too many failures in a row: per network, and of all networks.
const SLOW: (i64, Seconds) = (1, Seconds::minutes(1));
const BUDGET: (i64, Seconds) = (60, Seconds::hours(1));

/// The account that an attempt is made at, and the browser that makes it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The name of the account as entered, in canonical form. `None`: the user is signed in to the account, so the
    /// limits of the account may be disclosed.
    pub name: Option<&'a str>,
    /// The account; `None`: no account has the name.
    pub user: Option<&'a UserId>,
    /// The digest of the browser's device cookie.
    pub device: Option<Digest>,
}

/// Whether an attempt is permitted now.
#[derive(Debug)]
pub enum Admission<'a> {
    /// It is permitted, and has its turn to be hashed.
    Granted(Place<'a>, ReservedAttempt),
    /// It is refused before this time.
    NotBefore(Timestamp),
}

/// A reserved attempt. If dropped without a result, it stays reserved and counts as a failure.
#[derive(Debug)]
pub struct ReservedAttempt {
    /// Whether the password may be compared. If not, the attempt is treated as if the password were wrong.
    pub is_compared: bool,
    reserved: Reserved,
}

#[derive(Debug)]
enum Reserved {
    /// In the browser's own limit.
    Device(Digest, UserId),
    /// In the limits of the networks, and in those of the account and its name.
    Buckets { networks: Vec<Digest>, account: Vec<Digest> },
}

/// Waits for a turn in the hashing queue, then reserves the attempt.
///
/// # Errors
/// [`Failure::Busy`] when the queue is full. When the store fails, the attempt is refused.
pub async fn admit<'a>(people: &People<'a>, target: &Target<'_>) -> Result<Admission<'a>> {
    // Attempts that are being compared may succeed and release their reservation: this waits up to a second for them.
    const ROUNDS: usize = 20;
    const PAUSE: Duration = Duration::from_millis(50);

    let limits = Limits::of(people, target);
    if !is_known(people, target).await?
        && let Some(until) = limits.full_until(people).await?
    {
        return Ok(Admission::NotBefore(until));
    }
    for _ in 0..ROUNDS {
        let place = people.hasher.place(people.trace.subscriber()).await?;
        match retrying(|| reserve(people, target, &limits)).await? {
            Ok(attempt) => return Ok(Admission::Granted(place, attempt)),
            Err(Room::NoneUntil(until)) => return Ok(Admission::NotBefore(until)),
            Err(Room::Pending | Room::Left) => {
                drop(place);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Err(Failure::Busy("tries from the same network are being compared").into())
}

async fn is_known(people: &People<'_>, target: &Target<'_>) -> Result<bool> {
    let (Some(digest), Some(user)) = (&target.device, target.user) else {
        return Ok(false);
    };
    Ok(device_cookies::is_known(people.store.db(), digest, user, people.now).await?)
}

/// Reserves an attempt in all limits that apply, or in none: then it returns the reason. All transactions lock the
/// buckets in the same order, from the widest to the most specific, so that they do not deadlock.
async fn reserve(
    people: &People<'_>,
    target: &Target<'_>,
    limits: &Limits,
) -> Result<Result<ReservedAttempt, Room>> {
    let now = people.now;
    let mut tx = people.store.write().await?;
    if let (Some(digest), Some(user)) = (target.device, target.user)
        && device_cookies::reserve(&mut tx, &digest, user, now).await?
    {
        tx.commit().await?;
        let reserved = Reserved::Device(digest, user.clone());
        return Ok(Ok(ReservedAttempt { is_compared: true, reserved }));
    }
    for bucket in limits.disclosed() {
        if !sign_in_tries::reserve(&mut tx, bucket, now).await? {
            return Ok(Err(sign_in_tries::room(&mut tx, bucket, now).await?));
        }
    }
    let mut account: Vec<_> = limits.names.iter().map(|bucket| bucket.key).collect();
    let full = reserve_account(&mut tx, limits, &mut account, now).await?;
    if let Some(bucket) = full
        && target.name.is_none()
    {
        return Ok(Err(sign_in_tries::room(&mut tx, bucket, now).await?));
    }
    tx.commit().await?;
    let networks = limits.networks.iter().map(|bucket| bucket.key).collect();
    let reserved = Reserved::Buckets { networks, account };
    Ok(Ok(ReservedAttempt { is_compared: full.is_none(), reserved }))
}

/// Reserves an attempt in the limits of the account, adds them to `reserved`, and returns the full one, if any.
/// Attempts that are being compared count here: waiting for them would reveal that the account has another name.
async fn reserve_account<'a>(
    tx: &mut Tx,
    limits: &'a Limits,
    reserved: &mut Vec<Digest>,
    now: Timestamp,
) -> sqlx::Result<Option<&'a Bucket>> {
    for bucket in &limits.accounts {
        if !sign_in_tries::reserve(&mut *tx, bucket, now).await? {
            return Ok(Some(bucket));
        }
        reserved.push(bucket.key);
    }
    let is_slow = !sign_in_tries::reserve(&mut *tx, &limits.overall, now).await?;
    if is_slow {
        for bucket in [&limits.slow, &limits.budget] {
            if !sign_in_tries::reserve(&mut *tx, bucket, now).await? {
                return Ok(Some(bucket));
            }
            reserved.push(bucket.key);
        }
        sign_in_tries::restart_window(tx, &limits.overall.key, now).await?;
    }
    // A success ends the row of failures.
    reserved.push(limits.overall.key);
    Ok(None)
}

impl ReservedAttempt {
    /// Counts a failure: the password was wrong, or not compared.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn failed(&self, tx: &mut Tx, taken_at: Timestamp) -> sqlx::Result<()> {
        match &self.reserved {
            Reserved::Device(digest, user) => device_cookies::failed(tx, digest, user).await,
            Reserved::Buckets { networks, account } => {
                for bucket in networks.iter().chain(account) {
                    sign_in_tries::failed(&mut *tx, bucket, taken_at).await?;
                }
                Ok(())
            }
        }
    }

    /// Releases the reservation of an attempt with the correct password that changed nothing, also in the browser's
    /// own limit.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release(&self, tx: &mut Tx, taken_at: Timestamp) -> sqlx::Result<()> {
        if let Reserved::Device(digest, user) = &self.reserved {
            device_cookies::give_back(&mut *tx, digest, user).await?;
        }
        self.succeeded(tx, taken_at).await
    }

    /// Resets the failures of the account from these networks: the password was correct. The limits of the networks
    /// get only this attempt back; otherwise the owner of one account could try without limit at others.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn succeeded(&self, tx: &mut Tx, taken_at: Timestamp) -> sqlx::Result<()> {
        // The browser's own limit is reset when its device cookie is stored.
        if let Reserved::Buckets { networks, account } = &self.reserved {
            for bucket in networks {
                sign_in_tries::give_back(&mut *tx, bucket, taken_at).await?;
            }
            for bucket in account {
                sign_in_tries::reset(&mut *tx, bucket).await?;
            }
        }
        Ok(())
    }
}

/// Resets all limits of an account, for all networks and all its names.
///
/// # Errors
/// When the store fails.
pub async fn unlock(tx: &mut Tx, user: &UserId, names: &[String]) -> sqlx::Result<()> {
    sign_in_tries::reset_subject(&mut *tx, &of_account(Some(user), "")).await?;
    for name in names {
        sign_in_tries::reset_subject(&mut *tx, &of_name(name)).await?;
    }
    Ok(())
}

/// The buckets of one attempt.
#[derive(Debug)]
struct Limits {
    networks: Vec<Bucket>,
    names: Vec<Bucket>,
    accounts: Vec<Bucket>,
    overall: Bucket,
    slow: Bucket,
    budget: Bucket,
}

fn of_name(name: &str) -> Digest {
    Digest::of(format!("name\n{name}").as_bytes())
}

/// One key for all names of an account, and one for a name without an account (THREATS UI-18).
fn of_account(user: Option<&UserId>, name: &str) -> Digest {
    match user {
        Some(user) => Digest::of(format!("account\n{user}").as_bytes()),
        None => Digest::of(format!("nobody\n{name}").as_bytes()),
    }
}

impl Limits {
    fn of(people: &People<'_>, target: &Target<'_>) -> Self {
        let config = &people.config.throttle;
        let networks = people.trace.subscriber().networks();
        let account = of_account(target.user, target.name.unwrap_or_default());
        let bucket = |kind: &str, network: &str, subject: Option<Digest>, most, window| {
            let mut key = format!("{kind}\n{network}\n").into_bytes();
            key.extend(subject.map(|Digest(bytes)| bytes).into_iter().flatten());
            Bucket { key: Digest::of(&key), subject, most, window, is_sliding: false }
        };
        let nested = |kind: &str, subject: Option<Digest>, most: u32| -> Vec<Bucket> {
            let of = |Network { prefix, share }: &Network| {
                let most = i64::from(most) * i64::from(*share);
                bucket(kind, prefix, subject, most, config.window)
            };
            networks.iter().map(of).collect()
        };
        let widest = networks.last().map_or("", |network| network.prefix.as_str());
        let in_a_row = i64::from(config.consecutive_failures);
        let mut names = Vec::new();
        if let Some(name) = target.name {
            names = nested("name", Some(of_name(name)), config.account_attempts);
        }
        Self {
            networks: nested("network", None, config.network_attempts),
            names,
            accounts: nested("account", Some(account), config.account_attempts),
            overall: Bucket {
                is_sliding: true,
                ..bucket("overall", "", Some(account), in_a_row, IN_A_ROW)
            },
            slow: bucket("slow", widest, Some(account), SLOW.0, SLOW.1),
            budget: bucket("budget", "", Some(account), BUDGET.0, BUDGET.1),
        }
    }

    /// The limits that a response may disclose when they are full.
    fn disclosed(&self) -> impl Iterator<Item = &Bucket> {
        self.networks.iter().chain(&self.names)
    }

    /// The time at which the disclosed limits have room again, if one of them is full. Checked before the queue.
    async fn full_until(&self, people: &People<'_>) -> Result<Option<Timestamp>, Error> {
        for bucket in self.disclosed() {
            let room = sign_in_tries::room(people.store.db(), bucket, people.now).await?;
            if let Room::NoneUntil(until) = room {
                return Ok(Some(until));
            }
        }
        Ok(None)
    }
}
