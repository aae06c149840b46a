//! The built-in CA of the server under test, and the `openssl` command.

use crate::server::{Client, Server};
use gatewright::pki::Certificate;
use gatewright::pki::ca::BuiltInCa;
use gatewright::pki::issue::{IssuedCertificate, Right};
use gatewright::pki::request::CertificationRequest;
use gatewright::store::authorities::{self, AuthorityRow};
use gatewright::types::{ClientId, Result};
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls_pki_types::CertificateDer;
use std::path::PathBuf;
use std::process::Command;

impl Server {
    /// A server with a CA.
    pub async fn with_built_in_ca() -> Self {
        let server = Self::start().await;
        server.administer_ca(async |ca| ca.init().await).await.unwrap();
        server
    }

    /// Runs an operation of the CA like a command does, then has the server reload.
    pub async fn administer_ca<T>(
        &self,
        work: impl AsyncFnOnce(BuiltInCa<'_>) -> Result<T>,
    ) -> Result<T> {
        let (app, trace) = (self.app(), self.trace());
        let ca = BuiltInCa { context: app.context(&trace), kek: app.keyring.kek() };
        let done = work(ca).await;
        app.confirm().await.unwrap();
        done
    }

    /// Issues a certificate for a key, like an administrator.
    pub async fn issue_certificate(
        &self,
        client: &Client,
        key: &KeyPair,
    ) -> Result<IssuedCertificate> {
        let id = ClientId::from_text(&client.id);
        let request = CertificationRequest::parse(&csr(key)).unwrap();
        self.administer_ca(async |ca| ca.issue(Some(&id), &request, Right::Proven).await).await
    }

    /// Moves the server's clock into the validity of a certificate from `openssl`, which starts at the
    /// system's time.
    pub fn wait_until_valid(&self, certificate: &CertificateDer<'_>) {
        let begins = Certificate::parse(certificate, &[]).unwrap().not_before;
        self.advance_clock((begins - self.trace().now()).0.max(0) + 3600);
    }

    pub async fn current_ca(&self) -> AuthorityRow {
        authorities::current(self.app().store.db(), false).await.unwrap().unwrap()
    }
}

/// A certification request whose subject, names and extensions must all be ignored.
pub fn csr(key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(["somebody.else.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "somebody else");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let uri = "urn:gatewright:client:somebody-else".try_into().unwrap();
    params.subject_alt_names.push(SanType::URI(uri));
    params.serialize_request(key).unwrap().der().to_vec()
}

/// A temporary directory, removed when the test ends.
pub struct TempDir(pub PathBuf);

impl TempDir {
    pub fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("gatewright_{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs the system's `openssl` in this directory.
    #[track_caller]
    pub fn openssl(&self, arguments: &str) -> String {
        let (text, succeeded) = self.try_openssl(arguments);
        assert!(succeeded, "openssl {arguments}: {text}");
        text
    }

    /// The output of `openssl`, and whether it succeeded.
    pub fn try_openssl(&self, arguments: &str) -> (String, bool) {
        let mut command = Command::new("openssl");
        let output =
            command.args(arguments.split(' ')).current_dir(&self.0).output().expect("openssl runs");
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8_lossy(&text).into_owned(), output.status.success())
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
