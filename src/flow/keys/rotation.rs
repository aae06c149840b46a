//! The life of a signing key: pending → active → retiring → retired (DESIGN §3).
//!
//! A pending key per algorithm is always published ahead by at
//! least the time that a JWKS may be cached, so both scheduled and emergency rotation sign with a key
//! that every verifier already has.

use super::{Keyring, secrets};
use crate::config::Config;
use crate::jose::seal::{self, Kek, Owner};
use crate::jose::sign::SigningKey;
use crate::record::{Event, Kind, Trace};
use crate::store::signing_keys::{self, SigningKeyRow, State};
use crate::store::{Store, Tx, versions};
use crate::types::time::AHEAD;
use crate::types::{Algorithm, Code, Failure, Refusal, Result, Seconds, Timestamp};

/// As long as any token lives that a client or resource may be registered for; a key stays published
/// that long after it signed last.
const LONGEST_TOKEN: Seconds = Seconds::days(1);

/// By then every replica publishes what stands in the database; a second is promised (DESIGN §2), and
/// clocks differ.
const SEEN_BY_REPLICAS: Seconds = Seconds(30);

/// What rotates when.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Which algorithms have a key.
    pub algorithms: Vec<Algorithm>,
    /// How long a key signs.
    pub rotation: Seconds,
    /// How long verifiers may keep the JWKS.
    pub max_age: Seconds,
    /// How long any refresh token lives.
    pub refresh_tokens: Seconds,
}

impl Schedule {
    /// What the configuration says.
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
    /// Does what the schedule asks for: activates pending keys whose time has come, withdraws what
    /// nobody needs any more, publishes the next ones ahead.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tick(&self, store: &Store, trace: &Trace) -> Result<()> {
        let now = Timestamp(trace.at_ms / 1000);
        secrets::tick(store, &self.kek, &self.schedule, trace).await?;
        let rows = self.without_a_future(store, now).await?;
        // A key that signs since a time to come has signed what is valid until then.
        let due = |row: &&SigningKeyRow| {
            row.state() == State::Active
                && row
                    .activated_at
                    .is_some_and(|at| now - at >= self.schedule.rotation || at.is_ahead_of(now))
        };
        for active in rows.iter().filter(due) {
            let pending =
                rows.iter().find(|row| row.alg == active.alg && row.state() == State::Pending);
            if let Some(pending) = pending.filter(|row| self.has_reached_everybody(row, now)) {
                succeed(store, Some(active), pending, false, trace).await?;
            }
        }
        let unneeded = now - (LONGEST_TOKEN + self.schedule.max_age);
        if rows.iter().any(|row| {
            row.state() == State::Retiring && row.retiring_at.is_some_and(|at| at <= unneeded)
        }) {
            let mut tx = store.write().await?;
            signing_keys::withdraw(&mut tx, unneeded, now).await?;
            versions::bump(&mut tx, versions::Kind::Keys).await?;
            tx.commit().await?;
        }
        keep_pending(store, &self.kek, &self.schedule, trace).await
    }

    /// All signing keys. Those that are published, or have ceased to sign, at a time to come were so by a clock
    /// that was wrong and has been set right: they are from now on, or their turn would never come.
    async fn without_a_future(&self, store: &Store, now: Timestamp) -> Result<Vec<SigningKeyRow>> {
        let rows = signing_keys::all(store.db()).await?;
        let is_ahead = |at: Option<Timestamp>| at.is_some_and(|at| at.is_ahead_of(now));
        if !rows.iter().any(|row| is_ahead(Some(row.published_at)) || is_ahead(row.retiring_at)) {
            return Ok(rows);
        }
        signing_keys::bring_back(store.db(), now + AHEAD, now).await?;
        Ok(signing_keys::all(store.db()).await?)
    }

    fn has_reached_everybody(&self, row: &SigningKeyRow, now: Timestamp) -> bool {
        now - row.published_at >= self.schedule.max_age + SEEN_BY_REPLICAS
    }

    fn must_have_reached_everybody(
        &self,
        row: &SigningKeyRow,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.has_reached_everybody(row, now) {
            return Ok(());
        }
        Err(Code::InvalidRequest
            .because("the pending key was published so lately that verifiers may not have it yet")
            .with("published_at", row.published_at))
    }

    /// Lets the pending key of an algorithm sign now, before its time.
    ///
    /// # Errors
    /// A refusal when the pending key was published so lately that verifiers may not have it, unless
    /// `although_unknown`; and when there is no such algorithm.
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
            self.must_have_reached_everybody(pending, now)?;
        }
        succeed(store, of(State::Active), pending, false, trace).await?;
        keep_pending(store, &self.kek, &self.schedule, trace).await
    }

    /// Ends a key: it signs no more; with `compromised`, what it signed counts for nothing.
    ///
    /// # Errors
    /// A refusal when there is no such key; unless it is compromised, also when the one to take its
    /// place was published so lately that verifiers may not have it.
    pub async fn retire(
        &self,
        store: &Store,
        kid: &str,
        compromised: bool,
        trace: &Trace,
    ) -> Result<()> {
        let rows = signing_keys::all(store.db()).await?;
        let Some(row) = rows.iter().find(|row| row.id == kid) else {
            return Err(Code::NotFound.because("there is no key of this kid").into());
        };
        let pending =
            rows.iter().find(|other| other.alg == row.alg && other.state() == State::Pending);
        match (row.state(), pending) {
            (State::Active, Some(pending)) => {
                if !compromised {
                    self.must_have_reached_everybody(pending, Timestamp(trace.at_ms / 1000))?;
                }
                succeed(store, Some(row), pending, compromised, trace).await?;
            }
            (State::Active, None) => {
                return Err(Code::InvalidRequest
                    .because("this key signs and there is no pending one to take its place")
                    .into());
            }
            (State::Pending | State::Retiring | State::Retired | State::Compromised, _) => {
                let now = Timestamp(trace.at_ms / 1000);
                let mut tx = store.write().await?;
                signing_keys::end(&mut tx, kid, compromised, now).await?;
                versions::bump(&mut tx, versions::Kind::Keys).await?;
                ended(&mut tx, kid, compromised, trace).await?;
                tx.commit().await?;
            }
        }
        keep_pending(store, &self.kek, &self.schedule, trace).await
    }
}

async fn ended(tx: &mut Tx, kid: &str, compromised: bool, trace: &Trace) -> sqlx::Result<()> {
    let kind = if compromised { Kind::KeyCompromised } else { Kind::KeyRetired };
    Event::success(kind).fact("kid", kid).write(tx, trace).await
}

/// Lets `pending` take over from `active`, in one transaction; of two replicas that try, one does.
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
        ended(&mut tx, &active.id, compromised, trace).await?;
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

/// Sees to it that every algorithm has a key that signs and one that waits. The very first key of an
/// algorithm signs at once (DESIGN §3): nobody can be registered for an algorithm before it has one.
pub(super) async fn keep_pending(
    store: &Store,
    kek: &Kek,
    schedule: &Schedule,
    trace: &Trace,
) -> Result<()> {
    let now = Timestamp(trace.at_ms / 1000);
    let rows = signing_keys::all(store.db()).await?;
    let mut made = Vec::new();
    for algorithm in &schedule.algorithms {
        let has = |state| rows.iter().any(|row| row.alg == *algorithm && row.state() == state);
        let is_first = !rows.iter().any(|row| row.alg == *algorithm);
        if is_first {
            made.push(make(kek, *algorithm, now, Some(now)).await?);
        }
        if !has(State::Pending) {
            made.push(make(kek, *algorithm, now, None).await?);
        }
    }
    if made.is_empty() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    for row in &made {
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

/// A new key, sealed. Making an RSA key takes long, so it is done where blocking is allowed.
async fn make(
    kek: &Kek,
    algorithm: Algorithm,
    published_at: Timestamp,
    activated_at: Option<Timestamp>,
) -> Result<SigningKeyRow> {
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await;
    let (key, pkcs8) = made.map_err(Failure::internal)??;
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
