//! CAs and certificates for tests of TLS.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A CA.
#[derive(Clone)]
pub struct Ca {
    signer: Arc<CertifiedIssuer<'static, KeyPair>>,
    /// The intermediate certificates of what it issues: its own first, the root excluded.
    chain: Vec<CertificateDer<'static>>,
}

/// A certificate and its key.
pub struct Identity {
    /// The certificate, then its intermediates.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: KeyPair,
}

/// The contents of a certificate with this subject, for TLS servers and clients.
pub fn certificate_params(common_name: &str, dns: &[&str]) -> CertificateParams {
    let names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = certificate_params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = Vec::new();
    params
}

impl Ca {
    /// A root CA.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let signer = CertifiedIssuer::self_signed(ca_params(name), key).unwrap();
        Self { signer: Arc::new(signer), chain: Vec::new() }
    }

    /// An intermediate CA below this one.
    pub fn intermediate(&self, name: &str) -> Self {
        self.intermediate_with(name, |_| {})
    }

    /// An intermediate CA below this one, with changed contents.
    pub fn intermediate_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = ca_params(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signer = CertifiedIssuer::signed_by(params, key, &self.signer).unwrap();
        let chain = [&[signer.der().clone()], &self.chain[..]].concat();
        Self { signer: Arc::new(signer), chain }
    }

    /// The key and certificate that sign its CRLs.
    pub fn issuer(&self) -> &CertifiedIssuer<'static, KeyPair> {
        &self.signer
    }

    /// Its certificate and key as the signer of OCSP responses.
    pub fn ocsp_signer(&self) -> (&CertificateDer<'static>, &KeyPair) {
        (self.certificate(), self.signer.key())
    }

    /// The CA's own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.signer.der()
    }

    /// The CA's private key as PKCS#8.
    pub fn key_der(&self) -> Vec<u8> {
        self.signer.key().serialize_der()
    }

    /// Issues a certificate with these contents for this key.
    pub fn issue_for(&self, params: CertificateParams, key: KeyPair) -> Identity {
        let certificate = params.signed_by(&key, &self.signer).unwrap();
        let chain = [&[certificate.der().clone()], &self.chain[..]].concat();
        Identity { chain, key }
    }

    /// Issues a certificate with these contents for a new key.
    pub fn issue(&self, params: CertificateParams) -> Identity {
        self.issue_for(params, KeyPair::generate().unwrap())
    }

    /// A certificate for a server with these names.
    pub fn issue_server(&self, names: &[&str]) -> Identity {
        self.issue(certificate_params(names[0], names))
    }

    /// A certificate for a client, whose subject is only this common name.
    pub fn issue_client(&self, common_name: &str) -> Identity {
        self.issue(certificate_params(common_name, &[]))
    }
}

impl Identity {
    /// A self-signed certificate.
    pub fn self_signed(common_name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = certificate_params(common_name, &[]).self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().clone()], key }
    }

    /// The same with this certificate appended to the chain.
    pub fn with(mut self, certificate: &CertificateDer<'static>) -> Self {
        self.chain.push(certificate.clone());
        self
    }

    /// The end-entity certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }

    /// `x5t#S256` (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> String {
        use sha2::{Digest as _, Sha256};
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.certificate()))
    }

    /// The private key.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The chain as PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|one| pem(one)).collect()
    }
}

/// A certificate as PEM.
pub fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let body = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}
