//! CAs, certificates and `openssl` for tests of this crate and of those that use it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;
use std::{env, fs, process};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose,
    IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use super::Issuer;
use crate::types::Timestamp;

/// The serial number of every issued certificate.
pub const SERIAL: u64 = 0x00c0_ffee_0000_0001;

/// A CA, an OCSP responder or an end entity: its certificate and key.
pub struct TestCa {
    /// The certificate as an issuer.
    pub issuer: Issuer,
    /// The certificate as PEM.
    pub pem: String,
    /// The key, for signing certificates and CRLs.
    pub key: rcgen::Issuer<'static, KeyPair>,
}

impl TestCa {
    /// A root CA with a new key.
    pub fn new(name: &str) -> Self {
        let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self::with_key(name, KeyPair::generate().unwrap(), &usages)
    }

    /// A root CA with this key and these key usages.
    pub fn with_key(name: &str, key: KeyPair, usages: &[KeyUsagePurpose]) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = usages.to_vec();
        Self::from_parts(&params.self_signed(&key).unwrap(), params, key)
    }

    fn from_parts(
        certificate: &rcgen::Certificate,
        params: CertificateParams,
        key: KeyPair,
    ) -> Self {
        Self {
            issuer: Issuer::from_der(certificate.der()).unwrap(),
            pem: certificate.pem(),
            key: rcgen::Issuer::new(params, key),
        }
    }

    /// Issues a certificate with these extended key usages.
    pub fn issue(&self, name: &str, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        self.issue_with(name, |params| params.extended_key_usages = purposes.to_vec())
    }

    /// Issues a certificate with changed parameters.
    pub fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name);
        params.serial_number = Some(SerialNumber::from(SERIAL));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Self::from_parts(&params.signed_by(&key, &self.key).unwrap(), params, key)
    }

    /// The certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.certificate().clone()
    }

    /// A CRL, empty unless `change` adds to it.
    pub fn crl(
        &self,
        this_update: Timestamp,
        next_update: Timestamp,
        change: impl FnOnce(&mut CertificateRevocationListParams),
    ) -> Vec<u8> {
        let mut params = CertificateRevocationListParams {
            this_update: date(this_update),
            next_update: date(next_update),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        change(&mut params);
        params.signed_by(&self.key).unwrap().der().to_vec()
    }
}

/// The time in the form that `rcgen` takes.
pub fn date(of: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(of.0).unwrap()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params
}

/// A temporary folder for `openssl`.
pub struct Folder(pub(super) PathBuf);

impl Folder {
    /// Creates an empty folder.
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("gatewright-pki-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    /// Runs `openssl`; returns both of its outputs.
    pub fn openssl(&self, line: &str) -> String {
        let words = line.split(' ');
        let output = Command::new("openssl").args(words).current_dir(&self.0).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(output.status.success(), "openssl {line}: {text}");
        text
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone_or_not = fs::remove_dir_all(&self.0);
    }
}

/// The current time.
#[expect(clippy::disallowed_methods, reason = "openssl goes by the clock of the system")]
pub fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(since.as_secs().try_into().unwrap())
}
