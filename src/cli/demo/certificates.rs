//! The certificates of the demonstration: one for this machine, and two for services, which the
//! authority inside the server issues.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;

use super::home::written;
use crate::app::App;
use crate::pki::Certificate;
use crate::pki::authority::Authority;
use crate::pki::issue::Right;
use crate::pki::pem;
use crate::pki::request::CertificationRequest;
use crate::record::Trace;
use crate::store::authorities;
use crate::types::{self, ClientId, Seconds, Timestamp};

/// A certificate that has less than this left is made anew at the start.
const LEAST: Seconds = Seconds::hours(12);

/// How long the certificate of this machine counts.
const LIFETIME: Seconds = Seconds::days(365);

/// Where the certificates lie: a directory of the demonstration.
#[derive(Debug)]
pub(super) struct Drawer(pub(super) PathBuf);

impl Drawer {
    /// What `localhost` is certified by: for `curl --cacert`.
    pub(super) fn machine_ca(&self) -> PathBuf {
        self.0.join("localhost-ca.pem")
    }

    /// The certificate of `localhost`.
    pub(super) fn machine(&self) -> PathBuf {
        self.0.join("localhost.pem")
    }

    /// Its key.
    pub(super) fn machine_key(&self) -> PathBuf {
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

    /// Sees to it that `localhost` has a certificate: the listeners show it, and whoever certified it
    /// is forgotten at once, so that it certifies nothing else.
    ///
    /// # Errors
    /// When one cannot be made or written.
    pub(super) fn settle_machine(&self, now: Timestamp) -> anyhow::Result<()> {
        if is_fresh(&self.machine(), now) {
            return Ok(());
        }
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "Gatewright demo, this machine alone");
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
        written(&self.machine_key(), key.serialize_pem().as_bytes())?;
        written(&self.machine_ca(), ca.pem().as_bytes())?;
        written(&self.machine(), certificate.pem().as_bytes())
    }

    /// Makes the authority, once.
    ///
    /// # Errors
    /// What the rules or the store say.
    pub(super) async fn settle_authority(&self, app: &App) -> anyhow::Result<()> {
        if authorities::all(app.store.db()).await?.is_empty() {
            let trace = Trace::of_command(app.clock.now_ms());
            authority(app, &trace).init().await.map_err(|error| anyhow!("{error}"))?;
            app.confirm().await.map_err(|error| anyhow!("{error}"))?;
        }
        Ok(())
    }

    /// Sees to it that a service has a certificate that lasts a while, from the authority inside the server.
    ///
    /// # Errors
    /// What the rules or the store say.
    pub(super) async fn settle_service(
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
        let request = CertificationRequest::read(request.der()).map_err(anyhow::Error::msg)?;
        let trace = Trace::of_command(app.clock.now_ms());
        let client = ClientId::from_text(client_id);
        let issued = authority(app, &trace)
            .issue(Some(&client), &request, Right::Proven)
            .await
            .map_err(|error| anyhow!("{error}"))?;
        written(&self.service_key(name), key.serialize_pem().as_bytes())?;
        written(&self.service(name), pem::certificate(&issued.certificate).as_bytes())
    }
}

fn authority<'a>(app: &'a App, trace: &'a Trace) -> Authority<'a> {
    Authority { store: &app.store, kek: app.keyring.kek(), config: &app.config, trace }
}

/// What the services' certificates chain to: the anchors of the server, the authority inside among them.
pub(super) fn anchors(app: &App) -> Vec<CertificateDer<'static>> {
    let anchors = app.trust.anchors();
    anchors.sets().flat_map(|set| set.certificates.iter().cloned()).collect()
}

fn is_fresh(file: &Path, now: Timestamp) -> bool {
    let read = || {
        let found = types::pem::certificates(&fs::read(file).ok()?).ok()?;
        Certificate::read(found.first()?, &[]).ok()
    };
    read().is_some_and(|certificate| certificate.not_after > now + LEAST)
}
