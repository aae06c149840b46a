//! How often a password may be tried: ten times in ten minutes for one account from one network, and a
//! hundred times from one network in all. A network is a [`crate::types::Subscriber`].
//!
//! A try is taken before the password is hashed, by conditional statements, so that of 256 guesses at
//! once as many are looked at as of 256 in a row (THREATS UI-17, X-09). What a stranger uses up is
//! theirs alone: nobody can lock somebody else out (UI-19).

use super::People;
use crate::store::{Tx, sign_in_tries};
use crate::types::{Digest, Result, Timestamp};

/// Whether a password may be tried now.
#[derive(Debug)]
pub enum Turn {
    /// It may, once.
    Yours(Try),
    /// It may not, before this time.
    NotBefore(Timestamp),
}

/// A try that was taken. Dropped, it counts as one that failed.
#[derive(Debug)]
pub struct Try {
    account: Digest,
    network: Digest,
}

/// Takes a try for this account: whatever it is called at the door, its key is one, or every further
/// name would be ten more tries (THREATS UI-18).
///
/// # Errors
/// When the store fails: then nobody is let in.
pub async fn take(people: &People<'_>, account: &str) -> Result<Turn> {
    let config = &people.config.throttle;
    let network = people.trace.subscriber();
    let attempt = Try {
        account: Digest::of(format!("account\n{network}\n{account}").as_bytes()),
        network: Digest::of(format!("network\n{network}").as_bytes()),
    };
    // The network first, here and in `Try::succeeded`: who takes locks in one order never deadlocks.
    let buckets =
        [(&attempt.network, config.network_attempts), (&attempt.account, config.account_attempts)];
    let mut tx = people.store.write().await?;
    for (bucket, most) in buckets {
        let taken =
            sign_in_tries::reserve(&mut tx, bucket, i64::from(most), config.window, people.now);
        if taken.await?.is_none() {
            // Both or neither: a full account does not use up the network too.
            drop(tx);
            let opens = sign_in_tries::opens_at(people.store.db(), bucket, config.window).await?;
            return Ok(Turn::NotBefore(opens.unwrap_or(people.now)));
        }
    }
    tx.commit().await?;
    Ok(Turn::Yours(attempt))
}

impl Try {
    /// The password was right. The account's failures from here are forgotten; the network has its try
    /// back and no more than that, or one account of one's own would buy endless tries at others.
    ///
    /// # Errors
    /// What the database says.
    pub async fn succeeded(&self, tx: &mut Tx, taken_at: Timestamp) -> sqlx::Result<()> {
        sign_in_tries::give_back(&mut *tx, &self.network, taken_at).await?;
        sign_in_tries::forget(tx, &self.account).await
    }
}
