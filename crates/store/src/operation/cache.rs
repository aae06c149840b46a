//! Objects that every request needs and that seldom change, cached in memory under a version.
//!
//! A job reads the table `versions` twice a second. A value is valid as long as the version under which it
//! was read is the current one, so every replica applies a change within a second. A cache whose versions
//! could not be confirmed for three seconds returns `Busy`: a cached client may have been disabled meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use quick_cache::sync::Cache as Lru;

use crate::authorities::{self, AuthorityRow};
use crate::certificates::Revoked;
use crate::types::{Client, ClientId, Error, Failure, Resource, ResourceId};
use crate::versions::{self, Versions};
use crate::{Store, certificates, clients, resources};

/// The largest number of cached clients.
const CLIENTS: usize = 50_000;

/// How long a version counts as confirmed.
const CONFIRMED: Duration = Duration::from_secs(3);

/// Clients, resources, the built-in CA and revoked certificates, at most a second old.
#[derive(Debug)]
pub struct Cache {
    store: Store,
    clients: Lru<ClientId, Arc<Client>>,
    resources: Versioned<Resources>,
    origins: Versioned<BTreeSet<String>>,
    authorities: Versioned<Vec<AuthorityRow>>,
    revoked: Versioned<Revoked>,
    current: CurrentVersions,
    /// Milliseconds from `created` to the last confirmation.
    confirmed: AtomicU64,
    created: Instant,
}

/// All resources, by their identifiers, in the order in which they were registered.
pub type Resources = IndexMap<ResourceId, Resource>;

/// The versions that were confirmed last; -1 before the first confirmation.
#[derive(Debug)]
struct CurrentVersions {
    clients: AtomicI64,
    resources: AtomicI64,
    authorities: AtomicI64,
    revocations: AtomicI64,
}

/// A value, and the version under which it was read.
#[derive(Debug)]
struct Versioned<T>(RwLock<Option<(i64, Arc<T>)>>);

impl<T> Versioned<T> {
    const fn empty() -> Self {
        Self(RwLock::new(None))
    }

    /// The cached value, if it has the current version; otherwise the result of `read`, which is cached.
    ///
    /// A value that was read before a change is never cached after it: the version is loaded before the value is
    /// read.
    async fn get<F>(
        &self,
        current: &AtomicI64,
        read: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>, Error>
    where
        F: Future<Output = sqlx::Result<T>> + Send,
    {
        let version = current.load(Ordering::Acquire);
        if let Some(value) = self.at(version) {
            return Ok(value);
        }
        let value = Arc::new(read().await?);
        if let Ok(mut cached) = self.0.write()
            && current.load(Ordering::Acquire) == version
        {
            *cached = Some((version, value.clone()));
        }
        Ok(value)
    }

    fn at(&self, version: i64) -> Option<Arc<T>> {
        let cached = self.0.read().ok()?;
        cached.as_ref().filter(|(of, _)| *of == version).map(|(_, value)| value.clone())
    }
}

impl Cache {
    /// An empty cache; [`Cache::confirm`] it before use.
    pub fn new(store: Store) -> Self {
        let unknown = || AtomicI64::new(-1);
        Self {
            store,
            clients: Lru::new(CLIENTS),
            resources: Versioned::empty(),
            origins: Versioned::empty(),
            authorities: Versioned::empty(),
            revoked: Versioned::empty(),
            current: CurrentVersions {
                clients: unknown(),
                resources: unknown(),
                authorities: unknown(),
                revocations: unknown(),
            },
            confirmed: AtomicU64::new(0),
            created: Instant::now(),
        }
    }

    /// Reads the versions, which invalidates what has changed. Returns them, for the cache of keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm(&self) -> sqlx::Result<Versions> {
        // The time before the query: the response was true after it.
        let (sent, asked) = (Instant::now(), self.created.elapsed());
        let versions = versions::all(self.store.probe()).await?;
        self.store.outages().answered(sent);
        let current = &self.current;
        if current.clients.swap(versions.clients, Ordering::AcqRel) != versions.clients {
            self.clients.clear();
        }
        current.resources.store(versions.resources, Ordering::Release);
        current.authorities.store(versions.authorities, Ordering::Release);
        current.revocations.store(versions.revocations, Ordering::Release);
        let asked = u64::try_from(asked.as_millis()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(asked, Ordering::AcqRel);
        Ok(versions)
    }

    /// Whether cached values may be used.
    ///
    /// # Errors
    /// `Busy`, if the versions were not confirmed for three seconds.
    pub fn must_be_confirmed(&self) -> Result<(), Failure> {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::Acquire));
        if self.created.elapsed().saturating_sub(confirmed) > CONFIRMED {
            return Err(Failure::Busy("the database has not answered for three seconds"));
        }
        Ok(())
    }

    /// The client with this identifier, disabled or not. A client that is not cached is looked up before a
    /// request is refused; an unknown identifier is not cached, so that requests cannot fill the memory.
    ///
    /// # Errors
    /// When the database fails, or the cache is not confirmed.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, Error> {
        self.must_be_confirmed()?;
        if let Some(client) = self.clients.get(id) {
            return Ok(Some(client));
        }
        let version = self.current.clients.load(Ordering::Acquire);
        let Some(client) = clients::find(self.store.db(), id).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.clients.insert(id.clone(), client.clone());
        // A client that was read before a change must not stay cached after it.
        if self.current.clients.load(Ordering::Acquire) != version {
            self.clients.remove(id);
        }
        Ok(Some(client))
    }

    /// All resources.
    ///
    /// # Errors
    /// When the database fails, or the cache is not confirmed.
    pub async fn resources(&self) -> Result<Arc<Resources>, Error> {
        self.must_be_confirmed()?;
        let read = || async {
            let all = resources::all(self.store.db()).await?;
            Ok(all.into_iter().map(|resource| (resource.id.clone(), resource)).collect())
        };
        self.resources.get(&self.current.resources, read).await
    }

    /// Whether any client allows scripts of this origin to call the server: for CORS preflights, which
    /// name no client.
    ///
    /// # Errors
    /// When the database fails, or the cache is not confirmed.
    pub async fn is_origin(&self, origin: &str) -> Result<bool, Error> {
        self.must_be_confirmed()?;
        let read = || clients::origins(self.store.db());
        let origins = self.origins.get(&self.current.clients, read).await?;
        Ok(origins.contains(origin))
    }

    /// The certificates of the built-in CA, the latest first; empty without a built-in CA.
    ///
    /// # Errors
    /// When the database fails, or the cache is not confirmed.
    pub async fn authorities(&self) -> Result<Arc<Vec<AuthorityRow>>, Error> {
        self.must_be_confirmed()?;
        let read = || authorities::all(self.store.db());
        self.authorities.get(&self.current.authorities, read).await
    }

    /// The revoked certificates: checked for every client that presents one, without a query.
    ///
    /// # Errors
    /// When the database fails, or the cache is not confirmed.
    pub async fn revoked(&self) -> Result<Arc<Revoked>, Error> {
        self.must_be_confirmed()?;
        let read = || certificates::revoked(self.store.db());
        self.revoked.get(&self.current.revocations, read).await
    }
}
