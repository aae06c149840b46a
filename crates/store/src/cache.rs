//! What is asked at every request and changes seldom, held in memory under a version.
//!
//! A job reads `versions` twice a second; a version that has changed empties what was held against it,
//! so every replica sees a change within a second. A cache whose version could not be confirmed for
//! three seconds answers `Busy`: what it holds may have been disabled meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use quick_cache::sync::Cache as Lru;

use super::authorities::{self, AuthorityRow};
use super::certificates::Revoked;
use super::versions::{self, Versions};
use super::{Store, certificates, clients, resources};
use crate::types::{Client, ClientId, Error, Failure, Resource, ResourceId};

/// Clients held at most.
const CLIENTS: usize = 50_000;

/// How long a version counts as confirmed.
const CONFIRMED: Duration = Duration::from_secs(3);

/// Clients, resources, our authority and what was revoked, as they were at most a second ago.
#[derive(Debug)]
pub struct Cache {
    store: Store,
    clients: Lru<ClientId, Arc<Client>>,
    resources: RwLock<Option<Arc<Resources>>>,
    origins: RwLock<Option<Arc<BTreeSet<String>>>>,
    authorities: RwLock<Option<Arc<Vec<AuthorityRow>>>>,
    revoked: RwLock<Option<Arc<Revoked>>>,
    seen_clients: AtomicI64,
    seen_resources: AtomicI64,
    seen_authorities: AtomicI64,
    seen_revocations: AtomicI64,
    /// Milliseconds from `born` to the last confirmation.
    confirmed: AtomicU64,
    born: Instant,
}

/// All resources, by their identifiers, in the order in which they were registered.
pub type Resources = IndexMap<ResourceId, Resource>;

impl Cache {
    /// An empty one; [`Cache::confirm`] it before use.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            clients: Lru::new(CLIENTS),
            resources: RwLock::new(None),
            origins: RwLock::new(None),
            authorities: RwLock::new(None),
            revoked: RwLock::new(None),
            seen_clients: AtomicI64::new(-1),
            seen_resources: AtomicI64::new(-1),
            seen_authorities: AtomicI64::new(-1),
            seen_revocations: AtomicI64::new(-1),
            confirmed: AtomicU64::new(0),
            born: Instant::now(),
        }
    }

    /// Reads the versions and forgets what has changed. Returns them, for whoever caches keys.
    ///
    /// # Errors
    /// What the database says.
    pub async fn confirm(&self) -> sqlx::Result<Versions> {
        // The moment before the question: what is answered was true after it.
        let (sent, asked) = (Instant::now(), self.born.elapsed());
        let versions = versions::all(self.store.probe()).await?;
        self.store.outages().answered(sent);
        if self.seen_clients.swap(versions.clients, Ordering::AcqRel) != versions.clients {
            self.clients.clear();
            if let Ok(mut origins) = self.origins.write() {
                *origins = None;
            }
        }
        if self.seen_resources.swap(versions.resources, Ordering::AcqRel) != versions.resources
            && let Ok(mut resources) = self.resources.write()
        {
            *resources = None;
        }
        if self.seen_authorities.swap(versions.authorities, Ordering::AcqRel)
            != versions.authorities
            && let Ok(mut authorities) = self.authorities.write()
        {
            *authorities = None;
        }
        if self.seen_revocations.swap(versions.revocations, Ordering::AcqRel)
            != versions.revocations
            && let Ok(mut revoked) = self.revoked.write()
        {
            *revoked = None;
        }
        let asked = u64::try_from(asked.as_millis()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(asked, Ordering::AcqRel);
        Ok(versions)
    }

    /// Whether what is held may be believed.
    ///
    /// # Errors
    /// `Busy`, when the version was not confirmed for three seconds.
    pub fn must_be_confirmed(&self) -> Result<(), Failure> {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::Acquire));
        if self.born.elapsed().saturating_sub(confirmed) > CONFIRMED {
            return Err(Failure::Busy("the database has not answered for three seconds"));
        }
        Ok(())
    }

    /// The client of this identifier, disabled or not. One that is not held is looked up before anybody
    /// is refused; one that does not exist is not held, so nobody fills memory with names.
    ///
    /// # Errors
    /// When the database or the cache cannot be believed.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Error> {
        self.must_be_confirmed()?;
        if let Some(client) = self.clients.get(id) {
            return Ok(Some(client));
        }
        let version = self.seen_clients.load(Ordering::Acquire);
        let Some(client) = clients::find(self.store.db(), id).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.clients.insert(id.clone(), client.clone());
        // What was read before a change must not be held after it.
        if self.seen_clients.load(Ordering::Acquire) != version {
            self.clients.remove(id);
        }
        Ok(Some(client))
    }

    /// All resources.
    ///
    /// # Errors
    /// When the database or the cache cannot be believed.
    pub async fn resources(&self) -> Result<Arc<Resources>, Error> {
        self.must_be_confirmed()?;
        let held = self.resources.read().ok().and_then(|held| held.clone());
        if let Some(resources) = held {
            return Ok(resources);
        }
        let version = self.seen_resources.load(Ordering::Acquire);
        let all = resources::all(self.store.db()).await?;
        let all: Arc<Resources> =
            Arc::new(all.into_iter().map(|resource| (resource.id.clone(), resource)).collect());
        if let Ok(mut held) = self.resources.write()
            && self.seen_resources.load(Ordering::Acquire) == version
        {
            *held = Some(all.clone());
        }
        Ok(all)
    }

    /// Whether the scripts of any client may call us from this origin: what a preflight asks, which
    /// names no client.
    ///
    /// # Errors
    /// When the database or the cache cannot be believed.
    pub async fn is_origin(&self, origin: &str) -> Result<bool, Error> {
        self.must_be_confirmed()?;
        let held = self.origins.read().ok().and_then(|held| held.clone());
        if let Some(origins) = held {
            return Ok(origins.contains(origin));
        }
        let version = self.seen_clients.load(Ordering::Acquire);
        let all = Arc::new(clients::origins(self.store.db()).await?);
        if let Ok(mut held) = self.origins.write()
            && self.seen_clients.load(Ordering::Acquire) == version
        {
            *held = Some(all.clone());
        }
        Ok(all.contains(origin))
    }

    /// The certificates of our authority, the latest first; none, where there is no authority.
    ///
    /// # Errors
    /// When the database or the cache cannot be believed.
    pub async fn authorities(&self) -> Result<Arc<Vec<AuthorityRow>>, Error> {
        self.must_be_confirmed()?;
        let held = self.authorities.read().ok().and_then(|held| held.clone());
        if let Some(authorities) = held {
            return Ok(authorities);
        }
        let version = self.seen_authorities.load(Ordering::Acquire);
        let all = Arc::new(authorities::all(self.store.db()).await?);
        if let Ok(mut held) = self.authorities.write()
            && self.seen_authorities.load(Ordering::Acquire) == version
        {
            *held = Some(all.clone());
        }
        Ok(all)
    }

    /// The certificates that are revoked, as far as we know: what every client is asked for that shows
    /// one, so it costs no query.
    ///
    /// # Errors
    /// When the database or the cache cannot be believed.
    pub async fn revoked(&self) -> Result<Arc<Revoked>, Error> {
        self.must_be_confirmed()?;
        let held = self.revoked.read().ok().and_then(|held| held.clone());
        if let Some(revoked) = held {
            return Ok(revoked);
        }
        let version = self.seen_revocations.load(Ordering::Acquire);
        let all = Arc::new(certificates::revoked(self.store.db()).await?);
        if let Ok(mut held) = self.revoked.write()
            && self.seen_revocations.load(Ordering::Acquire) == version
        {
            *held = Some(all.clone());
        }
        Ok(all)
    }
}
