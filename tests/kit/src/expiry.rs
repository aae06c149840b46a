//! Expiry of certificates at the server under test.

use crate::certificates::{Authority as Company, Shown, behind_proxy};
use crate::outbox::sends_by;
use crate::receivers::MailServer;
use crate::server::{BEGINNING, Client, Server};
use crate::until::until;
use gatewright::config::{CertificateHeader, Config, Mailbox, Raw, Value as _};
use gatewright::pki::census::Census;
use gatewright::pki::issue::Issued;
use gatewright::pki::{Certificate, expiry};
use gatewright::types::ClientId;
use rcgen::CertificateParams;
use serde_json::{Value, json};
use std::sync::Arc;

pub const DAY: i64 = 24 * 60 * 60;

impl Server {
    /// Behind a proxy, with this anchor, and with operators who are written to.
    pub async fn believing(anchor: &Company, mails: &MailServer) -> Self {
        Self::with(|config| {
            tells_operators(config, mails);
            behind_proxy(config, CertificateHeader::Rfc9440);
            config.client_certificates.anchors = vec![anchor.anchor("company")];
        })
        .await
    }

    /// A token for a client that shows this.
    pub async fn token_for(&self, client: &Client, shown: &Shown) {
        let ask = self.ask("POST", "/token").basic(&client.id, &client.secret).showing(shown);
        ask.form("grant_type=client_credentials").send().await.ok();
        self.note().await;
    }

    /// Notes that a client has shown what was issued to it.
    pub async fn shows(&self, client: &Client, issued: &Issued) {
        let certificate = Arc::new(Certificate::read(&issued.certificate, &[]).unwrap());
        let id = ClientId::from_text(&client.id);
        self.app().sightings.note(&certificate, &id, self.trace().now());
        self.note().await;
    }
}

impl Server {
    /// What the job does, on this replica.
    pub async fn look(&self) {
        let inventory = self.inventory();
        inventory.note_anchors(&self.app().trust.anchors()).await.unwrap();
        let census = inventory.census().await.unwrap();
        expiry::look(&census, &self.app().store, &self.trace()).await.unwrap();
    }

    /// Lets time pass until this long after the beginning, and looks.
    pub async fn look_at(&self, seconds: i64) {
        self.wait(BEGINNING + seconds - self.trace().now().0);
        self.look().await;
    }

    /// The thresholds that were told, in days, the first one first; 0 is the end.
    pub async fn told(&self) -> Vec<i64> {
        let mut events = self.events("certificate.expiring").await;
        events.reverse();
        events.extend(self.events("certificate.expired").await);
        let threshold = |facts: &str| {
            let facts: Value = serde_json::from_str(facts).unwrap();
            facts["threshold"].as_i64().unwrap() / DAY
        };
        events.iter().map(|event| threshold(&event.facts)).collect()
    }

    /// A client whose tokens are bound to the certificate that it shows.
    pub async fn bound(&self, name: &str) -> Client {
        self.register(json!({
            "client_name": name,
            "grant_types": ["client_credentials"],
            "scope": "read write",
            "tls_client_certificate_bound_access_tokens": true,
            "contacts": [format!("{}@rp.example", name.to_lowercase())],
        }))
        .await
    }

    /// The metrics, when they tell this.
    pub async fn measured(&self, line: &str) -> String {
        let mut metrics = String::new();
        until(line, async || {
            metrics = self.app().metrics.render(0, 0);
            metrics.contains(line)
        })
        .await;
        metrics
    }

    pub async fn census<T>(&self, ask: impl FnOnce(&Census<'_>) -> T) -> T {
        let inventory = self.inventory();
        ask(&inventory.census().await.unwrap())
    }

    /// The names of the clients that stop, each with the day, counted from the beginning.
    pub async fn stops(&self) -> Vec<(String, Option<i64>, bool)> {
        self.census(|census| {
            let outlooks = census.outlooks();
            let told = outlooks.iter().map(|outlook| {
                let name = outlook.client.metadata.client_name.clone();
                let day = outlook.stops_at().map(|at| (at.0 - BEGINNING) / DAY);
                (name, day, outlook.renews)
            });
            told.collect()
        })
        .await
    }
}

/// Lets this mail server send to those who run the server.
pub fn tells_operators(config: &mut Config, mails: &MailServer) {
    sends_by(config, mails);
    config.certificates.notify = vec![Mailbox::read(&Raw::Text("ops@id.example.org")).unwrap()];
}

/// Sets the dates of a certificate, in days from the beginning.
pub fn dated(from: i64, to: i64) -> impl Fn(&mut CertificateParams) {
    let at = |days: i64| time::OffsetDateTime::from_unix_timestamp(BEGINNING + days * DAY).unwrap();
    move |params| {
        params.not_before = at(from);
        params.not_after = at(to);
    }
}
