//! Determines the status of one certificate: from the operator's CRL files, then the OCSP
//! responder, then the CRLs that it names.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use super::crls::CrlSource;
use super::times::{Need, RETRY_INTERVAL, Times};
use super::watch::{CachedOutcome, WatchedLink};
use super::{CheckOutcome, RevocationChecker};
use crate::outbound::OutboundError;
use crate::pki::anchors::Anchor;
use crate::pki::crl;
use crate::pki::link::Link;
use crate::pki::ocsp::{self, CertId, Hash, Nonce, Request, ResponseVerifier, Status};
use crate::types::{Failure, Seconds, Timestamp};

/// How often the log reports a source that does not respond.
const LOG_INTERVAL: Seconds = Seconds(60);

/// The result, or the time from which a retry is useful: at once, if no query was sent.
pub(super) type Attempt<T = CachedOutcome> = Result<T, Timestamp>;

/// With less time left, no query is sent: a timeout would say nothing about the source.
pub(super) const MIN_TIME: Duration = Duration::from_millis(500);

/// Acquires the right to query. The holder may wait for a source that never responds, so a caller
/// with a valid `previous` status does not wait.
///
/// # Errors
/// The previous status, or `None` at the deadline.
pub(super) async fn turn<T>(
    turns: &Mutex<()>,
    deadline: Instant,
    before: impl FnOnce() -> Option<T>,
) -> Result<MutexGuard<'_, ()>, Option<T>> {
    if let Ok(turn) = turns.try_lock() {
        return Ok(turn);
    }
    match before() {
        Some(before) => Err(Some(before)),
        None => timeout_at(deadline, turns.lock()).await.map_err(|_| None),
    }
}

impl RevocationChecker<'_> {
    /// The status of a link: from the cache, or from a query. Of concurrent callers one queries,
    /// and the others wait for it.
    pub(super) async fn check_link(
        &self,
        watched: &WatchedLink,
        anchor: &Arc<Anchor>,
        need: Need,
        deadline: Instant,
    ) -> CheckOutcome {
        let link = match &watched.link {
            Ok(link) => link,
            Err(why) => return CheckOutcome::Unreadable(why),
        };
        if let Some(found) = watched.outcome(need, self.now) {
            return found;
        }
        let _turn = match turn(&watched.turn, deadline, || watched.previous(self.now)).await {
            Ok(turn) => turn,
            Err(before) => return before.map_or(CheckOutcome::Unreachable, |cached| cached.found),
        };
        if let Some(found) = watched.outcome(need, self.now) {
            return found;
        }
        let queried = self.query(link, anchor, need, deadline).await;
        let outcome = queried.unwrap_or_else(|again| self.without_response(watched, again));
        watched.set_cached(outcome);
        outcome.found
    }

    /// No source has responded: the previous status is used until it expires.
    fn without_response(&self, watched: &WatchedLink, again: Timestamp) -> CachedOutcome {
        let extended = watched.previous(self.now).and_then(|cached| {
            let times = cached.times.extended(self.now, again)?;
            Some(CachedOutcome { times, ..cached })
        });
        extended.unwrap_or(CachedOutcome {
            found: CheckOutcome::Unreachable,
            times: Times::retry_at(again),
        })
    }

    async fn query(
        &self,
        link: &Link,
        anchor: &Arc<Anchor>,
        need: Need,
        deadline: Instant,
    ) -> Attempt {
        let for_a_while = |found| {
            let times = Times::new(
                self.now,
                Timestamp(i64::MAX),
                self.config.client_certificates.revocation_max_age,
            );
            Ok(CachedOutcome { found, times })
        };
        // > […] relying parties […] MUST NOT attempt to check the revocation status (RFC 9608 §4)
        if link.no_rev_avail {
            return for_a_while(CheckOutcome::Status(Status::Good));
        }
        let mut again = Timestamp(i64::MAX);
        for file in &anchor.crl_files {
            match self.query_crl(CrlSource::File(file, anchor), link, need, deadline).await {
                Ok(outcome) => return Ok(outcome),
                Err(at) => again = again.min(at),
            }
        }
        if let Some(responder) = &link.ocsp_url {
            // Half of the time, if a CRL can be fetched in the other half.
            let left = deadline.saturating_duration_since(Instant::now());
            let half = if link.crl_urls.is_empty() { left } else { left / 2 };
            let queried = self.query_ocsp(responder, link, need, Instant::now() + half).await;
            match queried.unwrap_or_else(|error| Err(self.failed(responder, "ocsp", error))) {
                Ok(outcome) => return Ok(outcome),
                Err(at) => again = again.min(at),
            }
        }
        for url in &link.crl_urls {
            match self.query_crl(CrlSource::Url(url), link, need, deadline).await {
                Ok(outcome) => return Ok(outcome),
                Err(at) => again = again.min(at),
            }
        }
        if link.ocsp_url.is_none() && link.crl_urls.is_empty() {
            let Some(file) = anchor.crl_files.first() else {
                return for_a_while(CheckOutcome::NoSource);
            };
            let why = "crl_files has no CRL of the issuer, and the certificate names no OCSP responder or CRL";
            self.warn(&file.path().display().to_string(), "crl", why);
        }
        Err(again)
    }

    async fn query_crl(
        &self,
        place: CrlSource<'_>,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Attempt {
        let lists = self.crls(place, link, need, deadline).await?;
        let times = lists.times;
        let mut status: Result<Status, &'static str> = Err("there is no list");
        for crl in &lists.crls {
            status = match (status, crl.status(link, self.now)) {
                (Ok(status), Err(_)) => Ok(status),
                (Ok(revoked @ Status::Revoked { .. }), Ok(_)) => Ok(revoked),
                (_, next) => next,
            };
        }
        let why = match status {
            Ok(status) => {
                self.metrics.revocation("crl", status.as_str());
                return Ok(CachedOutcome { found: CheckOutcome::Status(status), times });
            }
            Err(_) if lists.is_broken => {
                let times = Times::retry_at(self.now + RETRY_INTERVAL);
                return Ok(CachedOutcome { found: CheckOutcome::BrokenFile, times });
            }
            Err(why) => why,
        };
        match place {
            // The CRL files of an anchor need not cover every CA below it.
            CrlSource::File(..) if crl::is_out_of_scope(why) => {}
            CrlSource::File(file, _) => self.warn(&file.path().display().to_string(), "crl", why),
            CrlSource::Url(url) => self.warn(url, "crl", why),
        }
        Err(times.fresh_until().max(self.now + RETRY_INTERVAL))
    }

    /// `Ok(Err(_))`: the responder does not respond, or does not know the certificate.
    async fn query_ocsp(
        &self,
        responder: &str,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Result<Attempt, Failure> {
        let max_age = self.config.client_certificates.revocation_max_age;
        let id = CertId::new(Hash::Sha1, &link.issuer, &link.serial)?;
        let verifier =
            ResponseVerifier { id: &id, issuer: &link.issuer, nonce: None, now: self.now };
        let name = link.ocsp_cache_key(responder);
        if let Some(stored) = self.cached(name).await
            && let Ok(answer) = verifier.verify(&stored.body)
        {
            let times = Times::new(stored.fetched_at, answer.expires_at(), max_age);
            if times.suffices(need, self.now) {
                return Ok(self.attempt_for(answer.status, times));
            }
        }
        let within = deadline.saturating_duration_since(Instant::now());
        if within < MIN_TIME {
            return Ok(Err(self.now));
        }
        if let Err(again) = self.revocations.sources.may_query(responder, self.now) {
            return Ok(Err(again));
        }
        let nonce = Nonce::generate()?;
        let request =
            Request { cert_ids: vec![id.clone()], nonce: Some(nonce.clone()) }.to_der()?;
        let sent = (ocsp::REQUEST_MEDIA_TYPE, request);
        let wanted = (ocsp::RESPONSE_MEDIA_TYPE, ocsp::verify::MAX_BYTES);
        let body = self.outbound.post_signed(responder, sent, wanted, within).await;
        let body = match self.note_fetch(responder, "ocsp", body) {
            Ok(body) => body,
            Err(again) => return Ok(Err(again)),
        };
        let answer = match (ResponseVerifier { nonce: Some(&nonce), ..verifier }).verify(&body) {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(self.failed(responder, "ocsp", why))),
        };
        self.metrics.revocation("ocsp", answer.status.as_str());
        self.cache(name, body, answer.expires_at()).await;
        Ok(self.attempt_for(answer.status, Times::new(self.now, answer.expires_at(), max_age)))
    }

    /// If the responder does not know the certificate, a CRL may.
    fn attempt_for(&self, status: Status, times: Times) -> Attempt {
        if status == Status::Unknown {
            return Err(self.now + RETRY_INTERVAL);
        }
        Ok(CachedOutcome { found: CheckOutcome::Status(status), times })
    }

    /// Notes whether a source responded. An unreachable source is not queried for a while.
    pub(super) fn note_fetch(
        &self,
        place: &str,
        source: &'static str,
        fetched: Result<Vec<u8>, OutboundError>,
    ) -> Attempt<Vec<u8>> {
        let sources = &self.revocations.sources;
        fetched
            .map_err(|error| match error {
                // No query was sent.
                OutboundError::Busy => self.now,
                OutboundError::Unreachable => {
                    self.warn(place, source, error);
                    sources.mark_unreachable(place, self.now)
                }
                OutboundError::Forbidden(_)
                | OutboundError::TooLarge
                | OutboundError::WrongType => {
                    sources.mark_reachable(place);
                    self.failed(place, source, error)
                }
            })
            .inspect(|_| sources.mark_reachable(place))
    }

    /// A source gave no usable response; returns the time of the next attempt.
    pub(super) fn failed(&self, place: &str, source: &'static str, why: impl Display) -> Timestamp {
        self.warn(place, source, why);
        self.now + RETRY_INTERVAL
    }

    /// Logs a failure, once a minute for each source.
    pub(super) fn warn(&self, place: &str, source: &'static str, why: impl Display) {
        self.metrics.revocation(source, "unreachable");
        if self.may_log(place) {
            tracing::warn!(source, place, %why, "the revocation status of certificates is not available");
        }
    }

    /// Whether a source was not logged within the last minute.
    pub(super) fn may_log(&self, place: &str) -> bool {
        let last = self.revocations.warned.get(place);
        if last.is_some_and(|last| self.now < last + LOG_INTERVAL) {
            return false;
        }
        self.revocations.warned.insert(place.to_owned(), self.now);
        true
    }
}
