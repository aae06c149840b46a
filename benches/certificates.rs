//! A CA, a server and its clients, all with ECDSA P-256.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

/// The host name of the server.
pub(crate) const HOST: &str = "localhost";

/// The CA.
pub(crate) struct Authority {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: String,
    key_pem: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Bench CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let pem = certificate.pem();
        Ok(Self { certificate: certificate.der().clone(), pem, issuer: Issuer::new(params, key) })
    }

    /// A certificate for the server.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn server(&self) -> Result<Identity> {
        let mut params = CertificateParams::new(vec![HOST.to_owned()])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.identity(params)
    }

    /// A certificate for a client of this name.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn client(&self, uri: &str) -> Result<Identity> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.subject_alt_names.push(SanType::URI(uri.try_into()?));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.identity(params)
    }

    fn identity(&self, mut params: CertificateParams) -> Result<Identity> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?,
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        Ok(roots)
    }

    /// The TLS configuration of a client: every handshake is a full one.
    ///
    /// # Errors
    /// When TLS refuses the certificate.
    pub(crate) fn connecting(&self, client: &Identity) -> Result<Arc<ClientConfig>> {
        let mut config = ClientConfig::builder()
            .with_root_certificates(self.roots()?)
            .with_client_auth_cert(vec![client.certificate.clone()], client.key.clone_key())?;
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// Writes the files of a server: `ca.pem`, `server.pem`, and `server.key`, readable by its owner only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, server: &Identity, dir: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(dir.join("ca.pem"), &self.pem)?;
        std::fs::write(dir.join("server.pem"), &server.pem)?;
        let key = dir.join("server.key");
        std::fs::write(&key, &server.key_pem)?;
        Ok(std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600))?)
    }
}

/// The rate of handshakes with client certificates by rustls alone: without sockets, and only the part of the server is
/// timed.
///
/// # Errors
/// When TLS refuses something.
pub(crate) fn handshakes(length: std::time::Duration) -> Result<f64> {
    let authority = Authority::new()?;
    let (server, client) = (authority.server()?, authority.client("urn:bench:client")?);
    let connecting = authority.connecting(&client)?;
    let verifier = WebPkiClientVerifier::builder(Arc::new(authority.roots()?)).build()?;
    let accepting = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![server.certificate], server.key)?;
    let accepting = Arc::new(accepting);

    let (begun, mut used, mut count) = (Instant::now(), std::time::Duration::ZERO, 0.0);
    while begun.elapsed() < length {
        let mut client = ClientConnection::new(connecting.clone(), HOST.try_into()?)?;
        let created = Instant::now();
        let mut server = ServerConnection::new(accepting.clone())?;
        used += created.elapsed();
        while client.is_handshaking() || server.is_handshaking() {
            let mut sent = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut sent)?;
            }
            let received = Instant::now();
            let mut rest = sent.as_slice();
            while !rest.is_empty() {
                server.read_tls(&mut rest)?;
                server.process_new_packets()?;
            }
            let mut response = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut response)?;
            }
            used += received.elapsed();
            let mut rest = response.as_slice();
            while !rest.is_empty() {
                client.read_tls(&mut rest)?;
                client.process_new_packets()?;
            }
        }
        count += 1.0;
    }
    let rate: f64 = count / used.as_secs_f64();
    rate.is_finite().then_some(rate).context("no handshake was completed")
}
