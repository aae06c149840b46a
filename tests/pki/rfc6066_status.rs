//! RFC 6066 §8, Certificate Status Request: what the responder says that our certificate names (RFC 6960) is
//! sent along in the handshake, over real TLS. A response in a file is in `reload.rs`.

use std::sync::{Arc, Mutex};

use gatewright::config::{AcmeDirectory, Config};
use gatewright::jose::seal::{Kind, Owner};
use gatewright::pki::ocsp::Status;
use gatewright::store::acme;
use gatewright::types::Timestamp;

use kit::authority::{Authority, Identity, contents};
use kit::caller::{MTLS, NAME};
use kit::http::Ask;
use kit::responder::{Responder, answer, names_responder, respond, revoked};
use kit::server::Server;
use kit::stapling::{stapled, stapled_at};

/// A server, and the responder that its certificate names.
struct Scene {
    server: Server,
    responder: Responder,
    /// What the responder has said, in order.
    said: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scene {
    /// Whose responder says this, for an hour each time.
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
        let authority = &scene.server.house().authority;
        scene.show(&scene.issue().with(authority.certificate())).await;
        scene
    }

    /// A certificate that names the responder.
    fn issue(&self) -> Identity {
        let mut contents = contents(NAME, &[NAME, MTLS]);
        names_responder(&mut contents, &self.responder.url("/ocsp"));
        self.server.house().authority.issue(contents)
    }

    async fn show(&self, identity: &Identity) {
        self.server.house().put(identity);
        self.server.running().reload().await;
    }

    fn say(&self, status: fn(Timestamp) -> Status) {
        let (said, authority) = (self.said.clone(), self.server.house().authority.clone());
        self.responder.say(move |_, body, now| {
            let response = respond(body, answer(status(now), now), authority.signs(), &[]);
            said.lock().unwrap().push(response.clone());
            Some(response)
        });
    }

    /// What it has said last.
    fn last(&self) -> Vec<u8> {
        self.said.lock().unwrap().last().cloned().unwrap()
    }

    /// Lets time pass, here and at the responder.
    fn wait(&self, seconds: i64) {
        self.server.wait(seconds);
        self.responder.wait(seconds);
    }

    /// What comes along with a handshake, when whoever asks the responder has had a turn.
    async fn stapled(&self) -> Vec<u8> {
        self.server.running().staple().await;
        stapled(&self.server).await
    }

    /// How often operators see this outcome of asking.
    async fn counted(&self, outcome: &str) -> String {
        let ask = Ask::new(self.server.operations.unwrap(), "GET", "/metrics");
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
async fn what_the_responder_says_that_the_certificate_names_is_sent_along() {
    let scene = Scene::of(good).await;

    let response = scene.stapled().await;

    assert_eq!(response, scene.last());
    let mtls = scene.server.addresses().mtls[0];
    assert_eq!(stapled_at(&scene.server, mtls, MTLS).await, response, "under both names");
    scene.server.running().reload().await;
    assert_eq!(scene.stapled().await, response, "a reload does not lose it");
    assert_eq!(scene.responder.asked(), 1);
    assert_eq!(scene.counted("good").await, "1");

    // Another certificate is another question, and what was said of the first is no answer to it.
    let next = scene.issue().with(scene.server.house().authority.certificate());
    scene.show(&next).await;
    assert_eq!(scene.stapled().await, scene.last());
    assert_ne!(scene.last(), response);
    assert_eq!(scene.responder.asked(), 2);
}

/// Half of its life is there to try again.
#[tokio::test]
async fn a_response_is_fetched_anew_when_half_of_its_life_is_over() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;

    scene.wait(1799);
    assert_eq!(scene.stapled().await, first);
    assert_eq!(scene.responder.asked(), 1);
    scene.wait(1);
    let second = scene.stapled().await;

    assert_eq!(second, scene.last());
    assert_ne!(second, first);
    assert_eq!(scene.responder.asked(), 2);
}

/// > The time at or before which newer information will be available about the status of the certificate.
/// > (RFC 6960 §2.4, nextUpdate)
#[tokio::test]
async fn while_the_responder_is_away_the_old_response_is_kept_until_it_ends() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    scene.responder.hang_up();

    scene.wait(1800);
    assert_eq!(scene.stapled().await, first);
    scene.wait(59);
    assert_eq!(scene.stapled().await, first);
    assert_eq!(scene.responder.asked(), 2, "not again within a minute");
    scene.wait(1740);
    assert_eq!(scene.stapled().await, first);
    assert_eq!(scene.responder.asked(), 3);
    scene.wait(1);
    assert_eq!(scene.stapled().await, b"", "it has ended");

    scene.server.ask_tls("GET", "/jwks").send().await.ok();
    assert_eq!(scene.counted("unreachable").await, "2");
    scene.say(good);
    scene.wait(60);
    assert_eq!(scene.stapled().await, scene.last(), "and it is asked again");
}

/// A certificate that cannot be read leaves the old one in place, but not for ever what was said of it.
#[tokio::test]
async fn a_broken_file_keeps_no_response_beyond_its_end() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    std::fs::write(scene.server.house().chain(), "").unwrap();
    scene.responder.hang_up();

    scene.server.running().reload().await;
    assert_eq!(scene.stapled().await, first);
    scene.wait(3600);

    assert_eq!(scene.stapled().await, b"");
}

/// A server that sent along that it is revoked, or that nobody knows, would send clients away.
#[tokio::test]
async fn a_response_that_is_not_good_is_never_sent_along() {
    for (status, outcome) in [(revoked as fn(_) -> _, "revoked"), (unknown, "unknown")] {
        let scene = Scene::of(status).await;
        assert_eq!(scene.stapled().await, b"", "{outcome}");
        assert_eq!(scene.counted(outcome).await, "1");
    }

    // Who is revoked was good before: that is not to be told any more.
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    scene.say(unknown);
    scene.wait(1800);
    assert_eq!(scene.stapled().await, first, "nobody has contradicted it");
    scene.say(revoked);
    scene.wait(60);
    assert_eq!(scene.stapled().await, b"");
}

/// RFC 6960 §3.2: what somebody else has signed, or says of another certificate, says nothing.
#[tokio::test]
async fn a_response_of_anybody_else_is_not_sent_along() {
    let scene = Scene::of(good).await;
    let first = scene.stapled().await;

    let mallory = Authority::new("Servers");
    scene.responder.say(move |_, body, now| {
        Some(respond(body, answer(Status::Good, now), mallory.signs(), &[]))
    });
    scene.wait(1800);
    assert_eq!(scene.stapled().await, first);
    let stale = first.clone();
    let next = scene.issue().with(scene.server.house().authority.certificate());
    scene.responder.say(move |_, _, _| Some(stale.clone()));
    scene.show(&next).await;

    assert_eq!(scene.stapled().await, b"", "it is about the certificate before");
    assert_eq!(scene.counted("unreachable").await, "2");
}

/// Nobody is asked where nobody is named, where a file says it, where nothing could be believed, or where we
/// do not go (THREATS SS-01); and it makes no difference to a handshake.
#[tokio::test]
async fn nobody_is_asked_who_is_not_to_be_asked() {
    let elsewhere = std::env::temp_dir().join(format!("gatewright-{}", uuid::Uuid::new_v4()));
    let by_file = |config: &mut Config| config.tls.ocsp_file = Some(elsewhere);
    let private = |config: &mut Config| config.outbound.allow_private_networks = false;
    let scenes = [Scene::with(by_file, good).await, Scene::with(private, good).await];
    for scene in scenes {
        assert_eq!(scene.stapled().await, b"");
        assert_eq!(scene.responder.asked(), 0);
    }

    let scene = Scene::of(good).await;
    let first = scene.stapled().await;
    scene.show(&scene.issue()).await;
    assert_eq!(scene.stapled().await, b"", "without the issuer nothing could be believed");
    scene.show(&scene.server.house().authority.server(&[NAME, MTLS])).await;
    assert_eq!(scene.stapled().await, b"", "nobody is named");
    assert_eq!((scene.responder.asked(), first), (1, scene.last()));
}

/// What came by ACME lies in the database with its chain.
#[tokio::test]
async fn a_certificate_from_acme_has_its_response_too() {
    const DIRECTORY: &str = "https://localhost:1/directory";
    let scene = Scene::with(
        |config| {
            (config.tls.certificate_file, config.tls.key_file) = (None, None);
            config.acme.directory = DIRECTORY.parse().ok().map(AcmeDirectory);
        },
        good,
    )
    .await;
    let (server, authority) = (&scene.server, &scene.server.house().authority);
    let identity = scene.issue().with(authority.certificate());
    let id = format!("{DIRECTORY} {NAME} {MTLS}");
    let owner = Owner(Kind::AcmeCertificate, &id);
    let sealed = server.app().keyring.kek().seal(owner, identity.key.serialize_pem().as_bytes());
    let due_at = Timestamp(i64::MAX);
    acme::keep_certificate(server.app().store.db(), &id, &identity.chain_pem(), &sealed, due_at)
        .await
        .unwrap();
    server.running().reload().await;

    let response = scene.stapled().await;

    assert_eq!(response, scene.last());
    server.running().reload().await;
    assert_eq!(stapled(server).await, response);
}
