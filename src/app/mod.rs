//! The dependencies that handlers share: the store, the keys, the clock, the configuration.

mod readiness;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use readiness::Readiness;
use tokio::task::JoinSet;

use crate::admin::{self, Administrator, Dependencies};
use crate::config::{Config, Pooler};
use crate::flow::Call;
use crate::flow::clients::keys::ClientKeys;
use crate::flow::clients::{registration, resources};
use crate::flow::keys::kek;
use crate::flow::keys::{Keyring, Schedule};
use crate::flow::tokens::possession::Possession;
use crate::outbound::Outbound;
use crate::outbound::mail::Mailer;
use crate::people::{Hasher, People};
use crate::pki::acme::Acme;
use crate::pki::anchors::{self, Trust};
use crate::pki::inventory::Inventory;
use crate::pki::revocation::{RevocationChecker, Revocations, Watched};
use crate::pki::sightings::Sightings;
pub use crate::record::Clock;
use crate::record::{Context, Metrics, Recorder, Steady, Trace};
use crate::store::cache::Cache;
use crate::store::{self, OpenMode, Store, ahead};
use crate::types::{Error, Failure, Result, Seconds};

/// The number of OCSP responders and CRL distribution points that are requested concurrently.
const CONCURRENT_REQUESTS: usize = 32;

/// Everything that lives as long as the process. Clones share it.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The time since the start, independent of changes of the clock: rows are deleted when both consider them
    /// expired.
    pub steady: Steady,
    /// The database.
    pub store: Store,
    /// Clients and resources.
    pub cache: Cache,
    /// The signing keys.
    pub keyring: Keyring,
    /// The keys of clients.
    pub client_keys: ClientKeys,
    /// The trust anchors of client certificates.
    pub trust: Trust,
    /// The revocation status of client certificates.
    pub revocations: Revocations,
    /// The one HTTP client.
    pub outbound: Outbound,
    /// The mail client.
    pub mailer: Mailer,
    /// The password hashing pool.
    pub hasher: Hasher,
    /// The audit trail.
    pub recorder: Recorder,
    /// Sightings of certificates that wait to be written to the inventory.
    pub sightings: Sightings,
    /// Whether this process is ready.
    pub readiness: Readiness,
    /// The metrics.
    pub metrics: Metrics,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why the application cannot be opened, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum OpenAppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::OpenStoreError),
    /// The key-encryption key.
    #[error(transparent)]
    Kek(#[from] kek::Missing),
    /// The trust anchors of client certificates.
    #[error(transparent)]
    Trust(#[from] anchors::Unreadable),
    /// The signing keys, or another fault of the server.
    #[error(transparent)]
    Server(#[from] Error),
}

impl OpenAppError {
    /// Whether a retry may succeed: the database does not respond, or is not ready.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing(),
            Self::Kek(kek::Missing::Store(error))
            | Self::Server(Error::Failed(Failure::Store(error))) => store::is_away(error),
            Self::Kek(_) | Self::Trust(_) | Self::Server(_) => false,
        }
    }
}

impl From<Failure> for OpenAppError {
    fn from(failure: Failure) -> Self {
        Self::Server(failure.into())
    }
}

impl From<sqlx::Error> for OpenAppError {
    fn from(error: sqlx::Error) -> Self {
        Self::Server(error.into())
    }
}

impl App {
    /// Opens database and keys, and migrates the schema. `serving`: as the only server of an SQLite file.
    ///
    /// # Errors
    /// See [`OpenAppError`].
    pub async fn open(config: Config, clock: Clock, serving: bool) -> Result<Self, OpenAppError> {
        let length = |seconds: Seconds| Duration::from_secs(seconds.0.unsigned_abs());
        let limits = store::ConnectionLimits {
            connections: config.database.max_connections,
            acquire: length(config.database.acquire_timeout),
            statement: length(config.database.statement_timeout),
            has_pooler: config.database.pooler == Pooler::Transaction,
        };
        let purpose = if serving { OpenMode::Serve } else { OpenMode::Migrate };
        let store = Store::open(&config.database.url.0, &limits, purpose).await?;
        let kek = kek::open(&config.keys, &store).await?;
        let schedule = Schedule::of(&config);
        let trace = Trace::of_command(clock.now_ms());
        let keyring = Keyring::open(&store, kek, schedule, &trace).await?;
        registration::settle(&store, &trace).await?;
        resources::administration::settle(&store, &config.issuer, &trace).await?;
        for (kind, count) in ahead::count(&store, trace.now()).await? {
            tracing::warn!(
                kind,
                count,
                now = %trace.now(),
                "issued in the future and invalid until then: this clock is behind, or another one was ahead"
            );
        }
        let cache = Cache::new(store.clone());
        cache.confirm().await?;
        let trust = Trust::open(&config.client_certificates)?;
        trust.set_built_in(&cache.authorities().await?)?;
        // The task writes until the last recorder is dropped, and `close` waits for it.
        let metrics = Metrics::default();
        let (recorder, _task) = Recorder::start(store.clone(), metrics.supervisor().clone());
        Ok(Self(Arc::new(Parts {
            client_keys: ClientKeys::default(),
            trust,
            revocations: Revocations::default(),
            outbound: Outbound::new(&config.outbound)?,
            mailer: Mailer::new(&config.mail, &config.outbound),
            hasher: Hasher::start(&config.passwords, metrics.supervisor())?,
            metrics,
            readiness: Readiness::new(),
            sightings: Sightings::default(),
            steady: Steady::of(&clock),
            recorder,
            keyring,
            cache,
            store,
            clock,
            config,
        })))
    }

    /// The shared dependencies of the rules, for one request or one command.
    pub fn context<'a>(&'a self, trace: &'a Trace) -> Context<'a> {
        Context::new(&self.store, &self.config, trace)
    }

    /// The context of a request; its time is that of the trace.
    pub fn call<'a>(&'a self, trace: &'a Trace) -> Call<'a> {
        Call {
            context: self.context(trace),
            cache: &self.cache,
            keyring: &self.keyring,
            client_keys: &self.client_keys,
            trust: &self.trust,
            revocations: &self.revocations,
            outbound: &self.outbound,
            recorder: &self.recorder,
            sightings: &self.sightings,
            metrics: &self.metrics,
            clock: &self.clock,
            possession: Possession::default(),
        }
    }

    /// A call of an administrative action.
    pub fn administration<'a>(&'a self, administrator: &'a Administrator) -> admin::Call<'a> {
        let Parts { store, config, hasher, outbound, keyring, .. } = &**self;
        let dependencies = Dependencies::Server { hasher, outbound, keyring };
        admin::Call::new(administrator, store, config, dependencies)
    }

    /// Validates the certificates of clients.
    pub fn revocation_checker<'a>(&'a self, trace: &'a Trace) -> RevocationChecker<'a> {
        RevocationChecker {
            context: self.context(trace),
            revocations: &self.revocations,
            outbound: &self.outbound,
            metrics: &self.metrics,
        }
    }

    /// Refreshes the revocation status of certificates in use: those presented to this replica, and those that a
    /// token is bound to. A response that another replica has fetched is taken from the database.
    ///
    /// # Errors
    /// The database fails.
    pub async fn refresh_revocation(&self) -> Result<()> {
        let trace = Trace::of_command(self.clock.now_ms());
        self.revocation_checker(&trace).watch_bound_certificates(&self.trust).await?;
        // Sequentially per responder: one that hangs delays only its own certificates.
        let mut responders: HashMap<Option<String>, Vec<Arc<Watched>>> = HashMap::new();
        for watched in self.revocations.due(trace.now()) {
            responders.entry(watched.source().map(str::to_owned)).or_default().push(watched);
        }
        let mut responders = responders.into_values();
        let mut asking = JoinSet::new();
        let mut outcome = Ok(());
        loop {
            while asking.len() < CONCURRENT_REQUESTS
                && let Some(due) = responders.next()
            {
                let app = self.clone();
                asking.spawn(async move {
                    let trace = Trace::of_command(app.clock.now_ms());
                    for watched in due {
                        app.revocation_checker(&trace).refresh(&watched).await?;
                    }
                    Ok(())
                });
            }
            match asking.join_next().await {
                None => return outcome,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => outcome = Err(error),
                Some(Err(error)) => outcome = Err(Failure::internal(error).into()),
            }
        }
    }

    /// The dependencies of ordering the server's certificate by ACME.
    pub fn acme<'a>(&'a self, trace: &'a Trace) -> Acme<'a> {
        Acme { context: self.context(trace), kek: self.keyring.kek(), outbound: &self.outbound }
    }

    /// The certificate inventory.
    pub fn inventory<'a>(&'a self, trace: &'a Trace) -> Inventory<'a> {
        Inventory { context: self.context(trace) }
    }

    /// The dependencies of the rules about users.
    pub fn people<'a>(&'a self, trace: &'a Trace) -> People<'a> {
        People { context: self.context(trace), hasher: &self.hasher }
    }

    /// Invalidates caches that other replicas or commands have changed. Caches are used for at most three seconds
    /// after this.
    ///
    /// # Errors
    /// The database fails.
    pub async fn confirm(&self) -> Result<()> {
        let begun = Instant::now();
        let versions = self.cache.confirm().await?;
        self.trust.set_built_in(&self.cache.authorities().await?)?;
        self.keyring.confirm(&self.store, versions.keys).await?;
        self.readiness.confirmed(begun);
        Ok(())
    }

    /// Writes pending rows and closes the database.
    pub async fn close(&self) {
        self.recorder.flush().await;
        if let Err(error) = self.sightings.flush(&self.store, &self.trust).await {
            tracing::warn!(%error, "the last sightings of certificates were not written");
        }
        self.store.close().await;
    }
}
