//! The revocation status of certificates that other CAs issued, from their OCSP responders and CRLs
//! ([RFC 5280 §6.3], [RFC 6960 §3.2]).
//!
//! A status is cached by every replica and in the database until it expires, so most requests cause
//! no query; a job refreshes the cache ahead of time. What happens when no status is available is
//! configured per trust anchor: `off`, `soft-fail`, `hard-fail`. Revocations recorded here take
//! precedence; [`crate::store::cache::Cache::revoked`] has them.
//!
//! [RFC 5280 §6.3]: https://www.rfc-editor.org/rfc/rfc5280#section-6.3
//! [RFC 6960 §3.2]: https://www.rfc-editor.org/rfc/rfc6960#section-3.2

mod cached;
mod crls;
mod query;
mod sources;
mod times;
mod watch;

use std::ops::Deref;
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
use crate::config::Revocation;
use crate::outbound::Outbound;
use crate::record::{Context, Metrics};
use crate::store::certificates::Origin;
use crate::store::shown_chains::{self, ShownChain};
use crate::types::{ClientId, Error, Failure, Result, Seconds, Thumbprint, Timestamp};

/// The longest time that a request waits for a status.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The part of it for responders; the rest is for the database.
const SOURCE_TIMEOUT: Duration = Duration::from_millis(1800);

/// The time that the job allows, long enough for large CRLs.
const JOB_SOURCE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate that was presented within this time, or that a token is bound to, is in use, so
/// the job refreshes its status. Bound tokens are looked up more often than that.
const IN_USE: Seconds = Seconds::hours(1);
const LOOKUP_INTERVAL: Seconds = Seconds::minutes(30);

/// Cache sizes.
const MAX_CHAINS: usize = 10_000;
const MAX_LINKS: usize = 20_000;
const MAX_CRLS: usize = 1_000;

/// The revocation status of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainStatus {
    /// No certificate of the chain is revoked.
    Good,
    /// A certificate of the chain is revoked.
    Revoked {
        /// When it was revoked.
        at: Timestamp,
        /// The reason.
        reason: Reason,
    },
    /// Revocation is not checked, or no source knows the status, or the chain names no source.
    Unknown,
    /// An extension that names the sources cannot be parsed, and the anchor requires a status.
    Unreadable(&'static str),
}

/// Caches of statuses and CRLs.
#[derive(Debug)]
pub struct Revocations {
    chains: Lru<Thumbprint, Arc<Watched>>,
    links: Lru<Thumbprint, Arc<WatchedLink>>,
    lists: Lru<Thumbprint, Arc<CrlSlot>>,
    sources: Sources,
    /// When the certificates with bound tokens were last looked up.
    looked_up_at: AtomicI64,
    /// When each unavailable source was last logged.
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
    /// The chains in use whose status should be refreshed.
    pub fn due(&self, now: Timestamp) -> Vec<Arc<Watched>> {
        let in_use = self.chains.iter().map(|(_, watched)| watched);
        let due = in_use.filter(|watched| {
            now < watched.used_at() + IN_USE && watched.outcome(Need::Refresh, now).is_none()
        });
        due.collect()
    }
}

/// Checks the revocation of chains.
#[derive(Clone, Copy, Debug)]
pub struct RevocationChecker<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
    /// The caches.
    pub revocations: &'a Revocations,
    /// The HTTP client.
    pub outbound: &'a Outbound,
    /// Metrics.
    pub metrics: &'a Metrics,
}

impl<'a> Deref for RevocationChecker<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl RevocationChecker<'_> {
    /// The status of a client's certificate and of the intermediates above it. Waits at most two
    /// seconds, and only if the status is not cached; must not be called in a transaction.
    ///
    /// A certificate that its CA has revoked is also revoked here, permanently, which invalidates
    /// the tokens bound to it.
    ///
    /// # Errors
    /// `Busy` when no source can be reached and the anchor is configured as `hard-fail`.
    pub async fn check(
        &self,
        presented: &Arc<Certificate>,
        chain: &Arc<Chain>,
        client: &ClientId,
    ) -> Result<ChainStatus> {
        if chain.anchor.revocation == Revocation::Off {
            return Ok(ChainStatus::Unknown);
        }
        let (watched, is_new) = self.revocations.watch(presented, chain, client, self.now);
        if is_new {
            self.store_chain(presented, client).await;
        }
        let found = match watched.outcome(Need::Request, self.now) {
            Some(found) => found,
            None => {
                let deadline = Instant::now() + SOURCE_TIMEOUT;
                let checked =
                    timeout(MAX_WAIT, self.check_chain(&watched, Need::Request, deadline)).await;
                checked.unwrap_or_else(|_| watched.previous(self.now))
            }
        };
        self.conclude(&watched, found).await
    }

    /// Refreshes the status of a chain in use.
    ///
    /// # Errors
    /// When the database does not respond.
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

    /// Watches the certificates that valid tokens are bound to, as if they were presented now: a
    /// token may be valid for a day, and the replica that issued it may have restarted.
    ///
    /// # Errors
    /// When the database does not respond.
    pub async fn watch_bound_certificates(&self, trust: &Trust) -> Result<()> {
        let anchors = trust.anchors();
        let last = Timestamp(self.revocations.looked_up_at.load(Ordering::Relaxed));
        let is_needed = anchors.sets().any(|set| set.revocation != Revocation::Off);
        if !is_needed || self.now < last + LOOKUP_INTERVAL {
            return Ok(());
        }
        let now = self.now;
        let bound = Inventory { context: self.context }.with_bound_access_tokens().await?;
        for row in shown_chains::all(self.store.db()).await? {
            if !bound.contains(&row.thumbprint) {
                continue;
            }
            // A chain that no longer leads to a configured anchor needs no status.
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

    /// Stores a presented chain, so that every replica can watch it while a token is bound to it.
    /// If the database fails, only this process watches it.
    async fn store_chain(&self, presented: &Certificate, client: &ClientId) {
        let row = ShownChain {
            thumbprint: presented.thumbprint,
            client_id: client.clone(),
            chain: presented.to_concatenated(),
            not_after: presented.not_after,
        };
        if let Err(error) = shown_chains::store(self.store.db(), &row).await {
            tracing::warn!(%error, "a presented chain cannot be stored");
        }
    }

    /// Checks all links concurrently: a slow source does not delay the others.
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
                // For a certificate above it, the reason must not imply that the client's own key
                // is compromised.
                let reason = if is_leaf_revoked(watched) { reason } else { reason.for_issued() };
                self.revoke(watched, at, reason).await?;
                Ok(ChainStatus::Revoked { at, reason })
            }
            CheckOutcome::Status(Status::Unknown) | CheckOutcome::NoSource => {
                Ok(ChainStatus::Unknown)
            }
            // A configured CRL file that cannot be used is an error in every mode.
            CheckOutcome::BrokenFile => {
                Err(Failure::Busy("a configured CRL file cannot be used").into())
            }
            CheckOutcome::Unreachable
                if watched.chain().anchor.revocation == Revocation::HardFail =>
            {
                Err(Failure::Busy("the revocation status of a certificate is not available").into())
            }
            CheckOutcome::Unreadable(why)
                if watched.chain().anchor.revocation == Revocation::HardFail =>
            {
                Ok(ChainStatus::Unreadable(why))
            }
            CheckOutcome::Unreachable | CheckOutcome::Unreadable(_) => Ok(ChainStatus::Unknown),
        }
    }

    /// Records once that a CA has revoked a certificate.
    async fn revoke(&self, watched: &Watched, at: Timestamp, reason: Reason) -> Result<()> {
        if watched.is_recorded() {
            return Ok(());
        }
        let client = Some(watched.client());
        let row = inventory::row(watched.certificate(), Origin::Seen, client, self.now);
        tracing::warn!(
            thumbprint = %row.thumbprint,
            subject = row.subject,
            anchor = watched.chain().anchor.name,
            %at,
            %reason,
            "a client certificate was revoked by its CA"
        );
        match (Inventory { context: self.context }).revoke(&row, reason).await {
            // Another replica was faster, or an administrator.
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error @ Error::Failed(_)) => return Err(error),
        }
        watched.mark_recorded();
        Ok(())
    }
}

/// Whether the revoked certificate is the client's own.
fn is_leaf_revoked(watched: &Watched) -> bool {
    let cached = watched.links().first().and_then(|watched| watched.cached());
    cached
        .is_some_and(|cached| matches!(cached.found, CheckOutcome::Status(Status::Revoked { .. })))
}

/// The result of checking a certificate, or a whole chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckOutcome {
    /// A source has responded. Never `Unknown`.
    Status(Status),
    /// The certificate names no source.
    NoSource,
    /// No source has responded.
    Unreachable,
    /// A configured CRL file cannot be read, and its last valid CRL has expired.
    BrokenFile,
    /// An extension that names the sources cannot be parsed: retrying does not help.
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
