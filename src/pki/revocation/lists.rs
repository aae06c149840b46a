//! The lists of authorities: fetched, or read from the operator's files, and held.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Judge;
use super::ask::{Answered, LEAST, turn};
use super::times::{Need, Times};
use crate::pki::crl::{self, Crl};
use crate::pki::link::Link;
use crate::store::revocation_answers::{self, Kept};
use crate::types::{Seconds, Thumbprint, Timestamp};

/// How long a file is believed to be as it was.
const FILE_KEPT: Seconds = Seconds(60);

/// Where a list is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// A file that the operator keeps up to date.
    File(&'a Path),
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
    /// `None`: there is none, or not one to believe.
    crl: Option<Arc<Crl>>,
    times: Times,
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
        self.held().filter(|held| held.crl.is_some() && held.times.count(now))
    }

    /// What is held when nobody has given a newer list.
    fn without_answer(&self, now: Timestamp, again: Timestamp) -> Held {
        let kept = self.before(now).and_then(|held| {
            let times = held.times.kept(now, again)?;
            Some(Held { times, ..held })
        });
        kept.unwrap_or(Held { crl: None, times: Times::of_none(again) })
    }
}

impl Held {
    fn answer(self) -> Answered<(Arc<Crl>, Times)> {
        let times = self.times;
        self.crl.map(|crl| (crl, times)).ok_or(times.fresh_until())
    }
}

impl Judge<'_> {
    /// The list of this place, if the link's issuer signed it; and for how long it counts.
    pub(super) async fn list(
        &self,
        place: Place<'_>,
        link: &Link,
        need: Need,
        deadline: Instant,
    ) -> Answered<(Arc<Crl>, Times)> {
        let place_name = match place {
            Place::File(path) => path.as_os_str().as_encoded_bytes(),
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
            Place::File(path) => self.read_list(path, link).await,
            Place::Url(url) => self.fetch_list(url, name, link, need, within).await,
        };
        let held = fresh.unwrap_or_else(|again| list.without_answer(self.now(), again));
        list.hold(held.clone());
        held.answer()
    }

    async fn read_list(&self, path: &Path, link: &Link) -> Answered<Held> {
        let most =
            u64::try_from(self.config.client_certificates.max_crl_bytes.0).unwrap_or(u64::MAX);
        let read = async {
            if tokio::fs::metadata(path).await?.len() > most {
                return Err(std::io::Error::other("it is larger than max_crl_bytes"));
            }
            tokio::fs::read(path).await
        };
        let place = path.display().to_string();
        let bytes = read.await.map_err(|error| self.gives_none(&place, "crl", error))?;
        let crl = parsed(bytes, link).await.map_err(|why| {
            // The files of an anchor are for all whom its authorities have issued anything to.
            if crl::is_for_others(why) {
                return self.now() + FILE_KEPT;
            }
            self.gives_none(&place, "crl", why)
        })?;
        let times = Times::of(self.now(), crl.next_update, FILE_KEPT);
        Ok(Held { crl: Some(Arc::new(crl)), times })
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
            Held { crl: Some(Arc::new(crl)), times }
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
