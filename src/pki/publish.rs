//! Publishes the revocations of the built-in CA: as a CRL ([RFC 5280 §5]) and by OCSP ([RFC 6960],
//! [RFC 5019]).
//!
//! [RFC 5280 §5]: https://www.rfc-editor.org/rfc/rfc5280#section-5
//! [RFC 6960]: https://www.rfc-editor.org/rfc/rfc6960
//! [RFC 5019]: https://www.rfc-editor.org/rfc/rfc5019

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams,
    SerialNumber, SigningKey as _,
};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate};

use super::ca::{BuiltInCa, SKEW, offset_date_time};
use super::ocsp::{CertId, CertificateStatus, Request, Response, Status, Unsuccessful};
use super::{Issuer, Reason, description};
use crate::store::authorities::{self, AuthorityRow, Crl, Revoked};
use crate::store::versions;
use crate::types::{Code, Failure, Result, Seconds};

/// The longest validity of an OCSP response.
const RESPONSE_LIFETIME: Seconds = Seconds::hours(1);

/// How long an expired certificate stays on the CRL: a verifier's clock may be behind.
const KEEP_EXPIRED: Seconds = Seconds::days(1);

/// The most certificates that are looked up to find the intended one of several possible requests.
const MAX_LOOKUPS: usize = 16;

impl BuiltInCa<'_> {
    /// The CRL of an issuing certificate. All replicas serve the same one; a new one is created
    /// after each revocation.
    ///
    /// # Errors
    /// `not_found` when there is no such issuing certificate.
    pub async fn crl(&self, id: &str) -> Result<Vec<u8>> {
        let row = self.issuing_row(id).await?;
        let db = self.store.db();
        // Read before the list: a later revocation causes the next CRL.
        let version = versions::all(self.store).await?.revocations;
        let stored = authorities::crl(db, id).await?;
        if let Some(stored) = &stored
            && stored.version == version
            && self.now < stored.made_at + Seconds((stored.next_at - stored.made_at).0 / 2)
        {
            return Ok(stored.der.clone());
        }
        let next = self.make_crl(row, stored.as_ref(), version).await?;
        if authorities::store_crl(db, id, &next).await? {
            return Ok(next.der);
        }
        // Another replica was faster: two CRLs never have the same number.
        let stored = authorities::crl(db, id).await?;
        Ok(stored.ok_or_else(|| Failure::internal("a CRL is missing"))?.der)
    }

    /// An issuing certificate in DER.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn certificate(&self, id: &str) -> Result<Vec<u8>> {
        Ok(self.issuing_row(id).await?.certificate)
    }

    /// The response to a request about certificates that the built-in CA issued. Error responses
    /// are not signed.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn ocsp(&self, request: &[u8]) -> Result<Vec<u8>> {
        let Ok(request) = Request::from_der(request) else {
            return Ok(Unsuccessful::MalformedRequest.to_der()?);
        };
        let rows = authorities::all(self.store.db()).await?;
        for row in rows.into_iter().filter(|row| !row.is_root) {
            let certificate = CertificateDer::from(row.certificate.as_slice());
            let issuer = Issuer::from_der(&certificate).map_err(Failure::internal)?;
            if request.cert_ids.iter().all(|id| id.is_issued_by(&issuer)) {
                return self.ocsp_response(row, &issuer, request).await;
            }
        }
        // > The response "unauthorized" is returned in cases where [...] the server is not capable of
        // > responding authoritatively (RFC 5019 §2.2.3)
        Ok(Unsuccessful::Unauthorized.to_der()?)
    }

    /// The response to one of several possible requests, if the transport made the request
    /// ambiguous: the first about a known certificate, else the first about our CA.
    ///
    /// # Errors
    /// Those of [`BuiltInCa::ocsp`].
    pub async fn ocsp_for_any(&self, requests: &[Vec<u8>]) -> Result<Vec<u8>> {
        let [first, others @ ..] = requests else {
            return Ok(Unsuccessful::MalformedRequest.to_der()?);
        };
        let mut about_us = first;
        if !others.is_empty() {
            let rows = authorities::all(self.store.db()).await?;
            let mut lookups = MAX_LOOKUPS;
            'requests: for request in requests.iter().rev() {
                let Ok(read) = Request::from_der(request) else { continue };
                for row in rows.iter().filter(|row| !row.is_root) {
                    let certificate = CertificateDer::from(row.certificate.as_slice());
                    let issuer = Issuer::from_der(&certificate).map_err(Failure::internal)?;
                    if lookups == 0 || !read.cert_ids.iter().all(|id| id.is_issued_by(&issuer)) {
                        continue;
                    }
                    about_us = request;
                    for id in &read.cert_ids {
                        lookups = lookups.saturating_sub(1);
                        if self.status(row, id).await? != Status::Unknown {
                            break 'requests;
                        }
                    }
                }
            }
        }
        self.ocsp(about_us).await
    }

    async fn ocsp_response(
        &self,
        row: AuthorityRow,
        issuer: &Issuer,
        request: Request,
    ) -> Result<Vec<u8>> {
        let now = self.now;
        let mut responses = Vec::with_capacity(request.cert_ids.len());
        for id in request.cert_ids {
            let answer = CertificateStatus {
                status: self.status(&row, &id).await?,
                this_update: now,
                next_update: Some(now + RESPONSE_LIFETIME.min(self.config.ca.crl_lifetime)),
            };
            responses.push((id, answer));
        }
        let issuing = self.open_row(row)?;
        let key = issuing.issuer.key();
        let response = Response { responses, nonce: request.nonce, produced_at: now };
        let signed =
            response.sign_with_algorithm(key.signature_algorithm(), issuer, &[], |message| {
                key.sign(message).map_err(Failure::internal)
            })?;
        Ok(signed)
    }

    async fn status(&self, row: &AuthorityRow, id: &CertId) -> Result<Status> {
        let serial = description::serial(id.serial());
        let issued = authorities::revocation_status(self.store.db(), &row.id, &serial).await?;
        Ok(match issued {
            None => Status::Unknown,
            Some(issued) => match issued.revoked_at {
                None => Status::Good,
                Some(at) => Status::Revoked { at, reason: parse_reason(issued.reason.as_deref()) },
            },
        })
    }

    async fn issuing_row(&self, id: &str) -> Result<AuthorityRow> {
        let found = authorities::find(self.store.db(), id).await?;
        let found = found.filter(|row| !row.is_root);
        Ok(found.ok_or_else(|| Code::NotFound.because("there is no such issuing certificate"))?)
    }

    async fn make_crl(&self, row: AuthorityRow, stored: Option<&Crl>, version: i64) -> Result<Crl> {
        let now = self.now;
        let listed = authorities::revoked(self.store.db(), &row.id, now - KEEP_EXPIRED).await?;
        // The number is at least the time, so a database restored from a backup does not repeat
        // numbers.
        let number = stored.map_or(0, |stored| stored.number + 1).max(now.0);
        let next_at = now + self.config.ca.crl_lifetime;
        let entries: Result<_> = listed.iter().map(crl_entry).collect();
        let params = CertificateRevocationListParams {
            this_update: offset_date_time(now - SKEW)?,
            next_update: offset_date_time(next_at)?,
            crl_number: SerialNumber::from(number.unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: entries?,
            key_identifier_method: key_identifier(&row.certificate),
        };
        let issuing = self.open_row(row)?;
        let list = params.signed_by(&issuing.issuer).map_err(Failure::internal)?;
        Ok(Crl { number, der: list.der().to_vec(), version, made_at: now, next_at })
    }
}

fn crl_entry(revoked: &Revoked) -> Result<RevokedCertParams> {
    let serial = serial_bytes(&revoked.serial)
        .ok_or_else(|| Failure::internal("a serial number is not hexadecimal"))?;
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: offset_date_time(revoked.revoked_at)?,
        reason_code: Some(to_rcgen(parse_reason(revoked.reason.as_deref()))),
        invalidity_date: None,
    })
}

/// The inverse of [`description::serial`].
fn serial_bytes(serial: &str) -> Option<Vec<u8>> {
    let serial =
        if serial.len().is_multiple_of(2) { serial.to_owned() } else { format!("0{serial}") };
    let pairs = serial.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn parse_reason(name: Option<&str>) -> Reason {
    name.and_then(Reason::parse).unwrap_or_default()
}

const fn to_rcgen(reason: Reason) -> RevocationReason {
    match reason {
        Reason::Unspecified => RevocationReason::Unspecified,
        Reason::KeyCompromise => RevocationReason::KeyCompromise,
        Reason::CaCompromise => RevocationReason::CaCompromise,
        Reason::AffiliationChanged => RevocationReason::AffiliationChanged,
        Reason::Superseded => RevocationReason::Superseded,
        Reason::CessationOfOperation => RevocationReason::CessationOfOperation,
        Reason::CertificateHold => RevocationReason::CertificateHold,
        Reason::RemoveFromCrl => RevocationReason::RemoveFromCrl,
        Reason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        Reason::AaCompromise => RevocationReason::AaCompromise,
    }
}

/// The key identifier in the issuing certificate. An imported certificate may use another method.
fn key_identifier(certificate: &[u8]) -> KeyIdMethod {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return KeyIdMethod::Sha256;
    };
    let named = parsed.extensions().iter().find_map(|extension| {
        if let ParsedExtension::SubjectKeyIdentifier(named) = extension.parsed_extension() {
            return Some(named.0.to_vec());
        }
        None
    });
    named.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)
}
