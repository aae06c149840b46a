//! The certificate that a name shows.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::pki::Identity;
use crate::types::Timestamp;

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

impl Files {
    pub(super) fn of(chain: &Option<PathBuf>, key: &Option<PathBuf>) -> Option<Self> {
        chain.clone().zip(key.clone()).map(|(chain, key)| Self { chain, key })
    }
}

/// What is shown now.
#[derive(Debug)]
pub(super) struct Shown {
    identity: RwLock<Identity>,
}

impl Shown {
    /// Reads it. One that has expired is shown all the same, and told: clients say more clearly what is
    /// wrong than a port where nobody listens.
    pub(super) fn open(
        files: Files,
        provider: &CryptoProvider,
        now: Timestamp,
    ) -> Result<Self, String> {
        let identity = Identity::load(&files.chain, &files.key, provider)?;
        if let Err(why) = identity.in_force(now) {
            tracing::error!(file = %files.chain.display(), why, "no client will accept our certificate");
        }
        Ok(Self { identity: RwLock::new(identity) })
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let identity = self.identity.read().unwrap_or_else(PoisonError::into_inner);
        Some(identity.key.clone())
    }
}
