//! Whether a certificate that others issued was revoked: their OCSP responders are asked, or their lists
//! read ([RFC 5280 §6.3], [RFC 6960 §3.2]).
//!
//! What was said once counts for a while, here and on every replica, so a request whose certificate was
//! seen before asks nobody; a job asks anew before that while is over. How much it matters that nobody can
//! tell is set for each anchor: `off`, `soft-fail`, `hard-fail`. What was revoked here does not count
//! whatever others say: [`crate::store::cache::Cache::revoked`] knows that, not we.
//!
//! [RFC 5280 §6.3]: https://www.rfc-editor.org/rfc/rfc5280#section-6.3
//! [RFC 6960 §3.2]: https://www.rfc-editor.org/rfc/rfc6960#section-3.2

mod ask;
mod lists;
mod times;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache as Lru;
use tokio::time::{Instant, timeout};

use self::lists::List;
use self::times::Need;
use self::watch::Entry;
pub use self::watch::Watched;
use super::chain::Chain;
use super::inventory::{self, Inventory};
use super::ocsp::Status;
use super::{Certificate, Reason};
use crate::config::{Config, Revocation};
use crate::outbound::Outbound;
use crate::record::{Metrics, Trace};
use crate::store::Store;
use crate::store::certificates::Origin;
use crate::types::{ClientId, Error, Failure, Result, Seconds, Thumbprint, Timestamp};

/// As long as a request waits for others, at most.
const LONGEST: Duration = Duration::from_secs(2);

/// What of that they have to answer in; the rest is for the database.
const TO_ANSWER: Duration = Duration::from_millis(1800);

/// How long the job gives them: large lists come too.
const TO_ANSWER_THE_JOB: Duration = Duration::from_secs(10);

/// A certificate that was shown this long ago is in use: it is asked for without being shown.
const IN_USE: Seconds = Seconds::hours(1);

/// As many chains, links and lists as are held.
const CHAINS: usize = 10_000;
const LINKS: usize = 20_000;
const LISTS: usize = 1_000;

/// As many chains as one run of the job asks for; the others' turn is soon.
const DUE_AT_ONCE: usize = 500;

/// What is known of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No certificate of it is revoked.
    Good,
    /// One of them is.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// Nobody was asked, or nobody could tell, or the chain does not say who could.
    Unknown,
}

/// What others have said, for as long as it counts.
#[derive(Debug)]
pub struct Revocations {
    chains: Lru<Thumbprint, Arc<Watched>>,
    links: Lru<Thumbprint, Arc<Entry>>,
    lists: Lru<Thumbprint, Arc<List>>,
    /// When it was last told of each place that it does not answer.
    warned: Lru<String, Timestamp>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self {
            chains: Lru::new(CHAINS),
            links: Lru::new(LINKS),
            lists: Lru::new(LISTS),
            warned: Lru::new(LISTS),
        }
    }
}

impl Revocations {
    /// The chains in use of which it is time to ask anew.
    pub fn due(&self, now: Timestamp) -> Vec<Arc<Watched>> {
        let in_use = self.chains.iter().map(|(_, watched)| watched);
        let due = in_use.filter(|watched| {
            now < watched.used_at() + IN_USE && watched.found(Need::Ahead, now).is_none()
        });
        due.take(DUE_AT_ONCE).collect()
    }
}

/// Judges chains, at one time and for one request.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// What is known.
    pub revocations: &'a Revocations,
    /// The database.
    pub store: &'a Store,
    /// The one HTTP client.
    pub outbound: &'a Outbound,
    /// The counters.
    pub metrics: &'a Metrics,
    /// The settings.
    pub config: &'a Config,
    /// When, and what for.
    pub trace: &'a Trace,
}

impl Judge<'_> {
    /// What is known of the certificate that a client shows, and of those between it and its anchor. It
    /// waits two seconds at most, and only for what nobody knows yet: not to be called in a transaction.
    ///
    /// A certificate that is found to be revoked is revoked here as well, for good: the tokens that are
    /// bound to it die.
    ///
    /// # Errors
    /// `Busy` when nobody can be reached who could tell, and the anchor says `hard-fail`.
    pub async fn judge(
        &self,
        shown: &Arc<Certificate>,
        chain: &Arc<Chain>,
        client: &ClientId,
    ) -> Result<Standing> {
        if chain.anchor.revocation == Revocation::Off {
            return Ok(Standing::Unknown);
        }
        let watched = self.revocations.watch(shown, chain, client, self.now())?;
        let found = match watched.found(Need::Answer, self.now()) {
            Some(found) => found,
            None => {
                let deadline = Instant::now() + TO_ANSWER;
                let asked = timeout(LONGEST, self.ask_for(&watched, Need::Answer, deadline)).await;
                asked.unwrap_or(Found::Unreachable)
            }
        };
        self.conclude(&watched, found).await
    }

    /// Asks anew of a chain that is in use, for nobody in particular.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn refresh(&self, watched: &Watched) -> Result<()> {
        let deadline = Instant::now() + TO_ANSWER_THE_JOB;
        match self.ask_for(watched, Need::Ahead, deadline).await {
            found @ Found::Said(Status::Revoked { .. }) => {
                self.conclude(watched, found).await.map(drop)
            }
            Found::Said(Status::Good | Status::Unknown) | Found::Nowhere | Found::Unreachable => {
                Ok(())
            }
        }
    }

    async fn ask_for(&self, watched: &Watched, need: Need, deadline: Instant) -> Found {
        let mut worst = Found::Said(Status::Good);
        for entry in watched.links() {
            let told = self.told(entry, &watched.chain().anchor.crl_files, need, deadline).await;
            worst = worst.or_worse(told);
        }
        worst
    }

    async fn conclude(&self, watched: &Watched, found: Found) -> Result<Standing> {
        match found {
            Found::Said(Status::Good) => Ok(Standing::Good),
            Found::Said(Status::Revoked { at, reason }) => {
                self.revoke(watched, at, reason).await?;
                Ok(Standing::Revoked { at, reason })
            }
            Found::Said(Status::Unknown) | Found::Nowhere => Ok(Standing::Unknown),
            Found::Unreachable if watched.chain().anchor.revocation == Revocation::HardFail => Err(
                Failure::Busy("nobody can be reached who knows whether a certificate was revoked")
                    .into(),
            ),
            Found::Unreachable => Ok(Standing::Unknown),
        }
    }

    /// Writes down, once, that others have revoked a certificate.
    async fn revoke(&self, watched: &Watched, at: Timestamp, reason: Reason) -> Result<()> {
        if watched.is_noted() {
            return Ok(());
        }
        let client = Some(watched.client());
        let row = inventory::row(watched.certificate(), Origin::Seen, client, self.now());
        tracing::warn!(
            thumbprint = %row.thumbprint,
            subject = row.subject,
            anchor = watched.chain().anchor.name,
            %at,
            %reason,
            "a client certificate was revoked by its authority"
        );
        let (store, config, now) = (self.store, self.config, self.now());
        match (Inventory { store, config, now }).revoke(&row, reason, self.trace).await {
            // Another replica was faster, or somebody here.
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error @ Error::Failed(_)) => return Err(error),
        }
        watched.note();
        Ok(())
    }

    const fn now(&self) -> Timestamp {
        self.trace.now()
    }
}

/// What came of asking about a certificate, or about all of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Somebody who may has said it. Never `Unknown`.
    Said(Status),
    /// The certificate does not say who could tell.
    Nowhere,
    /// Who could does not.
    Unreachable,
}

impl Found {
    const fn or_worse(self, other: Self) -> Self {
        if self.badness() < other.badness() { other } else { self }
    }

    const fn badness(self) -> u8 {
        match self {
            Self::Said(Status::Good) => 0,
            Self::Nowhere | Self::Said(Status::Unknown) => 1,
            Self::Unreachable => 2,
            Self::Said(Status::Revoked { .. }) => 3,
        }
    }
}
