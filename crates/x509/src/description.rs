//! A certificate as text, for the inventory and for operators. It is computed on demand, never for
//! a protocol request.

use std::fmt::Write as _;

use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{Certificate, Name};

/// A certificate as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The subject in the form of RFC 4514.
    pub subject: String,
    /// The issuer in the form of RFC 4514.
    pub issuer: String,
    /// The serial number in hexadecimal, without leading zeros.
    pub serial: String,
    /// `RSA`, `EC P-256`, `Ed25519`, or the object identifier of an unknown algorithm.
    pub key_type: String,
    /// Size of the key in bits.
    pub key_bits: i64,
}

impl Certificate {
    /// Describes the certificate.
    pub fn describe(&self) -> Description {
        // It was parsed before, so parsing cannot fail here.
        let Ok((_, parsed)) = X509Certificate::from_der(self.der()) else {
            return Description::default();
        };
        let (key_type, key_bits) = key_type_and_bits(parsed.public_key());
        Description {
            subject: Name::from_x509(parsed.subject()).to_string(),
            issuer: Name::from_x509(parsed.issuer()).to_string(),
            serial: serial(parsed.raw_serial()),
            key_type,
            key_bits,
        }
    }
}

/// A serial number as the inventory stores it.
pub fn serial(bytes: &[u8]) -> String {
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.trim_start_matches('0').to_owned()
}

/// The type and size of a key. RFC 5480 §2.1.1.1 names the curves, RFC 8410 §3 Ed25519 and Ed448.
fn key_type_and_bits(info: &SubjectPublicKeyInfo<'_>) -> (String, i64) {
    let algorithm = info.algorithm.algorithm.to_id_string();
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let curve = curve.map(|oid| oid.to_id_string()).unwrap_or_default();
    let bits = || {
        let size = info.parsed().map_or(0, |key: PublicKey<'_>| key.key_size());
        i64::try_from(size).unwrap_or(0)
    };
    let (kind, bits) = match (algorithm.as_str(), curve.as_str()) {
        ("1.2.840.113549.1.1.1", _) => ("RSA", bits()),
        ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => ("EC P-256", 256),
        ("1.2.840.10045.2.1", "1.3.132.0.34") => ("EC P-384", 384),
        ("1.2.840.10045.2.1", "1.3.132.0.35") => ("EC P-521", 521),
        ("1.2.840.10045.2.1", _) => ("EC", bits()),
        ("1.3.101.112", _) => ("Ed25519", 256),
        ("1.3.101.113", _) => ("Ed448", 456),
        (other, _) => (other, bits()),
    };
    (kind.to_owned(), bits)
}
