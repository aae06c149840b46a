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
mod kept;
mod lists;
mod places;
mod times;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache as Lru;
use tokio::time::{Instant, timeout};

pub use self::kept::{Said, last_said};
use self::lists::List;
use self::places::Places;
use self::times::Need;
use self::watch::Entry;
pub use self::watch::Watched;
use super::anchors::Chain;
use super::anchors::{Anchor, Trust};
use super::inventory::{self, Inventory};
use super::ocsp::Status;
use super::{Certificate, Reason};
use crate::config::{Config, Revocation};
use crate::outbound::Outbound;
use crate::record::{Metrics, Trace};
use crate::store::Store;
use crate::store::certificates::Origin;
use crate::store::shown_chains::{self, ShownChain};
use crate::types::{ClientId, Error, Failure, Result, Seconds, Thumbprint, Timestamp};

/// As long as a request waits for others, at most.
const LONGEST: Duration = Duration::from_secs(2);

/// What of that they have to answer in; the rest is for the database.
const TO_ANSWER: Duration = Duration::from_millis(1800);

/// How long the job gives them: large lists come too.
const TO_ANSWER_THE_JOB: Duration = Duration::from_secs(10);

/// A certificate that was shown this long ago is in use: it is asked for without being shown. So is one
/// that a token is bound to, which is looked up more often than that.
const IN_USE: Seconds = Seconds::hours(1);
const LOOK_UP: Seconds = Seconds::minutes(30);

/// As many chains, links and lists as are held.
const CHAINS: usize = 10_000;
const LINKS: usize = 20_000;
const LISTS: usize = 1_000;

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
    /// The chain says who could tell in words that cannot be read, and its anchor wants to know.
    Unreadable(&'static str),
}

/// What others have said, for as long as it counts.
#[derive(Debug)]
pub struct Revocations {
    chains: Lru<Thumbprint, Arc<Watched>>,
    links: Lru<Thumbprint, Arc<Entry>>,
    lists: Lru<Thumbprint, Arc<List>>,
    places: Places,
    /// When it was last looked up what tokens are bound to.
    looked_up_at: AtomicI64,
    /// When it was last told of each place that it does not answer.
    warned: Lru<String, Timestamp>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self {
            chains: Lru::new(CHAINS),
            links: Lru::new(LINKS),
            lists: Lru::new(LISTS),
            places: Places::default(),
            looked_up_at: AtomicI64::new(i64::MIN),
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
        due.collect()
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
        let (watched, is_new) = self.revocations.watch(shown, chain, client, self.now());
        if is_new {
            self.keep_chain(shown, client).await;
        }
        let found = match watched.found(Need::Answer, self.now()) {
            Some(found) => found,
            None => {
                let deadline = Instant::now() + TO_ANSWER;
                let asked = timeout(LONGEST, self.ask_for(&watched, Need::Answer, deadline)).await;
                asked.unwrap_or_else(|_| watched.before(self.now()))
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
            Found::Said(Status::Good | Status::Unknown)
            | Found::Nowhere
            | Found::Unreachable
            | Found::Broken
            | Found::Unreadable(_) => Ok(()),
        }
    }

    /// Watches the certificates that living tokens are bound to, as if they were shown now: a token may
    /// live for a day, and whoever issued it may have been restarted, or be another replica.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn watch_bound(&self, trust: &Trust) -> Result<()> {
        let anchors = trust.anchors();
        let last = Timestamp(self.revocations.looked_up_at.load(Ordering::Relaxed));
        let is_needed = anchors.sets().any(|set| set.revocation != Revocation::Off);
        if !is_needed || self.now() < last + LOOK_UP {
            return Ok(());
        }
        let (store, config, now) = (self.store, self.config, self.now());
        let bound = Inventory { store, config, now }.with_bound_tokens().await?;
        for row in shown_chains::all(store.db()).await? {
            if !bound.contains(&row.thumbprint) {
                continue;
            }
            // What nobody believes any more was shown to somebody who did: nobody is to be asked.
            let Ok(shown) = Certificate::of_chain(&row.chain).map(Arc::new) else {
                continue;
            };
            if let Ok(Ok(chain)) = trust.chain(&shown, now).await
                && chain.anchor.revocation != Revocation::Off
            {
                self.revocations.watch(&shown, &chain, &row.client_id, now);
            }
        }
        self.revocations.looked_up_at.store(now.0, Ordering::Relaxed);
        Ok(())
    }

    /// Keeps what was shown, so that it can be watched as long as a token is bound to it. Without a
    /// database it is watched for a while by this process alone.
    async fn keep_chain(&self, shown: &Certificate, client: &ClientId) {
        let row = ShownChain {
            thumbprint: shown.thumbprint,
            client_id: client.clone(),
            chain: shown.to_chain(),
            not_after: shown.not_after,
        };
        if let Err(error) = shown_chains::keep(self.store.db(), &row).await {
            tracing::warn!(%error, "a chain that was shown cannot be kept");
        }
    }

    /// All links at once: who hangs takes no time from the others.
    async fn ask_for(&self, watched: &Watched, need: Need, deadline: Instant) -> Found {
        let anchor = &watched.chain().anchor;
        self.ask_for_all(watched.links(), anchor, need, deadline).await
    }

    async fn ask_for_all(
        &self,
        links: &[Arc<Entry>],
        anchor: &Arc<Anchor>,
        need: Need,
        deadline: Instant,
    ) -> Found {
        let Some((first, others)) = links.split_first() else {
            return Found::Said(Status::Good);
        };
        let others = Box::pin(self.ask_for_all(others, anchor, need, deadline));
        let (first, others) = tokio::join!(self.told(first, anchor, need, deadline), others);
        first.or_worse(others)
    }

    async fn conclude(&self, watched: &Watched, found: Found) -> Result<Standing> {
        match found {
            Found::Said(Status::Good) => Ok(Standing::Good),
            Found::Said(Status::Revoked { at, reason }) => {
                // One above it was: then nobody has said that somebody else knows its key.
                let reason = if is_revoked_itself(watched) { reason } else { reason.below() };
                self.revoke(watched, at, reason).await?;
                Ok(Standing::Revoked { at, reason })
            }
            Found::Said(Status::Unknown) | Found::Nowhere => Ok(Standing::Unknown),
            // Whoever names a list relies on it: in no mode is one that cannot be read as good as none.
            Found::Broken => Err(Failure::Busy(
                "a list of revoked certificates that the operator names cannot be read",
            )
            .into()),
            Found::Unreachable if watched.chain().anchor.revocation == Revocation::HardFail => Err(
                Failure::Busy("nobody can be reached who knows whether a certificate was revoked")
                    .into(),
            ),
            Found::Unreadable(why) if watched.chain().anchor.revocation == Revocation::HardFail => {
                Ok(Standing::Unreadable(why))
            }
            Found::Unreachable | Found::Unreadable(_) => Ok(Standing::Unknown),
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
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error @ Error::Failed(_)) => return Err(error),
        }
        watched.note();
        Ok(())
    }

    const fn now(&self) -> Timestamp {
        self.trace.now()
    }
}

/// Whether it is the certificate that the client shows of which somebody has said so.
fn is_revoked_itself(watched: &Watched) -> bool {
    let told = watched.links().first().and_then(|entry| entry.told());
    told.is_some_and(|told| matches!(told.found, Found::Said(Status::Revoked { .. })))
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
    /// A list that the operator names cannot be read, and the last good one counts no more.
    Broken,
    /// The certificate says who could in words that cannot be read: waiting helps nobody.
    Unreadable(&'static str),
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
            Self::Unreadable(_) => 3,
            Self::Broken => 4,
            Self::Said(Status::Revoked { .. }) => 5,
        }
    }
}
