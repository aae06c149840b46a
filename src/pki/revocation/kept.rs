//! What was last said of a certificate, as it is kept: for people who ask, and nobody else is asked.

use rustls_pki_types::CertificateDer;

use crate::pki::crl::Crl;
use crate::pki::link::Link;
use crate::pki::ocsp::{Asked, CertId, Hash, Status};
use crate::store::{Store, revocation_answers};
use crate::types::{Failure, Timestamp};

/// What somebody has said of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `ocsp` or `crl`
    pub source: &'static str,
    /// Where it was fetched from.
    pub place: String,
    /// What it is.
    pub status: Status,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// What is kept of those whom a certificate names, if `issuer` has issued it and they speak for it.
///
/// # Errors
/// What the database says.
pub async fn last_said(
    store: &Store,
    certificate: &CertificateDer<'_>,
    issuer: &CertificateDer<'_>,
) -> Result<Vec<Said>, Failure> {
    let Ok(link) = Link::read(certificate, issuer) else {
        return Ok(Vec::new());
    };
    let mut said = Vec::new();
    if let Some(responder) = &link.responder
        && let Some(kept) = revocation_answers::find(store.db(), link.answer(responder)).await?
    {
        let id = CertId::of(Hash::Sha1, &link.issuer, &link.serial)?;
        // As it was then: it may be over by now.
        let asked = Asked { id: &id, issuer: &link.issuer, nonce: None, now: kept.fetched_at };
        if let Ok(answer) = asked.read(&kept.body) {
            said.push(Said {
                source: "ocsp",
                place: responder.clone(),
                status: answer.status,
                fetched_at: kept.fetched_at,
                expires_at: answer.expires_at(),
            });
        }
    }
    for url in &link.lists {
        let kept = revocation_answers::find(store.db(), link.list(url.as_bytes())).await?;
        if let Some(kept) = kept
            && let Ok(list) = Crl::read(&kept.body, &link.issuer)
            && let Ok(status) = list.status(&link, kept.fetched_at)
        {
            said.push(Said {
                source: "crl",
                place: url.clone(),
                status,
                fetched_at: kept.fetched_at,
                expires_at: list.next_update,
            });
        }
    }
    Ok(said)
}
