//! RFC 6066 §8, Certificate Status Request: the server staples the response of the OCSP responder of
//! its certificate (RFC 6960), over real TLS. A response in a file is in `reload.rs`.

use std::sync::{Arc, Mutex};

use gatewright::config::{AcmeDirectory, Config};
use gatewright::jose::seal::{Kind, Owner};
use gatewright::pki::ocsp::Status;
use gatewright::store::acme;
use gatewright::types::Timestamp;

use kit::ca::{Ca, Identity, certificate_params};
use kit::http::RequestBuilder;
use kit::responder::{Responder, add_ocsp_url, ocsp_response, revoked_status, single_response};
use kit::server::Server;
use kit::stapling::{stapled_response, stapled_response_at};
use kit::tls_client::{HOST, MTLS_HOST};

/// A server, and the OCSP responder of its certificate.
struct Fixture {
    server: Server,
    responder: Responder,
    /// The responses of the responder, in order.
    responses: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Fixture {
    /// A fixture whose responder returns this status, valid for an hour.
    async fn with_status(status: fn(Timestamp) -> Status) -> Self {
        Self::with(|_| {}, status).await
    }

    async fn with(change: impl FnOnce(&mut Config), status: fn(Timestamp) -> Status) -> Self {
        let server = Server::with_tls(|config| {
            config.operations.listen = "127.0.0.1:0".parse().ok();
            config.outbound.allow_private_networks = true;
            change(config);
        })
        .await;
        let fixture =
            Self { server, responder: Responder::start().await, responses: Arc::default() };
        fixture.serve_status(status);
        let ca = &fixture.server.certificate_files().ca;
        fixture.use_certificate(&fixture.issue().with(ca.certificate())).await;
        fixture
    }

    /// A certificate with the URL of the responder.
    fn issue(&self) -> Identity {
        let mut params = certificate_params(HOST, &[HOST, MTLS_HOST]);
        add_ocsp_url(&mut params, &self.responder.url("/ocsp"));
        self.server.certificate_files().ca.issue(params)
    }

    async fn use_certificate(&self, identity: &Identity) {
        self.server.certificate_files().replace(identity);
        self.server.running().reload().await;
    }

    fn serve_status(&self, status: fn(Timestamp) -> Status) {
        let (responses, ca) = (self.responses.clone(), self.server.certificate_files().ca.clone());
        self.responder.respond_with(move |_, body, now| {
            let response =
                ocsp_response(body, single_response(status(now), now), ca.ocsp_signer(), &[]);
            responses.lock().unwrap().push(response.clone());
            Some(response)
        });
    }

    /// The latest response of the responder.
    fn last_response(&self) -> Vec<u8> {
        self.responses.lock().unwrap().last().cloned().unwrap()
    }

    /// Advances the clocks of the server and the responder.
    fn advance_clocks(&self, seconds: i64) {
        self.server.advance_clock(seconds);
        self.responder.advance_clock(seconds);
    }

    /// The response that is stapled in a handshake, after the job that fetches it has run.
    async fn fetch_stapled(&self) -> Vec<u8> {
        self.server.running().staple().await;
        stapled_response(&self.server).await
    }

    /// The value of the counter for this outcome.
    async fn counter(&self, outcome: &str) -> String {
        let request = RequestBuilder::new(self.server.operations.unwrap(), "GET", "/metrics");
        let metrics = request.send().await.ok();
        let name = format!("gatewright_ocsp_staples_total{{outcome=\"{outcome}\"}} ");
        let line = metrics.text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or("0").to_owned()
    }
}

fn good(_: Timestamp) -> Status {
    Status::Good
}

fn unknown(_: Timestamp) -> Status {
    Status::Unknown
}

/// > Servers that receive a client hello containing the "status_request" extension MAY return a suitable
/// > certificate status response to the client along with their certificate.
#[tokio::test]
async fn the_response_of_the_certificates_responder_is_stapled() {
    let fixture = Fixture::with_status(good).await;

    let response = fixture.fetch_stapled().await;

    assert_eq!(response, fixture.last_response());
    let mtls = fixture.server.addresses().mtls[0];
    assert_eq!(
        stapled_response_at(&fixture.server, mtls, MTLS_HOST).await,
        response,
        "stapled for both names"
    );
    fixture.server.running().reload().await;
    assert_eq!(fixture.fetch_stapled().await, response, "a reload keeps the response");
    assert_eq!(fixture.responder.request_count(), 1);
    assert_eq!(fixture.counter("good").await, "1");

    // A new certificate needs a new response; the previous one is not used for it.
    let next = fixture.issue().with(fixture.server.certificate_files().ca.certificate());
    fixture.use_certificate(&next).await;
    assert_eq!(fixture.fetch_stapled().await, fixture.last_response());
    assert_ne!(fixture.last_response(), response);
    assert_eq!(fixture.responder.request_count(), 2);
}

/// The second half of its validity remains for retries.
#[tokio::test]
async fn a_response_is_renewed_after_half_of_its_validity() {
    let fixture = Fixture::with_status(good).await;
    let first = fixture.fetch_stapled().await;

    fixture.advance_clocks(1799);
    assert_eq!(fixture.fetch_stapled().await, first);
    assert_eq!(fixture.responder.request_count(), 1);
    fixture.advance_clocks(1);
    let second = fixture.fetch_stapled().await;

    assert_eq!(second, fixture.last_response());
    assert_ne!(second, first);
    assert_eq!(fixture.responder.request_count(), 2);
}

/// > The time at or before which newer information will be available about the status of the certificate.
/// > (RFC 6960 §2.4, nextUpdate)
#[tokio::test]
async fn while_the_responder_fails_the_old_response_is_used_until_it_expires() {
    let fixture = Fixture::with_status(good).await;
    let first = fixture.fetch_stapled().await;
    fixture.responder.close_connections();

    fixture.advance_clocks(1800);
    assert_eq!(fixture.fetch_stapled().await, first);
    fixture.advance_clocks(59);
    assert_eq!(fixture.fetch_stapled().await, first);
    assert_eq!(fixture.responder.request_count(), 2, "no retry within a minute");
    fixture.advance_clocks(1740);
    assert_eq!(fixture.fetch_stapled().await, first);
    assert_eq!(fixture.responder.request_count(), 3);
    fixture.advance_clocks(1);
    assert_eq!(fixture.fetch_stapled().await, b"", "the response has expired");

    fixture.server.tls_request("GET", "/jwks").send().await.ok();
    assert_eq!(fixture.counter("unreachable").await, "2");
    fixture.serve_status(good);
    fixture.advance_clocks(60);
    assert_eq!(fixture.fetch_stapled().await, fixture.last_response(), "a retry succeeds");
}

/// When a new certificate cannot be parsed, the old one stays in use, but its response still expires.
#[tokio::test]
async fn a_response_expires_while_the_certificate_file_is_broken() {
    let fixture = Fixture::with_status(good).await;
    let first = fixture.fetch_stapled().await;
    std::fs::write(fixture.server.certificate_files().chain_file(), "").unwrap();
    fixture.responder.close_connections();

    fixture.server.running().reload().await;
    assert_eq!(fixture.fetch_stapled().await, first);
    fixture.advance_clocks(3600);

    assert_eq!(fixture.fetch_stapled().await, b"");
}

/// A stapled response with the status revoked or unknown would make clients abort the handshake.
#[tokio::test]
async fn a_response_with_a_status_other_than_good_is_never_stapled() {
    for (status, outcome) in [(revoked_status as fn(_) -> _, "revoked"), (unknown, "unknown")] {
        let fixture = Fixture::with_status(status).await;
        assert_eq!(fixture.fetch_stapled().await, b"", "{outcome}");
        assert_eq!(fixture.counter(outcome).await, "1");
    }

    // The last good response is not used once the status is revoked.
    let fixture = Fixture::with_status(good).await;
    let first = fixture.fetch_stapled().await;
    fixture.serve_status(unknown);
    fixture.advance_clocks(1800);
    assert_eq!(fixture.fetch_stapled().await, first, "the response is still valid");
    fixture.serve_status(revoked_status);
    fixture.advance_clocks(60);
    assert_eq!(fixture.fetch_stapled().await, b"");
}

/// RFC 6960 §3.2: a response with a foreign signature, or for another certificate, is ignored.
#[tokio::test]
async fn a_response_with_a_foreign_signature_is_not_stapled() {
    let fixture = Fixture::with_status(good).await;
    let first = fixture.fetch_stapled().await;

    let mallory = Ca::new("Servers");
    fixture.responder.respond_with(move |_, body, now| {
        Some(ocsp_response(body, single_response(Status::Good, now), mallory.ocsp_signer(), &[]))
    });
    fixture.advance_clocks(1800);
    assert_eq!(fixture.fetch_stapled().await, first);
    let stale = first.clone();
    let next = fixture.issue().with(fixture.server.certificate_files().ca.certificate());
    fixture.responder.respond_with(move |_, _, _| Some(stale.clone()));
    fixture.use_certificate(&next).await;

    assert_eq!(fixture.fetch_stapled().await, b"", "the response is for the previous certificate");
    assert_eq!(fixture.counter("unreachable").await, "2");
}

/// No request is sent when the certificate names no responder, the response is in a file, the issuer is
/// missing, or outbound rules forbid the URL (THREATS SS-01). The handshake succeeds all the same.
#[tokio::test]
async fn no_responder_is_requested_where_none_applies() {
    let missing_file = std::env::temp_dir().join(format!("gatewright-{}", uuid::Uuid::new_v4()));
    let by_file = |config: &mut Config| config.tls.ocsp_file = Some(missing_file);
    let private = |config: &mut Config| config.outbound.allow_private_networks = false;
    let fixtures = [Fixture::with(by_file, good).await, Fixture::with(private, good).await];
    for fixture in fixtures {
        assert_eq!(fixture.fetch_stapled().await, b"");
        assert_eq!(fixture.responder.request_count(), 0);
    }

    let fixture = Fixture::with_status(good).await;
    let first = fixture.fetch_stapled().await;
    fixture.use_certificate(&fixture.issue()).await;
    assert_eq!(
        fixture.fetch_stapled().await,
        b"",
        "without the issuer a response cannot be verified"
    );
    fixture
        .use_certificate(&fixture.server.certificate_files().ca.issue_server(&[HOST, MTLS_HOST]))
        .await;
    assert_eq!(fixture.fetch_stapled().await, b"", "the certificate names no responder");
    assert_eq!((fixture.responder.request_count(), first), (1, fixture.last_response()));
}

/// A certificate from ACME is stored in the database with its chain.
#[tokio::test]
async fn a_response_is_stapled_for_a_certificate_from_acme() {
    const DIRECTORY: &str = "https://localhost:1/directory";
    let fixture = Fixture::with(
        |config| {
            (config.tls.certificate_file, config.tls.key_file) = (None, None);
            config.acme.directory = DIRECTORY.parse().ok().map(AcmeDirectory);
        },
        good,
    )
    .await;
    let (server, ca) = (&fixture.server, &fixture.server.certificate_files().ca);
    let identity = fixture.issue().with(ca.certificate());
    let id = format!("{DIRECTORY} {HOST} {MTLS_HOST}");
    let owner = Owner(Kind::AcmeCertificate, &id);
    let sealed = server.app().keyring.kek().seal(owner, identity.key.serialize_pem().as_bytes());
    let due_at = Timestamp(i64::MAX);
    acme::store_certificate(server.app().store.db(), &id, &identity.chain_pem(), &sealed, due_at)
        .await
        .unwrap();
    server.running().reload().await;

    let response = fixture.fetch_stapled().await;

    assert_eq!(response, fixture.last_response());
    server.running().reload().await;
    assert_eq!(stapled_response(server).await, response);
}
