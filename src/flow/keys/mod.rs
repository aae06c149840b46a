//! The server's own keys: signing keys and their life, the server's secrets, and the key-encryption key
//! under which both are sealed.

mod document;
pub mod kek;
mod key_set;
mod rotation;
mod sealed;
mod secrets;

use std::sync::{Arc, RwLock};

use zeroize::Zeroizing;

pub use self::document::Document;
pub use self::key_set::Keys;
pub use self::rotation::Schedule;
use self::sealed::reseal;
use self::secrets::Opened;
pub use self::secrets::{Replaced, replace_all as replace_secrets};
use crate::jose::seal::{Kek, OpenError, Owner};
use crate::record::Trace;
use crate::store::{Store, versions};
use crate::types::{Result, Timestamp};

/// The current keys, and the key that seals them.
pub struct Keyring {
    kek: Kek,
    schedule: Schedule,
    current: RwLock<Arc<Keys>>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl Keyring {
    /// Opens the keys, and creates them at the first start. Values under a previous key-encryption key are sealed again
    /// under the current one.
    ///
    /// # Errors
    /// If a sealed value cannot be opened: the server must not start, and nothing is changed (THREATS KE-04).
    pub async fn open(store: &Store, kek: Kek, schedule: Schedule, trace: &Trace) -> Result<Self> {
        let now = Timestamp(trace.at_ms / 1000);
        reseal(store, &kek).await?;
        secrets::ensure(store, &kek, now).await?;
        // Of two concurrent first starts one has created the secrets; the other, with another key, fails here.
        Opened::read(store, &kek).await?;
        rotation::keep_pending(store, &kek, &schedule, trace).await?;
        let keys = Keys::read(store, &kek).await?;
        Ok(Self { kek, schedule, current: RwLock::new(Arc::new(keys)) })
    }

    /// The current keys.
    pub fn keys(&self) -> Arc<Keys> {
        let current = self.current.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        current.clone()
    }

    /// The key-encryption key.
    pub const fn kek(&self) -> &Kek {
        &self.kek
    }

    /// Opens page state from a browser. `None` if this server did not seal it, or its key has expired.
    ///
    /// # Errors
    /// Database errors.
    pub async fn open_page(
        &self,
        store: &Store,
        owner: Owner<'_>,
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.keys().pages.open(owner, sealed) {
            Ok(clear) => Ok(Some(clear)),
            Err(OpenError::Tampered) => Ok(None),
            // Another replica may have created the key a moment ago.
            Err(OpenError::OtherKey(_)) => {
                Ok(self.latest(store).await?.pages.open(owner, sealed).ok())
            }
        }
    }

    /// Loads the keys again, unless they have this version.
    ///
    /// # Errors
    /// Database errors.
    pub async fn confirm(&self, store: &Store, version: i64) -> Result<()> {
        if self.keys().version() == version {
            return Ok(());
        }
        let keys = Arc::new(Keys::read(store, &self.kek).await?);
        *self.current.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Loads the keys again if they have changed, before a request is refused for a key that another replica may have
    /// created a moment ago.
    ///
    /// # Errors
    /// Database errors.
    pub async fn latest(&self, store: &Store) -> Result<Arc<Keys>> {
        self.confirm(store, versions::all(store).await?.keys).await?;
        Ok(self.keys())
    }
}

#[cfg(test)]
mod tests;
