//! Asking about one certificate: the operator's files first, then the OCSP responder that it names, then
//! the lists that it names.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use super::lists::Place;
use super::times::{Need, RETRY, Times};
use super::watch::{Entry, Told};
use super::{Found, Judge};
use crate::outbound::OutboundError;
use crate::pki::anchors::Anchor;
use crate::pki::crl;
use crate::pki::link::Link;
use crate::pki::ocsp::{self, Asked, CertId, Hash, Nonce, Request, Status};
use crate::types::{Failure, Seconds, Timestamp};

/// Of a place that does not answer the log tells this often.
const WARNED: Seconds = Seconds(60);

/// What was said; or from when on it is worth asking again: at once, where nobody was asked.
pub(super) type Answered<T = Told> = Result<T, Timestamp>;

/// In less time nobody is asked: that there was no answer would say nothing.
pub(super) const LEAST: Duration = Duration::from_millis(500);

/// The turn to ask. Whoever has it may never be answered, so nobody waits for it who knows what was said
/// `before` and counts meanwhile.
///
/// # Errors
/// That; or nothing, when the time is over.
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

impl Judge<'_> {
    /// What is told of a link: what is known, or what comes of asking now; of many who ask at once, one
    /// asks and the others wait for it.
    pub(super) async fn told(
        &self,
        entry: &Entry,
        anchor: &Arc<Anchor>,
        need: Need,
        deadline: Instant,
    ) -> Found {
        let link = match &entry.link {
            Ok(link) => link,
            Err(why) => return Found::Unreadable(why),
        };
        if let Some(found) = entry.found(need, self.now()) {
            return found;
        }
        let _turn = match turn(&entry.turn, deadline, || entry.before(self.now())).await {
            Ok(turn) => turn,
            Err(before) => return before.map_or(Found::Unreachable, |told| told.found),
        };
        if let Some(found) = entry.found(need, self.now()) {
            return found;
        }
        let asked = self.ask(link, anchor, need, deadline).await;
        let told = asked.unwrap_or_else(|again| self.without_answer(entry, again));
        entry.tell(told);
        told.found
    }

    /// Nobody has answered: what was said before counts until it says that it ends.
    fn without_answer(&self, entry: &Entry, again: Timestamp) -> Told {
        let kept = entry.before(self.now()).and_then(|told| {
            let times = told.times.kept(self.now(), again)?;
            Some(Told { times, ..told })
        });
        kept.unwrap_or(Told { found: Found::Unreachable, times: Times::of_none(again) })
    }

    async fn ask(
        &self,
        link: &Link,
        anchor: &Arc<Anchor>,
        need: Need,
        deadline: Instant,
    ) -> Answered {
        let for_a_while = |found| {
            let times = Times::of(
                self.now(),
                Timestamp(i64::MAX),
                self.config.client_certificates.revocation_max_age,
            );
            Ok(Told { found, times })
        };
        // > […] relying parties […] MUST NOT attempt to check the revocation status (RFC 9608 §4)
        if link.has_no_revocation {
            return for_a_while(Found::Said(Status::Good));
        }
        let mut again = Timestamp(i64::MAX);
        for file in &anchor.crl_files {
            match self.by_list(Place::File(file, anchor), link, need, deadline).await {
                Ok(told) => return Ok(told),
                Err(at) => again = again.min(at),
            }
        }
        if let Some(responder) = &link.responder {
            // Half of the time, if there is a list to be read in the other half.
            let left = deadline.saturating_duration_since(Instant::now());
            let half = if link.lists.is_empty() { left } else { left / 2 };
            let told = self.by_ocsp(responder, link, need, Instant::now() + half).await;
            match told.unwrap_or_else(|error| Err(self.gives_none(responder, "ocsp", error))) {
                Ok(told) => return Ok(told),
                Err(at) => again = again.min(at),
            }
        }
        for url in &link.lists {
            match self.by_list(Place::Url(url), link, need, deadline).await {
                Ok(told) => return Ok(told),
                Err(at) => again = again.min(at),
            }
        }
        if link.responder.is_none() && link.lists.is_empty() {
            let Some(file) = anchor.crl_files.first() else {
                return for_a_while(Found::Nowhere);
            };
            let why =
                "no list of crl_files is of who issued a certificate that names nobody to ask";
            self.warn(&file.path().display().to_string(), "crl", why);
        }
        Err(again)
    }

    async fn by_list(
        &self,
        place: Place<'_>,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Answered {
        let lists = self.list(place, link, need, deadline).await?;
        let times = lists.times;
        let mut said: Result<Status, &'static str> = Err("there is no list");
        for crl in &lists.crls {
            said = match (said, crl.status(link, self.now())) {
                (Ok(said), Err(_)) => Ok(said),
                (Ok(revoked @ Status::Revoked { .. }), Ok(_)) => Ok(revoked),
                (_, next) => next,
            };
        }
        let why = match said {
            Ok(status) => {
                self.metrics.revocation("crl", status.as_str());
                return Ok(Told { found: Found::Said(status), times });
            }
            Err(_) if lists.is_broken => {
                let times = Times::of_none(self.now() + RETRY);
                return Ok(Told { found: Found::Broken, times });
            }
            Err(why) => why,
        };
        match place {
            // The files of an anchor are for all whom its authorities have issued anything to.
            Place::File(..) if crl::is_for_others(why) => {}
            Place::File(file, _) => self.warn(&file.path().display().to_string(), "crl", why),
            Place::Url(url) => self.warn(url, "crl", why),
        }
        Err(times.fresh_until().max(self.now() + RETRY))
    }

    /// `Ok(Err(_))`: the responder does not answer, or knows nothing.
    async fn by_ocsp(
        &self,
        responder: &str,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Result<Answered, Failure> {
        let max_age = self.config.client_certificates.revocation_max_age;
        let id = CertId::of(Hash::Sha1, &link.issuer, &link.serial)?;
        let asked = Asked { id: &id, issuer: &link.issuer, nonce: None, now: self.now() };
        let name = link.answer(responder);
        if let Some(kept) = self.kept(name).await
            && let Ok(answer) = asked.read(&kept.body)
        {
            let times = Times::of(kept.fetched_at, answer.expires_at(), max_age);
            if times.suffices(need, self.now()) {
                return Ok(self.said(answer.status, times));
            }
        }
        let within = deadline.saturating_duration_since(Instant::now());
        if within < LEAST {
            return Ok(Err(self.now()));
        }
        if let Err(again) = self.revocations.places.may_be_asked(responder, self.now()) {
            return Ok(Err(again));
        }
        let nonce = Nonce::generate()?;
        let request = Request { asked: vec![id.clone()], nonce: Some(nonce.clone()) }.to_der()?;
        let sent = (ocsp::REQUEST, request);
        let wanted = (ocsp::RESPONSE, ocsp::response::LARGEST);
        let body = self.outbound.post_signed(responder, sent, wanted, within).await;
        let body = match self.fetched(responder, "ocsp", body) {
            Ok(body) => body,
            Err(again) => return Ok(Err(again)),
        };
        let answer = match (Asked { nonce: Some(&nonce), ..asked }).read(&body) {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(self.gives_none(responder, "ocsp", why))),
        };
        self.metrics.revocation("ocsp", answer.status.as_str());
        self.keep(name, body, answer.expires_at()).await;
        Ok(self.said(answer.status, Times::of(self.now(), answer.expires_at(), max_age)))
    }

    /// A responder that knows nothing of a certificate is as good as none: there may be a list.
    fn said(&self, status: Status, times: Times) -> Answered {
        if status == Status::Unknown {
            return Err(self.now() + RETRY);
        }
        Ok(Told { found: Found::Said(status), times })
    }

    /// What was fetched from a place; who is away is left alone for a while by everybody.
    pub(super) fn fetched(
        &self,
        place: &str,
        source: &'static str,
        fetched: Result<Vec<u8>, OutboundError>,
    ) -> Answered<Vec<u8>> {
        let places = &self.revocations.places;
        fetched
            .map_err(|error| match error {
                // Nobody was asked.
                OutboundError::Busy => self.now(),
                OutboundError::Unreachable => {
                    self.warn(place, source, error);
                    places.is_away(place, self.now())
                }
                OutboundError::Forbidden(_)
                | OutboundError::TooLarge
                | OutboundError::WrongType => {
                    places.is_there(place);
                    self.gives_none(place, source, error)
                }
            })
            .inspect(|_| places.is_there(place))
    }

    /// A place gives no answer that says anything; from when on it is worth asking again.
    pub(super) fn gives_none(
        &self,
        place: &str,
        source: &'static str,
        why: impl Display,
    ) -> Timestamp {
        self.warn(place, source, why);
        self.now() + RETRY
    }

    /// Tells the operator, once a minute of each place.
    pub(super) fn warn(&self, place: &str, source: &'static str, why: impl Display) {
        self.metrics.revocation(source, "unreachable");
        if self.is_news(place) {
            tracing::warn!(source, place, %why, "it cannot be found out whether certificates were revoked");
        }
    }

    /// Whether it was not told of a place within the last minute.
    pub(super) fn is_news(&self, place: &str) -> bool {
        let last = self.revocations.warned.get(place);
        if last.is_some_and(|last| self.now() < last + WARNED) {
            return false;
        }
        self.revocations.warned.insert(place.to_owned(), self.now());
        true
    }
}
