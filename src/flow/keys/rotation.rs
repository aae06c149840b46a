//! The life of a signing key: pending → active → retiring → retired (DESIGN §3).
//!
//! Every algorithm always has a pending key that is published before it signs, for at least the time that a JWKS may be
//! cached. So both scheduled and emergency rotation sign with a key that every verifier has already.

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Keyring, secrets};
use crate::config::Config;
use crate::jose::seal::{self, Kek, Owner};
use crate::jose::sign::SigningKey;
use crate::record::{Event, Kind, Trace};
use crate::store::signing_keys::{self, SigningKeyRow, State};
use crate::store::{Store, Tx, versions};
use crate::types::time::AHEAD;
use crate::types::{Algorithm, Code, Failure, Refusal, Result, Seconds, Timestamp};

/// The longest lifetime of a token. A key stays published for this time after its last signature.
const LONGEST_TOKEN: Seconds = Seconds::days(1);

/// How long until every replica publishes a new key: a second (DESIGN §2), with a margin for different clocks.
const SEEN_BY_REPLICAS: Seconds = Seconds(30);

/// When keys and secrets rotate.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The algorithms that have a key.
    pub algorithms: Vec<Algorithm>,
    /// How long a key signs.
    pub rotation: Seconds,
    /// How long verifiers may cache the JWKS.
    pub max_age: Seconds,
    /// The longest lifetime of a refresh token.
    pub refresh_tokens: Seconds,
}

impl Schedule {
    /// The schedule of the configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            algorithms: config.keys.algorithms.clone(),
            rotation: config.keys.rotation,
            max_age: config.keys.jwks_max_age,
            refresh_tokens: config.tokens.refresh_absolute.max(config.tokens.refresh_idle),
        }
    }
}

impl Keyring {
    /// Applies the schedule: activates pending keys that are due, withdraws keys that are not needed any more, and
    /// publishes the next ones.
    ///
    /// # Errors
    /// Database errors.
    pub async fn tick(&self, store: &Store, trace: &Trace) -> Result<()> {
        let now = Timestamp(trace.at_ms / 1000);
        secrets::tick(store, &self.kek, &self.schedule, trace).await?;
        let rows = self.with_past_times(store, now).await?;
        // A key that was activated at a time in the future has signed tokens that are valid until then.
        let due = |row: &&SigningKeyRow| {
            row.state() == State::Active
                && row
                    .activated_at
                    .is_some_and(|at| now - at >= self.schedule.rotation || at.is_ahead_of(now))
        };
        for active in rows.iter().filter(due) {
            let pending =
                rows.iter().find(|row| row.alg == active.alg && row.state() == State::Pending);
            if let Some(pending) = pending.filter(|row| self.has_reached_verifiers(row, now)) {
                succeed(store, Some(active), pending, false, trace).await?;
            }
        }
        let unneeded = now - (LONGEST_TOKEN + self.schedule.max_age);
        if rows.iter().any(|row| {
            row.state() == State::Retiring && row.retiring_at.is_some_and(|at| at <= unneeded)
        }) {
            let mut tx = store.write().await?;
            signing_keys::unpublish(&mut tx, unneeded, now).await?;
            versions::bump(&mut tx, versions::Kind::Keys).await?;
            tx.commit().await?;
        }
        keep_pending(store, &self.kek, &self.schedule, trace).await
    }

    /// All signing keys. A wrong clock may have recorded that a key is published or retiring from a time in the future;
    /// that time is set to now, or the key would never be due.
    async fn with_past_times(&self, store: &Store, now: Timestamp) -> Result<Vec<SigningKeyRow>> {
        let rows = signing_keys::all(store.db()).await?;
        let is_ahead = |at: Option<Timestamp>| at.is_some_and(|at| at.is_ahead_of(now));
        if !rows.iter().any(|row| is_ahead(Some(row.published_at)) || is_ahead(row.retiring_at)) {
            return Ok(rows);
        }
        signing_keys::reset_future_times(store.db(), now + AHEAD, now).await?;
        Ok(signing_keys::all(store.db()).await?)
    }

    fn has_reached_verifiers(&self, row: &SigningKeyRow, now: Timestamp) -> bool {
        now - row.published_at >= self.schedule.max_age + SEEN_BY_REPLICAS
    }

    fn must_have_reached_verifiers(
        &self,
        row: &SigningKeyRow,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.has_reached_verifiers(row, now) {
            return Ok(());
        }
        Err(Code::InvalidRequest
            .because("the pending key was published so recently that verifiers may not have it yet")
            .with("published_at", row.published_at))
    }

    /// Activates the pending key of an algorithm now, ahead of schedule.
    ///
    /// # Errors
    /// A refusal if there is no such key, or if it was published so recently that verifiers may not have it, unless
    /// `although_unknown`.
    pub async fn rotate(
        &self,
        store: &Store,
        algorithm: Algorithm,
        although_unknown: bool,
        trace: &Trace,
    ) -> Result<()> {
        let now = Timestamp(trace.at_ms / 1000);
        let rows = signing_keys::all(store.db()).await?;
        let of = |state| rows.iter().find(|row| row.alg == algorithm && row.state() == state);
        let Some(pending) = of(State::Pending) else {
            return Err(Code::NotFound
                .because("there is no pending key for this algorithm")
                .into());
        };
        if !although_unknown {
            self.must_have_reached_verifiers(pending, now)?;
        }
        succeed(store, of(State::Active), pending, false, trace).await?;
        keep_pending(store, &self.kek, &self.schedule, trace).await
    }

    /// Retires a key: it signs no more. With `compromised`, everything that it signed becomes invalid.
    ///
    /// # Errors
    /// A refusal if there is no such key, or, unless it is compromised, if its successor was published so recently
    /// that verifiers may not have it.
    pub async fn retire(
        &self,
        store: &Store,
        kid: &str,
        compromised: bool,
        trace: &Trace,
    ) -> Result<()> {
        let rows = signing_keys::all(store.db()).await?;
        let Some(row) = rows.iter().find(|row| row.id == kid) else {
            return Err(Code::NotFound.because("there is no key with this kid").into());
        };
        let pending =
            rows.iter().find(|other| other.alg == row.alg && other.state() == State::Pending);
        match (row.state(), pending) {
            (State::Active, Some(pending)) => {
                if !compromised {
                    self.must_have_reached_verifiers(pending, Timestamp(trace.at_ms / 1000))?;
                }
                succeed(store, Some(row), pending, compromised, trace).await?;
            }
            (State::Active, None) => {
                return Err(Code::InvalidRequest
                    .because("this key is active and there is no pending key to succeed it")
                    .into());
            }
            (State::Pending | State::Retiring | State::Retired | State::Compromised, _) => {
                let now = Timestamp(trace.at_ms / 1000);
                let mut tx = store.write().await?;
                signing_keys::end(&mut tx, kid, compromised, now).await?;
                versions::bump(&mut tx, versions::Kind::Keys).await?;
                record_end(&mut tx, kid, compromised, trace).await?;
                tx.commit().await?;
            }
        }
        keep_pending(store, &self.kek, &self.schedule, trace).await
    }
}

async fn record_end(tx: &mut Tx, kid: &str, compromised: bool, trace: &Trace) -> sqlx::Result<()> {
    let kind = if compromised { Kind::KeyCompromised } else { Kind::KeyRetired };
    Event::success(kind).fact("kid", kid).write(tx, trace).await
}

/// Activates `pending` in place of `active`, in one transaction. Of concurrent replicas one succeeds.
async fn succeed(
    store: &Store,
    active: Option<&SigningKeyRow>,
    pending: &SigningKeyRow,
    compromised: bool,
    trace: &Trace,
) -> Result<()> {
    let now = Timestamp(trace.at_ms / 1000);
    let mut tx = store.write().await?;
    if let Some(active) = active {
        if !signing_keys::retire(&mut tx, &active.id, now).await? {
            return Ok(());
        }
        if compromised {
            signing_keys::end(&mut tx, &active.id, true, now).await?;
        }
        record_end(&mut tx, &active.id, compromised, trace).await?;
    }
    if !signing_keys::activate(&mut tx, &pending.id, now).await? {
        return Ok(());
    }
    Event::success(Kind::KeyActivated)
        .fact("kid", pending.id.as_str())
        .write(&mut tx, trace)
        .await?;
    versions::bump(&mut tx, versions::Kind::Keys).await?;
    tx.commit().await?;
    Ok(())
}

/// Ensures that every algorithm has an active and a pending key. The first key of an algorithm is active at once
/// (DESIGN §3): no client can be registered for an algorithm that has none.
pub(super) async fn keep_pending(
    store: &Store,
    kek: &Kek,
    schedule: &Schedule,
    trace: &Trace,
) -> Result<()> {
    let now = Timestamp(trace.at_ms / 1000);
    let rows = signing_keys::all(store.db()).await?;
    let mut new = Vec::new();
    for algorithm in &schedule.algorithms {
        let has = |state| rows.iter().any(|row| row.alg == *algorithm && row.state() == state);
        let is_first = !rows.iter().any(|row| row.alg == *algorithm);
        if is_first {
            new.push(generate(kek, *algorithm, now, Some(now), is_first).await?);
        }
        if !has(State::Pending) {
            new.push(generate(kek, *algorithm, now, None, is_first).await?);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    for row in &new {
        if signing_keys::insert(&mut tx, row).await? {
            Event::success(Kind::KeyPublished)
                .fact("kid", row.id.as_str())
                .fact("alg", row.alg.as_str())
                .write(&mut tx, trace)
                .await?;
        }
    }
    versions::bump(&mut tx, versions::Kind::Keys).await?;
    tx.commit().await?;
    Ok(())
}

/// How much less of the processor a thread gets than those that serve requests (`setpriority(2)`): about a tenth.
const NICE: i32 = 10;

/// A new key and its PKCS #8 form. Generating an RSA key takes a large part of a second, so it has a thread of its own,
/// which gives way to requests unless the key is needed at once.
async fn generate_in_background(
    algorithm: Algorithm,
    is_urgent: bool,
) -> Result<(SigningKey, Zeroizing<Vec<u8>>)> {
    let (reply, generated) = oneshot::channel();
    let work = move || {
        // For this thread alone.
        #[cfg(target_os = "linux")]
        if !is_urgent && let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::debug!(%error, "the priority of the thread could not be lowered");
        }
        // The caller may be gone.
        let _ = reply.send(SigningKey::generate(algorithm));
    };
    std::thread::Builder::new().name("key".to_owned()).spawn(work).map_err(Failure::internal)?;
    Ok(generated.await.map_err(Failure::internal)??)
}

/// A new key, sealed. `is_urgent`: the server cannot start without it.
async fn generate(
    kek: &Kek,
    algorithm: Algorithm,
    published_at: Timestamp,
    activated_at: Option<Timestamp>,
    is_urgent: bool,
) -> Result<SigningKeyRow> {
    let (key, pkcs8) = generate_in_background(algorithm, is_urgent).await?;
    Ok(SigningKeyRow {
        id: key.kid().to_owned(),
        alg: algorithm,
        public_jwk: key.public_jwk().to_string(),
        sealed: kek.seal(Owner(seal::Kind::SigningKey, key.kid()), &pkcs8),
        published_at,
        activated_at,
        retiring_at: None,
        retired_at: None,
        compromised_at: None,
    })
}
