//! What a rule may reach while it answers one request.

use crate::config::Config;
use crate::flow::clients::keys::ClientKeys;
use crate::flow::keys::{Keyring, Keys};
use crate::flow::tokens::possession::Held;
use crate::outbound::Outbound;
use crate::pki::Certificate;
use crate::pki::anchors::Trust;
use crate::pki::revocation::{RevocationChecker, Revocations};
use crate::pki::sightings::Sightings;
use crate::record::{Clock, Metrics, Recorder, Trace};
use crate::store::Store;
use crate::store::cache::Cache;
use crate::types::{ClientId, Failure, Result, Timestamp};
use std::sync::Arc;

/// One request: what stands behind it, and the time at which it is judged.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The database.
    pub store: &'a Store,
    /// Clients and resources.
    pub cache: &'a Cache,
    /// Our signing keys.
    pub keyring: &'a Keyring,
    /// The keys of clients.
    pub client_keys: &'a ClientKeys,
    /// Who is believed about the certificates of clients.
    pub trust: &'a Trust,
    /// What others say of the certificates that they issued.
    pub revocations: &'a Revocations,
    /// The one HTTP client.
    pub outbound: &'a Outbound,
    /// The audit trail.
    pub recorder: &'a Recorder,
    /// Certificates that were shown.
    pub sightings: &'a Sightings,
    /// The counters.
    pub metrics: &'a Metrics,
    /// The settings.
    pub config: &'a Config,
    /// What tells how late it is meanwhile: a statement may be sent long after the request came.
    pub clock: &'a Clock,
    /// Read once, when the request came.
    pub now: Timestamp,
    /// What the request is called, and where it comes from.
    pub trace: Trace,
    /// What whoever sends it has shown that it holds.
    pub held: Held,
}

impl Call<'_> {
    /// Our signing keys, as they were at most a second ago.
    ///
    /// # Errors
    /// `Busy`, when nobody can say whether they are still so.
    pub fn keys(&self) -> Result<Arc<Keys>, Failure> {
        self.cache.must_be_confirmed()?;
        Ok(self.keyring.keys())
    }

    /// Notes for the inventory that this client, which was proven, has shown the certificate of the
    /// request, if it came with one.
    pub fn note_certificate(&self, client: &ClientId) {
        if let Some(certificate) = &self.held.certificate {
            self.sightings.note(certificate, client, self.now);
        }
    }

    /// Whether a certificate was revoked here, or one above it by which we would believe it, or the key of one
    /// of them is known to somebody else. It costs no query.
    ///
    /// # Errors
    /// 503 when nobody can say what was revoked, or too many certificates are being judged.
    pub async fn is_revoked(&self, shown: &Arc<Certificate>) -> Result<bool> {
        let revoked = self.cache.revoked().await?;
        if revoked.is_empty() {
            return Ok(false);
        }
        if revoked.has(shown.thumbprint, shown.public_key) {
            return Ok(true);
        }
        let chain = self.trust.chain(shown, self.now).await?;
        Ok(chain.is_ok_and(|chain| {
            chain.issuers.iter().any(|one| revoked.has(one.thumbprint, one.public_key))
        }))
    }

    /// Judges whether certificates were revoked.
    pub fn revocation_checker(&self) -> RevocationChecker<'_> {
        RevocationChecker {
            revocations: self.revocations,
            store: self.store,
            outbound: self.outbound,
            metrics: self.metrics,
            config: self.config,
            trace: &self.trace,
        }
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }
}
