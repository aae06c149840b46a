//! Asking about one certificate: the operator's files first, then the OCSP responder that it names, then
//! the lists that it names.

use std::fmt::Display;
use std::path::PathBuf;

use tokio::time::Instant;

use super::lists::Place;
use super::times::{Need, Times};
use super::watch::{Entry, Told};
use super::{Found, Judge};
use crate::pki::link::Link;
use crate::pki::ocsp::{self, Asked, CertId, Hash, Nonce, Request, Status};
use crate::types::{Failure, Seconds, Thumbprint, Timestamp};

/// Of a place that does not answer the log tells this often.
const WARNED: Seconds = Seconds(60);

impl Judge<'_> {
    /// What is told of a link: what is known, or what comes of asking now; of many who ask at once, one
    /// asks and the others wait for it.
    pub(super) async fn told(
        &self,
        entry: &Entry,
        files: &[PathBuf],
        need: Need,
        deadline: Instant,
    ) -> Found {
        if let Some(found) = entry.found(need, self.now()) {
            return found;
        }
        let _turn = entry.turn.lock().await;
        if let Some(found) = entry.found(need, self.now()) {
            return found;
        }
        let asked = self.ask(&entry.link, files, need, deadline).await;
        let told = asked.unwrap_or_else(|| self.without_answer(entry));
        entry.tell(told);
        told.found
    }

    /// Nobody has answered: what was said before counts until it says that it ends.
    fn without_answer(&self, entry: &Entry) -> Told {
        let before = entry.told().filter(|told| matches!(told.found, Found::Said(_)));
        let kept =
            before.and_then(|told| Some(Told { times: told.times.kept(self.now())?, ..told }));
        kept.unwrap_or(Told { found: Found::Unreachable, times: Times::of_none(self.now()) })
    }

    async fn ask(
        &self,
        link: &Link,
        files: &[PathBuf],
        need: Need,
        deadline: Instant,
    ) -> Option<Told> {
        let for_a_while = |found| {
            let times = Times::of(
                self.now(),
                Timestamp(i64::MAX),
                self.config.client_certificates.revocation_max_age,
            );
            Some(Told { found, times })
        };
        // > […] relying parties […] MUST NOT attempt to check the revocation status (RFC 9608 §4)
        if link.has_no_revocation {
            return for_a_while(Found::Said(Status::Good));
        }
        for file in files {
            if let Some(told) = self.by_list(Place::File(file), link, need, deadline).await {
                return Some(told);
            }
        }
        if let Some(responder) = &link.responder {
            // Half of the time, if there is a list to be read in the other half.
            let left = deadline.saturating_duration_since(Instant::now());
            let half = if link.lists.is_empty() { left } else { left / 2 };
            let told = self.by_ocsp(responder, link, need, Instant::now() + half).await;
            let told = told.unwrap_or_else(|error| {
                self.warn(responder, "ocsp", error);
                None
            });
            if told.is_some() {
                return told;
            }
        }
        for url in &link.lists {
            if let Some(told) = self.by_list(Place::Url(url), link, need, deadline).await {
                return Some(told);
            }
        }
        if files.is_empty() && link.responder.is_none() && link.lists.is_empty() {
            return for_a_while(Found::Nowhere);
        }
        None
    }

    async fn by_list(
        &self,
        place: Place<'_>,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Option<Told> {
        let (crl, times) = self.list(place, link, need, deadline).await?;
        match crl.status(link, self.now()) {
            Ok(status) => {
                self.metrics.revocation("crl", outcome(status));
                Some(Told { found: Found::Said(status), times })
            }
            Err(why) => {
                match place {
                    Place::File(path) => self.warn(&path.display().to_string(), "crl", why),
                    Place::Url(url) => self.warn(url, "crl", why),
                }
                None
            }
        }
    }

    /// `None`: the responder does not answer, or knows nothing.
    async fn by_ocsp(
        &self,
        responder: &str,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Result<Option<Told>, Failure> {
        let max_age = self.config.client_certificates.revocation_max_age;
        let id = CertId::of(Hash::Sha1, &link.issuer, &link.serial)?;
        let asked = Asked { id: &id, issuer: &link.issuer, nonce: None, now: self.now() };
        let name = Thumbprint::of(&[link.thumbprint.0.as_slice(), responder.as_bytes()].concat());
        if let Some(kept) = self.kept(name).await
            && let Ok(answer) = asked.read(&kept.body)
        {
            let times = Times::of(kept.fetched_at, answer.expires_at(), max_age);
            if times.suffices(need, self.now()) {
                return Ok(said(answer.status, times));
            }
        }
        let nonce = Nonce::generate()?;
        let request = Request { asked: vec![id.clone()], nonce: Some(nonce.clone()) }.to_der()?;
        let sent = (ocsp::REQUEST, request);
        let wanted = (ocsp::RESPONSE, ocsp::response::LARGEST);
        let within = deadline.saturating_duration_since(Instant::now());
        let body = match self.outbound.post_signed(responder, sent, wanted, within).await {
            Ok(body) => body,
            Err(error) => {
                self.warn(responder, "ocsp", error);
                return Ok(None);
            }
        };
        let answer = match (Asked { nonce: Some(&nonce), ..asked }).read(&body) {
            Ok(answer) => answer,
            Err(why) => {
                self.warn(responder, "ocsp", why);
                return Ok(None);
            }
        };
        self.metrics.revocation("ocsp", outcome(answer.status));
        self.keep(name, body, answer.expires_at()).await;
        Ok(said(answer.status, Times::of(self.now(), answer.expires_at(), max_age)))
    }

    /// Tells the operator, once a minute of each place.
    pub(super) fn warn(&self, place: &str, source: &'static str, why: impl Display) {
        self.metrics.revocation(source, "unreachable");
        let last = self.revocations.warned.get(place);
        if last.is_some_and(|last| self.now() < last + WARNED) {
            return;
        }
        self.revocations.warned.insert(place.to_owned(), self.now());
        tracing::warn!(source, place, %why, "it cannot be found out whether certificates were revoked");
    }
}

/// A responder that knows nothing of a certificate is as good as none: there may be a list.
fn said(status: Status, times: Times) -> Option<Told> {
    (status != Status::Unknown).then_some(Told { found: Found::Said(status), times })
}

const fn outcome(status: Status) -> &'static str {
    match status {
        Status::Good => "good",
        Status::Revoked { .. } => "revoked",
        Status::Unknown => "unknown",
    }
}
