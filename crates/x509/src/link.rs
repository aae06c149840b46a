//! A link of a chain: a certificate, its issuer, and the sources of its revocation status.

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_PKIX_ACCESS_DESCRIPTOR_OCSP, OID_PKIX_AUTHORITY_INFO_ACCESS,
    OID_X509_EXT_CRL_DISTRIBUTION_POINTS, asn1_rs::oid,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Issuer;
use crate::types::{Thumbprint, Timestamp};

/// At most this many locations of each kind are considered.
const MAX_LOCATIONS: usize = 4;

/// A certificate of a chain.
#[derive(Debug)]
pub struct Link {
    /// SHA-256 of the certificate.
    pub thumbprint: Thumbprint,
    /// Its issuer.
    pub issuer: Issuer,
    /// The contents of the `INTEGER`.
    pub serial: Vec<u8>,
    /// Whether it is a CA certificate.
    pub is_ca: bool,
    /// When it expires.
    pub not_after: Timestamp,
    /// The first OCSP responder that it names (RFC 5280 §4.2.2.1).
    pub ocsp_url: Option<String>,
    /// The URLs of its issuer's CRLs (RFC 5280 §4.2.1.13).
    pub crl_urls: Vec<String>,
    /// > The noRevAvail extension […] allows a CA to indicate that no revocation information will be made
    /// > available for this certificate. (RFC 9608 §2)
    pub no_rev_avail: bool,
}

impl Link {
    /// Parses a certificate of a chain.
    ///
    /// # Errors
    /// When one of the two is not a certificate, or an extension that names a source of revocation
    /// status cannot be parsed.
    pub fn from_der(
        certificate: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
    ) -> Result<Self, &'static str> {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|_| "this is not an X.509 certificate")?;
        let mut link = Self {
            thumbprint: Thumbprint::of(certificate),
            issuer: Issuer::from_der(issuer)?,
            serial: parsed.raw_serial().to_vec(),
            is_ca: parsed.is_ca(),
            not_after: Timestamp(parsed.validity().not_after.timestamp()),
            ocsp_url: None,
            crl_urls: Vec::new(),
            no_rev_avail: false,
        };
        for extension in parsed.extensions() {
            if extension.oid == oid!(2.5.29.56) {
                link.no_rev_avail = true;
            }
            let parsed = extension.parsed_extension();
            if let ParsedExtension::AuthorityInfoAccess(access) = parsed {
                let responders = access
                    .iter()
                    .take(MAX_LOCATIONS)
                    .filter(|described| described.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP);
                link.ocsp_url =
                    responders.filter_map(|described| http_url(&described.access_location)).next();
            } else if let ParsedExtension::CRLDistributionPoints(points) = parsed {
                for point in points.iter().take(MAX_LOCATIONS) {
                    // Indirect CRLs, and CRLs of some reasons only, are not supported.
                    if point.crl_issuer.is_none()
                        && point.reasons.is_none()
                        && let Some(DistributionPointName::FullName(names)) =
                            &point.distribution_point
                    {
                        link.crl_urls.extend(names.iter().take(MAX_LOCATIONS).filter_map(http_url));
                    }
                }
            } else if extension.oid == OID_PKIX_AUTHORITY_INFO_ACCESS {
                return Err("authorityInfoAccess of a certificate of the chain cannot be read");
            } else if extension.oid == OID_X509_EXT_CRL_DISTRIBUTION_POINTS {
                return Err("cRLDistributionPoints of a certificate of the chain cannot be read");
            }
        }
        Ok(link)
    }

    /// The cache key for a responder's response about this certificate.
    pub fn ocsp_cache_key(&self, responder: &str) -> Thumbprint {
        Thumbprint::of(&[self.thumbprint.0.as_slice(), responder.as_bytes()].concat())
    }

    /// The cache key for a CRL of its issuer from this location. The key contains the issuer's
    /// public key, so another CA cannot replace the CRL with its own.
    pub fn crl_cache_key(&self, place: &[u8]) -> Thumbprint {
        Thumbprint::of(&[self.issuer.public_key_bits(), place].concat())
    }
}

/// An HTTP or HTTPS URL; LDAP is not supported.
fn http_url(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::URI(uri) = name
        && (uri.starts_with("http://") || uri.starts_with("https://"))
    {
        return Some((*uri).to_owned());
    }
    None
}
