//! A TLS client, and the directory with the TLS certificate of the server under test.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{RootCertStore, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::ca::{Ca, Identity};

/// A TLS client's trust anchors, certificate and session cache.
#[derive(Clone, Debug)]
pub struct TlsClient {
    pub config: Arc<ClientConfig>,
}

impl TlsClient {
    /// Trusts this CA, and authenticates with this certificate if there is one.
    pub fn new(ca: &Ca, identity: Option<&Identity>) -> Self {
        Self::with_versions(&[&version::TLS13, &version::TLS12], ca, identity)
    }

    /// Trusts this certificate, and has none of its own.
    pub fn with_root(root: CertificateDer<'static>) -> Self {
        Self::build(&[&version::TLS13, &version::TLS12], root, None)
    }

    /// The same with only these versions of TLS.
    pub fn with_versions(
        versions: &[&'static SupportedProtocolVersion],
        ca: &Ca,
        identity: Option<&Identity>,
    ) -> Self {
        Self::build(versions, ca.certificate().clone(), identity)
    }

    fn build(
        versions: &[&'static SupportedProtocolVersion],
        root: CertificateDer<'static>,
        identity: Option<&Identity>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.private_key())
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        Self { config: Arc::new(config) }
    }

    /// The same with a changed configuration.
    pub fn with_config(&self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        change(&mut config);
        Self { config: Arc::new(config) }
    }

    /// Connects to this address with this server name.
    pub async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.connect_over(TcpStream::connect(address).await?, name).await
    }

    /// The same over an existing connection.
    pub async fn connect_over(
        &self,
        stream: TcpStream,
        name: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(self.config.clone()).connect(name, stream).await
    }
}

/// The certificate files of a server, and the CA that issued the certificate.
pub struct CertificateFiles {
    pub ca: Ca,
    directory: PathBuf,
}

impl CertificateFiles {
    /// With a certificate for the issuer's host name and the mTLS host name.
    pub fn new() -> Self {
        let name = format!("gatewright-tls-{}", uuid::Uuid::new_v4());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let files = Self { ca: Ca::new("Servers"), directory };
        files.replace(&files.ca.issue_server(&[HOST, MTLS_HOST]));
        files
    }

    pub fn chain_file(&self) -> PathBuf {
        self.directory.join("fullchain.pem")
    }

    pub fn key_file(&self) -> PathBuf {
        self.directory.join("privkey.pem")
    }

    /// Replaces the certificate.
    pub fn replace(&self, identity: &Identity) {
        std::fs::write(self.key_file(), identity.key.serialize_pem()).unwrap();
        std::fs::write(self.chain_file(), identity.chain_pem()).unwrap();
    }
}

impl Drop for CertificateFiles {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The issuer's host name.
pub const HOST: &str = "id.example.org";

/// The mTLS host name.
pub const MTLS_HOST: &str = "mtls.id.example.org";
