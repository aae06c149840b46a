//! The chains that clients present, and the cached status of their links.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::times::{Need, Times};
use super::{CheckOutcome, Revocations};
use crate::pki::Certificate;
use crate::pki::anchors::Chain;
use crate::pki::link::Link;
use crate::pki::ocsp::Status;
use crate::types::{ClientId, Thumbprint, Timestamp};

/// The result for a link, and how long it is valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct CachedOutcome {
    pub(super) found: CheckOutcome,
    pub(super) times: Times,
}

/// A link and its cached status.
#[derive(Debug)]
pub(super) struct WatchedLink {
    /// `Err`: an extension that names the sources cannot be parsed.
    pub(super) link: Result<Link, &'static str>,
    /// Of concurrent callers, one queries.
    pub(super) turn: Mutex<()>,
    cached: RwLock<Option<CachedOutcome>>,
}

impl WatchedLink {
    pub(super) fn cached(&self) -> Option<CachedOutcome> {
        *self.cached.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_cached(&self, outcome: CachedOutcome) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    /// The previous status, while it may be used in the absence of a newer one.
    pub(super) fn previous(&self, now: Timestamp) -> Option<CachedOutcome> {
        self.cached().filter(|cached| {
            matches!(cached.found, CheckOutcome::Status(_)) && cached.times.is_valid(now)
        })
    }

    pub(super) fn outcome(&self, need: Need, now: Timestamp) -> Option<CheckOutcome> {
        if let Err(why) = self.link {
            return Some(CheckOutcome::Unreadable(why));
        }
        self.cached().filter(|cached| cached.times.suffices(need, now)).map(|cached| cached.found)
    }
}

/// A chain that a client presented.
#[derive(Debug)]
pub struct Watched {
    certificate: Arc<Certificate>,
    client: ClientId,
    chain: Arc<Chain>,
    links: Vec<Arc<WatchedLink>>,
    used_at: AtomicI64,
    /// Whether its revocation was recorded.
    is_recorded: AtomicBool,
}

impl Watched {
    pub(super) const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    pub(super) const fn client(&self) -> &ClientId {
        &self.client
    }

    pub(super) const fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    pub(super) fn links(&self) -> &[Arc<WatchedLink>] {
        &self.links
    }

    /// The first source of its status. The job queries one source sequentially.
    pub fn source(&self) -> Option<&str> {
        let link = self.links.first()?.link.as_ref().ok()?;
        link.ocsp_url.as_ref().or(link.crl_urls.first()).map(String::as_str)
    }

    pub(super) fn used_at(&self) -> Timestamp {
        Timestamp(self.used_at.load(Ordering::Relaxed))
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.is_recorded.load(Ordering::Acquire)
    }

    pub(super) fn mark_recorded(&self) {
        self.is_recorded.store(true, Ordering::Release);
    }

    /// The cached result for the whole chain; `None` if a link must be queried.
    pub(super) fn outcome(&self, need: Need, now: Timestamp) -> Option<CheckOutcome> {
        let mut worst = CheckOutcome::Status(Status::Good);
        for entry in self.links() {
            worst = worst.worse_of(entry.outcome(need, now)?);
        }
        Some(worst)
    }

    /// The result if no query succeeds in time.
    pub(super) fn previous(&self, now: Timestamp) -> CheckOutcome {
        let before = |entry: &Arc<WatchedLink>| match entry.link {
            Err(why) => CheckOutcome::Unreadable(why),
            Ok(_) => entry.previous(now).map_or(CheckOutcome::Unreachable, |cached| cached.found),
        };
        self.links()
            .iter()
            .map(before)
            .fold(CheckOutcome::Status(Status::Good), CheckOutcome::worse_of)
    }
}

impl Revocations {
    /// Watches a chain; `true` if it was not watched before.
    pub(super) fn watch(
        &self,
        presented: &Arc<Certificate>,
        chain: &Arc<Chain>,
        client: &ClientId,
        now: Timestamp,
    ) -> (Arc<Watched>, bool) {
        let known = self.chains.get(&presented.presented_digest);
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.chain, chain)) {
            known.used_at.fetch_max(now.0, Ordering::Relaxed);
            return (known, false);
        }
        let links = chain
            .path
            .iter()
            .zip(chain.path.iter().skip(1))
            .map(|(certificate, issuer)| {
                let key = Thumbprint::of(certificate);
                let Ok(entry) = self.links.get_or_insert_with(&key, || {
                    let link = Link::from_der(certificate, issuer).inspect_err(|why| {
                        tracing::warn!(
                            thumbprint = %key,
                            why,
                            "the revocation status of a certificate is not available"
                        );
                    });
                    let (turn, cached) = (Mutex::default(), RwLock::default());
                    Ok::<_, Infallible>(Arc::new(WatchedLink { link, turn, cached }))
                });
                entry
            })
            .collect();
        let watched = Arc::new(Watched {
            certificate: presented.clone(),
            client: client.clone(),
            chain: chain.clone(),
            links,
            used_at: AtomicI64::new(now.0),
            is_recorded: AtomicBool::new(false),
        });
        self.chains.insert(presented.presented_digest, watched.clone());
        (watched, true)
    }
}
