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

mod cached;
mod crls;
mod query;
mod sources;
mod times;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache as Lru;
use tokio::time::{Instant, timeout};

pub use self::cached::{CachedStatus, cached_statuses};
use self::crls::CrlSlot;
use self::sources::Sources;
use self::times::Need;
pub use self::watch::Watched;
use self::watch::WatchedLink;
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
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What of that they have to answer in; the rest is for the database.
const SOURCE_TIMEOUT: Duration = Duration::from_millis(1800);

/// How long the job gives them: large lists come too.
const JOB_SOURCE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate that was presented this long ago is in use: it is asked for without being presented. So is one
/// that a token is bound to, which is looked up more often than that.
const IN_USE: Seconds = Seconds::hours(1);
const LOOKUP_INTERVAL: Seconds = Seconds::minutes(30);

/// As many chains, links and lists as are held.
const MAX_CHAINS: usize = 10_000;
const MAX_LINKS: usize = 20_000;
const MAX_CRLS: usize = 1_000;

/// What is known of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainStatus {
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
    links: Lru<Thumbprint, Arc<WatchedLink>>,
    lists: Lru<Thumbprint, Arc<CrlSlot>>,
    sources: Sources,
    /// When it was last looked up what tokens are bound to.
    looked_up_at: AtomicI64,
    /// When it was last told of each place that it does not answer.
    warned: Lru<String, Timestamp>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self {
            chains: Lru::new(MAX_CHAINS),
            links: Lru::new(MAX_LINKS),
            lists: Lru::new(MAX_CRLS),
            sources: Sources::default(),
            looked_up_at: AtomicI64::new(i64::MIN),
            warned: Lru::new(MAX_CRLS),
        }
    }
}

impl Revocations {
    /// The chains in use of which it is time to ask anew.
    pub fn due(&self, now: Timestamp) -> Vec<Arc<Watched>> {
        let in_use = self.chains.iter().map(|(_, watched)| watched);
        let due = in_use.filter(|watched| {
            now < watched.used_at() + IN_USE && watched.outcome(Need::Refresh, now).is_none()
        });
        due.collect()
    }
}

/// Judges chains, at one time and for one request.
#[derive(Clone, Copy, Debug)]
pub struct RevocationChecker<'a> {
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

impl RevocationChecker<'_> {
    /// What is known of the certificate that a client shows, and of those between it and its anchor. It
    /// waits two seconds at most, and only for what nobody knows yet: not to be called in a transaction.
    ///
    /// A certificate that is found to be revoked is revoked here as well, for good: the tokens that are
    /// bound to it die.
    ///
    /// # Errors
    /// `Busy` when nobody can be reached who could tell, and the anchor says `hard-fail`.
    pub async fn check(
        &self,
        presented: &Arc<Certificate>,
        chain: &Arc<Chain>,
        client: &ClientId,
    ) -> Result<ChainStatus> {
        if chain.anchor.revocation == Revocation::Off {
            return Ok(ChainStatus::Unknown);
        }
        let (watched, is_new) = self.revocations.watch(presented, chain, client, self.now());
        if is_new {
            self.store_chain(presented, client).await;
        }
        let found = match watched.outcome(Need::Request, self.now()) {
            Some(found) => found,
            None => {
                let deadline = Instant::now() + SOURCE_TIMEOUT;
                let asked =
                    timeout(MAX_WAIT, self.check_chain(&watched, Need::Request, deadline)).await;
                asked.unwrap_or_else(|_| watched.previous(self.now()))
            }
        };
        self.conclude(&watched, found).await
    }

    /// Asks anew of a chain that is in use, for nobody in particular.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn refresh(&self, watched: &Watched) -> Result<()> {
        let deadline = Instant::now() + JOB_SOURCE_TIMEOUT;
        match self.check_chain(watched, Need::Refresh, deadline).await {
            found @ CheckOutcome::Status(Status::Revoked { .. }) => {
                self.conclude(watched, found).await.map(drop)
            }
            CheckOutcome::Status(Status::Good | Status::Unknown)
            | CheckOutcome::NoSource
            | CheckOutcome::Unreachable
            | CheckOutcome::BrokenFile
            | CheckOutcome::Unreadable(_) => Ok(()),
        }
    }

    /// Watches the certificates that living tokens are bound to, as if they were presented now: a token may
    /// live for a day, and whoever issued it may have been restarted, or be another replica.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn watch_bound_certificates(&self, trust: &Trust) -> Result<()> {
        let anchors = trust.anchors();
        let last = Timestamp(self.revocations.looked_up_at.load(Ordering::Relaxed));
        let is_needed = anchors.sets().any(|set| set.revocation != Revocation::Off);
        if !is_needed || self.now() < last + LOOKUP_INTERVAL {
            return Ok(());
        }
        let (store, config, now) = (self.store, self.config, self.now());
        let bound = Inventory { store, config, now }.with_bound_access_tokens().await?;
        for row in shown_chains::all(store.db()).await? {
            if !bound.contains(&row.thumbprint) {
                continue;
            }
            // What nobody believes any more was presented to somebody who did: nobody is to be asked.
            let Ok(presented) = Certificate::parse_concatenated(&row.chain).map(Arc::new) else {
                continue;
            };
            if let Ok(Ok(chain)) = trust.chain(&presented, now).await
                && chain.anchor.revocation != Revocation::Off
            {
                self.revocations.watch(&presented, &chain, &row.client_id, now);
            }
        }
        self.revocations.looked_up_at.store(now.0, Ordering::Relaxed);
        Ok(())
    }

    /// Keeps what was presented, so that it can be watched as long as a token is bound to it. Without a
    /// database it is watched for a while by this process alone.
    async fn store_chain(&self, presented: &Certificate, client: &ClientId) {
        let row = ShownChain {
            thumbprint: presented.thumbprint,
            client_id: client.clone(),
            chain: presented.to_concatenated(),
            not_after: presented.not_after,
        };
        if let Err(error) = shown_chains::keep(self.store.db(), &row).await {
            tracing::warn!(%error, "a chain that was presented cannot be kept");
        }
    }

    /// All links at once: who hangs takes no time from the others.
    async fn check_chain(&self, watched: &Watched, need: Need, deadline: Instant) -> CheckOutcome {
        let anchor = &watched.chain().anchor;
        self.check_links(watched.links(), anchor, need, deadline).await
    }

    async fn check_links(
        &self,
        links: &[Arc<WatchedLink>],
        anchor: &Arc<Anchor>,
        need: Need,
        deadline: Instant,
    ) -> CheckOutcome {
        let Some((first, others)) = links.split_first() else {
            return CheckOutcome::Status(Status::Good);
        };
        let others = Box::pin(self.check_links(others, anchor, need, deadline));
        let (first, others) = tokio::join!(self.check_link(first, anchor, need, deadline), others);
        first.worse_of(others)
    }

    async fn conclude(&self, watched: &Watched, found: CheckOutcome) -> Result<ChainStatus> {
        match found {
            CheckOutcome::Status(Status::Good) => Ok(ChainStatus::Good),
            CheckOutcome::Status(Status::Revoked { at, reason }) => {
                // One above it was: then nobody has said that somebody else knows its key.
                let reason = if is_leaf_revoked(watched) { reason } else { reason.for_issued() };
                self.revoke(watched, at, reason).await?;
                Ok(ChainStatus::Revoked { at, reason })
            }
            CheckOutcome::Status(Status::Unknown) | CheckOutcome::NoSource => {
                Ok(ChainStatus::Unknown)
            }
            // Whoever names a list relies on it: in no mode is one that cannot be read as good as none.
            CheckOutcome::BrokenFile => Err(Failure::Busy(
                "a list of revoked certificates that the operator names cannot be read",
            )
            .into()),
            CheckOutcome::Unreachable
                if watched.chain().anchor.revocation == Revocation::HardFail =>
            {
                Err(Failure::Busy(
                    "nobody can be reached who knows whether a certificate was revoked",
                )
                .into())
            }
            CheckOutcome::Unreadable(why)
                if watched.chain().anchor.revocation == Revocation::HardFail =>
            {
                Ok(ChainStatus::Unreadable(why))
            }
            CheckOutcome::Unreachable | CheckOutcome::Unreadable(_) => Ok(ChainStatus::Unknown),
        }
    }

    /// Writes down, once, that others have revoked a certificate.
    async fn revoke(&self, watched: &Watched, at: Timestamp, reason: Reason) -> Result<()> {
        if watched.is_recorded() {
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
        watched.mark_recorded();
        Ok(())
    }

    const fn now(&self) -> Timestamp {
        self.trace.now()
    }
}

/// Whether it is the certificate that the client shows of which somebody has said so.
fn is_leaf_revoked(watched: &Watched) -> bool {
    let cached = watched.links().first().and_then(|watched| watched.cached());
    cached
        .is_some_and(|cached| matches!(cached.found, CheckOutcome::Status(Status::Revoked { .. })))
}

/// What came of asking about a certificate, or about all of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckOutcome {
    /// Somebody who may has said it. Never `Unknown`.
    Status(Status),
    /// The certificate does not say who could tell.
    NoSource,
    /// Who could does not.
    Unreachable,
    /// A list that the operator names cannot be read, and the last good one counts no more.
    BrokenFile,
    /// The certificate says who could in words that cannot be read: waiting helps nobody.
    Unreadable(&'static str),
}

impl CheckOutcome {
    const fn worse_of(self, other: Self) -> Self {
        if self.severity() < other.severity() { other } else { self }
    }

    const fn severity(self) -> u8 {
        match self {
            Self::Status(Status::Good) => 0,
            Self::NoSource | Self::Status(Status::Unknown) => 1,
            Self::Unreachable => 2,
            Self::Unreadable(_) => 3,
            Self::BrokenFile => 4,
            Self::Status(Status::Revoked { .. }) => 5,
        }
    }
}
