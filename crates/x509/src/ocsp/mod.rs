//! The Online Certificate Status Protocol, for clients and responders: [RFC 6960], with the nonces
//! of [RFC 9654].
//!
//! This module encodes, parses and verifies messages, without I/O. No input may cause a panic;
//! `fuzz/` tests that.
//!
//! | | client | responder |
//! |---|---|---|
//! | request | [`Request::to_der`] | [`Request::from_der`] |
//! | response | [`ResponseVerifier::verify`] | [`Response::sign`], [`Unsuccessful::to_der`] |
//!
//! [RFC 6960]: https://www.rfc-editor.org/rfc/rfc6960
//! [RFC 9654]: https://www.rfc-editor.org/rfc/rfc9654

mod asn1;
pub mod request;
pub mod sign;
pub mod verify;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use der::asn1::{Any, ObjectIdentifier, OctetString};
use der::{Encode as _, Sequence, Tag, Tagged as _};
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifierOwned;

pub use request::{Request, requests_from_path};
pub use sign::{Response, Unsuccessful};
pub use verify::ResponseVerifier;

use super::{Issuer, Reason};
use crate::types::secret::entropy;
use crate::types::{Failure, Timestamp};

/// The media type of a request (RFC 6960 §C.1).
pub const REQUEST_MEDIA_TYPE: &str = "application/ocsp-request";
/// The media type of a response (RFC 6960 §C.2).
pub const RESPONSE_MEDIA_TYPE: &str = "application/ocsp-response";

const ID_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ID_PKIX_OCSP_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// The hash of the issuer's name and key. It needs no collision resistance: the response is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// Supported by every responder (RFC 5019 §2.1.1).
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Identifies a certificate: its issuer, hashed, and its serial number (RFC 6960 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertId {
    hash_algorithm: AlgorithmIdentifierOwned,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    /// The `INTEGER` as it was encoded: a response repeats it unchanged.
    serial_number: Any,
}

impl CertId {
    /// Identifies the certificate of this issuer with this serial number (the contents of its
    /// `INTEGER`).
    ///
    /// # Errors
    /// When the serial number is too long to be encoded.
    pub fn new(hash: Hash, issuer: &Issuer, serial: &[u8]) -> Result<Self, Failure> {
        let oid = match hash {
            Hash::Sha1 => ID_SHA1,
            Hash::Sha256 => ID_SHA256,
        };
        let hashed = |bytes| OctetString::new(hash.digest(bytes)).map_err(Failure::internal);
        Ok(Self {
            hash_algorithm: AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) },
            issuer_name_hash: hashed(issuer.name())?,
            issuer_key_hash: hashed(issuer.public_key_bits())?,
            serial_number: Any::new(Tag::Integer, serial).map_err(Failure::internal)?,
        })
    }

    /// The contents of the `INTEGER`, as in the certificate, including a leading zero.
    pub fn serial(&self) -> &[u8] {
        self.serial_number.value()
    }

    /// Whether it identifies a certificate of this issuer. `false` for unknown hash algorithms.
    pub fn is_issued_by(&self, issuer: &Issuer) -> bool {
        let hash = match self.hash_algorithm.oid {
            ID_SHA1 => Hash::Sha1,
            ID_SHA256 => Hash::Sha256,
            _ => return false,
        };
        self.issuer_name_hash.as_bytes() == hash.digest(issuer.name())
            && self.issuer_key_hash.as_bytes() == hash.digest(issuer.public_key_bits())
    }

    /// Whether both identify the same certificate. Some implementations omit the `NULL` parameters
    /// of a hash algorithm (RFC 4055 §2.1), so parameters are not compared.
    fn matches(&self, other: &Self) -> bool {
        self.hash_algorithm.oid == other.hash_algorithm.oid
            && self.issuer_name_hash == other.issuer_name_hash
            && self.issuer_key_hash == other.issuer_key_hash
            && self.serial_number == other.serial_number
    }

    fn must_have_serial(&self) -> Result<(), &'static str> {
        if self.serial_number.tag() != Tag::Integer || self.serial().is_empty() {
            return Err("the serial number is not an INTEGER");
        }
        Ok(())
    }
}

impl Hash {
    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
        };
        digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// Binds a response to a request (RFC 9654 §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(OctetString);

impl Nonce {
    /// > When creating a nonce […] the nonce MUST contain at least 32 octets of cryptographically random
    /// > data […] OCSP clients that support the nonce extension MUST use a length of 32 octets.
    ///
    ///
    /// # Errors
    /// When the nonce cannot be encoded, which does not happen.
    pub fn generate() -> Result<Self, Failure> {
        let mut bytes = [0; 32];
        entropy(&mut bytes);
        OctetString::new(bytes).map(Self).map_err(Failure::internal)
    }

    /// > Nonce ::= OCTET STRING(SIZE(1..128))
    fn from_extension(extension: &[u8]) -> Result<Self, &'static str> {
        use der::Decode as _;

        let nonce = OctetString::from_der(extension).map_err(|_| "the nonce cannot be read")?;
        match nonce.as_bytes().len() {
            1..=128 => Ok(Self(nonce)),
            _ => Err("a nonce has 1 to 128 octets"),
        }
    }

    fn extension(&self) -> Result<Extensions, Failure> {
        let value = self.0.to_der().and_then(OctetString::new).map_err(Failure::internal)?;
        let (extn_id, critical) = (ID_PKIX_OCSP_NONCE, false);
        Ok(vec![x509_cert::ext::Extension { extn_id, critical, extn_value: value }])
    }
}

/// Finds the nonce among extensions. Unknown extensions are ignored unless they are critical.
fn find_nonce(extensions: Option<&Extensions>) -> Result<Option<Nonce>, &'static str> {
    let mut nonce = None;
    for extension in extensions.into_iter().flatten() {
        if extension.extn_id == ID_PKIX_OCSP_NONCE {
            if nonce.is_some() {
                return Err("there are two nonces");
            }
            nonce = Some(Nonce::from_extension(extension.extn_value.as_bytes())?);
        } else if extension.critical {
            return Err("a critical extension is not supported");
        }
    }
    Ok(nonce)
}

/// The revocation status of a certificate (RFC 6960 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The certificate is not revoked.
    Good,
    /// The certificate is revoked.
    Revoked {
        /// When it was revoked.
        at: Timestamp,
        /// The reason.
        reason: Reason,
    },
    /// The responder does not know the certificate.
    Unknown,
}

impl Status {
    /// Its name in messages and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked { .. } => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// The status of one certificate, and how long it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateStatus {
    /// The status.
    pub status: Status,
    /// > The most recent time at which the status being indicated is known by the responder to have been
    /// > correct. (§2.4)
    pub this_update: Timestamp,
    /// > The time at or before which newer information will be available about the status of the
    /// > certificate.
    ///
    /// `None`: newer information is available at any time.
    pub next_update: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
