//! Certificate revocation lists: [RFC 5280 §5], parsed by `rustls-webpki`.
//!
//! Only complete CRLs are supported: no delta CRLs ([RFC 5280 §5.2.4]), no indirect CRLs, none
//! limited to some reasons. A CRL that refers to deltas (`freshestCRL`) is used by itself until its
//! `nextUpdate`.
//!
//! [RFC 5280 §5]: https://www.rfc-editor.org/rfc/rfc5280#section-5
//! [RFC 5280 §5.2.4]: https://www.rfc-editor.org/rfc/rfc5280#section-5.2.4

use std::time::Duration;

use der::asn1::{AnyRef, BitString};
use der::{Decode as _, Encode as _, Reader as _, Sequence, SliceReader};
use rustls_pki_types::UnixTime;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_cert::ext::pkix::crl::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::time::Time;

use super::link::Link;
use super::ocsp::Status;
use super::{Issuer, Reason};
use crate::types::{Seconds, Timestamp, pem};

/// The media type of a CRL (RFC 2585 §4.2).
pub const MEDIA_TYPE: &str = "application/pkix-crl";

/// Errors of a valid CRL that does not cover a certificate.
const OTHER_ISSUER: &str = "the CRL is of another issuer";
const OTHER_CERTIFICATES: &str = "the CRL is about other certificates";

const NOT_A_CRL: &str = "this is not a CRL";
const BAD_DATES: &str = "the dates of the CRL cannot be read";

/// Whether the error means that the CRL is valid but does not cover the certificate.
pub fn is_out_of_scope(why: &str) -> bool {
    why == OTHER_ISSUER || why == OTHER_CERTIFICATES
}

/// Tolerated difference to the CA's clock.
const LEEWAY: Seconds = Seconds::minutes(5);

/// A CRL whose signature was verified.
#[derive(Debug)]
pub struct Crl {
    list: CertRevocationList<'static>,
    scope: Scope,
    /// When it was issued.
    pub this_update: Timestamp,
    /// When the next one is due at the latest.
    pub next_update: Timestamp,
}

/// The certificates that a CRL covers (RFC 5280 §5.2.5).
#[derive(Debug, Default)]
struct Scope {
    only_users: bool,
    only_cas: bool,
    /// Distribution points; if not empty, only certificates that name one of them are covered.
    points: Vec<String>,
}

/// `CertificateList`, with the signed part as it was encoded.
#[derive(Sequence)]
struct CertificateList<'a> {
    tbs_cert_list: AnyRef<'a>,
    signature_algorithm: AnyRef<'a>,
    signature: BitString,
}

impl Crl {
    /// Parses a CRL in any supported encoding ([`pem`]) and verifies that `issuer` signed it. If
    /// there are several, returns the first that `issuer` signed.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(bytes: &[u8], issuer: &Issuer) -> Result<Self, &'static str> {
        let mut why = NOT_A_CRL;
        for der in pem::objects(bytes, pem::Kind::Crl).map_err(|_| NOT_A_CRL)? {
            match Self::from_der(&der, issuer) {
                Ok(list) => return Ok(list),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// Parses a CRL in DER and verifies that `issuer` signed it.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn from_der(der: &[u8], issuer: &Issuer) -> Result<Self, &'static str> {
        let parts = CertificateList::from_der(der).map_err(|_| NOT_A_CRL)?;
        let signed = parts.tbs_cert_list.to_der().map_err(|_| NOT_A_CRL)?;
        let signature = parts.signature.as_bytes().ok_or("the signature is not of whole bytes")?;
        let list = parse_unverified(der)?;
        // webpki returns the name without tag and length.
        if AnyRef::from_der(issuer.name()).map(|name| name.value()) != Ok(list.issuer()) {
            return Err(OTHER_ISSUER);
        }
        // > […] verify that the cRLSign bit is set (RFC 5280 §6.3.3 (f))
        if !issuer.can_sign_crls() {
            return Err("the issuer may not sign CRLs: keyUsage lacks cRLSign");
        }
        if !issuer.has_signed(&signed, parts.signature_algorithm.value(), signature) {
            return Err("the signature of the CRL is invalid");
        }
        let (this_update, next_update) =
            dates(parts.tbs_cert_list.value()).map_err(|_| BAD_DATES)?;
        let scope = list.issuing_distribution_point().map(Scope::from_der).transpose()?;
        Ok(Self { list, scope: scope.unwrap_or_default(), this_update, next_update })
    }

    /// The status of a certificate.
    ///
    /// # Errors
    /// When the CRL has expired or does not cover the certificate.
    pub fn status(&self, link: &Link, now: Timestamp) -> Result<Status, &'static str> {
        if now >= self.next_update {
            return Err("the CRL has expired");
        }
        if self.this_update > now + LEEWAY {
            return Err("thisUpdate of the CRL is in the future");
        }
        if !self.scope.covers(link) {
            return Err(OTHER_CERTIFICATES);
        }
        let entry = self.list.find_serial(&link.serial).map_err(|_| "the CRL cannot be read")?;
        Ok(entry.map_or(Status::Good, |revoked| Status::Revoked {
            at: timestamp(revoked.revocation_date),
            reason: revoked
                .reason_code
                .and_then(|reason| Reason::try_from(reason as u8).ok())
                .unwrap_or_default(),
        }))
    }
}

/// The issuer that a CRL names. Its signature is not verified.
#[derive(Debug)]
pub struct Outline {
    /// The name of the issuer, without tag and length.
    issuer: Vec<u8>,
}

impl Outline {
    /// Parses a CRL in DER.
    ///
    /// # Errors
    /// When it is not a CRL, or of an unsupported kind.
    pub fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        let parts = CertificateList::from_der(der).map_err(|_| NOT_A_CRL)?;
        let list = parse_unverified(der)?;
        dates(parts.tbs_cert_list.value()).map_err(|_| BAD_DATES)?;
        list.issuing_distribution_point().map(Scope::from_der).transpose()?;
        Ok(Self { issuer: list.issuer().to_vec() })
    }

    /// Whether it names this issuer.
    pub fn is_issued_by(&self, issuer: &Issuer) -> bool {
        AnyRef::from_der(issuer.name()).map(|name| name.value()) == Ok(self.issuer.as_slice())
    }
}

fn parse_unverified(der: &[u8]) -> Result<CertRevocationList<'static>, &'static str> {
    let list = OwnedCertRevocationList::from_der(der).map_err(|error| {
        if error == webpki::Error::UnsupportedDeltaCrl {
            "this is a delta CRL"
        } else if error == webpki::Error::UnsupportedIndirectCrl {
            "this is an indirect CRL"
        } else {
            "this is not a CRL of a supported kind"
        }
    })?;
    Ok(CertRevocationList::from(list))
}

impl Scope {
    fn from_der(extension: &[u8]) -> Result<Self, &'static str> {
        const UNSUPPORTED: &str = "the issuingDistributionPoint of the CRL is not supported";
        let read = IssuingDistributionPoint::from_der(extension).map_err(|_| UNSUPPORTED)?;
        if read.only_some_reasons.is_some()
            || read.indirect_crl
            || read.only_contains_attribute_certs
        {
            return Err(UNSUPPORTED);
        }
        let points = match read.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => {
                let uri = |name: GeneralName| match name {
                    GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
                    GeneralName::OtherName(_)
                    | GeneralName::Rfc822Name(_)
                    | GeneralName::DnsName(_)
                    | GeneralName::DirectoryName(_)
                    | GeneralName::EdiPartyName(_)
                    | GeneralName::IpAddress(_)
                    | GeneralName::RegisteredId(_) => None,
                };
                let points: Vec<_> = names.into_iter().filter_map(uri).collect();
                if points.is_empty() {
                    return Err(UNSUPPORTED);
                }
                points
            }
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => return Err(UNSUPPORTED),
        };
        Ok(Self {
            only_users: read.only_contains_user_certs,
            only_cas: read.only_contains_ca_certs,
            points,
        })
    }

    /// RFC 5280 §6.3.3 (b) (2).
    fn covers(&self, link: &Link) -> bool {
        if (self.only_users && link.is_ca) || (self.only_cas && !link.is_ca) {
            return false;
        }
        // An operator's CRL also covers certificates that name no distribution point.
        self.points.is_empty()
            || link.crl_urls.is_empty()
            || self.points.iter().any(|point| link.crl_urls.contains(point))
    }
}

/// `thisUpdate` and `nextUpdate`; webpki has checked the version and that both are present.
fn dates(tbs: &[u8]) -> der::Result<(Timestamp, Timestamp)> {
    let mut reader = SliceReader::new(tbs)?;
    let _version: u8 = reader.decode()?;
    let _signature: AnyRef<'_> = reader.decode()?;
    let _issuer: AnyRef<'_> = reader.decode()?;
    let (this, next): (Time, Time) = (reader.decode()?, reader.decode()?);
    Ok((seconds(this.to_unix_duration()), seconds(next.to_unix_duration())))
}

fn timestamp(time: UnixTime) -> Timestamp {
    seconds(Duration::from_secs(time.as_secs()))
}

fn seconds(since: Duration) -> Timestamp {
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
