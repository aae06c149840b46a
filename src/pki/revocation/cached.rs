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
    let mut said = Vec::new();
    if let Some(responder) = &link.ocsp_url
        && let Some(kept) =
            revocation_answers::find(store.db(), link.ocsp_cache_key(responder)).await?
    {
        let id = CertId::new(Hash::Sha1, &link.issuer, &link.serial)?;
        // Verified as of then, because it may have expired since.
        let verifier =
            ResponseVerifier { id: &id, issuer: &link.issuer, nonce: None, now: kept.fetched_at };
        if let Ok(answer) = verifier.verify(&kept.body) {
            said.push(CachedStatus {
                kind: "ocsp",
                source_url: responder.clone(),
                status: answer.status,
                fetched_at: kept.fetched_at,
                expires_at: answer.expires_at(),
            });
        }
    }
    for url in &link.crl_urls {
        let kept = revocation_answers::find(store.db(), link.crl_cache_key(url.as_bytes())).await?;
        if let Some(kept) = kept
            && let Ok(list) = Crl::parse(&kept.body, &link.issuer)
            && let Ok(status) = list.status(&link, kept.fetched_at)
        {
            said.push(CachedStatus {
                kind: "crl",
                source_url: url.clone(),
                status,
                fetched_at: kept.fetched_at,
                expires_at: list.next_update,
            });
        }
    }
    Ok(said)
}
