//! CAs of client certificates, the certificates that they issue, and proxies that forward them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{CertificateHeader, Config, Network, Revocation, TrustAnchorSet};
use gatewright::types::Thumbprint;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::ca::Identity;
use crate::http::RequestBuilder;
use crate::server::Server;

/// A CA.
pub struct ClientCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Its own certificate and the intermediates above it, the root excluded.
    chain: Vec<Vec<u8>>,
    file: OnceLock<TempFile>,
}

impl ClientCa {
    pub fn new(name: &str) -> Self {
        Self::with_params(name, |_| {})
    }

    pub fn with_params(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = Self::params(name);
        change(&mut params);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, chain: Vec::new(), file: OnceLock::new() }
    }

    /// An intermediate CA below this one.
    pub fn intermediate(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = Self::params(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap();
        let mut chain = vec![issuer.der().to_vec()];
        chain.extend(self.chain.iter().cloned());
        Self { issuer, chain, file: OnceLock::new() }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The CA's own certificate.
    pub fn certificate(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// Another self-signed certificate for the CA's key.
    pub fn renewed_pem(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = Self::params(name);
        change(&mut params);
        params.self_signed(self.issuer.key()).unwrap().pem()
    }

    /// A file with the CA's certificate, removed with this value.
    pub fn pem_file(&self) -> &Path {
        &self.file.get_or_init(|| TempFile::new(&self.pem())).0
    }

    /// The CA as a trust anchor of the configuration.
    pub fn trust_anchor(&self, name: &str) -> TrustAnchorSet {
        let file = self.pem_file().to_owned();
        let (revocation, crl_files) = (Revocation::Off, Vec::new());
        TrustAnchorSet { name: name.to_owned(), file, revocation, crl_files }
    }

    /// Issues a client certificate, valid unless `change` makes it otherwise.
    pub fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ClientCertificate {
        self.issue_for(KeyPair::generate().unwrap(), name, change)
    }

    /// The same for an existing key.
    pub fn issue_for(
        &self,
        key: KeyPair,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ClientCertificate {
        let mut params = end_entity(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ClientCertificate { der: certificate.der().to_vec(), chain: self.chain.clone(), key }
    }
}

/// The subject `O=Example` with this `CN`.
pub fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Example");
    subject.push(DnType::CommonName, name);
    subject
}

fn end_entity(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

/// A client certificate with its intermediates and its private key.
pub struct ClientCertificate {
    pub der: Vec<u8>,
    pub chain: Vec<Vec<u8>>,
    pub key: KeyPair,
}

impl ClientCertificate {
    /// A self-signed certificate.
    pub fn self_signed(name: &str) -> Self {
        Self::self_signed_with(KeyPair::generate().unwrap(), name, |_| {})
    }

    pub fn self_signed_with(
        key: KeyPair,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = end_entity(name);
        change(&mut params);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, chain: Vec::new(), key }
    }

    /// The certificate and key for a TLS handshake.
    pub fn identity(&self) -> Identity {
        let all = [&[self.der.clone()][..], &self.chain].concat();
        let chain = all.into_iter().map(CertificateDer::from).collect();
        Identity { chain, key: self.clone_key() }
    }

    /// `x5t#S256`
    pub fn thumbprint(&self) -> String {
        Thumbprint::of(&self.der).to_string()
    }

    /// A copy of the key.
    pub fn clone_key(&self) -> KeyPair {
        KeyPair::try_from(self.key.serialized_der()).unwrap()
    }

    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    pub fn pem(&self) -> String {
        let lines: Vec<_> = self.base64().into_bytes();
        let lines: Vec<_> =
            lines.chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// The public key as a JWK with the certificate as `x5c`.
    pub fn jwk(&self) -> Value {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let point = self.key.public_key_raw();
        let (x, y) = point[1..].split_at(32);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
            "x5c": [self.base64()],
        })
    }
}

impl RequestBuilder {
    /// Adds the header fields with which a proxy forwards this certificate: RFC 9440.
    pub fn client_cert(self, certificate: &ClientCertificate) -> Self {
        let request = self.header("client-cert", &format!(":{}:", certificate.base64()));
        if certificate.chain.is_empty() {
            return request;
        }
        let items: Vec<_> =
            certificate.chain.iter().map(|der| format!(":{}:", STANDARD.encode(der))).collect();
        request.header("client-cert-chain", &items.join(", "))
    }
}

/// A temporary file, removed with this value.
pub struct TempFile(pub PathBuf);

impl TempFile {
    pub fn new(text: &str) -> Self {
        let name = format!("gatewright_{}.pem", uuid::Uuid::now_v7().simple());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Configures a proxy on this machine as trusted to forward client certificates.
pub fn trust_proxy(config: &mut Config, form: CertificateHeader) {
    config.http.trusted_proxies = vec![Network::new([127, 0, 0, 1].into(), 32).unwrap()];
    config.http.client_certificate_header = form;
}

/// A server behind a proxy that forwards certificates (RFC 9440), and the CA that the server trusts.
/// The CA's file exists as long as the returned `Authority`.
pub async fn server_behind_proxy() -> (Server, ClientCa) {
    let ca = ClientCa::new("Clients CA");
    (server_behind_proxy_with(&ca).await, ca)
}

/// The same with this CA.
pub async fn server_behind_proxy_with(ca: &ClientCa) -> Server {
    Server::with(|config| {
        trust_proxy(config, CertificateHeader::Rfc9440);
        config.client_certificates.anchors = vec![ca.trust_anchor("clients")];
    })
    .await
}
