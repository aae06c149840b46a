//! A certificate that a client presents, or one of our own: [RFC 5280 §4.1].
//!
//! [RFC 5280 §4.1]: https://www.rfc-editor.org/rfc/rfc5280#section-4.1

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::name::Name;
use super::signature::has_unsupported_pss_salt;
use crate::types::{Thumbprint, Timestamp};

/// The largest certificate that is parsed; large keys and many names fit in.
const MAX_BYTES: usize = 16 * 1024;

/// The most certificates that may accompany one of our own. For clients' certificates the limit is
/// lower: see [`Certificate::must_be_within_limits`].
const MAX_CHAIN: usize = 8;

const TOO_MANY: &str = "the chain has too many certificates";

/// A parsed certificate and the chain that accompanied it. Parsing implies no trust.
#[derive(Debug)]
pub struct Certificate {
    der: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    /// SHA-256 of the certificate: `x5t#S256` (RFC 8705 §3.1).
    pub thumbprint: Thumbprint,
    /// SHA-256 of its `SubjectPublicKeyInfo`. A renewal for the same key does not change it.
    pub public_key: Thumbprint,
    /// Start of its validity period.
    pub not_before: Timestamp,
    /// End of its validity period.
    pub not_after: Timestamp,
    /// Its subject.
    pub subject: Name,
    /// `subjectAltName` (RFC 5280 §4.2.1.6).
    pub names: Names,
    /// Whether its key may sign: there is no `keyUsage`, or it includes `digitalSignature` (RFC
    /// 5280 §4.2.1.3).
    pub can_sign: bool,
    /// SHA-256 of the certificate and the chain that accompanied it.
    pub presented_digest: Thumbprint,
    /// The issuer that it names.
    pub(super) issued_by: IssuedBy,
}

/// The supported names of a `subjectAltName`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `dNSName`
    pub dns: Vec<String>,
    /// `uniformResourceIdentifier`
    pub uri: Vec<String>,
    /// `iPAddress`
    pub ip: Vec<IpAddr>,
    /// `rfc822Name`
    pub email: Vec<String>,
}

/// The issuer that a certificate names: a distinguished name and, if stated, which of the issuer's
/// keys signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuedBy {
    /// The `Name`, in DER.
    pub(super) name: Vec<u8>,
    /// `keyIdentifier` of the `authorityKeyIdentifier` (RFC 5280 §4.2.1.1).
    pub(super) key: Option<Vec<u8>>,
}

impl IssuedBy {
    pub(super) fn from_x509(parsed: &X509Certificate<'_>) -> Self {
        let key = parsed.extensions().iter().find_map(|extension| {
            let ParsedExtension::AuthorityKeyIdentifier(named) = extension.parsed_extension()
            else {
                return None;
            };
            named.key_identifier.as_ref().map(|key| key.0.to_vec())
        });
        Self { name: parsed.issuer().as_raw().to_vec(), key }
    }
}

/// The name of a certificate's subject in DER, and its `subjectKeyIdentifier` (RFC 5280 §4.2.1.2).
pub(super) fn subject_and_key_id(parsed: &X509Certificate<'_>) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = parsed.extensions().iter().find_map(|extension| {
        let ParsedExtension::SubjectKeyIdentifier(named) = extension.parsed_extension() else {
            return None;
        };
        Some(named.0.to_vec())
    });
    (parsed.subject().as_raw().to_vec(), key)
}

impl Certificate {
    /// Parses a certificate; `chain` are the certificates that accompany it, in the order towards
    /// the trust anchor.
    ///
    /// # Errors
    /// When it is too large, or not a certificate.
    pub fn parse(der: &[u8], chain: &[&[u8]]) -> Result<Self, &'static str> {
        Self::must_be_within_limits(der, chain, MAX_CHAIN)?;
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| "this is not an X.509 certificate")?;
        if !rest.is_empty() {
            return Err("there is data after the certificate");
        }
        let names = match parsed.subject_alternative_name() {
            Ok(Some(extension)) => Names::from_general_names(&extension.value.general_names)?,
            Ok(None) => Names::default(),
            Err(_) => return Err("the subjectAltName of the certificate cannot be read"),
        };
        let can_sign = match parsed.key_usage() {
            Ok(Some(extension)) => extension.value.digital_signature(),
            Ok(None) => true,
            Err(_) => return Err("the keyUsage of the certificate cannot be read"),
        };
        let presented_digest =
            if chain.is_empty() { der } else { &[&[der], chain].concat().concat() };
        Ok(Self {
            subject: Name::from_x509(parsed.subject()),
            can_sign,
            presented_digest: Thumbprint::of(presented_digest),
            issued_by: IssuedBy::from_x509(&parsed),
            thumbprint: Thumbprint::of(der),
            public_key: Thumbprint::of(parsed.public_key().raw),
            not_before: Timestamp(parsed.validity().not_before.timestamp()),
            not_after: Timestamp(parsed.validity().not_after.timestamp()),
            names,
            der: CertificateDer::from(der.to_vec()),
            chain: chain.iter().map(|one| CertificateDer::from(one.to_vec())).collect(),
        })
    }

    /// Checks the size of a certificate and its chain, and that the chain has at most `most`
    /// certificates.
    ///
    /// # Errors
    /// When a limit is exceeded.
    pub fn must_be_within_limits(
        der: &[u8],
        chain: &[impl AsRef<[u8]>],
        most: usize,
    ) -> Result<(), &'static str> {
        if der.len() > MAX_BYTES || chain.iter().any(|one| one.as_ref().len() > MAX_BYTES) {
            return Err("a certificate is larger than 16 KiB");
        }
        if chain.len() > most {
            return Err(TOO_MANY);
        }
        Ok(())
    }

    /// Parses a certificate and its chain from concatenated DER.
    ///
    /// # Errors
    /// Those of [`Certificate::parse`].
    pub fn parse_concatenated(der: &[u8]) -> Result<Self, &'static str> {
        match Self::split_concatenated(der)?.as_slice() {
            [first, chain @ ..] => Self::parse(first, chain),
            [] => Err("there is no certificate"),
        }
    }

    /// The certificate and its chain, as concatenated DER.
    pub fn to_concatenated(&self) -> Vec<u8> {
        let all = std::iter::once(&self.der).chain(&self.chain);
        all.flat_map(|one| one.iter().copied()).collect()
    }

    /// Whether the certificate, or one of its chain, is signed by RSASSA-PSS with unsupported
    /// parameters.
    pub(super) fn has_unsupported_pss_salt(&self) -> bool {
        std::iter::once(&self.der).chain(&self.chain).any(|der| {
            X509Certificate::from_der(der)
                .is_ok_and(|(_, parsed)| has_unsupported_pss_salt(&parsed.signature_algorithm))
        })
    }

    /// The certificate in DER.
    pub const fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificates that accompanied it, in the order towards the trust anchor.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Splits concatenated DER certificates.
    ///
    /// # Errors
    /// Those of [`Certificate::parse`].
    pub(super) fn split_concatenated(mut der: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
        let mut certificates = Vec::new();
        while !der.is_empty() {
            if certificates.len() > MAX_CHAIN {
                return Err(TOO_MANY);
            }
            let (rest, _) =
                X509Certificate::from_der(der).map_err(|_| "this is not an X.509 certificate")?;
            let (one, _) = der.split_at(der.len() - rest.len());
            certificates.push(one);
            der = rest;
        }
        Ok(certificates)
    }

    /// Whether `now` is within its validity period. Revocation and trust are not checked.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

impl Names {
    /// Each name with its type, as the inventory stores it: `DNS:…`, `URI:…`, `IP:…`, `email:…`.
    pub fn to_texts(&self) -> Vec<String> {
        let of = |kind: &'static str, names: Vec<String>| {
            names.into_iter().map(move |name| format!("{kind}:{name}"))
        };
        of("DNS", self.dns.clone())
            .chain(of("URI", self.uri.clone()))
            .chain(of("IP", self.ip.iter().map(ToString::to_string).collect()))
            .chain(of("email", self.email.clone()))
            .collect()
    }

    /// Whether this is one of its `dNSName`s. Wildcards in certificates do not match: RFC 9525 §6.3
    /// allows them for servers only, and a client is registered under one name.
    pub fn has_dns(&self, name: &str) -> bool {
        self.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name))
    }

    /// Whether this is one of its `uniformResourceIdentifier`s, compared byte by byte without
    /// normalization.
    pub fn has_uri(&self, uri: &str) -> bool {
        self.uri.iter().any(|own| own == uri)
    }

    /// Whether this is one of its `iPAddress`es.
    pub fn has_ip(&self, address: IpAddr) -> bool {
        self.ip.contains(&address)
    }

    /// Whether this is one of its `rfc822Name`s: the domain is compared without regard to case, the
    /// local part exactly (RFC 5280 §7.5).
    pub fn has_email(&self, mail: &str) -> bool {
        let split = |mail: &str| {
            let (local, domain) = mail.rsplit_once('@')?;
            Some((local.to_owned(), domain.to_ascii_lowercase()))
        };
        let expected = split(mail);
        expected.is_some() && self.email.iter().any(|own| split(own) == expected)
    }

    fn from_general_names(names: &[GeneralName<'_>]) -> Result<Self, &'static str> {
        let mut parsed = Self::default();
        for name in names {
            match name {
                GeneralName::DNSName(dns) => parsed.dns.push((*dns).to_owned()),
                GeneralName::URI(uri) => parsed.uri.push((*uri).to_owned()),
                GeneralName::RFC822Name(mail) => parsed.email.push((*mail).to_owned()),
                GeneralName::IPAddress(bytes) => {
                    let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                    let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                    parsed.ip.push(address.map_err(|_| "an iPAddress has 4 or 16 bytes")?);
                }
                GeneralName::OtherName(..)
                | GeneralName::X400Address(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EDIPartyName(_)
                | GeneralName::RegisteredID(_)
                | GeneralName::Invalid(..) => {}
            }
        }
        Ok(parsed)
    }
}
