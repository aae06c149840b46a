//! Authorities of the tests, the certificates that they issue, and proxies that tell of them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{Anchor, CertificateHeader, Config, Network, Revocation};
use gatewright::types::Thumbprint;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::authority::Identity;
use crate::http::Ask;
use crate::server::Server;

/// Somebody who issues certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Its own certificate and those above it, without the highest.
    chain: Vec<Vec<u8>>,
    file: OnceLock<Scratch>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = Self::params(name);
        change(&mut params);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, chain: Vec::new(), file: OnceLock::new() }
    }

    /// One that this one vouches for.
    pub fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
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

    /// Its own certificate.
    pub fn certificate(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// Another certificate for the same name and key.
    pub fn renewed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = Self::params(name);
        change(&mut params);
        params.self_signed(self.issuer.key()).unwrap().pem()
    }

    /// A file with its certificate, which goes with it.
    pub fn file(&self) -> &Path {
        &self.file.get_or_init(|| Scratch::of(&self.pem())).0
    }

    /// As a server is told of it.
    pub fn anchor(&self, name: &str) -> Anchor {
        let file = self.file().to_owned();
        let (revocation, crl_files) = (Revocation::Off, Vec::new());
        Anchor { name: name.to_owned(), file, revocation, crl_files }
    }

    /// A certificate of a client, in order but for what is changed.
    pub fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        self.issue_for(KeyPair::generate().unwrap(), name, change)
    }

    /// The same for this key.
    pub fn issue_for(
        &self,
        key: KeyPair,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Shown {
        let mut params = end_entity(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Shown { der: certificate.der().to_vec(), chain: self.chain.clone(), key }
    }
}

/// `O=Example`, and this `CN`.
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

/// A certificate, what comes with it, and the key that proves it.
pub struct Shown {
    pub der: Vec<u8>,
    pub chain: Vec<Vec<u8>>,
    pub key: KeyPair,
}

impl Shown {
    /// One that nobody but itself vouches for.
    pub fn self_signed(name: &str) -> Self {
        Self::self_signed_by(KeyPair::generate().unwrap(), name, |_| {})
    }

    pub fn self_signed_by(
        key: KeyPair,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = end_entity(name);
        change(&mut params);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { der, chain: Vec::new(), key }
    }

    /// To be shown in a TLS handshake.
    pub fn identity(&self) -> Identity {
        let all = [&[self.der.clone()][..], &self.chain].concat();
        let chain = all.into_iter().map(CertificateDer::from).collect();
        Identity { chain, key: self.same_key() }
    }

    /// `x5t#S256`
    pub fn thumbprint(&self) -> String {
        Thumbprint::of(&self.der).to_string()
    }

    /// The same key once more.
    pub fn same_key(&self) -> KeyPair {
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

    /// Its key as a JWK, with itself as `x5c`.
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

impl Ask {
    /// As a proxy sends it that has seen this certificate: RFC 9440.
    pub fn showing(self, shown: &Shown) -> Self {
        let ask = self.header("client-cert", &format!(":{}:", shown.base64()));
        if shown.chain.is_empty() {
            return ask;
        }
        let items: Vec<_> =
            shown.chain.iter().map(|der| format!(":{}:", STANDARD.encode(der))).collect();
        ask.header("client-cert-chain", &items.join(", "))
    }
}

/// A file that goes with its test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn of(text: &str) -> Self {
        let name = format!("gatewright_{}.pem", uuid::Uuid::now_v7().simple());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The configuration of a server behind a proxy on this machine, which tells of certificates.
pub fn behind_proxy(config: &mut Config, form: CertificateHeader) {
    config.http.trusted_proxies = vec![Network::new([127, 0, 0, 1].into(), 32).unwrap()];
    config.http.client_certificate_header = form;
}

/// A server behind such a proxy (RFC 9440), and the authority that it believes: as long as that one is
/// there, its file is.
pub async fn server() -> (Server, Authority) {
    let authority = Authority::new("Clients CA");
    (server_of(&authority).await, authority)
}

/// The same with this authority.
pub async fn server_of(authority: &Authority) -> Server {
    Server::with(|config| {
        behind_proxy(config, CertificateHeader::Rfc9440);
        config.client_certificates.anchors = vec![authority.anchor("clients")];
    })
    .await
}
