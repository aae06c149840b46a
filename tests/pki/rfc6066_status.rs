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
struct Scene {
    server: Server,
    responder: Responder,
    /// The responses of the responder, in order.
    said: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scene {
    /// A scene whose responder returns this status, valid for an hour.
    async fn of(status: fn(Timestamp) -> Status) -> Self {
        Self::with(|_| {}, status).await
    }

    async fn with(change: impl FnOnce(&mut Config), status: fn(Timestamp) -> Status) -> Self {
        let server = Server::with_tls(|config| {
            config.operations.listen = "127.0.0.1:0".parse().ok();
            config.outbound.allow_private_networks = true;
            change(config);
        })
        .await;
        let scene = Self { server, responder: Responder::start().await, said: Arc::default() };
        scene.say(status);
        let authority = &scene.server.certificate_files().ca;
        scene.show(&scene.issue().with(authority.certificate())).await;
        scene
    }

    /// A certificate with the URL of the responder.
    fn issue(&self) -> Identity {
        let mut contents = certificate_params(HOST, &[HOST, MTLS_HOST]);
        add_ocsp_url(&mut contents, &self.responder.url("/ocsp"));
        self.server.certificate_files().ca.issue(contents)
    }

    async fn show(&self, identity: &Identity) {
        self.server.certificate_files().replace(identity);
        self.server.running().reload().await;
    }

    fn say(&self, status: fn(Timestamp) -> Status) {
        let (said, authority) = (self.said.clone(), self.server.certificate_files().ca.clone());
        self.responder.respond_with(move |_, body, now| {
            let response = ocsp_response(
                body,
                single_response(status(now), now),
                authority.ocsp_signer(),
                &[],
            );
            said.lock().unwrap().push(response.clone());
            Some(response)
        });
    }

    /// The latest response of the responder.
    fn last(&self) -> Vec<u8> {
        self.said.lock().unwrap().last().cloned().unwrap()
    }

    /// Advances the clocks of the server and the responder.
    fn wait(&self, seconds: i64) {
        self.server.advance_clock(seconds);
        self.responder.advance_clock(seconds);
    }

    /// The response that is stapled in a handshake, after the job that fetches it has run.
    async fn stapled(&self) -> Vec<u8> {
        self.server.running().staple().await;
        stapled_response(&self.server).await
    }

    /// The value of the counter for this outcome.
    async fn counted(&self, outcome: &str) -> String {
        let ask = RequestBuilder::new(self.server.operations.unwrap(), "GET", "/metrics");
        let metrics = ask.send().await.ok();
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
    let scene = Scene::of(good).await;

    let response = scene.stapled().await;

    assert_eq!(response, scene.last());
    let mtls = scene.server.addresses().mtls[0];
    assert_eq!(
        stapled_response_at(&scene.server, mtls, MTLS_HOST).await,
        response,
        "stapled for both names"
    );
    scene.server.running().reload().await;
    assert_eq!(scene.stapled().await, response, "a reload keeps the response");
    assert_eq!(scene.responder.request_count(), 1);
    assert_eq!(scene.counted("good").await, "1");

    // A new certificate needs a new response; the previous one is not used for it.
    let next = scene.issue().with(scene.server.certificate_files().ca.certificate());
    scene.show(&next).await;
    assert_eq!(scene.stapled().await, scene.last());
    assert_ne!(scene.last(), response);
    assert_eq!(scene.responder.request_count(), 2);
}

/// The second half of its validity remains for retries.
#[tokio::test]
async fn a_response_is_renewed_after_half_of_its_validity() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;

    scene.wait(1799);
    assert_eq!(scene.stapled().await, first);
    assert_eq!(scene.responder.request_count(), 1);
    scene.wait(1);
    let second = scene.stapled().await;

    assert_eq!(second, scene.last());
    assert_ne!(second, first);
    assert_eq!(scene.responder.request_count(), 2);
}

/// > The time at or before which newer information will be available about the status of the certificate.
/// > (RFC 6960 §2.4, nextUpdate)
#[tokio::test]
async fn while_the_responder_fails_the_old_response_is_used_until_it_expires() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    scene.responder.close_connections();

    scene.wait(1800);
    assert_eq!(scene.stapled().await, first);
    scene.wait(59);
    assert_eq!(scene.stapled().await, first);
    assert_eq!(scene.responder.request_count(), 2, "no retry within a minute");
    scene.wait(1740);
    assert_eq!(scene.stapled().await, first);
    assert_eq!(scene.responder.request_count(), 3);
    scene.wait(1);
    assert_eq!(scene.stapled().await, b"", "the response has expired");

    scene.server.tls_request("GET", "/jwks").send().await.ok();
    assert_eq!(scene.counted("unreachable").await, "2");
    scene.say(good);
    scene.wait(60);
    assert_eq!(scene.stapled().await, scene.last(), "a retry succeeds");
}

/// When a new certificate cannot be parsed, the old one stays in use, but its response still expires.
#[tokio::test]
async fn a_response_expires_while_the_certificate_file_is_broken() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    std::fs::write(scene.server.certificate_files().chain_file(), "").unwrap();
    scene.responder.close_connections();

    scene.server.running().reload().await;
    assert_eq!(scene.stapled().await, first);
    scene.wait(3600);

    assert_eq!(scene.stapled().await, b"");
}

/// A stapled response with the status revoked or unknown would make clients abort the handshake.
#[tokio::test]
async fn a_response_with_a_status_other_than_good_is_never_stapled() {
    for (status, outcome) in [(revoked_status as fn(_) -> _, "revoked"), (unknown, "unknown")] {
        let scene = Scene::of(status).await;
        assert_eq!(scene.stapled().await, b"", "{outcome}");
        assert_eq!(scene.counted(outcome).await, "1");
    }

    // The last good response is not used once the status is revoked.
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    scene.say(unknown);
    scene.wait(1800);
    assert_eq!(scene.stapled().await, first, "the response is still valid");
    scene.say(revoked_status);
    scene.wait(60);
    assert_eq!(scene.stapled().await, b"");
}

/// RFC 6960 §3.2: a response with a foreign signature, or for another certificate, is ignored.
#[tokio::test]
async fn a_response_with_a_foreign_signature_is_not_stapled() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;

    let mallory = Ca::new("Servers");
    scene.responder.respond_with(move |_, body, now| {
        Some(ocsp_response(body, single_response(Status::Good, now), mallory.ocsp_signer(), &[]))
    });
    scene.wait(1800);
    assert_eq!(scene.stapled().await, first);
    let stale = first.clone();
    let next = scene.issue().with(scene.server.certificate_files().ca.certificate());
    scene.responder.respond_with(move |_, _, _| Some(stale.clone()));
    scene.show(&next).await;

    assert_eq!(scene.stapled().await, b"", "the response is for the previous certificate");
    assert_eq!(scene.counted("unreachable").await, "2");
}

/// No request is sent when the certificate names no responder, the response is in a file, the issuer is
/// missing, or outbound rules forbid the URL (THREATS SS-01). The handshake succeeds all the same.
#[tokio::test]
async fn no_responder_is_requested_where_none_applies() {
    let elsewhere = std::env::temp_dir().join(format!("gatewright-{}", uuid::Uuid::new_v4()));
    let by_file = |config: &mut Config| config.tls.ocsp_file = Some(elsewhere);
    let private = |config: &mut Config| config.outbound.allow_private_networks = false;
    let scenes = [Scene::with(by_file, good).await, Scene::with(private, good).await];
    for scene in scenes {
        assert_eq!(scene.stapled().await, b"");
        assert_eq!(scene.responder.request_count(), 0);
    }

    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    scene.show(&scene.issue()).await;
    assert_eq!(scene.stapled().await, b"", "without the issuer a response cannot be verified");
    scene.show(&scene.server.certificate_files().ca.issue_server(&[HOST, MTLS_HOST])).await;
    assert_eq!(scene.stapled().await, b"", "the certificate names no responder");
    assert_eq!((scene.responder.request_count(), first), (1, scene.last()));
}

/// A certificate from ACME is stored in the database with its chain.
#[tokio::test]
async fn a_response_is_stapled_for_a_certificate_from_acme() {
    const DIRECTORY: &str = "https://localhost:1/directory";
    let scene = Scene::with(
        |config| {
            (config.tls.certificate_file, config.tls.key_file) = (None, None);
            config.acme.directory = DIRECTORY.parse().ok().map(AcmeDirectory);
        },
        good,
    )
    .await;
    let (server, authority) = (&scene.server, &scene.server.certificate_files().ca);
    let identity = scene.issue().with(authority.certificate());
    let id = format!("{DIRECTORY} {HOST} {MTLS_HOST}");
    let owner = Owner(Kind::AcmeCertificate, &id);
    let sealed = server.app().keyring.kek().seal(owner, identity.key.serialize_pem().as_bytes());
    let due_at = Timestamp(i64::MAX);
    acme::store_certificate(server.app().store.db(), &id, &identity.chain_pem(), &sealed, due_at)
        .await
        .unwrap();
    server.running().reload().await;

    let response = scene.stapled().await;

    assert_eq!(response, scene.last());
    server.running().reload().await;
    assert_eq!(stapled_response(server).await, response);
}
