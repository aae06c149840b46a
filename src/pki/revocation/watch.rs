//! The chains that clients show, and what is known of their links.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::times::{Need, Times};
use super::{Found, Revocations};
use crate::pki::Certificate;
use crate::pki::anchors::Chain;
use crate::pki::link::Link;
use crate::pki::ocsp::Status;
use crate::types::{ClientId, Thumbprint, Timestamp};

/// What was told of a link, and for how long that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) found: Found,
    pub(super) times: Times,
}

/// A link, and what is known of it.
#[derive(Debug)]
pub(super) struct Entry {
    /// `Err`: it says who could tell in words that cannot be read.
    pub(super) link: Result<Link, &'static str>,
    /// Of many who want to know, one asks.
    pub(super) turn: Mutex<()>,
    told: RwLock<Option<Told>>,
}

impl Entry {
    pub(super) fn told(&self) -> Option<Told> {
        *self.told.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, told: Told) {
        *self.told.write().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }

    /// What was said before, as long as it counts if nobody says anything newer.
    pub(super) fn before(&self, now: Timestamp) -> Option<Told> {
        self.told().filter(|told| matches!(told.found, Found::Said(_)) && told.times.count(now))
    }

    pub(super) fn found(&self, need: Need, now: Timestamp) -> Option<Found> {
        if let Err(why) = self.link {
            return Some(Found::Unreadable(why));
        }
        self.told().filter(|told| told.times.suffices(need, now)).map(|told| told.found)
    }
}

/// A chain that a client showed.
#[derive(Debug)]
pub struct Watched {
    certificate: Arc<Certificate>,
    client: ClientId,
    chain: Arc<Chain>,
    links: Vec<Arc<Entry>>,
    used_at: AtomicI64,
    /// Whether it is written down that it was revoked.
    is_noted: AtomicBool,
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

    pub(super) fn links(&self) -> &[Arc<Entry>] {
        &self.links
    }

    /// Who is asked about it: of those who ask the same one, one waits for it.
    pub fn place(&self) -> Option<&str> {
        let link = self.links.first()?.link.as_ref().ok()?;
        link.responder.as_ref().or(link.lists.first()).map(String::as_str)
    }

    pub(super) fn used_at(&self) -> Timestamp {
        Timestamp(self.used_at.load(Ordering::Relaxed))
    }

    pub(super) fn is_noted(&self) -> bool {
        self.is_noted.load(Ordering::Acquire)
    }

    pub(super) fn note(&self) {
        self.is_noted.store(true, Ordering::Release);
    }

    /// What is known of the whole chain; `None`: of some link nothing that suffices.
    pub(super) fn found(&self, need: Need, now: Timestamp) -> Option<Found> {
        let mut worst = Found::Said(Status::Good);
        for entry in self.links() {
            worst = worst.or_worse(entry.found(need, now)?);
        }
        Some(worst)
    }

    /// What was said before of the whole chain, when nobody says anything newer in time.
    pub(super) fn before(&self, now: Timestamp) -> Found {
        let before = |entry: &Arc<Entry>| match entry.link {
            Err(why) => Found::Unreadable(why),
            Ok(_) => entry.before(now).map_or(Found::Unreachable, |told| told.found),
        };
        self.links().iter().map(before).fold(Found::Said(Status::Good), Found::or_worse)
    }
}

impl Revocations {
    /// The chain, watched from now on; and whether it was not before.
    pub(super) fn watch(
        &self,
        shown: &Arc<Certificate>,
        chain: &Arc<Chain>,
        client: &ClientId,
        now: Timestamp,
    ) -> (Arc<Watched>, bool) {
        let held = self.chains.get(&shown.presented);
        if let Some(held) = held.filter(|held| Arc::ptr_eq(&held.chain, chain)) {
            held.used_at.fetch_max(now.0, Ordering::Relaxed);
            return (held, false);
        }
        let links = chain
            .path
            .iter()
            .zip(chain.path.iter().skip(1))
            .map(|(certificate, issuer)| {
                let key = Thumbprint::of(certificate);
                let Ok(entry) = self.links.get_or_insert_with(&key, || {
                    let link = Link::read(certificate, issuer).inspect_err(|why| {
                        tracing::warn!(
                            thumbprint = %key,
                            why,
                            "it cannot be found out whether a certificate was revoked"
                        );
                    });
                    let (turn, told) = (Mutex::default(), RwLock::default());
                    Ok::<_, Infallible>(Arc::new(Entry { link, turn, told }))
                });
                entry
            })
            .collect();
        let watched = Arc::new(Watched {
            certificate: shown.clone(),
            client: client.clone(),
            chain: chain.clone(),
            links,
            used_at: AtomicI64::new(now.0),
            is_noted: AtomicBool::new(false),
        });
        self.chains.insert(shown.presented, watched.clone());
        (watched, true)
    }
}
