//! The lists of authorities: fetched, or read from the operator's files, and held.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Judge;
use super::ask::{Answered, LEAST, turn};
use super::times::{Need, RETRY, Times};
use crate::pki::anchors::Anchor;
use crate::pki::crl::{self, Crl};
use crate::pki::crl_file::{CrlFile, Reread};
use crate::pki::link::Link;
use crate::store::revocation_answers::{self, Kept};
use crate::types::{Seconds, Thumbprint, Timestamp};

/// How long a file is believed to be as it was.
const FILE_KEPT: Seconds = Seconds(60);

/// Where a list is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// A file that the operator keeps up to date, of an anchor with these certificates.
    File(&'a Arc<CrlFile>, &'a Arc<Anchor>),
    /// A distribution point.
    Url(&'a str),
}

/// A place with a list, and the list that was there.
#[derive(Debug, Default)]
pub(super) struct List {
    turn: Mutex<()>,
    held: RwLock<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    /// None: there is none, or not one to believe.
    crls: Vec<Arc<Crl>>,
    /// Whether one is missing that the operator relies on.
    is_broken: bool,
    times: Times,
}

/// The lists of a place.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) crls: Vec<Arc<Crl>>,
    /// Whether one is missing that the operator relies on.
    pub(super) is_broken: bool,
    /// For how long they count.
    pub(super) times: Times,
}

impl List {
    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    fn sufficient(&self, need: Need, now: Timestamp) -> Option<Held> {
        self.held().filter(|held| held.times.suffices(need, now))
    }

    /// The list that was there before, as long as it counts.
    fn before(&self, now: Timestamp) -> Option<Held> {
        self.held().filter(|held| !held.crls.is_empty() && held.times.count(now))
    }

    /// What is held when nobody has given a newer list.
    fn without_answer(&self, now: Timestamp, again: Timestamp) -> Held {
        let kept = self.before(now).and_then(|held| {
            let times = held.times.kept(now, again)?;
            Some(Held { times, ..held })
        });
        let none = || Held { crls: Vec::new(), is_broken: false, times: Times::of_none(again) };
        kept.unwrap_or_else(none)
    }
}

impl Held {
    fn answer(self) -> Answered<Lists> {
        let Self { crls, is_broken, times } = self;
        if crls.is_empty() && !is_broken {
            return Err(times.fresh_until());
        }
        Ok(Lists { crls, is_broken, times })
    }
}

impl Judge<'_> {
    /// The lists of this place that the link's issuer signed; and for how long they count.
    pub(super) async fn list(
        &self,
        place: Place<'_>,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Answered<Lists> {
        let place_name = match place {
            Place::File(file, _) => file.path().as_os_str().as_encoded_bytes(),
            Place::Url(url) => url.as_bytes(),
        };
        let name = link.list(place_name);
        let list = self
            .revocations
            .lists
            .get_or_insert_with(&name, || Ok::<_, Infallible>(Arc::default()));
        let Ok(list) = list;
        if let Some(held) = list.sufficient(need, self.now()) {
            return held.answer();
        }
        let _turn = match turn(&list.turn, deadline, || list.before(self.now())).await {
            Ok(turn) => turn,
            Err(Some(held)) => return held.answer(),
            Err(None) => return Err(self.now()),
        };
        if let Some(held) = list.sufficient(need, self.now()) {
            return held.answer();
        }
        let within = deadline.saturating_duration_since(Instant::now());
        let fresh = match place {
            Place::File(file, anchor) => self.read_lists(file, anchor, link).await,
            Place::Url(url) => self.fetch_list(url, name, link, need, within).await,
        };
        let held = fresh.unwrap_or_else(|again| list.without_answer(self.now(), again));
        list.hold(held.clone());
        held.answer()
    }

    async fn read_lists(
        &self,
        file: &Arc<CrlFile>,
        anchor: &Arc<Anchor>,
        link: &Link,
    ) -> Answered<Held> {
        let (reading, set) = (file.clone(), anchor.clone());
        let reread = tokio::task::spawn_blocking(move || reading.reread(&set.certificates)).await;
        let place = file.path().display().to_string();
        match reread {
            Ok(Reread::Same | Reread::Replaced) => {}
            Ok(Reread::Broken(why)) => self.warn_of_list(&place, why),
            Err(error) => self.warn_of_list(&place, error),
        }
        // The files of an anchor are for all whom its authorities have issued anything to.
        let Some(found) = file.of(&link.issuer) else { return Err(self.now() + FILE_KEPT) };
        let verified = tokio::task::spawn_blocking(move || found.verified()).await;
        let (crls, is_broken) = verified.unwrap_or_default();
        if crls.is_empty() && !is_broken {
            return Err(self.now() + FILE_KEPT);
        }
        if is_broken && crls.iter().all(|crl| crl.next_update <= self.now()) {
            self.warn_of_list(&place, "the last good one counts no more: nobody is accepted");
            let times = Times::of_none(self.now() + RETRY);
            return Ok(Held { crls, is_broken, times });
        }
        let next_update = crls.iter().map(|crl| crl.next_update).max();
        let times = Times::of(self.now(), next_update.unwrap_or(self.now()), FILE_KEPT);
        Ok(Held { crls, is_broken, times })
    }

    /// Tells the operator, once a minute of each file, that a list that they name cannot be relied on.
    fn warn_of_list(&self, place: &str, why: impl Display) {
        self.metrics.revocation("crl", "unreadable");
        if self.is_news(place) {
            tracing::error!(place, %why, "a list of revoked certificates cannot be read");
        }
    }

    async fn fetch_list(
        &self,
        url: &str,
        name: Thumbprint,
        link: &Link,
        need: Need,
        within: Duration,
    ) -> Answered<Held> {
        let held = |crl: Crl, fetched_at| {
            let times = Times::of(
                fetched_at,
                crl.next_update,
                self.config.client_certificates.revocation_max_age,
            );
            Held { crls: vec![Arc::new(crl)], is_broken: false, times }
        };
        if let Some(kept) = self.kept(name).await
            && let Ok(crl) = parsed(kept.body, link).await
            && self.now() < crl.next_update
        {
            let held = held(crl, kept.fetched_at);
            if held.times.suffices(need, self.now()) {
                return Ok(held);
            }
        }
        if within < LEAST {
            return Err(self.now());
        }
        self.revocations.places.may_be_asked(url, self.now())?;
        let most = self.config.client_certificates.max_crl_bytes.0;
        let fetched = self.outbound.get_signed(url, crl::MEDIA_TYPE, most, within).await;
        let body = self.fetched(url, "crl", fetched)?;
        let crl = parsed(body.clone(), link).await;
        let crl = crl.map_err(|why| self.gives_none(url, "crl", why))?;
        self.keep(name, body, crl.next_update).await;
        Ok(held(crl, self.now()))
    }

    /// What this or another replica has fetched. Without a database it is fetched anew.
    pub(super) async fn kept(&self, name: Thumbprint) -> Option<Kept> {
        let found = revocation_answers::find(self.store.db(), name).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "kept OCSP responses and CRLs cannot be read");
            None
        })
    }

    pub(super) async fn keep(&self, name: Thumbprint, body: Vec<u8>, expires_at: Timestamp) {
        let kept = Kept { body, fetched_at: self.now() };
        let done = revocation_answers::keep(self.store.db(), name, &kept, expires_at).await;
        if let Err(error) = done {
            tracing::warn!(%error, "an OCSP response or a CRL cannot be kept");
        }
    }
}

/// Reads a list beside the threads that serve: a large one takes long.
async fn parsed(bytes: Vec<u8>, link: &Link) -> Result<Crl, &'static str> {
    let issuer = link.issuer.clone();
    let reading = tokio::task::spawn_blocking(move || Crl::read(&bytes, &issuer));
    reading.await.unwrap_or(Err("the CRL cannot be read"))
}
