//! The inventory: every certificate that the server knows, its signing keys, and the clients and
//! tokens that depend on each certificate.

mod list;
mod revocation;
mod state;
mod tokens;

use std::ops::Deref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use serde_json::Value;

pub use self::list::{Entry, Listing};
pub use self::revocation::record_revocation;
pub(super) use self::revocation::webhook_json;
pub use self::state::{State, applicable_thresholds, late_after};
pub use self::tokens::Tokens;
use super::Certificate;
use super::anchors::Anchors;
use super::revocation::{CachedStatus, cached_statuses};
use crate::record::Context;
use crate::store::certificates::{self, CertificateRow, Origin};
use crate::store::signing_keys::{self, SigningKeyRow};
use crate::types::{ClientId, Result, Timestamp};

/// The inventory row of a certificate.
pub fn row(
    certificate: &Certificate,
    origin: Origin,
    client: Option<&ClientId>,
    now: Timestamp,
) -> CertificateRow {
    let about = certificate.describe();
    CertificateRow {
        thumbprint: certificate.thumbprint,
        public_key: certificate.public_key,
        origin,
        client_id: client.cloned(),
        subject: about.subject,
        names: certificate.names.to_texts(),
        issuer: about.issuer,
        serial: about.serial,
        key_type: about.key_type,
        key_bits: about.key_bits,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        der: certificate.der().to_vec(),
        first_seen_at: now,
        last_used_at: None,
        revoked_at: None,
        reason: None,
        chain_ends_at: None,
    }
}

/// The certificates in a JWK set that a client registers by value: the first of each `x5c` (RFC
/// 7517 §4.7). Certificates that cannot be parsed are skipped; the check of the registration
/// refuses them.
pub fn registered_rows(jwks: &Value, client: &ClientId, now: Timestamp) -> Vec<CertificateRow> {
    let keys = jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let parse = |key: &Value| {
        let text = key.get("x5c")?.get(0)?.as_str()?;
        // > each string in the array is a base64-encoded (Section 4 of RFC 4648, not
        // > base64url-encoded) DER PKIX certificate value
        let certificate = Certificate::parse(&STANDARD.decode(text).ok()?, &[]).ok()?;
        Some(row(&certificate, Origin::Registered, Some(client), now))
    };
    keys.iter().filter_map(parse).collect()
}

/// The inventory row of a trust anchor or intermediate certificate that is in use now.
pub(super) fn ca_row(der: &[u8], origin: Origin, now: Timestamp) -> Option<CertificateRow> {
    let certificate = Certificate::parse(der, &[]).ok()?;
    let mut row = row(&certificate, origin, None, now);
    row.last_used_at = Some(now);
    Some(row)
}

/// The inventory row of a certificate without a client.
pub fn seen_row(certificate: &Certificate, now: Timestamp) -> CertificateRow {
    row(certificate, Origin::Seen, None, now)
}

/// The certificate inventory.
#[derive(Clone, Copy, Debug)]
pub struct Inventory<'a> {
    /// The shared dependencies.
    pub context: Context<'a>,
}

impl<'a> Deref for Inventory<'a> {
    type Target = Context<'a>;

    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

impl Inventory<'_> {
    /// The cached revocation status of a certificate, without querying a responder.
    ///
    /// # Errors
    /// When the database does not respond.
    pub async fn cached_statuses(&self, row: &CertificateRow) -> Result<Vec<CachedStatus>> {
        let certificate = CertificateDer::from(row.der.as_slice());
        let issuers = certificates::cas_by_subject(self.store.db(), &row.issuer).await?;
        for issuer in issuers {
            // Statuses signed by another CA of the same name are not returned: its key differs.
            let issuer = CertificateDer::from(issuer.der);
            let statuses = cached_statuses(self.store, &certificate, &issuer).await?;
            if !statuses.is_empty() {
                return Ok(statuses);
            }
        }
        Ok(Vec::new())
    }

    /// Records the certificates of our listeners. One that is not recorded for an hour has been
    /// replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_own(&self, certificates: &[Arc<Certificate>]) -> sqlx::Result<()> {
        for certificate in certificates {
            let mut row = row(certificate, Origin::Own, None, self.now);
            row.last_used_at = Some(self.now);
            certificates::record(self.store.db(), &row).await?;
        }
        Ok(())
    }

    /// Records the configured trust anchors. One that is not recorded for an hour is no longer
    /// configured. Certificates of the built-in CA are already in the inventory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_anchors(&self, anchors: &Anchors) -> sqlx::Result<()> {
        for set in anchors.sets().filter(|set| !set.is_built_in) {
            // A trust anchor that `Certificate` cannot parse is used but not monitored.
            let rows = set.certificates.iter();
            for row in rows.filter_map(|der| ca_row(der, Origin::Anchor, self.now)) {
                certificates::record(self.store.db(), &row).await?;
            }
        }
        Ok(())
    }

    /// The signing keys, which have a lifetime but no certificate.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(&self) -> sqlx::Result<Vec<SigningKeyRow>> {
        signing_keys::all(self.store.db()).await
    }
}
