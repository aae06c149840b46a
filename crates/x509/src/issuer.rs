//! The issuer of a certificate: its distinguished name, and the public key that verifies its
//! signatures ([RFC 5280 §4.1.2.4]).
//!
//! [RFC 5280 §4.1.2.4]: https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.4

use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A CA as its certificate describes it. Nothing is implied about trust in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    certificate: CertificateDer<'static>,
    /// Its `Name`, in DER.
    name: Vec<u8>,
    /// Its `SubjectPublicKeyInfo`, in DER.
    public_key: SubjectPublicKeyInfoDer<'static>,
    /// The contents of the `BIT STRING` in it, without tag, length and number of unused bits.
    public_key_bits: Vec<u8>,
    can_sign_crls: bool,
}

impl Issuer {
    /// Parses a CA's certificate.
    ///
    /// # Errors
    /// When it is not a certificate.
    pub fn from_der(certificate: &CertificateDer<'_>) -> Result<Self, &'static str> {
        let (rest, parsed) = X509Certificate::from_der(certificate)
            .map_err(|_| "this is not an X.509 certificate")?;
        if !rest.is_empty() {
            return Err("there is data after the certificate");
        }
        let usage = parsed.key_usage().map_err(|_| "the keyUsage cannot be read")?;
        Ok(Self {
            certificate: certificate.clone().into_owned(),
            name: parsed.subject().as_raw().to_vec(),
            public_key: parsed.public_key().raw.to_vec().into(),
            public_key_bits: parsed.public_key().subject_public_key.data.to_vec(),
            // > Conforming CAs MUST include this extension (§4.2.1.3)
            //
            // Old ones do not, and a key without the extension is not restricted.
            can_sign_crls: usage.is_none_or(|usage| usage.value.crl_sign()),
        })
    }

    /// Its certificate.
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its `Name`, in DER.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its public key: what OCSP hashes to identify the issuer.
    pub fn public_key_bits(&self) -> &[u8] {
        &self.public_key_bits
    }

    /// Whether it may sign CRLs: `cRLSign` in its `keyUsage`.
    pub const fn can_sign_crls(&self) -> bool {
        self.can_sign_crls
    }

    /// Whether it signed `message`. `algorithm` is the contents of the `AlgorithmIdentifier`.
    /// SHA-1, MD5 and RSA keys of less than 2048 bits are not accepted.
    pub fn has_signed(&self, message: &[u8], algorithm: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = RawPublicKeyEntity::try_from(&self.public_key) else {
            return false;
        };
        // One identifier can stand for several curves; the curve of the key decides.
        ALL_VERIFICATION_ALGS
            .iter()
            .filter(|known| known.signature_alg_id().as_ref() == algorithm)
            .any(|known| key.verify_signature(*known, message, signature).is_ok())
    }
}
