//! The server's own secrets: what each is for, and the versions of it (DESIGN §3).
//!
//! The newest version signs and seals; older ones verify and open for as long as their output may be valid. The output
//! names its version, except that of version 1, which is older than versions.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::Schedule;
use super::sealed::unseal;
use crate::jose::mac::{Mac, VersionedMac};
use crate::jose::seal::{self, Kek, Owner};
use crate::record::{Event, Kind, Trace};
use crate::store::{Store, grants, server_secrets, versions};
use crate::types::secret::entropy;
use crate::types::{Failure, Result, Seconds, Timestamp};

/// The purposes of secrets. A secret is created at the first start of a release that has its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The MAC of refresh tokens.
    RefreshTokens,
    /// The MAC of DPoP nonces (RFC 9449 §8).
    DpopNonces,
    /// Page state in the browser, and codes that are computed again.
    Pages,
    /// The salt of pairwise subjects (OIDC Core §8.1).
    PairwiseSubjects,
    /// The MAC of `sid`.
    Sid,
}

impl Purpose {
    pub(super) const ALL: [Self; 5] =
        [Self::RefreshTokens, Self::DpopNonces, Self::Pages, Self::PairwiseSubjects, Self::Sid];

    /// The name in the database.
    pub(super) const fn name(self) -> &'static str {
        self.life(Seconds(0)).0
    }

    /// How long a version is used after the next one was created; `None` if there is only one version, because
    /// clients store its output.
    const fn read_for(self, schedule: &Schedule) -> Option<Seconds> {
        self.life(schedule.refresh_tokens).1
    }

    /// Whether it is replaced.
    const fn is_replaced(self) -> bool {
        self.life(Seconds(0)).1.is_some()
    }

    /// Name, and how long old versions are used.
    const fn life(self, refresh_tokens: Seconds) -> (&'static str, Option<Seconds>) {
        match self {
            Self::RefreshTokens => ("refresh-tokens", Some(refresh_tokens)),
            Self::DpopNonces => ("dpop-nonces", Some(Seconds::hours(1))),
            Self::Pages => ("pages", Some(Seconds::days(1))),
            Self::PairwiseSubjects => ("pairwise-subjects", None),
            Self::Sid => ("sid", None),
        }
    }
}

/// Creates the secrets that have never existed. A secret whose row was lost is not replaced silently, because all of
/// its output would become invalid.
pub(super) async fn ensure(store: &Store, kek: &Kek, now: Timestamp) -> Result<()> {
    let known = server_secrets::newest(store.db()).await?;
    let rows = server_secrets::all(store.db()).await?;
    let is_new = |name: &&str| !known.iter().any(|known| known.name == *name);
    let new: Vec<_> = Purpose::ALL.into_iter().map(Purpose::name).filter(is_new).collect();
    create(store, kek, &new, now).await?;
    for purpose in Purpose::ALL {
        let name = purpose.name();
        let Some(known) = known.iter().find(|known| known.name == name) else {
            continue;
        };
        if rows.iter().any(|row| row.name == name && row.version == known.newest) {
            continue;
        }
        if grants::any_live(store.db(), now).await? {
            let otherwise = if purpose.is_replaced() {
                "end all refresh tokens with `gatewright key rotate --secrets --compromised`"
            } else {
                "create a new one by deleting its row from server_secret_versions: clients then no longer recognize their users or sessions"
            };
            return Err(Failure::Internal(format!(
                "the secret {name} is missing from server_secrets, and values derived from it are in use: restore the row from the backup, or {otherwise}"
            ))
            .into());
        }
        tracing::warn!(
            secret = name,
            "a missing secret is created again, because no grant is valid"
        );
        add(store, kek, name, known.newest, now).await?;
    }
    Ok(())
}

/// Creates secrets, all or none: of two servers that start concurrently with different key-encryption keys, one creates
/// all of them, and the other reports that it cannot open them.
async fn create(store: &Store, kek: &Kek, names: &[&str], now: Timestamp) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    for name in names {
        if !server_secrets::insert(&mut tx, name, 0, &new(kek, name, 1), now).await? {
            // Another process was faster.
            return Ok(());
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn add(store: &Store, kek: &Kek, name: &str, before: i64, now: Timestamp) -> Result<()> {
    let mut tx = store.write().await?;
    server_secrets::insert(&mut tx, name, before, &new(kek, name, before + 1), now).await?;
    versions::bump(&mut tx, versions::Kind::Keys).await?;
    tx.commit().await?;
    Ok(())
}

/// The result of replacing the secrets.
#[derive(Debug)]
pub struct Replaced {
    /// The replaced secrets and their new versions.
    pub secrets: Vec<(&'static str, i64)>,
    /// How many grants were revoked.
    pub grants: usize,
}

/// How many grants one statement revokes.
const BATCH: i64 = 500;

/// Replaces the secrets that are due, and deletes versions that are no longer used.
pub(super) async fn tick(
    store: &Store,
    kek: &Kek,
    schedule: &Schedule,
    trace: &Trace,
) -> Result<()> {
    let now = trace.now();
    let rows = server_secrets::all(store.db()).await?;
    for purpose in Purpose::ALL {
        let newest = rows.iter().rfind(|row| row.name == purpose.name());
        let (Some(newest), Some(read_for)) = (newest, purpose.read_for(schedule)) else {
            continue;
        };
        let is_old = now - newest.created_at >= schedule.rotation;
        if is_old || newest.created_at.is_ahead_of(now) {
            replace(store, kek, purpose, newest.version, Some(read_for), trace).await?;
        }
    }
    if rows.iter().any(|row| row.read_until.is_some_and(|until| until <= now)) {
        let mut tx = store.write().await?;
        server_secrets::delete_unread(&mut tx, now).await?;
        versions::bump(&mut tx, versions::Kind::Keys).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Replaces every secret that can be replaced, ahead of schedule. With `compromised`, previous versions are deleted
/// and all grants revoked, because their refresh tokens cannot be distinguished from forged ones.
///
/// It needs no open keyring, so that it also works after a secret was lost.
///
/// # Errors
/// If a sealed value cannot be opened, before anything is changed; database errors.
pub async fn replace_all(
    store: &Store,
    kek: &Kek,
    schedule: &Schedule,
    compromised: bool,
    trace: &Trace,
) -> Result<Replaced> {
    // Seals nothing under a key that is not the server's.
    Opened::read(store, kek).await?;
    let mut replaced = Replaced { secrets: Vec::new(), grants: 0 };
    for known in server_secrets::newest(store.db()).await? {
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.name() == known.name);
        let Some((purpose, read_for)) =
            purpose.and_then(|one| Some((one, one.read_for(schedule)?)))
        else {
            continue;
        };
        let read_for = Some(read_for).filter(|_| !compromised);
        if replace(store, kek, purpose, known.newest, read_for, trace).await? {
            replaced.secrets.push((purpose.name(), known.newest + 1));
        }
    }
    if compromised {
        replaced.grants = revoke_all_grants(store, trace).await?;
    }
    Ok(replaced)
}

async fn revoke_all_grants(store: &Store, trace: &Trace) -> Result<usize> {
    let mut count = 0;
    let mut last = String::new();
    loop {
        let revoked = grants::revoke_batch(store.db(), &last, BATCH, trace.now()).await?;
        count += revoked.len();
        match revoked.into_iter().next_back() {
            Some(id) => last = id,
            None => break,
        }
    }
    Event::success(Kind::GrantsRevoked).fact("grants", count).write_alone(store, trace).await?;
    Ok(count)
}

/// Adds the version after `before`. Older ones are used for `read_for`; with `None` they are deleted. `false` if another
/// replica was faster.
async fn replace(
    store: &Store,
    kek: &Kek,
    purpose: Purpose,
    before: i64,
    read_for: Option<Seconds>,
    trace: &Trace,
) -> Result<bool> {
    let (name, version, now) = (purpose.name(), before + 1, trace.now());
    let mut tx = store.write().await?;
    if !server_secrets::insert(&mut tx, name, before, &new(kek, name, version), now).await? {
        return Ok(false);
    }
    let kind = match read_for {
        Some(read_for) => {
            server_secrets::supersede(&mut tx, name, version, now + read_for).await?;
            Kind::SecretReplaced
        }
        None => {
            server_secrets::delete_before(&mut tx, name, version).await?;
            Kind::SecretCompromised
        }
    };
    Event::success(kind)
        .fact("secret", name)
        .fact("version", version)
        .write(&mut tx, trace)
        .await?;
    versions::bump(&mut tx, versions::Kind::Keys).await?;
    tx.commit().await?;
    Ok(true)
}

/// A new secret, sealed.
fn new(kek: &Kek, name: &str, version: i64) -> Vec<u8> {
    let mut secret = Zeroizing::new([0; 32]);
    entropy(secret.as_mut());
    let owner = server_secrets::owner(name, version);
    kek.seal(Owner(seal::Kind::ServerSecret, &owner), secret.as_ref())
}

/// The opened versions of all secrets.
pub(super) struct Opened(BTreeMap<String, Versions>);

/// From the oldest to the newest.
type Versions = BTreeMap<u32, Zeroizing<[u8; 32]>>;

impl Opened {
    /// Reads the secrets from the database and opens them.
    pub(super) async fn read(store: &Store, kek: &Kek) -> Result<Self> {
        let mut opened: BTreeMap<String, Versions> = BTreeMap::new();
        for row in server_secrets::all(store.db()).await? {
            let clear = unseal(kek, Owner(seal::Kind::ServerSecret, &row.owner()), &row.sealed)?;
            let bytes: [u8; 32] = clear
                .as_slice()
                .try_into()
                .map_err(|_| Failure::internal("a server secret does not have 32 bytes"))?;
            let version = u32::try_from(row.version).map_err(Failure::internal)?;
            opened.entry(row.name).or_default().insert(version, Zeroizing::new(bytes));
        }
        Ok(Self(opened))
    }

    fn of(&self, purpose: Purpose) -> Result<&Versions, Failure> {
        let name = purpose.name();
        let versions = self.0.get(name).filter(|versions| !versions.is_empty());
        versions.ok_or_else(|| Failure::Internal(format!("the secret {name} is missing")))
    }

    /// The one MAC of a secret that is never replaced.
    pub(super) fn mac(&self, purpose: Purpose) -> Result<Mac, Failure> {
        let newest = self.of(purpose)?.values().next_back();
        let newest = newest.ok_or_else(|| Failure::internal("a secret has no version"))?;
        Ok(Mac::new(newest, purpose.name()))
    }

    /// The MACs of a secret; `use_of` separates several uses of one secret.
    pub(super) fn macs(
        &self,
        purpose: Purpose,
        use_of: &'static str,
    ) -> Result<VersionedMac, Failure> {
        let versions = self.of(purpose)?.iter().map(|(version, key)| (*version, &**key));
        VersionedMac::new(versions, use_of)
            .ok_or_else(|| Failure::internal("a secret has no version"))
    }

    /// The keys of a secret for sealing.
    pub(super) fn sealing(&self, purpose: Purpose) -> Result<Kek, Failure> {
        Kek::of(self.of(purpose)?.values().rev().map(|key| &**key))
            .ok_or_else(|| Failure::internal("a secret has no version"))
    }
}
