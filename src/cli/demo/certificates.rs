//! The certificates of the demo: one for `localhost`, and two for services, issued by the built-in CA.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;

use super::home::write_private;
use crate::app::App;
use crate::pki::Certificate;
use crate::pki::ca::BuiltInCa;
use crate::pki::issue::Right;
use crate::pki::pem;
use crate::pki::request::CertificationRequest;
use crate::record::Trace;
use crate::store::authorities;
use crate::types::{self, ClientId, Seconds, Timestamp};

/// At the start, a certificate with less remaining validity than this is renewed.
const LEAST: Seconds = Seconds::hours(12);

/// The validity of the certificate of `localhost`.
const LIFETIME: Seconds = Seconds::days(365);

/// The directory of the certificates.
#[derive(Debug)]
pub(super) struct Certificates(pub(super) PathBuf);

impl Certificates {
    /// The trust anchor for `localhost`: for `curl --cacert`.
    pub(super) fn server_ca(&self) -> PathBuf {
        self.0.join("localhost-ca.pem")
    }

    /// The certificate of `localhost`.
    pub(super) fn server_certificate(&self) -> PathBuf {
        self.0.join("localhost.pem")
    }

    /// Its key.
    pub(super) fn server_key(&self) -> PathBuf {
        self.0.join("localhost.key")
    }

    /// The certificate of a service.
    pub(super) fn service(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.pem"))
    }

    /// Its key.
    pub(super) fn service_key(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.key"))
    }

    /// Ensures a valid certificate for `localhost`. The private key of its CA is discarded at once, so that it
    /// cannot issue another one.
    ///
    /// # Errors
    /// The certificate cannot be created or written.
    pub(super) fn ensure_server_certificate(&self, now: Timestamp) -> anyhow::Result<()> {
        if is_fresh(&self.server_certificate(), now) {
            return Ok(());
        }
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Gatewright demo, localhost only");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_key = KeyPair::generate()?;
        let ca = params.self_signed(&ca_key)?;
        let issuer = Issuer::new(params, ca_key);

        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_after = time::OffsetDateTime::from_unix_timestamp((now + LIFETIME).0)?;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        write_private(&self.server_key(), key.serialize_pem().as_bytes())?;
        write_private(&self.server_ca(), ca.pem().as_bytes())?;
        write_private(&self.server_certificate(), certificate.pem().as_bytes())
    }

    /// Creates the built-in CA, once.
    ///
    /// # Errors
    /// See [`BuiltInCa::init`].
    pub(super) async fn ensure_ca(&self, app: &App) -> anyhow::Result<()> {
        if authorities::all(app.store.db()).await?.is_empty() {
            let trace = Trace::of_command(app.clock.now_ms());
            authority(app, &trace).init().await.map_err(|error| anyhow!("{error}"))?;
            app.confirm().await.map_err(|error| anyhow!("{error}"))?;
        }
        Ok(())
    }

    /// Ensures a valid certificate of the built-in CA for a service.
    ///
    /// # Errors
    /// See [`BuiltInCa::issue`].
    pub(super) async fn ensure_service_certificate(
        &self,
        app: &App,
        name: &str,
        client_id: &str,
    ) -> anyhow::Result<()> {
        if is_fresh(&self.service(name), app.clock.now()) {
            return Ok(());
        }
        let key = KeyPair::generate()?;
        let request = CertificateParams::default().serialize_request(&key)?;
        let request = CertificationRequest::parse(request.der()).map_err(anyhow::Error::msg)?;
        let trace = Trace::of_command(app.clock.now_ms());
        let client = ClientId::from_text(client_id);
        let issued = authority(app, &trace)
            .issue(Some(&client), &request, Right::Proven)
            .await
            .map_err(|error| anyhow!("{error}"))?;
        write_private(&self.service_key(name), key.serialize_pem().as_bytes())?;
        write_private(&self.service(name), pem::certificate(&issued.certificate).as_bytes())
    }
}

fn authority<'a>(app: &'a App, trace: &'a Trace) -> BuiltInCa<'a> {
    BuiltInCa { context: app.context(trace), kek: app.keyring.kek() }
}

/// The trust anchors of the server, including the built-in CA.
pub(super) fn anchors(app: &App) -> Vec<CertificateDer<'static>> {
    let anchors = app.trust.anchors();
    anchors.sets().flat_map(|set| set.certificates.iter().cloned()).collect()
}

fn is_fresh(file: &Path, now: Timestamp) -> bool {
    let read = || {
        let certificates = types::pem::certificates(&fs::read(file).ok()?).ok()?;
        Certificate::parse(certificates.first()?, &[]).ok()
    };
    read().is_some_and(|certificate| certificate.not_after > now + LEAST)
}
