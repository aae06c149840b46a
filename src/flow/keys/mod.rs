//! Our own keys: signing keys and their life (DESIGN §3), and the secrets of the server (`secrets`); all
//! sealed at rest.
//!
//! pending → active → retiring → retired. A pending key per algorithm is always published ahead by at
//! least the time that a JWKS may be cached, so both scheduled and emergency rotation sign with a key
//! that every verifier already has.

pub mod kek;
mod secrets;

pub use secrets::{Replaced, replace_all as replace_secrets};

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use serde_json::json;
use zeroize::Zeroizing;

use self::secrets::{Opened, Purpose};
use crate::config::Config;
use crate::jose::jwk::{Jwks, PublicKey};
use crate::jose::mac::{Mac, VersionedMac};
use crate::jose::seal::{self, Kek, Owner, Unopened};
use crate::jose::sign::SigningKey;
use crate::record::{Event, Kind, Trace};
use crate::store::signing_keys::{self, SigningKeyRow, State};
use crate::store::{Store, Tx, acme, authorities, clients, server_secrets, versions};
use crate::types::time::AHEAD;
use crate::types::{Algorithm, Code, Digest, Error, Failure, Refusal, Result, Seconds, Timestamp};

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

/// Bytes that are served as they are.
#[derive(Clone, Debug)]
pub struct Document {
    /// The body.
    pub bytes: Arc<[u8]>,
    /// Its `ETag`.
    pub etag: String,
}

impl Document {
    /// Prepares a JSON value.
    pub fn of(value: &serde_json::Value) -> Self {
        let bytes = value.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        let etag =
            format!("\"{}\"", crate::jose::base64url::encode(digest.0.get(..12).unwrap_or(&[])));
        Self { bytes: bytes.into(), etag }
    }
}

/// Verified access tokens remembered at most: about a megabyte.
const VERIFIED: usize = 16 * 1024;

/// The keys at one version.
pub struct Keys {
    active: BTreeMap<Algorithm, Arc<SigningKey>>,
    /// What verifies the tokens that come back to us.
    pub published: Jwks,
    /// Digests of JWT access tokens whose signatures `published` has verified. A token comes back many
    /// times; a key that is withdrawn makes a new set, and takes this with it.
    pub verified: quick_cache::sync::Cache<[u8; 32], ()>,
    /// What verifies an `id_token_hint`: retired keys too, for a hint may be old.
    pub hints: Jwks,
    /// `/jwks`
    pub jwks: Document,
    /// The MAC of refresh tokens.
    pub refresh: VersionedMac,
    /// The MAC of DPoP nonces (RFC 9449 §8).
    pub dpop: VersionedMac,
    /// The salt of pairwise subjects (OIDC Core §8.1): it has one version.
    pub pairwise: Mac,
    /// The MAC that `sid` is: it has one version, so that `sid` stays the same for the session's life.
    pub sid: Mac,
    /// Seals the state of pages that the browser keeps; name kind and identifier as the owner.
    pub pages: Kek,
    /// The MAC that a code is, where the same form must lead to the same code again.
    pub codes: VersionedMac,
    version: i64,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Keys {
    /// The key that signs with this algorithm.
    ///
    /// # Errors
    /// When the server has no such key; registration and configuration do not let it come to that.
    pub fn signing(&self, algorithm: Algorithm) -> Result<&SigningKey, Failure> {
        let key = self.active.get(&algorithm);
        key.map(Arc::as_ref)
            .ok_or_else(|| Failure::internal(format!("there is no active key for {algorithm}")))
    }

    /// The algorithms that we sign with.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.active.keys().copied()
    }
}

/// The keys as they are now, and what they are sealed under.
pub struct Keyring {
    kek: Kek,
    schedule: Schedule,
    held: RwLock<Arc<Keys>>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// Opens the keys; makes them at the first start. What was sealed under an older key-encryption key
    /// is sealed again under the present one.
    ///
    /// # Errors
    /// When what is sealed does not open: the server must not start, and changes nothing (THREATS KE-04).
    pub async fn open(store: &Store, kek: Kek, schedule: Schedule, trace: &Trace) -> Result<Self> {
        let now = Timestamp(trace.at_ms / 1000);
        reseal(store, &kek).await?;
        secrets::ensure(store, &kek, now).await?;
        // Of two that start at once the first has made them: whoever has another key makes nothing more.
        Opened::read(store, &kek).await?;
        keep_pending(store, &kek, &schedule, trace).await?;
        let keys = read(store, &kek).await?;
        Ok(Self { kek, schedule, held: RwLock::new(Arc::new(keys)) })
    }

    /// The keys as they are now.
    pub fn keys(&self) -> Arc<Keys> {
        let held = self.held.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        held.clone()
    }

    /// What everything is sealed under.
    pub const fn kek(&self) -> &Kek {
        &self.kek
    }

    /// Opens state that the browser has kept. `None`: it is not ours, or too old.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_page(
        &self,
        store: &Store,
        owner: Owner<'_>,
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.keys().pages.open(owner, sealed) {
            Ok(clear) => Ok(Some(clear)),
            Err(Unopened::Tampered) => Ok(None),
            // Another replica may have made the key a moment ago.
            Err(Unopened::OtherKey(_)) => {
                Ok(self.latest(store).await?.pages.open(owner, sealed).ok())
            }
        }
    }

    /// Reads the keys again, if `version` is not the one that is held.
    ///
    /// # Errors
    /// What the database says.
    pub async fn confirm(&self, store: &Store, version: i64) -> Result<()> {
        if self.keys().version == version {
            return Ok(());
        }
        let keys = Arc::new(read(store, &self.kek).await?);
        *self.held.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Reads the keys again, if they have changed: before somebody is refused because of a key that another
    /// replica has made a moment ago.
    ///
    /// # Errors
    /// What the database says.
    pub async fn latest(&self, store: &Store) -> Result<Arc<Keys>> {
        self.confirm(store, versions::all(store).await?.keys).await?;
        Ok(self.keys())
    }

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
async fn keep_pending(store: &Store, kek: &Kek, schedule: &Schedule, trace: &Trace) -> Result<()> {
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

/// Seals everything again that is not sealed under the present key-encryption key, or not yet bound to
/// its kind. All of it is opened before any of it is changed.
async fn reseal(store: &Store, kek: &Kek) -> Result<()> {
    let keys = signing_keys::all(store.db()).await?;
    let ours = server_secrets::all(store.db()).await?;
    let of_authority = authorities::all(store.db()).await?;
    let of_clients = clients::sealed_secrets(store.db()).await?;
    let of_acme = acme::sealed(store.db()).await?;
    let mut again = Vec::new();
    for row in &keys {
        let new = sealed_again(kek, Owner(seal::Kind::SigningKey, &row.id), &row.sealed)?;
        again.extend(new.map(|new| (Resealed::Key(row), new)));
    }
    for row in &ours {
        let new = sealed_again(kek, Owner(seal::Kind::ServerSecret, &row.owner()), &row.sealed)?;
        again.extend(new.map(|new| (Resealed::Ours(row), new)));
    }
    for row in &of_clients {
        let owner = Owner(seal::Kind::ClientSecret, row.client_id.as_str());
        let new = sealed_again(kek, owner, &row.sealed)?;
        again.extend(new.map(|new| (Resealed::Client(row), new)));
    }
    for row in &of_authority {
        let Some(sealed) = &row.sealed else { continue };
        let new = sealed_again(kek, Owner(seal::Kind::Authority, &row.id), sealed)?;
        again.extend(new.map(|new| (Resealed::Authority(&row.id, sealed), new)));
    }
    for row in &of_acme {
        let new = sealed_again(kek, acme_owner(row), &row.sealed)?;
        again.extend(new.map(|new| (Resealed::Acme(row), new)));
    }

    for (row, new) in again {
        let db = store.db();
        match row {
            Resealed::Key(row) => signing_keys::reseal(db, &row.id, &row.sealed, &new).await?,
            Resealed::Ours(row) => server_secrets::reseal(db, row, &new).await?,
            Resealed::Client(row) => clients::reseal(db, &row.id, &row.sealed, &new).await?,
            Resealed::Authority(id, sealed) => authorities::reseal(db, id, sealed, &new).await?,
            Resealed::Acme(row) => acme::reseal(db, row, &new).await?,
        };
    }
    Ok(())
}

/// What is to be sealed again.
enum Resealed<'a> {
    Key(&'a SigningKeyRow),
    Ours(&'a server_secrets::ServerSecret),
    Client(&'a clients::SealedSecret),
    Authority(&'a str, &'a [u8]),
    Acme(&'a acme::Sealed),
}

fn acme_owner(row: &acme::Sealed) -> Owner<'_> {
    let kind = if row.is_account { seal::Kind::AcmeAccount } else { seal::Kind::AcmeCertificate };
    Owner(kind, &row.owner)
}

/// The new form of what has to be sealed again; `None`: it is as it should be.
fn sealed_again(kek: &Kek, owner: Owner<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
    let clear = match kek.open(owner, sealed) {
        Ok(_) if kek.is_current(sealed) => return Ok(None),
        Ok(clear) => clear,
        Err(unopened) => {
            kek.open_unbound(owner, sealed).map_err(|_| cannot_open(owner, unopened))?
        }
    };
    Ok(Some(kek.seal(owner, &clear)))
}

/// Reads what stands in the database.
async fn read(store: &Store, kek: &Kek) -> Result<Keys> {
    // The version first: what is read after it is at least as new.
    let version = versions::all(store).await?.keys;
    let rows = signing_keys::all(store.db()).await?;
    let mut active = BTreeMap::new();
    let mut published = Vec::new();
    let mut hints = Vec::new();
    let mut jwks = Vec::new();
    for row in &rows {
        let jwk: serde_json::Value =
            serde_json::from_str(&row.public_jwk).map_err(Failure::internal)?;
        let public = || PublicKey::from_jwk(&jwk).map_err(Failure::internal);
        match row.state() {
            State::Active => {
                let clear = unseal(kek, Owner(seal::Kind::SigningKey, &row.id), &row.sealed)?;
                let key = SigningKey::from_pkcs8(row.alg, &clear)?;
                // Parsed once: it checks nearly all tokens that come back.
                published.push(key.public_key()?);
                hints.push(public()?);
                jwks.push(jwk.clone());
                active.insert(row.alg, Arc::new(key));
            }
            State::Pending | State::Retiring => {
                published.push(public()?);
                hints.push(public()?);
                jwks.push(jwk.clone());
            }
            State::Retired => hints.push(public()?),
            State::Compromised => {}
        }
    }
    let opened = Opened::read(store, kek).await?;
    let macs = |purpose: Purpose| opened.macs(purpose, purpose.name());
    Ok(Keys {
        active,
        published: published.into_iter().collect(),
        verified: quick_cache::sync::Cache::new(VERIFIED),
        hints: hints.into_iter().collect(),
        jwks: Document::of(&json!({ "keys": jwks })),
        refresh: macs(Purpose::RefreshTokens)?,
        dpop: macs(Purpose::DpopNonces)?,
        pairwise: opened.mac(Purpose::PairwiseSubjects)?,
        sid: opened.mac(Purpose::Sid)?,
        pages: opened.sealing(Purpose::Pages)?,
        codes: opened.macs(Purpose::Pages, "codes")?,
        version,
    })
}

fn unseal(kek: &Kek, owner: Owner<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    kek.open(owner, sealed).map_err(|unopened| cannot_open(owner, unopened))
}

fn cannot_open(owner: Owner<'_>, unopened: Unopened) -> Error {
    let what = match unopened {
        Unopened::OtherKey(_) => format!(
            "the key {owner} in the database cannot be opened: {unopened}. Bring the key-encryption key back that this database was made with; replicas share one key"
        ),
        Unopened::Tampered => {
            format!("the key {owner} in the database cannot be opened: {unopened}")
        }
    };
    Error::Failed(Failure::Internal(what))
}

#[cfg(test)]
mod tests;
