//! Certificates in the inventory of the server under test.

use crate::server::{Client, START_TIME, Server};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatewright::pki::Reason;
use gatewright::pki::inventory::{Entry, Inventory};
use gatewright::pki::{Certificate, inventory};
use gatewright::record::Trace;
use gatewright::store::certificates::Filter;
use gatewright::types::{ClientId, Result, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;

/// A self-signed certificate, valid from [`START_TIME`] unless a test says otherwise.
pub struct SelfSignedCertificate {
    pub certificate: Arc<Certificate>,
    key: KeyPair,
}

impl SelfSignedCertificate {
    pub fn new(name: &str, days: i64) -> Self {
        Self::between(name, START_TIME, START_TIME + days * DAY)
    }

    pub fn between(name: &str, from: i64, to: i64) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![format!("{name}.example")]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Acme, Inc.");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = OffsetDateTime::from_unix_timestamp(from).unwrap();
        params.not_after = OffsetDateTime::from_unix_timestamp(to).unwrap();
        let signed = params.self_signed(&key).unwrap();
        let certificate = Arc::new(Certificate::parse(signed.der(), &[]).unwrap());
        Self { certificate, key }
    }

    /// RFC 7517 §4.7.
    pub fn jwk(&self) -> Value {
        let point = self.key.public_key_raw();
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]),
            "x5c": [STANDARD.encode(self.certificate.der())],
        })
    }
}

impl Server {
    /// The inventory's entries for this client.
    pub async fn certificates_of(&self, client: &Client) -> Vec<Entry> {
        let id = ClientId::from_text(&client.id);
        let filter = Filter {
            client_id: Some(id),
            not_after_from: Timestamp(i64::MIN),
            not_after_to: Timestamp(i64::MAX),
        };
        let trace = self.trace();
        let inventory = self.inventory(&trace);
        let mut listing = inventory.list(filter).await.unwrap();
        let found = inventory.next_page(&mut listing, 1000, |_| true).await.unwrap();
        assert!(listing.is_complete(), "a client of a test has fewer certificates");
        found
    }

    pub fn inventory<'a>(&'a self, trace: &'a Trace) -> Inventory<'a> {
        self.app().inventory(trace)
    }

    /// A client with `private_key_jwt` whose registered keys carry these certificates.
    pub async fn register_with_certificates(
        &self,
        certificates: &[&SelfSignedCertificate],
    ) -> Client {
        let keys: Vec<_> = certificates.iter().map(|certificate| certificate.jwk()).collect();
        self.register(json!({
            "client_name": "Billing",
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": keys },
            "contacts": ["billing@example.org"],
        }))
        .await
    }

    /// Records that a client has presented a certificate, like a request does.
    pub fn record_sighting(&self, certificate: &SelfSignedCertificate, client: &Client) {
        let id = ClientId::from_text(&client.id);
        self.app().sightings.note(&certificate.certificate, &id, self.trace().now());
    }

    /// Revokes a certificate like `gatewright cert revoke --file`.
    pub async fn revoke_by_file(&self, certificate: &SelfSignedCertificate) -> Result<()> {
        let trace = self.trace();
        let row = inventory::seen_row(&certificate.certificate, trace.now());
        self.inventory(&trace).revoke(&row, Reason::KeyCompromise).await.map(drop)
    }

    /// Writes the recorded sightings to the database, like the background job of this replica.
    pub async fn flush_sightings(&self) {
        let app = self.app();
        app.sightings.flush(&app.store, &app.trust).await.unwrap();
    }
}

pub const DAY: i64 = 24 * 60 * 60;
