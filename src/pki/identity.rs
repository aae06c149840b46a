//! A certificate of our own with its private key, which a TLS listener presents.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls_pki_types::ServerName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::Certificate;
use crate::types::{Digest, Timestamp, pem};
use gatewright_base::access::why;

/// The largest file with certificates or a key.
const MAX_BYTES: usize = 256 * 1024;

/// A certificate with its private key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// Its serial number: the contents of the `INTEGER`.
    pub serial: Vec<u8>,
    /// Chain and key in the form of rustls.
    pub key: Arc<CertifiedKey>,
    /// SHA-256 of the input, to detect changes.
    pub source: Digest,
}

impl Identity {
    /// Parses a chain, starting with the end-entity certificate, and its key.
    ///
    /// # Errors
    /// What is wrong, as a clause that follows the name of a file.
    pub fn parse(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<Self, String> {
        let certificates = pem::certificates(chain)?;
        let rest: Vec<&[u8]> = certificates.iter().skip(1).map(AsRef::as_ref).collect();
        let first = certificates.first().ok_or("contains no certificate")?;
        let certificate = Certificate::parse(first, &rest)?;
        let (_, parsed) = X509Certificate::from_der(first).map_err(|_| "is not a certificate")?;
        let serial = parsed.raw_serial().to_vec();
        let private = pem::private_key(key)
            .map_err(|why| format!("has a key that cannot be used: its file {why}"))?;
        let certified = CertifiedKey::from_der(certificates, private, provider)
            .map_err(|error| format!("and its key do not match: {error}"))?;
        let source = Digest::of(&[Digest::of(chain).0, Digest::of(key).0].concat());
        Ok(Self { certificate: Arc::new(certificate), serial, key: Arc::new(certified), source })
    }

    /// Reads two files.
    ///
    /// # Errors
    /// What is wrong, with the names of the files.
    pub fn load(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<Self, String> {
        let (chain_bytes, key_bytes) = (read_file(chain)?, read_file(key)?);
        Self::parse(&chain_bytes, &key_bytes, provider)
            .map_err(|wrong| format!("{} (key: {}) {wrong}", chain.display(), key.display()))
    }

    /// Attaches an OCSP response that the handshake sends (RFC 6066 §8).
    #[must_use]
    pub fn with_staple(self, ocsp: Option<Vec<u8>>) -> Self {
        let key = CertifiedKey { ocsp, ..CertifiedKey::clone(&self.key) };
        Self { key: Arc::new(key), ..self }
    }

    /// Whether the certificate is valid for this name, as clients verify it (RFC 9525 §6).
    pub fn is_for_host(&self, host: &str) -> bool {
        let parsed = ParsedCertificate::try_from(self.certificate.der());
        let name = ServerName::try_from(host);
        parsed.is_ok_and(|parsed| name.is_ok_and(|name| verify_server_name(&parsed, &name).is_ok()))
    }

    /// Checks the validity period.
    ///
    /// # Errors
    /// When the certificate has expired or is not valid yet.
    pub fn must_be_valid_at(&self, now: Timestamp) -> Result<(), &'static str> {
        if self.certificate.is_valid_at(now) {
            Ok(())
        } else if self.certificate.not_after < now {
            Err("the certificate has expired")
        } else {
            Err("the certificate is not valid yet")
        }
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    // Reserve the full capacity: a vector that grows would leave copies of the key in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let read =
        File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() > MAX_BYTES => Err(format!("{} is too large", path.display())),
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("{} cannot be read: {}", path.display(), why(path, &error))),
    }
}
