//! What a handler may reach: the store, the keys, the clock, the settings.

mod readiness;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use readiness::Readiness;
use tokio::task::JoinSet;

use crate::config::{Config, Pooler};
use crate::flow::Call;
use crate::flow::clients::keys::ClientKeys;
use crate::flow::clients::registration;
use crate::flow::keys::kek;
use crate::flow::keys::{Keyring, Schedule};
use crate::flow::tokens::possession::Possession;
use crate::outbound::Outbound;
use crate::outbound::mail::Mailer;
use crate::people::{Hasher, People};
use crate::pki::acme::Acme;
use crate::pki::anchors::{self, Trust};
use crate::pki::revocation::{RevocationChecker, Revocations, Watched};
use crate::pki::sightings::Sightings;
pub use crate::record::Clock;
use crate::record::{Context, Metrics, Recorder, Steady, Trace};
use crate::store::cache::Cache;
use crate::store::{self, OpenMode, Store, ahead};
use crate::types::{Error, Failure, Result, Seconds};

/// As many places as are asked at once whether certificates in use were revoked.
const ASKING: usize = 32;

/// Everything that lives as long as the process. A clone is the same thing.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The time as it has passed since the start, whatever the clock was set to: what is swept was over by both.
    pub steady: Steady,
    /// The database.
    pub store: Store,
    /// Clients and resources.
    pub cache: Cache,
    /// Our signing keys.
    pub keyring: Keyring,
    /// The keys of clients.
    pub client_keys: ClientKeys,
    /// Who is believed about the certificates of clients.
    pub trust: Trust,
    /// What others say of the certificates that they issued.
    pub revocations: Revocations,
    /// The one HTTP client.
    pub outbound: Outbound,
    /// The way to the mail server.
    pub mailer: Mailer,
    /// The threads that hash passwords.
    pub hasher: Hasher,
    /// The audit trail.
    pub recorder: Recorder,
    /// Certificates that were shown and wait to be written into the inventory.
    pub sightings: Sightings,
    /// Whether this process can be asked.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why nothing can be served or done, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::OpenStoreError),
    /// The key-encryption key.
    #[error(transparent)]
    Kek(#[from] kek::Missing),
    /// Those who are believed about the certificates of clients.
    #[error(transparent)]
    Trust(#[from] anchors::Unreadable),
    /// The signing keys, or something else of ours.
    #[error(transparent)]
    Ours(#[from] Error),
}

impl Unopened {
    /// Whether the same may well succeed later: the database is not reached, or not ready.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing(),
            Self::Kek(kek::Missing::Store(error))
            | Self::Ours(Error::Failed(Failure::Store(error))) => store::is_away(error),
            Self::Kek(_) | Self::Trust(_) | Self::Ours(_) => false,
        }
    }
}

impl From<Failure> for Unopened {
    fn from(failure: Failure) -> Self {
        Self::Ours(failure.into())
    }
}

impl From<sqlx::Error> for Unopened {
    fn from(error: sqlx::Error) -> Self {
        Self::Ours(error.into())
    }
}

impl App {
    /// Opens database and keys, and brings the schema up to date. `serving`: as the one server of an
    /// SQLite file.
    ///
    /// # Errors
    /// See [`Unopened`].
    pub async fn open(config: Config, clock: Clock, serving: bool) -> Result<Self, Unopened> {
        let length = |seconds: Seconds| Duration::from_secs(seconds.0.unsigned_abs());
        let limits = store::ConnectionLimits {
            connections: config.database.max_connections,
            acquire: length(config.database.acquire_timeout),
            statement: length(config.database.statement_timeout),
            is_pooled: config.database.pooler == Pooler::Transaction,
        };
        let purpose = if serving { OpenMode::Serve } else { OpenMode::Migrate };
        let store = Store::open(&config.database.url.0, &limits, purpose).await?;
        let kek = kek::open(&config.keys, &store).await?;
        let schedule = Schedule::of(&config);
        let trace = Trace::of_command(clock.now_ms());
        let keyring = Keyring::open(&store, kek, schedule, &trace).await?;
        registration::settle(&store, &trace).await?;
        for (kind, count) in ahead::count(&store, trace.now()).await? {
            tracing::warn!(
                kind,
                count,
                now = %trace.now(),
                "issued at a time to come, and counted for nothing until then: this clock is behind, or one was ahead"
            );
        }
        let cache = Cache::new(store.clone());
        cache.confirm().await?;
        let trust = Trust::open(&config.client_certificates)?;
        trust.set_built_in(&cache.authorities().await?)?;
        // The task writes until the last recorder is gone, and `close` waits for what it has.
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

    /// One request: the clock was read when it came.
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

    /// Judges the certificates of clients.
    pub fn revocation_checker<'a>(&'a self, trace: &'a Trace) -> RevocationChecker<'a> {
        RevocationChecker {
            context: self.context(trace),
            revocations: &self.revocations,
            outbound: &self.outbound,
            metrics: &self.metrics,
        }
    }

    /// Asks anew whether certificates in use were revoked. Every replica does it for those that it was
    /// shown, or that a token is bound to: an answer that another one has fetched meanwhile is taken from
    /// the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ask_anew(&self) -> Result<()> {
        let trace = Trace::of_command(self.clock.now_ms());
        self.revocation_checker(&trace).watch_bound_certificates(&self.trust).await?;
        // One after the other at each place: who hangs there has waited for it alone.
        let mut places: HashMap<Option<String>, Vec<Arc<Watched>>> = HashMap::new();
        for watched in self.revocations.due(trace.now()) {
            places.entry(watched.source().map(str::to_owned)).or_default().push(watched);
        }
        let mut places = places.into_values();
        let mut asking = JoinSet::new();
        let mut outcome = Ok(());
        loop {
            while asking.len() < ASKING
                && let Some(due) = places.next()
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

    /// What ordering a certificate of our own may reach.
    pub fn acme(&self) -> Acme<'_> {
        Acme {
            store: &self.store,
            kek: self.keyring.kek(),
            outbound: &self.outbound,
            config: &self.config,
        }
    }

    /// What the rules about accounts may reach.
    pub fn people<'a>(&'a self, trace: &'a Trace) -> People<'a> {
        People { context: self.context(trace), hasher: &self.hasher }
    }

    /// Sees what other replicas and commands have changed. What is held is believed for three seconds
    /// after this.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn confirm(&self) -> Result<()> {
        let asked = Instant::now();
        let versions = self.cache.confirm().await?;
        self.trust.set_built_in(&self.cache.authorities().await?)?;
        self.keyring.confirm(&self.store, versions.keys).await?;
        self.readiness.has_taken_over(asked);
        Ok(())
    }

    /// Writes down what waits, and lets go of the database.
    pub async fn close(&self) {
        self.recorder.flush().await;
        if let Err(error) = self.sightings.flush(&self.store, &self.trust).await {
            tracing::warn!(%error, "the last certificates that were shown are not in the inventory");
        }
        self.store.close().await;
    }
}
