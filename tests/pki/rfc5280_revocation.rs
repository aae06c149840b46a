//! Certificates that their authorities revoke: RFC 5280 §6.3 (CRLs), RFC 6960 (OCSP), over real TLS, with a
//! responder that says what it is told. THREATS MT-03.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::config::{Anchor, Bytes, ClientCertificates, Config, Revocation};
use gatewright::pki::anchors::{self, Trust};
use gatewright::pki::inventory::Inventory;
use gatewright::pki::ocsp::{Answer, CertId, Hash, Request, Status};
use gatewright::pki::{Certificate, Issuer, Reason, inventory};
use gatewright::store::certificates;
use gatewright::types::{Seconds, Thumbprint, Timestamp};
use rcgen::{
    CertificateParams, CrlDistributionPoint, CustomExtension, ExtendedKeyUsagePurpose, KeyPair,
    SerialNumber,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use kit::authority::{Authority, Identity, contents, pem};
use kit::browser::{Browser, VERIFIER};
use kit::ca::Dir;
use kit::certificates::Scratch;
use kit::http::Answer as Http;
use kit::responder::{
    Responder, State, answer, list, list_until, names_responder, respond, revoked, sign,
};
use kit::server::{BEGINNING, Client, Server};

const SERIAL: u64 = 0x00c0_ffee;

/// A server that believes an authority, the authority's responder, and a client with a certificate of it.
struct Scene {
    server: Server,
    authority: Arc<Authority>,
    responder: Responder,
    client: Client,
    _anchor: Scratch,
}

impl Scene {
    async fn new(revocation: Revocation) -> Self {
        Self::with(revocation, |_| {}).await
    }

    async fn with(revocation: Revocation, change: impl FnOnce(&mut Anchor)) -> Self {
        // The smallest that may be set.
        Self::with_lists_of(Bytes(64 << 10), revocation, change).await
    }

    async fn with_lists_of(
        most: Bytes,
        revocation: Revocation,
        change: impl FnOnce(&mut Anchor),
    ) -> Self {
        Self::of(revocation, change, |config| config.client_certificates.max_crl_bytes = most).await
    }

    async fn of(
        revocation: Revocation,
        change: impl FnOnce(&mut Anchor),
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        Self::below(Arc::new(Authority::new("Clients")), revocation, change, configure).await
    }

    /// One whose anchor has this list in a file.
    async fn with_file(authority: &Arc<Authority>, revocation: Revocation, file: &Scratch) -> Self {
        let path = file.0.clone();
        Self::below(authority.clone(), revocation, |anchor| anchor.crl_files = vec![path], |_| {})
            .await
    }

    async fn below(
        authority: Arc<Authority>,
        revocation: Revocation,
        change: impl FnOnce(&mut Anchor),
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let file = Scratch::of(&pem(authority.certificate()));
        let mut anchor = Anchor {
            name: "clients".to_owned(),
            file: file.0.clone(),
            revocation,
            crl_files: Vec::new(),
        };
        change(&mut anchor);
        let server = Server::with_tls(|config| {
            config.client_certificates.anchors = vec![anchor];
            config.outbound.allow_private_networks = true;
            configure(config);
        })
        .await;
        let client = registered(&server, json!({})).await;
        Self { server, authority, responder: Responder::start().await, client, _anchor: file }
    }

    /// A certificate of the client, with what is changed.
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        self.issue_of(&self.authority, change)
    }

    fn issue_of(&self, by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut contents = contents("Backup", &[]);
        contents.serial_number = Some(SerialNumber::from(SERIAL));
        change(&mut contents);
        by.issue(contents)
    }

    /// One that names the responder.
    fn with_responder(&self) -> Identity {
        self.issue(|contents| names_responder(contents, &self.responder.url("/ocsp")))
    }

    /// One that names the list.
    fn with_list(&self) -> Identity {
        self.issue(|contents| names_list(contents, &self.responder.url("/list")))
    }

    /// Answers OCSP as the authority itself.
    fn say(&self, status: impl Fn(Timestamp) -> Status + Send + 'static) {
        let authority = self.authority.clone();
        self.responder.say(move |_, body, now| {
            Some(respond(body, answer(status(now), now), authority.signs(), &[]))
        });
    }

    /// Hands out a list with these serial numbers.
    fn publish(&self, serials: &'static [u64]) {
        let authority = self.authority.clone();
        self.responder.say(move |_, _, now| Some(list(&authority, serials, now)));
    }

    async fn ask(&self, shown: &Identity) -> Http {
        self.ask_at(&self.server, shown).await
    }

    async fn ask_at(&self, server: &Server, shown: &Identity) -> Http {
        let form = format!("grant_type=client_credentials&client_id={}", self.client.id);
        server.ask_mtls(Some(shown), "POST", "/token").form(&form).send().await
    }

    /// Lets time pass, here and at the responder.
    fn wait(&self, seconds: i64) {
        self.server.wait(seconds);
        self.responder.wait(seconds);
    }

    /// What the job does; of how many chains it was time to ask anew.
    async fn refresh(&self) -> usize {
        let app = self.server.app();
        let due = app.revocations.due(self.server.trace().now()).len();
        app.ask_anew().await.unwrap();
        app.confirm().await.unwrap();
        due
    }

    /// The same, beside what the test does.
    fn refreshing(&self) -> JoinHandle<()> {
        let app = self.server.app().clone();
        tokio::spawn(async move { app.ask_anew().await.unwrap() })
    }

    /// Answers OCSP and hands out a list, both for six hours.
    fn say_for_long(&self) {
        let authority = self.authority.clone();
        self.responder.say(move |path, body, now| {
            let next = now + Seconds::hours(6);
            Some(if path == "/list" {
                list_until(&authority, &[], now, next)
            } else {
                let answer =
                    Answer { status: Status::Good, this_update: now, next_update: Some(next) };
                respond(body, answer, authority.signs(), &[])
            })
        });
    }

    /// Whether the inventory has it as revoked, and why.
    async fn reason(&self, shown: &Identity) -> Option<String> {
        let store = self.server.app().store.db();
        let thumbprint = Thumbprint::of(shown.certificate());
        certificates::find(store, thumbprint).await.unwrap()?.reason
    }

    /// As `gatewright cert revoke --file` does with the certificate of an authority; how many end with it.
    async fn revoke(&self, authority: &Authority, reason: Reason) -> usize {
        let trace = self.server.trace();
        let certificate = Certificate::read(authority.certificate(), &[]).unwrap();
        let row = inventory::seen(&certificate, trace.now());
        let revoked = self.server.inventory().revoke(&row, reason, &trace).await.unwrap();
        self.server.app().confirm().await.unwrap();
        revoked
    }

    async fn is_active(&self, token: &str) -> bool {
        let api = self.server.register(json!({
            "grant_types": ["client_credentials"],
            "gw_resources": ["https://api.example"],
        }));
        let api = api.await;
        let told = self.server.post_as(&api, "/introspect", &format!("token={token}")).await.ok();
        told.body["active"] == true
    }
}

/// A client that proves itself by its subject, with what is added.
async fn registered(server: &Server, added: Value) -> Client {
    let mut metadata = json!({
        "client_name": "Backup",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_subject_dn": "CN=Backup",
        "tls_client_certificate_bound_access_tokens": true,
        "gw_default_audience": "https://api.example",
    });
    metadata.as_object_mut().unwrap().extend(added.as_object().unwrap().clone());
    server.register(metadata).await
}

fn names_list(contents: &mut CertificateParams, url: &str) {
    contents.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![url.to_owned()] }];
}

/// `id-pe-authorityInfoAccess` with `id-ad-ocsp` (RFC 5280 §4.2.2.1).
/// RFC 5280 §6.3.3; issue 3, §4: a revoked certificate ends authentication and kills the tokens bound to it.
#[tokio::test]
async fn a_certificate_that_comes_on_a_list_proves_nobody_and_its_tokens_die() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.with_list();
    scene.publish(&[1, 2]);
    scene.ask(&shown).await.ok();
    scene.wait(3600 - 60);
    let token = scene.ask(&shown).await.ok().token("access_token");

    scene.publish(&[1, 2, SERIAL]);
    scene.ask(&shown).await.ok();
    assert!(scene.is_active(&token).await, "the list of before counts for another minute");
    scene.wait(60);
    let fresh = scene.ask(&shown).await;

    fresh.refused(401, "invalid_client");
    assert!(!scene.is_active(&token).await, "four minutes before it expires");
    assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));
    scene.ask(&shown).await.refused(401, "invalid_client");
}

/// The job finds it out although nobody shows it; tokens that have not expired die with it.
#[tokio::test]
async fn a_revocation_is_found_out_while_a_token_is_alive() {
    for by_list in [false, true] {
        let scene = Scene::new(Revocation::SoftFail).await;
        let shown = if by_list { scene.with_list() } else { scene.with_responder() };
        if by_list {
            scene.publish(&[])
        } else {
            scene.say(|_| Status::Good)
        }
        scene.ask(&shown).await.ok();
        scene.wait(44 * 60);
        let token = scene.ask(&shown).await.ok().token("access_token");
        assert!(scene.is_active(&token).await);

        if by_list {
            scene.publish(&[SERIAL])
        } else {
            scene.say(revoked)
        }
        scene.wait(60);
        scene.refresh().await;

        assert!(!scene.is_active(&token).await, "by a list: {by_list}");
        assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));
        scene.ask(&shown).await.refused(401, "invalid_client");
        let asked = scene.responder.asked();
        scene.ask(&shown).await.refused(401, "invalid_client");
        assert_eq!(scene.responder.asked(), asked, "it is known here");
        let events = scene.server.events("certificate.revoked").await;
        assert_eq!(events.len(), 1, "{events:?}");
    }
}

/// RFC 6960 §2.2.
#[tokio::test]
async fn a_certificate_of_which_ocsp_says_revoked_proves_nobody() {
    for delegated in [false, true] {
        let scene = Scene::new(Revocation::SoftFail).await;
        let shown = scene.with_responder();
        let authority = scene.authority.clone();
        let mut of_responder = contents("OCSP", &[]);
        of_responder.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let delegate = authority.issue(of_responder);
        scene.responder.say(move |_, body, now| {
            let answer = answer(revoked(now), now);
            let shows = [delegate.certificate().clone()];
            Some(if delegated {
                respond(body, answer, delegate.signer(), &shows)
            } else {
                respond(body, answer, authority.signs(), &[])
            })
        });

        scene.ask(&shown).await.refused(401, "invalid_client");

        assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));
        assert_eq!(scene.responder.asked(), 1);
    }
}

/// Revoked here, it counts for nothing, whatever its authority says or is asked; THREATS MT-03.
#[tokio::test]
async fn a_certificate_that_was_revoked_here_proves_nobody_at_once() {
    for revocation in [Revocation::Off, Revocation::SoftFail, Revocation::HardFail] {
        let scene = Scene::new(revocation).await;
        let shown = scene.with_responder();
        scene.say(|_| Status::Good);
        let token = scene.ask(&shown).await.ok().token("access_token");

        let trace = scene.server.trace();
        let certificate = Certificate::read(shown.certificate(), &[]).unwrap();
        let row = inventory::seen(&certificate, trace.now());
        scene.server.inventory().revoke(&row, Reason::Superseded, &trace).await.unwrap();
        assert!(!scene.is_active(&token).await, "at once");
        // A job does it twice a second.
        scene.server.app().confirm().await.unwrap();

        scene.ask(&shown).await.refused(401, "invalid_client");
        assert_eq!(scene.reason(&shown).await.as_deref(), Some("superseded"));
    }
}

/// Issue 3, §4: refresh refused. A public client may show any certificate with the key that its grant is
/// bound to (RFC 8705 §7.1), so a key that somebody else has must not count in any.
#[tokio::test]
async fn a_refresh_token_is_of_no_use_with_a_certificate_that_was_revoked() {
    for reason in [Reason::KeyCompromise, Reason::Superseded] {
        let server = Server::with_tls(|_| {}).await;
        let client = server.register(json!({
            "client_name": "Phone",
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "token_endpoint_auth_method": "none",
            "tls_client_certificate_bound_access_tokens": true,
        }));
        let client = client.await;
        server.user("ada").await;
        let shown = Identity::self_signed("Phone");
        let post = async |form: &str, shown: &Identity| {
            let form = format!("{form}&client_id={}", client.id);
            server.ask_mtls(Some(shown), "POST", "/token").form(&form).send().await
        };
        let place = Browser::of(&server).authorize("ada", &client, "openid", "").await;
        let code = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &place.parameter("code"))
            .append_pair("redirect_uri", Client::REDIRECT_URI)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        let granted = post(&code, &shown).await.ok();
        let refreshing =
            format!("grant_type=refresh_token&refresh_token={}", granted.token("refresh_token"));
        let bearer = granted.token("access_token");
        let userinfo = || server.ask_mtls(Some(&shown), "GET", "/userinfo").bearer(&bearer);
        userinfo().send().await.ok();

        let trace = server.trace();
        let certificate = Certificate::read(shown.certificate(), &[]).unwrap();
        let row = inventory::seen(&certificate, trace.now());
        server.inventory().revoke(&row, reason, &trace).await.unwrap();
        server.app().confirm().await.unwrap();

        userinfo().send().await.refused(401, "invalid_token");
        post(&refreshing, &shown).await.refused(401, "invalid_client");
        let renewed = contents("Phone, renewed", &[]).self_signed(&shown.key).unwrap();
        let key = KeyPair::try_from(shown.key.serialized_der()).unwrap();
        let renewed = Identity { chain: vec![renewed.der().clone()], key };
        let answer = post(&refreshing, &renewed).await;
        if reason == Reason::KeyCompromise {
            answer.refused(401, "invalid_client");
        } else {
            answer.ok();
        }
    }
}

/// Issue 3, §4: per trust anchor off, soft-fail, hard-fail; unreachable is 503, never a pass.
#[tokio::test]
async fn whether_nobody_can_tell_matters_is_set_for_the_anchor() {
    for by_list in [false, true] {
        let shown = |scene: &Scene| {
            if by_list { scene.with_list() } else { scene.with_responder() }
        };
        let scene = Scene::new(Revocation::Off).await;
        scene.ask(&shown(&scene)).await.ok();
        assert_eq!(scene.responder.asked(), 0);

        let scene = Scene::new(Revocation::SoftFail).await;
        let certificate = shown(&scene);
        scene.ask(&certificate).await.ok();
        scene.ask(&certificate).await.ok();
        assert_eq!(scene.responder.asked(), 1, "who does not answer is left alone for a while");

        let scene = Scene::new(Revocation::HardFail).await;
        let certificate = shown(&scene);
        for _ in 0..2 {
            let answer = scene.ask(&certificate).await;
            let answer = answer.refused(503, "temporarily_unavailable");
            assert!(!answer.header("retry-after").is_empty());
        }
        assert_eq!(scene.responder.asked(), 1);

        if by_list {
            scene.publish(&[])
        } else {
            scene.say(|_| Status::Good)
        }
        scene.wait(30);
        scene.ask(&certificate).await.ok();
    }
}

/// Somebody who takes the question and never answers: a request is answered nevertheless, also while the job,
/// which has more patience, still waits.
#[tokio::test]
async fn whoever_hangs_is_not_waited_for() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.with_responder();
    scene.responder.fall_silent("/ocsp");

    scene.ask(&shown).await.refused(503, "temporarily_unavailable");
    scene.ask(&shown).await.refused(503, "temporarily_unavailable");
    assert_eq!(scene.responder.asked(), 1, "and is left alone for a while");

    scene.wait(30);
    let job = scene.refreshing();
    scene.responder.reaches(2, 1).await;
    scene.ask(&shown).await.refused(503, "temporarily_unavailable");
    // If the job had given up before, the responder would know by now.
    scene.server.get("/jwks").await.ok();
    let state = scene.responder.state();
    assert_eq!(state, State { asked: 2, waiting: 1 }, "the job still waits");
    job.abort();
}

/// RFC 6960 §3.2: what a client must not believe.
#[tokio::test]
async fn a_responder_that_lies_says_nothing() {
    let scene = Scene::new(Revocation::HardFail).await;
    let authority = scene.authority.clone();
    let other = Arc::new(Authority::new("Clients"));
    let helper = Arc::new(authority.client("no responder"));
    let good = |now| answer(Status::Good, now);
    let issuer = Issuer::read(authority.certificate()).unwrap();

    type Lie = Box<dyn Fn(&[u8], Timestamp) -> Vec<u8> + Send>;
    let lies: Vec<(&str, Lie)> = vec![
        ("another authority of the same name", {
            let other = other.clone();
            Box::new(move |body, now| respond(body, good(now), other.signs(), &[]))
        }),
        ("a certificate that is not for OCSP", {
            let helper = helper.clone();
            Box::new(move |body, now| {
                respond(body, good(now), helper.signer(), &[helper.certificate().clone()])
            })
        }),
        ("about another certificate", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let nonce = Request::read(body).unwrap().nonce;
                let id = CertId::of(Hash::Sha1, &issuer, &[1]).unwrap();
                sign(vec![(id, good(now))], nonce, authority.signs(), &[])
            })
        }),
        ("an old answer", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let old = now - Seconds::hours(2);
                let answer = Answer {
                    status: Status::Good,
                    this_update: old,
                    next_update: Some(old + Seconds::hours(1)),
                };
                respond(body, answer, authority.signs(), &[])
            })
        }),
        ("an answer to somebody else", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let Request { asked, .. } = Request::read(body).unwrap();
                let nonce = gatewright::pki::ocsp::Nonce::generate().ok();
                let answers = asked.into_iter().map(|id| (id, good(now))).collect();
                sign(answers, nonce, authority.signs(), &[])
            })
        }),
        ("it knows nothing", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                respond(body, answer(Status::Unknown, now), authority.signs(), &[])
            })
        }),
        ("too much", {
            let authority = authority.clone();
            Box::new(move |body, now| {
                let certificate = authority.certificate().clone();
                let shows = vec![certificate; 200];
                respond(body, good(now), authority.signs(), &shows)
            })
        }),
        ("no OCSP response", Box::new(|_, _| b"<html>".to_vec())),
        ("nothing", Box::new(|_, _| Vec::new())),
    ];
    for (serial, (what, lie)) in (1_u64..).zip(lies) {
        scene.responder.say(move |_, body, now| Some(lie(body, now)));
        let shown = scene.issue(|contents| {
            contents.serial_number = Some(SerialNumber::from(serial));
            names_responder(contents, &scene.responder.url("/ocsp"));
        });
        let answer = scene.ask(&shown).await;
        assert_eq!(answer.status, 503, "{what}: {answer:?}");
    }
}

/// RFC 5280 §6.3.3.
#[tokio::test]
async fn a_list_that_is_not_the_authoritys_says_nothing() {
    let authority = Authority::new("Clients");
    type Lie = Box<dyn Fn(&Authority, Timestamp) -> Vec<u8> + Send>;
    let lies: Vec<(&str, Lie)> = vec![
        ("another authority of the same name", Box::new(move |_, now| list(&authority, &[], now))),
        ("too old", Box::new(|own, now| list_until(own, &[], now - Seconds::hours(2), now))),
        ("too large", Box::new(|own, now| list(own, &(1..3000).collect::<Vec<_>>(), now))),
        ("no list", Box::new(|_, _| b"<html>".to_vec())),
    ];
    for (what, lie) in lies {
        let scene = Scene::new(Revocation::HardFail).await;
        let shown = scene.with_list();
        let own = scene.authority.clone();
        scene.responder.say(move |_, _, now| Some(lie(&own, now)));

        let answer = scene.ask(&shown).await;

        assert_eq!(answer.status, 503, "{what}: {answer:?}");
    }
    // It is the size that it was refused for.
    let scene = Scene::with_lists_of(Bytes(1 << 20), Revocation::HardFail, |_| {}).await;
    let own = scene.authority.clone();
    let serials: Vec<_> = (1..3000).collect();
    scene.responder.say(move |_, _, now| Some(list(&own, &serials, now)));
    scene.ask(&scene.with_list()).await.ok();
}

/// Issue 3, §6: revocation checking adds no network call to a request whose certificate was seen before,
/// here, on another replica, or before a restart.
#[tokio::test]
async fn what_was_asked_once_is_not_asked_again() {
    for by_list in [false, true] {
        let scene = Scene::new(Revocation::HardFail).await;
        let shown = if by_list { scene.with_list() } else { scene.with_responder() };
        if by_list {
            scene.publish(&[])
        } else {
            scene.say(|_| Status::Good)
        }

        let first = tokio::join!(scene.ask(&shown), scene.ask(&shown), scene.ask(&shown));
        for answer in [first.0, first.1, first.2] {
            answer.ok();
        }
        assert_eq!(scene.responder.asked(), 1, "of many at once one asks");
        for _ in 0..20 {
            scene.ask(&shown).await.ok();
        }
        scene.wait(44 * 60);
        scene.ask(&shown).await.ok();
        let replica = scene.server.replica().await;
        scene.ask_at(&replica, &shown).await.ok();

        assert_eq!(scene.responder.asked(), 1);
    }
}

/// So that no request waits.
#[tokio::test]
async fn what_is_in_use_is_asked_anew_before_its_answer_ends() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.with_responder();
    scene.say(|_| Status::Good);
    scene.ask(&shown).await.ok();

    assert_eq!(scene.refresh().await, 0);
    scene.wait(50 * 60);
    assert_eq!(scene.refresh().await, 1);
    assert_eq!(scene.responder.asked(), 2);
    scene.wait(30 * 60);
    scene.ask(&shown).await.ok();
    assert_eq!(scene.responder.asked(), 2);

    // What nobody shows any more is left alone.
    scene.wait(2 * 3600);
    assert_eq!(scene.refresh().await, 0);
}

/// What was said counts until it says that it ends, not longer.
#[tokio::test]
async fn an_answer_outlives_its_responder_until_it_ends() {
    let scene = Scene::new(Revocation::HardFail).await;
    let (answered, listed) = (scene.with_responder(), scene.with_list());
    scene.say_for_long();
    scene.ask(&answered).await.ok();
    scene.ask(&listed).await.ok();
    scene.responder.hang_up();

    scene.wait(5 * 3600);
    scene.ask(&answered).await.ok();
    scene.ask(&listed).await.ok();
    scene.wait(3600 + 300);
    scene.ask(&answered).await.refused(503, "temporarily_unavailable");
    scene.ask(&listed).await.refused(503, "temporarily_unavailable");
}

/// What was said counts until it ends, also while somebody asks anew who is never answered: the job, which has
/// more patience than a request, or the request itself.
#[tokio::test]
async fn an_answer_counts_while_its_responder_is_asked_and_never_answers() {
    for by_list in [false, true] {
        let scene = Scene::new(Revocation::HardFail).await;
        let (shown, path) =
            if by_list { (scene.with_list(), "/list") } else { (scene.with_responder(), "/ocsp") };
        scene.say_for_long();
        scene.ask(&shown).await.ok();
        scene.responder.fall_silent(path);

        scene.wait(2 * 3600);
        scene.ask(&shown).await.ok();
        assert_eq!(scene.responder.asked(), 2, "{path}: it was asked in vain");
        scene.wait(60);
        let job = scene.refreshing();
        scene.responder.reaches(3, 1).await;
        for _ in 0..3 {
            scene.ask(&shown).await.ok();
        }
        let state = scene.responder.state();
        assert_eq!(state, State { asked: 3, waiting: 1 }, "{path}: the job still waits");
        job.abort();
    }
}

/// Issue 3, §4: a responder that is away concerns those alone whom it knows.
#[tokio::test]
async fn who_hangs_over_one_certificate_says_nothing_about_those_above_it() {
    let scene = Scene::new(Revocation::HardFail).await;
    let between = Arc::new(scene.authority.below_with("Between", |contents| {
        contents.serial_number = Some(SerialNumber::from(77_u64));
        names_list(contents, &scene.responder.url("/root"));
    }));
    let (root, below) = (scene.authority.clone(), between.clone());
    scene.responder.say(move |path, _, now| {
        Some(if path == "/root" { list(&root, &[], now) } else { list(&below, &[], now) })
    });
    scene.responder.fall_silent("/ocsp");
    let hanging = scene
        .issue_of(&between, |contents| names_responder(contents, &scene.responder.url("/ocsp")));
    let other = scene.issue_of(&between, |contents| {
        contents.serial_number = Some(SerialNumber::from(78_u64));
        names_list(contents, &scene.responder.url("/list"));
    });

    scene.ask(&hanging).await.refused(503, "temporarily_unavailable");
    assert_eq!(scene.responder.asked(), 2, "about both at once");
    scene.ask(&other).await.ok();
    assert_eq!(scene.responder.asked(), 3, "the authority between is known to be good");
}

/// THREATS SS-06: who is away is asked once in thirty seconds, for however many certificates, and nobody else
/// waits for it.
#[tokio::test]
async fn a_responder_that_is_away_is_asked_once_and_delays_nobody() {
    let scene = Scene::new(Revocation::SoftFail).await;
    let away: Vec<_> = (1..=12_u64)
        .map(|serial| {
            scene.issue(|contents| {
                contents.serial_number = Some(SerialNumber::from(serial));
                names_responder(contents, &scene.responder.url("/ocsp"));
            })
        })
        .collect();
    let there = scene.with_list();
    let authority = scene.authority.clone();
    scene.responder.say(move |path, body, now| {
        Some(if path == "/list" {
            list(&authority, &[], now)
        } else {
            respond(body, answer(Status::Good, now), authority.signs(), &[])
        })
    });
    for shown in away.iter().chain([&there]) {
        scene.ask(shown).await.ok();
    }
    assert_eq!(scene.responder.asked(), 13);

    scene.wait(50 * 60);
    let authority = scene.authority.clone();
    scene.responder.say(move |path, _, now| (path == "/list").then(|| list(&authority, &[], now)));
    assert_eq!(scene.refresh().await, 13);
    assert_eq!(scene.responder.asked(), 15, "one question to each");
    scene.wait(29);
    scene.refresh().await;
    for shown in away.iter().chain([&there]) {
        scene.ask(shown).await.ok();
    }
    assert_eq!(scene.responder.asked(), 15, "not yet again");

    // Now it hangs, and the list has to be fetched anew.
    scene.responder.fall_silent("/ocsp");
    scene.wait(50 * 60);
    let job = scene.refreshing();
    // One waits, and the list was fetched meanwhile.
    scene.responder.reaches(17, 1).await;
    for shown in &away {
        scene.ask(shown).await.ok();
    }
    assert_eq!(scene.responder.asked(), 17, "nobody else asks whether it is back");
    job.abort();
}

/// What cannot be read is a defect of the certificate: it is no failure of ours, and waiting helps nobody.
#[tokio::test]
async fn a_certificate_that_says_unreadably_who_could_tell() {
    let authority_info_access = [1, 3, 6, 1, 5, 5, 7, 1, 1];
    for (what, id, of_authority) in [
        ("authorityInfoAccess", &authority_info_access[..], false),
        ("cRLDistributionPoints", &[2, 5, 29, 31], false),
        ("cRLDistributionPoints", &[2, 5, 29, 31], true),
    ] {
        // SEQUENCE { OCTET STRING }, which is what webpki looks at.
        let unreadable = || CustomExtension::from_oid_content(id, vec![0x30, 3, 4, 1, 0]);
        let shown = |scene: &Scene| {
            if of_authority {
                let between = scene.authority.below_with("Between", |contents| {
                    contents.custom_extensions.push(unreadable());
                });
                return scene.issue_of(&between, |_| {});
            }
            scene.issue(|contents| contents.custom_extensions.push(unreadable()))
        };
        let scene = Scene::new(Revocation::SoftFail).await;
        scene.ask(&shown(&scene)).await.ok();

        let scene = Scene::new(Revocation::HardFail).await;
        scene.ask(&shown(&scene)).await.refused(401, "invalid_client");
        let events = scene.server.events("request.refused").await;
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let reason = format!("{what} of a certificate of the chain cannot be read");
        let facts: Value = serde_json::from_str(&event.facts).unwrap();
        assert_eq!(facts["reason"], reason.as_str(), "{facts}");
    }
}

/// What concerns a certificate is set for the set that its authority is in, so it changes with that.
#[tokio::test]
async fn an_authority_that_moves_into_another_set_is_judged_as_that_set_is() {
    let (strict, moving, lax) =
        (Authority::new("Strict"), Authority::new("Moving"), Authority::new("Lax"));
    let file = |of: &[&Authority]| of.iter().map(|one| pem(one.certificate())).collect::<String>();
    let (first, second) = (Scratch::of(&file(&[&strict, &moving])), Scratch::of(&file(&[&lax])));
    let also = second.0.clone();
    let scene = Scene::of(
        Revocation::HardFail,
        |anchor| anchor.file = first.0.clone(),
        |config| {
            config.client_certificates.anchors.push(Anchor {
                name: "lax".to_owned(),
                file: also,
                revocation: Revocation::Off,
                crl_files: Vec::new(),
            });
        },
    )
    .await;
    let shown = scene.issue_of(&moving, |_| {});
    scene.ask(&shown).await.refused(401, "invalid_client");

    std::fs::write(&first.0, file(&[&strict])).unwrap();
    std::fs::write(&second.0, file(&[&moving, &lax])).unwrap();
    assert!(scene.server.app().trust.reload().unwrap());

    scene.ask(&shown).await.ok();
}

/// Issue 3, §4: a token lives for a day; whoever revokes its certificate in that time ends it, though nobody
/// has shown the certificate for hours, and whoever issued the token is gone.
#[tokio::test]
async fn a_revocation_is_found_out_as_long_as_a_token_lives() {
    for is_opaque in [false, true] {
        for is_other in [false, true] {
            let for_a_day =
                |config: &mut Config| config.tokens.access_token_lifetime = Seconds::days(1);
            let mut scene = Scene::of(Revocation::SoftFail, |_| {}, for_a_day).await;
            if is_opaque {
                let opaque = json!({ "gw_access_token_format": "opaque" });
                // It takes the name of the first one.
                scene.server.disable_client(&scene.client).await;
                scene.client = registered(&scene.server, opaque).await;
            }
            let between = scene.authority.below_with("Between", |contents| {
                names_list(contents, &scene.responder.url("/root"));
            });
            let between = Arc::new(between);
            let list_of = scene.responder.url("/list");
            let shown = scene.issue_of(&between, |contents| names_list(contents, &list_of));
            let publish = |revoked: &'static [u64]| {
                let (root, between) = (scene.authority.clone(), between.clone());
                scene.responder.say(move |path, _, now| {
                    let of_between = || list(&between, revoked, now);
                    Some(if path == "/root" { list(&root, &[], now) } else { of_between() })
                });
            };
            publish(&[]);
            let token = scene.ask(&shown).await.ok().token("access_token");
            scene.server.app().recorder.flush().await;
            let other = scene.server.replica().await;
            let app = if is_other { other.app() } else { scene.server.app() };

            // As often as needs be: what the job does every fifteen seconds.
            for _ in 0..10 {
                scene.wait(30 * 60);
                app.ask_anew().await.unwrap();
                assert!(scene.is_active(&token).await, "nobody has revoked it");
            }
            publish(&[SERIAL]);
            for _ in 0..2 {
                scene.wait(30 * 60);
                app.ask_anew().await.unwrap();
            }

            let what = format!("opaque: {is_opaque}, another replica: {is_other}");
            assert!(!scene.is_active(&token).await, "{what}");
            assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"), "{what}");
            // With the token goes the reason to ask.
            scene.wait(25 * 3600);
            let asked = scene.responder.asked();
            app.ask_anew().await.unwrap();
            assert_eq!(scene.responder.asked(), asked, "{what}");
        }
    }
}

/// A responder that is away, or knows nothing, is not the only one who can tell.
#[tokio::test]
async fn who_names_both_is_looked_up_on_the_list_when_the_responder_is_away() {
    let scene = Scene::new(Revocation::HardFail).await;
    let shown = scene.issue(|contents| {
        names_responder(contents, &scene.responder.url("/ocsp"));
        names_list(contents, &scene.responder.url("/list"));
    });
    let authority = scene.authority.clone();
    scene.responder.say(move |path, _, now| (path == "/list").then(|| list(&authority, &[], now)));

    scene.ask(&shown).await.ok();

    assert_eq!(scene.responder.asked(), 2);
}

/// RFC 5280 §6.1: every certificate of the chain has to count.
#[tokio::test]
async fn a_chain_with_a_revoked_authority_in_it_proves_nobody() {
    let scene = Scene::new(Revocation::HardFail).await;
    let between = scene.authority.below_with("Between", |contents| {
        contents.serial_number = Some(SerialNumber::from(77_u64));
        names_list(contents, &scene.responder.url("/root"));
    });
    let between = Arc::new(between);
    let list_of = scene.responder.url("/list");
    let shown = scene.issue_of(&between, |contents| names_list(contents, &list_of));
    let publish = |revoked: &'static [u64]| {
        let (root, between) = (scene.authority.clone(), between.clone());
        scene.responder.say(move |path, _, now| {
            Some(if path == "/root" { list(&root, revoked, now) } else { list(&between, &[], now) })
        });
    };
    publish(&[]);
    scene.ask(&shown).await.ok();
    assert_eq!(scene.responder.asked(), 2);

    publish(&[77]);
    scene.wait(3600);

    scene.ask(&shown).await.refused(401, "invalid_client");
    // Nobody has said that somebody else has its key.
    assert_eq!(scene.reason(&shown).await.as_deref(), Some("cACompromise"), "its own end, too");
}

/// RFC 5280 §6.1, for what is revoked here: an authority between a certificate and its anchor, or the anchor.
#[tokio::test]
async fn an_authority_that_was_revoked_here_is_believed_of_nobody() {
    for of_anchor in [false, true] {
        let scene = Scene::new(Revocation::Off).await;
        let between = scene.authority.below_with("Between", |_| {});
        let shown = scene.issue_of(&between, |_| {});
        scene.ask(&shown).await.ok();

        let end = if of_anchor { &scene.authority } else { &between };
        scene.revoke(end, Reason::Superseded).await;

        scene.ask(&shown).await.refused(401, "invalid_client");
        assert_eq!(scene.reason(&shown).await, None, "by another authority it may count");
        if !of_anchor {
            scene.ask(&scene.issue(|_| {})).await.ok();
        }
    }
}

/// Whoever has an authority's key makes certificates that look like those that it issued: all that it has
/// signed end, in all ranks, and what is bound to them. What others have signed in its name stays.
#[tokio::test]
async fn with_the_key_of_an_authority_all_ends_that_it_has_signed() {
    let scene = Scene::new(Revocation::Off).await;
    let between = scene.authority.below_with("Between", |_| {});
    let namesake = scene.authority.below_with("Between", |_| {});
    let (shown, other) = (scene.issue_of(&between, |_| {}), scene.issue_of(&namesake, |_| {}));
    let token = scene.ask(&shown).await.ok().token("access_token");
    let others = scene.ask(&other).await.ok().token("access_token");
    scene.server.note().await;

    let revoked = scene.revoke(&between, Reason::KeyCompromise).await;

    assert_eq!(revoked, 1);
    assert!(!scene.is_active(&token).await);
    assert_eq!(scene.reason(&shown).await.as_deref(), Some("cACompromise"));
    scene.ask(&shown).await.refused(401, "invalid_client");
    assert!(scene.is_active(&others).await);
    scene.ask(&other).await.ok();
    assert_eq!(scene.server.events("certificate.revoked").await.len(), 2);
}

/// Issue 3, §4, for clients that prove themselves by something else: what their tokens are bound to was not
/// revoked. Nothing is spent while it is.
#[tokio::test]
async fn no_token_is_bound_to_a_certificate_that_its_authority_has_revoked() {
    for method in ["client_secret_basic", "none"] {
        let scene = Scene::new(Revocation::HardFail).await;
        let server = &scene.server;
        let client = server.register(json!({
            "client_name": "Photos",
            "redirect_uris": [Client::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "token_endpoint_auth_method": method,
            "tls_client_certificate_bound_access_tokens": true,
        }));
        let client = client.await;
        server.user("ada").await;
        let post = async |form: &str, shown: &Identity| {
            let ask = server.ask_mtls(Some(shown), "POST", "/token");
            if method == "none" {
                ask.form(&format!("{form}&client_id={}", client.id)).send().await
            } else {
                ask.basic(&client.id, &client.secret).form(form).send().await
            }
        };
        let code = async || {
            let place = Browser::of(server).authorize("ada", &client, "openid", "").await;
            form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "authorization_code")
                .append_pair("code", &place.parameter("code"))
                .append_pair("redirect_uri", Client::REDIRECT_URI)
                .append_pair("code_verifier", VERIFIER)
                .finish()
        };
        let waiting = code().await;

        // Nobody can tell: nothing is spent, and it is no pass.
        let shown = scene.with_responder();
        post(&waiting, &shown).await.refused(503, "temporarily_unavailable");
        scene.say(|_| Status::Good);
        scene.wait(30);
        let granted = post(&waiting, &shown).await.ok();
        let mut refresh =
            format!("grant_type=refresh_token&refresh_token={}", granted.token("refresh_token"));
        let asked = scene.responder.asked();
        let next = post(&refresh, &shown).await.ok();
        assert_eq!(scene.responder.asked(), asked, "a certificate that was seen before");
        refresh = format!("grant_type=refresh_token&refresh_token={}", next.token("refresh_token"));

        scene.say(revoked);
        scene.wait(3600);
        let waiting = code().await;
        post(&refresh, &shown).await.refused(401, "invalid_client");
        post(&waiting, &shown).await.refused(401, "invalid_client");
        assert_eq!(scene.reason(&shown).await.as_deref(), Some("keyCompromise"));

        // What signed itself leads to nobody who could be asked.
        let asked = scene.responder.asked();
        post(&waiting, &Identity::self_signed("Photos")).await.ok();
        assert_eq!(scene.responder.asked(), asked);
    }
}

/// A certificate that does not say who could tell: under hard-fail it is of no use, and waiting helps
/// nobody. RFC 9608: unless its authority says that there is nothing to be told.
#[tokio::test]
async fn a_certificate_that_names_nobody_to_ask() {
    let bare = |scene: &Scene| scene.issue(|_| {});
    let scene = Scene::new(Revocation::SoftFail).await;
    scene.ask(&bare(&scene)).await.ok();

    let scene = Scene::new(Revocation::HardFail).await;
    scene.ask(&bare(&scene)).await.refused(401, "invalid_client");
    let short_lived = scene.issue(|contents| {
        let none = CustomExtension::from_oid_content(&[2, 5, 29, 56], vec![5, 0]);
        contents.custom_extensions.push(none);
    });
    scene.ask(&short_lived).await.ok();
}

/// A list that the operator puts there is asked first, and needs no network.
#[tokio::test]
async fn a_list_in_a_file_of_the_anchor_is_read() {
    let (authority, file) = (Arc::new(Authority::new("Clients")), Scratch::of(""));
    let put =
        |serials: &[u64], now| std::fs::write(&file.0, list(&authority, serials, now)).unwrap();
    put(&[], Timestamp(BEGINNING));
    let scene = Scene::with_file(&authority, Revocation::HardFail, &file).await;
    let shown = scene.with_responder();

    scene.ask(&shown).await.ok();
    put(&[SERIAL], scene.server.trace().now());
    scene.wait(60);
    scene.ask(&shown).await.refused(401, "invalid_client");

    assert_eq!(scene.responder.asked(), 0);
}

/// The lists of all authorities of an anchor stand beside each other: one that is of another is no failure.
#[tokio::test]
async fn a_list_of_another_authority_of_the_anchor_is_passed_over_in_silence() {
    let file = Scratch::of("");
    let other = Authority::new("Another");
    std::fs::write(&file.0, list(&other, &[SERIAL], Timestamp(BEGINNING))).unwrap();
    let authority = Arc::new(Authority::new("Clients"));
    let scene = Scene::with_file(&authority, Revocation::HardFail, &file).await;
    scene.say(|_| Status::Good);

    scene.ask(&scene.with_responder()).await.ok();
    let text = scene.server.app().metrics.render(0, 0);
    assert!(!text.contains("outcome=\"unreachable\""), "{text}");

    // Unless nobody else is named: then nobody can tell, and the operator has to know.
    scene.ask(&scene.issue(|_| {})).await.refused(503, "temporarily_unavailable");
    let text = scene.server.app().metrics.render(0, 0);
    let line = "gatewright_revocation_checks_total{source=\"crl\",outcome=\"unreachable\"} 1";
    assert!(text.contains(line), "{text}");
}

/// THREATS EX-19: a list as tools and editors write it, under either mode: `openssl crl -text`, a comment, a byte
/// order mark, UTF-16, base64, beside the list of another authority. Whoever is on it is refused.
#[tokio::test]
async fn a_list_in_a_file_is_read_however_it_was_written() {
    let authority = Arc::new(Authority::new("Clients"));
    let der = list(&authority, &[SERIAL], Timestamp(BEGINNING));
    let dir = Dir::new();
    dir.write("list.der", &der);
    let text = dir.openssl("crl -inform DER -in list.der -text");
    assert!(!text.starts_with("-----"), "{text}");
    let pem = dir.openssl("crl -inform DER -in list.der");
    dir.write("other.der", list(&Authority::new("Another"), &[1], Timestamp(BEGINNING)));
    let other = dir.openssl("crl -inform DER -in other.der -text");
    let utf16 = "\u{feff}".encode_utf16().chain(pem.encode_utf16()).flat_map(u16::to_le_bytes);
    let file = Scratch::of("");
    for (what, bytes) in [
        ("openssl crl -text", text.clone().into_bytes()),
        ("a comment and a blank line", format!("# fetched at night\n\n{pem}").into_bytes()),
        ("a byte order mark", format!("\u{feff}{pem}").into_bytes()),
        ("UTF-16", utf16.collect()),
        ("base64", STANDARD.encode(&der).into_bytes()),
        ("the second one of two", [other, text].concat().into_bytes()),
    ] {
        std::fs::write(&file.0, bytes).unwrap();
        for mode in [Revocation::SoftFail, Revocation::HardFail] {
            let scene = Scene::with_file(&authority, mode, &file).await;
            let answer = scene.ask(&scene.issue(|_| {})).await;
            assert_eq!(answer.status, 401, "{what}");
            let other =
                scene.issue(|contents| contents.serial_number = Some(SerialNumber::from(7)));
            assert_eq!(scene.ask(&other).await.status, 200, "{what}");
        }
    }
}

/// THREATS EX-19: a list that the operator names and that cannot be relied on is an error, at the start and in
/// `config check`.
#[test]
fn a_list_in_a_file_that_cannot_be_read_is_a_problem_of_the_configuration() {
    let authority = Authority::new("Clients");
    let anchor_file = Scratch::of(&pem(authority.certificate()));
    let good = list(&authority, &[], Timestamp(BEGINNING));
    let forged = list(&Authority::new("Clients"), &[], Timestamp(BEGINNING));
    let file = Scratch::of("");
    let settings = ClientCertificates {
        anchors: vec![Anchor {
            name: "clients".to_owned(),
            file: anchor_file.0.clone(),
            revocation: Revocation::SoftFail,
            crl_files: vec![file.0.clone()],
        }],
        ..ClientCertificates::default()
    };
    for (bytes, why) in [
        (b"".to_vec(), "is empty"),
        (b"<!DOCTYPE html><title>404</title>".to_vec(), "is HTML or XML"),
        (b"-----BEGIN X509 CRL-----\nMIIB\n".to_vec(), "does not end"),
        (pem(authority.certificate()).into_bytes(), "holds no CRL, but CERTIFICATE"),
        (good[..good.len() - 1].to_vec(), "neither PEM, nor DER, nor base64"),
        (authority.certificate().to_vec(), "this is not a CRL"),
        (forged, "the signature of the CRL is wrong"),
    ] {
        std::fs::write(&file.0, bytes).unwrap();
        let refused = Trust::open(&settings).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
        let [problem] = &anchors::problems(&settings)[..] else { panic!("{why}") };
        assert_eq!(problem.key, "client_certificates.anchors");
        assert!(problem.reason.contains(why), "{}", problem.reason);
        assert!(problem.reason.contains(file.0.to_str().unwrap()), "{}", problem.reason);
    }
    std::fs::write(&file.0, good).unwrap();
    assert!(anchors::problems(&settings).is_empty());
    Trust::open(&settings).unwrap();
}

/// THREATS EX-19: a list that breaks while the server runs is never as good as none, in either mode. The last good
/// one counts until its `nextUpdate`, and then nobody is accepted; the operator is told and it is counted.
#[tokio::test]
async fn a_list_in_a_file_that_breaks_never_lets_anybody_pass() {
    let other = |scene: &Scene| {
        scene.issue(|contents| contents.serial_number = Some(SerialNumber::from(7)))
    };
    for mode in [Revocation::SoftFail, Revocation::HardFail] {
        for broken in ["<html>", "", "-----BEGIN X509 CRL-----\n", "gone"] {
            let (authority, file) = (Arc::new(Authority::new("Clients")), Scratch::of(""));
            std::fs::write(&file.0, list(&authority, &[SERIAL], Timestamp(BEGINNING))).unwrap();
            let scene = Scene::with_file(&authority, mode, &file).await;
            scene.say(|_| Status::Good);
            let (revoked, good) = (scene.with_responder(), other(&scene));
            scene.ask(&good).await.ok();

            if broken == "gone" {
                std::fs::remove_file(&file.0).unwrap();
            } else {
                std::fs::write(&file.0, broken).unwrap();
            }
            assert!(scene.server.app().trust.reload().is_err());
            scene.wait(60);
            scene.ask(&good).await.ok();
            let unseen =
                scene.issue(|contents| names_responder(contents, &scene.responder.url("/ocsp")));
            scene.ask(&unseen).await.refused(401, "invalid_client");
            let text = scene.server.app().metrics.render(0, 0);
            assert!(text.contains("{source=\"crl\",outcome=\"unreadable\"}"), "{text}");

            scene.wait(3600);
            let names_it = |contents: &mut CertificateParams| {
                contents.serial_number = Some(SerialNumber::from(8));
                names_responder(contents, &scene.responder.url("/ocsp"));
            };
            scene.ask(&good).await.refused(503, "temporarily_unavailable");
            scene.ask(&scene.issue(names_it)).await.refused(503, "temporarily_unavailable");
            assert_ne!(scene.ask(&revoked).await.status, 200);

            std::fs::write(&file.0, list(&authority, &[SERIAL], scene.server.trace().now()))
                .unwrap();
            scene.server.app().trust.reload().unwrap();
            scene.wait(60);
            scene.ask(&good).await.ok();
            scene.ask(&scene.issue(names_it)).await.ok();
        }
    }
}

/// An operator sees it.
#[tokio::test]
async fn what_was_asked_is_counted() {
    let scene = Scene::new(Revocation::SoftFail).await;
    scene.say(|_| Status::Good);
    scene.ask(&scene.with_responder()).await.ok();
    scene.responder.hang_up();
    scene.ask(&scene.with_list()).await.ok();

    let text = scene.server.app().metrics.render(0, 0);

    for line in [
        "gatewright_revocation_checks_total{source=\"ocsp\",outcome=\"good\"} 1",
        "gatewright_revocation_checks_total{source=\"crl\",outcome=\"unreachable\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

/// What its authority has last said of a certificate can be looked up, and nobody is asked for it.
#[tokio::test]
async fn what_was_last_said_is_kept_for_whoever_looks() {
    for names_responder in [true, false] {
        let scene = Scene::new(Revocation::HardFail).await;
        let shown = if names_responder {
            scene.say(|_| Status::Good);
            scene.with_responder()
        } else {
            scene.publish(&[]);
            scene.with_list()
        };
        scene.ask(&shown).await.ok();
        let app = scene.server.app();
        let now = scene.server.trace().now();
        let inventory = Inventory { store: &app.store, config: &app.config, now };
        inventory.note_anchors(&app.trust.anchors()).await.unwrap();
        app.sightings.flush(&app.store, &app.trust).await.unwrap();
        scene.server.wait(60);

        let entry = inventory.find(&shown.thumbprint()).await.unwrap().remove(0);
        let said = inventory.last_said(&entry.certificate).await.unwrap();

        let [said] = &said[..] else { panic!("{said:?}") };
        let (source, path) = if names_responder { ("ocsp", "/ocsp") } else { ("crl", "/list") };
        assert_eq!((said.source, &said.place), (source, &scene.responder.url(path)));
        assert_eq!((said.status, said.fetched_at), (Status::Good, now));
        assert!(said.expires_at > now);
    }
}
