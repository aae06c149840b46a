//! Readiness of this process, for `/readyz`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::App;
use crate::config::ReadyCheck;
use crate::store::probe;
use crate::types::{Failure, Result};

/// How long a process stays ready that cannot apply the changes of other replicas, for example because it cannot
/// decrypt a key.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5);

/// The results of the last checks.
#[derive(Debug)]
pub struct Readiness(Mutex<Checks>);

#[derive(Debug)]
struct Checks {
    /// Whether the database accepted a write; `None` before the first probe.
    accepts_writes: Option<bool>,
    /// When the caches were last confirmed.
    confirmed_at: Instant,
}

impl Readiness {
    /// The readiness of a process that has just loaded everything.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Checks { accepts_writes: None, confirmed_at: Instant::now() }))
    }

    fn checks(&self) -> MutexGuard<'_, Checks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that all changes committed before `begun` are applied.
    pub(super) fn confirmed(&self, begun: Instant) {
        self.checks().confirmed_at = begun;
    }
}

impl App {
    /// Whether this process is ready: the database responds, changes of other replicas are applied, and no task
    /// keeps panicking (THREATS EX-26). `for_writes`: and the database accepts writes.
    ///
    /// # Errors
    /// `Busy`, with the reason why it is not ready.
    pub fn must_be_ready(&self, for_writes: bool) -> Result<(), Failure> {
        self.cache.must_be_confirmed()?;
        self.metrics.supervisor().must_keep_working()?;
        let Checks { accepts_writes, confirmed_at } = *self.readiness.checks();
        if confirmed_at.elapsed() > CONFIRMED_WITHIN {
            return Err(Failure::Busy("this process cannot apply the changes of other replicas"));
        }
        if !for_writes && self.config.operations.ready == ReadyCheck::Reads {
            return Ok(());
        }
        match accepts_writes {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::Busy("the database accepts no writes")),
            None => Err(Failure::Busy("the database has not been probed for writes yet")),
        }
    }

    /// Probes whether the database accepts writes, and logs when the result changes.
    ///
    /// # Errors
    /// Why the database refused the write.
    pub async fn probe_writes(&self) -> Result<()> {
        let probed = probe::write(self.store.db(), self.clock.now()).await;
        if matches!(probed, Err(sqlx::Error::PoolTimedOut)) {
            // All connections are in use: no conclusion about the database.
            return Ok(probed?);
        }
        let before = self.readiness.checks().accepts_writes.replace(probed.is_ok());
        self.metrics.writable(probed.is_ok());
        match (&probed, before) {
            (Err(error), Some(true) | None) => {
                tracing::error!(
                    %error,
                    "the database accepts no writes: sign-ins and refreshes fail; tokens that need no write \
                     are still issued, and introspection and the JWKS still respond"
                );
            }
            (Ok(()), Some(false)) => tracing::info!("the database accepts writes again"),
            (Ok(()), Some(true) | None) | (Err(_), Some(false)) => {}
        }
        Ok(probed?)
    }
}
