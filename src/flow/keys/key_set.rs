//! The keys of the server at one version: what signs, what verifies, and the secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::document::Document;
use super::sealed::unseal;
use super::secrets::{Opened, Purpose};
use crate::jose::jwk::{Jwks, PublicKey};
use crate::jose::mac::{Mac, VersionedMac};
use crate::jose::seal::{self, Kek, Owner};
use crate::jose::sign::SigningKey;
use crate::store::signing_keys::{self, State};
use crate::store::{Store, versions};
use crate::types::{Algorithm, Failure, Result};

/// The most verified access tokens that are cached: about a megabyte.
const VERIFIED: usize = 16 * 1024;

/// The keys at one version.
pub struct Keys {
    active: BTreeMap<Algorithm, Arc<SigningKey>>,
    /// The keys that verify presented tokens.
    pub published: Jwks,
    /// Digests of JWT access tokens whose signatures `published` has verified, since a token is presented many times.
    /// When a key is withdrawn, a new set with an empty cache replaces this one.
    pub verified: quick_cache::sync::Cache<[u8; 32], ()>,
    /// The keys that verify an `id_token_hint`: also retired ones, since a hint may be old.
    pub hints: Jwks,
    /// `/jwks`
    pub jwks: Document,
    /// The MAC of refresh tokens.
    pub refresh: VersionedMac,
    /// The MAC of DPoP nonces (RFC 9449 §8).
    pub dpop: VersionedMac,
    /// The salt of pairwise subjects (OIDC Core §8.1): it has one version.
    pub pairwise: Mac,
    /// The MAC of `sid`: it has one version, so that `sid` is constant for the lifetime of a session.
    pub sid: Mac,
    /// Seals page state in the browser, with kind and identifier as the owner.
    pub pages: Kek,
    /// The MAC of codes that a repeated form must produce again.
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
    /// If there is no such key; registration and configuration prevent that.
    pub fn signing(&self, algorithm: Algorithm) -> Result<&SigningKey, Failure> {
        let key = self.active.get(&algorithm);
        key.map(Arc::as_ref)
            .ok_or_else(|| Failure::internal(format!("there is no active key for {algorithm}")))
    }

    /// The algorithms with an active key.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.active.keys().copied()
    }

    /// The version of these keys: a counter in `versions`.
    pub(super) const fn version(&self) -> i64 {
        self.version
    }

    /// Reads the keys from the database.
    pub(super) async fn read(store: &Store, kek: &Kek) -> Result<Self> {
        // The version first, so that the rows are at least as new.
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
                    // Parsed once: it verifies nearly all presented tokens.
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
        Ok(Self {
            active,
            published: published.into_iter().collect(),
            verified: quick_cache::sync::Cache::new(VERIFIED),
            hints: hints.into_iter().collect(),
            jwks: Document::from_json(&json!({ "keys": jwks })),
            refresh: macs(Purpose::RefreshTokens)?,
            dpop: macs(Purpose::DpopNonces)?,
            pairwise: opened.mac(Purpose::PairwiseSubjects)?,
            sid: opened.mac(Purpose::Sid)?,
            pages: opened.sealing(Purpose::Pages)?,
            codes: opened.macs(Purpose::Pages, "codes")?,
            version,
        })
    }
}
