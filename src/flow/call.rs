//! What a rule can use during one request.

use crate::flow::clients::keys::ClientKeys;
use crate::flow::keys::{Keyring, Keys};
use crate::flow::tokens::possession::Possession;
use crate::outbound::Outbound;
use crate::pki::Certificate;
use crate::pki::anchors::Trust;
use crate::pki::revocation::{RevocationChecker, Revocations};
use crate::pki::sightings::Sightings;
use crate::record::{Clock, Context, Metrics, Recorder};
use crate::store::cache::Cache;
use crate::types::{ClientId, Failure, Result};
use std::ops::Deref;
use std::sync::Arc;

/// One request, with the services that the rules use and the time that they decide by.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
    /// Clients and resources.
    pub cache: &'a Cache,
    /// The keys of this server.
    pub keyring: &'a Keyring,
    /// The keys of clients.
    pub client_keys: &'a ClientKeys,
    /// The trust anchors for the certificates of clients.
    pub trust: &'a Trust,
    /// The revocation status of certificates, as their CAs publish it.
    pub revocations: &'a Revocations,
    /// The one HTTP client.
    pub outbound: &'a Outbound,
    /// The audit trail.
    pub recorder: &'a Recorder,
    /// Recorder of presented certificates.
    pub sightings: &'a Sightings,
    /// Metrics.
    pub metrics: &'a Metrics,
    /// The clock: a statement may be sent long after the request was received.
    pub clock: &'a Clock,
    /// The certificate and the key that the sender has proved to possess.
    pub possession: Possession,
}

impl<'a> Deref for Call<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl Call<'_> {
    /// The current keys, at most a second old.
    ///
    /// # Errors
    /// `Busy` if the cache could not be confirmed.
    pub fn keys(&self) -> Result<Arc<Keys>, Failure> {
        self.cache.must_be_confirmed()?;
        Ok(self.keyring.keys())
    }

    /// Records in the inventory that this authenticated client presented the certificate of the request, if there is
    /// one.
    pub fn note_certificate(&self, client: &ClientId) {
        if let Some(certificate) = &self.possession.certificate {
            self.sightings.note(certificate, client, self.now);
        }
    }

    /// Whether this server has revoked a certificate, one of its chain, or the key of one of them. It needs no query.
    ///
    /// # Errors
    /// 503 if the cache of revoked certificates could not be confirmed, or too many chains are being validated.
    pub async fn is_revoked(&self, presented: &Arc<Certificate>) -> Result<bool> {
        let revoked = self.cache.revoked().await?;
        if revoked.is_empty() {
            return Ok(false);
        }
        if revoked.has(presented.thumbprint, presented.public_key) {
            return Ok(true);
        }
        let chain = self.trust.chain(presented, self.now).await?;
        Ok(chain.is_ok_and(|chain| {
            chain.issuers.iter().any(|one| revoked.has(one.thumbprint, one.public_key))
        }))
    }

    /// Checks the revocation status of certificates.
    pub fn revocation_checker(&self) -> RevocationChecker<'_> {
        RevocationChecker {
            context: self.context,
            revocations: self.revocations,
            outbound: self.outbound,
            metrics: self.metrics,
        }
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }
}
