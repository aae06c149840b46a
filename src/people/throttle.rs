//! How often a password may be tried.
//!
//! - From one network: a hundred failures in ten minutes, whatever the names; and ten by one name. Who
//!   has used these up is told so (429). Networks are nested ([`Subscriber::networks`]): a /56 and a /48
//!   of IPv6 have limits of their own, or one site would be 65,536 strangers.
//! - At one account: ten failures from one network, whatever it is called at the door; and a hundred in a
//!   row from all networks together (NIST SP 800-63B-4 §3.2.2). Then one try a minute from a network is
//!   still compared, and sixty an hour from all. Everything else is answered as a wrong password is,
//!   after as much work, so that nobody learns which names are one account's (THREATS EX-14).
//! - A browser that has signed in to the account before has ten failures of its own, and none of the
//!   limits above holds for it: no stranger can lock it out (THREATS UI-19, EX-13).
//!
//! A try is reserved by conditional statements when it is its turn to be hashed, so that of 256 guesses
//! at once as many are looked at as of 256 in a row (THREATS UI-17, X-09). It counts as a failure when it
//! has failed: an office that signs in at nine is not an attack. Whoever is throttled takes no place in
//! the queue (THREATS EX-12).
//!
//! [`Subscriber::networks`]: crate::types::Subscriber::networks

use std::time::Duration;

use super::People;
use super::password::Place;
use crate::store::sign_in_tries::{self, Bucket, Room};
use crate::store::{Tx, device_cookies, retrying};
use crate::types::{Digest, Error, Failure, Network, Result, Seconds, Timestamp, UserId};

/// How long failures in a row are remembered after the last one.
const IN_A_ROW: Seconds = Seconds::days(7);

/// At an account with too many failures in a row: what one network may try still, and all of them.
const SLOW: (i64, Seconds) = (1, Seconds::minutes(1));
const BUDGET: (i64, Seconds) = (60, Seconds::hours(1));

/// Who tries at what.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What they call the account, in canonical form. `None`: they are signed in to it, so that its own
    /// limits may be told to them.
    pub name: Option<&'a str>,
    /// Whose account it is; `None`: nobody has the name.
    pub user: Option<&'a UserId>,
    /// The digest of the browser's device cookie.
    pub device: Option<Digest>,
}

/// Whether a password may be tried now.
#[derive(Debug)]
pub enum Admission<'a> {
    /// It may, once, and it is its turn to be hashed.
    Granted(Place<'a>, Try),
    /// It may not, before this time.
    NotBefore(Timestamp),
}

/// A try that was reserved. Dropped, it stays reserved, and counts as one that failed.
#[derive(Debug)]
pub struct Try {
    /// Whether the password may be compared. If not, everything is done as if it had been wrong.
    pub is_compared: bool,
    reserved: Reserved,
}

#[derive(Debug)]
enum Reserved {
    /// Of the browser's own tries.
    Device(Digest, UserId),
    /// Of the limits of the networks, and of those of the account and its name.
    Buckets { networks: Vec<Digest>, account: Vec<Digest> },
}

/// Waits for a turn, and reserves the try when it has come.
///
/// # Errors
/// [`Failure::Busy`] when the queue is full; when the store fails, nobody is let in.
pub async fn enter<'a>(people: &People<'a>, asked: &Asked<'_>) -> Result<Admission<'a>> {
    // Tries that are being compared may turn out to be right: they are worth waiting for, for a second.
    const ROUNDS: usize = 20;
    const PAUSE: Duration = Duration::from_millis(50);

    let limits = Limits::of(people, asked);
    if !is_known(people, asked).await?
        && let Some(until) = limits.full_until(people).await?
    {
        return Ok(Admission::NotBefore(until));
    }
    for _ in 0..ROUNDS {
        let place = people.hasher.place(people.trace.subscriber()).await?;
        match retrying(|| reserve(people, asked, &limits)).await? {
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

async fn is_known(people: &People<'_>, asked: &Asked<'_>) -> Result<bool> {
    let (Some(digest), Some(user)) = (&asked.device, asked.user) else {
        return Ok(false);
    };
    Ok(device_cookies::is_known(people.store.db(), digest, user, people.now).await?)
}

/// Reserves a try wherever it counts, or nowhere: then it says why. Everybody takes the buckets in one
/// order, from the wide to the particular, so that nobody waits for each other.
async fn reserve(
    people: &People<'_>,
    asked: &Asked<'_>,
    limits: &Limits,
) -> Result<Result<Try, Room>> {
    let now = people.now;
    let mut tx = people.store.write().await?;
    if let (Some(digest), Some(user)) = (asked.device, asked.user)
        && device_cookies::reserve(&mut tx, &digest, user, now).await?
    {
        tx.commit().await?;
        let reserved = Reserved::Device(digest, user.clone());
        return Ok(Ok(Try { is_compared: true, reserved }));
    }
    for bucket in limits.told() {
        if !sign_in_tries::reserve(&mut tx, bucket, now).await? {
            return Ok(Err(sign_in_tries::room(&mut tx, bucket, now).await?));
        }
    }
    let mut account: Vec<_> = limits.names.iter().map(|bucket| bucket.key).collect();
    let full = reserve_account(&mut tx, limits, &mut account, now).await?;
    if let Some(bucket) = full
        && asked.name.is_none()
    {
        return Ok(Err(sign_in_tries::room(&mut tx, bucket, now).await?));
    }
    tx.commit().await?;
    let networks = limits.networks.iter().map(|bucket| bucket.key).collect();
    let reserved = Reserved::Buckets { networks, account };
    Ok(Ok(Try { is_compared: full.is_none(), reserved }))
}

/// Reserves a try of the account's own limits, and adds them to `reserved`; says which one is full. Tries
/// that are being compared count here: who had to wait for them would learn that the account has another
/// name.
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
        sign_in_tries::prolong(tx, &limits.overall.key, now).await?;
    }
    // A success ends the row of failures, however long it was.
    reserved.push(limits.overall.key);
    Ok(None)
}

impl Try {
    /// The password was wrong, or not compared.
    ///
    /// # Errors
    /// What the database says.
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

    /// The password was right, and nothing else comes of it: a browser with tries of its own has them back, too.
    ///
    /// # Errors
    /// What the database says.
    pub async fn was_right(&self, tx: &mut Tx, taken_at: Timestamp) -> sqlx::Result<()> {
        if let Reserved::Device(digest, user) = &self.reserved {
            device_cookies::give_back(&mut *tx, digest, user).await?;
        }
        self.succeeded(tx, taken_at).await
    }

    /// The password was right. The account's failures from here are forgotten; the network has its try
    /// back and no more than that, or one account of one's own would buy endless tries at others.
    ///
    /// # Errors
    /// What the database says.
    pub async fn succeeded(&self, tx: &mut Tx, taken_at: Timestamp) -> sqlx::Result<()> {
        // A device cookie begins anew when it is kept.
        if let Reserved::Buckets { networks, account } = &self.reserved {
            for bucket in networks {
                sign_in_tries::give_back(&mut *tx, bucket, taken_at).await?;
            }
            for bucket in account {
                sign_in_tries::forget(&mut *tx, bucket).await?;
            }
        }
        Ok(())
    }
}

/// Lifts every limit of an account, from wherever it was tried and by whatever name: for whoever
/// administers it.
///
/// # Errors
/// What the database says.
pub async fn unlock(tx: &mut Tx, user: &UserId, names: &[String]) -> sqlx::Result<()> {
    sign_in_tries::forget_subject(&mut *tx, &of_account(Some(user), "")).await?;
    for name in names {
        sign_in_tries::forget_subject(&mut *tx, &of_name(name)).await?;
    }
    Ok(())
}

/// The buckets of one try.
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

/// One key for all the names of an account, and one for a name that nobody has (THREATS UI-18).
fn of_account(user: Option<&UserId>, name: &str) -> Digest {
    match user {
        Some(user) => Digest::of(format!("account\n{user}").as_bytes()),
        None => Digest::of(format!("nobody\n{name}").as_bytes()),
    }
}

impl Limits {
    fn of(people: &People<'_>, asked: &Asked<'_>) -> Self {
        let config = &people.config.throttle;
        let networks = people.trace.subscriber().networks();
        let account = of_account(asked.user, asked.name.unwrap_or_default());
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
        if let Some(name) = asked.name {
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

    /// Those that the asker is told of when they are full.
    fn told(&self) -> impl Iterator<Item = &Bucket> {
        self.networks.iter().chain(&self.names)
    }

    /// When those that are told have room again, if one of them has none now: asked before the queue.
    async fn full_until(&self, people: &People<'_>) -> Result<Option<Timestamp>, Error> {
        for bucket in self.told() {
            let room = sign_in_tries::room(people.store.db(), bucket, people.now).await?;
            if let Room::NoneUntil(until) = room {
                return Ok(Some(until));
            }
        }
        Ok(None)
    }
}
