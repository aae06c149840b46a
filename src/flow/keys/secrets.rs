//! The server's own secrets: what each is for, and the versions of it (DESIGN §3).
//!
//! The newest version makes; older ones are read as long as something that they made may be valid. What a
//! secret makes names the version, but for version 1, which is older than versions.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::unseal;
use crate::jose::mac::{Mac, VersionedMac};
use crate::jose::seal::{self, Kek, Owner};
use crate::store::{Store, grants, server_secrets};
use crate::types::secret::entropy;
use crate::types::{Failure, Result, Timestamp};

/// What the server keeps a secret for. Each is made at the first start that knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The MAC of refresh tokens.
    RefreshTokens,
    /// The MAC of DPoP nonces (RFC 9449 §8).
    DpopNonces,
    /// State of pages that the browser keeps, and the codes that are computed again.
    Pages,
    /// The salt of pairwise subjects (OIDC Core §8.1).
    PairwiseSubjects,
    /// The MAC that `sid` is.
    Sid,
}

impl Purpose {
    pub(super) const ALL: [Self; 5] =
        [Self::RefreshTokens, Self::DpopNonces, Self::Pages, Self::PairwiseSubjects, Self::Sid];

    /// As it stands in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RefreshTokens => "refresh-tokens",
            Self::DpopNonces => "dpop-nonces",
            Self::Pages => "pages",
            Self::PairwiseSubjects => "pairwise-subjects",
            Self::Sid => "sid",
        }
    }
}

/// Makes the secrets that there have never been. One that there has been, and whose row is lost, is never
/// made anew in silence: everything that it made would be void.
pub(super) async fn ensure(store: &Store, kek: &Kek, now: Timestamp) -> Result<()> {
    let known = server_secrets::newest(store.db()).await?;
    let rows = server_secrets::all(store.db()).await?;
    let is_new = |name: &&str| !known.iter().any(|known| known.name == *name);
    let new: Vec<_> = Purpose::ALL.into_iter().map(Purpose::name).filter(is_new).collect();
    make(store, kek, &new, now).await?;
    for purpose in Purpose::ALL {
        let name = purpose.name();
        let Some(known) = known.iter().find(|known| known.name == name) else {
            continue;
        };
        if rows.iter().any(|row| row.name == name && row.version == known.newest) {
            continue;
        }
        if grants::any_live(store.db(), now).await? {
            return Err(Failure::Internal(format!(
                "the secret {name} is missing from server_secrets, and what it made is in use: bring the row back from the backup, or end all refresh tokens with `gatewright key rotate --secrets --compromised`"
            ))
            .into());
        }
        tracing::warn!(secret = name, "a secret was missing and is made anew: no grant is alive");
        add(store, kek, name, known.newest, now).await?;
    }
    Ok(())
}

/// Makes secrets that there have never been, all of them or none: of two servers that start at once, each with
/// a key-encryption key of its own, one has made them all, and the other cannot open them and says so.
async fn make(store: &Store, kek: &Kek, names: &[&str], now: Timestamp) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    for name in names {
        if !server_secrets::insert(&mut tx, name, 0, &new(kek, name, 1), now).await? {
            // Another one was quicker.
            return Ok(());
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn add(store: &Store, kek: &Kek, name: &str, before: i64, now: Timestamp) -> Result<()> {
    let mut tx = store.write().await?;
    server_secrets::insert(&mut tx, name, before, &new(kek, name, before + 1), now).await?;
    tx.commit().await?;
    Ok(())
}

/// A new secret, sealed.
fn new(kek: &Kek, name: &str, version: i64) -> Vec<u8> {
    let mut secret = Zeroizing::new([0; 32]);
    entropy(secret.as_mut());
    let owner = server_secrets::owner(name, version);
    kek.seal(Owner(seal::Kind::ServerSecret, &owner), secret.as_ref())
}

/// The versions of all secrets, opened.
pub(super) struct Opened(BTreeMap<String, Versions>);

/// From the oldest to the newest.
type Versions = BTreeMap<u32, Zeroizing<[u8; 32]>>;

impl Opened {
    /// Reads and opens what stands in the database.
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
        let found = self.0.get(name).filter(|versions| !versions.is_empty());
        found.ok_or_else(|| Failure::Internal(format!("the secret {name} is missing")))
    }

    /// The one MAC of a secret that is never replaced.
    pub(super) fn mac(&self, purpose: Purpose) -> Result<Mac, Failure> {
        let newest = self.of(purpose)?.values().next_back();
        let newest = newest.ok_or_else(|| Failure::internal("a secret has no version"))?;
        Ok(Mac::new(newest, purpose.name()))
    }

    /// The MACs of a secret; `use_of` keeps apart what one secret serves for.
    pub(super) fn macs(
        &self,
        purpose: Purpose,
        use_of: &'static str,
    ) -> Result<VersionedMac, Failure> {
        let versions = self.of(purpose)?.iter().map(|(version, key)| (*version, &**key));
        VersionedMac::new(versions, use_of)
            .ok_or_else(|| Failure::internal("a secret has no version"))
    }

    /// The keys of a secret that seals.
    pub(super) fn sealing(&self, purpose: Purpose) -> Result<Kek, Failure> {
        Kek::of(self.of(purpose)?.values().rev().map(|key| &**key))
            .ok_or_else(|| Failure::internal("a secret has no version"))
    }
}
