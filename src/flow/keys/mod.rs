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
use crate::jose::seal::{Kek, Owner, Unopened};
use crate::record::Trace;
use crate::store::{Store, versions};
use crate::types::{Result, Timestamp};

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
        rotation::keep_pending(store, &kek, &schedule, trace).await?;
        let keys = Keys::read(store, &kek).await?;
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
        if self.keys().version() == version {
            return Ok(());
        }
        let keys = Arc::new(Keys::read(store, &self.kek).await?);
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
}

#[cfg(test)]
mod tests;
