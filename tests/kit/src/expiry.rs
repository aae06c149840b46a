//! The certificate expiry job of the server under test.

use crate::client_certificates::{ClientCa, ClientCertificate, trust_proxy};
use crate::outbox::use_mail_server;
use crate::receivers::MailServer;
use crate::server::{Client, START_TIME, Server};
use crate::wait::wait_until;
use gatewright::config::{CertificateHeader, Config, Mailbox, RawValue, Value as _};
use gatewright::pki::census::Census;
use gatewright::pki::issue::IssuedCertificate;
use gatewright::pki::{Certificate, expiry};
use gatewright::types::ClientId;
use rcgen::CertificateParams;
use serde_json::{Value, json};
use std::sync::Arc;

pub const DAY: i64 = 24 * 60 * 60;

impl Server {
    /// A server behind a proxy, with this trust anchor and with operators to notify by mail.
    pub async fn with_trust_anchor(anchor: &ClientCa, mails: &MailServer) -> Self {
        Self::with(|config| {
            notify_operators(config, mails);
            trust_proxy(config, CertificateHeader::Rfc9440);
            config.client_certificates.anchors = vec![anchor.trust_anchor("company")];
        })
        .await
    }

    /// Requests a token as a client that presents this certificate, and records the sighting.
    pub async fn use_certificate(&self, client: &Client, certificate: &ClientCertificate) {
        let request = self
            .request("POST", "/token")
            .basic(&client.id, &client.secret)
            .client_cert(certificate);
        request.form("grant_type=client_credentials").send().await.ok();
        self.flush_sightings().await;
    }

    /// Records that a client has presented this certificate.
    pub async fn record_use(&self, client: &Client, issued: &IssuedCertificate) {
        let certificate = Arc::new(Certificate::parse(&issued.certificate, &[]).unwrap());
        let id = ClientId::from_text(&client.id);
        self.app().sightings.note(&certificate, &id, self.trace().now());
        self.flush_sightings().await;
    }
}

impl Server {
    /// Runs the expiry job on this replica.
    pub async fn run_expiry_job(&self) {
        let trace = self.trace();
        let inventory = self.inventory(&trace);
        inventory.note_anchors(&self.app().trust.anchors()).await.unwrap();
        let census = inventory.census().await.unwrap();
        expiry::send_warnings(&census).await.unwrap();
    }

    /// Advances the clock to this long after [`START_TIME`], and runs the job.
    pub async fn run_expiry_job_at(&self, seconds: i64) {
        self.advance_clock(START_TIME + seconds - self.trace().now().0);
        self.run_expiry_job().await;
    }

    /// The thresholds of the events so far, in days, oldest first; 0 is the expiry itself.
    pub async fn reported_thresholds(&self) -> Vec<i64> {
        let mut events = self.audit_events("certificate.expiring").await;
        events.reverse();
        events.extend(self.audit_events("certificate.expired").await);
        let threshold = |facts: &str| {
            let facts: Value = serde_json::from_str(facts).unwrap();
            facts["threshold"].as_i64().unwrap() / DAY
        };
        events.iter().map(|event| threshold(&event.facts)).collect()
    }

    /// A client with certificate-bound access tokens.
    pub async fn certificate_bound_client(&self, name: &str) -> Client {
        self.register(json!({
            "client_name": name,
            "grant_types": ["client_credentials"],
            "scope": "read write",
            "tls_client_certificate_bound_access_tokens": true,
            "contacts": [format!("{}@rp.example", name.to_lowercase())],
        }))
        .await
    }

    /// The metrics, once they contain this line.
    pub async fn metrics_with(&self, line: &str) -> String {
        let mut metrics = String::new();
        wait_until(line, async || {
            metrics = self.app().metrics.render(0, 0);
            metrics.contains(line)
        })
        .await;
        metrics
    }

    pub async fn census<T>(&self, query: impl FnOnce(&Census<'_>) -> T) -> T {
        let trace = self.trace();
        let inventory = self.inventory(&trace);
        query(&inventory.census().await.unwrap())
    }

    /// For each client of the forecast: its name, the day counted from [`START_TIME`] on which its last
    /// certificate expires, and whether it renews.
    pub async fn forecasts(&self) -> Vec<(String, Option<i64>, bool)> {
        self.census(|census| {
            let forecasts = census.forecasts();
            let rows = forecasts.iter().map(|forecast| {
                let name = forecast.client.metadata.client_name.clone();
                let day = forecast.stops_at().map(|at| (at.0 - START_TIME) / DAY);
                (name, day, forecast.renews)
            });
            rows.collect()
        })
        .await
    }
}

/// Configures this mail server, and an operator's address to notify.
pub fn notify_operators(config: &mut Config, mails: &MailServer) {
    use_mail_server(config, mails);
    config.certificates.notify =
        vec![Mailbox::read(&RawValue::Text("ops@id.example.org")).unwrap()];
}

/// Sets a certificate's validity, in days from [`START_TIME`].
pub fn validity_in_days(from: i64, to: i64) -> impl Fn(&mut CertificateParams) {
    let at =
        |days: i64| time::OffsetDateTime::from_unix_timestamp(START_TIME + days * DAY).unwrap();
    move |params| {
        params.not_before = at(from);
        params.not_after = at(to);
    }
}
