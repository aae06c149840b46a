//! Whether this process can be asked: what `/readyz` answers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::App;
use crate::config::ReadyCheck;
use crate::store::probe;
use crate::types::{Failure, Result};

/// As long as a process that cannot take over what others have changed (a key that it cannot open, say) is
/// still asked.
const TAKEN_OVER: Duration = Duration::from_secs(5);

/// What was found out last.
#[derive(Debug)]
pub struct Readiness(Mutex<Found>);

#[derive(Debug)]
struct Found {
    /// Whether the database took a write; nothing before the first try.
    takes_writes: Option<bool>,
    /// When everything that others had changed was taken over.
    taken_over: Instant,
}

impl Readiness {
    /// Of a process that has just read everything.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Found { takes_writes: None, taken_over: Instant::now() }))
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that everything was taken over that had been changed before `asked`.
    pub(super) fn has_taken_over(&self, asked: Instant) {
        self.found().taken_over = asked;
    }
}

impl App {
    /// Whether this process can be asked: the database answers, what others changed is known here, and no work
    /// of the process keeps panicking (THREATS EX-26). `for_writes`: and the database takes writes.
    ///
    /// # Errors
    /// `Busy`, with the reason why not.
    pub fn must_be_ready(&self, for_writes: bool) -> Result<(), Failure> {
        self.cache.must_be_confirmed()?;
        self.metrics.supervisor().must_keep_working()?;
        let Found { takes_writes, taken_over } = *self.readiness.found();
        if taken_over.elapsed() > TAKEN_OVER {
            return Err(Failure::Busy("this process cannot take over what others have changed"));
        }
        if !for_writes && self.config.operations.ready == ReadyCheck::Reads {
            return Ok(());
        }
        match takes_writes {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::Busy("the database takes no writes")),
            None => Err(Failure::Busy("it is not known yet whether the database takes writes")),
        }
    }

    /// Tries a write, and tells operators when the outcome is another than before.
    ///
    /// # Errors
    /// Why the database did not take it.
    pub async fn probe_writes(&self) -> Result<()> {
        let probed = probe::write(self.store.db(), self.clock.now()).await;
        if matches!(probed, Err(sqlx::Error::PoolTimedOut)) {
            // There is a queue before the database: that says nothing about the database.
            return Ok(probed?);
        }
        let before = self.readiness.found().takes_writes.replace(probed.is_ok());
        self.metrics.writable(probed.is_ok());
        match (&probed, before) {
            (Err(error), Some(true) | None) => {
                tracing::error!(
                    %error,
                    "the database takes no writes: nobody can sign in or refresh; tokens that need no \
                     write are still issued, and introspection and the JWKS are answered"
                );
            }
            (Ok(()), Some(false)) => tracing::info!("the database takes writes again"),
            (Ok(()), Some(true) | None) | (Err(_), Some(false)) => {}
        }
        Ok(probed?)
    }
}
