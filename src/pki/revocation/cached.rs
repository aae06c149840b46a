//! The cached status of a certificate, for the inventory. No source is queried.

use rustls_pki_types::CertificateDer;

use crate::pki::crl::Crl;
use crate::pki::link::Link;
use crate::pki::ocsp::{CertId, Hash, ResponseVerifier, Status};
use crate::store::{Store, revocation_answers};
use crate::types::{Failure, Timestamp};

/// A cached status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedStatus {
    /// `ocsp` or `crl`
    pub kind: &'static str,
    /// The URL that it was fetched from.
    pub source_url: String,
    /// The status.
    pub status: Status,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The cached responses and CRLs for a certificate, if `issuer` issued it and signed them.
///
/// # Errors
/// When the database fails.
pub async fn cached_statuses(
    store: &Store,
    certificate: &CertificateDer<'_>,
    issuer: &CertificateDer<'_>,
) -> Result<Vec<CachedStatus>, Failure> {
    let Ok(link) = Link::from_der(certificate, issuer) else {
        return Ok(Vec::new());
    };
    let mut statuses = Vec::new();
    if let Some(responder) = &link.ocsp_url
        && let Some(stored) =
            revocation_answers::find(store.db(), link.ocsp_cache_key(responder)).await?
    {
        let id = CertId::new(Hash::Sha1, &link.issuer, &link.serial)?;
        // Verified as of then, because it may have expired since.
        let verifier =
            ResponseVerifier { id: &id, issuer: &link.issuer, nonce: None, now: stored.fetched_at };
        if let Ok(answer) = verifier.verify(&stored.body) {
            statuses.push(CachedStatus {
                kind: "ocsp",
                source_url: responder.clone(),
                status: answer.status,
                fetched_at: stored.fetched_at,
                expires_at: answer.expires_at(),
            });
        }
    }
    for url in &link.crl_urls {
        let stored =
            revocation_answers::find(store.db(), link.crl_cache_key(url.as_bytes())).await?;
        if let Some(stored) = stored
            && let Ok(list) = Crl::parse(&stored.body, &link.issuer)
            && let Ok(status) = list.status(&link, stored.fetched_at)
        {
            statuses.push(CachedStatus {
                kind: "crl",
                source_url: url.clone(),
                status,
                fetched_at: stored.fetched_at,
                expires_at: list.next_update,
            });
        }
    }
    Ok(statuses)
}
