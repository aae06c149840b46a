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

use crate::authority::{Authority, Identity};

/// A TLS client's trust anchors, certificate and session cache.
#[derive(Clone, Debug)]
pub struct Caller {
    pub config: Arc<ClientConfig>,
}

impl Caller {
    /// Trusts this CA, and authenticates with this certificate if there is one.
    pub fn new(authority: &Authority, shows: Option<&Identity>) -> Self {
        Self::speaking(&[&version::TLS13, &version::TLS12], authority, shows)
    }

    /// Trusts this certificate, and has none of its own.
    pub fn trusting(root: CertificateDer<'static>) -> Self {
        Self::of(&[&version::TLS13, &version::TLS12], root, None)
    }

    /// The same with only these versions of TLS.
    pub fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        authority: &Authority,
        shows: Option<&Identity>,
    ) -> Self {
        Self::of(versions, authority.certificate().clone(), shows)
    }

    fn of(
        versions: &[&'static SupportedProtocolVersion],
        root: CertificateDer<'static>,
        shows: Option<&Identity>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match shows {
            Some(one) => builder.with_client_auth_cert(one.chain.clone(), one.private()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        Self { config: Arc::new(config) }
    }

    /// The same with a changed configuration.
    pub fn changed(&self, change: impl FnOnce(&mut ClientConfig)) -> Self {
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
        self.over(TcpStream::connect(address).await?, name).await
    }

    /// The same over an existing connection.
    pub async fn over(&self, stream: TcpStream, name: &str) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(self.config.clone()).connect(name, stream).await
    }
}

/// The certificate files of a server, and the CA that issued the certificate.
pub struct House {
    pub authority: Authority,
    directory: PathBuf,
}

impl House {
    /// With a certificate for the issuer's host name and the mTLS host name.
    pub fn new() -> Self {
        let name = format!("gatewright-tls-{}", uuid::Uuid::new_v4());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let house = Self { authority: Authority::new("Servers"), directory };
        house.put(&house.authority.server(&[NAME, MTLS]));
        house
    }

    pub fn chain(&self) -> PathBuf {
        self.directory.join("fullchain.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.directory.join("privkey.pem")
    }

    /// Replaces the certificate.
    pub fn put(&self, identity: &Identity) {
        std::fs::write(self.key(), identity.key.serialize_pem()).unwrap();
        std::fs::write(self.chain(), identity.chain_pem()).unwrap();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The issuer's host name.
pub const NAME: &str = "id.example.org";

/// The mTLS host name.
pub const MTLS: &str = "mtls.id.example.org";
