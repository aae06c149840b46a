//! CRLs, fetched or read from the operator's files, and cached.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::RevocationChecker;
use super::query::{Attempt, MIN_TIME, turn};
use super::times::{Need, RETRY_INTERVAL, Times};
use crate::pki::anchors::Anchor;
use crate::pki::crl::{self, Crl};
use crate::pki::crl_file::{CrlFile, Reload};
use crate::pki::link::Link;
use crate::store::revocation_answers::{self, StoredResponse};
use crate::types::{Seconds, Thumbprint, Timestamp};

/// How often a file is read again.
const FILE_INTERVAL: Seconds = Seconds(60);

/// The source of a CRL.
#[derive(Clone, Copy, Debug)]
pub(super) enum CrlSource<'a> {
    /// A file that the operator maintains, for an anchor with these certificates.
    File(&'a Arc<CrlFile>, &'a Arc<Anchor>),
    /// A distribution point.
    Url(&'a str),
}

/// The cached CRLs of a source.
#[derive(Debug, Default)]
pub(super) struct CrlSlot {
    turn: Mutex<()>,
    cached: RwLock<Option<CachedCrls>>,
}

#[derive(Clone, Debug)]
struct CachedCrls {
    /// Empty: the source has no valid CRL.
    crls: Vec<Arc<Crl>>,
    /// Whether a configured CRL cannot be used.
    is_broken: bool,
    times: Times,
}

/// The CRLs of a source for one issuer.
#[derive(Debug)]
pub(super) struct IssuerCrls {
    pub(super) crls: Vec<Arc<Crl>>,
    /// Whether a configured CRL cannot be used.
    pub(super) is_broken: bool,
    /// How long they are valid.
    pub(super) times: Times,
}

impl CrlSlot {
    fn cached(&self) -> Option<CachedCrls> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, cached: CachedCrls) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
    }

    fn sufficient(&self, need: Need, now: Timestamp) -> Option<CachedCrls> {
        self.cached().filter(|cached| cached.times.suffices(need, now))
    }

    /// The previous CRLs, while they are valid.
    fn previous(&self, now: Timestamp) -> Option<CachedCrls> {
        self.cached().filter(|cached| !cached.crls.is_empty() && cached.times.is_valid(now))
    }

    /// The state after a source has not responded.
    fn without_response(&self, now: Timestamp, again: Timestamp) -> CachedCrls {
        let extended = self.previous(now).and_then(|cached| {
            let times = cached.times.extended(now, again)?;
            Some(CachedCrls { times, ..cached })
        });
        let none =
            || CachedCrls { crls: Vec::new(), is_broken: false, times: Times::retry_at(again) };
        extended.unwrap_or_else(none)
    }
}

impl CachedCrls {
    fn into_attempt(self) -> Attempt<IssuerCrls> {
        let Self { crls, is_broken, times } = self;
        if crls.is_empty() && !is_broken {
            return Err(times.fresh_until());
        }
        Ok(IssuerCrls { crls, is_broken, times })
    }
}

impl RevocationChecker<'_> {
    /// The CRLs of a source that the link's issuer signed.
    pub(super) async fn crls(
        &self,
        source: CrlSource<'_>,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Attempt<IssuerCrls> {
        let source_bytes = match source {
            CrlSource::File(file, _) => file.path().as_os_str().as_encoded_bytes(),
            CrlSource::Url(url) => url.as_bytes(),
        };
        let name = link.crl_cache_key(source_bytes);
        let slot = self
            .revocations
            .lists
            .get_or_insert_with(&name, || Ok::<_, Infallible>(Arc::default()));
        let Ok(slot) = slot;
        if let Some(cached) = slot.sufficient(need, self.now) {
            return cached.into_attempt();
        }
        let _turn = match turn(&slot.turn, deadline, || slot.previous(self.now)).await {
            Ok(turn) => turn,
            Err(Some(cached)) => return cached.into_attempt(),
            Err(None) => return Err(self.now),
        };
        if let Some(cached) = slot.sufficient(need, self.now) {
            return cached.into_attempt();
        }
        let within = deadline.saturating_duration_since(Instant::now());
        let fresh = match source {
            CrlSource::File(file, anchor) => self.read_file(file, anchor, link).await,
            CrlSource::Url(url) => self.fetch_crl(url, name, link, need, within).await,
        };
        let cached = fresh.unwrap_or_else(|again| slot.without_response(self.now, again));
        slot.set(cached.clone());
        cached.into_attempt()
    }

    async fn read_file(
        &self,
        file: &Arc<CrlFile>,
        anchor: &Arc<Anchor>,
        link: &Link,
    ) -> Attempt<CachedCrls> {
        let (reading, set) = (file.clone(), anchor.clone());
        let reread = tokio::task::spawn_blocking(move || reading.reload(&set.certificates)).await;
        let place = file.path().display().to_string();
        match reread {
            Ok(Reload::Same | Reload::Replaced) => {}
            Ok(Reload::Broken(why)) => self.warn_of_file(&place, why),
            Err(error) => self.warn_of_file(&place, error),
        }
        // The CRL files of an anchor need not cover every CA below it.
        let Some(found) = file.for_issuer(&link.issuer) else {
            return Err(self.now + FILE_INTERVAL);
        };
        let verified = tokio::task::spawn_blocking(move || found.verified()).await;
        let (crls, is_broken) = verified.unwrap_or_default();
        if crls.is_empty() && !is_broken {
            return Err(self.now + FILE_INTERVAL);
        }
        if is_broken && crls.iter().all(|crl| crl.next_update <= self.now) {
            self.warn_of_file(
                &place,
                "the last valid CRL has expired: certificates that it covers are refused",
            );
            let times = Times::retry_at(self.now + RETRY_INTERVAL);
            return Ok(CachedCrls { crls, is_broken, times });
        }
        let next_update = crls.iter().map(|crl| crl.next_update).max();
        let times = Times::new(self.now, next_update.unwrap_or(self.now), FILE_INTERVAL);
        Ok(CachedCrls { crls, is_broken, times })
    }

    /// Logs, once a minute for each file, that a configured CRL cannot be used.
    fn warn_of_file(&self, place: &str, why: impl Display) {
        self.metrics.revocation("crl", "unreadable");
        if self.may_log(place) {
            tracing::error!(place, %why, "a CRL file cannot be used");
        }
    }

    async fn fetch_crl(
        &self,
        url: &str,
        name: Thumbprint,
        link: &Link,
        need: Need,
        within: Duration,
    ) -> Attempt<CachedCrls> {
        let to_cached = |crl: Crl, fetched_at| {
            let times = Times::new(
                fetched_at,
                crl.next_update,
                self.config.client_certificates.revocation_max_age,
            );
            CachedCrls { crls: vec![Arc::new(crl)], is_broken: false, times }
        };
        if let Some(stored) = self.cached(name).await
            && let Ok(crl) = parse_crl(stored.body, link).await
            && self.now < crl.next_update
        {
            let cached = to_cached(crl, stored.fetched_at);
            if cached.times.suffices(need, self.now) {
                return Ok(cached);
            }
        }
        if within < MIN_TIME {
            return Err(self.now);
        }
        self.revocations.sources.may_query(url, self.now)?;
        let most = self.config.client_certificates.max_crl_bytes.0;
        let fetched = self.outbound.get_signed(url, crl::MEDIA_TYPE, most, within).await;
        let body = self.note_fetch(url, "crl", fetched)?;
        let crl = parse_crl(body.clone(), link).await;
        let crl = crl.map_err(|why| self.failed(url, "crl", why))?;
        self.cache(name, body, crl.next_update).await;
        Ok(to_cached(crl, self.now))
    }

    /// A response that this or another replica has fetched. If the database fails, it is fetched
    /// again.
    pub(super) async fn cached(&self, name: Thumbprint) -> Option<StoredResponse> {
        let found = revocation_answers::find(self.store.db(), name).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "cached OCSP responses and CRLs cannot be read");
            None
        })
    }

    pub(super) async fn cache(&self, name: Thumbprint, body: Vec<u8>, expires_at: Timestamp) {
        let stored = StoredResponse { body, fetched_at: self.now };
        let done = revocation_answers::store(self.store.db(), name, &stored, expires_at).await;
        if let Err(error) = done {
            tracing::warn!(%error, "an OCSP response or a CRL cannot be cached");
        }
    }
}

/// Parses a CRL on a blocking thread: a large one takes long.
async fn parse_crl(bytes: Vec<u8>, link: &Link) -> Result<Crl, &'static str> {
    let issuer = link.issuer.clone();
    let reading = tokio::task::spawn_blocking(move || Crl::parse(&bytes, &issuer));
    reading.await.unwrap_or(Err("the CRL cannot be read"))
}
